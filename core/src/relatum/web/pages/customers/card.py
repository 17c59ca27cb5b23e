"""Who a customer is, as a page shows it: contact points, links, custom fields, whose they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import msgspec

from relatum.access.policies import MASK
from relatum.values.phone import format_phone
from relatum.web import formats
from relatum.web.languages import Language, decimal_mark, grouped, marked

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.customers.types import ContactPoint, Customer, FieldDraft, Link

Say = Callable[[str], str]

KINDS = {"person": marked("Person"), "organisation": marked("Organisation")}
ROLES = {
    "prospect": marked("Prospect"),
    "customer": marked("Customer"),
    "partner": marked("Partner"),
    "supplier": marked("Supplier"),
    "distributor": marked("Distributor"),
    "investor": marked("Investor"),
    "employee": marked("Employee"),
}
POINTS = {
    "phone": (marked("Phone"), "phone"),
    "email": (marked("E-mail"), "mail"),
    "address": (marked("Address"), "map-pin"),
    "zalo": (marked("Zalo"), "message-2"),
    "facebook": (marked("Facebook"), "users"),
    "website": (marked("Website"), "world"),
    "device": (marked("Device"), "device-mobile"),
    "card": (marked("Card"), "id"),
    "other": (marked("Other"), "at"),
}
#: A kind of link from its source, and from its target: Acme is *parent of* Bluth.
LINKS = {
    "contact_of": (marked("Contact at"), marked("Contact person")),
    "parent_of": (marked("Parent of"), marked("Belongs to")),
    "household_of": (marked("Household of"), marked("In the household of")),
    "referred_by": (marked("Referred by"), marked("Referred")),
    "manages": (marked("Manages"), marked("Managed by")),
    "influences": (marked("Influences"), marked("Influenced by")),
}


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """One contact point.

    Attributes:
        shown: a phone number in the form of the country, the rest as it was given.
        href: where a press leads: a call, a letter, a page; empty where it leads nowhere.
        copied: what is copied; empty when it is masked.
    """

    id: UUID
    kind: str
    title: str
    icon: str
    shown: str
    href: str
    copied: str
    label: str
    primary: bool
    verified_at: dt.datetime | None


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """A link as this end sees it."""

    id: UUID
    customer: UUID
    name: str
    relation: str
    role: str
    since: dt.date | None
    until: dt.date | None


class Belongs(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a customer is, by name."""

    owner: str = ""
    team: str = ""


def reaches_of(points: Sequence[ContactPoint], country: str, say: Say) -> list[Reach]:
    """The contact points, the primary ones of each kind first."""
    return [_reach(point, country, say) for point in sorted(points, key=lambda p: not p.primary)]


def shown_point(point: ContactPoint, country: str) -> str:
    """A contact point as people write it."""
    if point.kind == "phone" and not is_masked(point.normalised):
        return format_phone(point.normalised, country)
    return point.raw


def is_masked(value: object) -> bool:
    """Whether the viewer sees no more than that there is something."""
    return isinstance(value, str) and MASK in value


def _reach(point: ContactPoint, country: str, say: Say) -> Reach:
    title, icon = POINTS.get(point.kind, POINTS["other"])
    shown = shown_point(point, country)
    masked = is_masked(point.raw) or is_masked(point.normalised)
    return Reach(
        id=point.id,
        kind=point.kind,
        title=say(title),
        icon=icon,
        shown=shown,
        href="" if masked else _href(point),
        copied="" if masked else shown,
        label=point.label,
        primary=point.primary,
        verified_at=point.verified_at,
    )


def _href(point: ContactPoint) -> str:
    if point.kind == "phone":
        return f"tel:{point.normalised}"
    if point.kind == "email":
        return f"mailto:{quote(point.normalised, safe='@.+-_')}"
    if point.kind == "website" and point.raw.lower().startswith(("https://", "http://")):
        return point.raw
    return ""


def related(links: Sequence[Link], customer: UUID, say: Say) -> list[Related]:
    """Links by what the other one is to this customer, then by name."""
    found = [_related(link, customer, say) for link in links]
    return sorted(found, key=lambda each: (each.relation, each.name))


def _related(link: Link, customer: UUID, say: Say) -> Related:
    forth, back = LINKS.get(link.kind, (link.kind, link.kind))
    ours = link.source == customer
    return Related(
        id=link.id,
        customer=link.target if ours else link.source,
        name=link.target_name if ours else link.source_name,
        relation=say(forth if ours else back),
        role=link.role,
        since=link.since,
        until=link.until,
    )


def title_of(field: FieldDraft, language: Language) -> str:
    """What a custom field is called."""
    titles = (field.title_vi, field.title_en) if language == "vi" else (field.title_en,)
    return next((title for title in titles if title), field.key.replace("_", " ").capitalize())


def field_values(
    customer: Customer, fields: Sequence[FieldDraft], language: Language, say: Say
) -> list[tuple[str, str]]:
    """The custom fields that have a value: title and value, as people write it."""
    return [
        (title_of(field, language), field_text(field, customer.fields[field.key], language, say))
        for field in fields
        if customer.fields.get(field.key) is not None
    ]


def field_text(field: FieldDraft, value: Any, language: Language, say: Say) -> str:
    """A value of a custom field as people write it; one that is masked as it is."""
    if is_masked(value):
        return str(value)
    if isinstance(value, bool):
        return say("Yes") if value else say("No")
    if field.type == "date" and isinstance(value, str):
        return formats.day(dt.date.fromisoformat(value), language, "UTC")
    if field.type == "integer" and isinstance(value, int):
        return grouped(value, language)
    if field.type == "decimal" and isinstance(value, str):
        return decimal_text(value, language)
    return str(value)


def decimal_text(value: str, language: Language) -> str:
    """A stored decimal with every digit it has: ``1.234,50``."""
    whole, _, rest = value.removeprefix("-").partition(".")
    sign = "-" if value.startswith("-") else ""
    mark = decimal_mark(language)
    return f"{sign}{grouped(int(whole or 0), language)}{mark + rest if rest else ''}"


async def belongs_to(house: House, customer: Customer) -> Belongs:
    """The names of owner and team."""
    owner = team = ""
    if customer.owner is not None:
        accounts = await house.accounts.get_many([customer.owner])
        owner = accounts[0].name if accounts else ""
    if customer.team is not None:
        team = (await house.roles.teams.names([customer.team])).get(customer.team, "")
    return Belongs(owner=owner, team=team)
