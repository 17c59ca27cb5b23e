"""The settings: the index, the company, custom fields, kinds of interaction."""

from __future__ import annotations

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.app.house import House
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import InteractionDraft
from relatum.values.time import now
from relatum.web.pages.settings.fields import key_of

#: Each page, and what its head says in Vietnamese and in English.
PAGES = {
    "": ("Cài đặt", "Settings"),
    "/plugins": ("Tiện ích", "Plugins"),
    "/company": ("Doanh nghiệp", "Company"),
    "/fields": ("Trường tuỳ chỉnh", "Custom fields"),
    "/kinds": ("Loại tương tác", "Kinds of interaction"),
    "/fields/new": ("Trường mới", "New field"),
    "/migrations": ("Cập nhật cơ sở dữ liệu", "Changes of the database"),
}


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_shows(browser: Browser, path: str, language: str) -> None:
    page = await browser.page(f"/settings{path}?lang={language}")
    vietnamese, english = PAGES[path]
    heading = page.source.partition("<h1>")[2].partition("</h1>")[0].strip()
    assert heading == (vietnamese if language == "vi" else english)
    assert page.all("html")[0]["lang"] == language


async def test_a_field_is_declared_and_changed(browser: Browser) -> None:
    page = await browser.page("/settings/fields/new")
    field = {"title_vi": "Nguồn khách", "title_en": EVIL, "type": "choice", "choices": "Hội chợ"}
    page = await browser.follow(await browser.send(page, "/settings/fields/new", **field))
    assert "Nguồn khách" in page.text
    [made] = await browser.house.customers.fields()
    assert (made.key, made.type, made.choices) == ("nguon_khach", "choice", ["Hội chợ"])

    at = "/settings/fields/nguon_khach"
    page = await browser.page(at)
    more = "Hội chợ\n\nZalo\nZalo"
    await browser.follow(await browser.send(page, at, title_en="Source", choices=more))
    [changed] = await browser.house.customers.fields()
    assert changed.choices == ["Hội chợ", "Zalo"]
    assert (changed.title_en, changed.key) == ("Source", "nguon_khach")


async def test_what_a_field_cannot_be(browser: Browser) -> None:
    new = "/settings/fields/new"
    page = await browser.page(new)
    for wrong, said in (
        ({}, "Hãy đặt tên cho trường"),
        ({"title_vi": "X", "type": "choice"}, "Hãy ghi các giá trị để chọn"),
        ({"title_vi": "X", "key": "Không được"}, "Hãy viết mã bằng chữ thường"),
        ({"title_vi": "???"}, "Hãy viết mã bằng chữ thường"),
        ({"title_vi": "X", "type": "money"}, "Hãy chọn một mục trong danh sách"),
    ):
        shown = browser.shown(await browser.send(page, new, **wrong), 422)
        assert said in shown.text, wrong
    await browser.send(page, new, title_vi="Ngày sinh", type="date")
    shown = browser.shown(await browser.send(page, new, title_vi="Ngày sinh"), 409)
    assert "Đã có trường dùng mã này." in shown.text
    at = "/settings/fields/ngay_sinh"
    shown = await browser.page(at)
    shown = browser.shown(await browser.send(shown, at, sensitivity="secret"), 409)
    [field] = await browser.house.customers.fields()
    assert (field.type, field.sensitivity) == ("date", None)


@pytest.mark.parametrize(
    ("title", "key"),
    [("Ngày sinh", "ngay_sinh"), ("Địa bàn (tỉnh)", "dia_ban_tinh"), ("2026", "f_2026"), ("?", "")],
)
def test_a_key_is_made_of_the_title(title: str, key: str) -> None:
    assert key_of(title) == key


async def test_kinds_are_counted_as_far_as_they_are_seen(core_house: House) -> None:
    owner = await signed_in(core_house)
    sales = await signed_in(core_house, "sales")
    draft = CustomerDraft(display_name="An", owner=owner.account)
    [customer] = await core_house.customers.create([draft], by="system")
    note = InteractionDraft(
        kind="core.note", payload={"text": "x"}, customer_id=customer, occurred_at=now()
    )
    await core_house.interactions.record([note, note], by="system")
    for browser, count in ((owner, "2"), (sales, "0")):
        text = (await browser.page("/settings/kinds")).text
        row = text[text.index("Ghi chú") : text.index("core.note")]
        assert count in row.split(), row
        await browser.client.aclose()
