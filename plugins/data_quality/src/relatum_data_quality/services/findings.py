"""What is to be mended: shown with before and after, mended through customers, accepted, undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import (
    Conflict,
    Customer,
    CustomerChange,
    NotFound,
    Page,
    Plugin,
    cut,
    now,
    paginate,
    sort_from,
)
from relatum_data_quality.rules.catalogue import BY_ID
from relatum_data_quality.rules.types import Flaw, Known, change_of
from relatum_data_quality.services.evaluating import Evaluating
from relatum_data_quality.services.verifications import confirm
from relatum_data_quality.types import (
    Acceptance,
    Change,
    Finding,
    FindingQuery,
    Mended,
    Task,
)

_COLUMNS = (
    "id, customer_id, rule, dimension, severity, field, certain, state, reason, found_at, "
    "changed_at, changed_by, version"
)
SELECT = f"SELECT {_COLUMNS} FROM data_quality_finding"  # noqa: S608 - names of our own


class Findings:
    """The only writer of what becomes of findings."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._db = plugin.house.db
        self._customers = plugin.house.customers

    # -- reading ---------------------------------------------------------------------------------

    async def find(self, query: FindingQuery) -> Page[Finding]:
        """Findings of one state, by id: the order in which they were found."""
        where, params = _conditions(query)
        page = paginate(
            SELECT,
            where,
            params,
            sort=sort_from("-id", {"id": ("id", UUID)}),
            id_column="id",
            limit=query.limit,
            cursor=query.cursor,
        )
        rows = await self._db.fetch(page.sql, *page.params)
        kept, cursor = cut(rows, page, value=0, id=0)
        return Page(items=[finding_of(row) for row in kept], next=cursor)

    async def get(self, id: UUID) -> Finding:
        """One finding.

        Raises:
            NotFound: there is none with this id, or its customer is not seen.
        """
        row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"there is no finding with the id {id}")
        return finding_of(row)

    async def counts(self) -> list[tuple[str, str, str, int, int]]:
        """Rule, dimension, severity, open findings, and how many of them mend for certain."""
        rows = await self._db.fetch(
            "SELECT rule, dimension, severity, count(*), sum(CASE WHEN certain THEN 1 ELSE 0 END) "
            "FROM data_quality_finding WHERE state = 'open' GROUP BY rule, dimension, severity "
            "ORDER BY 4 DESC, 1"
        )
        return [(rule, dim, sev, int(n), int(sure or 0)) for rule, dim, sev, n, sure in rows]

    async def tasks(self, findings: Sequence[Finding]) -> list[Task]:
        """Each with what it would change, worked out anew from what the viewer sees."""
        found = await self._customers.get_many(list({each.customer for each in findings}))
        people = {each.id: each for each in found}
        known = await Evaluating(self._plugin).known(found)
        tasks = []
        for each in findings:
            customer = people.get(each.customer)
            if customer is not None:
                flaws = flaws_of(each.rule, customer, known)
                tasks.append(_task(each, customer, flaws))
        return tasks

    # -- writing ---------------------------------------------------------------------------------

    async def mend(self, id: UUID, *, by: str) -> Finding:
        """Change the customer as the task says.

        Raises:
            NotFound: there is no such finding.
            Conflict: it is not open, or the rule does not know what is right.
        """
        finding = await self.get(id)
        _expect_open(finding)
        mended = await self._mend([finding], by=by)
        if not mended.mended:
            raise Conflict(
                "expected something that the rule knows how to mend, got a customer for whom a "
                "person has to say; open the customer and change it there"
            )
        return await self.get(id)

    async def mend_many(self, ids: Sequence[UUID], *, by: str) -> Mended:
        """Mend all of these that can be; the others are left and named."""
        rows = await self._db.fetch_in(
            f"{SELECT} WHERE id IN ({{}}) AND state = 'open'", list(dict.fromkeys(ids))
        )
        done = await self._mend([finding_of(row) for row in rows], by=by)
        return Mended(mended=done.mended, left=[id for id in ids if id not in set(done.mended)])

    async def _mend(self, findings: Sequence[Finding], *, by: str) -> Mended:
        by_customer: dict[UUID, list[Finding]] = {}
        for each in findings:
            by_customer.setdefault(each.customer, []).append(each)
        seen = await self._customers.get_many(list(by_customer))
        known = await Evaluating(self._plugin).known(seen)
        done: list[Finding] = []

        def change(customer: Customer) -> CustomerChange | None:
            some = by_customer[customer.id]
            flaws = [(f, flaws_of(f.rule, customer, known)) for f in some]
            fixes = [fix for _, found in flaws for flaw in found for fix in flaw.fixes]
            made = change_of(customer, fixes)
            if made is not None:
                done.extend(f for f, found in flaws if any(flaw.fixes for flaw in found))
            return made

        async with self._db.transaction():
            await self._db.hold("data_quality.findings")
            former = await self._customers.change_each(list(by_customer), change, by=by)
            changed = {each.id: each.version for each in former}
            now_there = {
                each.id: each.version for each in await self._customers.get_many(list(changed))
            }
            moved = [f for f in done if now_there.get(f.customer, 0) > changed.get(f.customer, 0)]
            moment = now()
            await self._db.execute_many(
                "UPDATE data_quality_finding SET state = 'mended', changed_at = ?, changed_by = ?, "
                "version = ? WHERE id = ?",
                [(moment, by, now_there[f.customer], f.id) for f in moved],
            )
        return Mended(mended=[f.id for f in moved], left=[])

    async def take_back(self, id: UUID, *, by: str) -> Finding:
        """Undo a mend, as long as it is the customer's last change and one's own.

        Raises:
            NotFound: there is no such finding.
            Conflict: it was not mended here, or the customer was changed since.
        """
        finding = await self.get(id)
        if finding.state != "mended" or finding.version is None:
            raise Conflict(
                f"expected a finding that was mended here, got one that is {finding.state}"
            )
        async with self._db.transaction():
            await self._db.hold("data_quality.findings")
            await self._customers.take_back(finding.customer, version=finding.version, by=by)
            await self._db.execute(
                "UPDATE data_quality_finding SET state = 'open', changed_at = ?, changed_by = ?, "
                "version = NULL WHERE customer_id = ? AND state = 'mended' AND version = ?",
                now(),
                by,
                finding.customer,
                finding.version,
            )
        return await self.get(id)

    async def accept(self, id: UUID, acceptance: Acceptance, *, by: str) -> Finding:
        """It is right as it is; it comes back when the value changes.

        Raises:
            NotFound: there is no such finding.
            Conflict: it is not open.
        """
        async with self._db.transaction():
            await self._db.hold("data_quality.findings")
            _expect_open(await self.get(id))
            await self._db.execute(
                "UPDATE data_quality_finding SET state = 'accepted', reason = ?, changed_at = ?, "
                "changed_by = ? WHERE id = ?",
                acceptance.reason,
                now(),
                by,
                id,
            )
        return await self.get(id)

    async def verify(self, id: UUID, *, by: str) -> Finding:
        """Somebody asked, and the old value is still right.

        Raises:
            NotFound: there is no such finding.
            Conflict: it is not open, or not about something old.
        """
        async with self._db.transaction():
            await self._db.hold("data_quality.findings")
            finding = await self.get(id)
            _expect_open(finding)
            if finding.dimension != "freshness" or finding.rule not in BY_ID:
                raise Conflict(
                    f"expected a finding about something old, got one of {finding.dimension}; "
                    "mend it or accept it"
                )
            await confirm(self._db, finding.customer, finding.field, by=by)
            await self._db.execute(
                "UPDATE data_quality_finding SET state = 'mended', changed_at = ?, changed_by = ? "
                "WHERE id = ?",
                now(),
                by,
                id,
            )
        return await self.get(id)


