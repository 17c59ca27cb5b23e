"""Writing the rows of customers, in as few statements as there are tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.access.sight.members import Listed, RuleMembers
from relatum.customers import rows
from relatum.customers.changes import Changed
from relatum.customers.rows import ContactRow, Ready
from relatum.customers.types import ContactPoint, Customer
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.database import to_json
from relatum.values.text import fold

if TYPE_CHECKING:
    from relatum.customers.undoing import GonePoint
    from relatum.db.database import Database

CHILD_TABLES = (
    "core_contact_point",
    "core_customer_role",
    "core_customer_tag",
    "core_external_id",
)
CUSTOMER_COLUMNS = (
    "id",
    "kind",
    "display_name",
    "sort_key",
    "search",
    "fields",
    "version",
    "created_at",
    "updated_at",
    "owner_id",
    "team_id",
    "search_name",
)
#: Tables whose rows go when their customer does.
OWN_TABLES = (*CHILD_TABLES, "core_rule_member")


class CustomerRows:
    """The tables of customers; every call is made inside the service's transaction."""

    def __init__(self, db: Database, *, country: str) -> None:
        self._db = db
        self._country = country
        self.members = RuleMembers(db)

    def _sort_key(self, one: Ready) -> str:
        return rows.sort_key_of(one.display_name, one.kind, self._country)

    async def insert(self, ready: Sequence[tuple[UUID, Ready]], moment: dt.datetime) -> None:
        """New customers with everything that belongs to them."""
        listed = [Listed(id, one, self._sort_key(one), moment, moment) for id, one in ready]
        await self._db.insert(
            CUSTOMER_TABLE,
            CUSTOMER_COLUMNS,
            [
                (
                    id,
                    one.kind,
                    one.display_name,
                    there.sort_key,
                    rows.search_text(one.display_name, one.contact_points, self._country),
                    to_json(one.fields),
                    1,
                    moment,
                    moment,
                    one.owner,
                    one.team,
                    fold(one.display_name),
                )
                for (id, one), there in zip(ready, listed, strict=True)
            ],
        )
        await self.members.add(listed)
        await self._insert_points([(id, one.contact_points, []) for id, one in ready])
        await self._insert_roles([(id, one.roles) for id, one in ready], moment)
        await self._insert_tags([(id, one.tags) for id, one in ready])
        await self._insert_external([(id, one.external_ids) for id, one in ready])

    async def _insert_points(
        self, points: Sequence[tuple[UUID, Sequence[ContactRow], Sequence[ContactPoint]]]
    ) -> None:
        made = [row for id, some, known in points for row in rows.contact_rows(id, some, known)]
        await self._db.insert("core_contact_point", rows.CONTACT_COLUMNS, made)

    async def _insert_roles(
        self, roles: Sequence[tuple[UUID, Sequence[str]]], moment: dt.datetime
    ) -> None:
        made = [row for id, some in roles for row in rows.role_rows(id, some, moment)]
        await self._db.insert("core_customer_role", rows.ROLE_COLUMNS, made)

    async def _insert_tags(self, tags: Sequence[tuple[UUID, Sequence[str]]]) -> None:
        made = [row for id, some in tags for row in rows.tag_rows(id, some)]
        await self._db.insert("core_customer_tag", rows.TAG_COLUMNS, made)

    async def _insert_external(self, ids: Sequence[tuple[UUID, dict[str, str]]]) -> None:
        made = [row for id, some in ids for row in rows.external_rows(id, some)]
        await self._db.insert("core_external_id", rows.EXTERNAL_COLUMNS, made)

    async def give_back(self, customer: UUID, points: Sequence[GonePoint]) -> None:
        """Contact points that are there again are who they were, and verified when they were."""
        await self._db.execute_many(
            "UPDATE core_contact_point SET id = ?, verified_at = ? "
            "WHERE customer_id = ? AND kind = ? AND raw = ?",
            [(each.id, each.verified_at, customer, each.kind, each.raw) for each in points],
        )

    async def rewrite(self, changed: Sequence[Changed], moment: dt.datetime) -> None:
        """Changed customers; of what belongs to them only what differs is written."""
        listed = [
            Listed(current.id, ready, self._sort_key(ready), current.created_at, moment)
            for current, ready, _ in changed
        ]
        await self._db.execute_many(
            "UPDATE core_customer SET kind = ?, display_name = ?, sort_key = ?, search = ?, "
            "search_name = ?, fields = ?, owner_id = ?, team_id = ?, version = version + 1, "
            "updated_at = ? WHERE id = ?",
            [
                (
                    ready.kind,
                    ready.display_name,
                    there.sort_key,
                    rows.search_text(ready.display_name, ready.contact_points, self._country),
                    fold(ready.display_name),
                    to_json(ready.fields),
                    ready.owner,
                    ready.team,
                    moment,
                    current.id,
                )
                for (current, ready, _), there in zip(changed, listed, strict=True)
            ],
        )
        await self.members.renew(listed)
        points = [
            (current.id, ready.contact_points, current.contact_points)
            for current, ready, differences in changed
            if "contact_points" in differences
        ]
        roles = [(c.id, ready.roles) for c, ready, d in changed if "roles" in d]
        tags = [(c.id, ready.tags) for c, ready, d in changed if "tags" in d]
        external = [(c.id, ready.external_ids) for c, ready, d in changed if "external_ids" in d]
        await self._delete("core_contact_point", [id for id, _, _ in points])
        await self._insert_points(points)
        await self._delete("core_customer_role", [id for id, _ in roles])
        await self._insert_roles(roles, moment)
        await self._delete("core_customer_tag", [id for id, _ in tags])
        await self._insert_tags(tags)
        await self._delete("core_external_id", [id for id, _ in external])
        await self._insert_external(external)

    async def _delete(self, table: str, customers: Sequence[UUID]) -> None:
        if customers:
            await self._db.execute_many(
                f"DELETE FROM {table} WHERE customer_id = ?",  # noqa: S608 - names of our own
                [(id,) for id in customers],
            )

    async def return_to_lists(self, customers: Sequence[tuple[Customer, Ready]]) -> None:
        """Customers whose rows were put back as they were: lists and versions know of them."""
        await self._db.execute_many(
            "UPDATE core_customer SET version = version + 1 WHERE id = ?",
            [(customer.id,) for customer, _ in customers],
        )
        await self.members.renew(
            [
                Listed(one.id, ready, self._sort_key(ready), one.created_at, one.updated_at)
                for one, ready in customers
            ]
        )

    async def delete(self, ids: Sequence[UUID]) -> None:
        """Customers that nothing outside points at, with everything that belongs to them."""
        for table in OWN_TABLES:
            await self._delete(table, ids)
        await self._db.execute_many("DELETE FROM core_customer WHERE id = ?", [(id,) for id in ids])
