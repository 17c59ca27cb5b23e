"""The guide to merging: its code runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api, api

__all__ = ["api"]

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "merging.md").read_text("utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


async def test_there_and_back(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = CODE
    told: dict[str, Any] = {}
    exec(compile(code, "merging.md", "exec"), told)  # noqa: S102 - the guide's own code
    one, other = await api.customer("Lan"), await api.customer("Lan Anh")
    undone = await told["merge_and_back"](api, one["id"], other["id"])
    assert undone.json()["undone_because"] == "they are sisters"
    assert "('display_name', 'absorbed', 'recent')" in capsys.readouterr().out
