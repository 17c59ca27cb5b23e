"""Everything that core and plugins declared, by id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from relatum.hooks.gate import owner
from relatum.values.problems import NotFound, Problem

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.hooks.declarations import (
        Channel,
        EventType,
        Handler,
        ImportTarget,
        InteractionKind,
        Job,
        Permission,
        QualityRule,
        Report,
    )
    from relatum.hooks.gate import Gate
    from relatum.hooks.screens import (
        BulkAction,
        Column,
        Command,
        Metric,
        Panel,
        WebPage,
        Widget,
    )

T = TypeVar("T")


class Shelf(Generic[T]):
    """Declarations of one sort. Looking up and listing see only plugins that are on."""

    def __init__(self, noun: str, gate: Gate) -> None:
        self.noun = noun
        self._gate = gate
        self._items: dict[str, T] = {}

    def check(self, plugin_id: str, item: Any) -> Problem | None:
        """Why this item may not be put here, or ``None``."""
        item_id = str(getattr(item, "id", ""))
        if owner(item_id) != plugin_id or "." not in item_id:
            return Problem(
                code="foreign-id",
                message=f"{self.noun} {item_id!r} of plugin {plugin_id!r} has a foreign id",
                expected=f"an id that begins with {plugin_id}.",
                got=repr(item_id),
                mend=f"rename it to {plugin_id}.{item_id.rpartition('.')[2]}",
            )
        if item_id in self._items:
            return Problem(
                code="duplicate-id",
                message=f"{self.noun} {item_id!r} is declared twice by {owner(item_id)!r}",
                expected="each id once",
                got=repr(item_id),
                mend="rename one of them",
            )
        return None

    def put(self, item: Any) -> None:
        self._items[item.id] = item

    def remove_all_of(self, plugin_id: str) -> None:
        self._items = {key: item for key, item in self._items.items() if owner(key) != plugin_id}

    def find(self, item_id: str) -> T | None:
        """The item, when it is declared and its plugin is on."""
        item = self._items.get(item_id)
        return item if item is not None and self._gate.is_on(owner(item_id)) else None

    def get(self, item_id: str) -> T:
        """As :meth:`find`.

        Raises:
            NotFound: it is not declared, or its plugin is off.
        """
        item = self.find(item_id)
        if item is None:
            known = ", ".join(sorted(self.ids())) or "none"
            raise NotFound(
                f"expected a {self.noun} that is declared and switched on, got {item_id!r}; "
                f"there are: {known}"
            )
        return item

    def ids(self) -> list[str]:
        return [key for key in self._items if self._gate.is_on(owner(key))]

    def declared(self) -> list[T]:
        """Everything, also of plugins that are off."""
        return list(self._items.values())

    def ids_of(self, *plugins: str) -> frozenset[str]:
        """What these plugins declared, whether they are on or not."""
        return frozenset(key for key in self._items if owner(key) in plugins)

    def __iter__(self) -> Iterator[T]:
        return iter([item for key, item in self._items.items() if self._gate.is_on(owner(key))])

    def __len__(self) -> int:
        return len(self.ids())


class Registry:
    """One shelf for each sort of declaration, the loaded plugins, and the gate before them."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.plugins: dict[str, Plugin] = {}
        self.permissions: Shelf[Permission] = Shelf("permission", gate)
        self.interaction_kinds: Shelf[InteractionKind] = Shelf("interaction kind", gate)
        self.event_types: Shelf[EventType] = Shelf("event type", gate)
        self.handlers: Shelf[Handler] = Shelf("handler", gate)
        self.jobs: Shelf[Job] = Shelf("job", gate)
        self.reports: Shelf[Report] = Shelf("report", gate)
        self.import_targets: Shelf[ImportTarget] = Shelf("import target", gate)
        self.pages: Shelf[WebPage] = Shelf("page", gate)
        self.panels: Shelf[Panel] = Shelf("panel", gate)
        self.widgets: Shelf[Widget] = Shelf("widget", gate)
        self.commands: Shelf[Command] = Shelf("command", gate)
        self.columns: Shelf[Column] = Shelf("column", gate)
        self.bulk_actions: Shelf[BulkAction] = Shelf("bulk action", gate)
        self.metrics: Shelf[Metric] = Shelf("metric", gate)
        self.channels: Shelf[Channel] = Shelf("channel", gate)
        self.quality_rules: Shelf[QualityRule] = Shelf("quality rule", gate)
        #: route handlers by plugin id; they carry no id of their own
        self.routes: dict[str, list[Any]] = {}

    def shelf_of(self, hook: str) -> Shelf[Any] | None:
        """The shelf that a declaring hook fills; ``None`` for routes."""
        shelves: dict[str, Shelf[Any]] = {
            "relatum_register_permissions": self.permissions,
            "relatum_register_interaction_kinds": self.interaction_kinds,
            "relatum_register_event_types": self.event_types,
            "relatum_register_handlers": self.handlers,
            "relatum_register_jobs": self.jobs,
            "relatum_register_reports": self.reports,
            "relatum_register_import_targets": self.import_targets,
            "relatum_register_pages": self.pages,
            "relatum_register_panels": self.panels,
            "relatum_register_widgets": self.widgets,
            "relatum_register_commands": self.commands,
            "relatum_register_columns": self.columns,
            "relatum_register_bulk_actions": self.bulk_actions,
            "relatum_register_metrics": self.metrics,
            "relatum_register_quality_rules": self.quality_rules,
            "relatum_register_channels": self.channels,
        }
        return shelves.get(hook)

    def plugin_of(self, declared_id: str) -> Plugin:
        """The loaded plugin that owns a declared id."""
        return self.plugins[owner(declared_id)]
