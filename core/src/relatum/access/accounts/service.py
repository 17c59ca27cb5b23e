"""Accounts: the only writer of people and services that may come in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.access.accounts import events as facts
from relatum.access.accounts.links import spent
from relatum.access.accounts.rows import (
    SELECT,
    SORT_KEY,
    NewAccount,
    account_of,
    clean_email,
    clean_name,
    insert_account,
    printable,
    read_account,
    sought_email,
)
from relatum.access.accounts.signing_in import password_of
from relatum.access.accounts.throttle import from_address
from relatum.access.accounts.types import (
    Account,
    AccountChange,
    AccountDraft,
    AccountQuery,
    AccountState,
    InvitationDraft,
    LinkPurpose,
    LinkShown,
    OneTimeSecret,
    ServiceDraft,
)
from relatum.access.viewer import current_viewer
from relatum.db.pages import Page, Sort, cut, paginate
from relatum.values.problems import Conflict, InvalidInput, Problem, Refused
from relatum.values.text import fold, sort_key
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.accounts.changes import Changes
    from relatum.access.accounts.links import OneTimeLinks, Opened
    from relatum.access.accounts.passwords import Passwords
    from relatum.access.accounts.roles import RoleKeeper
    from relatum.access.accounts.sessions import Sessions
    from relatum.access.accounts.tokens import Tokens
    from relatum.db.database import Database

OWNER = "owner"
#: What processes wait for that make the link of the first owner, or the owner.
FIRST_OWNER = "relatum first owner"


class Accounts:
    """People and services. ``by`` is the actor, as the event log writes it.

    ``address`` is that of the caller, by which guessing is throttled; ``""`` is the local shell.
    """

    def __init__(
        self,
        db: Database,
        changes: Changes,
        *,
        roles: RoleKeeper,
        passwords: Passwords,
        sessions: Sessions,
        tokens: Tokens,
        links: OneTimeLinks,
    ) -> None:
        self._db = db
        self._roles = roles
        self._passwords = passwords
        self._sessions = sessions
        self._tokens = tokens
        self._links = links
        self._throttle = links.throttle
        #: whose account changed, for whoever remembers identities
        self.changes = changes

    # -- the first owner -------------------------------------------------------------------------

    async def first_link(self) -> OneTimeSecret | None:
        """A new one-time link for the first owner; ``None`` once there is an active owner.

        An earlier one is no longer good.
        """
        async with self._db.transaction():
            await self._db.hold(FIRST_OWNER)
            if await self._roles.has_active_owner():
                return None
            await self._links.spend(None, ["first_owner"])
            secret, expires = await self._links.make("first_owner", None)
        return OneTimeSecret(purpose="first_owner", secret=secret, expires_at=expires)

    async def claim_first(self, secret: str, draft: AccountDraft, *, address: str = "") -> Account:
        """Make the first owner.

        Raises:
            LinkSpent: the link is unknown, used, expired, or there is an owner already.
            InvalidInput: the password or e-mail cannot be used.
            TooManyAttempts: this address guesses links.
        """
        self._throttle.refuse_in_transaction()
        link = await self._links.open("first_owner", secret, address=address)
        new = NewAccount(
            kind="person",
            name=clean_name(draft.name),
            email=clean_email(draft.email),
            language=draft.language,
            state="active",
        )
        hashed = await self._passwords.accept(draft.password, known=[new.name, new.email or ""])
        async with self._db.transaction():
            await self._db.hold(FIRST_OWNER)
            await self._links.use(link)
            if await self._roles.has_active_owner():
                raise spent()
            id = await self._insert(msgspec.structs.replace(new, password_hash=hashed))
            await self._roles.assign(id, [OWNER], by=f"person:{id}")
            await self._tell_added(id, new, by=f"person:{id}")
        return await self.get(id)

    # -- links -----------------------------------------------------------------------------------

    async def look_at_link(
        self, purpose: LinkPurpose, secret: str, *, address: str = ""
    ) -> LinkShown:
        """What the page of a link may show; the link stays good.

        Raises:
            LinkSpent: it is unknown, used or expired, or there is an owner already.
            TooManyAttempts: this address guesses links.
        """
        link = await self._links.open(purpose, secret, address=address)
        if purpose == "first_owner" and await self._roles.has_active_owner():
            raise spent()
        shown = LinkShown(purpose=purpose, expires_at=link.expires_at)
        if link.account is None:
            return shown
        account = await self.get(link.account)
        return msgspec.structs.replace(
            shown, name=account.name, email=account.email or "", language=account.language
        )

    async def invite(self, draft: InvitationDraft, *, by: str) -> OneTimeSecret:
        """Make an invited account with its roles; the link is good for seven days.

        Raises:
            Conflict: somebody has this e-mail already.
            InvalidInput: the e-mail, a role or the team does not exist.
            Refused: more would be given than the inviting person holds.
        """
        new = _person(draft, "invited")
        async with self._db.transaction():
            id = await self._insert(new)
            await self._place(id, draft, by)
            secret, expires = await self._links.make("invitation", id)
            fact = facts.AccountInvited(id, new.name, new.email or "", expires)
            await self.changes.record(id, facts.INVITED, fact, by=by)
            account = await self.get(id)
        return _link("invitation", secret, expires, account)

    async def invite_again(self, id: UUID, *, by: str) -> OneTimeSecret:
        """A new link for somebody who has not accepted yet; the former one is no longer good.

        Raises:
            Conflict: the account is not waiting for that.
        """
        async with self._db.transaction():
            account = await self.get(id)
            if account.state != "invited":
                raise _other_state("an invited person", account)
            await self._roles.refuse_stronger(id)
            await self._links.spend(id, ["invitation"])
            secret, expires = await self._links.make("invitation", id)
            fact = facts.AccountInvited(id, account.name, account.email or "", expires)
            await self.changes.record(id, facts.INVITED, fact, by=by)
        return _link("invitation", secret, expires, account)

    async def accept(self, secret: str, password: str, *, address: str = "") -> Account:
        """Accept an invitation: the account is active from now on.

        Raises:
            LinkSpent, InvalidInput, TooManyAttempts: as :meth:`claim_first`.
        """
        link, id = await self._open("invitation", secret, address)
        hashed = await self._accepted(id, password)
        async with self._db.transaction():
            await self._links.use(link)
            activated = await self._db.execute(
                "UPDATE core_account SET state = 'active', password_hash = ? "
                "WHERE id = ? AND state = 'invited'",
                *(hashed, id),
            )
            if not activated:
                raise spent()
            await self._concern(id, facts.ACTIVATED, by=f"person:{id}")
        return await self.get(id)

    async def activate(self, id: UUID, *, by: str) -> None:
        """An invited person came in without a password (OpenID Connect); the link is spent."""
        async with self._db.transaction():
            await self._db.execute(
                "UPDATE core_account SET state = 'active' WHERE id = ? AND state = 'invited'", id
            )
            await self._links.spend(id, ["invitation"])
            await self._concern(id, facts.ACTIVATED, by=by)

    async def reset_link(self, id: UUID, *, by: str) -> OneTimeSecret:
        """A link with which a person sets a new password; good for a day.

        Raises:
            Conflict: the account is a service, suspended or invited.
            Refused: it may do more than whoever acts, or it is the own account.
        """
        _refuse_own(id, "change your own password with the old one")
        async with self._db.transaction():
            account = await self.get(id)
            if account.kind != "person" or account.state != "active":
                raise _other_state("an active person", account)
            await self._roles.refuse_stronger(id)
            await self._links.spend(id, ["password_reset"])
            secret, expires = await self._links.make("password_reset", id)
            await self._concern(id, facts.RESET_LINK, by=by)
        return _link("password_reset", secret, expires, account)

    async def reset_password(self, secret: str, password: str, *, address: str = "") -> Account:
        """Set a new password by a reset link; ends every session of the account.

        Raises:
            LinkSpent, InvalidInput, TooManyAttempts: as :meth:`claim_first`.
        """
        link, id = await self._open("password_reset", secret, address)
        hashed = await self._accepted(id, password)
        async with self._db.transaction():
            await self._links.use(link)
            await self._set_password(id, hashed, keep=None)
        account = await self.get(id)
        await self._throttle.succeeded(password_of(account.email or ""))
        return account

    # -- making accounts at once -----------------------------------------------------------------

    async def create_service(self, draft: ServiceDraft, *, by: str) -> Account:
        """Make a service account; tokens are made for it with ``Tokens.create``.

        Raises:
            InvalidInput, Refused: as :meth:`invite`.
        """
        new = NewAccount(
            kind="service",
            name=clean_name(draft.name),
            email=None,
            language=draft.language,
            state="active",
        )
        async with self._db.transaction():
            id = await self._insert(new)
            await self._roles.assign(id, draft.roles, by=by)
            await self._tell_added(id, new, by=by)
        return await self.get(id)

    async def add(self, draft: InvitationDraft, *, password: str | None = None, by: str) -> Account:
        """Make an active person at once: for the local shell and for tests.

        Without a password the account is used through tokens, OpenID Connect or a reset link.

        Raises:
            Conflict, InvalidInput, Refused: as :meth:`invite`.
        """
        new = _person(draft, "active")
        if password is not None:
            known = [new.name, new.email or ""]
            hashed = await self._passwords.accept(password, known=known)
            new = msgspec.structs.replace(new, password_hash=hashed)
        async with self._db.transaction():
            id = await self._insert(new)
            await self._place(id, draft, by)
            await self._tell_added(id, new, by=by)
        return await self.get(id)

    # -- reading ---------------------------------------------------------------------------------

    async def get(self, id: UUID) -> Account:
        """One account.

        Raises:
            NotFound: there is none.
        """
        return await read_account(self._db, id)

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        """Those that exist, in the order of ``ids``."""
        rows = await self._db.fetch_in(f"{SELECT} WHERE a.id IN ({{}})", list(set(ids)))
        found = {row[0]: account_of(row) for row in rows}
        return [found[id] for id in ids if id in found]

    async def by_email(self, email: str) -> Account | None:
        """The person with this e-mail, however it is written."""
        row = await self._db.fetch_one(f"{SELECT} WHERE a.email = ?", sought_email(email))
        return None if row is None else account_of(row)

    async def find(self, query: AccountQuery) -> Page[Account]:
        """Accounts that fit, by name."""
        conditions, params = [], []
        words = fold(printable(query.q)).split()
        for word in words:
            escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            conditions.append("a.search LIKE ? ESCAPE '\\'")
            params.append(f"%{escaped}%")
        for column, value in (("a.kind", query.kind), ("a.state", query.state)):
            if value is not None:
                conditions.append(f"{column} = ?")
                params.append(value)
        page = paginate(
            SELECT,
            conditions,
            params,
            sort=Sort("a.sort_key", str),
            id_column="a.id",
            limit=query.limit,
            cursor=query.cursor,
        )
        rows = await self._db.fetch(page.sql, *page.params)
        kept, next_cursor = cut(rows, page, value=SORT_KEY, id=0)
        return Page([account_of(row) for row in kept], next_cursor)

    # -- changing --------------------------------------------------------------------------------

    async def change(self, id: UUID, change: AccountChange, *, by: str) -> Account:
        """Change name or language.

        Raises:
            NotFound: there is no such account.
            InvalidInput: the name is empty.
        """
        async with self._db.transaction():
            before = await self.get(id)
            name = before.name if change.name is None else clean_name(change.name)
            language = change.language or before.language
            changes = {
                field: (old, new)
                for field, old, new in (
                    ("name", before.name, name),
                    ("language", before.language, language),
                )
                if old != new
            }
            if not changes:
                return before
            await self._db.execute(
                "UPDATE core_account SET name = ?, sort_key = ?, search = ?, language = ? "
                "WHERE id = ?",
                *(name, sort_key(name)[:700], fold(f"{name} {before.email or ''}"), language, id),
            )
            await self.changes.record(id, facts.CHANGED, facts.AccountChanged(id, changes), by=by)
            return await self.get(id)

    async def change_password(
        self, id: UUID, old: str, new: str, *, keep: UUID | None = None, address: str = ""
    ) -> None:
        """Change a person's own password; ends every session but ``keep``.

        Raises:
            InvalidInput: the old password is wrong, or the new one cannot be used.
            TooManyAttempts: the old one was wrong too often.
        """
        account = await self.get(id)
        guessed = [password_of(account.email or str(id)), *from_address(address)]
        await self._throttle.attempt(*guessed)
        row = await self._db.fetch_one("SELECT password_hash FROM core_account WHERE id = ?", id)
        if not await self._passwords.verify(row[0] if row else "", old):
            raise _wrong_old()
        await self._throttle.succeeded(*guessed)
        known = [account.name, account.email or ""]
        hashed = await self._passwords.accept(new, known=known, where="/new")
        async with self._db.transaction():
            await self._set_password(id, hashed, keep=keep)

    async def suspend(self, id: UUID, *, by: str) -> Account:
        """Keep somebody out: ends sessions, revokes tokens, spends links.

        Raises:
            Conflict: it is suspended already, or the last active owner.
            Refused: it is the own account, or may do more than whoever acts.
        """
        _refuse_own(id, "ask another person to suspend it")
        async with self._db.transaction():
            account = await self.get(id)
            if account.state == "suspended":
                raise _other_state("one that is not suspended", account)
            await self._roles.refuse_stronger(id)
            if await self._roles.is_last_owner(id):
                raise Conflict(
                    "expected another active owner, got none; make somebody else an owner first"
                )
            await self._db.execute("UPDATE core_account SET state = 'suspended' WHERE id = ?", id)
            await self._sessions.revoke_others(id, None, by=by)
            await self._tokens.revoke_all(id, by=by)
            await self._links.spend(id, ["invitation", "password_reset", "second_factor"])
            await self._concern(id, facts.SUSPENDED, by=by)
            return await self.get(id)

    async def reactivate(self, id: UUID, *, by: str) -> Account:
        """Let a suspended account in again; its tokens stay revoked.

        Raises:
            Conflict: it is not suspended.
            Refused: it may do more than whoever acts.
        """
        async with self._db.transaction():
            account = await self.get(id)
            if account.state != "suspended":
                raise _other_state("a suspended one", account)
            await self._roles.refuse_stronger(id)
            await self._db.execute("UPDATE core_account SET state = 'active' WHERE id = ?", id)
            await self._concern(id, facts.REACTIVATED, by=by)
            return await self.get(id)

    # -- inside ----------------------------------------------------------------------------------

    async def _open(self, purpose: LinkPurpose, secret: str, address: str) -> tuple[Opened, UUID]:
        self._throttle.refuse_in_transaction()
        link = await self._links.open(purpose, secret, address=address)
        if link.account is None:
            raise spent()
        return link, link.account

    async def _accepted(self, id: UUID, password: str) -> str:
        account = await self.get(id)
        return await self._passwords.accept(password, known=[account.name, account.email or ""])

    async def _set_password(self, id: UUID, hashed: str, *, keep: UUID | None) -> None:
        written = await self._db.execute(
            "UPDATE core_account SET password_hash = ? WHERE id = ? AND state = 'active'",
            *(hashed, id),
        )
        if not written:
            raise spent()
        by = f"person:{id}"
        await self._sessions.revoke_others(id, keep, by=by)
        await self._links.spend(id, ["password_reset", "second_factor"])
        await self._concern(id, facts.PASSWORD, by=by)

    async def _insert(self, new: NewAccount) -> UUID:
        if new.email is not None and await self.by_email(new.email) is not None:
            raise Conflict(f"expected an e-mail that nobody has yet, got {new.email!r}")
        return await insert_account(self._db, new, now())

    async def _place(self, id: UUID, draft: InvitationDraft, by: str) -> None:
        await self._roles.assign(id, draft.roles, by=by)
        if draft.team is not None:
            await self._roles.join_team(id, draft.team, by=by)

    async def _tell_added(self, id: UUID, new: NewAccount, *, by: str) -> None:
        fact = facts.AccountAdded(id, new.kind, new.name, new.email)
        await self.changes.record(id, facts.ADDED, fact, by=by)

    async def _concern(self, id: UUID, kind: str, *, by: str) -> None:
        await self.changes.record(id, kind, facts.AccountConcerned(id), by=by)


def _person(draft: InvitationDraft, state: AccountState) -> NewAccount:
    return NewAccount(
        kind="person",
        name=clean_name(draft.name),
        email=clean_email(draft.email),
        language=draft.language,
        state=state,
    )


def _link(
    purpose: LinkPurpose, secret: str, expires: dt.datetime, account: Account
) -> OneTimeSecret:
    return OneTimeSecret(purpose=purpose, secret=secret, expires_at=expires, account=account)


def _refuse_own(id: UUID, mend: str) -> None:
    if current_viewer().account == id:
        raise Refused(f"expected the account of somebody else, got your own; {mend}")


def _other_state(expected: str, account: Account) -> Conflict:
    return Conflict(f"expected {expected}, got a {account.kind} that is {account.state}")


def _wrong_old() -> InvalidInput:
    problem = Problem(
        code="wrong-password",
        message="This is not your password",
        where="/old",
        expected="the password that you sign in with now",
        mend="Type it again; if you forgot it, ask for a reset link.",
    )
    return InvalidInput("The old password is not right.", problems=[problem])
