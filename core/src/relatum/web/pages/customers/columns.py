"""The columns of the list: core's, one for each custom field, those of plugins. All in batches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from relatum.hooks.isolation import within
from relatum.hooks.screens import Cell, Column
from relatum.telemetry.logs import about
from relatum.web.languages import marked, translations
from relatum.web.pages.customers.card import (
    KINDS,
    ROLES,
    field_text,
    is_masked,
    shown_point,
    title_of,
)
from relatum.web.visit import Visit

if TYPE_CHECKING:
    from relatum.customers.types import Customer, FieldDraft
    from relatum.http.calls import Call
    from relatum.web.languages import Language
    from relatum.web.pages.customers.colleagues import Colleagues

log = logging.getLogger("relatum.web")

#: Seconds that a plugin has for its column.
LIMIT = 1.0
MOST_SHOWN = 16
FIELD = "field."
Look = Literal["text", "number", "moment", "badges", "person", "plugin"]
ROLE_TONES = {
    "prospect": "info",
    "customer": "good",
    "partner": "violet",
    "supplier": "teal",
    "distributor": "warning",
    "investor": "accent",
    "employee": "",
}


class ListColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column that can be chosen.

    Attributes:
        look: how its cells are drawn.
        sort: the order of the list that it stands for; empty for none.
        editable: whether its cells can be changed where they are.
    """

    id: str
    title: str
    look: Look = "text"
    sort: str = ""
    editable: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A cell. ``texts`` has more than one where several badges are shown; ``masked``: the viewer
    sees no more than that there is something."""

    texts: list[str] = []
    tones: list[str] = []
    value: Any = None
    href: str = ""
    masked: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with the cells of the chosen columns."""

    customer: Customer
    cells: list[Shown]


_TITLES: dict[str, tuple[str, Look, str, bool]] = {
    "phone": (marked("Phone"), "text", "", False),
    "email": (marked("E-mail"), "text", "", False),
    "kind": (marked("Kind"), "text", "", False),
    "roles": (marked("Roles"), "badges", "", True),
    "tags": (marked("Tags"), "badges", "", True),
    "owner": (marked("Owner"), "person", "", True),
    "team": (marked("Team"), "text", "", False),
    "last_contact": (marked("Last contact"), "moment", "", False),
    "created": (marked("Created"), "moment", "created_at", False),
    "updated": (marked("Changed"), "moment", "updated_at", False),
}
NAME = "name"
FIRST_COLUMNS = ("phone", "email", "roles", "tags", "owner", "updated")
_EMPTY = Shown()


