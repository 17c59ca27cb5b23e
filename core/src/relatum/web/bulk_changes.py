"""Doing something with many customers: up to a thousand at a time, each chunk whole or not at all.

What core changes is kept as it was, so that it can be taken back: a customer that somebody has
changed since stays as it is then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from relatum.access.viewer import current_viewer
from relatum.customers.types import Customer, CustomerChange, CustomerQuery
from relatum.db.database import to_json
from relatum.db.guarding import as_the_house
from relatum.hooks.declarations import Job, Retry
from relatum.hooks.screens import BulkAction, Done
from relatum.importing.acting import demand, viewer_of
from relatum.values.ids import new_id
from relatum.values.problems import NotFound
from relatum.values.text import Text
from relatum.values.time import now
from relatum.web.languages import Language
from relatum.web.visit import Visit

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.house import House
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run

WRITE = "core.customers.write"
JOB = "core.change_many_customers"
UNDO_JOB = "core.undo_many_customers"
CHUNK = 1_000
#: More are not changed at once.
MOST = 1_000_000
#: For so long a change can be taken back.
KEPT = dt.timedelta(days=7)
Verb = Literal["owner", "team", "add_tag", "remove_tag", "role"]
#: Which field of a customer each changes.
FIELDS: dict[str, str] = {
    "owner": "owner",
    "team": "team",
    "add_tag": "tags",
    "remove_tag": "tags",
    "role": "roles",
}


class BulkWork(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with everybody who fits.

    Attributes:
        action: a verb of core or the id of a plugin's action.
        value: what a verb of core sets; ``values`` what a plugin asked for.
    """

    bulk: UUID
    account: UUID
    actor: str
    action: str
    value: str = ""
    values: dict[str, Any] = {}
    query: dict[str, Any] = {}
    language: Language = "vi"


class UndoWork(msgspec.Struct, frozen=True, kw_only=True):
    """Which change is taken back."""

    bulk: UUID
    account: UUID
    actor: str


class BulkResult(msgspec.Struct, frozen=True, kw_only=True):
    """How many were changed, and where that can be taken back."""

    count: int
    undo: str = ""


