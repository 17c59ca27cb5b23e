"""Making and changing customers: duplicates, problems in place, two people at once, masks, undo."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.tests.web.browsing import EVIL, Browser, Page, signed_in
from core.tests.web.customers.test_page import made
from relatum.access.policies import Policy
from relatum.access.roles.types import TeamDraft
from relatum.app.house import House
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerQuery,
    FieldDraft,
)

PHONE = [ContactPointDraft(kind="phone", raw="0912345678")]


async def named(house: House, name: str) -> list[UUID]:
    return [one.id for one in (await house.customers.find(CustomerQuery(q=name))).items]


def fields(page: Page, action: str) -> dict[str, str]:
    return dict(page.form(action).fields)


async def saved(browser: Browser, path: str, **typed: Any) -> Page:
    page = await browser.page(path)
    return await browser.follow(await browser.send(page, path, **typed))


async def test_somebody_new(browser: Browser) -> None:
    house = browser.house
    await house.customers.declare_fields(
        [FieldDraft(key="city"), FieldDraft(key="n", type="integer")]
    )
    typed = {
        "display_name": EVIL,
        "kind": "organisation",
        "point-0-kind": "phone",
        "point-0-raw": "84 912.345.678",
        "point-0-label": "cơ quan",
        "roles": ["customer", "supplier"],
        "tags": "vip, Hà Nội,, vip",
        "field-city": "Huế",
        "field-n": "12.500",
    }
    page = await saved(browser, "/customers/new", **typed)
    for text in (EVIL, "0912 345 678", "cơ quan", "Nhà cung cấp", "Huế", "12.500", "Hà Nội"):
        assert text in page.text, text
    (id,) = await named(house, "script")
    customer = await house.customers.get(id)
    assert customer.tags == ["vip", "Hà Nội"]
    assert customer.fields == {"city": "Huế", "n": 12500}
    assert customer.owner == browser.account


async def test_rows_come_and_go_without_scripts(browser: Browser) -> None:
    page = await browser.page("/customers/new?kind=organisation&name=Sao+Mai")
    held = fields(page, "/customers/new")
    assert (held["display_name"], held["kind"]) == ("Sao Mai", "organisation")
    typed: dict[str, str] = {"point-0-raw": "0912345678", "do": "add-point"}
    page = browser.shown(await browser.send(page, "/customers/new", **typed))
    assert fields(page, "/customers/new")["point-1-kind"] == "email"
    typed = {"point-1-raw": "a@b.vn", "do": "remove-point-0"}
    page = browser.shown(await browser.send(page, "/customers/new", **typed))
    held = fields(page, "/customers/new")
    assert (held["point-0-raw"], held["point-1-raw"]) == ("a@b.vn", "")
    assert held["display_name"] == "Sao Mai"
    assert await named(browser.house, "Sao Mai") == []


async def test_problems_stand_beside_their_fields(browser: Browser) -> None:
    await browser.house.customers.declare_fields([FieldDraft(key="n", type="integer")])
    page = await browser.page("/customers/new")
    typed = {
        "display_name": "",
        "point-0-kind": "phone",
        "point-0-raw": "12",
        "field-n": "nhiều",
        "do": "save",
    }
    answer = await browser.send(page, "/customers/new", **typed)
    page = browser.shown(answer, 422)
    for text in ("Hãy viết tên.", "Số điện thoại còn thiếu chữ số.", "không hợp với trường"):
        assert text in page.text, text
    wrong = {each["name"] for each in page.all("input") if "aria-invalid" in each}
    assert wrong == {"display_name", "point-0-raw", "field-n"}
    assert fields(page, "/customers/new")["field-n"] == "nhiều"


async def test_who_may_be_there_already_is_shown_first(browser: Browser) -> None:
    house = browser.house
    id = await made(house, "Nguyễn Thị Hương", contact_points=PHONE)
    typed = {"display_name": "Chị Hương", "point-0-kind": "phone", "point-0-raw": "+84 912345678"}
    page = await browser.page("/customers/new")
    page = browser.shown(await browser.send(page, "/customers/new", **typed, do="save"), 409)
    assert "trùng số điện thoại" in page.text
    assert f"/customers/{id}" in {a["href"] for a in page.all("a")}
    assert await named(house, "Chị Hương") == []
    # what was shown once is shown again while the same phone stands there
    page = browser.shown(await browser.send(page, "/customers/new", do="save"), 409)
    await browser.follow(await browser.send(page, "/customers/new", do="anyway"))
    assert len(await named(house, "Chị Hương")) == 1


async def test_a_similar_name_that_was_seen_is_no_obstacle(browser: Browser) -> None:
    await made(browser.house, "Nguyễn Thị Hương")
    page = await browser.page("/customers/new")
    typed = {"display_name": "Nguyễn Thị Hươngg", "do": "save"}
    page = browser.shown(await browser.send(page, "/customers/new", **typed), 409)
    assert "tên gần giống" in page.text
    await browser.follow(await browser.send(page, "/customers/new", do="save"))


async def test_while_somebody_types(browser: Browser) -> None:
    id = await made(browser.house, "Nguyễn Thị Hương", contact_points=PHONE)
    page = await browser.page("/customers/new")
    pairs = page.form("/customers/new").filled(display_name="nguyen thi huong")
    answer = await browser.post("/customers/duplicates", pairs)
    assert "trùng tên" in browser.shown(answer).text
    answer = await browser.post("/customers/duplicates", [*pairs, ("id", str(id))])
    assert "trùng tên" not in browser.shown(answer).text


async def test_a_change_and_back(browser: Browser) -> None:
    house = browser.house
    id = await made(house, contact_points=PHONE, tags=["vip"])
    path = f"/customers/{id}"
    before = await house.customers.get(id)
    page = await saved(browser, f"{path}/edit", display_name="Hương Mới", tags="vip, mới")
    assert (await house.customers.get(id)).tags == ["vip", "mới"]
    (point,) = (await house.customers.get(id)).contact_points
    assert point.id == before.contact_points[0].id
    assert point.raw == "0912345678", "what is shown in another form stays as it was given"
    await browser.follow(await browser.send(page, f"{path}/undo/2"))
    customer = await house.customers.get(id)
    assert (customer.display_name, customer.tags) == (before.display_name, ["vip"])


async def test_nothing_changed_makes_no_version(browser: Browser) -> None:
    id = await made(browser.house, contact_points=PHONE, tags=["vip"], roles=["customer"])
    page = await saved(browser, f"/customers/{id}/edit")
    assert (await browser.house.customers.get(id)).version == 1
    assert not [form for form in page.forms if "/undo/" in form.action]


async def test_two_people_change_one_customer(browser: Browser) -> None:
    house = browser.house
    await house.customers.declare_fields([FieldDraft(key="city", title_vi="Thành phố")])
    id = await made(house, "Lan", contact_points=PHONE, tags=["vip"], fields={"city": "Huế"})
    path = f"/customers/{id}/edit"
    mine = await browser.page(path)

    other = await signed_in(house, "owner", name="Trần Văn Minh")
    theirs = {"display_name": "Lan Anh", "tags": "vip, nợ", "field-city": "Hà Nội"}
    await saved(other, path, **theirs, **{"point-1-kind": "email", "point-1-raw": "lan@a.vn"})

    typed = {"display_name": "Chị Lan", "tags": "vip, gấp", "point-0-label": "nhà", "do": "save"}
    page = browser.shown(await browser.send(mine, path, **typed), 409)
    for text in ("Trần Văn Minh đã sửa khách hàng này", "Lan Anh", "Chị Lan", "Hà Nội", "Huế"):
        assert text in page.text, text
    held = fields(page, path)
    assert held["display_name"] == "Chị Lan"
    assert set(held["tags"].split(", ")) == {"vip", "nợ", "gấp"}
    assert held["field-city"] == "Hà Nội"
    assert (held["point-0-label"], held["point-1-raw"]) == ("nhà", "lan@a.vn")
    assert (await house.customers.get(id)).display_name == "Lan Anh", "nothing is written yet"

    await browser.follow(await browser.send(page, path, do="save"))
    customer = await house.customers.get(id)
    assert customer.display_name == "Chị Lan"
    assert sorted(customer.tags) == sorted(["vip", "nợ", "gấp"])
    assert customer.fields == {"city": "Hà Nội"}
    points = {(p.kind, p.raw, p.label) for p in customer.contact_points}
    assert points == {("phone", "0912345678", "nhà"), ("email", "lan@a.vn", "")}


async def test_the_stored_version_can_be_chosen(browser: Browser) -> None:
    house = browser.house
    id = await made(house, "Lan")
    path = f"/customers/{id}/edit"
    page = await browser.page(path)
    await house.customers.change(id, CustomerChange(display_name="Lan Anh"), by="system")
    answer = await browser.send(page, path, display_name="Chị Lan", tags="mới", do="save")
    page = browser.shown(answer, 409)
    # a third one comes between
    await house.customers.change(id, CustomerChange(roles=["partner"]), by="system")
    chosen = {"choose-display_name": "theirs", "do": "save"}
    page = browser.shown(await browser.send(page, path, **chosen), 409)
    await browser.follow(await browser.send(page, path, do="save"))
    customer = await house.customers.get(id)
    assert (customer.display_name, customer.tags) == ("Lan Anh", ["mới"])
    assert customer.roles == ["partner"]


async def test_masked_values_stay_as_they_are(browser: Browser) -> None:
    house = browser.house
    await house.customers.declare_fields(
        [
            FieldDraft(key="salary", type="integer", sensitivity="finance"),
            FieldDraft(key="born", type="date", sensitivity="identity"),
            FieldDraft(key="pin", sensitivity="secret"),
        ]
    )
    kept = {"salary": 100, "born": "1990-01-02", "pin": "hoa-mai-84"}
    points = [ContactPointDraft(kind="phone", raw=raw) for raw in ("0912345678", "0987654678")]
    id = await made(house, "Lan", contact_points=points, fields=kept)
    role = {"policy": Policy(scopes=["all"], unmasked=[])}
    seller = await signed_in(house, "sales", **role)
    page = await seller.page(f"/customers/{id}/edit")
    for secret in ("1990-01-02", "hoa-mai-84", "0912345", "0987654"):
        assert secret not in page.source
    await seller.follow(await seller.send(page, f"/customers/{id}/edit", tags="vip", do="save"))
    customer = await house.customers.get(id)
    assert customer.tags == ["vip"]
    assert customer.fields == kept
    assert [p.raw for p in customer.contact_points] == ["0912345678", "0987654678"]
    page = await seller.page(f"/customers/{id}/edit")
    typed = {"point-0-label": "nhà", "do": "save"}
    await seller.follow(await seller.send(page, f"/customers/{id}/edit", **typed))
    labels = [(p.raw, p.label) for p in (await house.customers.get(id)).contact_points]
    assert labels == [("0912345678", "nhà"), ("0987654678", "")]
    first = customer.contact_points[0].id
    token = [*page.form("/sign-out").fields, ("version", "3")]
    answer = await seller.post(f"/customers/{id}/points/{first}/remove", token)
    assert answer.status_code == 403


async def test_giving_a_customer_away(browser: Browser) -> None:
    house = browser.house
    team = await house.roles.teams.create(TeamDraft(name="Hà Nội"), by="system")
    other = await signed_in(house, "sales", name="Trần Văn Minh", team=team.id)
    assert other.account is not None
    id = await made(house, "Lan", owner=browser.account)
    page = await saved(browser, f"/customers/{id}/edit", owner=other.account, do="save")
    assert "Trần Văn Minh" in page.text
    assert (await house.customers.get(id)).team == team.id

    # a seller may not give away, nor is it offered
    page = await other.page(f"/customers/{id}/edit")
    assert [each["type"] for each in page.all("input") if each.get("name") == "owner"] == ["hidden"]
    answer = await other.send(page, f"/customers/{id}/edit", owner=browser.account, do="save")
    assert "Bạn không được giao khách hàng" in other.shown(answer, 403).text

    manager = await signed_in(house, "manager", policy=Policy(scopes=["own"]))
    mine = await made(house, "Mai", owner=manager.account)
    page = await saved(manager, f"/customers/{mine}/edit", owner=other.account, do="save")
    assert "Bạn không còn thấy khách hàng này nữa" in page.text


@pytest.mark.parametrize("role", ["analyst", "marketing"])
async def test_who_may_not_write_is_not_offered_to(browser: Browser, role: str) -> None:
    house = browser.house
    id = await made(house, contact_points=PHONE)
    reader = await signed_in(house, role, policy=Policy(scopes=["all"], unmasked=["contact"]))
    page = await reader.page(f"/customers/{id}")
    actions = {form.action for form in page.forms}
    assert not any("/points/" in action or action.endswith("/links") for action in actions)
    assert f"/customers/{id}/edit" not in {a["href"] for a in page.all("a")}
    assert (await reader.answer(f"/customers/{id}/edit")).status_code == 403
