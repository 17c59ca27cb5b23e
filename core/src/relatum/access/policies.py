"""Who sees what, as data. Roles store these; ``sight`` compiles them into SQL."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from relatum.db import guarding
from relatum.values.sensitivity import Sensitivity

#: The roles that every installation has. ``owner`` may do and see everything.
BuiltinRole = Literal["owner", "manager", "sales", "care", "marketing", "analyst", "read_only"]
BUILTIN_ROLES: tuple[BuiltinRole, ...] = get_args(BuiltinRole)


#: Stands in for what somebody may not see, and is refused where something is saved.
MASK = guarding.MASK

Attribute = Annotated[
    str, Meta(pattern=r"^(?:tag|role|kind|field\.[a-z][a-z0-9_]{0,59})$", max_length=66)
]


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing a rule looks at: the attribute has one of the values (text, compared exactly).

    ``tag`` and ``role`` may have many values on a customer: one that fits is enough. ``kind`` is
    ``person`` or ``organisation``; ``field.<key>`` is a custom field, as its stored text.
    """

    attribute: Attribute
    is_one_of: Annotated[
        list[Annotated[str, Meta(max_length=200)]], Meta(min_length=1, max_length=200)
    ]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Customers that fit every condition of ``all_of`` and none of ``none_of``."""

    all_of: Annotated[list[Condition], Meta(min_length=1, max_length=20)]
    none_of: Annotated[list[Condition], Meta(max_length=20)] = []


#: ``own``: customers that belong to the person. ``team``: to a team the person is in.
#: ``subteams``: to such a team or one below it. ``all``: every customer. A rule has an id.
Scope = Literal["own", "team", "subteams", "all"]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a role sees: the union of its scopes and rules; which sensitive fields unmasked.

    Whoever sees less than all always sees the customers that belong to them.

    Attributes:
        scopes: see :data:`Scope`.
        rules: keys of stored rules; a customer that fits any of them is seen.
        unmasked: classes of sensitive fields that are shown as they are.
    """

    scopes: list[Scope] = msgspec.field(default_factory=lambda: ["own"])
    rules: list[str] = []
    unmasked: list[Sensitivity] = []
