"""What is found wrong is said in the language of the page, in forms and in imports."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import relatum_sales_pipeline
from core.tests.web.browsing import signed_in
from relatum.api import Plugin
from relatum.app.house import House
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.teams import TeamDraft
from relatum_sales_pipeline.wording import AGENT_GIVEN_TWICE, SENTENCES

ROOT = Path(relatum_sales_pipeline.__file__).parent
#: Found by routes only, which speak English; or said by core; or by the page itself.
ELSEWHERE = {
    "bad-month",
    "bad-months",
    "bad-year",
    "given-twice",
    "missing",
    "too-few",
    "unknown-field",
    "wrong-value",
}


def codes(path: Path) -> Iterator[str]:
    """The codes of problems that a file makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
        if name == "Problem":
            given = {each.arg: each.value for each in node.keywords}
            if isinstance(given.get("code"), ast.Constant):
                yield given["code"].value  # type: ignore[union-attr]
        elif name == "add" and len(node.keywords) > 1 and texts:
            yield str(texts[0])
        elif name == "unknown" and texts:
            yield f"unknown-{texts[0]}".replace(" ", "-")


def test_every_problem_has_a_sentence_in_both_languages() -> None:
    found = {code for path in sorted(ROOT.rglob("*.py")) for code in codes(path)}
    assert len(found) > 40
    assert sorted(found - set(SENTENCES) - ELSEWHERE) == []
    for text in [*SENTENCES.values(), AGENT_GIVEN_TWICE]:
        assert text.vi
        assert text.en != text.vi
        for said in (text.en, text.vi):
            said % {"got": "a", "expected": "b"} if "%(" in said else said
            assert said[0] not in string.ascii_lowercase


async def test_a_form_says_it_in_vietnamese(house: House, plugin: Plugin) -> None:
    (north,) = await Teams(plugin).create_teams([TeamDraft(name="North")])
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "vi"
    path = "/p/sales_pipeline/targets?edit=on"
    page = await browser.page(path)
    field = next(name for name in page.form(path).names if name.startswith(f"t{north.hex}"))
    again = browser.shown(await browser.send(page, path, **{field: "nhiều"}), 422)
    assert "Đây không phải là số tiền." in again.text
    assert 'lang="en"' not in again.source.partition("<main")[2]
    await browser.client.aclose()


async def test_an_import_says_it_in_vietnamese(house: House, plugin: Plugin) -> None:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "vi"
    fields = dict((await browser.page("/imports/new")).form("/imports/new").filled())
    fields |= {"target": "sales_pipeline.deals"}
    content = "mã cơ hội,tên cơ hội,giai đoạn,giá trị\nD1,Mái nhà,won,100\nD2,Tường,engaging,-5\n"
    fields.pop("file", None)
    sent = {"file": ("cơ hội.csv", content.encode())}
    answer = await browser.client.post("/imports/new", data=fields, files=sent)
    path = answer.headers["location"]
    answer = await browser.send(await browser.follow(answer), path)
    await house.worker.drain()
    shown = await browser.follow(answer)
    for code in ("closed-without-day", "no-account", "negative-value"):
        assert SENTENCES[code].vi in shown.text, code
    assert "was closed" not in shown.text
    await browser.client.aclose()
