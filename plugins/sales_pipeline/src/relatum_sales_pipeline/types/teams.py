"""Teams and their members."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=200)]
OtherName = Annotated[str, Meta(max_length=200)]
Region = Annotated[str, Meta(max_length=100)]


class TeamDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A team to be made; its name is unique."""

    name: Name
    region: Region = ""
    manager: OtherName = ""


class TeamEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a team."""

    name: Name | UnsetType = UNSET
    region: Region | UnsetType = UNSET
    manager: OtherName | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Team(msgspec.Struct, kw_only=True, frozen=True):
    """A team as read."""

    id: UUID
    name: str
    region: str
    manager: str
    active: bool


class MemberDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A member to be made; the name is unique (write "Lan (Đà Nẵng)" for a second Lan)."""

    name: Name
    team_id: UUID | None = None


class MemberEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a member. Deals keep the team they were sold in."""

    name: Name | UnsetType = UNSET
    team_id: UUID | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class Member(msgspec.Struct, kw_only=True, frozen=True):
    """A member as read, with the name of the team."""

    id: UUID
    name: str
    team_id: UUID | None
    team: str | None
    active: bool
