"""The second factor: codes of an app, recovery codes, switching it on and off."""

from __future__ import annotations

import asyncio
import datetime as dt
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from core.tests.access.accounts.people import ADDRESS, PASSWORD, Add, Clock, events_of
from relatum.access.accounts.problems import SignInRefused, TooManyAttempts
from relatum.access.accounts.types import Account, RecoveryCodes, SecondFactorNeeded, SignedIn
from relatum.access.viewer import Viewer, acting_as
from relatum.app.house import House
from relatum.values.problems import Conflict, InvalidInput, Refused


class App:
    """An authenticator app: it knows the secret and the time."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._totp = pyotp.TOTP(secret)
        self._clock = clock

    def code(self, steps: int = 0) -> str:
        return self._totp.at(self._clock(), counter_offset=steps)


async def switched_on(house: House, account: Account, clock: Clock) -> tuple[App, RecoveryCodes]:
    setup = await house.second_factor.begin(account.id)
    app = App(setup.secret, clock)
    codes = await house.second_factor.confirm(account.id, app.code(), session=None)
    clock.pass_by(seconds=60)
    return app, codes


async def ticket(house: House) -> str:
    outcome = await house.sign_in.by_password("lan@example.com", PASSWORD, address=ADDRESS)
    assert isinstance(outcome, SecondFactorNeeded)
    return outcome.ticket


async def enter(house: House, code: str, at: str | None = None) -> SignedIn:
    return await house.sign_in.second_factor(at or await ticket(house), code, address=ADDRESS)


async def test_the_setup_is_what_an_app_reads(house: House, owner: Account) -> None:
    setup = await house.second_factor.begin(owner.id)
    parts = urlsplit(setup.uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Relatum:lan@example.com"
    assert parse_qs(parts.query) == {"secret": [setup.secret], "issuer": ["Relatum"]}
    assert len(setup.secret) == 32, "160 bits, as RFC 4226 recommends"
    assert setup.qr_svg.startswith("<svg")
    assert setup.qr_svg.endswith("</svg>")
    assert "script" not in setup.qr_svg
    assert setup.secret not in repr(setup)
    assert not (await house.accounts.get(owner.id)).second_factor, "nothing is asked for yet"
    await house.sign_in.by_password("lan@example.com", PASSWORD, address=ADDRESS)


async def test_codes_are_those_of_rfc_6238(house: House, owner: Account, clock: Clock) -> None:
    """Appendix B's key and time, with six digits instead of eight."""
    await house.second_factor.begin(owner.id)
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # base 32 of 12345678901234567890
    sealed = house.secrets.encrypt(key, f"core_account.totp_secret/{owner.id}")
    await house.db.execute("UPDATE core_account SET totp_secret = ?", sealed)
    clock.ahead += dt.datetime.fromtimestamp(1111111109.5, dt.UTC) - clock()
    await house.second_factor.confirm(owner.id, "081804", session=None)  # 07081804


async def test_switched_on_it_is_asked_for(house: House, owner: Account, clock: Clock) -> None:
    elsewhere = await house.sign_in.at_once(owner.id, address=ADDRESS)
    here = await house.sign_in.at_once(owner.id, address=ADDRESS)
    setup = await house.second_factor.begin(owner.id)
    app = App(setup.secret, clock)
    codes = await house.second_factor.confirm(owner.id, app.code(), session=here.session)
    assert len(set(codes.codes)) == 10
    assert await house.sessions.authenticate_session(elsewhere.secret) is None
    identity = await house.sessions.authenticate_session(here.secret)
    assert identity is not None
    assert identity.second_factor
    assert identity.second_factor_at is not None
    clock.pass_by(seconds=30)
    signed_in = await enter(house, app.code())
    assert signed_in.account.id == owner.id
    with pytest.raises(SignInRefused):
        await house.sign_in.at_once(owner.id, address=ADDRESS)
    assert [e["second_factor"] for e in await events_of(house, "signed_in")] == [False, False, True]
    assert len(await events_of(house, "second_factor_on")) == 1


