"""Rules as they come in and as they are read."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relatum.access.policies import Rule

RuleKey = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Title = Annotated[str, Meta(max_length=100)]


class RuleDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A rule to be stored; policies name it by its key."""

    key: RuleKey
    rule: Rule
    title_en: Title = ""
    title_vi: Title = ""


class RuleChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change; a field left out stays as it is."""

    rule: Rule | UnsetType = UNSET
    title_en: Title | UnsetType = UNSET
    title_vi: Title | UnsetType = UNSET


class NamedRule(msgspec.Struct, kw_only=True, frozen=True):
    """A stored rule. ``number`` is what a sight names it by; ``version`` grows with each change."""

    number: int
    key: str
    title_en: str
    title_vi: str
    rule: Rule
    version: int
