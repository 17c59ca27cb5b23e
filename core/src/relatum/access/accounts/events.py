"""Facts about accounts. No payload holds a password, a code, a secret or a digest of one."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal
from uuid import UUID

import msgspec

from relatum.access.accounts.types import AccountKind
from relatum.hooks.declarations import EventType
from relatum.values.text import Text

#: How somebody signed in.
Way = Literal["password", "openid", "link"]
#: Why somebody did not; only whoever reads the audit trail learns this.
Reason = Literal["unknown", "wrong", "no_password", "not_active", "wrong_code", "not_allowed"]


class AccountAdded(msgspec.Struct, frozen=True):
    account: UUID
    kind: AccountKind
    name: str
    email: str | None


class AccountInvited(msgspec.Struct, frozen=True):
    account: UUID
    name: str
    email: str
    expires_at: dt.datetime


class AccountConcerned(msgspec.Struct, frozen=True):
    account: UUID


class AccountChanged(msgspec.Struct, frozen=True):
    """``changes`` maps a field to its value before and after."""

    account: UUID
    changes: dict[str, tuple[Any, Any]]


class SignedIn(msgspec.Struct, frozen=True):
    account: UUID
    session: UUID
    way: Way
    second_factor: bool
    address: str


class SignInRefused(msgspec.Struct, frozen=True):
    """``account`` is ``None`` when the e-mail is unknown; what was typed is not kept."""

    account: UUID | None
    reason: Reason
    way: Way
    address: str


class SessionEnded(msgspec.Struct, frozen=True):
    account: UUID
    session: UUID


class TokenConcerned(msgspec.Struct, frozen=True):
    account: UUID
    token: UUID
    name: str
    scopes: list[str]


class IdentityLinked(msgspec.Struct, frozen=True):
    account: UUID
    issuer: str


ADDED = "core.access.account_added"
INVITED = "core.access.account_invited"
ACTIVATED = "core.access.account_activated"
SUSPENDED = "core.access.account_suspended"
REACTIVATED = "core.access.account_reactivated"
CHANGED = "core.access.account_changed"
RESET_LINK = "core.access.password_reset_link_made"
PASSWORD = "core.access.password_changed"  # noqa: S105 - a kind of event
SIGNED_IN = "core.access.signed_in"
REFUSED = "core.access.sign_in_refused"
SIGNED_OUT = "core.access.signed_out"
REVOKED = "core.access.session_revoked"
TOKEN_CREATED = "core.access.token_created"  # noqa: S105
TOKEN_REVOKED = "core.access.token_revoked"  # noqa: S105
FACTOR_ON = "core.access.second_factor_on"
FACTOR_OFF = "core.access.second_factor_off"
CODES_RENEWED = "core.access.recovery_codes_renewed"
LINKED = "core.access.identity_linked"

EVENT_TYPES = [
    EventType(id=id, title=Text(en=en, vi=vi), payload=payload)
    for id, en, vi, payload in (
        (ADDED, "Account added", "Đã thêm tài khoản", AccountAdded),
        (INVITED, "Person invited", "Đã mời người dùng", AccountInvited),
        (ACTIVATED, "Invitation accepted", "Đã nhận lời mời", AccountConcerned),
        (SUSPENDED, "Account suspended", "Đã khoá tài khoản", AccountConcerned),
        (REACTIVATED, "Account let in again", "Đã mở lại tài khoản", AccountConcerned),
        (CHANGED, "Account changed", "Đã sửa tài khoản", AccountChanged),
        (RESET_LINK, "Reset link made", "Đã tạo liên kết đặt lại mật khẩu", AccountConcerned),
        (PASSWORD, "Password changed", "Đã đổi mật khẩu", AccountConcerned),
        (SIGNED_IN, "Signed in", "Đã đăng nhập", SignedIn),
        (REFUSED, "Sign-in refused", "Đã từ chối đăng nhập", SignInRefused),
        (SIGNED_OUT, "Signed out", "Đã đăng xuất", SessionEnded),
        (REVOKED, "Session ended", "Đã kết thúc phiên", SessionEnded),
        (TOKEN_CREATED, "Token made", "Đã tạo mã truy cập", TokenConcerned),
        (TOKEN_REVOKED, "Token revoked", "Đã thu hồi mã truy cập", TokenConcerned),
        (FACTOR_ON, "Second factor on", "Đã bật xác thực hai bước", AccountConcerned),
        (FACTOR_OFF, "Second factor off", "Đã tắt xác thực hai bước", AccountConcerned),
        (CODES_RENEWED, "Recovery codes renewed", "Đã đổi mã khôi phục", AccountConcerned),
        (LINKED, "OpenID Connect linked", "Đã nối OpenID Connect", IdentityLinked),
    )
]
