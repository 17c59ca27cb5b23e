"""What the log notes beside the facts."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec

from relatum.app.house import House
from relatum.customers.types import CustomerDraft
from relatum.events.context import because, current_context

TOKEN = UUID("01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1f")


async def contexts(house: House) -> list[object]:
    rows = await house.db.fetch("SELECT context FROM core_event ORDER BY seq")
    return [None if text is None else msgspec.json.decode(text) for (text,) in rows]


async def create(house: House, by: str = "person:1") -> None:
    await house.customers.create([CustomerDraft(display_name="Lan")], by=by)


async def test_is_stored_with_each_event(core_house: House) -> None:
    await create(core_house)
    with because("she called", request="r-1", token=TOKEN):
        await create(core_house)
        with because(actor="person:7"):
            await create(core_house, by="import:5")
            await create(core_house, by="person:7")
    await create(core_house)
    noted = {"why": "she called", "request": "r-1", "token": str(TOKEN)}
    assert await contexts(core_house) == [
        None,
        noted,
        {**noted, "actor": "person:7"},
        noted,  # who asked is who did it
        None,
    ]


async def test_is_of_one_task(core_house: House) -> None:
    async def other() -> None:
        with because("other"):
            await create(core_house)

    with because("mine"):
        await asyncio.gather(other(), other())
        await create(core_house)
    assert [each["why"] for each in await contexts(core_house)] == ["other", "other", "mine"]  # type: ignore[index]
    assert current_context().why == ""


def test_a_long_reason_is_cut() -> None:
    with because("x" * 500):
        assert current_context().why == "x" * 300


async def test_does_not_reach_handlers(core_house: House) -> None:
    with because("she called"):
        await create(core_house)
    (event,) = await core_house.events.by_seq([1])
    assert "she called" not in repr(event)
