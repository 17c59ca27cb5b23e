"""The guide to erasing: its code runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.api.conftest import Api, api

__all__ = ["api"]

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "erasure.md").read_text("utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


async def test_erase(api: Api) -> None:
    (code,) = CODE
    told: dict[str, Any] = {}
    exec(compile(code, "erasure.md", "exec"), told)  # noqa: S102 - the guide's own code
    customer = await api.customer("Lan")
    location = await told["erase"](api, customer["id"])
    receipt = (await api.get(location.removeprefix("/api/v1"))).json()
    assert receipt["customer"] == customer["id"]
