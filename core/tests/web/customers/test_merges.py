"""The pages of merging, by forms alone."""

from __future__ import annotations

from uuid import UUID

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.customers.types import ContactPointDraft, CustomerDraft, FieldDraft

PHONE = [ContactPointDraft(kind="phone", raw="0912 345 678")]


async def made(browser: Browser) -> tuple[UUID, UUID]:
    customers = browser.house.customers
    await customers.declare_fields([FieldDraft(key="city", title_en="City", title_vi="Thành phố")])
    one, other = await customers.create(
        [
            CustomerDraft(
                display_name="Trần Thị Lan", contact_points=PHONE, fields={"city": "Huế"}
            ),
            CustomerDraft(display_name=EVIL, contact_points=PHONE, tags=["vip"]),
        ],
        by="system",
    )
    return one, other


async def test_who_looks_the_same_is_compared_merged_and_taken_back(browser: Browser) -> None:
    one, other = await made(browser)
    path = f"/customers/{one}"
    assert {"class": "button ghost", "href": f"{path}/merge"} in (await browser.page(path)).all("a")
    page = await browser.page(f"{path}/merge?lang=en")
    assert "same phone" in page.text
    assert EVIL in page.text
    preview = f"{path}/merge/{other}"
    page = await browser.page(preview)
    assert "City" in page.text
    assert page.planted == []
    answer = await browser.send(
        page, preview, **{"keep.display_name": "survivor", "reason": "cùng một số"}
    )
    page = await browser.follow(answer)
    stored = await browser.house.customers.get(one)
    assert (stored.display_name, stored.tags) == ("Trần Thị Lan", ["vip"])
    assert [point.raw for point in stored.contact_points] == ["0912 345 678"]
    answer = await browser.answer(f"/customers/{other}")
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    listed = await browser.page(f"{path}/merges?lang=en")
    assert "cùng một số" in listed.text
    (merge,) = await browser.house.merging.of(one)
    undo = f"{path}/merges/{merge.id}"
    assert {"href": undo} in [{"href": a.get("href")} for a in listed.all("a")]
    page = await browser.page(undo)
    await browser.follow(await browser.send(page, f"{undo}/undo"))
    assert (await browser.house.customers.get(other)).display_name == EVIL
    assert (await browser.house.customers.get(one)).tags == []


async def test_the_toast_takes_it_back_at_once(browser: Browser) -> None:
    one, other = await made(browser)
    preview = f"/customers/{one}/merge/{other}"
    page = await browser.follow(await browser.send(await browser.page(preview), preview))
    (merge,) = await browser.house.merging.of(one)
    await browser.follow(await browser.send(page, f"/customers/{one}/merges/{merge.id}/undo"))
    assert (await browser.house.customers.get(other)).tags == ["vip"]


async def test_somebody_is_looked_for(browser: Browser) -> None:
    one, _ = await made(browser)
    (third,) = await browser.house.customers.create(
        [CustomerDraft(display_name="Ngô Văn Sáu")], by="system"
    )
    page = await browser.page(f"/customers/{one}/merge?q=sau")
    assert {"href": f"/customers/{one}/merge/{third}"} in [
        {"href": a.get("href")} for a in page.all("a")
    ]


async def test_who_may_not_merge_is_not_offered_it(browser: Browser) -> None:
    one, other = await made(browser)
    sales = await signed_in(browser.house, "sales")
    answer = await sales.answer(f"/customers/{one}/merge/{other}")
    assert answer.status_code in (403, 404)
