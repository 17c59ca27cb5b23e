"""The state of every plugin, and switching them on and off while the house is open."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from relatum.hooks.declaring import Declared
from relatum.hooks.isolation import describe
from relatum.plugins import graph
from relatum.plugins.configured import configuration_problems
from relatum.plugins.discovery import Found, discover
from relatum.plugins.loading import Loader
from relatum.plugins.states import PluginProblem, PluginState, plugin_problem
from relatum.plugins.tables import HANGS, apps_of, points_at_customers
from relatum.plugins.verdicts import Verdict, verdicts
from relatum.values.problems import ConfigurationError, NotFound, Problem
from relatum.values.text import nearest

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

    from relatum.config.settings import Settings
    from relatum.db.migrate import Step
    from relatum.hooks.context import Plugin
    from relatum.hooks.dispatcher import Dispatcher

Discover = Callable[[], Sequence[Found]]


class PluginTable:
    """What is installed, what of it runs, and why the rest does not.

    Without a dispatcher the table only surveys: it imports no plugin code, and ``enabled`` means
    switched on and without a conflict between manifests. With one, :meth:`load` brings plugins in.

    Attributes:
        found: the installed plugins, dependencies first, then by id.
    """

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher | None = None,
        *,
        discover: Discover = discover,
        loader: Loader | None = None,
    ) -> None:
        self._settings = settings
        self._discover = discover
        self._dispatcher = dispatcher
        self._loader = loader or (Loader(dispatcher) if dispatcher is not None else None)
        self._loaded: dict[str, Plugin] = {}
        self._load_errors: dict[str, list[Problem]] = {}
        self._notes: dict[str, list[Problem]] = {}
        self._apps: dict[str, AppConfig] = {}
        self._table_errors: dict[str, list[Problem]] = {}
        self._pending: Counter[str] | None = None
        self._looked_at: frozenset[str] = frozenset()
        self._tables_read: dict[str, dict[str, object]] = {}
        self._listeners: list[Callable[[Plugin], None]] = []
        self._following = asyncio.Lock()
        self._survey(discover())

    @property
    def found(self) -> list[Found]:
        return [self._installed[plugin_id] for plugin_id in self._plan.order]

    def states(self) -> list[PluginState]:
        """Every installed plugin, by id."""
        given = self._verdicts()
        return [self._state(self._installed[each], given[each]) for each in sorted(given)]

    def state(self, plugin_id: str) -> PluginState:
        """One installed plugin.

        Raises:
            NotFound: no distribution brings a plugin of this id; the nearest one is proposed.
        """
        if plugin_id not in self._installed:
            near = nearest(plugin_id, self._installed)
            mend = f"Did you mean {near}?" if near else "Install it with pip first."
            raise NotFound(f"Expected the id of an installed plugin, got {plugin_id!r}. {mend}")
        return self._state(self._installed[plugin_id], self._verdicts()[plugin_id])

    def problems(self) -> list[PluginProblem]:
        """Everything that is wrong: with the configuration, then plugin by plugin."""
        return [
            *self.installation_problems(),
            *(problem for state in self.states() for problem in state.problems),
        ]

    def installation_problems(self) -> list[PluginProblem]:
        """What the configuration says about plugins that are not there."""
        return configuration_problems(self._settings, self._installed)

    def dependents(self, plugin_id: str) -> list[str]:
        """Ids of the plugins that cannot run without this one."""
        manifests = {each.id: each.manifest for each in self.found if each.manifest is not None}
        return graph.dependents(manifests, plugin_id)

    def imagined(self, settings: Settings) -> PluginTable:
        """What a survey with other settings would say of the plugins that are installed now."""
        found = list(self._installed.values())
        return PluginTable(settings, discover=lambda: found)

    def apps(self) -> list[AppConfig]:
        """The Piccolo apps of all installed plugins, switched on or off, dependencies first.

        Runs their ``piccolo_app`` and migrations the first time; slow, and safe in another thread.
        A plugin whose tables or migrations cannot be read is quarantined.
        """
        unread = [
            each for each in self.found if each.id not in self._apps and not self._is_stuck(each.id)
        ]
        apps, errors = apps_of(unread, installed=self._installed)
        self._apps |= {app.app_name: app for app in apps}
        stuck = {key: some for key, some in self._table_errors.items() if self._is_stuck(key)}
        self._table_errors = stuck | errors
        return [self._apps[each.id] for each in self.found if each.id in self._apps]

    def holding_customers(self) -> frozenset[str]:
        """Ids of plugins with a table that points at customers, of those whose tables were read."""
        return frozenset(key for key, app in self._apps.items() if points_at_customers(app))

    def listen(self, listener: Callable[[Plugin], None]) -> None:
        """Call ``listener`` with every plugin that is loaded from now on, before it is in force."""
        self._listeners.append(listener)

    def load(self) -> None:
        """Bring in every plugin that is switched on, and open the gate for those that are sound.

        Raises:
            ConfigurationError: with ``strict_plugins``, everything that keeps a plugin out.
        """
        self._take_in(self._prepare_missing())
        if not self._settings.strict_plugins or self._settings.safe_mode:
            return
        errors = [
            problem
            for problem in self.problems()
            if problem.weight == "error" and self._settings.plugins.allows(problem.plugin)
        ]
        if errors:
            raise ConfigurationError(
                f"{len(errors)} problem(s) keep plugins out, and strict_plugins is on. Mend them, "
                "switch the plugins off, or set strict_plugins = false.",
                problems=[problem.as_problem() for problem in errors],
            )

    async def follow(self, settings: Settings) -> None:
        """Switch plugins as a changed configuration says.

        What goes off is off at once. What comes on and was never loaded is loaded in a thread, is
        announced to the listeners, and is in force when this returns. A plugin that failed before
        is tried again when it was off in between or its settings changed.
        """
        async with self._following:
            self._settings = settings
            self._forgive()
            self._set_gate()
            self._survey(await asyncio.to_thread(self._discover))
            self._renew_settings()
            self._take_in(await asyncio.to_thread(self._prepare_missing))

    def note_pending(self, steps: Iterable[Step]) -> None:
        """Keep plugins out whose tables are not there yet; let in those that were migrated since.

        Args:
            steps: the migrations that have not run, of core and plugins.
        """
        self._pending = Counter(step.app for step in steps)
        self._looked_at = frozenset(self._installed)
        self._set_gate()

    @property
    def pending(self) -> Mapping[str, int]:
        """How many migrations of each app had not run when somebody looked last."""
        return {} if self._pending is None else +self._pending

    def quarantine(self, plugin_id: str, problem: Problem) -> None:
        """Keep a loaded plugin out from now on, and those that require it."""
        self._load_errors.setdefault(plugin_id, []).append(problem)
        self._loaded.pop(plugin_id, None)
        self._set_gate()
        if self._dispatcher is not None:
            self._dispatcher.remove(plugin_id)

    def _survey(self, found: Sequence[Found]) -> None:
        # The code of a loaded plugin stays what it was, whatever is on disk by now.
        running = {each.id: each for each in self.found} if self._loaded else {}
        self._installed: dict[str, Found] = {}
        for each in found:
            old = running.get(each.id) if each.id in self._loaded else None
            self._installed[each.id] = old or each
            if old is not None and old.version != each.version:
                self._notes[each.id] = [_restart_needed(old, each)]
        self._plan = graph.plan(list(self._installed.values()))
        if self._dispatcher is not None:
            self._dispatcher.arrange(self._plan.order)

    def _verdicts(self) -> dict[str, Verdict]:
        return verdicts(
            self._plan,
            self._installed,
            wanted=self._wanted,
            load_errors={
                key: [*self._table_errors.get(key, ()), *self._load_errors.get(key, ())]
                for key in (*self._table_errors, *self._load_errors)
            },
            pending={key: self._pending_of(key) or 0 for key in self._installed},
        )

    def _pending_of(self, plugin_id: str) -> int | None:
        """How many migrations wait; all of a plugin that came after somebody looked."""
        if self._pending is None:
            return None
        manifest = self._installed[plugin_id].manifest
        if plugin_id not in self._looked_at and manifest is not None and manifest.piccolo_app:
            return 1
        return self._pending[plugin_id]

    def _wanted(self, plugin_id: str) -> bool:
        return not self._settings.safe_mode and self._settings.plugins.allows(plugin_id)

    def _prepare_missing(self) -> list[Declared]:
        """Import what is switched on and not loaded yet; touches nothing that others see."""
        if self._loader is None:
            raise RuntimeError("expected a table with a dispatcher to load plugins, got none")
        ready = []
        for plugin_id in self._plan.order:
            status = self._verdicts()[plugin_id].status
            if status not in ("enabled", "installed") or plugin_id in self._loaded:
                continue
            table = self._table(plugin_id)
            self._tables_read[plugin_id] = table
            declared, problems = self._loader.prepare(
                self._installed[plugin_id], table, self._installed
            )
            if declared is None:
                self._load_errors[plugin_id] = problems
            else:
                ready.append(declared)
        return ready

    def _take_in(self, ready: Sequence[Declared]) -> None:
        for declared in ready:
            plugin = declared.plugin
            if self._dispatcher is not None:
                self._dispatcher.fill(declared)
            self._loaded[plugin.id] = plugin
            self._announce(plugin)
        self._set_gate()

    def _announce(self, plugin: Plugin) -> None:
        for listener in self._listeners:
            try:
                listener(plugin)
            except Exception as error:  # noqa: BLE001 - one plugin must not keep the others out
                self.quarantine(plugin.id, _not_taken_in(error))
                return

    def _set_gate(self) -> None:
        if self._dispatcher is None:
            return
        on = [key for key, each in self._verdicts().items() if each.status == "enabled"]
        self._dispatcher.registry.gate.set([each for each in on if each in self._loaded])

    def _forgive(self) -> None:
        """Forget why plugins failed that may be tried again; one that hangs holds a thread."""
        for plugin_id in list(self._load_errors):
            changed = self._tables_read.get(plugin_id) != self._table(plugin_id)
            if not self._is_stuck(plugin_id) and (changed or not self._wanted(plugin_id)):
                del self._load_errors[plugin_id]

    def _is_stuck(self, plugin_id: str) -> bool:
        errors = [*self._table_errors.get(plugin_id, ()), *self._load_errors.get(plugin_id, ())]
        return any(error.code == HANGS for error in errors)

    def _renew_settings(self) -> None:
        for plugin_id, plugin in self._loaded.items():
            table = self._table(plugin_id)
            if self._loader is None or table == self._tables_read.get(plugin_id):
                continue
            settings, problems = self._loader.settings(plugin_id, table)
            self._notes[plugin_id] = [_not_renewed(problem) for problem in problems]
            if not problems:
                plugin.settings = settings
                self._tables_read[plugin_id] = table

    def _table(self, plugin_id: str) -> dict[str, object]:
        return self._settings.plugin_settings.get(plugin_id, {})

    def _state(self, found: Found, verdict: Verdict) -> PluginState:
        manifest = found.manifest
        return PluginState(
            id=found.id,
            version=found.version,
            title=found.title,
            licence=found.licence,
            distribution=found.distribution,
            kind=manifest.kind if manifest else "",
            core_api=manifest.core_api if manifest else "",
            requires=[str(each) for each in manifest.requires] if manifest else [],
            after=list(manifest.after) if manifest else [],
            state=verdict.status,
            pending_migrations=self._pending_of(found.id),
            problems=[
                *(plugin_problem(found.id, found.version, each) for each in verdict.errors),
                *(
                    plugin_problem(found.id, found.version, n, "note")
                    for n in self._all_notes(found)
                ),
            ],
            overruns=self._dispatcher.overruns(found.id) if self._dispatcher else [],
        )

    def _all_notes(self, found: Found) -> Iterator[Problem]:
        yield from self._plan.notes.get(found.id, ())
        yield from self._notes.get(found.id, ())
        if self._dispatcher is not None:
            for overrun in self._dispatcher.overruns(found.id):
                yield Problem(
                    code="over-budget",
                    message=f"{overrun.count} call(s) took longer than planned",
                    where=overrun.hook,
                    expected=f"an answer within {overrun.budget:g} s",
                    got=f"up to {overrun.worst:.3f} s",
                    mend="ask for all rows of a batch at once; move slow work into a job",
                )


def _not_taken_in(error: Exception) -> Problem:
    return Problem(
        code="not-mounted",
        message="the application cannot take it in",
        expected="declarations that fit the application",
        got=describe(error),
        mend="mend the plugin, or switch it off",
    )


def _not_renewed(problem: Problem) -> Problem:
    return Problem(
        code="settings-not-applied",
        message=f"it runs on with its former settings: {problem}",
        mend=problem.mend,
    )


def _restart_needed(running: Found, installed: Found) -> Problem:
    return Problem(
        code="restart-needed",
        message="another version was installed meanwhile",
        expected=running.version,
        got=installed.version,
        mend="restart the server to run it",
    )