class BulkChanges:
    """Changes of many customers in the name of whoever looks."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def change(self, ids: Sequence[UUID], verb: str, value: str, *, bulk: UUID) -> int:
        """One chunk of a change of core; returns how many it changed.

        Raises:
            InvalidInput: a value is not acceptable.
            Refused: the viewer may not give customers to others.
        """
        field, viewer = FIELDS[verb], current_viewer()
        change_of = changer(verb, value)
        async with self._house.db.transaction():
            former = await self._house.customers.change_each(ids, change_of, by=viewer.actor)
            if former and viewer.account is not None:
                kept = [(one.id, one.version + 1, getattr(one, field)) for one in former]
                await self._keep(bulk, viewer.account, field, kept)
        return len(former)

    async def act(
        self, action: BulkAction, ids: Sequence[UUID], given: Any, language: Language
    ) -> Done:
        """One chunk of an action of a plugin, in a transaction; those who are out of sight are
        left out.
        """
        plugin = self._house.registry.plugin_of(action.id)
        visit = Visit(plugin, self._house, current_viewer(), language)
        seen = await self._house.customers.ids(CustomerQuery(ids=list(ids)), most=CHUNK)
        async with self._house.db.transaction(), plugin.at_work():
            return await action.run(plugin, visit, seen, given)

    async def undo(self, bulk: UUID, viewer: Viewer) -> int:
        """Take a change back where nobody has changed the customer since.

        Raises:
            NotFound: there is none, or it is somebody else's, or it was taken back already.
        """
        count = 0
        for id, field, before in await self.kept(bulk, viewer):
            former = {UUID(each[0]): (each[1], each[2]) for each in before}
            async with self._house.db.transaction():
                changed = await self._house.customers.change_each(
                    list(former), _restorer(former, field), by=viewer.actor
                )
                with as_the_house():
                    await self._house.db.execute("DELETE FROM core_bulk_change WHERE id = ?", id)
            count += len(changed)
        return count

    async def kept(self, bulk: UUID, viewer: Viewer) -> list[tuple[UUID, str, list[Any]]]:
        """The chunks of a change of this viewer; raises as :meth:`undo`."""
        with as_the_house():
            rows = await self._house.db.fetch(
                "SELECT id, field, before FROM core_bulk_change "
                "WHERE bulk = ? AND account_id = ? ORDER BY created_at, id",
                *(bulk, viewer.account),
            )
        if not rows:
            raise NotFound(f"expected a change that can be taken back, got {bulk}; there is none")
        return [(id, field, msgspec.json.decode(before)) for id, field, before in rows]

    async def _keep(
        self, bulk: UUID, account: UUID, field: str, before: Sequence[tuple[UUID, int, Any]]
    ) -> None:
        with as_the_house():
            await self._house.db.execute(
                "DELETE FROM core_bulk_change WHERE created_at < ?", now() - KEPT
            )
            await self._house.db.insert(
                "core_bulk_change",
                ("id", "bulk", "account_id", "field", "before", "created_at"),
                [(new_id(), bulk, account, field, to_json(before), now())],
            )

    async def start(self, work: BulkWork) -> UUID:
        """Let a change of more than one chunk be done in the background; the id of its run."""
        return await self._house.jobs.enqueue(JOB, work, key=str(work.account))

    async def work(self, work: BulkWork, report: Any) -> BulkResult:
        """Do it: the viewer is who asked, as they are by now.

        Raises:
            Refused: they may not (any more).
        """
        house: Any = self._house
        viewer = await viewer_of(house, work.account, work.actor)
        demand(viewer, WRITE)
        query = msgspec.convert(work.query, CustomerQuery, strict=False)
        async with self._house.sights.looking_as(viewer):
            ids = await self._house.customers.ids(query, most=MOST)
            count = 0
            for start in range(0, len(ids), CHUNK):
                count += await self._chunk(work, ids[start : start + CHUNK], viewer)
                await report(min(start + CHUNK, len(ids)), len(ids))
        undo = undo_path(work.bulk) if work.action in FIELDS and count else ""
        return BulkResult(count=count, undo=undo)

    async def _chunk(self, work: BulkWork, ids: Sequence[UUID], viewer: Viewer) -> int:
        if work.action in FIELDS:
            return await self.change(ids, work.action, work.value, bulk=work.bulk)
        action = self._house.registry.bulk_actions.get(work.action)
        demand(viewer, action.permission)
        given = msgspec.convert(work.values, action.fields) if action.fields else None
        return (await self.act(action, ids, given, work.language)).count


def changer(verb: str, value: str) -> Callable[[Customer], CustomerChange | None]:
    """What a verb makes of one customer; nothing when that is how it is."""

    def change_of(one: Customer) -> CustomerChange | None:
        if verb in ("owner", "team"):
            wanted = UUID(value) if value else None
            same = getattr(one, verb) == wanted
            return None if same else CustomerChange(**{verb: wanted})  # type: ignore[arg-type]
        if verb == "role":
            return None if one.roles == [value] else CustomerChange(roles=[value])  # type: ignore[list-item]
        has = value in one.tags
        if has == (verb == "add_tag"):
            return None
        tags = [tag for tag in one.tags if tag != value] if has else [*one.tags, value]
        return CustomerChange(tags=tags)

    return change_of


def _restorer(
    former: Mapping[UUID, tuple[int, Any]], field: str
) -> Callable[[Customer], CustomerChange | None]:
    def change_of(one: Customer) -> CustomerChange | None:
        version, value = former[one.id]
        if one.version != version:
            return None
        return msgspec.convert({field: value}, CustomerChange)

    return change_of


def undo_path(bulk: UUID) -> str:
    """Where a change is taken back by POST."""
    return f"/customers/bulk/{bulk}/undo"


async def _work(plugin: Plugin, run: Run[BulkWork]) -> BulkResult:
    house: Any = plugin.house  # the whole one: these are core's own jobs
    return await BulkChanges(house).work(run.args, run.report)


async def _undo(plugin: Plugin, run: Run[UndoWork]) -> BulkResult:
    house: Any = plugin.house
    viewer = await viewer_of(house, run.args.account, run.args.actor)
    async with house.sights.looking_as(viewer):
        try:
            count = await BulkChanges(house).undo(run.args.bulk, viewer)
        except NotFound:  # a try before this one was cut off after its last chunk
            count = 0
    return BulkResult(count=count)


_HOUR = dt.timedelta(hours=1)
JOBS = [
    Job(
        id=JOB,
        title=Text(en="Change many customers", vi="Sửa nhiều khách hàng"),
        run=_work,
        args=BulkWork,
        timeout=_HOUR,
        retry=Retry(attempts=2),
        at_once=1,
    ),
    Job(
        id=UNDO_JOB,
        title=Text(en="Take a change of many customers back", vi="Hoàn tác sửa nhiều khách hàng"),
        run=_undo,
        args=UndoWork,
        timeout=_HOUR,
        retry=Retry(attempts=2),
        at_once=1,
    ),
]
