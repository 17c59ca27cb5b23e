"""Coming in with a password, and what tells nothing to whoever guesses."""

from __future__ import annotations

import datetime as dt
import statistics
import time

import pytest
from argon2 import PasswordHasher

from core.tests.access.accounts.people import ADDRESS, PASSWORD, Add, Clock, events_of
from relatum.access.accounts.problems import SignInRefused, TooManyAttempts
from relatum.access.accounts.types import Account, ServiceDraft, SignedIn
from relatum.app.house import House
from relatum.db.database import Database
from relatum.values.ids import new_id
from relatum.values.problems import MalformedRequest, NotFound


async def came_in(house: House, email: str = "lan@example.com") -> SignedIn:
    outcome = await house.sign_in.by_password(email, PASSWORD, address=ADDRESS, user_agent="test")
    assert isinstance(outcome, SignedIn)
    return outcome


@pytest.mark.parametrize("email", ["lan@example.com", "LAN@example.com", "  lan@EXAMPLE.com "])
async def test_the_right_password_makes_a_session(house: House, owner: Account, email: str) -> None:
    signed_in = await came_in(house, email)
    identity = await house.sessions.authenticate_session(signed_in.secret)
    assert identity is not None
    assert (identity.account, identity.session) == (owner.id, signed_in.session)
    assert identity.actor == f"person:{owner.id}"
    assert identity.scopes is None
    [event] = await events_of(house, "signed_in")
    assert event["way"] == "password"
    assert event["address"] == ADDRESS
    assert (await house.accounts.get(owner.id)).last_sign_in_at is not None


async def test_every_sign_in_has_a_secret_of_its_own(house: House, owner: Account) -> None:
    one, two = await came_in(house), await came_in(house)
    assert one.secret != two.secret
    assert len(one.secret) >= 43, "256 bits"
    assert await house.sessions.authenticate_session(one.secret) is not None


async def test_all_who_do_not_come_in_hear_the_same(house: House, owner: Account, add: Add) -> None:
    suspended = await add("suspended@example.com", role="sales")
    await house.accounts.suspend(suspended.id, by="system")
    await add("openid@example.com", role="sales", password=None)
    service = await house.accounts.create_service(
        ServiceDraft(name="S", roles=["sales"]), by="system"
    )
    said = set()
    for email, password in (
        ("nobody@example.com", PASSWORD),
        ("lan@example.com", PASSWORD + "x"),
        ("lan@example.com", ""),
        ("suspended@example.com", PASSWORD),
        ("openid@example.com", PASSWORD),
        ("openid@example.com", ""),
        ("openid@example.com", "nobody has this password"),
        (str(service.id), ""),
        ("", ""),
        ("not an address\x00' OR 1=1 --", PASSWORD),
    ):
        with pytest.raises(SignInRefused) as refusal:
            await house.sign_in.by_password(email, password, address="")
        said.add((str(refusal.value), refusal.value.code, refusal.value.status))
    assert len(said) == 1
    reasons = [event["reason"] for event in await events_of(house, "sign_in_refused")]
    assert reasons[:6] == ["unknown", "wrong", "wrong", "not_active", "no_password", "no_password"]


