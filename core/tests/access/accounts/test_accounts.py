"""The first owner, invitations, links, suspending; who may act on whom."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from core.tests.access.accounts.people import ADDRESS, PASSWORD, Add, events_of
from relatum.access.accounts.problems import LinkSpent, TooManyAttempts
from relatum.access.accounts.types import (
    Account,
    AccountChange,
    AccountDraft,
    AccountQuery,
    InvitationDraft,
    ServiceDraft,
    TokenDraft,
)
from relatum.access.viewer import Viewer, acting_as
from relatum.app.house import House
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Refused

FIRST = AccountDraft(name="Nguyễn Thị Lan", email="Lan@Example.com", password=PASSWORD)
MINH = InvitationDraft(name="Trần Văn Minh", email="minh@example.com", roles=["sales"])


async def viewer_of(house: House, account: Account) -> Viewer:
    """What this account may do, as a request of it would find."""
    token = await house.tokens.create(account.id, TokenDraft(name="test"), by="system")
    identity = await house.tokens.authenticate_token(token.secret)
    assert identity is not None
    return await house.roles.viewer_of(identity)


async def expire_links(house: House) -> None:
    await house.db.execute(
        "UPDATE core_one_time_link SET expires_at = ?", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    )


# -- the first owner -------------------------------------------------------------------------------


async def test_the_first_owner_comes_by_a_link_that_is_good_once(house: House) -> None:
    link = await house.accounts.first_link()
    assert link is not None
    shown = await house.accounts.look_at_link("first_owner", link.secret, address=ADDRESS)
    assert (shown.purpose, shown.email) == ("first_owner", "")
    lan = await house.accounts.claim_first(link.secret, FIRST, address=ADDRESS)
    assert (lan.email, lan.state, lan.kind) == ("lan@example.com", "active", "person")
    assert (await house.roles.standing(lan.id)).roles == ["owner"]
    assert await house.accounts.first_link() is None
    with pytest.raises(LinkSpent):
        await house.accounts.claim_first(link.secret, FIRST, address=ADDRESS)
    assert [e["account"] for e in await events_of(house, "account_added")] == [str(lan.id)]


async def test_of_two_who_claim_at_once_one_becomes_owner(house: House) -> None:
    link = await house.accounts.first_link()
    assert link is not None
    others = AccountDraft(name="Kẻ khác", email="other@example.com", password=PASSWORD)
    outcomes = await asyncio.gather(
        *(house.accounts.claim_first(link.secret, draft) for draft in (FIRST, others)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Account", "LinkSpent"]
    assert len((await house.accounts.find(AccountQuery())).items) == 1


async def test_a_newer_first_link_takes_the_place_of_the_older(house: House) -> None:
    older, newer = await house.accounts.first_link(), await house.accounts.first_link()
    assert older is not None
    assert newer is not None
    with pytest.raises(LinkSpent):
        await house.accounts.claim_first(older.secret, FIRST)
    await house.accounts.claim_first(newer.secret, FIRST)


async def test_a_link_from_before_there_was_an_owner_is_no_longer_good(
    house: House, add: Add
) -> None:
    link = await house.accounts.first_link()
    assert link is not None
    await add("other@example.com")
    with pytest.raises(LinkSpent):
        await house.accounts.claim_first(link.secret, FIRST)
    assert await house.accounts.by_email("lan@example.com") is None


async def test_a_weak_password_leaves_the_link_good(house: House) -> None:
    link = await house.accounts.first_link()
    assert link is not None
    weak = AccountDraft(name="Lan", email="lan@example.com", password="matkhau123456")
    with pytest.raises(InvalidInput):
        await house.accounts.claim_first(link.secret, weak)
    await house.accounts.claim_first(link.secret, FIRST)


# -- invitations -----------------------------------------------------------------------------------


async def test_an_invitation_is_accepted_once(house: House, owner: Account) -> None:
    link = await house.accounts.invite(MINH, by=f"person:{owner.id}")
    assert link.account is not None
    assert link.account.state == "invited"
    assert (await house.roles.standing(link.account.id)).roles == ["sales"]
    shown = await house.accounts.look_at_link("invitation", link.secret)
    assert (shown.name, shown.email) == ("Trần Văn Minh", "minh@example.com")
    minh = await house.accounts.accept(link.secret, PASSWORD, address=ADDRESS)
    assert minh.state == "active"
    signed_in = await house.sign_in.by_password("minh@example.com", PASSWORD, address=ADDRESS)
    assert signed_in.account.id == minh.id  # type: ignore[union-attr]
    with pytest.raises(LinkSpent):
        await house.accounts.accept(link.secret, PASSWORD)


async def test_expired_and_foreign_links_look_like_unknown_ones(
    house: House, owner: Account, add: Add
) -> None:
    link = await house.accounts.invite(MINH, by="system")
    hoa = await add("hoa@example.com", role="sales")
    reset = await house.accounts.reset_link(hoa.id, by="system")
    said = set()
    for secret in ("unknown", reset.secret):
        with pytest.raises(LinkSpent) as refusal:
            await house.accounts.accept(secret, PASSWORD)
        said.add(str(refusal.value))
    await expire_links(house)
    with pytest.raises(LinkSpent) as refusal:
        await house.accounts.accept(link.secret, PASSWORD)
    assert said == {str(refusal.value)}


async def test_inviting_again_takes_the_former_link_back(house: House, owner: Account) -> None:
    first = await house.accounts.invite(MINH, by="system")
    assert first.account is not None
    second = await house.accounts.invite_again(first.account.id, by="system")
    with pytest.raises(LinkSpent):
        await house.accounts.accept(first.secret, PASSWORD)
    await house.accounts.accept(second.secret, PASSWORD)
    with pytest.raises(Conflict):
        await house.accounts.invite_again(first.account.id, by="system")


@pytest.mark.parametrize("email", ["lan@example.com", "LAN@example.com", " Lan@EXAMPLE.com "])
async def test_an_email_belongs_to_one_person_however_it_is_written(
    house: House, owner: Account, email: str
) -> None:
    with pytest.raises(Conflict):
        await house.accounts.invite(
            InvitationDraft(name="Lan", email=email, roles=["sales"]), by="system"
        )
    found = await house.accounts.by_email(email)
    assert found is not None
    assert found.id == owner.id


async def test_a_refused_invitation_leaves_nothing(house: House, owner: Account) -> None:
    for draft in (
        InvitationDraft(name="A", email="a@example.com", roles=["emperor"]),
        InvitationDraft(name="A", email="a@example.com", roles=["sales"], team=new_id()),
        InvitationDraft(name=" ", email="a@example.com", roles=["sales"]),
        InvitationDraft(name="A", email="not an address", roles=["sales"]),
    ):
        with pytest.raises(InvalidInput):
            await house.accounts.invite(draft, by="system")
    assert await house.accounts.by_email("a@example.com") is None
    assert await events_of(house, "account_invited") == []


async def test_guessing_links_is_slowed_down(house: House, owner: Account) -> None:
    link = await house.accounts.invite(MINH, by="system")
    with pytest.raises(TooManyAttempts):
        for n in range(25):
            with pytest.raises(LinkSpent):
                await house.accounts.accept(f"guess {n}", PASSWORD, address=ADDRESS)
    await house.accounts.accept(link.secret, PASSWORD, address=ADDRESS)


# -- nobody becomes more than they are -------------------------------------------------------------


async def test_whoever_manages_accounts_cannot_become_an_owner(
    house: House, owner: Account, add: Add
) -> None:
    manager = await add("manager@example.com", role="manager", name="Quản lý")
    service = await house.accounts.create_service(
        ServiceDraft(name="Sao lưu", roles=["owner"]), by="system"
    )
    with acting_as(await viewer_of(house, manager)):
        by = f"person:{manager.id}"
        with pytest.raises(Refused):
            await house.accounts.invite(
                InvitationDraft(name="A", email="a@example.com", roles=["owner"]), by=by
            )
        with pytest.raises(Refused):
            await house.accounts.create_service(ServiceDraft(name="A", roles=["owner"]), by=by)
        for act in (
            house.accounts.reset_link(owner.id, by=by),
            house.accounts.suspend(owner.id, by=by),
            house.tokens.create(service.id, TokenDraft(name="mine"), by=by),
            house.tokens.create(owner.id, TokenDraft(name="mine"), by=by),
        ):
            with pytest.raises(Refused):
                await act
    assert await house.accounts.by_email("a@example.com") is None
    assert await house.tokens.of(owner.id) == []


async def test_nobody_suspends_or_resets_themselves(house: House, owner: Account, add: Add) -> None:
    await add("second@example.com")
    with acting_as(await viewer_of(house, owner)):
        for act in (
            house.accounts.suspend(owner.id, by="x"),
            house.accounts.reset_link(owner.id, by="x"),
        ):
            with pytest.raises(Refused):
                await act


async def test_the_last_active_owner_stays(house: House, owner: Account, add: Add) -> None:
    with pytest.raises(Conflict):
        await house.accounts.suspend(owner.id, by="system")
    second = await add("second@example.com")
    await house.accounts.suspend(owner.id, by="system")
    with pytest.raises(Conflict):
        await house.accounts.suspend(second.id, by="system")


# -- suspending ------------------------------------------------------------------------------------


async def test_suspending_ends_everything_at_once(house: House, owner: Account, add: Add) -> None:
    minh = await add("minh@example.com", role="sales")
    token = await house.tokens.create(minh.id, TokenDraft(name="laptop"), by="system")
    session = await house.sign_in.at_once(minh.id, address=ADDRESS)
    reset = await house.accounts.reset_link(minh.id, by="system")
    told = []
    house.accounts.changes.listen(told.append)
    suspended = await house.accounts.suspend(minh.id, by=f"person:{owner.id}")
    assert suspended.state == "suspended"
    assert minh.id in told
    assert await house.tokens.authenticate_token(token.secret) is None
    assert await house.sessions.authenticate_session(session.secret) is None
    with pytest.raises(LinkSpent):
        await house.accounts.reset_password(reset.secret, PASSWORD)
    with pytest.raises(Conflict):
        await house.accounts.suspend(minh.id, by="system")
    await house.accounts.reactivate(minh.id, by="system")
    assert await house.tokens.authenticate_token(token.secret) is None, "tokens stay revoked"
    await house.sign_in.by_password("minh@example.com", PASSWORD, address=ADDRESS)
    assert len(await events_of(house, "account_suspended")) == 1
    assert len(await events_of(house, "token_revoked")) == 1


async def test_a_reset_link_sets_a_new_password_and_ends_sessions(
    house: House, owner: Account, add: Add
) -> None:
    minh = await add("minh@example.com", role="sales")
    session = await house.sign_in.at_once(minh.id, address=ADDRESS)
    link = await house.accounts.reset_link(minh.id, by="system")
    await house.accounts.reset_password(link.secret, "mưa rơi trên mái tôn cũ", address=ADDRESS)
    assert await house.sessions.authenticate_session(session.secret) is None
    await house.sign_in.by_password("minh@example.com", "mưa rơi trên mái tôn cũ", address=ADDRESS)
    with pytest.raises(LinkSpent):
        await house.accounts.reset_password(link.secret, PASSWORD, address=ADDRESS)


# -- one's own -------------------------------------------------------------------------------------


async def test_changing_the_own_password_needs_the_old_one(house: House, owner: Account) -> None:
    here = await house.sign_in.at_once(owner.id, address=ADDRESS)
    there = await house.sign_in.at_once(owner.id, address=ADDRESS)
    new = "mưa rơi trên mái tôn cũ"
    with pytest.raises(InvalidInput) as refusal:
        await house.accounts.change_password(owner.id, "wrong", new, keep=here.session)
    assert refusal.value.problems[0].where == "/old"
    with pytest.raises(InvalidInput) as refusal:
        await house.accounts.change_password(owner.id, PASSWORD, "matkhau123456")
    assert refusal.value.problems[0].where == "/new"
    assert await house.sessions.authenticate_session(there.secret) is not None
    await house.accounts.change_password(owner.id, PASSWORD, new, keep=here.session)
    assert await house.sessions.authenticate_session(here.secret) is not None
    assert await house.sessions.authenticate_session(there.secret) is None
    await house.sign_in.by_password("lan@example.com", new, address=ADDRESS)


async def test_the_old_password_is_not_guessed_at_leisure(house: House, owner: Account) -> None:
    with pytest.raises(TooManyAttempts):
        for n in range(7):
            with pytest.raises(InvalidInput):
                await house.accounts.change_password(owner.id, f"guess {n}", PASSWORD)


async def test_name_and_language_change_with_an_event(house: House, owner: Account) -> None:
    changed = await house.accounts.change(
        owner.id, AccountChange(name="Lan Anh", language="en"), by="x"
    )
    assert (changed.name, changed.language) == ("Lan Anh", "en")
    await house.accounts.change(owner.id, AccountChange(name="Lan Anh"), by="x")
    [event] = await events_of(house, "account_changed")
    assert event["changes"] == {"name": ["Nguyễn Thị Lan", "Lan Anh"], "language": ["vi", "en"]}
    assert [a.id for a in (await house.accounts.find(AccountQuery(q="lan anh"))).items] == [
        owner.id
    ]


# -- lists -----------------------------------------------------------------------------------------


async def test_accounts_are_listed_by_name_in_pages(house: House, add: Add) -> None:
    for n, name in enumerate(["Đỗ Bình", "An", "Ân", "Bình", "100%_thật"]):
        await add(f"n{n}@example.com", name=name, password=None)
    seen, cursor = [], None
    while True:
        page = await house.accounts.find(AccountQuery(limit=2, cursor=cursor))
        seen += [account.name for account in page.items]
        if (cursor := page.next) is None:
            break
    assert seen == ["100%_thật", "An", "Ân", "Bình", "Đỗ Bình"]

    async def names(**wanted: object) -> list[str]:
        found = await house.accounts.find(AccountQuery(**wanted))  # type: ignore[arg-type]
        return [account.name for account in found.items]

    assert await names(q="binh") == ["Bình", "Đỗ Bình"]
    assert await names(q="do b") == ["Đỗ Bình"]
    assert await names(q="0%_t") == ["100%_thật"]
    assert await names(q="%") == ["100%_thật"]
    assert await names(q="n1@EXAMPLE") == ["An"]
    assert await names(kind="service") == []


async def test_unknown_accounts_are_not_found(house: House, owner: Account) -> None:
    with pytest.raises(NotFound):
        await house.accounts.get(new_id())
    assert [a.id for a in await house.accounts.get_many([new_id(), owner.id])] == [owner.id]


async def test_services_have_no_password_and_no_second_factor(house: House, owner: Account) -> None:
    service = await house.accounts.create_service(
        ServiceDraft(name="Cửa hàng web", roles=["sales"]), by="system"
    )
    assert (service.kind, service.email, service.state) == ("service", None, "active")
    with pytest.raises(Conflict):
        await house.accounts.reset_link(service.id, by="system")
    with pytest.raises(Conflict):
        await house.second_factor.begin(service.id)
