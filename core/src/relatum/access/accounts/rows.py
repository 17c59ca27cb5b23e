"""Accounts as they are stored, read and checked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.access.accounts.types import Account, AccountKind, AccountState, Language
from relatum.values.email import normalise_email
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput, NotFound, Problem
from relatum.values.text import clean_line, fold, sort_key

if TYPE_CHECKING:
    from relatum.db.database import Database

COLUMNS = (
    "id",
    "kind",
    "name",
    "sort_key",
    "search",
    "email",
    "password_hash",
    "language",
    "state",
    "created_at",
)
#: What :func:`account_of` reads.
SELECT = (
    "SELECT a.id, a.kind, a.name, a.email, a.language, a.state, a.totp_since, "
    "a.password_hash <> '', a.created_at, a.last_sign_in_at, a.sort_key FROM core_account a"
)
#: Where the sort key stands in a row.
SORT_KEY = 10


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is about to be written; name and e-mail are clean."""

    kind: AccountKind
    name: str
    email: str | None
    language: Language
    state: AccountState
    password_hash: str = ""

    def __repr__(self) -> str:
        return f"NewAccount({self.kind}, {self.state})"


def account_of(row: tuple[Any, ...]) -> Account:
    """A row of ``SELECT``."""
    id, kind, name, email, language, state, since, password, created, last, _ = row
    return Account(
        id=id,
        kind=kind,
        name=name,
        email=email,
        language=language,
        state=state,
        second_factor=since is not None,
        has_password=bool(password),
        created_at=created,
        last_sign_in_at=last,
    )


async def read_account(db: Database, id: UUID) -> Account:
    """One account.

    Raises:
        NotFound: there is none.
    """
    row = await db.fetch_one(f"{SELECT} WHERE a.id = ?", id)
    if row is None:
        raise NotFound(f"expected the id of an account, got {id}; there is none")
    return account_of(row)


async def insert_account(db: Database, new: NewAccount, moment: dt.datetime) -> UUID:
    """Write a new account; returns its id."""
    id = new_id()
    row = (
        id,
        new.kind,
        new.name,
        sort_key(new.name)[:700],
        fold(f"{new.name} {new.email or ''}"),
        new.email,
        new.password_hash,
        new.language,
        new.state,
        moment,
    )
    await db.insert("core_account", COLUMNS, [row])
    return id


def clean_name(name: str, *, where: str = "/name") -> str:
    """A name as it is stored.

    Raises:
        InvalidInput: it is empty, too long or has control characters.
    """
    cleaned = clean_line(name, what="name", max_length=200, where=where)
    if not cleaned:
        raise _bad(where, "a name", "nothing", "Write how the person or service is called.")
    return cleaned


def clean_email(email: str, *, where: str = "/email") -> str:
    """An e-mail as accounts have it: in small letters.

    Raises:
        InvalidInput: it is none.
    """
    read = normalise_email(email, where=where)
    if read.problem is not None or read.address is None:
        problems = [read.problem] if read.problem is not None else []
        raise InvalidInput("This is not an e-mail address.", problems=problems)
    if len(read.address) > 254:
        raise _bad(where, "at most 254 characters", f"{len(read.address)}", "Shorten it.")
    return read.address.lower()


def sought_email(email: str) -> str:
    """An e-mail as somebody types it to sign in, in the form it would be stored; never fails."""
    return (normalise_email(email).address or printable(email).strip())[:254].lower()


def printable(text: str) -> str:
    """What a caller typed or said of itself, without what no database stores or page shows."""
    return "".join(char for char in text if char.isprintable())


def _bad(where: str, expected: str, got: str, mend: str) -> InvalidInput:
    problem = Problem(
        code="bad-account",
        message="This cannot be used for an account",
        where=where,
        expected=expected,
        got=got,
        mend=mend,
    )
    return InvalidInput("This cannot be used for an account.", problems=[problem])
