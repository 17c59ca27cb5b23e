"""Column types of the house."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from piccolo.columns import UUID
from piccolo.table import TABLE_REGISTRY, Table

if TYPE_CHECKING:
    from piccolo.columns.reference import LazyTableReference

CUSTOMER_TABLE = "core_customer"


class OnErase(enum.StrEnum):
    """What becomes of a row when the customer it points at is erased."""

    delete = "delete"
    anonymise = "anonymise"


class CustomerRef(UUID):
    """Points at a customer.

    The database holds the reference (a customer that is pointed at cannot be deleted by accident);
    core finds every column of this type and derives from it what merging, erasing, exporting and
    showing a customer means for the row.

    Args:
        on_erase: ``delete`` the row with the customer, or ``anonymise`` it (the reference becomes
            empty; the column must allow ``null``).
        derived: the row says nothing of its own; it is worked out from customers, keeps none of
            them from being removed, and goes with them.
    """

    def __init__(
        self, *, on_erase: OnErase = OnErase.delete, derived: bool = False, **kwargs: Any
    ) -> None:
        if on_erase is OnErase.anonymise and not kwargs.get("null"):
            raise ValueError(
                "expected null=True for a CustomerRef with on_erase=anonymise, got a column that "
                "must not be empty; allow null or choose on_erase=delete"
            )
        self.on_erase = on_erase
        # not a parameter of migrations: nothing in the database depends on it
        self.derived = derived
        kwargs.setdefault("default", None)
        kwargs.setdefault("index", True)
        super().__init__(**kwargs)
        self._meta.params["on_erase"] = on_erase

    @property
    def column_type(self) -> str:
        return "UUID"

    @property
    def ddl(self) -> str:
        return f'{super().ddl} REFERENCES "{CUSTOMER_TABLE}" ("id") ON DELETE RESTRICT'


class _MarkedUUID(UUID):
    """A UUID in the database and in migrations; what it means is for the house alone."""

    @property  # type: ignore[misc]
    def __class__(self) -> type[UUID]:  # type: ignore[override]
        # Piccolo compares classes to find what a migration must change: nothing, for a marker.
        return UUID


class CustomerTrace(_MarkedUUID):
    """Names a customer without a reference in the database, and may outlive it (an event log).

    A row whose trace is not empty is seen by those who see the customer, so that the rows of a
    customer who is gone are left to those who see every customer. Merging and erasing leave it
    alone.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("default", None)
        kwargs.setdefault("null", True)
        super().__init__(**kwargs)


class RowRef(_MarkedUUID):
    """Names a row of another table by its key, without a foreign key (a projection, a journal).

    The row is seen by those who see the row it names.

    Args:
        to: the table, or a ``LazyTableReference`` to it.
    """

    def __init__(self, *, to: type[Table] | LazyTableReference, **kwargs: Any) -> None:
        kwargs.setdefault("default", None)
        super().__init__(**kwargs)
        self.to = to


def customer_references() -> Iterator[tuple[type[Table], CustomerRef]]:
    """Every column that points at a customer, of every table that is imported."""
    for table in TABLE_REGISTRY:
        for column in table._meta.columns:
            if isinstance(column, CustomerRef):
                yield table, column


def derived_references() -> set[tuple[str, str]]:
    """Tables and their columns whose rows are worked out from the customers they point at.

    By name, because migrations leave classes of the same tables behind that know nothing of it.
    """
    return {
        (table._meta.tablename, column._meta.db_column_name)
        for table, column in customer_references()
        if column.derived
    }
