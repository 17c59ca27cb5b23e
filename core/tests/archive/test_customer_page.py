"""Archived interactions on the page of a customer."""

from __future__ import annotations

from core.tests.archive.conftest import MONTHS, Past
from core.tests.web.browsing import signed_in
from relatum.access.policies import Policy
from relatum.interactions.types import InteractionQuery


async def test_what_left_the_database_is_shown_on_demand(past: Past) -> None:
    await past.lived(each=12)
    house, customer = past.house, past.customers[0]
    query = InteractionQuery(customer_id=customer, limit=200)
    before = {str(one.id) for one in (await house.interactions.find(query)).items}
    await house.archive.run(until=MONTHS[1], kinds=["core_interaction"])
    left = {str(one.id) for one in (await house.interactions.find(query)).items}
    gone = before - left
    assert gone
    browser = await signed_in(house)
    page = await browser.page(f"/customers/{customer}")
    assert f"/customers/{customer}/archived" in {a["href"] for a in page.all("a")}
    page = await browser.page(f"/customers/{customer}/archived")
    shown = {each["id"] for each in page.all("li") if each.get("id", "").startswith("e-")}
    assert shown == {f"e-{id}" for id in gone}
    assert "hàng 3" in page.text

    seller = await signed_in(house, "sales", policy=Policy(scopes=["all"], unmasked=[]))
    page = await seller.page(f"/customers/{customer}/archived")
    assert "chỉ dành cho người được xem đầy đủ" in page.text
    assert "hàng 3" not in page.text

    for file in past.folder.glob("core_interaction*"):
        file.write_bytes(b"broken")
    page = await browser.page(f"/customers/{customer}/archived")
    assert "không đọc được" in page.text
