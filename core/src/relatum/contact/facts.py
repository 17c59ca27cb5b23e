"""Everything the rules look at, read for a batch of requests in two looks at the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.contact import consents, wishes
from relatum.contact.addresses import AddressBook, kind_of
from relatum.contact.consents import entry_of, last_word
from relatum.contact.deciding import Known
from relatum.contact.types import ConsentEntry, ContactRequest, Hold, Preference, Scope
from relatum.contact.wishes import hold_of, preference_of
from relatum.db.database import marks
from relatum.db.guarding import as_the_house

if TYPE_CHECKING:
    from relatum.db.database import Database, Rows

THERE = "SELECT id FROM core_customer WHERE id IN ({})"
POINTS = (
    "SELECT customer_id, kind, normalised FROM core_contact_point WHERE customer_id IN ({}) "
    "AND normalised <> '' ORDER BY is_primary DESC, position, id"
)
CONSENTS = consents.SELECT + " WHERE customer_id IN ({}) ORDER BY given_at, recorded_at, id"
HOLDS = wishes.HOLD + " WHERE customer_id IN ({}) AND lifted_at IS NULL ORDER BY since, id"
PREFERENCES = wishes.PREFERENCE + " WHERE customer_id IN ({}) ORDER BY set_at, id"
TO_CUSTOMERS = (
    "SELECT customer_id, at, id FROM core_contact_verdict WHERE customer_id IN ({}) "
    "AND outcome = 'allow' AND state <> 'released' AND NOT transactional AND at > ? ORDER BY at"
)
REFUSALS = "SELECT address_hash, scope FROM core_do_not_contact WHERE address_hash IN ({})"
BOUNCES = "SELECT address_hash FROM core_bounced_address WHERE address_hash IN ({})"
TO_ADDRESSES = (
    "SELECT address_hash, channel, at, id FROM core_contact_verdict WHERE address_hash IN ({}) "
    "AND outcome = 'allow' AND state <> 'released' AND advertising AND at > ? ORDER BY at"
)


class Facts:
    """What is known about the customers and addresses of some requests.

    :meth:`known` gives the same lists of moments to every request about the same customer or
    address, so that what is noted for one counts for the next.
    """

    def __init__(self, addresses: AddressBook, there: Iterable[UUID], points: Rows) -> None:
        self._addresses = addresses
        self._there = set(there)
        self._points: dict[UUID, list[tuple[str, str]]] = {}
        for customer, kind, spelling in points:
            self._points.setdefault(customer, []).append((kind, spelling))
        self.consents: dict[UUID, list[ConsentEntry]] = {}
        self.holds: dict[UUID, list[Hold]] = {}
        self.preferences: dict[UUID, Preference] = {}
        self.refusals: dict[str, Scope] = {}
        self.bounced: set[str] = set()
        self._to_address: dict[tuple[str, str], list[dt.datetime]] = {}
        self._to_customer: dict[UUID, list[dt.datetime]] = {}

    def target(self, request: ContactRequest) -> tuple[str, str]:
        """The address a request is for, and its hash; empty when the customer has none such."""
        kind = kind_of(request.channel)
        # What was decided before names its address by the hash alone.
        wanted = {request.address, self._addresses.spelled(kind, request.address)} - {""}
        for its_kind, spelling in self._points.get(request.customer, ()):
            hashed = self._addresses.hashed(kind, spelling)
            if its_kind == kind and (not wanted or wanted & {spelling, hashed}):
                return spelling, hashed
        return "", ""

    def count(self, by_address: Rows, by_customer: Rows) -> None:
        """Take in the contacts that were allowed: (hash, channel, at) and (customer, at)."""
        for hashed, channel, at in by_address:
            self._to_address.setdefault((hashed, channel), []).append(at)
        for customer, at in by_customer:
            self._to_customer.setdefault(customer, []).append(at)

    def known(self, request: ContactRequest) -> Known:
        """What the rules look at for one request."""
        customer = request.customer
        address, hashed = self.target(request)
        refusal = self.refusals.get(hashed)
        return Known(
            there=customer in self._there,
            address=address,
            refusals=frozenset() if refusal is None else frozenset({refusal}),
            bounced=hashed in self.bounced,
            consent=last_word(self.consents.get(customer, ()), request.purpose, request.channel),
            preference=self.preferences.get(customer, Preference()),
            holds=self.holds.get(customer, ()),
            to_address=self._to_address.setdefault((hashed, request.channel), []),
            to_customer=self._to_customer.setdefault(customer, []),
        )


async def read_facts(
    db: Database,
    addresses: AddressBook,
    requests: Sequence[ContactRequest],
    *,
    since: dt.datetime,
    without: Sequence[UUID] = (),
) -> Facts:
    """What is known about these requests.

    Customers are those that the viewer sees; what counts against a contact is read in full.

    Args:
        since: contacts before it count for nothing any more.
        without: verdicts that are decided anew, and do not count against themselves.
    """
    customers = list(dict.fromkeys(request.customer for request in requests))
    there = await db.fetch_in(THERE, customers)
    with as_the_house():
        points, lines, holds, preferences, moments = await db.fetch_together(
            _among(POINTS, customers),
            _among(CONSENTS, customers),
            _among(HOLDS, customers),
            _among(PREFERENCES, customers),
            _among(TO_CUSTOMERS, customers, since),
        )
        facts = Facts(addresses, (row[0] for row in there), points)
        for row in lines:
            facts.consents.setdefault(row[1], []).append(entry_of(row))
        for row in holds:
            facts.holds.setdefault(row[1], []).append(hold_of(row))
        facts.preferences = {row[0]: preference_of(row) for row in preferences}
        await _read_addresses(db, facts, requests, since, moments, set(without))
    return facts


async def _read_addresses(
    db: Database,
    facts: Facts,
    requests: Sequence[ContactRequest],
    since: dt.datetime,
    to_customers: Rows,
    without: set[UUID],
) -> None:
    hashes: list[Any] = list({hashed for each in requests if (hashed := facts.target(each)[1])})
    refusals: Rows = []
    bounces: Rows = []
    to_addresses: Rows = []
    if hashes:
        refusals, bounces, to_addresses = await db.fetch_together(
            _among(REFUSALS, hashes), _among(BOUNCES, hashes), _among(TO_ADDRESSES, hashes, since)
        )
    facts.bounced = {row[0] for row in bounces}
    facts.refusals = dict(refusals)
    facts.count(
        [row[:3] for row in to_addresses if row[3] not in without],
        [row[:2] for row in to_customers if row[2] not in without],
    )


def _among(sql: str, keys: Sequence[Any], *params: Any) -> tuple[str, Sequence[Any]]:
    return sql.format(marks(len(keys))), [*keys, *params]