async def test_unknown_and_known_take_equally_long(
    house: House, owner: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same work is done: one look-up, one hash with the same costs, the same writes."""
    hashed: list[str] = []
    statements: list[str] = []
    costs = PasswordHasher(time_cost=2, memory_cost=1024, parallelism=1)
    verify, fetch, execute = costs.verify, Database.fetch, Database.execute

    def counted(kept: str, password: bytes) -> bool:
        hashed.append(kept.rpartition("$")[0].rpartition("$")[0])
        return verify(kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", lambda _, kept, given: counted(kept, given))
    monkeypatch.setattr(house.accounts._passwords, "_hasher", costs)
    monkeypatch.setattr(house.accounts._passwords, "_nobodys", "")
    await house.db.execute("UPDATE core_account SET password_hash = ?", costs.hash(PASSWORD))

    async def seen_fetch(self: Database, sql: str, *params: object) -> object:
        statements.append(sql)
        return await fetch(self, sql, *params)

    async def seen_execute(self: Database, sql: str, *params: object) -> object:
        statements.append(sql)
        return await execute(self, sql, *params)

    monkeypatch.setattr(Database, "fetch", seen_fetch)
    monkeypatch.setattr(Database, "execute", seen_execute)
    work = []
    for email in ("nobody@example.com", "lan@example.com"):
        hashed.clear()
        statements.clear()
        with pytest.raises(SignInRefused):
            await house.sign_in.by_password(email, "wrong", address=ADDRESS)
        work.append((list(hashed), list(statements)))
    assert work[0] == work[1]
    assert len(work[0][0]) == 1
    assert work[0][1]


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"], indirect=True)
async def test_the_clock_does_not_tell_them_apart(
    house: House, owner: Account, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Medians of interleaved tries, with hashes that dwarf everything else."""
    costs = PasswordHasher(time_cost=4, memory_cost=8192, parallelism=1)
    monkeypatch.setattr(house.accounts._passwords, "_hasher", costs)
    monkeypatch.setattr(house.accounts._passwords, "_nobodys", "")
    await house.db.execute("UPDATE core_account SET password_hash = ?", costs.hash(PASSWORD))
    took: dict[str, list[float]] = {"nobody@example.com": [], "lan@example.com": []}
    for _ in range(15):
        for email, times in took.items():
            await house.db.execute("DELETE FROM core_attempt")
            began = time.perf_counter()
            with pytest.raises(SignInRefused):
                await house.sign_in.by_password(email, "wrong", address=ADDRESS)
            times.append(time.perf_counter() - began)
    unknown, known = (statistics.median(times) for times in took.values())
    assert 0.6 < unknown / known < 1.67, (unknown, known)


async def test_a_locked_account_is_known_by_the_wait_alone(
    house: House, owner: Account, clock: Clock
) -> None:
    for email in ("lan@example.com", "nobody@example.com"):
        for _ in range(5):
            with pytest.raises(SignInRefused):
                await house.sign_in.by_password(email, "wrong", address="")
        for _ in range(2):
            with pytest.raises(TooManyAttempts) as refusal:
                await house.sign_in.by_password(email, PASSWORD, address="")
            assert refusal.value.extra["retry_after"] in (1, 2)
            assert refusal.value.status == 429
    clock.pass_by(seconds=2)
    await came_in(house)
    assert len(await events_of(house, "sign_in_refused")) == 10


async def test_one_address_cannot_try_one_password_on_everybody(
    house: House, owner: Account, clock: Clock
) -> None:
    for n in range(20):
        with pytest.raises(SignInRefused):
            await house.sign_in.by_password(f"n{n}@example.com", "Mùa hè 2026", address=ADDRESS)
    with pytest.raises(TooManyAttempts):
        await house.sign_in.by_password("lan@example.com", PASSWORD, address=ADDRESS)
    # from elsewhere people come in as ever
    await house.sign_in.by_password("lan@example.com", PASSWORD, address="198.51.100.9")


async def test_attempts_count_although_the_answer_is_an_error(house: House, owner: Account) -> None:
    """An Idempotency-Key would undo what an error wrote, and with it the count."""
    with pytest.raises(MalformedRequest, match="Idempotency-Key"):
        async with house.db.transaction():
            await house.sign_in.by_password("lan@example.com", "wrong", address=ADDRESS)


async def test_hashes_of_other_costs_are_renewed_when_somebody_comes_in(
    house: House, owner: Account
) -> None:
    old = PasswordHasher(time_cost=3, memory_cost=32, parallelism=1).hash(PASSWORD)
    await house.db.execute("UPDATE core_account SET password_hash = ?", old)
    await came_in(house)
    row = await house.db.fetch_one("SELECT password_hash FROM core_account")
    assert row is not None
    assert row[0] != old
    await came_in(house)


# -- sessions --------------------------------------------------------------------------------------


async def test_sessions_are_listed_and_ended(house: House, owner: Account) -> None:
    here, there = await came_in(house), await came_in(house)
    listed = await house.sessions.of(owner.id)
    assert {session.id for session in listed} == {here.session, there.session}
    assert (listed[0].address, listed[0].user_agent) == (ADDRESS, "test")
    await house.sessions.revoke(owner.id, there.session, by="x")
    assert await house.sessions.authenticate_session(there.secret) is None
    assert await house.sessions.authenticate_session(here.secret) is not None
    with pytest.raises(NotFound):
        await house.sessions.revoke(owner.id, there.session, by="x")
    with pytest.raises(NotFound):
        await house.sessions.revoke(new_id(), here.session, by="x")
    await house.sign_in.sign_out(here.session, by="x")
    await house.sign_in.sign_out(here.session, by="x")
    assert await house.sessions.of(owner.id) == []
    assert len(await events_of(house, "signed_out")) == 1
    assert len(await events_of(house, "session_revoked")) == 1


async def test_a_session_ends_by_age_and_by_idleness(house: House, owner: Account) -> None:
    old, idle, fresh = [await came_in(house) for _ in range(3)]
    moment = dt.datetime.now(dt.UTC)
    await house.db.execute(
        "UPDATE core_session SET expires_at = ? WHERE id = ?",
        moment - dt.timedelta(seconds=1),
        old.session,
    )
    await house.db.execute(
        "UPDATE core_session SET last_seen_at = ? WHERE id = ?",
        moment - dt.timedelta(days=7, seconds=1),
        idle.session,
    )
    assert await house.sessions.authenticate_session(old.secret) is None
    assert await house.sessions.authenticate_session(idle.secret) is None
    assert await house.sessions.authenticate_session(fresh.secret) is not None
    assert [session.id for session in await house.sessions.of(owner.id)] == [fresh.session]


async def test_being_there_keeps_a_session(house: House, owner: Account) -> None:
    signed_in = await came_in(house)
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=6)
    await house.db.execute("UPDATE core_session SET last_seen_at = ?", before)
    identity = await house.sessions.authenticate_session(signed_in.secret)
    assert identity is not None
    [session] = await house.sessions.of(owner.id)
    assert session.last_seen_at > before + dt.timedelta(days=5)
    assert identity.valid_until == session.expires_at


