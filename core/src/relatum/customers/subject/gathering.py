"""Gathering everything that the house holds about one person: database, archive, by table.

It reads as the house: the law gives the person what is held, whatever the one who asks sees of it.
Whether they may ask is decided before.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from relatum.access.audit.fields import place_of_field
from relatum.access.secrets import place_of
from relatum.customers.fields import declared_fields
from relatum.customers.holdings import Found, Pointing, find_rows, ids_of, pointing_of
from relatum.customers.subject.labels import Naming
from relatum.customers.subject.reducing import Decrypt, Others, Reducer, RowShape, ids_in
from relatum.customers.subject.types import ColumnHeld, LeftOut, Subject, TableHeld
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.guarded import guarded_tables
from relatum.hooks.gate import CORE
from relatum.values.problems import NotFound, RelatumError
from relatum.values.text import Text
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.secrets import Secrets
    from relatum.db.database import Database
    from relatum.hooks.registry import Registry

Row = Mapping[str, Any]
_COPIES = Text(
    en="copies and totals over many customers, kept for a short time to repeat or undo work; they "
    "hold nothing that the other tables do not",
    vi="bản sao và số liệu gộp của nhiều khách hàng, chỉ giữ tạm để làm lại hoặc hoàn tác; không "
    "có gì ngoài những bảng còn lại",
)


class ArchivedRows(Protocol):
    """Rows that have left the database; room ``archive`` has them."""

    async def of_customers(self, ids: Sequence[UUID]) -> dict[str, list[dict[str, str | None]]]: ...


class Gathering:
    """Reads everything about one person. Call it as the house."""

    def __init__(
        self, db: Database, registry: Registry, secrets: Secrets, archived: ArchivedRows
    ) -> None:
        self._db = db
        self._registry = registry
        self._secrets = secrets
        self._archived = archived

    async def gather(self, customer: UUID, plugins: Collection[str]) -> Subject:
        """Everything there is at this moment, table by table; nothing is written.

        Args:
            plugins: ids of the installed ones, by which their tables are known.

        Raises:
            NotFound: there is no such customer.
            ArchivedAway: a file of the archive cannot be read: nothing is left out silently.
        """
        began = now()
        ids = await ids_of(self._db, customer)
        pointing = await pointing_of(self._db)
        found = await find_rows(self._db, ids, pointing)
        if not found or found[0].table != CUSTOMER_TABLE:
            raise NotFound(f"expected the id of a customer, got {customer}; there is none")
        [own] = found[0].rows.values()
        archived = await self._archived.of_customers(ids)
        rows = _together(found, archived, pointing)
        naming = await self.naming()
        others = await self._others(rows, ids, str(own["display_name"]))
        reducer = Reducer(ids, others, self._decrypts(ids, await self._secret_keys()))
        work = _Work(pointing, rows, archived, reducer, (CORE, *plugins))
        tables = await asyncio.to_thread(work.tables, naming)
        return Subject(
            customer=customer,
            name=str(own["display_name"]),
            ids=ids,
            began_at=began,
            ended_at=now(),
            tables=tables,
            reduced=reducer.reduced(),
            left_out=_left_out(pointing, {table.name for table in tables}),
            files=reducer.files,
        )

    async def naming(self) -> Naming:
        """What fields, kinds and types are called, for those who show them."""
        return Naming(self._registry, await declared_fields(self._db))

    async def _others(
        self, rows: Mapping[str, Sequence[Row]], ids: Sequence[UUID], name: str
    ) -> Others:
        """Who of those that the rows name is somebody else."""
        named = set[str]().union(*(ids_in(some) for some in rows.values()))
        named -= {str(id) for id in ids}
        asked = [UUID(each) for each in sorted(named)]
        customers = await self._db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", asked)
        customers += await self._db.fetch_in(
            "SELECT absorbed_id FROM core_merge WHERE absorbed_id IN ({}) AND undone_at IS NULL",
            asked,
        )
        accounts = await self._db.fetch("SELECT id, name, email FROM core_account")
        theirs = {str(row.get("raw")) for row in rows.get("core_contact_point", ())}
        theirs |= {str(row.get("normalised")) for row in rows.get("core_contact_point", ())}
        staff = {text for _, *texts in accounts for text in texts if text}
        return Others(
            customers=frozenset(str(id) for (id,) in customers),
            accounts=frozenset(str(row[0]) for row in accounts),
            staff=frozenset(staff - theirs - {name}),
        )

    async def _secret_keys(self) -> list[str]:
        found = await self._db.fetch(
            "SELECT key FROM core_customer_field WHERE sensitivity = 'secret' ORDER BY key"
        )
        return [key for (key,) in found]

    def _decrypts(self, ids: Sequence[UUID], keys: Sequence[str]) -> Any:
        """A reader of secrets for one place; a custom field is bound to a customer and its key,
        wherever the text was copied to (the log and journals have it before and after)."""

        def reader(table: str, column: str, key: str) -> Decrypt:
            def read(name: str, text: str) -> Any:
                places = [place_of_field(id, each) for id in ids for each in {name, *keys}]
                for place in (*places, place_of(table, column, key)):
                    try:
                        opened = self._secrets.decrypt(text, place)
                    except RelatumError:
                        continue
                    return msgspec.json.decode(opened) if place in places else opened
                return None

            return read

        return reader


class _Work:
    """From rows of the database to what is handed over. Reads nothing: it runs in a thread."""

    def __init__(
        self,
        pointing: Pointing,
        rows: Mapping[str, Sequence[Row]],
        archived: Mapping[str, Sequence[Row]],
        reducer: Reducer,
        plugins: Collection[str],
    ) -> None:
        self._pointing = pointing
        self._rows = rows
        self._archived = {name: len(some) for name, some in archived.items()}
        self._reducer = reducer
        self._plugins = plugins
        self._points: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for parent, holdings in pointing.by_parent.items():
            for each in holdings:
                if each.how != "value":
                    self._points[each.table][each.column] = parent

    def tables(self, naming: Naming) -> list[TableHeld]:
        return [self._table(name, naming) for name in self._rows]

    def _table(self, name: str, naming: Naming) -> TableHeld:
        shape = self._pointing.catalogue.tables[name]
        points = self._points[name]
        taken = RowShape(
            table=name,
            types=shape.columns,
            customers=frozenset(c for c, parent in points.items() if parent == CUSTOMER_TABLE),
            key=shape.key,
        )
        return TableHeld(
            name=name,
            plugin=self._plugin_of(name),
            title=naming.table(name),
            columns=[
                ColumnHeld(
                    name=column,
                    type=type_.lower(),
                    title=naming.column(name, column),
                    points_at=points.get(column, ""),
                )
                for column, type_ in shape.columns.items()
            ],
            rows=[self._reducer.row(taken, row) for row in self._rows[name]],
            archived=self._archived.get(name, 0),
        )

    def _plugin_of(self, table: str) -> str:
        """Tables of a plugin carry its id; the longest id that some table shares counts."""
        known = [each for each in self._plugins if table.startswith(f"{each}_")]
        return max(known, key=len) if known else table.partition("_")[0]


def _together(
    found: Sequence[Found], archived: Mapping[str, Sequence[Row]], pointing: Pointing
) -> dict[str, Sequence[Row]]:
    """Rows of the database and of the archive, by table. What is in the archive has left the
    database."""
    rows: dict[str, Sequence[Row]] = {each.table: list(each.rows.values()) for each in found}
    for table, some in archived.items():
        types = pointing.catalogue.tables[table].columns
        numbers = {name for name, type_ in types.items() if "INT" in type_.upper()}
        typed = [
            {n: int(v) if n in numbers and v is not None else v for n, v in row.items()}
            for row in some
        ]
        rows[table] = [*typed, *rows.get(table, ())]
    return {table: some for table, some in rows.items() if some}


def _left_out(pointing: Pointing, handed: set[str]) -> list[LeftOut]:
    return [
        LeftOut(table=table.name, why=_COPIES)
        for table in guarded_tables()
        if table.across_customers
        and table.name in pointing.catalogue.tables
        and table.name not in handed
    ]
