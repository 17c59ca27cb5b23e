"""Bringing data in by its pages, without JavaScript: from a file to its end and back."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import httpx
import pytest

from core.tests.web.browsing import EVIL, Browser, Page, signed_in
from relatum.access.viewer import SYSTEM
from relatum.app.house import House
from relatum.customers.types import CustomerChange, CustomerQuery
from relatum.importing.workbooks import SheetFile

CONTACTS = (
    "Mã KH;Họ và tên;SĐT;Hộp thư;Hạng\n"
    "A;Nguyễn Thị Hoa;0901 234 567;hoa@vidu.vn;vàng\n"
    "B;Lê Nam;12;nam@vidu.vn;bạc\n"
    "C;Trần Minh;0912 345 678;minh@vidu.vn;bạc\n"
)


async def bring(
    browser: Browser, content: bytes | str, name: str = "khách.csv", **fields: str
) -> httpx.Response:
    """Choose a file in the form and send it."""
    page = await browser.page("/imports/new")
    return await send_file(browser, page, "/imports/new", content, name, **fields)


async def send_file(
    browser: Browser, page: Page, action: str, content: bytes | str, name: str, **fields: str
) -> httpx.Response:
    data = dict(page.form(action).filled(**fields))
    data.pop("file", None)
    raw = content.encode() if isinstance(content, str) else content
    return await browser.client.post(action, data=data, files={"file": (name, raw)})


async def names(house: House) -> list[str]:
    found = await house.customers.find(CustomerQuery(sort="display_name"))
    return [one.display_name for one in found.items]


async def mapped(browser: Browser, content: bytes | str, **choices: Any) -> tuple[str, Page]:
    """A file that is brought and mapped as proposed, or as chosen; its page once it was tried."""
    answer = await bring(browser, content)
    page = await browser.follow(answer)
    path = answer.headers["location"]
    answer = await browser.send(page, path, **choices)
    await browser.house.worker.drain()
    return path.removesuffix("/mapping"), await browser.follow(answer)


async def order(browser: Browser, page: Page, action: str) -> Page:
    """Press a button, let the work be done, and look again."""
    answer = await browser.send(page, action)
    await browser.house.worker.drain()
    return await browser.follow(answer)


def chosen(page: Page, heading: str) -> str:
    """Where a column goes."""
    (label,) = [label for label in page.all("label") if label.get("for", "").startswith("to-")][
        headings(page).index(heading) : headings(page).index(heading) + 1
    ]
    place = label["for"].removeprefix("to-").replace("-", ".")
    values = [value for name, value in mapping(page).fields if name == "to"]
    (value,) = [value for value in values if value.startswith(f"{place}=")]
    return value.partition("=")[2]


def headings(page: Page) -> list[str]:
    return re.findall(r'<label for="to-[^"]*">([^<]*)</label>', page.source)


def mapping(page: Page) -> Any:
    (form,) = [form for form in page.forms if form.action.endswith("/mapping")]
    return form


async def test_from_a_file_to_customers_and_back(browser: Browser) -> None:
    house = browser.house
    assert "Chưa nhập dữ liệu nào" in (await browser.page("/imports")).text
    answer = await bring(browser, CONTACTS)
    page = await browser.follow(answer)
    path = answer.headers["location"].removesuffix("/mapping")
    assert headings(page) == ["Mã KH", "Họ và tên", "SĐT", "Hộp thư", "Hạng"]
    assert [chosen(page, name) for name in headings(page)] == [
        "",
        "display_name",
        "phone",
        "email",
        "",
    ]
    for text in ("UTF-8", "phân cách bằng ;", "đoán theo nội dung", "Nguyễn Thị Hoa"):
        assert text in page.text
    answer = await browser.send(page, f"{path}/mapping")
    waiting = await browser.follow(answer)
    assert "Đang chạy thử" in waiting.text
    await house.worker.drain()
    page = await browser.page(path)
    assert "sẽ tạo mới 2" in page.text
    assert "không nhập được 1" in page.text
    assert "Số điện thoại quá ngắn." in page.text
    assert await names(house) == []

    page = await order(browser, page, f"{path}/apply")
    assert await names(house) == ["Nguyễn Thị Hoa", "Trần Minh"]
    assert "tạo mới 2" in page.text
    rejected = [a["href"] for a in page.all("a") if "/rejected/" in a["href"]]
    file = await browser.answer(rejected[0])
    assert "Lê Nam" in file.text
    listed = await browser.page("/imports")
    assert "đã nhập" in listed.text

    page = await order(browser, page, f"{path}/undo")
    assert "Đã hoàn tác 2 dòng." in page.text
    assert await names(house) == []


async def test_mended_rows_are_sent_again(browser: Browser) -> None:
    path, page = await mapped(browser, CONTACTS)
    page = await order(browser, page, f"{path}/apply")
    file = await browser.answer(next(a["href"] for a in page.all("a") if "/rejected/" in a["href"]))
    better = file.content.replace(b";12;", b";0903 456 789;")
    answer = await send_file(browser, page, f"{path}/mended", better, "sua lai.csv")
    await browser.house.worker.drain()
    again = await browser.follow(answer)
    assert "sẽ tạo mới 1" in again.text
    again = await order(browser, again, f"{answer.headers['location']}/apply")
    assert sorted(await names(browser.house)) == ["Lê Nam", "Nguyễn Thị Hoa", "Trần Minh"]


async def test_what_somebody_changed_since_stays_and_is_named(browser: Browser) -> None:
    house = browser.house
    path, page = await mapped(browser, CONTACTS)
    page = await order(browser, page, f"{path}/apply")
    found = await house.customers.find(CustomerQuery(q="Hoa"))
    change = CustomerChange(display_name="Nguyễn Thị Hoa Mai")
    await house.customers.change(found.items[0].id, change, by="system")
    page = await order(browser, page, f"{path}/undo")
    assert "Được giữ nguyên: đã có người sửa sau khi nhập." in page.text
    assert f"/customers/{found.items[0].id}" in {a["href"] for a in page.all("a")}
    assert await names(house) == ["Nguyễn Thị Hoa Mai"]


async def test_a_column_becomes_a_field_of_its_own(browser: Browser) -> None:
    answer = await bring(browser, CONTACTS)
    page = await browser.follow(answer)
    to = [v for n, v in mapping(page).fields if n == "to" and not v.startswith("0.4=")]
    action = answer.headers["location"]
    answer = await browser.send(page, action, to=[*to, "0.4=+"], title="Từ phần mềm cũ")
    await browser.house.worker.drain()
    page = await browser.follow(answer)
    path = answer.headers["location"]
    assert await browser.house.customers.fields() == []
    page = await order(browser, page, f"{path}/apply")
    (field,) = await browser.house.customers.fields()
    assert (field.key, field.title_vi) == ("hang", "Hạng")
    found = await browser.house.customers.find(CustomerQuery(q="Hoa"))
    assert found.items[0].fields == {"hang": "vàng"}

    # the next file by the same plan: nothing is to be chosen again
    kept = path.rpartition("/")[2]
    await bring(browser, CONTACTS.replace("vàng", "kim cương"), "tháng 12.csv", like=kept)
    page = await browser.page(f"/imports/new?like={kept}")
    answer = await send_file(
        browser,
        page,
        "/imports/new",
        CONTACTS.replace("vàng", "kim cương"),
        "tháng 12.csv",
        like=kept,
    )
    page = await browser.follow(answer)
    assert chosen(page, "Hạng") == "fields.hang"
    answer = await browser.send(page, answer.headers["location"])
    await browser.house.worker.drain()
    page = await browser.follow(answer)
    assert "sẽ thay đổi 1" in page.text


async def test_a_needed_field_is_asked_for(browser: Browser) -> None:
    page = await browser.follow(answer := await bring(browser, CONTACTS))
    action = answer.headers["location"]
    page = browser.shown(await browser.send(page, action, to=["0.2=phone"]), 422)
    assert "Hãy chọn cột cho: Tên." in page.text
    page = browser.shown(await browser.send(page, action, name="Không Hợp Lệ"), 422)
    assert 'value="Không Hợp Lệ"' in page.source


async def test_dates_that_can_be_read_in_two_ways_are_asked_for(browser: Browser) -> None:
    house = browser.house
    rows = "kind;occurred_at;handle\ncore.note;01/02/2024;a@vidu.vn\ncore.note;03/04/2024;b@vidu.vn"
    path, page = await mapped(browser, rows)
    assert "Chưa thể nhập như thế này." in page.text
    assert "hiểu theo hai cách" in page.text
    assert f"{path}/apply" not in [form.action for form in page.forms]
    page = await browser.page(f"{path}/mapping")
    page = await browser.follow(await browser.send(page, f"{path}/reading", date="dd/MM/yyyy"))
    assert ("date", "dd/MM/yyyy") in page.form(f"{path}/reading").fields
    answer = await browser.send(page, f"{path}/mapping")
    await house.worker.drain()
    assert "hiểu theo hai cách" not in (await browser.follow(answer)).text


async def test_a_file_is_read_differently_when_somebody_says_so(browser: Browser) -> None:
    page = await browser.follow(answer := await bring(browser, CONTACTS))
    path = answer.headers["location"].removesuffix("/mapping")
    page = await browser.follow(await browser.send(page, f"{path}/reading", delimiter=","))
    assert headings(page) == ["Mã KH;Họ và tên;SĐT;Hộp thư;Hạng"]
    page = await browser.follow(await browser.send(page, f"{path}/reading", delimiter=";"))
    assert chosen(page, "Họ và tên") == "display_name"
    page = await browser.follow(
        await browser.send(page, f"{path}/reading", target="core.customer_links")
    )
    assert "Loại" in page.text
    refused = await browser.send(page, f"{path}/reading", target="no.such")
    browser.shown(refused, 404)
    refused = await browser.send(page, f"{path}/reading", skip_lines="5000")
    assert "Không có gì trong tệp." in browser.shown(refused, 422).text


async def test_several_files_and_sheets(browser: Browser, tmp_path: Any) -> None:
    sheet = SheetFile(tmp_path / "x.xlsx")
    for row in (["Mã", "Tên khách hàng"], ["X1", "Công ty Sao Mai"]):
        sheet.write(row)
    sheet.close()
    page = await browser.page("/imports/new")
    fields = dict(page.form("/imports/new").fields)
    fields.pop("file", None)
    files = [
        ("file", ("a.xlsx", (tmp_path / "x.xlsx").read_bytes())),
        ("file", ("b.csv", CONTACTS.encode())),
    ]
    answer = await browser.client.post("/imports/new", data=fields, files=files)
    page = await browser.follow(answer)
    assert "Trang tính: Relatum" in page.text
    assert headings(page)[:2] == ["Mã", "Tên khách hàng"]
    answer = await browser.send(page, answer.headers["location"])
    await browser.house.worker.drain()
    assert "sẽ tạo mới 3" in (await browser.follow(answer)).text


async def test_an_import_is_stopped_and_goes_on(browser: Browser) -> None:
    path, page = await mapped(browser, CONTACTS)
    page = await browser.follow(await browser.send(page, f"{path}/apply"))
    page = await browser.follow(await browser.send(page, f"{path}/stop"))
    assert "Đã dừng." in page.text
    assert "bị gián đoạn" in page.text
    csrf = [pair for pair in page.form("/sign-out").fields if pair[0] == "csrf"]
    browser.shown(await browser.post(f"{path}/stop", csrf), 409)
    browser.shown(await browser.post(f"{path}/undo", csrf), 409)
    page = await order(browser, page, f"{path}/preview")
    page = await order(browser, page, f"{path}/apply")
    assert "Đã nhập xong." in page.text


async def test_a_part_is_answered_to_htmx(browser: Browser) -> None:
    path, _ = await mapped(browser, CONTACTS)
    asked = {"hx-request": "true", "hx-request-type": "partial", "hx-target": "div#import"}
    answer = await browser.answer(path, **asked)
    assert answer.text.lstrip().startswith('<div id="import"')
    assert "hx-trigger" not in answer.text
    asked["hx-target"] = "div#imports"
    answer = await browser.answer("/imports", **asked)
    assert answer.text.lstrip().startswith('<div id="imports"')


# -- hostile and broken files ----------------------------------------------------------------------


def bomb() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "0" * 30_000_000)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "rỗng.csv", "Tệp này trống: rỗng.csv"),
        (b"\n \n", "trắng.csv", "Tệp này trống"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "ảnh.csv", "không phải bảng dữ liệu"),
        (b"<!DOCTYPE html><html><body>", "xuất.csv", "Đây là trang web"),
        (b"<table><tr><td>a</td></tr></table>", "xuất.xls", "Đây là trang web"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cũ.xls", "định dạng cũ XLS"),
        (b"PK\x03\x04 nothing", "hỏng.xlsx", "bị hỏng"),
        (bomb(), "bom.xlsx", "lớn bất thường"),
        (
            b"Ho ten\n"
            + b"Nguy\xd4n V\xa8n An\nTr\xb8n Th\xde B\xd7nh\nL\xaa Qu\xe8c H\xfang\n" * 9,
            "tcvn3.csv",
            "Không đọc được chữ",
        ),
    ],
)
async def test_files_that_are_none_are_refused_with_what_to_do(
    browser: Browser, content: bytes, name: str, said: str
) -> None:
    page = browser.shown(await bring(browser, content, name), 422)
    assert said in page.text
    assert await browser.house.import_requests.find(SYSTEM) == []
    assert not list((browser.house.settings.home / "uploads").glob("*"))


async def test_one_bad_file_takes_the_others_with_it(browser: Browser) -> None:
    page = await browser.page("/imports/new")
    fields = dict(page.form("/imports/new").fields)
    fields.pop("file", None)
    files = [("file", ("a.csv", CONTACTS.encode())), ("file", ("b.csv", b""))]
    answer = await browser.client.post("/imports/new", data=fields, files=files)
    browser.shown(answer, 422)
    assert not list((browser.house.settings.home / "uploads").glob("*"))


async def test_no_file_and_too_much(browser: Browser) -> None:
    page = await browser.page("/imports/new")
    fields = dict(page.form("/imports/new").fields)
    fields.pop("file", None)
    # as browsers send a field in which nothing is chosen
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    body = part.format("csrf", "", fields["csrf"]) + part.format("file", '; filename=""', "")
    kind = {"content-type": "multipart/form-data; boundary=b"}
    answer = await browser.client.post("/imports/new", content=f"{body}--b--", headers=kind)
    assert "Hãy chọn tệp trước." in browser.shown(answer, 422).text
    large = b"a;b\n" + b"0" * (17 * 1024 * 1024)
    answer = await browser.client.post(
        "/imports/new", data=fields, files={"file": ("l.csv", large)}
    )
    page = browser.shown(answer, 413)
    assert "16 MiB" in page.text
    answer = await browser.post("/imports/new", list(fields.items()))
    assert answer.status_code == 415


async def test_a_form_with_files_proves_where_it_comes_from(browser: Browser) -> None:
    files = {"file": ("a.csv", CONTACTS.encode())}
    for data in ({}, {"csrf": "0" * 64}, {"target": "", "csrf": "x"}):
        answer = await browser.client.post("/imports/new", data=data, files=files)
        assert answer.status_code == 403, data
    page = await browser.page("/imports/new")
    csrf = dict(page.form("/imports/new").fields)["csrf"]
    late = {"target": "", "csrf": csrf}  # only the first part counts
    assert (await browser.client.post("/imports/new", data=late, files=files)).status_code == 403
    own = {"origin": str(browser.client.base_url).rstrip("/")}
    answer = await browser.client.post("/imports/new", data={}, files=files, headers=own)
    assert answer.status_code == 303


async def test_what_stands_in_cells_is_shown_as_it_is(browser: Browser) -> None:
    rows = f"Mã KH;Họ và tên;\"{EVIL.replace(chr(34), chr(34) * 2)}\"\nA;=cmd|'/c calc'!A1;x\n"
    path, page = await mapped(browser, rows)
    assert "=cmd|'/c calc'!A1" in page.text
    page = await order(browser, page, f"{path}/apply")
    assert await names(browser.house) == ["=cmd|'/c calc'!A1"]


async def test_imports_are_for_those_who_may(core_house: House, browser: Browser) -> None:
    path, _ = await mapped(browser, CONTACTS)
    manager = await signed_in(core_house, "manager")
    assert "Chưa nhập dữ liệu nào" in (await manager.page("/imports")).text
    manager.shown(await manager.answer(path), 404)
    sales = await signed_in(core_house, "sales")
    for address in ("/imports", "/imports/new", path, f"{path}/mapping"):
        assert (await sales.answer(address)).status_code == 403
    await sales.client.aclose()
    await manager.client.aclose()
