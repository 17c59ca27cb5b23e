"""The list of customers in a browser without JavaScript."""

from __future__ import annotations

import json
from urllib.parse import urlencode
from uuid import UUID

import pytest

from core.tests.web.browsing import EVIL, Browser, Page, signed_in
from relatum.app.house import House
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
)

NAMES = ("Đặng Thị Hà", "Trần Hạ", "Lê Văn Bình", "Nguyễn An", "Công ty Ánh Dương")


@pytest.fixture
async def people(core_house: House) -> dict[str, UUID]:
    """Five customers by name; the last is an organisation."""
    await core_house.customers.declare_fields(
        [FieldDraft(key="points", type="integer", title_vi="Điểm", title_en="Points")]
    )
    ids = await core_house.customers.create(
        [
            CustomerDraft(
                display_name=name,
                kind="organisation" if name.startswith("Công ty") else "person",
                contact_points=[ContactPointDraft(kind="phone", raw=f"090123450{n}")],
                roles=["customer"] if n % 2 else ["prospect"],
                tags=["vip"] if n < 2 else [],
                fields={"points": n * 10},
            )
            for n, name in enumerate(NAMES)
        ],
        by="system",
    )
    return dict(zip(NAMES, ids, strict=True))


def listed(page: Page) -> list[str]:
    """The names in the rows, in their order."""
    return [name for name in (text.strip() for text in page.texts) if name in NAMES]


async def test_everybody_is_listed_with_a_way_to_their_page(
    browser: Browser, people: dict[str, UUID]
) -> None:
    page = await browser.page("/customers?lang=vi")
    assert sorted(listed(page)) == sorted(NAMES)
    assert "5 khách hàng" in page.text
    links = [link["href"] for link in page.all("a") if "data-open" in link]
    assert sorted(link.partition("?")[0] for link in links) == sorted(
        f"/customers/{id}" for id in people.values()
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ha", {"Đặng Thị Hà", "Trần Hạ"}),
        ("q=dang%20thi", {"Đặng Thị Hà"}),
        ("q=0901234502", {"Lê Văn Bình"}),
        ("q=345", set(NAMES)),
        ("role=customer", {"Trần Hạ", "Nguyễn An"}),
        ("role=customer&tag=vip", {"Trần Hạ"}),
        ("kind=organisation", {"Công ty Ánh Dương"}),
        ("owner=nobody", set(NAMES)),
        ("owner=me", set()),
        ("field.points=20", {"Lê Văn Bình"}),
        ("field.points.from=9.5&field.points.until=30", {"Trần Hạ", "Lê Văn Bình", "Nguyễn An"}),
        ("quiet=30", set(NAMES)),
        ("created_first=2001-01-01&created_last=2001-12-31", set()),
        ("created_first=2001-01-01", set(NAMES)),
    ],
)
async def test_filters(
    browser: Browser, people: dict[str, UUID], query: str, names: set[str]
) -> None:
    page = await browser.page(f"/customers?{query}&lang=en")
    assert set(listed(page)) == names
    assert f"{len(names)} customers" in page.text
    if not names:
        assert "Nobody fits" in page.text


async def test_names_with_the_very_marks_come_first(
    browser: Browser, people: dict[str, UUID]
) -> None:
    assert listed(await browser.page("/customers?q=H%E1%BA%A1&sort=-display_name"))[0] == "Trần Hạ"
    assert listed(await browser.page("/customers?q=h%C3%A0&sort=display_name"))[0] == "Đặng Thị Hà"


async def test_somebody_new_who_was_spoken_with_is_not_quiet(
    core_house: House, browser: Browser, people: dict[str, UUID]
) -> None:
    from relatum.interactions.types import InteractionDraft

    draft = InteractionDraft(
        kind="core.note", customer_id=people["Nguyễn An"], payload={"text": "Gọi lại"}
    )
    await core_house.interactions.record([draft], by="system")
    page = await browser.page("/customers?quiet=30&columns=last_contact&lang=en")
    assert set(listed(page)) == set(NAMES) - {"Nguyễn An"}
    page = await browser.page("/customers?columns=last_contact&lang=en")
    assert len(page.all("time")) == 1


@pytest.mark.parametrize(
    "query",
    ["role=king", "created_first=yesterday", "owner=x", "sort=height", "cursor=x", "field.no=1"],
)
async def test_what_cannot_be_read_is_told_and_the_list_is_whole(
    browser: Browser, people: dict[str, UUID], query: str
) -> None:
    page = await browser.page(f"/customers?{query}", status=422)
    assert sorted(listed(page)) == sorted(NAMES)


