"""Forms about accounts that several pages have."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relatum.access.accounts.types import PasswordText, PermissionId
from relatum.values.problems import Problem


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The old password, and the new one twice."""

    old_password: PasswordText
    new_password: PasswordText
    again_password: PasswordText


class CodeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A code of the app, or a recovery code."""

    code: Annotated[str, Meta(max_length=100)]


class TokenForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A token to make."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    days: Annotated[int, Meta(ge=1, le=366)]
    scopes: Annotated[list[PermissionId], Meta(max_length=500)] = []


NOT_THE_SAME = Problem(
    code="not-the-same",
    message="the two passwords are not the same",
    where="/again_password",
    mend="Type both again.",
)
