"""The room's services together, by the settings of an installation."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from relatum.contact.addresses import AddressBook
from relatum.contact.consents import Clock, Consents
from relatum.contact.deciding import OwnCap, Rulebook
from relatum.contact.gate import ContactGate
from relatum.contact.outbox.service import Outbox
from relatum.contact.outbox.unsubscribing import Unsubscribing
from relatum.contact.profile import load_profile
from relatum.contact.wishes import Wishes
from relatum.customers.merging.records import Records
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring
    from relatum.config.settings import Contact as ContactSettings
    from relatum.db.database import Database
    from relatum.events.log import EventLog


class Contact:
    """Consent, wishes, the gate, and what goes out.

    Attributes:
        consents: the ledger.
        wishes: holds, preferences, addresses that refuse.
        gate: decides about every contact.
        outbox: the only way to send.
    """

    def __init__(
        self,
        db: Database,
        events: EventLog,
        keys: Keyring,
        *,
        settings: ContactSettings,
        country: str,
        clock: Clock = now,
        public_url: str = "",
    ) -> None:
        self.profile = load_profile(settings.profile)
        self.addresses = AddressBook(keys, country=country)
        self.consents = Consents(db, events, self.profile, clock)
        self.wishes = Wishes(db, events, self.addresses)
        book = Rulebook(profile=self.profile, own=_own_caps(settings))
        self.gate = ContactGate(db, self.addresses, book, clock)
        unsubscribing = Unsubscribing(keys, self.consents, Records(db), public_url=public_url)
        self.outbox = Outbox(db, events, self.gate, unsubscribing, clock=clock)

    def go_by(self, settings: ContactSettings, *, country: str) -> None:
        """Follow changed settings; another profile needs a restart."""
        self.addresses.country = country
        self.gate.book = Rulebook(profile=self.profile, own=_own_caps(settings))


def _own_caps(settings: ContactSettings) -> tuple[OwnCap, ...]:
    wanted = (
        ("own_cap_day", settings.per_day, 24.0),
        ("own_cap_week", settings.per_week, 168.0),
        ("gap", 1, settings.gap_hours),
    )
    return tuple(
        OwnCap(name=name, most=most, span=dt.timedelta(hours=hours))
        for name, most, hours in wanted
        if most and hours
    )
