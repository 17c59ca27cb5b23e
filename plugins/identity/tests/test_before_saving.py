"""Who is likely the same, where core asks: forms, the API and imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.api import ContactPointDraft, CustomerDraft, Plugin
from relatum.app.house import House
from relatum.customers.types import FieldDraft
from relatum.importing.plan import parse_plan
from relatum_identity.services.telling import likely_duplicates

HUNG = CustomerDraft(
    display_name="Nguyễn Văn Hùng",
    contact_points=[
        ContactPointDraft(kind="phone", raw="0901 234 567"),
        ContactPointDraft(kind="email", raw="hung.nv@example.com"),
    ],
    fields={"birth_date": "1980-05-04"},
)
FIRM = CustomerDraft(
    display_name="Công ty TNHH Thương mại Minh Anh",
    kind="organisation",
    contact_points=[ContactPointDraft(kind="email", raw="info@minhanh.vn")],
    fields={"tax_code": "0300588569"},
)


@pytest.fixture
async def there(house: House) -> list[Any]:
    await house.customers.declare_fields(
        [FieldDraft(key="birth_date", type="date"), FieldDraft(key="tax_code")]
    )
    ids = await house.customers.create([HUNG, FIRM], by="system")
    while await house.handlers.run_once():
        pass
    return list(ids)


@pytest.fixture
async def browser(house: House) -> Browser:
    return await signed_in(house)


async def test_the_form_says_how_likely_and_why(browser: Browser, there: list[Any]) -> None:
    page = await browser.page("/customers/new")
    typed = {
        "display_name": "Hung Nguyen Van",
        "point-0-kind": "phone",
        "point-0-raw": "+84 901 234 567",
        "field-birth_date": "1980-05-04",
    }
    page = browser.shown(await browser.send(page, "/customers/new", **typed, do="save"), 409)
    assert f"/customers/{there[0]}" in {a["href"] for a in page.all("a")}
    assert "100 % có thể trùng" in page.text
    assert "tên: trùng, khác dấu" in page.text
    assert "ngày sinh: trùng" in page.text
    await browser.follow(await browser.send(page, "/customers/new", do="anyway"))


async def test_a_wife_with_his_telephone_is_told_once(browser: Browser, there: list[Any]) -> None:
    page = await browser.page("/customers/new")
    typed = {
        "display_name": "Trần Thị Mai",
        "point-0-kind": "phone",
        "point-0-raw": "0901234567",
        "field-birth_date": "1983-12-20",
    }
    page = browser.shown(await browser.send(page, "/customers/new", **typed, do="save"), 409)
    assert "trùng số điện thoại" in page.text
    assert "% có thể trùng" not in page.text
    await browser.follow(await browser.send(page, "/customers/new", do="save"))


async def test_the_api_names_them(client: Any, there: list[Any]) -> None:
    draft = {
        "display_name": "Minh Anh Trading Co., Ltd.",
        "kind": "organisation",
        "contact_points": [{"kind": "website", "raw": "https://minhanh.vn"}],
        "fields": {"tax_code": "0300588569"},
    }
    refused = await client.post("/api/v1/customers?duplicates=refuse", json=draft)
    assert refused.status_code == 409, refused.text
    [one] = refused.json()["duplicates"]
    assert (one["id"], one["sure"]) == (str(there[1]), True)
    assert {"en": "tax code: the same", "vi": "mã số thuế: trùng"} in one["why"]
    branch = {**draft, "fields": {"tax_code": "0300588569-001"}}
    created = await client.post("/api/v1/customers?duplicates=refuse", json=branch)
    assert created.status_code == 201, "a branch is another record"


async def test_drafts_of_one_batch_and_those_written_a_moment_ago(
    house: House, plugin: Plugin, there: list[Any]
) -> None:
    phone = [ContactPointDraft(kind="phone", raw="0987654321")]
    fresh = CustomerDraft(display_name="Phạm Quốc Dũng", contact_points=phone)
    said = await likely_duplicates(plugin, [fresh, fresh])
    assert [(one.index, one.draft, one.customer) for one in said] == [(1, 0, None)]
    [id] = await house.customers.create([fresh], by="system")
    said = await likely_duplicates(plugin, [fresh])
    assert [one.customer for one in said] == [id], "no handler has run yet"


async def test_an_import_merges_what_is_sure(
    house: House, tmp_path: Path, there: list[Any]
) -> None:
    (tmp_path / "customers.csv").write_text(
        "id,name,phone,mail\n"
        "A,HUNG NGUYEN VAN,0901234567,HUNG.NV@example.com\n"
        "B,Trần Thị Mai,0901234567,mai@example.com\n",
        encoding="utf-8",
    )
    plan = parse_plan(
        'name = "shop"\n[[files]]\npath = "customers.csv"\ntarget = "core.customers"\n'
        '[files.columns]\nexternal_id = "id"\ndisplay_name = "name"\nphone = "phone"\n'
        'email = "mail"\n[files.options]\nduplicates = "merge"\n'
    )
    preview = await house.imports.preview(plan, tmp_path)
    assert [f.line for f in preview.findings.first] == [2]
    assert "%" in preview.findings.first[0].problem.message
    outcome = await house.imports.apply(plan, tmp_path)
    assert (outcome.counts.created, outcome.counts.updated) == (1, 1)
    assert (await house.customers.get(there[0])).external_ids == {"shop": "A"}