async def test_a_wrong_code_switches_nothing_on(house: House, owner: Account, clock: Clock) -> None:
    with pytest.raises(Conflict):
        await house.second_factor.confirm(owner.id, "123456", session=None)
    setup = await house.second_factor.begin(owner.id)
    app = App(setup.secret, clock)
    for wrong in ("", "12345", "abcdef", app.code(steps=5), "１２３４５６"):
        with pytest.raises(InvalidInput):
            await house.second_factor.confirm(owner.id, wrong, session=None)
    assert not (await house.accounts.get(owner.id)).second_factor


async def test_no_code_is_taken_twice(house: House, owner: Account, clock: Clock) -> None:
    app, _ = await switched_on(house, owner, clock)
    code = app.code()
    await enter(house, code)
    with pytest.raises(SignInRefused):
        await enter(house, code)
    with pytest.raises(SignInRefused):
        await enter(house, app.code(steps=-1))
    clock.pass_by(seconds=30)
    await enter(house, app.code())


async def test_of_the_same_code_at_once_one_is_taken(
    house: House, owner: Account, clock: Clock
) -> None:
    app, _ = await switched_on(house, owner, clock)
    tickets = [await ticket(house) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(enter(house, app.code(), each) for each in tickets), return_exceptions=True
    )
    assert [type(each).__name__ for each in outcomes].count("SignedIn") == 1


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (1, True), (2, False)])
async def test_clocks_may_differ_by_one_step(
    house: House, owner: Account, clock: Clock, steps: int, taken: bool
) -> None:
    app, _ = await switched_on(house, owner, clock)
    clock.pass_by(minutes=5)
    if taken:
        await enter(house, app.code(steps))
    else:
        with pytest.raises(SignInRefused):
            await enter(house, app.code(steps))


async def test_codes_are_not_guessed_at_leisure(house: House, owner: Account, clock: Clock) -> None:
    """A right password gives no fresh start: the codes of an account are counted by themselves."""
    app, _ = await switched_on(house, owner, clock)
    for n in range(5):
        with pytest.raises(SignInRefused):
            await house.sign_in.second_factor(await ticket(house), f"{n:06}", address=f"10.0.0.{n}")
    with pytest.raises(TooManyAttempts):
        await house.sign_in.second_factor(await ticket(house), app.code(), address="10.0.0.9")
    clock.pass_by(seconds=2)
    await enter(house, app.code())
    reasons = [event["reason"] for event in await events_of(house, "sign_in_refused")]
    assert reasons == ["wrong_code"] * 5


async def test_a_ticket_is_good_once_and_for_five_minutes(
    house: House, owner: Account, clock: Clock
) -> None:
    app, codes = await switched_on(house, owner, clock)
    used = await ticket(house)
    await enter(house, app.code(), used)
    with pytest.raises(SignInRefused):
        await enter(house, codes.codes[0], used)
    assert await house.second_factor.codes_left(owner.id) == 10, "looked at the ticket first"
    with pytest.raises(SignInRefused):
        await enter(house, codes.codes[0], "unknown")
    late = await ticket(house)
    await house.db.execute("UPDATE core_one_time_link SET expires_at = created_at")
    with pytest.raises(SignInRefused):
        await enter(house, codes.codes[0], late)


async def test_a_ticket_ends_with_the_password_and_the_account(
    house: House, owner: Account, clock: Clock, add: Add
) -> None:
    await add("second@example.com")
    app, _ = await switched_on(house, owner, clock)
    before = await ticket(house)
    await house.accounts.change_password(owner.id, PASSWORD, "mưa rơi trên mái tôn cũ")
    with pytest.raises(SignInRefused):
        await enter(house, app.code(), before)
    outcome = await house.sign_in.by_password(
        "lan@example.com", "mưa rơi trên mái tôn cũ", address=ADDRESS
    )
    assert isinstance(outcome, SecondFactorNeeded)
    await house.accounts.suspend(owner.id, by="system")
    with pytest.raises(SignInRefused):
        await enter(house, app.code(), outcome.ticket)


