"""Retention schedules: who is listed and why, who leaves the list, who is erased, and who never."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.api import (
    Conflict,
    ConsentDraft,
    CustomerChange,
    CustomerDraft,
    HoldDraft,
    InteractionDraft,
    InvalidInput,
    Plugin,
    Proof,
    Refused,
    Text,
    new_id,
    now,
)
from relatum.app.house import House
from relatum.customers.erasing.business import Business
from relatum.customers.erasing.files import Files
from relatum.customers.erasing.service import Erasing
from relatum.values.problems import PluginError
from relatum_consent.services.carrying_out import Actor
from relatum_consent.services.requests import Requests
from relatum_consent.services.retention import Retention
from relatum_consent.services.retention_run import BATCH, RetentionRun, Swept
from relatum_consent.settings import RetentionRule, Settings
from relatum_consent.types import Due, DueQuery, RequestDraft, RetentionState

HERE = "/p/consent/retention"
BY = "system"
LONG_AGO = dt.datetime(2020, 1, 5, tzinfo=dt.UTC)
PROPOSE = RetentionRule(id="idle", idle_days=400, notice_days=30)
ERASE = RetentionRule(id="idle", idle_days=400, notice_days=30, mode="erase")


class Everything:
    """A viewer that may all."""

    def may(self, permission: str) -> bool:
        return True


class Nothing:
    def may(self, permission: str) -> bool:
        return False


ACTOR = Actor("account:7d0a1f0e-8a51-4c7e-9a2b-0f6f3f1f9a11", Everything())


class Scene:
    """Customers whom nobody has dealt with for years, and the schedule."""

    def __init__(self, house: House, plugin: Plugin) -> None:
        self.house = house
        self.plugin = plugin

    def rules(self, *rules: RetentionRule) -> None:
        self.plugin.settings = msgspec.structs.replace(self.plugin.settings, retention=list(rules))

    async def people(self, count: int) -> list[UUID]:
        drafts = [CustomerDraft(display_name=f"Nguyễn Thị Lan {n}") for n in range(count)]
        ids = await self.house.customers.create(drafts, by=BY)
        await self.age()
        return ids

    async def age(self) -> None:
        """Everything that was recorded so far is long ago."""
        await self.house.db.execute(
            "UPDATE core_customer SET created_at = ?, updated_at = ?", LONG_AGO, LONG_AGO
        )

    async def notice_is_over(self) -> None:
        await self.house.db.execute(
            "UPDATE consent_retention SET erase_on = ?", dt.date(2020, 6, 1)
        )

    async def run(self) -> Swept:
        return await RetentionRun(self.plugin).run()

    async def all(self, state: RetentionState = "due") -> list[Due]:
        found = await Retention(self.plugin).find(DueQuery(state=state, limit=200))
        return found.items

    async def listed(self, state: RetentionState = "due") -> set[UUID | None]:
        return {each.customer for each in await self.all(state)}

    async def there(self) -> set[UUID]:
        return {id for (id,) in await self.house.db.fetch("SELECT id FROM core_customer")}


@pytest.fixture
def scene(house: House, plugin: Plugin) -> AsyncIterator[Scene]:
    before = plugin.settings
    scene = Scene(house, plugin)
    scene.rules(ERASE)
    yield scene
    plugin.settings = before


# -- rules ---------------------------------------------------------------------------------------


def test_nobody_is_erased_unasked() -> None:
    assert Settings().retention == []
    assert PROPOSE.mode == RetentionRule(id="idle", idle_days=400).mode == "propose"


@pytest.mark.parametrize(
    "rules",
    [
        [{"id": "a", "idle_days": 29}],
        [{"id": "a", "idle_days": 400, "notice_days": 0}],
        [{"id": "a", "idle_days": 400, "mode": "now"}],
        [{"id": "a", "idle_days": 400, "applies_to": "company"}],
        [{"id": "A b", "idle_days": 400}],
        [{"id": "a"}],
        [{"id": "a", "idle_days": 400}, {"id": "a", "idle_days": 800}],
    ],
)
def test_rules_that_cannot_be(rules: list[dict[str, Any]]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"retention": rules}, Settings)


# -- onto the list -------------------------------------------------------------------------------


async def interaction(scene: Scene, id: UUID) -> None:
    draft = InteractionDraft(kind="core.note", customer_id=id, payload={"text": "gọi lại"})
    await scene.house.interactions.record([draft], by=BY)


async def changed(scene: Scene, id: UUID) -> None:
    change = CustomerChange(display_name="Nguyễn Thị Lan Anh")
    there = await scene.house.customers.get(id)
    await scene.house.customers.change(id, change, version=there.version, by=BY)


async def consented(scene: Scene, id: UUID) -> None:
    proof = Proof(method="form", wording="Đồng ý", where="phiếu 7")
    draft = ConsentDraft(customer=id, purpose="advertising", proof=proof)
    await scene.house.contact.consents.grant([draft], by=BY)


async def asking(scene: Scene, id: UUID) -> None:
    day = dt.date(2020, 3, 10)
    draft = RequestDraft(customer=id, kind="correct", received_on=day)
    await Requests(scene.plugin).receive(draft, by=BY)


async def held(scene: Scene, id: UUID) -> None:
    await scene.house.contact.wishes.hold(
        HoldDraft(customer=id, kind="legal", reason="vụ kiện 12/2026"), by=BY
    )


async def worked_on(scene: Scene, id: UUID) -> None:
    """A person did something that is told of in the log alone."""
    await scene.house.db.execute("UPDATE core_event SET by = 'account:x' WHERE customer_id = ?", id)


async def merged(scene: Scene, id: UUID) -> None:
    """Somebody who was merged into them did something, under the id of then."""
    [other] = await scene.people(1)
    await scene.house.merging.merge(id, other, by=BY)
    await scene.age()
    await worked_on(scene, other)


Act = Callable[[Scene, UUID], Awaitable[None]]
ACTS: list[tuple[Act, str]] = [
    (interaction, "active"),
    (changed, "active"),
    (consented, "active"),
    (worked_on, "active"),
    (merged, "active"),
    (asking, "open-request"),
    (held, "legal-hold"),
]


@pytest.mark.parametrize(("act", "why"), ACTS)
async def test_who_is_not_due(scene: Scene, act: Act, why: str) -> None:
    first, second = await scene.people(2)
    await act(scene, second)
    assert await scene.run() == Swept(listed=1, ended=0, erased=0, stayed=0)
    assert await scene.listed() == {first}
    assert await scene.run() == Swept(listed=0, ended=0, erased=0, stayed=0)


@pytest.mark.parametrize(("act", "why"), ACTS)
async def test_who_leaves_the_list(scene: Scene, act: Act, why: str) -> None:
    first, second = await scene.people(2)
    assert (await scene.run()).listed == 2
    await scene.notice_is_over()
    await act(scene, second)
    done = await scene.run()
    assert (done.ended, done.erased) == (1, 1)
    [ended] = await scene.all("ended")
    assert (ended.customer, ended.stays) == (second, why)
    assert await scene.there() == {second}
    assert first not in await scene.there()


async def test_the_list_says_by_which_rule_since_when_and_until_when(scene: Scene) -> None:
    people = RetentionRule(id="people", idle_days=3_000, applies_to="person")
    others = RetentionRule(id="others", idle_days=400, notice_days=7, applies_to="organisation")
    scene.rules(people, others)
    await scene.people(1)
    draft = CustomerDraft(kind="organisation", display_name="Công ty Hoa Sen")
    [firm] = await scene.house.customers.create([draft], by=BY)
    await scene.age()
    past = dt.datetime(2021, 2, 3, 4, 5, tzinfo=dt.UTC)
    draft_ = InteractionDraft(
        kind="core.note", customer_id=firm, payload={"text": "x"}, occurred_at=past
    )
    await scene.house.interactions.record([draft_], by=BY)
    await scene.run()
    [due] = await scene.all()
    assert (due.customer, due.rule, due.last_at) == (firm, "others", past)
    days = due.erase_on - due.listed_at.date()
    assert dt.timedelta(days=7) <= days <= dt.timedelta(days=8)
    rows = await scene.house.db.fetch(
        "SELECT customer_id FROM core_event WHERE type = 'consent.retention_moved'"
    )
    assert rows == [(firm,)]


async def test_without_its_rule_nobody_stays_listed(scene: Scene) -> None:
    await scene.people(2)
    await scene.run()
    scene.rules()
    assert await scene.run() == Swept(listed=0, ended=2, erased=0, stayed=0)
    assert {each.stays for each in await scene.all("ended")} == {"no-rule"}


async def test_what_is_archived_counts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = await scene.people(2)
    since: list[dt.datetime] = []

    async def archived(moment: dt.datetime) -> set[UUID]:
        since.append(moment)
        return {second}

    monkeypatch.setattr(scene.house.interactions, "archived_since", archived)
    await scene.run()
    assert await scene.listed() == {first}
    assert now() - since[0] >= dt.timedelta(days=400)

    async def unreadable(moment: dt.datetime) -> set[UUID]:
        raise Conflict("the archive cannot be read")

    await scene.notice_is_over()
    monkeypatch.setattr(scene.house.interactions, "archived_since", unreadable)
    with pytest.raises(Conflict):
        await scene.run()
    assert await scene.there() == {first, second}


# -- erased --------------------------------------------------------------------------------------


async def test_nobody_is_erased_before_the_notice_is_over(scene: Scene) -> None:
    ids = await scene.people(BATCH + 3)
    assert (await scene.run()).listed == len(ids)
    assert (await scene.run()).erased == 0
    await scene.notice_is_over()
    assert await scene.run() == Swept(listed=0, ended=0, erased=len(ids), stayed=0)
    assert await scene.there() == set()
    proofs = await scene.all("erased")
    assert {each.customer for each in proofs} == {None}
    receipt = await scene.house.erasing.receipt(proofs[0].receipt or new_id())
    assert (receipt.by, receipt.reason) == ("plugin:consent", "retention: idle")
    assert await scene.run() == Swept(listed=0, ended=0, erased=0, stayed=0)


async def test_a_proposal_waits_for_a_person(scene: Scene) -> None:
    scene.rules(PROPOSE)
    first, second = await scene.people(2)
    await scene.run()
    await scene.notice_is_over()
    assert (await scene.run()).erased == 0
    retention = Retention(scene.plugin)
    [chosen] = [each.id for each in await scene.all() if each.customer == first]
    with pytest.raises(Refused):
        await retention.approve([chosen], Actor("system", Nothing()))
    assert await retention.approve([chosen], ACTOR) == 1
    assert (await scene.run()).erased == 1
    assert await scene.there() == {second}
    with pytest.raises(Conflict):
        await retention.approve([chosen], ACTOR)


async def test_who_is_kept_is_left_alone_until_that_day_is_over(scene: Scene) -> None:
    [id] = await scene.people(1)
    await scene.run()
    await scene.notice_is_over()
    retention, [due] = Retention(scene.plugin), await scene.all()
    today = now().date()
    for until, reason in ((today, "x"), (None, "x"), (today + dt.timedelta(days=60), " ")):
        with pytest.raises(InvalidInput):
            await retention.keep([due.id], ACTOR, until=until, reason=reason)
    until = today + dt.timedelta(days=60)
    await retention.keep([due.id], ACTOR, until=until, reason="quay lại mùa tới")
    assert await scene.run() == Swept(listed=0, ended=0, erased=0, stayed=0)
    await scene.house.db.execute("UPDATE consent_retention SET kept_until = ?", today)
    await scene.house.db.execute(
        "UPDATE consent_retention SET kept_until = ?", today - dt.timedelta(days=2)
    )
    assert await scene.run() == Swept(listed=1, ended=1, erased=0, stayed=0)
    assert await scene.listed() == {id}


async def test_who_was_erased_on_request_leaves_the_list(scene: Scene) -> None:
    [id] = await scene.people(1)
    await scene.run()
    await scene.house.erasing.erase(id, by=BY, reason="yêu cầu")
    assert (await scene.run()).ended == 1
    [ended] = await scene.all("ended")
    assert (ended.customer, ended.stays) == (None, "gone")


# -- at the last moment --------------------------------------------------------------------------


async def kept(scene: Scene, id: UUID) -> None:
    [due] = [each for each in await scene.all() if each.customer == id]
    until = now().date() + dt.timedelta(days=60)
    await Retention(scene.plugin).keep([due.id], ACTOR, until=until, reason="còn hẹn")


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (interaction, "not-due"),
        (asking, "not-due"),
        (held, "legal-hold"),
        (kept, ""),
    ],
)
async def test_who_comes_back_while_the_batch_is_erased(
    scene: Scene, act: Act, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first look and before the transaction; the others of the batch go."""
    ids = await scene.people(3)
    await scene.run()
    await scene.notice_is_over()
    delete, late = Files.delete, [ids[1]]

    async def meanwhile(self: Files, *given: Any) -> Any:
        for id in late:
            late.remove(id)
            await act(scene, id)
        return await delete(self, *given)

    monkeypatch.setattr(Files, "delete", meanwhile)
    done = await scene.run()
    assert (done.erased, done.stayed) == (2, 1)
    assert await scene.there() == {ids[1]}
    rows = await scene.house.db.fetch(
        "SELECT stays, state FROM consent_retention WHERE customer_id = ?", ids[1]
    )
    assert rows == [(why, "kept" if act is kept else "due")]