def flaws_of(rule: str, customer: Customer, known: Known) -> list[Flaw]:
    """What a rule of this plugin finds in a customer; nothing for rules of others."""
    mine = BY_ID.get(rule) or known.own.get(rule)
    return list(mine.check(customer, known)) if mine else []


def _task(finding: Finding, customer: Customer, flaws: Sequence[Flaw]) -> Task:
    return Task(
        finding=finding,
        display_name=customer.display_name,
        values=[flaw.value for flaw in flaws if flaw.value],
        changes=[
            Change(target=fix.target, before=fix.before, after=list(fix.after), kind=fix.kind)
            for flaw in flaws
            for fix in flaw.fixes
        ],
    )


def _expect_open(finding: Finding) -> None:
    if finding.state != "open":
        raise Conflict(
            f"expected a finding that is open, got one that is {finding.state}; look at it again"
        )


def _conditions(query: FindingQuery) -> tuple[list[str], list[Any]]:
    where: list[str] = ["state = ?"]
    params: list[Any] = [query.state]
    for name, value in (("rule", query.rule), ("dimension", query.dimension)):
        if value:
            where.append(f"{name} = ?")
            params.append(value)
    if query.customer is not None:
        where.append("customer_id = ?")
        params.append(query.customer)
    if query.owner is not None:
        where.append("customer_id IN (SELECT id FROM core_customer WHERE owner_id = ?)")
        params.append(query.owner)
    if query.certain is not None:
        where.append("certain = ?")
        params.append(query.certain)
    return where, params


def finding_of(row: tuple[Any, ...]) -> Finding:
    """A row of ``SELECT`` as it is read."""
    names = [name.strip() for name in _COLUMNS.split(",")]
    values = dict(zip(names, row, strict=True))
    values["customer"] = values.pop("customer_id")
    values["certain"] = bool(values["certain"])
    return msgspec.convert(values, Finding)
