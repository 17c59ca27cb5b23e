"""Who looks at the world, and what each of them is meant to see: by hand, from the rules."""

from __future__ import annotations

from dataclasses import dataclass

from tests.security.canaries import Eyes

ALL_CLASSES = ("contact", "identity", "finance", "health", "secret")


@dataclass(frozen=True)
class Customer:
    """One customer of the world: to whom it belongs, and the tag that a rule looks at."""

    owner: str | None = None
    team: str | None = None
    vip: bool = False
    organisation: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody with one role. ``sees`` and ``unmasked`` are what is expected, not what is found."""

    role: str
    sees: frozenset[str]
    unmasked: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()

    @property
    def eyes(self) -> Eyes:
        return Eyes(self.sees, frozenset(self.unmasked))


#: Name → the team above.
TEAMS: dict[str, str | None] = {"north": None, "north_one": "north", "south": None}

CUSTOMERS = {
    "an_one": Customer("an", "north_one"),
    "an_alone": Customer("an"),
    "an_company": Customer("an", "north_one", organisation=True),
    "binh_one": Customer("binh", "north_one"),
    "north_pool": Customer(team="north"),
    "north_one_pool": Customer(team="north_one"),
    "chi_one": Customer("chi", "south"),
    "chi_vip": Customer("chi", "south", vip=True),
    "chi_company": Customer("chi", "south", organisation=True),
    "khanh_one": Customer("khanh", "south"),
    "loose": Customer(),
    "loose_vip": Customer(vip=True),
}

#: What the rule of the role ``vip_desk`` looks for.
VIP_TAG = "hạng nhất"
#: Roles of our own: the built-in one whose permissions they begin with, and what is added, so that
#: somebody who sees little comes to addresses that usually those see who see everything.
OWN_ROLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "vip_desk": ("care", ("core.audit.read", "core.exports.write", "core.operations.read")),
    "newcomer": ("manager", ("core.audit.read",)),
}

_EVERYBODY = frozenset(CUSTOMERS)
_NORTH_ONE = frozenset({"an_one", "an_company", "binh_one", "north_one_pool"})

PEOPLE = {
    "owner": Person("owner", _EVERYBODY, ALL_CLASSES),
    "manager": Person(
        "manager", _NORTH_ONE | {"north_pool"}, ("contact", "identity", "finance"), ("north",)
    ),
    "an": Person("sales", _NORTH_ONE | {"an_alone"}, ("contact",), ("north_one",)),
    "binh": Person("sales", _NORTH_ONE, ("contact",), ("north_one",)),
    "chi": Person(
        "sales",
        frozenset({"chi_one", "chi_vip", "chi_company", "khanh_one"}),
        ("contact",),
        ("south",),
    ),
    "care": Person("care", _EVERYBODY, ("contact",)),
    "marketing": Person("marketing", _EVERYBODY),
    "analyst": Person("analyst", _EVERYBODY),
    "reader": Person("read_only", _NORTH_ONE, (), ("north_one",)),
    "khanh": Person(
        "vip_desk", frozenset({"chi_vip", "loose_vip", "khanh_one"}), ("identity", "health")
    ),
    "newcomer": Person("newcomer", frozenset()),
}
