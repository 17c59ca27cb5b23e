"""The guide to subject exports: its code runs as it stands."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from relatum.customers.subject.packing import FORMAT
from tests.api.conftest import Api, api

__all__ = ["api"]

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "subject_export.md").read_text("utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


async def test_from_asking_to_the_link(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = CODE
    told: dict[str, Any] = {}
    exec(compile(code, "subject_export.md", "exec"), told)  # noqa: S102 - the guide's own code
    customer = await api.customer("Lan")
    link = await told["everything_about"](api, customer["id"], api.house.worker.drain)
    assert capsys.readouterr().out == "ready\n"
    file = await api.get(link)
    with zipfile.ZipFile(io.BytesIO(file.content)) as packed:
        names = packed.namelist()
        assert FORMAT in packed.read("manifest.json").decode()
    listed = set(re.findall(r"^\| `([\w.]+)` \|", GUIDE, re.MULTILINE))
    assert listed == {name for name in names if "/" not in name}
