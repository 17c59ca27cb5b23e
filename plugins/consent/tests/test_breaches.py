"""The record of breaches and its clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.api import Conflict, InvalidInput, NotFound, Plugin, new_id, now
from relatum.app.house import House
from relatum_consent.services.breaches import Breaches
from relatum_consent.types import BreachDraft, BreachMove, BreachQuery

HERE = "/p/consent/breaches"


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


def draft(found: dt.datetime) -> BreachDraft:
    return BreachDraft(title="Mất máy tính xách tay", discovered_at=found, people=40)


async def test_the_clock_runs_72_hours_from_the_discovery(house: House, plugin: Plugin) -> None:
    breaches = Breaches(plugin)
    hanoi = dt.timezone(dt.timedelta(hours=7))
    made = await breaches.record(draft(dt.datetime(2026, 1, 5, 22, 30, tzinfo=hanoi)), by="system")
    assert made.notify_by == dt.datetime(2026, 1, 8, 15, 30, tzinfo=dt.UTC)
    await breaches.record(draft(now() - dt.timedelta(hours=71)), by="system")
    assert [await breaches.tell_overdue(), await breaches.tell_overdue()] == [1, 0]
    told = await house.db.fetch("SELECT type FROM core_event WHERE type LIKE 'consent.breach%'")
    assert sorted(each for (each,) in told) == [
        *("consent.breach_overdue", "consent.breach_recorded", "consent.breach_recorded")
    ]


async def test_what_was_noted_stays(plugin: Plugin) -> None:
    breaches = Breaches(plugin)
    made = await breaches.record(draft(now()), by="system")
    notify = BreachMove(do="notify", words="Báo A05, số 12/2026.")
    assert (await breaches.move(made.id, notify, by="system")).notice == "Báo A05, số 12/2026."
    with pytest.raises(Conflict):
        await breaches.move(made.id, notify, by="system")
    close = BreachMove(do="close", words="Đã khoá máy từ xa.")
    assert (await breaches.move(made.id, close, by="system")).closed_at is not None
    with pytest.raises(Conflict):
        await breaches.move(made.id, close, by="system")
    with pytest.raises(NotFound):
        await breaches.move(new_id(), close, by="system")
    assert await breaches.tell_overdue() == 0


async def test_times_that_cannot_be(plugin: Plugin) -> None:
    for wrong in (now() + dt.timedelta(hours=1), dt.datetime(2026, 1, 5)):  # noqa: DTZ001
        with pytest.raises(InvalidInput):
            await Breaches(plugin).record(draft(wrong), by="system")


async def test_by_forms_alone(browser: Browser, plugin: Plugin) -> None:
    page = await browser.page(HERE)
    assert "No breach is in the record." in page.text
    fields = page.form(HERE).filled(words=EVIL, found_on="2026-01-05", found_at="08:30")
    page = await browser.follow(await browser.post(HERE, fields))
    assert "Overdue" in page.text
    (made,) = (await Breaches(plugin).find(BreachQuery())).items
    assert made.discovered_at == dt.datetime(2026, 1, 5, 1, 30, tzinfo=dt.UTC)
    (told,) = [each for each in page.forms if "breach" in each.names]
    fields = [*told.filled(words="Đã báo."), ("do", "notify")]
    page = await browser.follow(await browser.post(HERE, fields))
    assert "Reported" in page.text
    assert (await browser.post(HERE, fields)).status_code == 409
    (form,) = [each for each in page.forms if ("do", "record") in each.fields]
    future = form.filled(words="Sau này", found_on="2099-01-05")
    assert (await browser.post(HERE, future)).status_code == 422


async def test_who_may_see_it(house: House, client: Any, plugin: Plugin) -> None:
    api = "/api/v1/plugins/consent/breaches"
    body = {"title": "Mất máy", "discovered_at": "2026-01-05T08:00:00+07:00"}
    made = await client.post(api, json=body)
    assert made.status_code == 201, made.text
    assert (await client.get(api)).json()["items"] == [made.json()]
    care = await signed_in(house, "care")
    assert (await care.answer(HERE)).status_code == 403
    await care.client.aclose()
