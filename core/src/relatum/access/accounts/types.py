"""What crosses the border of this room: accounts, sessions, tokens, and who somebody turned out to
be.

Structs that hold a password or a secret leave it out of their ``repr``.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

#: ``person``: signs in. ``service``: an integration; acts through its tokens alone.
AccountKind = Literal["person", "service"]
#: ``invited``: has not accepted yet. ``suspended``: may not come in; sessions and tokens are ended.
AccountState = Literal["invited", "active", "suspended"]
Language = Literal["vi", "en"]
#: What a one-time link is for.
LinkPurpose = Literal["first_owner", "invitation", "password_reset"]

Name = Annotated[str, Meta(min_length=1, max_length=200)]
EmailText = Annotated[str, Meta(min_length=3, max_length=254)]
#: As it is typed; what a password must be is up to :mod:`relatum.access.accounts.passwords`.
PasswordText = Annotated[str, Meta(max_length=1_000)]
SecretText = Annotated[str, Meta(min_length=1, max_length=200)]
PermissionId = Annotated[str, Meta(min_length=1, max_length=160)]
RoleKey = Annotated[str, Meta(min_length=1, max_length=60)]

HIDDEN = frozenset({"code", "codes", "new", "old", "password", "qr_svg", "secret", "ticket", "uri"})


class Discreet(msgspec.Struct, frozen=True):
    """A Struct whose ``repr`` shows no password, secret or code."""

    def __repr__(self) -> str:
        shown = (
            f"{name}=…" if name in HIDDEN else f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
        )
        return f"{type(self).__name__}({', '.join(shown)})"

    def __rich_repr__(self) -> Any:
        for name in self.__struct_fields__:
            yield name, "…" if name in HIDDEN else getattr(self, name)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody or something that may come in.

    Attributes:
        email: in small letters; ``None`` for services.
        second_factor: whether a code is asked for after the password.
        has_password: accounts that sign in with OpenID Connect alone have none.
    """

    id: UUID
    kind: AccountKind
    name: str
    email: str | None
    language: Language
    state: AccountState
    second_factor: bool
    has_password: bool
    created_at: dt.datetime
    last_sign_in_at: dt.datetime | None


class AccountDraft(Discreet, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person who sets up their own account (the first owner)."""

    name: Name
    email: EmailText
    password: PasswordText
    language: Language = "vi"


class InvitationDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody to invite, the roles they will have and the team they will be in."""

    name: Name
    email: EmailText
    roles: Annotated[list[RoleKey], Meta(min_length=1, max_length=50)]
    team: UUID | None = None
    language: Language = "vi"


class ServiceDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An integration that acts through tokens of its own."""

    name: Name
    roles: Annotated[list[RoleKey], Meta(min_length=1, max_length=50)]
    language: Language = "vi"


class AccountChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody may change of themselves; ``None`` leaves it."""

    name: Name | None = None
    language: Language | None = None


class AccountQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts to list, by name."""

    q: Annotated[str, Meta(max_length=200)] = ""
    kind: AccountKind | None = None
    state: AccountState | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class OneTimeSecret(Discreet, frozen=True, kw_only=True):
    """The secret of a one-time link; whoever has it comes in once. Shown once, to who asked.

    Attributes:
        account: whom it is for; ``None`` for the first owner's.
    """

    purpose: LinkPurpose
    secret: str
    expires_at: dt.datetime
    account: Account | None = None


class LinkShown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page behind a link of this purpose may show before it is used."""

    purpose: LinkPurpose
    expires_at: dt.datetime
    name: str = ""
    email: str = ""
    language: Language = "vi"


class SignedIn(Discreet, frozen=True, kw_only=True):
    """A new session; ``secret`` goes into the cookie and is kept nowhere else."""

    account: Account
    session: UUID
    secret: str
    expires_at: dt.datetime


class SecondFactorNeeded(Discreet, frozen=True, kw_only=True):
    """The password was right; the ticket and a code make a session of it."""

    ticket: str
    expires_at: dt.datetime


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody is signed in."""

    id: UUID
    account: UUID
    created_at: dt.datetime
    last_seen_at: dt.datetime
    expires_at: dt.datetime
    address: str
    user_agent: str
    second_factor_at: dt.datetime | None


class TokenDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A token to make.

    Attributes:
        scopes: permissions it is limited to; empty means everything its owner may.
        days: until it expires.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[list[PermissionId], Meta(max_length=500)] = []
    days: Annotated[int, Meta(ge=1, le=366)] = 90


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token, without its secret; ``prefix`` is how people tell tokens apart."""

    id: UUID
    account: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None


class NewToken(Discreet, frozen=True, kw_only=True):
    """A token with its secret, which is shown this once."""

    token: Token
    secret: str


class SecondFactorSetup(Discreet, frozen=True, kw_only=True):
    """What an authenticator app needs; a code from it switches the second factor on.

    Attributes:
        secret: base 32, for typing it in.
        uri: ``otpauth://…``.
        qr_svg: the same as a picture, a whole ``<svg>`` element.
    """

    secret: str
    uri: str
    qr_svg: str


class RecoveryCodes(Discreet, frozen=True, kw_only=True):
    """Ten codes, each good once instead of a code of the app. Shown this once."""

    codes: list[str]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a session or a token turned out to be.

    Attributes:
        scopes: permissions that a token is limited to; ``None`` is no limit.
        second_factor: whether the account has one.
        second_factor_at: when this session was confirmed with it.
        valid_until: when the session or the token ends by itself.
    """

    account: UUID
    kind: AccountKind
    name: str
    email: str | None
    language: Language
    session: UUID | None = None
    token: UUID | None = None
    scopes: frozenset[str] | None = None
    second_factor: bool = False
    second_factor_at: dt.datetime | None = None
    valid_until: dt.datetime

    @property
    def actor(self) -> str:
        """As the event log writes it."""
        return f"{self.kind}:{self.account}"
