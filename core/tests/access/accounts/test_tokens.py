"""API tokens: what they are, what they may, when they end."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.tests.access.accounts.people import ADDRESS, Add, events_of
from relatum.access.accounts.problems import TooManyAttempts
from relatum.access.accounts.types import Account, ServiceDraft, TokenDraft
from relatum.access.viewer import acting_as
from relatum.app.house import House
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Refused

READ = "core.customers.read"
WRITE = "core.customers.write"


async def test_a_token_acts_as_its_owner(house: House, owner: Account) -> None:
    made = await house.tokens.create(owner.id, TokenDraft(name="laptop"), by="x")
    assert re.fullmatch(r"rlt_[A-Za-z0-9_-]{43}", made.secret)
    assert made.secret.startswith(made.token.prefix)
    assert made.secret not in repr(made)
    identity = await house.tokens.authenticate_token(made.secret)
    assert identity is not None
    assert (identity.account, identity.token, identity.session) == (owner.id, made.token.id, None)
    assert identity.scopes is None
    assert (await house.roles.viewer_of(identity)).may_everything
    [listed] = await house.tokens.of(owner.id)
    assert listed.last_used_at is not None


async def test_it_is_good_for_ninety_days_or_as_long_as_one_says(
    house: House, owner: Account
) -> None:
    for days, draft in ((90, TokenDraft(name="a")), (366, TokenDraft(name="b", days=366))):
        token = (await house.tokens.create(owner.id, draft, by="x")).token
        assert token.expires_at - token.created_at == dt.timedelta(days=days)


async def test_scopes_only_take_away(house: House, owner: Account, add: Add) -> None:
    minh = await add("minh@example.com", role="read_only")
    draft = TokenDraft(name="script", scopes=[WRITE, READ, READ])
    made = await house.tokens.create(minh.id, draft, by="x")
    assert made.token.scopes == [READ, WRITE]
    identity = await house.tokens.authenticate_token(made.secret)
    assert identity is not None
    viewer = await house.roles.viewer_of(identity)
    assert viewer.may(READ)
    assert not viewer.may(WRITE), "its owner may not"
    assert not viewer.may("core.reports.read"), "its owner may, it may not"
    of_owner = await house.tokens.create(owner.id, draft, by="x")
    identity = await house.tokens.authenticate_token(of_owner.secret)
    assert identity is not None
    viewer = await house.roles.viewer_of(identity)
    assert not viewer.may_everything
    assert viewer.permissions == {READ, WRITE}


async def test_unknown_scopes_are_named(house: House, owner: Account) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await house.tokens.create(
            owner.id, TokenDraft(name="a", scopes=[READ, "core.customer.read"]), by="x"
        )
    [problem] = refusal.value.problems
    assert problem.where == "/scopes/1"
    assert problem.mend == f"Did you mean {READ}?"


async def test_a_token_cannot_make_a_stronger_one(house: House, owner: Account) -> None:
    narrow = await house.tokens.create(owner.id, TokenDraft(name="a", scopes=[READ]), by="x")
    identity = await house.tokens.authenticate_token(narrow.secret)
    assert identity is not None
    with acting_as(await house.roles.viewer_of(identity)):
        for scopes in ([], [WRITE], [READ, WRITE]):
            with pytest.raises(Refused):
                await house.tokens.create(owner.id, TokenDraft(name="b", scopes=scopes), by="x")
        await house.tokens.create(owner.id, TokenDraft(name="b", scopes=[READ]), by="x")


async def test_it_ends_when_revoked_expired_or_when_its_owner_is_out(
    house: House, owner: Account, add: Add
) -> None:
    minh = await add("minh@example.com", role="sales")

    async def made() -> tuple[str, object]:
        new = await house.tokens.create(minh.id, TokenDraft(name="a"), by="x")
        assert await house.tokens.authenticate_token(new.secret) is not None
        return new.secret, new.token.id

    revoked, id = await made()
    await house.tokens.revoke(minh.id, id, by="x")  # type: ignore[arg-type]
    await house.tokens.revoke(minh.id, id, by="x")  # type: ignore[arg-type]
    expired, id = await made()
    await house.db.execute(
        "UPDATE core_api_token SET expires_at = ? WHERE id = ?",
        dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1),
        id,
    )
    out, _ = await made()
    await house.db.execute("UPDATE core_account SET state = 'suspended' WHERE id = ?", minh.id)
    for secret in (revoked, expired, out, "", "rlt_", revoked[:-1], revoked + "x", revoked.lower()):
        assert await house.tokens.authenticate_token(secret) is None
    assert len(await events_of(house, "token_revoked")) == 1
    with pytest.raises(Conflict):
        await house.tokens.create(minh.id, TokenDraft(name="a"), by="x")


async def test_tokens_belong_to_their_account(house: House, owner: Account, add: Add) -> None:
    other = await add("other@example.com")
    made = await house.tokens.create(owner.id, TokenDraft(name="a"), by="x")
    for account, token in ((other.id, made.token.id), (owner.id, new_id())):
        with pytest.raises(NotFound):
            await house.tokens.revoke(account, token, by="x")
    assert await house.tokens.authenticate_token(made.secret) is not None


async def test_services_act_through_tokens(house: House, owner: Account) -> None:
    service = await house.accounts.create_service(
        ServiceDraft(name="Cửa hàng web", roles=["sales"]), by="x"
    )
    made = await house.tokens.create(service.id, TokenDraft(name="a"), by="x")
    identity = await house.tokens.authenticate_token(made.secret)
    assert identity is not None
    assert identity.actor == f"service:{service.id}"


async def test_guessing_tokens_is_slowed_down_by_address(house: House, owner: Account) -> None:
    with pytest.raises(TooManyAttempts):
        for _ in range(21):
            await house.tokens.refused(ADDRESS)
    await house.tokens.refused("198.51.100.9")


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
async def test_nothing_near_a_secret_is_taken_for_it(
    house: House, owner: Account, data: st.DataObject
) -> None:
    """One character changed, taken away or added, or anything at all: nobody."""
    token = (await house.tokens.create(owner.id, TokenDraft(name="a"), by="x")).secret
    session = (await house.sign_in.at_once(owner.id, address="")).secret
    for secret, ask in (
        (token, house.tokens.authenticate_token),
        (session, house.sessions.authenticate_session),
    ):
        at = data.draw(st.integers(0, len(secret) - 1))
        char = data.draw(st.characters())
        for other in (
            secret[:at] + char + secret[at + 1 :],
            secret[:at] + secret[at + 1 :],
            secret[:at] + char + secret[at:],
            data.draw(st.text(max_size=60)),
        ):
            assert (await ask(other) is None) == (other != secret)
