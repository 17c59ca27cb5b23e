"""The survivor itself: what it takes over from the absorbed one, and gives back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relatum.access.policies import MASK
from relatum.customers.merging.choosing import FIELD, PLAIN, PRIMARY
from relatum.customers.merging.journal import Entry, Journal, value_from, value_text
from relatum.customers.merging.types import Side
from relatum.customers.rows import ContactRow, Ready
from relatum.db.columns import CUSTOMER_TABLE
from relatum.values.problems import Conflict
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.customers.keeping import Keeping
    from relatum.customers.types import Customer
    from relatum.customers.writing import CustomerRows


def ready_of(customer: Customer) -> Ready:
    """A stored customer as it is written."""
    return Ready(
        kind=customer.kind,  # type: ignore[arg-type]
        display_name=customer.display_name,
        contact_points=[
            ContactRow(p.kind, p.raw, p.normalised, p.label, p.primary)
            for p in customer.contact_points
        ],
        roles=list(customer.roles),
        tags=list(customer.tags),
        fields=dict(customer.fields),
        external_ids=dict(customer.external_ids),
        owner=customer.owner,
        team=customer.team,
    )


class Profile:
    """Writes the fields of a survivor, and what depends on them, as the house."""

    def __init__(self, rows: CustomerRows, keeping: Keeping) -> None:
        self._rows = rows
        self._keeping = keeping

    async def take_over(
        self,
        survivor: Customer,
        absorbed: Customer,
        sides: Mapping[str, Side],
        journal: Journal,
    ) -> None:
        """Write the survivor with the values that were chosen, from the lists it has by now.

        Args:
            survivor: as it is stored, with the absorbed one's lists.
        """
        ready = ready_of(survivor)
        [opened] = await self._keeping.open([absorbed])
        names = [
            name
            for name, side in sides.items()
            if side == "absorbed" and not name.startswith(PRIMARY)
        ]
        for name in names:
            _put(ready, name, _readable(name, _value(opened, name)))
        await self._keeping.seal([(survivor.id, ready, survivor.fields)])
        taken = [
            Entry(
                act="field",
                table=CUSTOMER_TABLE,
                key=str(survivor.id),
                column=name,
                before=value_text(_value(survivor, name)),
                after=value_text(_value(ready, name)),
            )
            for name in names
        ]
        if names:
            order = value_text(list(survivor.fields))
            taken.append(
                Entry(act="order", table=CUSTOMER_TABLE, key=str(survivor.id), before=order)
            )
        await journal.note(taken)
        await self.write(survivor, ready)

    async def give_back(self, survivor: Customer, entries: list[Entry]) -> set[str]:
        """Write the survivor as it would be without the merge.

        Returns:
            the fields that were changed since, and stay as they are.
        """
        ready = ready_of(survivor)
        fields = [entry for entry in entries if entry.act == "field"]
        kept = {entry.column for entry in fields if changed_since(survivor, entry)}
        for entry in fields:
            if entry.column not in kept:
                _put(ready, entry.column, value_from(entry.before))
        for entry in entries:
            if entry.act == "order":
                ready.fields = _ordered(ready.fields, value_from(entry.before))
        await self.write(survivor, ready)
        return kept

    async def write(self, current: Customer, ready: Ready) -> None:
        """One customer whose lists are written already."""
        await self._rows.rewrite([(current, ready, {})], now())


def changed_since(survivor: Customer, entry: Entry) -> bool:
    """Whether a field has another value than the merge gave it."""
    return bool(_value(survivor, entry.column) != value_from(entry.after))


def _ordered(fields: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    """Custom fields in the order in which they were stored; new ones after them."""
    return {key: fields[key] for key in (*keys, *fields) if key in fields}


def _readable(name: str, value: Any) -> Any:
    if isinstance(value, str) and MASK in value:
        raise Conflict(
            f"expected a value of {name} that can be read, got one whose key is missing; choose "
            "the survivor's value, or bring the key back"
        )
    return value


def _value(of: Customer | Ready, name: str) -> Any:
    if name.startswith(FIELD):
        return of.fields.get(name.removeprefix(FIELD))
    return getattr(of, name)


def _put(ready: Ready, name: str, value: Any) -> None:
    if name in PLAIN:
        setattr(ready, name, value)
        return
    key = name.removeprefix(FIELD)
    ready.fields = {k: v for k, v in ready.fields.items() if k != key}
    if value is not None:
        ready.fields[key] = value
