"""Every night: who is no longer due, who is due by now, and who is erased.

Each page is a transaction of its own, and erasing notes what it did within its own transaction, so
that a run that is killed anywhere is repeated without harm.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.api import Erasure, Plugin, as_the_house, local_day, marks, new_id, now
from relatum_consent.services.retention import COLUMNS, SELECT, TURN, due_of, moved
from relatum_consent.services.retention_idle import Idleness, Quiet
from relatum_consent.types import LISTED

if TYPE_CHECKING:
    from relatum_consent.settings import RetentionRule
    from relatum_consent.types import Due

BY = "plugin:consent"
#: Customers that are looked at together, and that are erased together.
PAGE, BATCH = 500, 100
_FIRST = UUID(int=0)
_LISTED = ", ".join(f"'{state}'" for state in LISTED)
# Cheap conditions; the rest is asked of those alone who are left.
_IDLE = f"""
    SELECT c.id FROM core_customer c WHERE c.id > ? AND c.updated_at < ? AND c.created_at < ?
    AND NOT EXISTS (SELECT 1 FROM core_interaction i
        WHERE i.customer_id = c.id AND i.occurred_at >= ?)
    AND NOT EXISTS (SELECT 1 FROM consent_retention r
        WHERE r.customer_id = c.id AND r.state IN ({_LISTED}))
    ORDER BY c.id LIMIT ?"""  # noqa: S608 - words of our own


class Swept(msgspec.Struct, frozen=True):
    """How many came onto the list, left it, were erased, and had to stay."""

    listed: int
    ended: int
    erased: int
    stayed: int


class RetentionRun:
    """One run of ``consent.retention``. Only it and :class:`Retention` write the list."""

    def __init__(self, plugin: Plugin) -> None:
        self._house = plugin.house
        self.db = plugin.house.db
        self.events = plugin.house.events
        self._idleness = Idleness(plugin)
        self._rules: dict[str, RetentionRule] = {
            rule.id: rule for rule in plugin.settings.retention
        }
        self._started = now()
        self._today = local_day(self._started, plugin.house.settings.company.time_zone)
        self._archived: dict[str, set[UUID]] = {}

    async def run(self) -> Swept:
        """All of it.

        Raises:
            PluginError: a plugin does not say whether business is open; nobody is erased.
            ArchivedAway: the archive cannot be read; nobody is erased.
        """
        with as_the_house():
            for rule in self._rules.values():
                since = self._since(rule)
                self._archived[rule.id] = await self._idleness.archived_since(since)
            ended = await self._withdraw()
            listed = sum([await self._list(rule) for rule in self._rules.values()])
            erased = stayed = 0
            for rule in self._rules.values():
                gone, left = await self._erase(rule)
                erased, stayed = erased + gone, stayed + left
        return Swept(listed, ended, erased, stayed)

    def _since(self, rule: RetentionRule) -> dt.datetime:
        """Whoever had something to do with the business since this moment is not idle."""
        return self._started - dt.timedelta(days=rule.idle_days)

    # -- leaving the list ------------------------------------------------------------------------

    async def _withdraw(self) -> int:
        ended, after = 0, _FIRST
        while True:
            async with self.db.transaction():
                await self.db.hold(TURN)
                rows = await self.db.fetch(
                    f"{SELECT} WHERE state IN ({marks(len(LISTED))}) AND id > ? "
                    "ORDER BY id LIMIT ?",
                    *(*LISTED, after, PAGE),
                )
                some = [due_of(row) for row in rows]
                ended += await self._end(some)
            if len(some) < PAGE:
                return ended
            after = some[-1].id

    async def _end(self, some: Sequence[Due]) -> int:
        """Take those off the list who are not due any more."""
        known = await self._known([each.customer for each in some if each.customer])
        over = [(each, why) for each in some if (why := self._over(each, known))]
        await self.db.execute_many(
            "UPDATE consent_retention SET state = 'ended', stays = ?, ended_at = ? WHERE id = ?",
            [(why, now(), each.id) for each, why in over],
        )
        told = [moved(each.id, each.rule, "ended", each.customer) for each, _ in over]
        await self.events.append(told, by=BY)
        return len(over)

    def _over(self, due: Due, known: Mapping[UUID, Quiet]) -> str:
        """Why somebody is not due any more; nothing while they are."""
        if due.customer is None or due.customer not in known:
            return "gone"
        if due.rule not in self._rules:
            return "no-rule"
        if due.state == "kept":
            return "kept" if due.kept_until is None or due.kept_until < self._today else ""
        return self._not_due(self._rules[due.rule], due.customer, known[due.customer])

    def _not_due(self, rule: RetentionRule, customer: UUID, quiet: Quiet) -> str:
        if not rule.fits(quiet.kind):
            return "no-rule"
        if quiet.last_at >= self._since(rule) or customer in self._archived[rule.id]:
            return "active"
        return quiet.stays

    async def _known(self, customers: Sequence[UUID]) -> dict[UUID, Quiet]:
        """What is known of customers, with what plugins say of open business."""
        known = await self._idleness.of(customers)
        if known:
            for id in await self._house.erasing.open_business(list(known)):
                known[id].stays = "open-business"
        return known

    # -- coming onto it --------------------------------------------------------------------------

    async def _list(self, rule: RetentionRule) -> int:
        listed, after, since = 0, _FIRST, self._since(rule)
        while True:
            async with self.db.transaction():
                await self.db.hold(TURN)
                rows = await self.db.fetch(_IDLE, *(after, since, since, since, PAGE))
                ids = [id for (id,) in rows]
                known = await self._known(ids)
                due = {id: q for id, q in known.items() if not self._not_due(rule, id, q)}
                await self._add(rule, due)
            listed += len(due)
            if len(ids) < PAGE:
                return listed
            after = ids[-1]

    async def _add(self, rule: RetentionRule, due: Mapping[UUID, Quiet]) -> None:
        erase_on = self._today + dt.timedelta(days=rule.notice_days)
        rows = [
            (new_id(), id, rule.id, "due", quiet.last_at, now(), erase_on)
            for id, quiet in due.items()
        ]
        await self.db.insert("consent_retention", COLUMNS[:7], rows)
        told = [moved(row[0], rule.id, "due", row[1]) for row in rows]
        await self.events.append(told, by=BY)

    # -- erasing ---------------------------------------------------------------------------------

    async def _erase(self, rule: RetentionRule) -> tuple[int, int]:
        erased, stayed, after = 0, 0, _FIRST
        while True:
            rows = await self.db.fetch(
                f"{SELECT} WHERE rule = ? AND {self._ready(rule)} AND erase_on <= ? AND id > ? "
                "AND customer_id IS NOT NULL ORDER BY id LIMIT ?",
                *(rule.id, self._today, after, BATCH),
            )
            some = [due_of(row) for row in rows]
            if some:
                schedule = _OneRule(self, rule)
                batch = await self._house.erasing.erase_scheduled(
                    [each.customer for each in some if each.customer],
                    schedule,
                    by=BY,
                    reason=f"retention: {rule.id}",
                )
                await self._note([(each.code, each.customer) for each in batch.refused])
                erased, stayed = erased + len(schedule.done), stayed + len(batch.refused)
                after = some[-1].id
            if len(some) < BATCH:
                return erased, stayed

    def _ready(self, rule: RetentionRule) -> str:
        return "state IN ('due', 'approved')" if rule.mode == "erase" else "state = 'approved'"

    async def _note(self, stayed: Sequence[tuple[str, UUID]]) -> None:
        await self.db.execute_many(
            "UPDATE consent_retention SET stays = ? WHERE customer_id = ? "
            "AND state IN ('due', 'approved')",
            stayed,
        )

    async def still_due(
        self, rule: RetentionRule, customers: Sequence[UUID]
    ) -> tuple[dict[UUID, UUID], dict[UUID, str]]:
        """Customer → their row of the list, for those who may go; and why the others may not."""
        rows = await self.db.fetch_in(
            "SELECT customer_id, id FROM consent_retention WHERE customer_id IN ({}) "  # noqa: S608 - words of our own
            f"AND rule = ? AND {self._ready(rule)} AND erase_on <= ?",
            customers,
            *(rule.id, self._today),
        )
        listed: dict[UUID, UUID] = dict(rows)
        known = await self._idleness.of(customers)
        staying = {id: "is not on the list any more" for id in customers if id not in listed}
        for id in listed:
            why = self._not_due(rule, id, known[id]) if id in known else "gone"
            if why:
                staying[id] = f"is not due any more: {why}"
        return listed, staying


class _OneRule:
    """What an erasure asks while it erases by one rule; see ``Schedule`` of core."""

    def __init__(self, run: RetentionRun, rule: RetentionRule) -> None:
        self._run = run
        self._rule = rule
        self._rows: dict[UUID, UUID] = {}
        self.done: list[UUID] = []

    async def staying(self, customers: Sequence[UUID]) -> Mapping[UUID, str]:
        """Who has come back since, was decided otherwise, or was never on the list."""
        if self._run.db.in_transaction():
            await self._run.db.hold(TURN)
        self._rows, staying = await self._run.still_due(self._rule, customers)
        return {id: f"{id} {why}" for id, why in staying.items()}

    async def erased(self, receipts: Sequence[Erasure]) -> None:
        """The proof, written with the erasure itself."""
        db, moment = self._run.db, now()
        rows = [(self._rows[each.customer], each.id) for each in receipts]
        await db.execute_many(
            "UPDATE consent_retention SET state = 'erased', stays = '', reason = '', "
            "ended_at = ?, receipt = ? WHERE id = ?",
            [(moment, receipt, id) for id, receipt in rows],
        )
        told = [moved(id, self._rule.id, "erased", None) for id, _ in rows]
        await self._run.events.append(told, by=BY)
        self.done += [id for id, _ in rows]