async def test_pages_turn_both_ways(core_house: House, browser: Browser) -> None:
    await core_house.customers.create(
        [CustomerDraft(display_name=f"Khách {n:03}") for n in range(110)], by="system"
    )

    async def rows(address: str) -> tuple[list[str], str, str]:
        page = await browser.page(address)
        names = [text.strip() for text in page.texts if text.strip().startswith("Khách 0")]
        names += [text.strip() for text in page.texts if text.strip().startswith("Khách 1")]
        turns = {link["rel"]: link["href"] for link in page.all("a") if "rel" in link}
        return names, turns.get("prev", ""), turns.get("next", "")

    first, back, on = await rows("/customers?sort=display_name")
    assert (len(first), back) == (40, "")
    second, back, on = await rows(on)
    assert (len(second), len(set(first) & set(second))) == (40, 0)
    again, before, _ = await rows(back)
    assert (again, before) == (first, "")
    third, back, on = await rows(on)
    assert (len(third), on) == (30, "")
    assert (await rows(back))[0] == second


async def test_columns_are_chosen_in_an_order(browser: Browser, people: dict[str, UUID]) -> None:
    page = await browser.page("/customers?columns=field.points,kind,nonsense&lang=en")
    heads = page.source[page.source.index("<thead>") : page.source.index("</thead>")]
    assert heads.index("Points") < heads.index("Kind")
    assert "Phone" not in heads


async def test_a_part_for_htmx_is_the_results_alone(
    browser: Browser, people: dict[str, UUID]
) -> None:
    answer = await browser.answer(
        "/customers?q=binh",
        **{"hx-request": "true", "hx-request-type": "partial", "hx-target": "div#results"},
    )
    assert "<html" not in answer.text
    assert "Lê Văn Bình" in answer.text


async def test_a_seller_sees_and_counts_their_own(core_house: House) -> None:
    seller = await signed_in(core_house, "sales")
    await core_house.customers.create(
        [
            CustomerDraft(display_name="Lê Văn Bình", owner=seller.account),
            CustomerDraft(display_name="Nguyễn An"),
        ],
        by="system",
    )
    page = await seller.page("/customers?lang=en")
    assert listed(page) == ["Lê Văn Bình"]
    assert "1 customers" in page.text
    assert listed(await seller.page("/customers?q=nguyen")) == []
    assert listed(await seller.page("/customers?q=le")) == ["Lê Văn Bình"]


async def test_masked_numbers_are_neither_shown_nor_found(
    core_house: House, people: dict[str, UUID]
) -> None:
    analyst = await signed_in(core_house, "analyst")
    page = await analyst.page("/customers")
    assert "•••" in page.text
    assert "090123" not in page.text
    assert listed(await analyst.page("/customers?q=0901234502")) == []
    assert listed(await analyst.page("/customers?q=binh")) == ["Lê Văn Bình"]


async def test_hostile_names_stay_texts(core_house: House, browser: Browser) -> None:
    await core_house.customers.create(
        [CustomerDraft(display_name=EVIL, tags=[EVIL[:60]])], by="system"
    )
    page = await browser.page("/customers?q=%22%3E%3Cscript%3E&tag=%3Cb%3E")
    assert page.planted == []
    page = await browser.page("/customers")
    assert page.planted == []
    assert EVIL in page.text


async def test_a_cell_is_changed_where_it_stands(
    core_house: House, browser: Browser, people: dict[str, UUID]
) -> None:
    id = people["Nguyễn An"]
    path = f"/customers/{id}/cells/tags"
    page = await browser.page(path)
    answer = await browser.send(page, path, value="vip,  cần gọi ")
    assert answer.headers["location"] == "/customers"
    assert (await core_house.customers.get(id)).tags == ["vip", "cần gọi"]
    path = f"/customers/{id}/cells/field.points"
    page = await browser.page(path)
    refused = browser.shown(await browser.send(page, path, value="viele"), 422)
    assert "viele" in refused.source
    await browser.send(refused, path, value="77")
    assert (await core_house.customers.get(id)).fields == {"points": 77}


