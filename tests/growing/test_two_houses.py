"""What one process changes, another one knows: at once by a signal, in a second without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from relatum.access.accounts.problems import LinkSpent, TooManyAttempts
from relatum.access.accounts.types import AccountDraft, InvitationDraft, SignedIn
from relatum.access.policies import Policy
from relatum.access.roles.types import RoleChange
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft, FieldDraft
from relatum.events.seals import head_path, read_head
from relatum.http import authentication
from relatum.values.problems import RelatumError
from relatum.values.time import now
from tests.growing.conftest import Pair, on_postgres

pytestmark = on_postgres

BY = "system"
CUSTOMERS = "/api/v1/customers"
PASSWORD = "con mèo trèo cây cau 2026"
#: Seconds on a busy machine; without a signal it would take an hour in these tests.
AT_ONCE = 5.0


async def until(ask: Callable[[], Awaitable[httpx.Response]], status: int, within: float) -> float:
    """Seconds until an answer has this status."""
    began = time.perf_counter()
    while (answer := await ask()).status_code != status:
        took = time.perf_counter() - began
        assert took < within, f"still {answer.status_code} after {took:.2f} s"
        await asyncio.sleep(0.01)
    return time.perf_counter() - began


async def signed_in(pair: Pair) -> SignedIn:
    """An owner with a password, and a session that the first process opened."""
    invited = await pair.one.house.accounts.invite(
        InvitationDraft(name="Lan", email="lan@example.com", roles=["owner"]), by=BY
    )
    await pair.one.house.accounts.accept(invited.secret, password=PASSWORD, address="")
    entered = await pair.one.house.sign_in.by_password(
        "lan@example.com", PASSWORD, address="203.0.113.5"
    )
    assert isinstance(entered, SignedIn)
    return entered


class TestToldAtOnce:
    @pytest.fixture(autouse=True)
    async def _listening(self, pair: Pair, nobody_remembered_briefly: None) -> None:
        await pair.one.listen()
        await pair.two.listen()

    async def test_a_role_that_is_taken_away(self, pair: Pair) -> None:
        account, _, there = await pair.person("manager")
        assert (await there.get(CUSTOMERS)).status_code == 200
        await pair.one.house.roles.assign(account, ["analyst"], by=BY)
        report = "/api/v1/customers"
        assert (await there.get(report)).status_code == 200
        await until(lambda: there.post(CUSTOMERS, json={"display_name": "An"}), 403, AT_ONCE)

    async def test_permissions_of_a_role_of_ones_own(self, pair: Pair) -> None:
        _, _, there = await pair.person("sales", permissions=["core.customers.read"])
        assert (await there.get(CUSTOMERS)).status_code == 200
        key = next(role.key for role in await pair.one.house.roles.every() if "sales_" in role.key)
        await pair.one.house.roles.change(key, RoleChange(permissions=[]), by=BY)
        await until(lambda: there.get(CUSTOMERS), 403, AT_ONCE)

    async def test_an_account_that_is_switched_off(self, pair: Pair) -> None:
        account, _, there = await pair.person("manager")
        assert (await there.get(CUSTOMERS)).status_code == 200
        await pair.one.house.accounts.suspend(account, by=BY)
        await until(lambda: there.get(CUSTOMERS), 401, AT_ONCE)

    async def test_a_session_that_ends(self, pair: Pair) -> None:
        entered = await signed_in(pair)
        there = pair.two.client()
        there.cookies.set("relatum_session", entered.secret)
        assert (await there.get(CUSTOMERS)).status_code == 200, "opened there, good here"
        await pair.one.house.sign_in.sign_out(entered.session, by=BY)
        await until(lambda: there.get(CUSTOMERS), 401, AT_ONCE)

    async def test_a_token_that_is_revoked(self, pair: Pair) -> None:
        account, _, there = await pair.person("manager")
        assert (await there.get(CUSTOMERS)).status_code == 200
        (token,) = await pair.one.house.tokens.of(account)
        await pair.one.house.tokens.revoke(account, token.id, by=BY)
        await until(lambda: there.get(CUSTOMERS), 401, AT_ONCE)

    async def test_a_field_that_becomes_sensitive(self, pair: Pair) -> None:
        await pair.one.house.customers.declare_fields([_field(None)])
        draft = CustomerDraft(display_name="An", fields={"salary": "12345"})
        await pair.one.house.customers.create([draft], by=BY)
        _, _, there = await pair.person("sales", policy=Policy(scopes=["all"]))
        assert "12345" in (await there.get(CUSTOMERS)).text
        await pair.one.house.customers.declare_fields([_field("finance")])
        began = time.perf_counter()
        while "12345" in (await there.get(CUSTOMERS)).text:
            assert time.perf_counter() - began < AT_ONCE
            await asyncio.sleep(0.01)


def _field(sensitivity: Any) -> FieldDraft:
    return FieldDraft(key="salary", title_en="Salary", title_vi="Lương", sensitivity=sensitivity)


async def test_without_signals_there_is_a_bound(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert authentication.REMEMBERED == 1.0, "as the guide says"
    monkeypatch.setattr(authentication, "REMEMBERED", 4.0)
    account, _, there = await pair.person("manager")
    began = time.perf_counter()
    assert (await there.get(CUSTOMERS)).status_code == 200
    await pair.one.house.accounts.suspend(account, by=BY)
    told = (await there.get(CUSTOMERS)).status_code
    assert told == 200 or time.perf_counter() - began > 4, "nobody has told"
    await until(lambda: there.get(CUSTOMERS), 401, 6)


async def test_guessing_is_slowed_down_in_all_processes_together(pair: Pair) -> None:
    await signed_in(pair)
    houses = (pair.one.house, pair.two.house)
    moment = now()
    for house in houses:
        # the wait after five is two seconds, which a busy machine needs for the next attempt
        house.sign_in._throttle.clock = lambda: moment
    for number in range(5):
        with pytest.raises(RelatumError) as wrong:
            await houses[number % 2].sign_in.by_password(
                "lan@example.com", "wrong", address="203.0.113.7"
            )
        assert not isinstance(wrong.value, TooManyAttempts)
    for house in houses:
        with pytest.raises(TooManyAttempts):
            await house.sign_in.by_password("lan@example.com", PASSWORD, address="203.0.113.8")


async def test_one_idempotency_key_at_both_writes_once(pair: Pair) -> None:
    _, here, there = await pair.person("owner")
    for number in range(10):
        headers = {"Idempotency-Key": f"key-{number}"}
        body = {"display_name": f"An {number}"}
        answers = await asyncio.gather(
            *(each.post(CUSTOMERS, json=body, headers=headers) for each in (here, there) * 3)
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        replayed = [answer.headers.get("idempotency-replayed") for answer in answers]
        assert replayed.count(None) == 1
    row = await pair.one.house.db.fetch_one("SELECT count(*) FROM core_customer")
    assert row == (10,)


class TestFirstOwner:
    async def test_the_link_of_one_process_opens_at_the_other(self, pair: Pair) -> None:
        link = await pair.one.house.accounts.first_link()
        assert link is not None
        owner = await pair.two.house.accounts.claim_first(link.secret, _owner(1))
        assert owner.state == "active"
        assert await pair.one.house.accounts.first_link() is None

    async def test_of_two_that_start_at_once_one_link_is_good_and_one_owner_is_made(
        self, pair: Pair
    ) -> None:
        houses = (pair.one.house, pair.two.house)
        for _ in range(5):
            links = await asyncio.gather(*(house.accounts.first_link() for house in houses))
            assert None not in links
        claims = await asyncio.gather(
            *(
                house.accounts.claim_first(link.secret, _owner(number))
                for number, (house, link) in enumerate(zip(houses, links, strict=True))
                if link is not None
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(each, LinkSpent) for each in claims) == 1, claims
        row = await houses[0].db.fetch_one(
            "SELECT count(*) FROM core_account_role WHERE role = 'owner'"
        )
        assert row == (1,)


def _owner(number: int) -> AccountDraft:
    return AccountDraft(name="Lan", email=f"lan{number}@example.com", password=PASSWORD)


async def test_the_head_of_the_seals_never_goes_back(pair: Pair) -> None:
    houses = (pair.one.house, pair.two.house)
    path, numbers = head_path(houses[0].keys), []
    for number in range(20):
        drafts = [CustomerDraft(display_name=f"An {number}")]
        await houses[number % 2].customers.create(drafts, by=BY)
        await asyncio.gather(*(house.seals.seal() for house in houses))
        head = read_head(path)
        assert head is not None
        numbers.append(head.number)
    assert numbers == sorted(numbers)
    row = await houses[0].db.fetch_one("SELECT max(number), count(*) FROM core_event_seal")
    assert row == (numbers[-1], numbers[-1])
    assert [each.name for each in path.parent.glob(".audit-head*")] == []


async def test_a_key_that_one_process_makes_is_read_by_the_other(pair: Pair) -> None:
    one, two = pair.one.house, pair.two.house
    place = "core_test\0value\0id"
    before = one.secrets.encrypt("bí mật", place)
    assert two.secrets.decrypt(before, place) == "bí mật"
    one.keys.rotate()
    after = one.secrets.encrypt("mật khẩu", place)
    assert two.secrets.decrypt(after, place) == "mật khẩu"


async def test_an_upload_of_one_process_is_there_for_the_other(pair: Pair) -> None:
    _, here, there = await pair.person("owner")
    sent = await here.post(
        "/api/v1/uploads", files={"file": ("khach.csv", "name\nAn\nBình\n".encode())}
    )
    assert sent.status_code == 201, sent.text
    listed = await there.get("/api/v1/uploads")
    assert [each["id"] for each in listed.json()["items"]] == [sent.json()["id"]]


async def test_two_processes_that_migrate_at_once(
    tmp_path: Path, relatum_empty_database_url: str
) -> None:
    settings = Settings(home=tmp_path, database=relatum_empty_database_url, safe_mode=True)
    async with await House.open(settings) as one, await House.open(settings) as two:
        planned = await one.migrate_plan()
        await asyncio.gather(one.migrate_apply(), two.migrate_apply())
        done = await one.db.fetch("SELECT app_name, name FROM migration")
        assert len(done) == len(set(done)) == len(planned)
        assert await two.core_pending() == []
