"""The requests of the guides are sent as they stand there, and answered as they say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.structure.repository import ROOT

#: The guides, and how many requests there are at least.
GUIDES = {"api.md": 13, "roles.md": 8}
BLOCK = re.compile(r"^```(http|json)(?: (\d{3}))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
CHANGING = ("request_id",)


@pytest.mark.parametrize("guide", GUIDES)
async def test_the_guide(api: Api, guide: str) -> None:
    blocks = BLOCK.findall((ROOT / "docs" / "guides" / guide).read_text(encoding="utf-8"))
    assert len([kind for kind, _, _ in blocks if kind == "http"]) >= GUIDES[guide]
    id = ""
    last: dict[str, Any] = {}
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
        last = answer.json() if answer.content else {}
        # the first thing that was made; a person's own account is not
        if method == "POST":
            id = id or str(last.get("id", ""))
    assert id
