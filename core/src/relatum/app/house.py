"""The house: settings, database, plugins and services, built in the order of the floors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Self

from relatum.access.accounts.building import Doors
from relatum.access.audit.fields import SensitiveFields
from relatum.access.audit.rotation import Rotation
from relatum.access.audit.trail import Audit
from relatum.access.purposes.service import Declared, Purposes
from relatum.access.roles.service import Roles
from relatum.access.secrets import Secrets
from relatum.access.sight.rules import Rules
from relatum.access.sight.service import Sights
from relatum.access.telling import tell_others
from relatum.addresses.service import Addresses
from relatum.app import core_plugin
from relatum.app.apps import core_apps
from relatum.app.erasing import erasing_of
from relatum.app.steering import Steering
from relatum.archive.service import Archive
from relatum.config.keyring import Keyring
from relatum.contact.service import Contact
from relatum.customers.merging.following import CurrentIds
from relatum.customers.merging.service import Merging
from relatum.customers.service import Customers
from relatum.customers.subject.service import Subjects
from relatum.db import migrate
from relatum.db.database import Database
from relatum.db.signals import Signals
from relatum.events.log import EventLog
from relatum.events.runner import HandlerRunner
from relatum.events.seals import Seals
from relatum.hooks.context import Plugin
from relatum.hooks.dispatcher import Dispatcher
from relatum.hooks.gate import CORE, Gate
from relatum.hooks.registry import Registry
from relatum.importing.exports.service import Exports
from relatum.importing.requests.service import ImportRequests
from relatum.importing.service import Imports
from relatum.importing.uploads.service import Uploads
from relatum.interactions.service import Interactions
from relatum.jobs.service import Jobs
from relatum.jobs.worker import Worker
from relatum.plugins.discovery import Found, discover
from relatum.plugins.register import Register
from relatum.plugins.table import PluginTable
from relatum.reports.charts import Charts
from relatum.reports.dashboards import Dashboards
from relatum.reports.figures import Figures
from relatum.reports.schedules import Schedules
from relatum.telemetry.metrics import Metrics
from relatum.telemetry.process import Process
from relatum.values.problems import PluginError, RelatumError
from relatum.web.rendering import Renderer

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.config.settings import Settings
    from relatum.web.visit import Visit


class House:
    """Everything one running Relatum has. Made by :meth:`open`; use it as a context manager."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        *,
        discover: Callable[[], Sequence[Found]] = discover,
        process: Process | None = None,
    ) -> None:
        self.settings = settings
        self.process = process or Process()
        self.metrics = Metrics()
        self.db = db
        db.engine.statements.tell(self.metrics)
        self.keys = Keyring(settings.keys_path)
        self.secrets = Secrets(self.keys)
        self.gate = Gate()
        self.registry = Registry(self.gate)
        self.dispatcher = Dispatcher(self.registry)
        self.signals = Signals(db)
        self.events = EventLog(db, self.registry, self.signals)
        self.seals = Seals(db, self.events, self.keys)
        self.audit = Audit(db, self.registry, self.keys)
        self.rotation = Rotation(db, self.events, self.keys, self.secrets)
        self.roles = Roles(db, self.events, self.registry)
        self._open_doors()
        self.sights = Sights(db, self.registry)
        self.rules = Rules(db, self.events)
        tell_others(
            self.signals, roles=self.roles, accounts=self.account_changes, sights=self.sights
        )
        self.purposes = Purposes(db, self.events, self.sights, self._declared_by)
        self._open_customers()
        self._open_work()
        self.archive = Archive(db, self.events, self.registry, settings)
        self.events.archived = self.archive.reading
        self.audit.checker.archived = self.archive.reading
        self.interactions.archived = self.archive.reading
        self.subjects = Subjects(self)
        self._open_files()
        self.erasing = erasing_of(self)
        self._open_reports()
        self.renderer = Renderer(self.registry, settings.templates_path)
        self._declare_core()
        self.plugins = PluginTable(settings, self.dispatcher, discover=discover)
        self.processing = Register(self.plugins, self.contact, version("relatum"))
        self.plugins.listen(lambda plugin: plugin.move_in(self))
        self.steering = Steering(self)

    def _declared_by(self, plugin_id: str) -> Declared:
        return self.processing.declared_by(plugin_id)

    def _open_customers(self) -> None:
        """Customers, what happens between them and the business, and whether they are contacted."""
        db, settings = self.db, self.settings
        self.customers = Customers(
            db,
            self.events,
            country=settings.company.country,
            sights=self.sights,
            belonging=self.roles.teams,
            keeping=SensitiveFields(db, self.events, self.secrets, self.sights),
            dispatcher=self.dispatcher,
        )
        self.addresses = Addresses(db)
        self.merging = Merging(db, self.events, self.customers)
        self.interactions = Interactions(db, self.events, self.registry, self.dispatcher)
        self.contact = Contact(
            *(db, self.events, self.keys),
            settings=settings.contact,
            country=settings.company.country,
            public_url=settings.server.public_url,
        )

    def _open_work(self) -> None:
        """What goes on in the background."""
        db, settings = self.db, self.settings
        self.handlers = HandlerRunner(db, self.events, self.registry, metrics=self.metrics)
        self.handlers.identify_with(CurrentIds(db))
        self.jobs = Jobs(
            *(db, self.registry, self.signals),
            time_zone=settings.company.time_zone,
            metrics=self.metrics,
        )
        self.contact.outbox.open(self.jobs, self.registry, self.dispatcher, self.interactions)
        self.worker = Worker(db, self.registry, self.signals, self.jobs, settings.jobs)

    def _open_files(self) -> None:
        """Data that comes in and goes out."""
        self.imports = Imports(self)
        self.uploads = Uploads(self)
        self.exports = Exports(self)
        self.import_requests = ImportRequests(self, self.imports, self.uploads)

    def _open_reports(self) -> None:
        """Figures, and what people make of them."""
        self.figures = Figures(self.registry)
        self.charts = Charts(self)
        self.dashboards = Dashboards(self)
        self.report_schedules = Schedules(self, self._look)

    @contextlib.asynccontextmanager
    async def _look(self, viewer: Viewer, language: str) -> AsyncIterator[Visit]:
        """A visit without a request: what a job writes for somebody, as they read."""
        from relatum.access.accounts.preferences import Preferences
        from relatum.web.reading import reading_as
        from relatum.web.visit import Visit

        account = viewer.account
        chosen = Preferences() if account is None else await self.preferences.of(account)
        with reading_as(chosen.reading):
            plugin = self.registry.plugins[CORE]
            yield Visit(plugin, self, viewer, "vi" if language == "vi" else "en")

    def _open_doors(self) -> None:
        """Who may come in, and how."""
        doors = Doors(
            *(self.db, self.events, self.registry),
            roles=self.roles,
            encryption=self.secrets,
            settings=self.settings,
        )
        self.account_changes = doors.changes
        self.accounts = doors.accounts
        self.preferences = doors.preferences
        self.sessions = doors.sessions
        self.tokens = doors.tokens
        self.second_factor = doors.second_factor
        self.sign_in = doors.sign_in
        self.openid = doors.openid

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        discover: Callable[[], Sequence[Found]] = discover,
        process: Process | None = None,
    ) -> House:
        """Open the database and load the plugins; runs no DDL.

        Plugins whose tables are not there yet are loaded and stay out until they are migrated.

        Raises:
            ConfigurationError: with ``strict_plugins``, when a plugin cannot be loaded.
            Unavailable: the database does not answer.
        """
        path = settings.sqlite_path
        url = f"sqlite:///{path}" if path is not None else settings.database
        db = await Database.open(
            url, durability=settings.durability, postgresql=settings.postgresql
        )
        try:
            await migrate.refuse_half_moved(db)
            house = cls(settings, db, discover=discover, process=process)
            house.plugins.note_pending(await house.migrate_plan())
            house.plugins.load()
        except BaseException:
            await db.close()
            raise
        return house

    def _declare_core(self) -> None:
        plugin = Plugin(CORE, version=version("relatum"), settings=self.settings)
        problems = self.dispatcher.add(plugin, core_plugin) or self.dispatcher.declare(plugin)
        if problems:
            raise PluginError("Core declares something wrong.", problems=problems)
        plugin.move_in(self)

    async def migrate_plan(self) -> list[migrate.Step]:
        """The migrations that have not run, of core and of every installed plugin."""
        # A plugin whose tables cannot be read shows up among the plugins' problems.
        of_plugins = await asyncio.to_thread(self.plugins.apps)
        return await migrate.plan(self.db, [*core_apps(), *of_plugins])

    async def core_pending(self) -> list[migrate.Step]:
        """The migrations of core that have not run; while there are some, nothing works.

        A plugin whose own migrations have not run stays out by itself.
        """
        return await migrate.plan(self.db, core_apps())

    async def migrate_apply(self) -> list[migrate.Step]:
        """Run them, then let in the plugins that waited for them; returns what ran."""
        steps = await self.migrate_plan()
        await migrate.apply(self.db, steps)
        self.plugins.note_pending(await self.migrate_plan())
        if steps and not await self.core_pending():
            # whom a restored backup has brought back
            await self.erasing.again()
        return steps

    async def apply_settings(self, settings: Settings) -> None:
        """Follow a changed configuration: plugins go off at once, and come on when loaded.

        The company's clock and country count from here on; what needs a restart (where the server
        listens, the database, keys) is left as it is.
        """
        await self.plugins.follow(settings)
        self.plugins.note_pending(await self.migrate_plan())
        self.customers.read_as_of(settings.company.country)
        self.contact.go_by(settings.contact, country=settings.company.country)
        self.jobs.schedules_of.go_by(settings.company.time_zone)
        self.settings = settings

    async def close(self) -> None:
        """Finish what runs and let go of the database."""
        self.worker.close()
        with contextlib.suppress(RelatumError):  # of a database that is gone already
            await self.purposes.tell()
        await self.signals.close()
        self.archive.reading.close()
        await self.db.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
