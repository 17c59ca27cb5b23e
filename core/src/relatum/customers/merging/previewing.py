"""What a merge would do, and what undoing one would, as far as the viewer may see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relatum.access.policies import MASK
from relatum.access.viewer import current_viewer
from relatum.customers.merging.catalogue import Catalogue
from relatum.customers.merging.choosing import FIELD, Known
from relatum.customers.merging.journal import Journal, value_from
from relatum.customers.merging.profile import changed_since
from relatum.customers.merging.records import Records
from relatum.customers.merging.references import DERIVED
from relatum.customers.merging.types import (
    FieldChoice,
    Merge,
    MergePreview,
    MovedRows,
    Rule,
    Side,
    UndoneField,
    UndoPreview,
)
from relatum.customers.types import Customer
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.guarding import as_the_house

if TYPE_CHECKING:
    from relatum.customers.service import Customers
    from relatum.db.database import Database

#: Journals of merges move along, which is nothing to tell.
UNTOLD = DERIVED | {"core_merge", CUSTOMER_TABLE}


class Previewing:
    """Reads only."""

    def __init__(self, db: Database, customers: Customers, records: Records) -> None:
        self._db = db
        self._customers = customers
        self._records = records

    async def merge(
        self,
        seen: tuple[Customer, Customer],
        decided: Mapping[str, tuple[Side, Rule]],
        catalogue: Catalogue,
    ) -> MergePreview:
        """What a merge would do.

        Args:
            seen: both as the viewer sees them.
            decided: from what is stored of them.
        """
        ours, theirs = Known(seen[0], {}), Known(seen[1], {})
        with as_the_house():
            rows = await self._rows_of(seen[1], catalogue)
        return MergePreview(
            survivor=seen[0].id,
            absorbed=seen[1].id,
            fields=[
                FieldChoice(
                    name=name,
                    survivor=ours.value(name),
                    absorbed=theirs.value(name),
                    side=side,
                    rule=rule,
                )
                for name, (side, rule) in decided.items()
            ],
            rows=rows,
        )

    async def _rows_of(self, absorbed: Customer, catalogue: Catalogue) -> list[MovedRows]:
        found: defaultdict[str, int] = defaultdict(int)
        told = [each for each in catalogue.to(CUSTOMER_TABLE) if each.table not in UNTOLD]
        counts = await self._db.fetch_together(
            *(
                (
                    f'SELECT count(*) FROM "{each.table}" WHERE "{each.column}" = ?',  # noqa: S608 - names of the catalogue
                    (absorbed.id,),
                )
                for each in told
            )
        )
        for each, [(number,)] in zip(told, counts, strict=True):
            found[each.table] += number
        return [MovedRows(table=table, moved=number) for table, number in found.items() if number]

    async def undo(self, merge: Merge, later: Sequence[Merge]) -> UndoPreview:
        """What undoing a merge would do."""
        with as_the_house():
            [stored] = await self._customers.get_stored([merge.customer])
            journal = Journal(self._db, merge.id)
            entries = await journal.entries(None, "field")
            steps = await journal.steps()
        hidden = await self._hidden()
        rows: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for step in steps:
            if step.table not in UNTOLD and step.act in ("move", "aside"):
                rows[step.table][step.act == "aside"] += step.rows
        return UndoPreview(
            merge=merge,
            fields=[
                UndoneField(
                    name=entry.column,
                    now=_shown(entry.column, Known(stored, {}).value(entry.column), hidden),
                    back=_shown(entry.column, value_from(entry.before), hidden),
                    kept=changed_since(stored, entry),
                )
                for entry in entries
            ],
            rows=[
                MovedRows(table=table, moved=moved, set_aside=aside)
                for table, (moved, aside) in sorted(rows.items())
            ],
            again=[other.id for other in later],
        )

    async def _hidden(self) -> set[str]:
        """Custom fields that the viewer does not see, and those that are encrypted."""
        masked = current_viewer().sight.masked
        return {
            f"{FIELD}{field.key}"
            for field in await self._customers.fields()
            if field.sensitivity == "secret" or field.sensitivity in masked
        }


def _shown(name: str, value: Any, hidden: set[str]) -> Any:
    return MASK if name in hidden and value is not None else value