async def test_a_cell_that_was_changed_can_be_changed_back(browser: Browser) -> None:
    """From the toast of a script, and from the page that comes without one; back in the list."""
    house = browser.house
    (id,) = await house.customers.create(
        [CustomerDraft(display_name="Lan", tags=["cũ"])], by="system"
    )
    path = f"/customers/{id}/cells/tags"
    listed = {"referer": "http://127.0.0.1/customers?tag=c%C5%A9"}
    page = await browser.page(path, **listed)
    page = await browser.follow(await browser.send(page, path, value="mới"))
    undo = f"/customers/{id}/undo/2"
    fields = page.form(undo).filled()
    headers = {"content-type": "application/x-www-form-urlencoded", **listed}
    answer = await browser.client.post(undo, content=urlencode(fields), headers=headers)
    assert answer.headers["location"] == "/customers?tag=c%C5%A9"
    assert (await house.customers.get(id)).tags == ["cũ"]

    fields = (await browser.page(path)).form(path).filled(value="mới")
    asked = {"hx-request": "true", "hx-request-type": "partial", "hx-target": "td#cell"}
    answer = await browser.client.post(path, content=urlencode(fields), headers=headers | asked)
    assert answer.status_code == 200
    said = json.loads(answer.headers["hx-trigger"])["relatum:toast"]
    assert said["undo"] == f"/customers/{id}/undo/4"
    page = await browser.page("/account")
    page = await browser.follow(await browser.post(said["undo"], page.form("/sign-out").fields))
    assert (await house.customers.get(id)).tags == ["cũ"]

    fields = (await browser.page(path)).form(path).filled()
    answer = await browser.client.post(path, content=urlencode(fields), headers=headers | asked)
    assert answer.status_code == 200
    assert "hx-trigger" not in answer.headers, "nothing was changed, nothing is to be undone"


async def test_two_who_change_a_cell_see_both_versions(
    core_house: House, browser: Browser, people: dict[str, UUID]
) -> None:
    id = people["Nguyễn An"]
    path = f"/customers/{id}/cells/name"
    page = await browser.page(f"{path}?lang=en")
    await core_house.customers.change(id, CustomerChange(display_name="Nguyễn Văn An"), by="system")
    refused = browser.shown(await browser.send(page, path, value="Nguyễn Thị An"), 409)
    assert "Nguyễn Văn An" in refused.text
    assert ("value", "Nguyễn Thị An") in refused.form(path).fields
    answer = await browser.send(refused, path)
    assert answer.status_code == 303
    assert (await core_house.customers.get(id)).display_name == "Nguyễn Thị An"


async def test_a_view_is_kept_shared_and_opened(
    core_house: House, browser: Browser, people: dict[str, UUID]
) -> None:
    page = await browser.page("/views/new?role=customer&columns=phone,tags&sort=display_name")
    answer = await browser.send(
        page, "/views", title="Khách mua", shared="everybody", is_default="1"
    )
    opened = await browser.follow(answer)
    assert set(listed(opened)) == {"Trần Hạ", "Nguyễn An"}
    assert set(listed(await browser.page("/customers"))) == {"Trần Hạ", "Nguyễn An"}
    assert set(listed(await browser.page("/customers?view=all"))) == set(NAMES)
    colleague = await signed_in(core_house, "manager")
    page = await colleague.page("/views?lang=en")
    assert "Khách mua" in page.text
    assert not [form for form in page.forms if form.action.endswith("/delete")]
    page = await browser.page("/views")
    remove = next(form.action for form in page.forms if form.action.endswith("/delete"))
    await browser.send(page, remove)
    assert "Khách mua" not in (await colleague.page("/views")).text
    await browser.post(remove.replace("/delete", "/restore"), page.form(remove).fields)
    assert "Khách mua" in (await colleague.page("/views")).text


async def test_somebody_elses_private_view_is_not_there(
    core_house: House, browser: Browser
) -> None:
    page = await browser.page("/views/new?q=an")
    answer = await browser.send(page, "/views", title="Riêng tôi")
    id = answer.headers["location"].partition("view=")[2]
    colleague = await signed_in(core_house, "manager")
    assert "Riêng tôi" not in (await colleague.page("/views")).text
    form = (await colleague.page("/views/new")).form("/views")
    answer = await colleague.post(f"/views/{id}/delete", form.filled(title="x")[:1])
    assert answer.status_code in (404, 422)


async def bulk(browser: Browser, action: str, chosen: list[UUID], **values: str) -> Page:
    """Choose rows, an action, and say what it needs to know."""
    page = await browser.page("/customers")
    proof = [pair for pair in page.form("/customers/bulk").fields if pair[0] == "csrf"]
    pairs = [*proof, ("action", action), *(("id", str(id)) for id in chosen)]
    asked = browser.shown(await browser.post("/customers/bulk", pairs))
    return await browser.follow(await browser.send(asked, "/customers/bulk/do", **values))