class Columns:
    """The columns that a viewer may have.

    Args:
        fields: the declared custom fields.
    """

    def __init__(self, call: Call, fields: Sequence[FieldDraft], language: Language) -> None:
        self._call = call
        self._language: Language = language
        self._fields = {field.key: field for field in fields if field.sensitivity != "secret"}
        self._writes = call.viewer.may("core.customers.write")
        self._say = translations(language).gettext
        self.name = ListColumn(
            id=NAME, title=self._say("Name"), sort="display_name", editable=self._writes
        )
        self.there = {each.id: each for each in self._every()}

    def _every(self) -> Iterable[ListColumn]:
        for id, (title, look, sort, editable) in _TITLES.items():
            if id != "last_contact" or self._call.viewer.may("core.interactions.read"):
                yield ListColumn(
                    id=id,
                    title=self._say(title),
                    look=look,
                    sort=sort,
                    editable=editable and self._writes,
                )
        for field in self._fields.values():
            yield ListColumn(
                id=FIELD + field.key,
                title=title_of(field, self._language),
                look="number" if field.type in ("integer", "decimal") else "text",
                editable=self._writes,
            )
        for declared in sorted(self._of_plugins(), key=lambda each: (each.order, each.id)):
            yield ListColumn(
                id=declared.id,
                title=declared.title.in_language(self._language),
                look="plugin",
            )

    def _of_plugins(self) -> list[Column]:
        registry = self._call.house.registry
        return [each for each in registry.columns if self._call.viewer.may(each.permission)]

    def chosen(self, ids: Sequence[str]) -> list[ListColumn]:
        """The columns of these ids in their order; those that are not there (any more) left out."""
        wanted = [id for id in dict.fromkeys(ids or FIRST_COLUMNS) if id in self.there]
        return [self.there[id] for id in wanted[:MOST_SHOWN]]

    async def rows(
        self, customers: Sequence[Customer], columns: Sequence[ListColumn], names: Colleagues
    ) -> tuple[list[Row], set[str]]:
        """The customers with their cells, and the columns that failed."""
        ids = {column.id for column in columns}
        last: Mapping[UUID, Any] = {}
        if "last_contact" in ids and customers:
            last = await self._call.house.interactions.latest([each.id for each in customers])
        loaded, failed = await self._load(customers, ids)
        known = _Known(names=names, last=last, loaded=loaded)
        rows = [
            Row(customer=one, cells=[self.cell(column.id, one, known) for column in columns])
            for one in customers
        ]
        return rows, failed

    def cell(self, id: str, customer: Customer, known: _Known) -> Shown:
        """One cell."""
        if id in known.loaded:
            return _of_plugin(known.loaded[id].get(customer.id))
        if id.startswith(FIELD):
            return self._field(self._fields[id.removeprefix(FIELD)], customer)
        if id in ("phone", "email"):
            return self._point(id, customer)
        return self._own(id, customer, known)

    def _own(self, id: str, customer: Customer, known: _Known) -> Shown:
        names = known.names
        if id == NAME:
            return _texts([customer.display_name])
        if id == "owner":
            return _texts([names.name(customer.owner)] if customer.owner else [])
        if id == "team":
            return _texts([names.team(customer.team)] if customer.team else [])
        if id == "kind":
            return _texts([self._say(KINDS.get(customer.kind, customer.kind))])
        if id == "roles":
            texts = [self._say(ROLES.get(role, role)) for role in customer.roles]
            return Shown(texts=texts, tones=[ROLE_TONES.get(role, "") for role in customer.roles])
        if id == "tags":
            return _texts(customer.tags)
        moments = {
            "created": customer.created_at,
            "updated": customer.updated_at,
            "last_contact": known.last.get(customer.id),
        }
        return Shown(value=moments.get(id))

    def _point(self, kind: str, customer: Customer) -> Shown:
        points = [each for each in customer.contact_points if each.kind == kind]
        point = next((each for each in points if each.primary), points[0] if points else None)
        if point is None:
            return _EMPTY
        shown = shown_point(point, self._call.house.settings.company.country)
        if is_masked(point.raw) or is_masked(point.normalised):
            return Shown(texts=[shown], masked=True)
        return _texts([shown])

    def _field(self, field: FieldDraft, customer: Customer) -> Shown:
        value = customer.fields.get(field.key)
        if value is None:
            return _EMPTY
        text = field_text(field, value, self._language, self._say)
        return Shown(texts=[text], value=value, masked=is_masked(value))

    async def _load(
        self, customers: Sequence[Customer], ids: set[str]
    ) -> tuple[dict[str, Mapping[UUID, Cell]], set[str]]:
        """The cells of plugins' columns, loaded beside each other, each on its own."""
        declared = [each for each in self._of_plugins() if each.id in ids]
        found = await asyncio.gather(*(self._load_one(each, customers) for each in declared))
        by_id = {each.id: cells or {} for each, cells in zip(declared, found, strict=True)}
        return by_id, {
            each.id for each, cells in zip(declared, found, strict=True) if cells is None
        }

    async def _load_one(
        self, column: Column, customers: Sequence[Customer]
    ) -> Mapping[UUID, Cell] | None:
        plugin = self._call.house.registry.plugin_of(column.id)
        try:
            async with plugin.at_work():
                given = plugin.given(customers)
                loading: Any = column.load(plugin, Visit.of(self._call, plugin), given)
                return dict(await within(LIMIT, loading))
        except Exception as error:
            with about(plugin=plugin.id):
                log.error("column %s of %s failed", column.id, plugin.id, exc_info=error)
            return None


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for all rows together."""

    names: Colleagues
    last: Mapping[UUID, Any] = {}
    loaded: Mapping[str, Mapping[UUID, Cell]] = {}


def _texts(texts: Sequence[str]) -> Shown:
    return Shown(texts=list(texts), tones=[""] * len(texts))


def _of_plugin(cell: Cell | None) -> Shown:
    if cell is None:
        return _EMPTY
    return Shown(texts=[cell.text], tones=[cell.tone], href=cell.href)
