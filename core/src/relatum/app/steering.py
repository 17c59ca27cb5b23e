"""Changing the settings of a house while it is open: which plugins run, whose company it is.

The settings file is the truth: it is written first, and every process that reads it follows. What
was changed, and by whom, is a fact of the log.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from relatum.app.demo import is_empty, seed_demo
from relatum.config.file import SettingsFile
from relatum.config.load import FILE_NAME
from relatum.config.settings import Company
from relatum.events.types import NewEvent
from relatum.hooks.declarations import EventType
from relatum.plugins.effects import Switching, brought_by, differing, switched
from relatum.values.problems import Conflict
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.app.house import House

#: Rows of one table are counted up to here.
MOST_ROWS = 100_000


class PluginSwitched(msgspec.Struct, frozen=True):
    """A plugin was switched on or off in the settings file."""

    plugin: str
    on: bool


class CompanyChanged(msgspec.Struct, frozen=True):
    """``changes`` maps what changed to its value before and after."""

    changes: dict[str, tuple[str, str]]


PLUGIN_SWITCHED = "core.settings.plugin_switched"
COMPANY_CHANGED = "core.settings.company_changed"
EVENT_TYPES = [
    EventType(
        id=PLUGIN_SWITCHED,
        title=Text(en="Plugin switched on or off", vi="Đã bật hoặc tắt tiện ích"),
        payload=PluginSwitched,
    ),
    EventType(
        id=COMPANY_CHANGED,
        title=Text(en="Company changed", vi="Đã sửa thông tin doanh nghiệp"),
        payload=CompanyChanged,
    ),
]


class Counted(msgspec.Struct, frozen=True):
    """A table and its rows.

    Attributes:
        rows: at most ``MOST_ROWS``; ``None`` when the table is not there yet.
    """

    table: str
    rows: int | None


class Steering:
    """The wheel of a house.

    Attributes:
        file: where the settings are written; that of the process where one was started with it.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self.file = SettingsFile(house.settings.home / FILE_NAME, {})

    def look(self, plugin_id: str, *, on: bool) -> Switching:
        """What would become of switching a plugin; imports no code.

        Raises:
            NotFound: it is not installed.
        """
        plugins = self._house.plugins
        state = plugins.state(plugin_id)
        now, then = (
            plugins.imagined(switched(self._house.settings, plugin_id, on=each))
            for each in (not on, on)
        )
        problems = then.state(plugin_id).problems if on else []
        return Switching(
            plugin=state,
            on=on,
            along=differing(now.states(), then.states(), but=plugin_id),
            refusals=[each for each in problems if each.weight == "error"],
            brings=brought_by(self._house.registry, plugin_id),
        )

    async def switch(self, plugin_id: str, *, on: bool, by: str) -> bool:
        """Switch a plugin; in force here when this returns. True when something changed.

        Raises:
            NotFound: it is not installed.
            Conflict: it could not run, or the environment decides.
            ConfigurationError: the settings file cannot be changed.
        """
        looked = await asyncio.to_thread(self.look, plugin_id, on=on)
        if looked.refusals:
            raise Conflict(
                f"expected a plugin that can run, got {plugin_id} with "
                f"{len(looked.refusals)} problem(s); mend them first",
                problems=[each.as_problem() for each in looked.refusals],
            )
        async with self._house.db.transaction():
            fact = PluginSwitched(plugin=plugin_id, on=on)
            await self._tell(PLUGIN_SWITCHED, fact, by)
            changed = await asyncio.to_thread(self.file.switch, plugin_id, on=on)
        await self.follow()
        return changed

    async def set_company(self, company: Company, *, by: str) -> bool:
        """Change what the house knows of its company. True when something changed.

        Raises:
            InvalidInput: no company can have these values.
            Conflict: the environment decides one that was changed.
            ConfigurationError: the settings file cannot be changed.
        """
        settings = self._house.settings
        before, after = (msgspec.structs.asdict(each) for each in (settings.company, company))
        changes = {
            name: (before[name], after[name]) for name in after if before[name] != after[name]
        }
        if not changes:
            return False
        async with self._house.db.transaction():
            await self._tell(COMPANY_CHANGED, CompanyChanged(changes), by)
            await asyncio.to_thread(self.file.set_company, settings, company)
        await self.follow()
        return True

    async def is_empty(self) -> bool:
        """Whether there is no customer and no interaction yet."""
        return await is_empty(self._house)

    async def fill_with_demo(self) -> int:
        """Put the demo company in; how many customers it has.

        Raises:
            Conflict: there is data already, and the demo would mix with it.
        """
        if not await self.is_empty():
            raise Conflict("expected an empty installation, got one with data; nothing was added")
        customers, _ = await seed_demo(self._house)
        return customers

    async def follow(self) -> None:
        """Put in force what the file says by now."""
        settings = await asyncio.to_thread(self.file.load, self._house.settings)
        await self._house.apply_settings(settings)

    async def tables(self, plugin_id: str) -> list[Counted]:
        """The tables of a plugin, with their rows."""
        apps = await asyncio.to_thread(self._house.plugins.apps)
        own = [app for app in apps if app.app_name == plugin_id]
        names = [table._meta.tablename for app in own for table in app.table_classes]
        if not names or self._house.plugins.state(plugin_id).pending_migrations:
            return [Counted(name, None) for name in names]
        found = await self._house.db.fetch_together(
            *(
                (f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT {MOST_ROWS}) AS counted", ())  # noqa: S608 - names of tables
                for name in names
            )
        )
        return [Counted(name, rows[0][0]) for name, rows in zip(names, found, strict=True)]

    async def _tell(self, kind: str, fact: msgspec.Struct, by: str) -> None:
        await self._house.events.append([NewEvent(type=kind, payload=fact)], by=by)
