"""What core itself lets an import write to: customers, their links, and interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget


def core_targets() -> list[ImportTarget]:
    """One of each, for core to declare like a plugin does."""
    from relatum.importing.targets.customers import CustomersTarget
    from relatum.importing.targets.interactions import InteractionsTarget
    from relatum.importing.targets.links import LinksTarget

    return [CustomersTarget(), LinksTarget(), InteractionsTarget()]
