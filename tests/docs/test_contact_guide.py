"""The guide to consent and contact says what is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import msgspec

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Contact as ContactSettings
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.web.pages.customers.contact import RULES
from relatum_sdk.people import client_of, make_person, make_token

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "contact.md"
TEXT = GUIDE.read_text(encoding="utf-8")


def test_the_settings_of_the_guide_are_the_defaults() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    written = tomllib.loads(block)["contact"]
    assert msgspec.convert(written, ContactSettings) == ContactSettings()
    assert set(written) == set(ContactSettings.__struct_fields__)


def test_the_table_names_every_rule_of_the_gate() -> None:
    first_cells = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
    named = {name for cell in first_cells for name in re.findall(r"`([a-z_…]+)`", cell)}
    rules = {"hold_…" if rule.startswith("hold_") else rule for rule in RULES}
    assert named == rules


async def test_the_request_of_the_guide_records_a_consent(tmp_path: Path) -> None:
    (body,) = re.findall(r"-d '(\{.*?\})'", TEXT, re.DOTALL)
    async with await House.open(Settings(home=tmp_path, safe_mode=True)) as house:
        await house.migrate_apply()
        token = await make_token(house, await make_person(house, "owner"))
        (id,) = await house.customers.create([CustomerDraft(display_name="Hoa")], by="test")
        async with client_of(create_app(house)) as client:
            answer = await client.post(
                f"/api/v1/customers/{id}/consents",
                json=json.loads(body),
                headers={"Authorization": f"Bearer {token}"},
            )
        assert answer.status_code == 201, answer.text
        (line,) = await house.contact.consents.of(id)
        assert (line.purpose, line.channel, line.method) == ("advertising", "sms", "form")
