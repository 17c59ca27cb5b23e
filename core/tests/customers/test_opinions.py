"""What plugins say of drafts: united, told where somebody is written, and never in the way."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.tests.customers.test_duplicates import phone
from relatum.app.house import House
from relatum.customers.duplicates import Sought
from relatum.customers.opinions import united
from relatum.customers.types import CustomerDraft
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import LikelyDuplicate
from relatum.values.ids import new_id
from relatum.values.text import Text

BY = "system"


def test_what_several_say_of_one_pair_is_one() -> None:
    who = new_id()
    card, face = Text(en="same card", vi="trùng thẻ"), Text(en="same face", vi="trùng mặt")
    said = united(
        [
            LikelyDuplicate(index=1, customer=who, probability=0.2, reasons=(card,)),
            LikelyDuplicate(index=1, draft=0, probability=0.3),
            LikelyDuplicate(index=1, customer=who, probability=0.9, sure=True, reasons=(face,)),
        ]
    )
    assert [(one.customer, one.draft, one.probability, one.sure) for one in said] == [
        (who, None, 0.9, True),
        (None, 0, 0.3, False),
    ]
    assert said[0].reasons == (face, card)


async def test_without_plugins_equal_reach_is_told_and_equal_names_are_sure(
    core_house: House,
) -> None:
    there = CustomerDraft(display_name="Nguyễn Văn Hùng", contact_points=[phone("0901 234 567")])
    [id] = await core_house.customers.create([there], by=BY)
    drafts = [
        CustomerDraft(display_name="hung nguyen van", contact_points=[phone("+84901234567")]),
        CustomerDraft(display_name="Trần Thị Mai", contact_points=[phone("0901234567")]),
        CustomerDraft(display_name="Nguyễn Văn Hùng"),
    ]
    found = await core_house.customers.duplicates.among(drafts)
    assert [(one.index, one.customer, one.draft, one.sure) for one in found] == [
        (0, id, None, True),
        (1, id, None, False),
        (1, None, 0, False),
    ]
    assert all(one.probability is None for one in found)


@pytest.fixture
def judged(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> list[LikelyDuplicate]:
    """Somebody judges drafts in the house of the test, as told."""
    name = "core_house" if "core_house" in request.fixturenames else "house"
    house: House = request.getfixturevalue(name)
    verdicts: list[LikelyDuplicate] = []

    async def of(drafts: object) -> list[LikelyDuplicate] | None:
        return verdicts

    monkeypatch.setattr(house.customers.duplicates._opinions, "of", of)
    return verdicts


async def test_a_judgement_takes_the_place_of_names(core_house: House, judged: Any) -> None:
    there = CustomerDraft(display_name="Nguyễn Văn Hùng", contact_points=[phone("0901 234 567")])
    hung, other = await core_house.customers.create(
        [there, CustomerDraft(display_name="Lê Thị Hoa")], by=BY
    )
    sought = Sought(display_name="Nguyễn Văn Hùng", contact_points=[phone("0901234567")])
    why = (Text(en="same card", vi="trùng thẻ"),)
    judged.append(LikelyDuplicate(index=0, customer=other, probability=0.8, reasons=why))
    likely = await core_house.customers.duplicates.of(sought)
    assert [(one.id, one.probability, one.strong, list(one.reasons)) for one in likely] == [
        (other, 0.8, True, []),
        # the same telephone is told, and is no obstacle when nobody thinks it is the same person
        (hung, None, False, ["phone"]),
    ]


async def test_the_api_tells_and_refuses(house: House, client: Any, judged: Any) -> None:
    draft = {"display_name": "Nguyễn Văn Hùng"}
    plain = await client.post("/api/v1/customers", json=draft)
    assert plain.status_code == 201
    assert "duplicates" not in plain.json()
    id = plain.json()["id"]
    judged.append(LikelyDuplicate(index=0, customer=(await _ids(house))[0], probability=0.7))
    shown = await client.post("/api/v1/customers?duplicates=show", json=draft)
    assert shown.status_code == 201, shown.text
    assert [(d["id"], d["probability"]) for d in shown.json()["duplicates"]] == [(id, 0.7)]
    refused = await client.post("/api/v1/customers?duplicates=refuse", json=draft)
    assert refused.status_code == 409
    assert [d["id"] for d in refused.json()["duplicates"]] == [id]
    judged[0] = LikelyDuplicate(index=0, customer=judged[0].customer, probability=0.3)
    weak = await client.post("/api/v1/customers?duplicates=refuse", json=draft)
    assert weak.status_code == 201
    unknown = await client.post("/api/v1/customers?duplicates=maybe", json=draft)
    assert unknown.status_code == 422


async def _ids(house: House) -> list[Any]:
    return [id for (id,) in await house.db.fetch("SELECT id FROM core_customer ORDER BY id")]


RAISES = """
from relatum.api import hookimpl

@hookimpl
async def relatum_find_duplicates(plugin, drafts):
    await plugin.house.db.fetch("SELECT nothing FROM nowhere")
"""


async def test_a_plugin_that_fails_keeps_nobody_from_saving(
    core_house: House, bring: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    await bring(core_house, "spa", RAISES)
    there = CustomerDraft(display_name="Lan", contact_points=[phone("0901 234 567")])
    await core_house.customers.create([there], by=BY)
    async with core_house.db.transaction():
        [found] = await core_house.customers.duplicates.among([there])
        assert (await core_house.db.fetch("SELECT 1"))[0][0] == 1
    assert found.sure
    assert "plugin spa" in caplog.text.lower()


@pytest.fixture
def bring() -> Callable[..., Any]:
    async def bring(house: House, id: str, code: str) -> None:
        module = types.ModuleType(f"relatum_{id}")
        exec(compile(code, str(Path(f"{id}.py")), "exec"), module.__dict__)  # noqa: S102
        plugin = Plugin(id, version="1.0")
        plugin.move_in(house)
        assert house.dispatcher.add(plugin, module) == []
        assert house.dispatcher.declare(plugin) == []
        house.gate.set(house.gate.on | {id})

    return bring
