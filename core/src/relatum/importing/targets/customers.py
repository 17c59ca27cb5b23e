"""The import target ``core.customers``: created or updated by their external id."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.customers.changes import draft_of
from relatum.customers.types import (
    ContactKind,
    ContactPointDraft,
    Customer,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    LinkDraft,
    LinkKind,
)
from relatum.hooks.declarations import Finding, ImportScope, Numbered, Prepared, Written
from relatum.importing.finishing import Finished
from relatum.importing.targets import doubles
from relatum.importing.targets.doubles import Double
from relatum.importing.targets.keys import EXPORT_SOURCE, customers_named, export_keys
from relatum.importing.targets.pages import pages_of
from relatum.importing.targets.records import CustomerRecord
from relatum.importing.targets.since import changed_since
from relatum.values.problems import InvalidInput, Problem
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin

TABLE = "core_customer"
LINKS = "core_customer_link"
_CONTACTS: tuple[ContactKind, ...] = ("phone", "email", "address", "website", "zalo", "facebook")
_LINKED_AT_ONCE = 5_000
#: External ids of one file that are watched for being given twice.
_MOST_WATCHED = 500_000

#: an external id, the kind of link, the other external id, and the line and field that say so
Pending = tuple[str, LinkKind, str, int, str]
#: where each contact point of a draft comes from: field and place in it
Origins = list[tuple[str, int] | None]


class CustomersTarget:
    """Customers by ``(source, external_id)``; source is the name of the plan.

    An import adds: contact points, tags, roles and external ids that are not there yet. The name
    and custom fields are replaced by what the file says; an empty cell changes nothing.
    """

    id = "core.customers"
    title = Text(en="Customers", vi="Khách hàng")
    record: type[msgspec.Struct] = CustomerRecord
    key: tuple[str, ...] = ("external_id",)
    filters = CustomerQuery
    permission = "core.customers.read"
    write_permission = "core.customers.write"
    aliases: Mapping[str, tuple[str, ...]] = {
        "external_id": ("id", "record id", "customer id", "mã khách hàng", "mã kh", "mã"),
        "display_name": (
            "name",
            "full name",
            "display name",
            "customer name",
            "contact name",
            "họ tên",
            "họ và tên",
            "tên khách hàng",
            "tên",
            "company name",
            "account name",
            "tên công ty",
            "tên doanh nghiệp",
        ),
        "kind": ("customer type", "loại khách hàng"),
        "phone": (
            "phone number",
            "telephone",
            "mobile",
            "mobile phone",
            "business phone",
            "home phone",
            "primary phone",
            "company main phone",
            "other phone",
            "số điện thoại",
            "điện thoại",
            "sđt",
            "đt",
            "di động",
        ),
        "email": (
            "e-mail",
            "email address",
            "e-mail address",
            "mail",
            "thư điện tử",
            "địa chỉ email",
        ),
        "address": ("street address", "mailing address", "địa chỉ", "địa chỉ liên hệ"),
        "website": ("web page", "website url", "url", "trang web"),
        "zalo": ("zalo id", "số zalo"),
        "facebook": ("facebook id", "facebook url"),
        "tags": ("labels", "categories", "group membership", "nhãn", "nhóm"),
        "roles": ("role", "vai trò"),
    }

    async def prepare(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Prepared:
        seen: dict[str, tuple[int, int]] = scope.memory.setdefault("seen", {})
        links: list[Pending] = scope.memory.setdefault("links", [])
        prepared = Prepared()
        for numbered in records:
            record: CustomerRecord = numbered.record
            links += _links(record, numbered.line)
            if record.external_id is not None and len(seen) < _MOST_WATCHED:
                here = (numbered.line, hash(msgspec.json.encode(record)))
                first = seen.setdefault(record.external_id, here)
                if first[1] != here[1]:
                    note = _given_twice(record.external_id, first[0])
                    prepared.findings.append(
                        Finding(line=numbered.line, problem=note, weight="note")
                    )
        prepared.findings += await doubles.look(
            plugin.house, await self._new(plugin, records, scope), scope
        )
        return prepared

    async def _new(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> list[tuple[int, CustomerDraft]]:
        """Those that no customer is known for, each with its line."""
        if doubles.action_of(scope) is None and not scope.dry:
            return []
        wanted = [r.record.external_id for r in records if r.record.external_id is not None]
        known = await customers_named(plugin.house, scope.source, wanted)
        new = [r for r in records if (r.record.external_id or "") not in known]
        # Rows that name one customer twice are one; the first speaks for them.
        first = {each.record.external_id or each.line: each for each in reversed(new)}
        return [
            (each.line, _draft(each.record, scope.source)[0])
            for each in sorted(first.values(), key=lambda each: each.line)
        ]

    async def write(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Written:
        written = Written()
        found: dict[int, Double] = scope.memory.get(doubles.FOUND, {})
        same = {place: found[r.line] for place, r in enumerate(records) if r.line in found}
        places = {r.line: place for place, r in enumerate(records)}
        made: dict[int, UUID] = {}
        for turn in _turns(records, {p: places.get(d.line or 0, -1) for p, d in same.items()}):
            # A row that was kept out meanwhile is nobody: what looked like it is new.
            who = {
                place: id
                for place, _ in turn
                if place in same
                and (id := same[place].customer or made.get(places.get(same[place].line or 0, -1)))
            }
            await self._join(
                plugin, [(p, r, who[p], same[p]) for p, r in turn if p in who], scope, written
            )
            rest = [(place, record) for place, record in turn if place not in who]
            made |= who | await self._write_turn(plugin, rest, scope, written)
        return written

    async def _join(
        self,
        plugin: Plugin,
        rows: Sequence[tuple[int, CustomerRecord, UUID, Double]],
        scope: ImportScope,
        written: Written,
    ) -> None:
        """Rows of customers who are there: one after the other, as two may be one customer."""
        customers = plugin.house.customers
        for place, record, id, double in rows:
            [before] = await customers.get_stored([id])
            draft, origins = _draft(record, scope.source)
            change = doubles.joined(
                before, draft, source=scope.source, whole=double.action == "merge"
            )
            if change is None:
                written.unchanged_count += 1
                continue
            kept = len(before.contact_points)
            places: Origins = [None] * kept
            with _Places([place], [places + origins]):
                await customers.change_many([(id, change)], by=_by(scope))
            images: list[dict[str, Any]] = msgspec.to_builtins([before])
            written.before.setdefault(TABLE, []).extend(images)
            written.updated_count += 1

    async def _write_turn(
        self,
        plugin: Plugin,
        turn: Sequence[tuple[int, CustomerRecord]],
        scope: ImportScope,
        written: Written,
    ) -> dict[int, UUID]:
        """Records that all name different customers, with their places in the batch.

        Returns:
            The new customers by place.
        """
        made: dict[int, UUID] = {}
        customers = plugin.house.customers
        wanted = [record.external_id for _, record in turn if record.external_id is not None]
        known = await customers_named(plugin.house, scope.source, wanted)
        new = [(place, r) for place, r in turn if (r.external_id or "") not in known]
        if new:
            drafts = [_draft(record, scope.source) for _, record in new]
            with _Places([place for place, _ in new], [origins for _, origins in drafts]):
                ids = await customers.create([draft for draft, _ in drafts], by=_by(scope))
            made = dict(zip([place for place, _ in new], ids, strict=True))
            written.created.setdefault(TABLE, []).extend(ids)
            written.created_count += len(ids)
        old = [(place, r) for place, r in turn if (r.external_id or "") in known]
        if old:
            pairs = [(place, known[record.external_id or ""], record) for place, record in old]
            await self._update(plugin, pairs, scope, written)
        return made

    async def _update(
        self,
        plugin: Plugin,
        pairs: Sequence[tuple[int, UUID, CustomerRecord]],
        scope: ImportScope,
        written: Written,
    ) -> None:
        customers = plugin.house.customers
        # as stored: the journal must hold no secret in plain, and no mask
        before = {one.id: one for one in await customers.get_stored([id for _, id, _ in pairs])}
        changes, places, origins = [], [], []
        for place, id, record in pairs:
            change, origin = _change(before[id], record)
            if change is not None:
                changes.append((id, change))
                places.append(place)
                origins.append(origin)
        with _Places(places, origins):
            await customers.change_many(changes, by=_by(scope))
        stored = await customers.get_stored([id for id, _ in changes])
        after = {one.id: one.version for one in stored}
        changed = [before[id] for id, _ in changes if after[id] != before[id].version]
        images: list[dict[str, Any]] = msgspec.to_builtins(changed)
        written.before.setdefault(TABLE, []).extend(images)
        written.updated_count += len(changed)
        written.unchanged_count += len(pairs) - len(changed)

    async def finish(self, plugin: Plugin, scope: ImportScope) -> Finished:
        """Make the links of the file, now that everybody in it is there."""
        links: list[Pending] = scope.memory.get("links", [])
        finished = Finished(written=Written())
        for start in range(0, len(links), _LINKED_AT_ONCE):
            await self._link(plugin, links[start : start + _LINKED_AT_ONCE], scope, finished)
        return finished

    async def _link(
        self, plugin: Plugin, links: Sequence[Pending], scope: ImportScope, finished: Finished
    ) -> None:
        customers = plugin.house.customers
        named = [name for source, _, target, _, _ in links for name in (source, target)]
        ids = await customers_named(plugin.house, scope.source, named)
        drafts = []
        for source, kind, target, line, field in links:
            problem = _unlinkable(source, target, field, ids)
            if problem is not None:
                finished.append(Finding(line=line, problem=problem, weight="note"))
            else:
                drafts.append(LinkDraft(source=ids[source], target=ids[target], kind=kind))
        made = await customers.links.create(drafts, by=_by(scope))
        finished.written.created.setdefault(LINKS, []).extend(made)

    async def undo(self, plugin: Plugin, written: Written, scope: ImportScope) -> list[Problem]:
        customers = plugin.house.customers
        links = written.created.get(LINKS, [])
        if links:
            await customers.links.remove(links, by=_by(scope))
        since = await changed_since(plugin.house.db, scope)
        kept: list[Problem] = []
        images = msgspec.convert(written.before.get(TABLE, []), list[Customer], strict=False)
        # A batch may have changed a customer twice: what it was before is the first image.
        former = list({one.id: one for one in reversed(images)}.values())
        there = {one.id for one in await customers.get_many([one.id for one in former])}
        restored = [one for one in former if one.id in there and one.id not in since]
        await customers.restore(restored, by=_by(scope))
        kept += [_kept(one.id, "changed") for one in former if one.id in since]
        await self._remove(plugin, written.created.get(TABLE, []), since, scope, kept)
        return kept

    async def _remove(
        self,
        plugin: Plugin,
        created: Sequence[UUID],
        since: set[UUID],
        scope: ImportScope,
        kept: list[Problem],
    ) -> None:
        customers = plugin.house.customers
        there = [one.id for one in await customers.get_many(created)]
        used = await customers.in_use(there)
        await customers.remove(
            [id for id in there if id not in since and id not in used], by=_by(scope)
        )
        kept += [_kept(id, "changed") for id in there if id in since]
        kept += [_kept(id, "used") for id in there if id in used and id not in since]

    async def export(
        self, plugin: Plugin, query: CustomerQuery | None = None
    ) -> AsyncIterator[list[CustomerRecord]]:
        house = plugin.house
        customers = house.customers
        found = customers.all_batches() if query is None else pages_of(customers.find, query)
        async for batch in found:
            keys = await export_keys(house.db, [customer.id for customer in batch])
            yield [_exported(customer, keys[customer.id]) for customer in batch]


def _by(scope: ImportScope) -> str:
    return f"import:{scope.id}"


def _turns(
    records: Sequence[Numbered], after: Mapping[int, int]
) -> list[list[tuple[int, CustomerRecord]]]:
    """The batch in turns, so that one that names a customer twice does one after the other.

    Args:
        after: places of rows that are the same as an earlier one, and its place.
    """
    turn_of: dict[int, int] = {}
    turns: list[list[tuple[int, CustomerRecord]]] = []
    times: dict[str, int] = {}
    for place, numbered in enumerate(records):
        record: CustomerRecord = numbered.record
        turn = 0
        if record.external_id is not None:
            turn = times.get(record.external_id, 0)
            times[record.external_id] = turn + 1
        turn = max(turn, turn_of.get(after.get(place, -1), -1) + 1)
        turn_of[place] = turn
        while turn >= len(turns):
            turns.append([])
        turns[turn].append((place, record))
    return turns


def _points(record: CustomerRecord) -> tuple[list[ContactPointDraft], Origins]:
    points = list(record.contact_points)
    origins: Origins = [("contact_points", place) for place in range(len(points))]
    for kind in _CONTACTS:
        for place, raw in enumerate(getattr(record, kind)):
            points.append(ContactPointDraft(kind=kind, raw=raw))
            origins.append((kind, place))
    return points, origins


def _fields(record: CustomerRecord) -> dict[str, Any]:
    """Custom fields as the service takes them: days as text."""
    return {
        key: value.isoformat() if isinstance(value, dt.date) else value
        for key, value in record.fields.items()
    }


def _draft(record: CustomerRecord, source: str) -> tuple[CustomerDraft, Origins]:
    points, origins = _points(record)
    external = dict(record.external_ids)
    if record.external_id is not None:
        external[source] = record.external_id
    draft = CustomerDraft(
        display_name=record.display_name,
        kind=record.kind or "person",
        contact_points=points,
        tags=record.tags,
        fields=_fields(record),
        external_ids=external,
    )
    if record.roles is not None:
        draft = msgspec.structs.replace(draft, roles=record.roles)
    return draft, origins


def _change(current: Customer, record: CustomerRecord) -> tuple[CustomerChange | None, Origins]:
    """What the record changes; ``None`` when plainly nothing."""
    before = draft_of(current)
    points, origins = _points(record)
    known = {(point.kind, point.raw) for point in before.contact_points}
    fresh = [n for n, point in enumerate(points) if (point.kind, point.raw) not in known]
    after = msgspec.structs.replace(
        before,
        display_name=record.display_name,
        kind=record.kind or before.kind,
        contact_points=[*before.contact_points, *(points[n] for n in fresh)],
        roles=list(dict.fromkeys([*before.roles, *(record.roles or [])])),
        tags=list(dict.fromkeys([*before.tags, *record.tags])),
        fields={**before.fields, **_fields(record)},
        external_ids={**before.external_ids, **record.external_ids},
    )
    if after == before:
        return None, []
    change = CustomerChange(
        **{
            name: getattr(after, name)
            for name in CustomerChange.__struct_fields__
            if getattr(after, name) != getattr(before, name)
        }
    )
    kept: Origins = [None] * len(before.contact_points)
    return change, kept + [origins[n] for n in fresh]


class _Places:
    """Turns the places of a refusal into those of the records of the batch."""

    def __init__(self, places: Sequence[int], origins: Sequence[Origins]) -> None:
        self._places = places
        self._origins = origins

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, InvalidInput) and error.problems:
            problems = [self._moved(problem) for problem in error.problems]
            raise InvalidInput(error.detail, problems=problems) from None

    def _moved(self, problem: Problem) -> Problem:
        index, _, rest = problem.where.lstrip("/").partition("/")
        if not index.isdecimal() or int(index) >= len(self._places):
            return problem
        parts = rest.split("/")
        if parts[0] == "contact_points" and len(parts) > 1 and parts[1].isdecimal():
            origins = self._origins[int(index)]
            place = int(parts[1])
            origin = origins[place] if place < len(origins) else None
            if origin is not None:
                rest = f"{origin[0]}/{origin[1]}"
        elif parts[0] == "external_ids":
            rest = "external_id"
        return msgspec.structs.replace(problem, where=f"/{self._places[int(index)]}/{rest}")


def _links(record: CustomerRecord, line: int) -> list[Pending]:
    if not record.link and not record.linked_by:
        return []
    me = record.external_id or ""
    pending: list[Pending] = [
        (me, kind, other, line, f"/link/{kind}")
        for kind, named in record.link.items()
        for other in named
    ]
    pending += [
        (other, kind, me, line, f"/linked_by/{kind}")
        for kind, named in record.linked_by.items()
        for other in named
    ]
    return pending


def _unlinkable(source: str, target: str, field: str, ids: dict[str, UUID]) -> Problem | None:
    if not source or not target:
        return Problem(
            code="link-without-id",
            message="A link needs an external id at both ends",
            where=field,
            expected="external_id in this row",
            mend="Map external_id to a column.",
        )
    missing = [name for name in (source, target) if name not in ids]
    if missing:
        return Problem(
            code="no-such-customer",
            message="The customer is in, but not its link: there is nobody with this external id",
            where=field,
            expected="an external id of this file or of an earlier import of this source",
            got=missing[0],
            mend="Correct it and import the file again.",
        )
    if source == target:
        return Problem(
            code="link-to-itself",
            message="The customer is in, but not its link: it points at itself",
            where=field,
            expected="two different customers",
            got=source,
            mend="Correct it and import the file again.",
        )
    return None


def _given_twice(external_id: str, line: int) -> Problem:
    return Problem(
        code="given-twice",
        message=f"This external id came in line {line} with other values",
        where="/external_id",
        expected="each external id once, or the same values again",
        got=external_id,
        mend="What this line says was added to the first; correct the file if that is wrong.",
    )


def _kept(id: UUID, why: str) -> Problem:
    if why == "used":
        return Problem(
            code="in-use",
            message="The customer stays: something that came later points at it",
            where=f"customer {id}",
            mend="Remove what points at it first, then the customer.",
        )
    return Problem(
        code="changed-since",
        message="The customer stays as it is: somebody changed it after the import",
        where=f"customer {id}",
        mend="Look at it, and take back by hand what is not wanted.",
    )


def _exported(customer: Customer, key: str) -> CustomerRecord:
    draft = draft_of(customer)
    return CustomerRecord(
        external_id=key,
        display_name=draft.display_name,
        kind=draft.kind,
        contact_points=draft.contact_points,
        roles=draft.roles,
        tags=draft.tags,
        fields=draft.fields,
        external_ids={
            source: value for source, value in draft.external_ids.items() if source != EXPORT_SOURCE
        },
    )
