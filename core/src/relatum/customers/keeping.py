"""What happens to customers on their way into the tables, and on their way out to somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from relatum.customers.rows import Ready
from relatum.customers.types import Customer


class Keeping(Protocol):
    """Keeps what is secret, and knows who looked at it."""

    async def seal(self, customers: Sequence[tuple[UUID, Ready, Mapping[str, Any]]]) -> None:
        """Customers about to be stored, and before they are compared with what they were.

        Args:
            customers: id, what is to be stored (``fields`` may be replaced), and the fields as
                they are stored now; a value that is equal there has been sealed before.
        """
        ...

    async def show(self, customers: list[Customer]) -> list[Customer]:
        """Customers as they are stored (or masked), about to be returned to the one who asks."""
        ...

    async def open(self, customers: Sequence[Customer]) -> list[Customer]:
        """Customers as a journal kept them, with their secrets in plain, to be stored again."""
        ...


class KeepingNothing:
    """Leaves everything as it is."""

    async def seal(self, customers: Sequence[tuple[UUID, Ready, Mapping[str, Any]]]) -> None:
        return None

    async def show(self, customers: list[Customer]) -> list[Customer]:
        return customers

    async def open(self, customers: Sequence[Customer]) -> list[Customer]:
        return list(customers)
