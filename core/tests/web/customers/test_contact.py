"""The page of consent and contact, by forms alone."""

from __future__ import annotations

from uuid import UUID

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.contact.types import ContactRequest
from relatum.customers.types import ContactPointDraft, CustomerDraft


async def made(browser: Browser) -> UUID:
    points = [
        ContactPointDraft(kind="phone", raw="0912 345 678"),
        ContactPointDraft(kind="email", raw="lan@example.com"),
    ]
    (id,) = await browser.house.customers.create(
        [CustomerDraft(display_name="Trần Thị Lan", contact_points=points)], by="system"
    )
    return id


async def test_silence_is_shown_as_no_consent(browser: Browser) -> None:
    path = f"/customers/{await made(browser)}"
    customer = await browser.page(path)
    assert {"class": "button ghost", "href": f"{path}/contact"} in customer.all("a")
    page = await browser.page(f"{path}/contact?lang=en")
    assert "Silence is no consent." in page.text
    assert "no consent" in page.text
    assert "no address for this channel" in page.text, "nobody gave a Zalo account"
    assert "vn-2026/1" in page.text


async def test_a_consent_is_recorded_with_its_proof_and_taken_back(browser: Browser) -> None:
    id = await made(browser)
    path = f"/customers/{id}/contact"
    page = await browser.page(path)
    answer = await browser.send(
        page,
        f"{path}/consent",
        purpose="advertising",
        method="signed_paper",
        wording=f"Tôi đồng ý nhận tin. {EVIL}",
        where="Phiếu số 7",
    )
    page = await browser.follow(answer)
    assert EVIL in page.text
    assert page.planted == []
    (line,) = await browser.house.contact.consents.of(id)
    assert (line.channel, line.method, line.where) == ("*", "signed_paper", "Phiếu số 7")
    assert line.recorded_by == f"person:{browser.account}"
    page = await browser.follow(await browser.send(page, f"{path}/withdraw"))
    lines = await browser.house.contact.consents.of(id)
    assert [each.state for each in lines] == ["withdrawn", "granted"]
    assert not [form for form in page.forms if form.action == f"{path}/withdraw"]


async def test_a_consent_without_its_words_is_asked_for_again(browser: Browser) -> None:
    id = await made(browser)
    path = f"/customers/{id}/contact"
    page = await browser.page(path)
    answer = await browser.send(
        page, f"{path}/consent", purpose="survey", method="form", wording="ok", where="Biểu mẫu 3"
    )
    page = browser.shown(answer, 422)
    assert "Biểu mẫu 3" in dict(page.form(f"{path}/consent").fields).values()
    assert await browser.house.contact.consents.of(id) == []


async def test_quiet_hours_are_kept_and_shown_again(browser: Browser) -> None:
    path = f"/customers/{await made(browser)}/contact"
    page = await browser.page(path)
    answer = await browser.send(
        page, f"{path}/wishes", quiet_from="21:30", quiet_until="08:00", restricted="on"
    )
    fields = (await browser.follow(answer)).form(f"{path}/wishes").fields
    assert {("quiet_from", "21:30"), ("quiet_until", "08:00"), ("restricted", "on")} <= set(fields)
    for start, end in (("21:30", ""), ("25:00", "08:00"), ("abc", "")):
        answer = await browser.send(
            page, f"{path}/wishes", quiet_from=start, quiet_until=end, restricted=None
        )
        browser.shown(answer, 422)


async def test_a_hold_is_placed_shown_and_lifted(browser: Browser) -> None:
    id = await made(browser)
    path = f"/customers/{id}/contact"
    page = await browser.page(path)
    page = await browser.follow(await browser.send(page, f"{path}/hold", reason="Giao hỏng"))
    assert "Giao hỏng" in page.text
    (hold,) = await browser.house.contact.wishes.holds_of(id)
    lifted = await browser.send(await browser.page(path), f"{path}/holds/{hold.id}/lift")
    await browser.follow(lifted)
    assert await browser.house.contact.wishes.holds_of(id) == []


async def test_decisions_are_listed_with_their_reasons(browser: Browser) -> None:
    id = await made(browser)
    await browser.house.contact.gate.decide(
        [ContactRequest(customer=id, channel="sms", purpose="advertising", plugin="campaigns")]
    )
    page = await browser.page(f"/customers/{id}/contact?lang=en")
    assert "campaigns" in page.text
    assert "the text lacks its label" in page.text


async def test_who_only_reads_finds_no_forms_to_write(browser: Browser) -> None:
    id = await made(browser)
    reader = await signed_in(browser.house, "analyst")
    page = await reader.page(f"/customers/{id}/contact")
    assert not [form for form in page.forms if "/contact/" in form.action]
    await reader.client.aclose()
