"""API tokens: act as their owner, never more than the owner may at that moment."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.access.accounts import events as facts
from relatum.access.accounts.digests import SHOWN_CHARACTERS, digest_of, new_token
from relatum.access.accounts.rows import read_account
from relatum.access.accounts.throttle import from_address
from relatum.access.accounts.types import Identity, NewToken, Token, TokenDraft
from relatum.access.viewer import current_viewer
from relatum.db.database import to_json
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem, Refused
from relatum.values.text import clean_line, nearest
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.accounts.changes import Changes
    from relatum.access.accounts.roles import RoleKeeper
    from relatum.access.accounts.throttle import Throttle
    from relatum.db.database import Database
    from relatum.hooks.registry import Registry

#: How exact ``last_used_at`` is.
USED_EVERY = dt.timedelta(minutes=5)
#: How long a token is listed after it ended.
LISTED_AFTER = dt.timedelta(days=30)

COLUMNS = (
    "id",
    "account_id",
    "name",
    "digest",
    "prefix",
    "scopes",
    "created_at",
    "expires_at",
)
SHOWN = (
    "SELECT id, account_id, name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at "
    "FROM core_api_token"
)
FOUND = (
    "SELECT t.id, t.scopes, t.expires_at, t.last_used_at, a.id, a.kind, a.name, a.email, "
    "a.language, a.totp_since FROM core_api_token t JOIN core_account a ON a.id = t.account_id "
    "WHERE t.digest = ? AND t.revoked_at IS NULL AND t.expires_at > ? AND a.state = 'active'"
)


class Tokens:
    """Personal tokens and those of services."""

    def __init__(
        self,
        db: Database,
        changes: Changes,
        registry: Registry,
        *,
        roles: RoleKeeper,
        throttle: Throttle,
    ) -> None:
        self._db = db
        self._registry = registry
        self._roles = roles
        self._throttle = throttle
        self._changes = changes

    async def authenticate_token(self, secret: str) -> Identity | None:
        """Whose token this is; ``None`` when it is unknown, expired, revoked or its owner is out.

        Call :meth:`refused` then, so that guessing is throttled.
        """
        moment = now()
        row = await self._db.fetch_one(FOUND, digest_of(secret), moment)
        if row is None:
            return None
        token, scopes, expires, used, account, kind, name, email, language, since = row
        if used is None or moment - used > USED_EVERY:
            await self._db.execute(
                "UPDATE core_api_token SET last_used_at = ? WHERE id = ?", moment, token
            )
        limits = msgspec.json.decode(scopes, type=frozenset[str])
        return Identity(
            account=account,
            kind=kind,
            name=name,
            email=email,
            language=language,
            token=token,
            scopes=limits or None,
            second_factor=since is not None,
            valid_until=expires,
        )

    async def refused(self, address: str) -> None:
        """Count a bad token or session cookie from this address.

        Raises:
            TooManyAttempts: there were too many.
        """
        await self._throttle.attempt(*from_address(address))

    async def create(self, account: UUID, draft: TokenDraft, *, by: str) -> NewToken:
        """Make a token; its secret is shown this once.

        Raises:
            InvalidInput: a scope is no permission.
            Conflict: the account is not active.
            Refused: the account is another one and holds more than whoever acts, or the new token
                could do more than the token that makes it.
        """
        name = clean_line(draft.name, what="name", max_length=100, where="/name")
        self._refuse_unknown(draft.scopes)
        scopes = sorted(set(draft.scopes))
        _refuse_wider(scopes)
        secret, moment = new_token(), now()
        token = Token(
            id=new_id(),
            account=account,
            name=name,
            prefix=secret[:SHOWN_CHARACTERS],
            scopes=scopes,
            created_at=moment,
            expires_at=moment + dt.timedelta(days=draft.days),
            last_used_at=None,
            revoked_at=None,
        )
        async with self._db.transaction():
            owner = await read_account(self._db, account)
            if owner.state != "active":
                raise Conflict(f"expected an active account, got one that is {owner.state}")
            if current_viewer().account != account:
                await self._roles.refuse_stronger(account)
            await self._db.insert("core_api_token", COLUMNS, [_row_of(token, secret)])
            await self._tell(token, facts.TOKEN_CREATED, by)
        return NewToken(token=token, secret=secret)

    async def of(self, account: UUID) -> list[Token]:
        """The tokens of an account, the newest first, ended ones among them for 30 days."""
        since = now() - LISTED_AFTER
        rows = await self._db.fetch(
            f"{SHOWN} WHERE account_id = ? AND expires_at > ? "
            "AND (revoked_at IS NULL OR revoked_at > ?) ORDER BY created_at DESC, id DESC",
            *(account, since, since),
        )
        return [_token_of(row) for row in rows]

    async def revoke(self, account: UUID, token: UUID, *, by: str) -> None:
        """End a token of this account at once; one that has ended already is fine.

        Raises:
            NotFound: the account has no such token.
        """
        async with self._db.transaction():
            row = await self._db.fetch_one(
                f"{SHOWN} WHERE id = ? AND account_id = ?", token, account
            )
            if row is None:
                raise NotFound(f"expected the id of a token of this account, got {token}")
            await self._revoke([_token_of(row)], by)

    async def revoke_all(self, account: UUID, *, by: str) -> None:
        """End every token of an account."""
        async with self._db.transaction():
            await self._revoke(await self.of(account), by)

    async def _revoke(self, tokens: list[Token], by: str) -> None:
        moment = now()
        for token in tokens:
            if token.revoked_at is None:
                await self._db.execute(
                    "UPDATE core_api_token SET revoked_at = ? WHERE id = ?", moment, token.id
                )
                await self._tell(token, facts.TOKEN_REVOKED, by)

    async def _tell(self, token: Token, kind: str, by: str) -> None:
        fact = facts.TokenConcerned(token.account, token.id, token.name, token.scopes)
        await self._changes.record(token.account, kind, fact, by=by)

    def _refuse_unknown(self, scopes: list[str]) -> None:
        known = {permission.id for permission in self._registry.permissions}
        problems = [
            Problem(
                code="unknown-permission",
                message="there is no such permission",
                where=f"/scopes/{index}",
                expected="permissions such as core.customers.read",
                got=scope[:160],
                mend=_nearest(scope, known),
            )
            for index, scope in enumerate(scopes)
            if scope not in known
        ]
        if problems:
            raise InvalidInput("A scope is no permission.", problems=problems)


def _refuse_wider(scopes: list[str]) -> None:
    viewer = current_viewer()
    if viewer.token is None or viewer.may_everything:
        return
    if not scopes or not all(viewer.may(scope) for scope in scopes):
        raise Refused(
            "expected scopes that the token in use has, got more; name them, or sign in and make "
            "the token there"
        )


def _nearest(scope: str, known: set[str]) -> str:
    near = nearest(scope[:160], known)
    return f"Did you mean {near}?" if near else "See /api/v1/permissions."


def _row_of(token: Token, secret: str) -> tuple[Any, ...]:
    return (
        token.id,
        token.account,
        token.name,
        digest_of(secret),
        token.prefix,
        to_json(token.scopes),
        token.created_at,
        token.expires_at,
    )


def _token_of(row: tuple[Any, ...]) -> Token:
    id, account, name, prefix, scopes, created, expires, used, revoked = row
    return Token(
        id=id,
        account=account,
        name=name,
        prefix=prefix,
        scopes=msgspec.json.decode(scopes, type=list[str]),
        created_at=created,
        expires_at=expires,
        last_used_at=used,
        revoked_at=revoked,
    )