async def test_many_are_tagged_and_it_is_taken_back(
    core_house: House, browser: Browser, people: dict[str, UUID]
) -> None:
    chosen = [people["Nguyễn An"], people["Trần Hạ"]]
    page = await bulk(browser, "add_tag", chosen, value="vip")
    undo = next(form for form in page.forms if form.action.endswith("/undo"))
    fit = await core_house.customers.find(CustomerQuery(tag="vip"))
    assert {one.id for one in fit.items} == {*chosen, people["Đặng Thị Hà"]}
    changed = (await core_house.customers.get(people["Nguyễn An"])).version
    await core_house.customers.change(
        people["Nguyễn An"], CustomerChange(tags=["vip", "mới"]), by="system"
    )
    assert changed == 2
    await browser.post(undo.action, undo.fields)
    # Somebody changed this one since: it stays.
    assert (await core_house.customers.get(people["Nguyễn An"])).tags == ["vip", "mới"]
    # This one had the tag before.
    assert (await core_house.customers.get(people["Trần Hạ"])).tags == ["vip"]


async def test_many_are_given_to_somebody(
    core_house: House, browser: Browser, people: dict[str, UUID]
) -> None:
    chosen = [people["Nguyễn An"], people["Trần Hạ"]]
    page = await bulk(browser, "owner", chosen, value=str(browser.account))
    mine = await core_house.customers.find(CustomerQuery(owner=browser.account))
    assert {one.id for one in mine.items} == set(chosen)
    undo = next(form for form in page.forms if form.action.endswith("/undo"))
    await browser.post(undo.action, undo.fields)
    assert not (await core_house.customers.find(CustomerQuery(owner=browser.account))).items


async def test_more_than_a_thousand_are_changed_in_the_background(
    core_house: House, browser: Browser
) -> None:
    await core_house.customers.create(
        [CustomerDraft(display_name=f"Khách {n}") for n in range(1_050)], by="system"
    )
    page = await browser.page("/customers")
    proof = [pair for pair in page.form("/customers/bulk").fields if pair[0] == "csrf"]
    pairs = [*proof, ("action", "role"), ("all", "1")]
    asked = browser.shown(await browser.post("/customers/bulk", pairs))
    sent = await browser.send(asked, "/customers/bulk/do", value="partner")
    where = sent.headers["location"]
    await browser.follow(sent)
    await core_house.worker.drain()
    page = await browser.page(f"{where}?lang=en")
    assert "1,050 changed" in page.text
    fit = await core_house.customers.count(CustomerQuery(role="partner"))
    assert fit == 1_050
    undo = next(form for form in page.forms if form.action.endswith("/undo"))
    await browser.post(undo.action, undo.fields)
    await core_house.worker.drain()
    assert await core_house.customers.count(CustomerQuery(role="partner")) == 0


async def test_a_seller_cannot_take_what_is_not_theirs(
    core_house: House, people: dict[str, UUID]
) -> None:
    seller = await signed_in(core_house, "sales")
    await core_house.customers.create(
        [CustomerDraft(display_name="Của tôi", owner=seller.account)], by="system"
    )
    page = await seller.page("/customers")
    proof = [pair for pair in page.form("/customers/bulk").fields if pair[0] == "csrf"]
    pairs = [*proof, ("action", "add_tag"), ("id", str(people["Nguyễn An"]))]
    asked = seller.shown(await seller.post("/customers/bulk", pairs))
    refused = await seller.send(asked, "/customers/bulk/do", value="của tôi")
    assert refused.status_code == 422
    assert (await core_house.customers.get(people["Nguyễn An"])).tags == []


async def test_export_is_asked_for_with_the_filters(
    core_house: House, browser: Browser, people: dict[str, UUID]
) -> None:
    page = await browser.page("/customers?role=customer")
    fields = page.form("/customers/bulk").fields
    asked = browser.shown(
        await browser.post("/customers/bulk", [*fields, ("action", "export"), ("all", "1")])
    )
    await browser.send(asked, "/customers/bulk/do", why="Gửi thiệp Tết")
    from relatum.access.viewer import SYSTEM

    [export] = await core_house.exports.find(SYSTEM)
    assert (export.format, export.filters) == ("csv", {"role": "customer"})
