"""What a plugin is given: itself, its settings, and the services of the house."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from relatum.access.purposes.service import Purposes
    from relatum.access.secrets import Secrets
    from relatum.addresses.service import Addresses
    from relatum.config.settings import Settings
    from relatum.contact.service import Contact
    from relatum.customers.erasing.service import Erasing
    from relatum.customers.merging.service import Merging
    from relatum.customers.service import Customers
    from relatum.customers.subject.service import Subjects
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.events.seals import Seals
    from relatum.hooks.registry import Registry
    from relatum.interactions.service import Interactions
    from relatum.jobs.service import Jobs
    from relatum.plugins.register import Register


T = TypeVar("T")


class House(Protocol):
    """The services that plugins and rooms share; the application builds one."""

    settings: Settings
    db: Database
    events: EventLog
    customers: Customers
    merging: Merging
    erasing: Erasing
    subjects: Subjects
    interactions: Interactions
    contact: Contact
    addresses: Addresses
    jobs: Jobs
    processing: Register
    purposes: Purposes
    registry: Registry
    seals: Seals
    secrets: Secrets


class Plugin:
    """One loaded plugin, handed to every hook, handler, job, report and import target of it.

    Attributes:
        id: the plugin's id; everything it declares begins with it.
        version: of the installed distribution.
        settings: an instance of the Struct its manifest names, or ``None``.
        log: its logger, ``relatum.plugin.<id>``.
        folder: of its package, with its templates, locales and static files, if it has one.
        house: the services; available once the house is built (not inside declaring hooks).
    """

    __slots__ = ("_house", "folder", "id", "log", "settings", "version")

    def __init__(
        self, id: str, *, version: str, settings: Any = None, folder: Path | None = None
    ) -> None:
        self.id = id
        self.folder = folder
        self.version = version
        self.settings = settings
        self.log = logging.getLogger(f"relatum.plugin.{id}")
        self._house: House | None = None

    @property
    def house(self) -> House:
        if self._house is None:
            raise RuntimeError(
                f"expected plugin {self.id!r} to use the house after it is built, got a use while "
                "it declares; declaring hooks do no I/O"
            )
        return self._house

    def at_work(self) -> contextlib.AbstractAsyncContextManager[None]:
        """For whoever calls code of the plugin: inside the block it is given only what is for the
        purposes that its manifest declares.
        """
        return contextlib.nullcontext() if self._house is None else self._house.purposes.work(self)

    def given(self, value: T) -> T:
        """Customers, drafts of them and events (alone or in a list) as the plugin may have them
        while it is :meth:`at_work`; anything else as it is.
        """
        return value if self._house is None else self._house.purposes.given(value)

    def for_purpose(self, purpose: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Inside the block the plugin is given only what is for this one purpose.

        Custom fields that are bound to other purposes are not there, and classes of sensitive
        fields that the manifest does not name for it (``data`` of its ``[[processing]]``) are
        masked. For a purpose that the manifest does not declare that is all of them. What was read
        and not given is noted in the audit trail. Since ``core_api`` 1.2.

        Args:
            purpose: the id of a purpose, as in ``[[processing]]``.
        """
        return self.house.purposes.work(self, purpose)

    def move_in(self, house: House) -> None:
        """Called by the application once all services exist."""
        self._house = house

    def __repr__(self) -> str:
        return f"<Plugin {self.id} {self.version}>"
