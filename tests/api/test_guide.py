"""The requests of the guide are sent as they stand there, and answered as it says."""

from __future__ import annotations

import json
import re

from tests.api.conftest import Api
from tests.structure.repository import ROOT

GUIDE = ROOT / "docs" / "guides" / "api.md"
BLOCK = re.compile(r"^```(http|json)(?: (\d{3}))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
CHANGING = ("request_id",)


async def test_the_guide(api: Api) -> None:
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len([kind for kind, _, _ in blocks if kind == "http"]) > 12
    id, last = "", {}
    for kind, status, text in blocks:
        if kind == "json":
            shown = json.loads(text)
            assert {**last, **dict.fromkeys(CHANGING)} == {**shown, **dict.fromkeys(CHANGING)}
            continue
        head, _, body = text.replace("{id}", id).partition("\n\n")
        request, *headers = head.strip().splitlines()
        method, path = request.split()
        answer = await api.ask(
            method,
            path,
            content=body.strip().encode(),
            headers=dict(header.split(": ", 1) for header in headers),
        )
        assert answer.status_code == int(status), f"{request}: {answer.text}"
        last = answer.json()
        id = id or str(last.get("id", ""))
    assert id
