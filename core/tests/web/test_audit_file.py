"""The audit trail as a file: exactly what is filtered, harmless in a spreadsheet, noted itself."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.access.audit import taking
from relatum.app.house import House
from relatum.customers.types import CustomerChange, CustomerDraft


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    """As Python's own reader of CSV sees it."""
    assert answer.status_code == 200, answer.text[:500]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit 20')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def make(house: House, count: int, by: str = "system", prefix: str = "K") -> None:
    drafts = [CustomerDraft(display_name=f"{prefix}{number}") for number in range(count)]
    await house.customers.create(drafts, by=by)


async def test_all_pages_of_what_is_filtered_and_nothing_else(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "AT_ONCE", 50)
    by = f"person:{browser.account}"
    await make(browser.house, 120)
    await make(browser.house, 5, by)
    page = await browser.page("/audit?type=core.customer_created&actor=system&lang=en")
    rows = rows_of(await browser.send(page, "/audit/file"))
    assert [row["Customer"] for row in rows] == [f"K{number}" for number in range(119, -1, -1)]
    assert {row["Kind"] for row in rows} == {"core.customer_created"}
    assert {row["Account"] for row in rows} == {"system"}
    page = await browser.page(f"/audit?actor={by}&type=core.customer_created")
    assert len(rows_of(await browser.send(page, "/audit/file"))) == 5
    page = await browser.page("/audit?last=2020-01-01")
    assert rows_of(await browser.send(page, "/audit/file")) == []


async def test_that_it_was_taken_out_is_an_entry(browser: Browser) -> None:
    await make(browser.house, 3)
    page = await browser.page("/audit?type=core.customer_created&first=2026-01-01&lang=en")
    rows = rows_of(await browser.send(page, "/audit/file"))
    assert len(rows) == 3
    page = await browser.page("/audit?type=core.access.audit_taken&lang=en")
    assert "Audit trail downloaded" in page.text
    assert "core.customer_created" in page.text
    (noted,) = rows_of(await browser.send(page, "/audit/file"))
    assert noted["Account"] == f"person:{browser.account}"
    assert "2025-12-31 17:00:00" in noted["Details"], "the first of January in Viet Nam"


async def test_cells_are_no_formulas(browser: Browser) -> None:
    house = browser.house
    (id,) = await house.customers.create(
        [CustomerDraft(display_name='=HYPERLINK("http://x","y")')], by="system"
    )
    change = CustomerChange(display_name="@SUM(A1)", tags=["=1+1"])
    await house.customers.change(id, change, by="system")
    page = await browser.page(f"/audit?customer={id}&lang=en")
    rows = rows_of(await browser.send(page, "/audit/file"))
    assert {row["Customer"] for row in rows} == {"'@SUM(A1)"}
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), row
    changed = next(row["From and to"] for row in rows if "display_name" in row["From and to"])
    assert 'display_name: =HYPERLINK("http://x","y") → @SUM(A1)' in changed.splitlines()


async def test_long_values_are_whole(browser: Browser) -> None:
    house = browser.house
    (id,) = await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    tags = [f"nhãn số {number:03}" for number in range(50)]
    await house.customers.change(id, CustomerChange(tags=tags), by="system")
    page = await browser.page(f"/audit?customer={id}&lang=en")
    rows = rows_of(await browser.send(page, "/audit/file"))
    assert any(tags[-1] in row["From and to"] for row in rows)
    assert "…" not in rows[0]["From and to"]


async def test_only_who_reads_the_trail_and_only_what_they_see(
    core_house: House, browser: Browser
) -> None:
    await make(core_house, 2, prefix="Hidden")
    seller = await signed_in(core_house, "sales")
    page = await browser.page("/audit")
    pairs = [pair for pair in page.form("/audit/file").filled() if pair[0] != "csrf"]
    answer = await seller.post("/audit/file", pairs)
    assert answer.status_code == 403
    await seller.client.aclose()


async def test_a_filter_that_cannot_be_read_is_shown(browser: Browser) -> None:
    page = await browser.page("/audit")
    csrf = [pair for pair in page.form("/audit/file").filled() if pair[0] == "csrf"]
    before = await browser.house.events.last()
    refused = browser.shown(await browser.post("/audit/file", [*csrf, ("first", "x")]), 422)
    assert "Hãy nhập một ngày." in refused.text
    assert await browser.house.events.last() == before, "nothing is taken out, nothing is noted"


async def test_the_file_speaks_the_language_of_the_page(browser: Browser) -> None:
    await make(browser.house, 1)
    page = await browser.page("/audit?type=core.customer_created&lang=vi")
    (row,) = rows_of(await browser.send(page, "/audit/file"))
    assert row["Khách hàng"] == "K0"
    assert row["Khi nào"].endswith("+07:00")
