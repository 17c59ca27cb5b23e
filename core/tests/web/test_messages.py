"""The pages of messages, by forms alone, and the way back for whoever got one."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.tests.contact.outbox.world import post_office
from core.tests.web.browsing import EVIL, Browser
from relatum.contact.outbox.unsubscribing import Way
from relatum.contact.types import ConsentDraft, Proof
from relatum.customers.types import ContactPointDraft, CustomerDraft
from relatum.values.ids import new_id

PROOF = Proof(method="form", wording="I want to hear of offers.", where="https://shop.example/yes")


async def made(browser: Browser, *, consent: bool = False) -> UUID:
    points = [ContactPointDraft(kind="email", raw="lan@example.com")]
    (id,) = await browser.house.customers.create(
        [CustomerDraft(display_name="Trần Thị Lan", contact_points=points)], by="system"
    )
    if consent:
        await browser.house.contact.consents.grant(
            [ConsentDraft(customer=id, purpose="advertising", proof=PROOF)], by="system"
        )
    return id


async def test_the_gate_is_asked_before_an_email_goes(browser: Browser) -> None:
    office = post_office(browser.house)
    id = await made(browser)
    path = f"/customers/{id}/write"
    assert path in [each["href"] for each in (await browser.page(f"/customers/{id}")).all("a")]
    page = await browser.page(f"{path}?lang=en")
    written = {"subject": "Lịch hẹn", "text": f"Hẹn gặp chị. {EVIL}", "purpose": "service"}
    answer = await browser.send(page, path, **written, go="look")
    page = browser.shown(answer, 200)
    assert "This message may be sent." in page.text
    assert ("subject", "Lịch hẹn") in page.form(path).fields
    page = await browser.follow(await browser.send(page, path, go="send"))
    assert EVIL in page.text
    assert page.planted == []
    assert "planned" in page.text
    await browser.house.contact.outbox.posting.run(new_id())
    ((_, parcel),) = office.sent
    assert parcel.content.subject == "Lịch hẹn"
    page = await browser.page("/messages?state=sent")
    assert "Trần Thị Lan" in page.text


async def test_what_is_not_allowed_is_said_with_its_reasons(browser: Browser) -> None:
    id = await made(browser)
    path = f"/customers/{id}/write"
    page = await browser.page(f"{path}?lang=en")
    assert "No plugin that is on sends e-mail." in page.text
    written = {"subject": "Sale", "text": "10 %", "purpose": "advertising"}
    page = browser.shown(await browser.send(page, path, **written, go="look"), 200)
    assert "This message may not be sent." in page.text
    assert "no consent" in page.text
    page = await browser.follow(await browser.send(page, path, **written, go="send"))
    assert "The message is not sent" in page.text
    assert "no consent" in page.text
    page = await browser.page(f"/messages?customer={id}")
    assert "no consent" in page.text


async def test_an_empty_list_says_where_messages_are_written(browser: Browser) -> None:
    page = await browser.page("/messages?lang=en")
    assert "They are written from the page of a customer." in page.text
    page = await browser.page("/messages?state=sent&lang=en")
    assert "No message fits." in page.text
    (id,) = await browser.house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    page = await browser.page(f"/messages?customer={id}")
    assert f"/customers/{id}/write" in [each["href"] for each in page.all("a")]


async def test_a_planned_message_is_cancelled(browser: Browser) -> None:
    id = await made(browser)
    path = f"/customers/{id}/write"
    page = await browser.page(f"{path}?lang=en")
    written = {"subject": "Hẹn", "text": "Chào", "purpose": "service", "at": "2031-01-02T09:00"}
    page = await browser.follow(await browser.send(page, path, **written, go="send"))
    ((message, at),) = await browser.house.db.fetch("SELECT id, due_at FROM core_message")
    assert str(at) == "2031-01-02 02:00:00+00:00", "by the clock of Hà Nội"
    path = f"/messages/{message}/cancel"
    pairs = page.form(path).filled()
    page = await browser.follow(await browser.post(path, pairs))
    assert "The message is cancelled." in page.text
    answer = await browser.post(path, pairs)
    assert "cancelled" in browser.shown(answer, 409).text


async def test_a_person_says_what_became_of_an_uncertain_message(browser: Browser) -> None:
    office = post_office(browser.house)
    office.answer = lambda parcel: "unknown"
    id = await made(browser)
    path = f"/customers/{id}/write"
    page = await browser.page(f"{path}?lang=en")
    written = {"subject": "Hẹn", "text": "Chào", "purpose": "service"}
    page = await browser.follow(await browser.send(page, path, **written, go="send"))
    await browser.house.contact.outbox.posting.run(new_id())
    ((message,),) = await browser.house.db.fetch("SELECT id FROM core_message")
    page = await browser.page(f"/messages/{message}?lang=en")
    assert "nobody can say whether this was sent" in page.text
    page = await browser.follow(await browser.send(page, f"/messages/{message}/settle", was="sent"))
    assert (await browser.house.contact.outbox.get(message)).state == "sent"


@pytest.mark.parametrize("at", ["soon", "2031-01-02T09:00+07:00", "2001-01-01T09:00"])
async def test_a_time_that_cannot_be_is_asked_for_again(browser: Browser, at: str) -> None:
    path = f"/customers/{await made(browser)}/write"
    page = await browser.page(path)
    written = {"subject": "Hẹn", "text": "Chào", "purpose": "service", "at": at}
    browser.shown(await browser.send(page, path, **written, go="send"), 422)
    assert await browser.house.db.fetch("SELECT id FROM core_message") == []


async def test_whoever_got_a_message_unsubscribes_without_signing_in(
    browser: Browser, nobody: Browser
) -> None:
    id = await made(browser, consent=True)
    outbox = browser.house.contact.outbox
    path = f"/unsubscribe/{outbox.unsubscribing.token(Way(id, 'advertising', 'email'))}"
    page = await nobody.page(f"{path}?lang=en")
    assert "Offers and advertising" in page.text
    assert "Lan" not in page.text, "nobody is named"
    assert len(await browser.house.contact.consents.of(id)) == 1, "looking takes nothing back"
    one_click = await nobody.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    lines = await browser.house.contact.consents.of(id)
    assert [(each.state, each.channel) for each in lines] == [
        ("withdrawn", "email"),
        ("granted", "*"),
    ]
    answer = await nobody.client.post(f"{path}x")
    assert answer.status_code == 404