async def test_rotating_gives_a_new_secret_and_ends_the_old(house: House, owner: Account) -> None:
    signed_in = await came_in(house)
    told = []
    house.accounts.changes.listen(told.append)
    renewed = await house.sessions.rotate(signed_in.session)
    assert renewed.session == signed_in.session
    assert await house.sessions.authenticate_session(signed_in.secret) is None
    assert await house.sessions.authenticate_session(renewed.secret) is not None
    assert told == [owner.id], "whoever remembers the old one must forget it"
    with pytest.raises(NotFound):
        await house.sessions.rotate(new_id())


async def test_the_sweep_takes_what_is_over_and_nothing_else(house: House, owner: Account) -> None:
    kept, ended = await came_in(house), await came_in(house)
    await house.sign_in.ask_for_code(owner.id, way="password")
    long_ago = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    await house.db.execute(
        "UPDATE core_session SET expires_at = ? WHERE id = ?", long_ago, ended.session
    )
    await house.db.execute(
        "INSERT INTO core_attempt (id, failures, last_at) VALUES ('old', 9, ?)", long_ago
    )
    assert await house.jobs.run_now("core.access_sweep")
    rows = await house.db.fetch("SELECT id FROM core_session")
    assert [id for (id,) in rows] == [kept.session]
    assert await house.db.fetch("SELECT id FROM core_attempt WHERE id = 'old'") == []
    assert len(await house.db.fetch("SELECT id FROM core_one_time_link")) == 1


async def test_who_somebody_is_takes_one_look(house: House, owner: Account) -> None:
    signed_in = await came_in(house)
    asked = []
    fetch = house.db.fetch_one

    async def counted(sql: str, *params: object) -> object:
        asked.append(sql)
        return await fetch(sql, *params)

    house.sessions._db.fetch_one = counted  # type: ignore[method-assign, assignment]
    assert await house.sessions.authenticate_session(signed_in.secret) is not None
    assert len(asked) == 1
