"""Sensitive custom fields of customers: secret ones are encrypted, and it is noted who looked.

A secret value is encrypted before anything is done with it, so that the row, the event with the
values before and after, and the journal of an import all hold the same encrypted text, bound to the
customer and the field.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.access.audit import events as facts
from relatum.access.policies import MASK
from relatum.access.secrets import Secrets, is_encrypted, place_of
from relatum.access.viewer import current_viewer
from relatum.db.guarding import as_the_house
from relatum.events.types import NewEvent
from relatum.values.problems import RelatumError

if TYPE_CHECKING:
    from relatum.access.sight.service import Sights
    from relatum.customers.rows import Ready
    from relatum.customers.types import Customer
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.values.sensitivity import Sensitivity

log = logging.getLogger("relatum.secrets")

#: Classes whose reading is noted. Contact data is looked at all day: noting it would tell nothing.
NOTED = frozenset({"identity", "finance", "health", "secret"})
MOST_IN_ONE = 200


class SensitiveFields:
    """What the customers' service keeps customers with (its protocol ``Keeping``)."""

    def __init__(self, db: Database, events: EventLog, secrets: Secrets, sights: Sights) -> None:
        self._db = db
        self._events = events
        self._secrets = secrets
        self._sights = sights

    # -- on the way in ---------------------------------------------------------------------------

    async def seal(self, customers: Sequence[tuple[UUID, Ready, Mapping[str, Any]]]) -> None:
        """Encrypt secret fields that are about to be stored; ``fields`` is replaced.

        A secret that stays as it is keeps its encrypted text, so that nothing seems to change.
        """
        if not any(ready.fields for _, ready, _ in customers):
            return
        # Not from memory: a field may have become secret a moment ago, in another process.
        found = await self._db.fetch(
            "SELECT key FROM core_customer_field WHERE sensitivity = 'secret'"
        )
        secret = {key for (key,) in found}
        for id, ready, stored in customers:
            for key in secret & ready.fields.keys():
                value = self._sealed(id, key, ready.fields[key], stored.get(key))
                ready.fields = {**ready.fields, key: value}

    def _sealed(self, customer: UUID, key: str, value: Any, stored: Any) -> Any:
        if value is None or value == stored:
            return value
        place = place_of_field(customer, key)
        if is_encrypted(stored):
            try:
                if msgspec.json.decode(self._secrets.decrypt(stored, place)) == value:
                    return stored
            except RelatumError:
                log.warning("%s could not be read and is replaced", place)
        return self._secrets.encrypt(msgspec.json.encode(value).decode(), place)

    # -- on the way out --------------------------------------------------------------------------

    async def show(self, customers: list[Customer]) -> list[Customer]:
        """Decrypt what the one who asks may see, and note that they saw it."""
        classes = await self._sights.field_classes()
        if not classes:
            return customers
        masked = current_viewer().sight.masked
        if "secret" in masked:
            shown = [self._with_secrets(each, classes, _mask) for each in customers]
        else:
            shown = [self._with_secrets(each, classes, self._opened) for each in customers]
        await self._note(shown, classes, masked)
        return shown

    async def open(self, customers: Sequence[Customer]) -> list[Customer]:
        """Customers from a journal with their secrets in plain, about to be stored again."""
        classes = await self._sights.field_classes()
        return [self._with_secrets(each, classes, self._opened) for each in customers]

    def _with_secrets(
        self, customer: Customer, classes: Mapping[str, Sensitivity], read: Any
    ) -> Customer:
        found = {
            key: read(customer.id, key, value)
            for key, value in customer.fields.items()
            if classes.get(key) == "secret" and is_encrypted(value)
        }
        if not found:
            return customer
        return msgspec.structs.replace(customer, fields={**customer.fields, **found})

    def _opened(self, customer: UUID, key: str, value: str) -> Any:
        place = place_of_field(customer, key)
        try:
            return msgspec.json.decode(self._secrets.decrypt(value, place))
        except RelatumError as error:
            # One value that cannot be read must not hide the customer, nor be written over.
            log.error("a secret field cannot be read: %s", error)
            return MASK

    async def _note(
        self,
        customers: Sequence[Customer],
        classes: Mapping[str, Sensitivity],
        masked: frozenset[Sensitivity],
    ) -> None:
        viewer = current_viewer()
        watched = {k for k, sensitivity in classes.items() if sensitivity in NOTED - masked}
        if viewer.kind not in {"person", "service"} or not watched:
            return
        seen = [(each.id, watched & each.fields.keys()) for each in customers]
        seen = [(id, fields) for id, fields in seen if fields]
        noted = []
        for start in range(0, len(seen), MOST_IN_ONE):
            some = seen[start : start + MOST_IN_ONE]
            fields = sorted({field for _, found in some for field in found})
            payload = facts.SensitiveRead([id for id, _ in some], fields)
            about = some[0][0] if len(some) == 1 else None
            noted.append(NewEvent(type=facts.SENSITIVE_READ, payload=payload, customer=about))
        with as_the_house():
            await self._events.append(noted, by=viewer.actor)


def place_of_field(customer: UUID, key: str) -> str:
    """The place that a secret custom field is bound to."""
    return place_of("core_customer", f"fields.{key}", customer)


def _mask(customer: UUID, key: str, value: str) -> str:
    return MASK
