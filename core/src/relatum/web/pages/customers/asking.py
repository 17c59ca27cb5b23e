"""What somebody asks of the list of customers, as the address has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.customers.types import CustomerKind, CustomerQuery, FieldKey, Role
from relatum.http.queries import pairs_of
from relatum.values.problems import InvalidInput, MalformedRequest, Problem
from relatum.values.time import day_bounds, now
from relatum.web.forms import Form

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.http.calls import Call

HERE = "/customers"
ME, NOBODY, EVERYTHING = "me", "nobody", "all"
FIELD = "field."
FROM, UNTIL = ".from", ".until"
PAGE_SIZE = 40
Sorting = Literal[
    "display_name", "-display_name", "created_at", "-created_at", "updated_at", "-updated_at"
]
FIRST_SORT: Sorting = "-updated_at"
#: In the address, but no filters.
_OF_THE_LIST = frozenset({"sort", "columns", "view", "cursor"})


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The filters and the order of the list.

    Attributes:
        owner: an account, ``me`` or ``nobody``.
        quiet: days without any contact.
        columns: ids in their order, separated by commas.
        view: the saved view that this began with, or ``all``.
    """

    q: Annotated[str, Meta(max_length=200)] = ""
    kind: CustomerKind | None = None
    role: Role | None = None
    tag: Annotated[str, Meta(max_length=60)] = ""
    owner: Annotated[str, Meta(max_length=60)] = ""
    team: UUID | None = None
    created_first: dt.date | None = None
    created_last: dt.date | None = None
    updated_first: dt.date | None = None
    updated_last: dt.date | None = None
    quiet: Annotated[int, Meta(ge=1, le=3650)] | None = None
    sort: Sorting | None = None
    columns: Annotated[str, Meta(max_length=1000)] = ""
    view: Annotated[str, Meta(max_length=60)] = ""
    cursor: Annotated[str, Meta(max_length=3000)] = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A filter, custom fields and the form that shows them.

    Attributes:
        fields: ``field.<key>``, with ``.from`` or ``.until`` behind it for bounds.
    """

    filter: Filter
    fields: dict[str, str]
    form: Form

    @property
    def sort(self) -> Sorting:
        """The order of the list."""
        return self.filter.sort or FIRST_SORT

    @property
    def columns(self) -> list[str]:
        """Ids of the columns that were chosen; none when those of the list are wanted."""
        return [each for each in self.filter.columns.split(",") if each]

    @property
    def is_filtered(self) -> bool:
        """Whether some customers may be left out."""
        return any(name not in _OF_THE_LIST for name, _ in self.pairs())

    def pairs(self, **changes: str | None) -> list[tuple[str, str]]:
        """The address without what is empty; a change of ``None`` takes something out."""
        held = {**msgspec.to_builtins(self.filter), **self.fields, **changes}
        if "cursor" not in changes:
            held.pop("cursor")
        return [(name, str(value)) for name, value in held.items() if value not in ("", None)]

    def href(self, **changes: str | None) -> str:
        """The same list, otherwise."""
        pairs = self.pairs(**changes)
        return f"{HERE}?{urlencode(pairs)}" if pairs else HERE

    def without(self, *names: str) -> str:
        """The same list without some filters."""
        return self.href(**dict.fromkeys(names))

    def query(self, viewer: Viewer, time_zone: str) -> CustomerQuery:
        """As the service of customers takes it.

        Raises:
            InvalidInput: the owner is no id.
        """
        held = self.filter
        created = _range(held.created_first, held.created_last, time_zone)
        updated = _range(held.updated_first, held.updated_last, time_zone)
        quiet = now() - dt.timedelta(days=held.quiet) if held.quiet else None
        return CustomerQuery(
            q=held.q,
            kind=held.kind,
            role=held.role,
            tag=held.tag or None,
            owner=_owner(held.owner, viewer),
            unowned=held.owner == NOBODY,
            team=held.team,
            created_from=created[0],
            created_before=created[1],
            updated_from=updated[0],
            updated_before=updated[1],
            quiet_since=quiet,
            fields=self._fields_with(""),
            field_from=self._fields_with(FROM),
            field_until=self._fields_with(UNTIL),
            sort=self.sort,
            limit=PAGE_SIZE,
            cursor=held.cursor or None,
        )

    def _fields_with(self, end: str) -> dict[str, str]:
        found = {}
        for name, value in self.fields.items():
            key, dot, bound = name.removeprefix(FIELD).partition(".")
            if dot + bound == end and value:
                found[key] = value
        return found


def asked_in(call: Call) -> Asked:
    """What the address of a request asks for."""
    return asked_of(pairs_of(call.scope["query_string"]))


def pairs_in(listed: str) -> list[tuple[str, str]]:
    """The parameters of a list's address that came along with a form."""
    try:
        return pairs_of(listed.encode("ascii"))
    except (UnicodeError, MalformedRequest):
        return []


def asked_of(pairs: Sequence[tuple[str, str]]) -> Asked:
    """What these parameters ask for; without any filter when one of them cannot be read."""
    form = Form("filter")
    fields = {name: value for name, value in pairs if name.startswith(FIELD) and value}
    rest = [
        (name, value)
        for name, value in pairs
        if value and name != "lang" and not name.startswith(FIELD)
    ]
    try:
        held = form.take(rest, Filter)
        _refuse_keys(fields)
    except InvalidInput as error:
        form.refuse(error)
        held, fields = Filter(), {}
    form.hold(fields)
    return Asked(filter=held, fields=fields, form=form)


def _refuse_keys(fields: dict[str, str]) -> None:
    for name in fields:
        key = name.removeprefix(FIELD).removesuffix(FROM).removesuffix(UNTIL)
        try:
            msgspec.convert(key, FieldKey)
        except msgspec.ValidationError as error:
            problem = Problem(code="unknown-field", message=str(error), where=name[:80])
            raise InvalidInput("There is no such field.", problems=[problem]) from error


def _owner(text: str, viewer: Viewer) -> UUID | None:
    if text == ME:
        return viewer.account
    if text in ("", NOBODY):
        return None
    try:
        return UUID(text)
    except ValueError as error:
        problem = Problem(code="no-such-account", message="this is no id", where="/owner")
        raise InvalidInput("The owner cannot be read.", problems=[problem]) from error


def _range(
    first: dt.date | None, last: dt.date | None, time_zone: str
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """From the beginning of the first day until the end of the last."""
    return (
        day_bounds(first, time_zone)[0] if first else None,
        day_bounds(last, time_zone)[1] if last else None,
    )


def plain(query: CustomerQuery) -> dict[str, Any]:
    """A query as the filters of an export."""
    blank = CustomerQuery()
    return {
        name: msgspec.to_builtins(getattr(query, name))
        for name in query.__struct_fields__
        if getattr(query, name) != getattr(blank, name) and name not in ("sort", "limit", "cursor")
    }