async def test_recovery_codes_are_good_once_each(
    house: House, owner: Account, clock: Clock
) -> None:
    app, codes = await switched_on(house, owner, clock)
    first, second = codes.codes[:2]
    await enter(house, first)
    with pytest.raises(SignInRefused):
        await enter(house, first)
    await enter(house, second.upper().replace("-", " "))
    assert await house.second_factor.codes_left(owner.id) == 8
    clock.pass_by(seconds=30)
    fresh = await house.second_factor.renew_codes(owner.id, app.code())
    assert not set(fresh.codes) & set(codes.codes)
    with pytest.raises(SignInRefused):
        await enter(house, codes.codes[2])
    await enter(house, fresh.codes[0])


async def test_codes_of_another_account_are_not_taken(
    house: House, owner: Account, clock: Clock, add: Add
) -> None:
    _, codes = await switched_on(house, owner, clock)
    other = await add("other@example.com")
    app, _ = await switched_on(house, other, clock)
    for code in (app.code(), app.code(1)):
        with pytest.raises(SignInRefused):
            await enter(house, code)
    outcome = await house.sign_in.by_password("other@example.com", PASSWORD, address=ADDRESS)
    assert isinstance(outcome, SecondFactorNeeded)
    with pytest.raises(SignInRefused):
        await enter(house, codes.codes[0], outcome.ticket)


async def test_switching_it_off_needs_a_code(house: House, owner: Account, clock: Clock) -> None:
    app, _ = await switched_on(house, owner, clock)
    with pytest.raises(Conflict):
        await house.second_factor.begin(owner.id)
    with pytest.raises(InvalidInput):
        await house.second_factor.turn_off(owner.id, "000000")
    await house.second_factor.turn_off(owner.id, app.code())
    assert await house.second_factor.codes_left(owner.id) == 0
    outcome = await house.sign_in.by_password("lan@example.com", PASSWORD, address=ADDRESS)
    assert isinstance(outcome, SignedIn)
    with pytest.raises(Conflict):
        await house.second_factor.turn_off(owner.id, app.code())
    row = await house.db.fetch_one("SELECT totp_secret FROM core_account")
    assert row == ("",)


async def test_whoever_manages_accounts_helps_somebody_who_lost_it(
    house: House, owner: Account, clock: Clock, add: Add
) -> None:
    minh = await add("minh@example.com", role="sales")
    await switched_on(house, minh, clock)
    session = await house.sessions.begin(minh.id, address="", user_agent="")
    weaker = Viewer(actor="x", kind="person", account=minh.id, permissions=frozenset())
    with acting_as(weaker), pytest.raises(Refused):
        await house.second_factor.remove(minh.id, by="x")
    await switched_on(house, owner, clock)
    with acting_as(weaker), pytest.raises(Refused):
        await house.second_factor.remove(owner.id, by="x")
    await house.second_factor.remove(minh.id, by="system")
    assert not (await house.accounts.get(minh.id)).second_factor
    assert await house.sessions.authenticate_session(session[1]) is None
    with pytest.raises(Conflict):
        await house.second_factor.remove(minh.id, by="system")


async def test_the_secret_is_encrypted_and_bound_to_its_account(
    house: House, owner: Account, clock: Clock, add: Add
) -> None:
    other = await add("other@example.com")
    setup = await house.second_factor.begin(owner.id)
    row = await house.db.fetch_one("SELECT totp_secret FROM core_account WHERE id = ?", owner.id)
    assert row is not None
    assert row[0].startswith("enc:1:")
    assert setup.secret not in row[0]
    await house.db.execute("UPDATE core_account SET totp_secret = ? WHERE id = ?", row[0], other.id)
    with pytest.raises(Exception, match="encrypted for"):
        await house.second_factor.confirm(other.id, App(setup.secret, clock).code(), session=None)
