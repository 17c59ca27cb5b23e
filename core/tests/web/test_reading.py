"""Moments and numbers as somebody likes them: everywhere, for their account, and for no other."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from core.tests.web.browsing import Browser, signed_in
from relatum.access.accounts.preferences import Preferences, Reading
from relatum.app.house import House
from relatum.customers.types import CustomerDraft, FieldDraft
from relatum.web import formats
from relatum.web.languages import Language, clock_text, day_text, grouped
from relatum.web.reading import current_reading, reading_as

MOMENT = dt.datetime(2026, 11, 22, 7, 5, tzinfo=dt.UTC)
HANOI = "Asia/Ho_Chi_Minh"


def test_by_language_when_nothing_is_chosen() -> None:
    assert formats.moment_text(MOMENT, "vi", HANOI) == "22/11/2026 14:05"
    assert formats.moment_text(MOMENT, "en", HANOI) == "22 Nov 2026 14:05"
    assert formats.decimal(Decimal("1234.5"), "vi") == "1.234,5"
    assert formats.decimal(Decimal("1234.5"), "en") == "1,234.5"


@pytest.mark.parametrize(
    ("number", "language", "chosen", "locale"),
    [
        ("1234567.25", "vi", "point", "en"),
        ("1234567.25", "en", "comma", "vi"),
        ("-0.5", "vi", "point", "en"),
        ("1000", "en", "comma", "vi"),
    ],
)
def test_numbers_as_in_cldr(number: str, language: Language, chosen: str, locale: str) -> None:
    with reading_as(Reading(numbers="point" if chosen == "point" else "comma")):
        assert formats.decimal(Decimal(number), language, 2) == format_decimal(
            Decimal(number), locale=locale
        )


def test_days_and_hours_as_in_cldr() -> None:
    day = MOMENT.date()
    with reading_as(Reading(dates="named", clock="12")):
        assert day_text(day, "vi") == format_date(day, "medium", locale="vi")
        assert day_text(day, "en") == format_date(day, "d MMM y", locale="en")
        for hour in (0, 1, 11, 12, 13, 23):
            at = dt.datetime(2026, 11, 22, hour, 5, tzinfo=dt.UTC)
            shown = clock_text(at, "en").replace("\u00a0", "\u202f")
            assert shown == format_time(at, "short", locale="en_US")
    with reading_as(Reading(dates="iso")):
        assert day_text(day, "vi") == day.isoformat()
    with reading_as(Reading(dates="day_month")):
        assert day_text(day, "en") == "22/11/2026"


def test_amounts_keep_their_sign_and_change_their_marks() -> None:
    with reading_as(Reading(numbers="point")):
        assert formats.money(12_500_000, "VND", "vi") == "12,500,000\u00a0₫"
        assert formats.money(123_456, "USD", "vi") == "1,234.56\u00a0US$"
        assert formats.money_short(12_500_000, "VND", "vi") == "12.5\u00a0Tr\u00a0₫"
        assert grouped(1_234_567, "vi") == "1,234,567"
    with reading_as(Reading(numbers="comma")):
        assert formats.money(12_500_000, "VND", "en") == "₫12.500.000"
        assert formats.percent(Decimal("0.125"), "en", 1) == "12,5%"


async def choose(browser: Browser, **choice: str) -> None:
    page = await browser.page("/account")
    await browser.follow(await browser.send(page, "/account/reading", **choice))


async def test_a_choice_is_kept_and_shows_on_every_page(browser: Browser) -> None:
    house, account = browser.house, browser.account
    assert account is not None
    await house.customers.declare_fields([FieldDraft(key="weight", type="decimal")])
    (id,) = await house.customers.create(
        [CustomerDraft(display_name="Lan", fields={"weight": "1234.5"})], by="system"
    )
    made = (await house.customers.get(id)).created_at
    there = await browser.page(f"/customers/{id}?lang=vi")
    assert "1.234,5" in there.text
    await choose(browser, time_zone="America/New_York", dates="iso", clock="12", numbers="point")
    there = await browser.page(f"/customers/{id}")
    assert "1,234.5" in there.text
    with reading_as(Reading(dates="iso", clock="12")):
        shown = formats.moment_text(made, "vi", "America/New_York")
    assert shown.replace("\u00a0", " ") in (await browser.page("/audit")).text
    kept = await house.preferences.of(account)
    expected = Reading(time_zone="America/New_York", dates="iso", clock="12", numbers="point")
    assert kept == Preferences(reading=expected)
    form = (await browser.page("/account")).form("/account/reading")
    assert ("time_zone", "America/New_York") in form.filled()
    assert ("clock", "12") in form.filled()


async def test_it_is_nobody_elses(core_house: House, browser: Browser) -> None:
    """Also where requests come one after the other in one task."""
    await choose(browser, dates="iso")
    await browser.house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    other = await signed_in(core_house, "owner")
    today = dt.datetime.now(dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=7)))
    assert today.date().isoformat() in (await browser.page("/audit")).text
    assert current_reading() == Reading()
    theirs = (await other.page("/audit?lang=vi")).text
    assert f"{today:%d/%m/%Y}" in theirs
    assert f" {today.date().isoformat()} " not in theirs
    await other.client.aclose()


async def test_days_that_are_asked_for_are_days_of_the_same_clock(browser: Browser) -> None:
    house = browser.house
    await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    moment = dt.datetime(2026, 3, 1, 20, 0, tzinfo=dt.UTC)  # the second of March in Ha Noi
    await house.db.execute("UPDATE core_customer SET created_at = ?", moment)
    second = "/customers?created_first=2026-03-02&created_last=2026-03-02"
    assert "Lan" in (await browser.page(second)).text
    await choose(browser, time_zone="Europe/Berlin")
    assert "Lan" not in (await browser.page(second)).text
    assert "Lan" in (await browser.page(second.replace("03-02", "03-01"))).text


async def test_what_is_no_time_zone_is_refused(browser: Browser) -> None:
    page = await browser.page("/account")
    for zone in ("Asia/Hanoi", "../../etc/passwd", "x" * 61):
        answer = await browser.send(page, "/account/reading", time_zone=zone)
        refused = browser.shown(answer, 422)
        assert ("time_zone", zone) in refused.form("/account/reading").filled()
    answer = await browser.send(page, "/account/reading", clock="13")
    browser.shown(answer, 422)


async def test_single_keys_are_switched_for_the_account(core_house: House) -> None:
    """WCAG 2.1.4: off once, off in every browser of theirs."""
    first = await signed_in(core_house, "owner")
    page = await first.page("/palette/keys")
    page = await first.follow(await first.send(page, "/palette/keys"))
    assert 'data-keys="off"' in page.source
    assert first.account is not None
    assert (await core_house.preferences.of(first.account)).keys is False
    second = Browser(core_house, first.client._transport.app, first.account)  # type: ignore[attr-defined]
    session = await core_house.sign_in.at_once(first.account, address="127.0.0.1", user_agent="")
    second.cookies.set("relatum_session", session.secret, domain="127.0.0.1")
    assert 'data-keys="off"' in (await second.page("/customers")).source
    assert ("keys", "on") not in (await second.page("/account")).form("/account/display").filled()
    for each in (first, second):
        await each.client.aclose()