def business(*customers: UUID) -> Callable[..., Awaitable[dict[UUID, list[Text]]]]:
    async def of(self: Business, asked: Sequence[UUID]) -> dict[UUID, list[Text]]:
        deal = Text(en="1 open deal", vi="1 cơ hội đang mở")
        return {id: [deal] for id in asked if id in customers}

    return of


async def test_open_business_keeps_from_a_schedule_and_not_from_a_wish(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await scene.people(2)
    monkeypatch.setattr(Business, "of", business(second))
    await scene.run()
    assert await scene.listed() == {first}
    preview = await scene.house.erasing.preview(second)
    assert [each.en for each in preview.business] == ["1 open deal"]
    monkeypatch.setattr(Business, "of", business(first, second))
    assert (await scene.run()).ended == 1
    assert (await scene.all("ended"))[0].stays == "open-business"
    assert (await scene.house.erasing.erase(second, by=BY, reason="yêu cầu")).customer == second


async def test_business_that_opens_while_the_batch_is_erased(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await scene.people(2)
    await scene.run()
    await scene.notice_is_over()
    delete = Files.delete

    async def meanwhile(self: Files, *given: Any) -> Any:
        monkeypatch.setattr(Business, "of", business(second))
        return await delete(self, *given)

    monkeypatch.setattr(Files, "delete", meanwhile)
    assert (await scene.run()).erased == 1
    assert await scene.there() == {second}
    assert (await scene.all())[0].stays == "open-business"
    assert first not in await scene.there()


async def test_a_plugin_that_does_not_say_keeps_everybody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await scene.people(2)
    await scene.run()
    await scene.notice_is_over()

    async def broken(self: Business, asked: Sequence[UUID]) -> dict[UUID, list[Text]]:
        raise PluginError("Plugin spa 1.0 failed")

    with monkeypatch.context() as patched:
        patched.setattr(Business, "of", broken)
        with pytest.raises(PluginError):
            await scene.run()
    delete = Files.delete

    async def meanwhile(self: Files, *given: Any) -> Any:
        monkeypatch.setattr(Business, "of", broken)
        return await delete(self, *given)

    monkeypatch.setattr(Files, "delete", meanwhile)
    assert (await scene.run()).erased == 0
    assert await scene.there() == set(ids)
    assert {each.stays for each in await scene.all()} == {"not-told"}


# -- interrupted ---------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before the commit", "after the commit"])
async def test_a_run_that_ends_in_the_middle_is_repeated_without_harm(
    scene: Scene, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.people(3)
    await scene.run()
    await scene.notice_is_over()

    async def ends(*_: Any) -> Any:
        raise asyncio.CancelledError

    step = "_place" if when == "before the commit" else "finish"
    with monkeypatch.context() as patched:
        patched.setattr(Erasing, step, ends)
        with pytest.raises(asyncio.CancelledError):
            await scene.run()
    assert len(await scene.there()) == (3 if when == "before the commit" else 0)
    assert len(await scene.all("erased")) == (0 if when == "before the commit" else 3)
    await scene.run()
    assert await scene.there() == set()
    proofs = await scene.all("erased")
    assert len(proofs) == 3
    assert all(each.receipt for each in proofs)


# -- the page ------------------------------------------------------------------------------------


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


async def test_by_forms_alone(scene: Scene, browser: Browser) -> None:
    scene.rules()
    page = await browser.page(HERE)
    assert "No rule is set" in page.text
    assert "Nobody is here." in page.text
    scene.rules(PROPOSE)
    first, second = await scene.people(2)
    await scene.run()
    page = await browser.page(HERE)
    assert "after 400 days without activity" in page.text
    assert "if approved" in page.text
    assert page.source.index('value="keep"') < page.source.index('value="approve"')
    scene.rules()
    assert "if approved" not in (await browser.page(HERE)).text
    scene.rules(PROPOSE)
    ids = {each.customer: str(each.id) for each in await scene.all()}
    fields = [(name, value) for name, value in page.form(HERE).fields if name == "csrf"]
    assert fields, page.form(HERE).fields
    chosen = [*fields, ("entries", ids[first]), ("do", "approve")]
    page = await browser.follow(await browser.post(HERE, chosen))
    assert await scene.listed("approved") == {first}
    assert (await browser.post(HERE, [*fields, ("do", "approve")])).status_code == 409
    late = [*fields, ("entries", ids[second]), ("do", "keep"), ("reason", EVIL)]
    assert (await browser.post(HERE, late)).status_code == 422
    until = (now() + dt.timedelta(days=90)).date().isoformat()
    await browser.follow(await browser.post(HERE, [*late, ("until", until)]))
    page = await browser.page(f"{HERE}?state=kept")
    assert "Kept until" in page.text
    await scene.notice_is_over()
    await scene.run()
    page = await browser.page(f"{HERE}?state=erased")
    assert "/erasures/" in page.source
    for state in ("approved", "ended"):
        await browser.page(f"{HERE}?state={state}")


async def test_who_may_decide(scene: Scene, house: House) -> None:
    care = await signed_in(house, "care")
    assert (await care.answer(HERE)).status_code == 403
    await care.client.aclose()
    manager = await signed_in(house, "manager")
    assert (await manager.answer(HERE)).status_code == 200
    await manager.client.aclose()
