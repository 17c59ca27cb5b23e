"""What was archived under the id of somebody who was merged later."""

from __future__ import annotations

from uuid import UUID

from core.tests.archive.conftest import MONTHS, Past
from core.tests.web.browsing import signed_in


async def shown(past: Past, customer: UUID) -> set[str]:
    browser = await signed_in(past.house)
    page = await browser.page(f"/customers/{customer}/archived")
    return {each["id"] for each in page.all("li") if each.get("id", "").startswith("e-")}


async def archived(past: Past, customer: UUID) -> set[object]:
    return {
        row[0]
        async for entry, rows in past.house.archive.of_customer(customer)
        if entry.kind == "core_interaction"
        for row in rows
    }


async def test_archived_months_of_who_was_merged_are_the_survivors(past: Past) -> None:
    await past.lived(each=12)
    house = past.house
    survivor, absorbed, other = past.customers[:3]
    await house.archive.run(until=MONTHS[1], kinds=["core_interaction"])
    before = {who: await shown(past, who) for who in (survivor, absorbed, other)}
    assert all(before.values())
    merge = await house.merging.merge(survivor, absorbed, by="person:x", reason="", evidence={})
    assert await shown(past, survivor) == before[survivor] | before[absorbed]
    assert len(await archived(past, survivor)) == len(before[survivor] | before[absorbed])
    # a chain: the one who stays is absorbed as well
    second = await house.merging.merge(other, survivor, by="person:x", reason="", evidence={})
    assert await shown(past, other) == set().union(*before.values())
    await house.merging.unmerge(second.id, by="person:x")
    await house.merging.unmerge(merge.id, by="person:x")
    assert {who: await shown(past, who) for who in before} == before
