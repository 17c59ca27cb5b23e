"""Erasing on a schedule: what is open keeps somebody, who stays does not keep the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from relatum.app.house import House
from relatum.contact.types import HoldDraft
from relatum.customers.erasing.business import HOOK
from relatum.customers.erasing.files import Files
from relatum.customers.erasing.types import Erasure
from relatum.customers.types import CustomerDraft
from relatum.hooks.declarations import OpenBusiness
from relatum.values.problems import PluginError
from relatum.values.text import Text

BY, WHY = "plugin:spa", "retention: idle"
DEAL = Text(en="1 open deal", vi="1 cơ hội đang mở")


class Plan:
    """A schedule that lets some stay, and notes what it is told."""

    def __init__(self, *staying: UUID) -> None:
        self.keeps = set(staying)
        self.asked: list[int] = []
        self.receipts: list[Erasure] = []

    async def staying(self, customers: Sequence[UUID]) -> Mapping[UUID, str]:
        self.asked.append(len(customers))
        return {id: f"{id} came back" for id in customers if id in self.keeps}

    async def erased(self, receipts: Sequence[Erasure]) -> None:
        self.receipts += receipts


@pytest.fixture
def answers(core_house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Plugins of the house answer like this from now on."""

    def set_to(answer: Sequence[UUID] | Exception) -> None:
        async def take_part(hook: str, /, **arguments: Any) -> list[tuple[str, Any]]:
            if hook != HOOK:
                return []
            if isinstance(answer, Exception):
                raise answer
            asked = set(arguments["customers"])
            return [("spa", [OpenBusiness(customer=id, text=DEAL) for id in answer if id in asked])]

        monkeypatch.setattr(core_house.dispatcher, "take_part", take_part)

    return set_to


async def people(house: House, count: int) -> list[UUID]:
    drafts = [CustomerDraft(display_name=f"Nguyễn Văn {n}") for n in range(count)]
    return await house.customers.create(drafts, by="system")


async def test_who_stays_keeps_nobody_else(core_house: House, answers: Callable[..., None]) -> None:
    ids = await people(core_house, 5)
    hold = HoldDraft(customer=ids[0], kind="legal", reason="vụ kiện")
    await core_house.contact.wishes.hold(hold, by="system")
    answers([ids[1]])
    plan = Plan(ids[2])
    batch = await core_house.erasing.erase_scheduled(ids, plan, by=BY, reason=WHY)
    assert {each.customer: each.code for each in batch.refused} == {
        ids[0]: "legal-hold",
        ids[1]: "open-business",
        ids[2]: "not-due",
    }
    assert [each.customer for each in batch.erased] == ids[3:]
    assert plan.receipts == batch.erased
    assert plan.asked == [3, 2]


async def test_an_error_while_it_is_told_undoes_the_erasure(core_house: House) -> None:
    ids = await people(core_house, 2)

    class Breaks(Plan):
        async def erased(self, receipts: Sequence[Erasure]) -> None:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await core_house.erasing.erase_scheduled(ids, Breaks(), by=BY, reason=WHY)
    assert len(await core_house.customers.get_many(ids)) == 2
    assert await core_house.erasing.receipts() == []


async def test_what_nobody_knows_keeps_everybody_from_a_schedule(
    core_house: House, answers: Callable[..., None]
) -> None:
    ids = await people(core_house, 2)
    answers(PluginError("Plugin spa 1.0 failed"))
    batch = await core_house.erasing.erase_scheduled(ids, Plan(), by=BY, reason=WHY)
    assert [each.code for each in batch.refused] == ["not-told", "not-told"]
    [said] = (await core_house.erasing.preview(ids[0])).business
    assert "spa 1.0" in said.en
    assert (await core_house.erasing.erase(ids[0], by=BY, reason=WHY)).customer == ids[0]


@pytest.mark.parametrize("scheduled", [True, False])
async def test_a_hold_that_comes_late_keeps_one_of_the_batch(
    core_house: House, scheduled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await people(core_house, 3)
    delete, late = Files.delete, [ids[1]]

    async def meanwhile(self: Files, *given: Any) -> Any:
        for id in list(late):
            late.remove(id)
            hold = HoldDraft(customer=id, kind="legal", reason="vụ kiện")
            await core_house.contact.wishes.hold(hold, by="system")
        return await delete(self, *given)

    monkeypatch.setattr(Files, "delete", meanwhile)
    erasing = core_house.erasing
    if scheduled:
        batch = await erasing.erase_scheduled(ids, Plan(), by=BY, reason=WHY)
    else:
        batch = await erasing.erase_many(ids, by=BY, reason=WHY)
    assert [(each.customer, each.code) for each in batch.refused] == [(ids[1], "legal-hold")]
    assert {each.customer for each in batch.erased} == {ids[0], ids[2]}
    assert [each.id for each in await core_house.customers.get_many(ids)] == [ids[1]]
