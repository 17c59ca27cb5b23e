"""The guide to messages says what is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.contact.outbox.events import EVENT_TYPES
from relatum.contact.outbox.outcomes import WAITS
from relatum.contact.outbox.types import STATES
from relatum.customers.types import CustomerDraft
from relatum_sdk.people import client_of, make_person, make_token

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "guides" / "messages.md").read_text(encoding="utf-8")


def test_the_table_has_every_state() -> None:
    assert re.findall(r"^\| `([a-z]+)` \|", TEXT, re.MULTILINE) == list(STATES)


def test_the_events_and_the_waits_are_those() -> None:
    for each in EVENT_TYPES:
        assert f"`{each.id}`" in TEXT or f"`_{each.id.rpartition('_')[2]}`" in TEXT
    assert [each.total_seconds() / 60 for each in WAITS] == [1, 10, 60, 360, 1440]


def test_the_check_of_the_guide_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "messages.md", "exec"), {})  # noqa: S102


async def test_the_request_of_the_guide_is_taken(tmp_path: Path) -> None:
    (body,) = re.findall(r"-d '(\{.*?\]\})'", TEXT, re.DOTALL)
    async with await House.open(Settings(home=tmp_path, safe_mode=True)) as house:
        await house.migrate_apply()
        (id,) = await house.customers.create([CustomerDraft(display_name="Lan")], by="test")
        account = await make_person(house)
        token = await make_token(house, account)
        async with client_of(create_app(house), account=account, token=token) as client:
            sent = json.loads(body.replace("'$ID'", str(id)))
            answer = await client.post("/api/v1/messages", json=sent)
            assert answer.status_code == 201, answer.text
            (message,) = answer.json()["items"]
            assert message["reasons"][0]["rule"] == "address", "Lan has no e-mail address"
            found = await client.get("/api/v1/messages", params={"customer": str(id)})
            assert [each["id"] for each in found.json()["items"]] == [message["id"]]
