"""Which customers fit which rule, kept beside them: the only writer of that table."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.access.policies import Rule
from relatum.access.sight.fitting import Facts, fits, predicate_of
from relatum.db.guarding import as_the_house

if TYPE_CHECKING:
    from relatum.db.database import Database

COLUMNS = ("rule_id", "customer_id", "sort_key", "created_at", "updated_at")


class Listed(msgspec.Struct, frozen=True):
    """A customer as it is written: what rules look at, and what lists sort by."""

    id: UUID
    facts: Facts
    sort_key: str
    created_at: dt.datetime
    updated_at: dt.datetime


@functools.lru_cache(maxsize=256)
def rule_from(text: str) -> Rule:
    """A rule as it is stored."""
    return msgspec.json.decode(text, type=Rule)


class RuleMembers:
    """Members of rules. Whoever writes customers calls this in the same transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def hold(self) -> None:
        """Let no rule change until the transaction ends; call it before customers are locked.

        A rule that is made meanwhile waits for customers that it cannot see yet, and they for it.
        """
        await self._lock("ROW SHARE")

    async def hold_all(self) -> None:
        """Let no customer change until the transaction ends: a rule is about to."""
        await self._lock("EXCLUSIVE")

    async def _lock(self, mode: str) -> None:
        # SQLite has one writer, which is us.
        if self._db.kind == "postgresql":
            with as_the_house():
                await self._db.execute(f"LOCK TABLE core_rule IN {mode} MODE")

    async def add(self, customers: Sequence[Listed]) -> None:
        """New customers become members of the rules that they fit."""
        with as_the_house():
            await self._write(await self._rules(), customers)

    async def renew(self, customers: Sequence[Listed]) -> None:
        """Changed customers leave their rules and become members of those that they fit now."""
        with as_the_house():
            rules = await self._rules()
            if rules:
                await self._delete([one.id for one in customers])
                await self._write(rules, customers)

    async def rebuild(self, number: int, rule: Rule | None) -> None:
        """Write the members of one rule anew; of a rule that is removed, none."""
        with as_the_house():
            await self._db.execute("DELETE FROM core_rule_member WHERE rule_id = ?", number)
            if rule is None:
                return
            condition, params = predicate_of(rule, alias="c", kind=self._db.kind)
            await self._db.execute(
                f"INSERT INTO core_rule_member ({', '.join(COLUMNS)}) "  # noqa: S608 - names of our own
                f"SELECT {number:d}, c.id, c.sort_key, c.created_at, c.updated_at "
                f"FROM core_customer c WHERE {condition}",
                *params,
            )

    async def _rules(self) -> list[tuple[int, Rule]]:
        found = await self._db.fetch("SELECT id, rule FROM core_rule ORDER BY id")
        return [(number, rule_from(text)) for number, text in found]

    async def _delete(self, ids: Sequence[UUID]) -> None:
        if ids:
            await self._db.execute_many(
                "DELETE FROM core_rule_member WHERE customer_id = ?", [(id,) for id in ids]
            )

    async def _write(self, rules: Sequence[tuple[int, Rule]], customers: Sequence[Listed]) -> None:
        await self._db.insert(
            "core_rule_member",
            COLUMNS,
            [
                (number, one.id, one.sort_key, one.created_at, one.updated_at)
                for number, rule in rules
                for one in customers
                if fits(rule, one.facts)
            ],
        )
