"""Overview, queue, task, drill-down, proposals and the panel, by forms alone; and the routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.api import ContactPointDraft, CustomerDraft, Plugin
from relatum.app.house import House
from relatum_data_quality.jobs import NIGHTLY
from relatum_data_quality.services.enriching import Enriching
from relatum_data_quality.services.findings import Findings
from relatum_data_quality.types import FindingQuery, OutsideBatch, OutsideRecord

ROOT = "/p/data_quality"
API = "/api/v1/plugins/data_quality"


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


@pytest.fixture
async def customer(house: House, plugin: Plugin) -> UUID:
    points = [
        ContactPointDraft(kind="phone", raw="0168 123 4567"),
        ContactPointDraft(kind="email", raw="hung@gmial.com"),
    ]
    [id] = await house.customers.create(
        [CustomerDraft(display_name="NGUYỄN VĂN HÙNG", contact_points=points)], by="system"
    )
    await house.jobs.enqueue(NIGHTLY)
    await house.worker.drain()
    return id


async def finding_of(plugin: Plugin, rule: str) -> str:
    query = FindingQuery(rule=f"data_quality.{rule}")
    return str((await Findings(plugin).find(query)).items[0].id)


async def test_before_anything_was_checked(browser: Browser, house: House) -> None:
    page = await browser.page(ROOT)
    assert "No record was checked yet." in page.text
    page = await browser.follow(await browser.send(page, ROOT))
    assert "Checking all records" in page.text


async def test_the_overview_leads_to_rows(browser: Browser, customer: UUID) -> None:
    page = await browser.page(ROOT)
    assert "E-mail domain" in page.text or "Mistyped e-mail domain" in page.text
    assert "Index of the last days" in page.text
    for cut in ("owner", "team", "source"):
        await browser.page(f"{ROOT}?by={cut}")
        behind = await browser.page(f"{ROOT}/customers?by={cut}&part=")
        assert "NGUYỄN VĂN HÙNG" in behind.text
    for which in ("stale", "incomplete"):
        await browser.page(f"{ROOT}/customers?show={which}")
    vietnamese = await browser.page(f"{ROOT}?lang=vi")
    assert "Sai tên miền email" in vietnamese.text


async def test_the_queue_shows_before_and_after_and_mends_together(
    browser: Browser, house: House, customer: UUID
) -> None:
    page = await browser.page(f"{ROOT}/queue")
    for text in ("0168 123 4567", "0381234567", "hung@gmail.com", "Nguyễn Văn Hùng"):
        assert text in page.text
    answer = await browser.post(f"{ROOT}/queue", page.form(f"{ROOT}/queue").filled())
    page = await browser.follow(answer)
    assert "Mended: 3." in page.text
    changed = await house.customers.get(customer)
    assert changed.display_name == "Nguyễn Văn Hùng"
    assert {p.raw for p in changed.contact_points} == {"0381234567", "hung@gmail.com"}


async def test_a_task_is_mended_and_taken_back(
    browser: Browser, plugin: Plugin, house: House, customer: UUID
) -> None:
    path = f"{ROOT}/findings/{await finding_of(plugin, 'phone_renumbered')}"
    page = await browser.page(path)
    fields = page.form(path).filled()
    page = await browser.follow(await browser.post(path, [*fields, ("do", "mend")]))
    assert "It can be taken back below." in page.text
    assert "0381234567" in {p.raw for p in (await house.customers.get(customer)).contact_points}
    fields = page.form(path).filled()
    await browser.follow(await browser.post(path, [*fields, ("do", "undo")]))
    assert "0168 123 4567" in {p.raw for p in (await house.customers.get(customer)).contact_points}
    again = browser.shown(await browser.post(path, [*fields, ("do", "undo")]), 409)
    assert "open" in again.text


async def test_a_task_is_accepted_with_a_reason(
    browser: Browser, plugin: Plugin, customer: UUID
) -> None:
    path = f"{ROOT}/findings/{await finding_of(plugin, 'no_birth')}"
    page = await browser.page(path)
    fields = page.form(path).filled(reason=EVIL)
    page = await browser.follow(await browser.post(path, [*fields, ("do", "accept")]))
    assert EVIL in page.text
    accepted = await browser.page(f"{ROOT}/queue?state=accepted")
    assert {"href": path} in accepted.all("a")


async def test_the_panel_of_a_customer_leads_there(
    browser: Browser, plugin: Plugin, customer: UUID
) -> None:
    page = await browser.page(f"/customers/{customer}?lang=en")
    assert any(a.get("href", "").startswith(f"{ROOT}/findings/") for a in page.all("a"))


async def test_values_from_outside_are_taken_by_a_button(
    browser: Browser, plugin: Plugin, house: House, customer: UUID
) -> None:
    points = [ContactPointDraft(kind="zalo", raw="0381234567")]
    record = CustomerDraft(display_name="Nguyễn Văn Hùng", contact_points=points)
    some = [OutsideRecord(record=record, customer=customer)]
    await Enriching(plugin).add(OutsideBatch(source="list", records=some), by="person:x")
    page = await browser.page(f"{ROOT}/proposals")
    assert "0381234567" in page.text
    forms = [form for form in page.forms if form.action == f"{ROOT}/proposals"]
    assert len(forms) == 2
    await browser.follow(await browser.post(f"{ROOT}/proposals", forms[0].filled()))
    assert "zalo" in {p.kind for p in (await house.customers.get(customer)).contact_points}


async def test_who_may_only_read_finds_no_buttons(browser: Browser, customer: UUID) -> None:
    reader = await signed_in(browser.house, "analyst")
    for path in (ROOT, f"{ROOT}/queue"):
        page = await reader.page(path)
        assert not [form for form in page.forms if form.action.startswith(ROOT)]
    await reader.client.aclose()


async def test_the_routes(client: Any, plugin: Plugin, customer: UUID) -> None:
    listed = (await client.get(f"{API}/findings", params={"certain": "true"})).json()
    assert len(listed["items"]) == 3
    id = await finding_of(plugin, "email_domain")
    task = (await client.get(f"{API}/findings/{id}")).json()
    assert task["changes"][0]["before"] == "hung@gmial.com"
    assert task["changes"][0]["after"] == ["hung@gmail.com"]
    assert (await client.post(f"{API}/findings/{id}/mend")).json()["state"] == "mended"
    assert (await client.post(f"{API}/findings/{id}/mend")).status_code == 409
    assert (await client.post(f"{API}/findings/{id}/undo")).json()["state"] == "open"
    index = (await client.get(f"{API}/index", params={"by": "owner"})).json()
    assert index["now"]["customers"] == 1
    assert len(index["trend"]) == 1
    thin = {"source": "list", "records": [{"record": {"display_name": "Ngô Tám"}}]}
    refused = await client.post(f"{API}/enrichments", json=thin)
    assert refused.status_code == 409
    assert "incomplete-record" in refused.text
