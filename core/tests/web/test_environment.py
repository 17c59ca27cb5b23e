"""What templates become: texts of whoever they belong to, without the blanks that only we need."""

from __future__ import annotations

from pathlib import Path

import pytest

from relatum.app.house import House
from relatum.web.rendering import Renderer


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<p>\n    one\n\n\n  two </p>", "<p>\none\ntwo </p>"),
        ("<b>a</b>   <b>b</b>", "<b>a</b> <b>b</b>"),
        ("{% if true %}\n<i>\n    {{ 1 }}\n  </i>\n  {% endif %}\n", "<i>\n1\n</i>\n"),
        ("{% for n in (1, 2) %}\n    <td>{{ n }}</td>\n{% endfor %}", " <td>1</td>\n <td>2</td>\n"),
        ("<pre>\n  {{ 1 }}\n    two\n</pre>\n  <p>", "<pre>\n  1\n    two\n</pre>\n  <p>"),
        ("<pre>a</pre>{{ 1 }}\n  <p>\n  </p>", "<pre>a</pre>1\n<p>\n</p>"),
        ("{{ '  a\n    b' }}", "  a\n    b"),
        ("a\u00a0\n\u00a0b", "a\u00a0\n\u00a0b"),
    ],
)
def test_indents_are_not_sent(core_house: House, tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "relatum").mkdir()
    (tmp_path / "relatum" / "tried.html").write_text(written, "utf-8")
    assert Renderer(core_house.registry, tmp_path).render("relatum/tried.html", "en") == said
