"""Accounts: groups of organisations rolled up, their plans, and who decides about a deal."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from relatum.api import (
    Amount,
    Conflict,
    InvalidInput,
    NotFound,
    Plugin,
    Problem,
    is_currency,
    new_id,
    now,
)
from relatum_sales_pipeline.forecasting import rounded, weighted
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deal_reading import DealReader
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.accounts import (
    Account,
    AccountDeals,
    AccountNode,
    AccountPlan,
    Buyer,
    BuyerDraft,
    PlanDraft,
)

MOST_OF_A_GROUP = 200
PLAN_COLUMNS = (
    "customer_id",
    "year",
    "owner_id",
    "goal",
    "risks",
    "target_amount",
    "currency",
    "version",
    "updated_at",
)
SELECT_PLANS = f"SELECT {', '.join(PLAN_COLUMNS)} FROM sales_pipeline_account_plan"  # noqa: S608 - names of our own


class Accounts:
    """Reads groups; the only writer of account plans and buying roles."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._house = plugin.house
        self._db = plugin.house.db

    async def get(self, id: UUID) -> Account:
        """An account with everything below it, rolled up.

        Raises:
            NotFound: nobody has this id.
        """
        customer = await self._house.customers.get(id)
        group, contacts, complete = await self._group(id, customer.display_name)
        ids = [node.customer_id for node in group]
        deals, rotting, newest = await self._deals(ids)
        return Account(
            customer_id=id,
            name=customer.display_name,
            group=group,
            contacts=contacts,
            deals=deals,
            rotting=rotting,
            last_activity_at=newest,
            plans=await self.plans(id),
            complete=complete,
        )

    async def _group(self, id: UUID, name: str) -> tuple[list[AccountNode], int, bool]:
        """The account and what is below it, breadth first; a circle of links ends it."""
        group = [AccountNode(customer_id=id, name=name, level=0, parent_id=None)]
        seen = {id}
        contacts: set[UUID] = set()
        for node in group:
            for link in await self._house.customers.links.of(node.customer_id):
                if link.kind == "contact_of" and link.target == node.customer_id:
                    contacts.add(link.source)
                below = link.kind == "parent_of" and link.source == node.customer_id
                if below and link.target not in seen:
                    if len(group) == MOST_OF_A_GROUP:
                        return group, len(contacts), False
                    seen.add(link.target)
                    group.append(
                        AccountNode(
                            customer_id=link.target,
                            name=link.target_name,
                            level=node.level + 1,
                            parent_id=node.customer_id,
                        )
                    )
        return group, len(contacts), True

    async def _deals(
        self, customers: Sequence[UUID]
    ) -> tuple[list[AccountDeals], int, dt.datetime | None]:
        rows = await self._db.fetch_in(
            "SELECT stage_id, amount, currency, stage_since, last_activity_at "
            "FROM sales_pipeline_deal WHERE customer_id IN ({})",
            customers,
        )
        book = await Book.load(self._db)
        limits = DealReader(self._plugin).rotting_limits(book)
        by_currency: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        rotting = 0
        for stage, amount, currency, since, active in rows:
            by_currency[currency].append((book.stage(stage), amount))
            rotting += stage in limits and max(since, active or since) < limits[stage]
        newest = max((row[4] for row in rows if row[4] is not None), default=None)
        rolled = [_rolled_up(code, by_currency[code]) for code in sorted(by_currency)]
        return rolled, rotting, newest

    # -- plans -----------------------------------------------------------------------------------

    async def plans(self, customer: UUID) -> list[AccountPlan]:
        """The plans for an account, the newest year first."""
        rows = await self._db.fetch(
            f"{SELECT_PLANS} WHERE customer_id = ? ORDER BY year DESC", customer
        )
        return [_plan(row) for row in rows]

    async def save_plan(
        self, customer: UUID, year: int, draft: PlanDraft, *, version: int | None = None
    ) -> AccountPlan:
        """Put down the plan for a year, in the place of the one before.

        Raises:
            NotFound: nobody has this id.
            Conflict: somebody changed the plan meanwhile.
            InvalidInput: a value is not acceptable.
        """
        goal, risks = await self._checked(year, draft)
        async with self._db.transaction():
            await self._house.customers.get(customer)
            before = [plan for plan in await self.plans(customer) if plan.year == year]
            current = before[0].version if before else 0
            if version is not None and version != current:
                raise Conflict(
                    f"expected version {current} of this plan, got a change made from version "
                    f"{version}; look at both and send the change again from the new one",
                    extra={"current": before[0] if before else None, "yours": draft},
                )
            target = draft.target
            row = (
                new_id(),
                customer,
                year,
                draft.owner_id,
                goal,
                risks,
                target.amount if target else None,
                target.currency if target else "",
                current + 1,
                now(),
            )
            await self._db.insert(
                "sales_pipeline_account_plan",
                ("id", *PLAN_COLUMNS),
                [row],
                on_conflict="ON CONFLICT (customer_id, year) DO UPDATE "
                "SET owner_id = excluded.owner_id, goal = excluded.goal, risks = excluded.risks, "
                "target_amount = excluded.target_amount, currency = excluded.currency, "
                "version = excluded.version, updated_at = excluded.updated_at",
            )
            return next(plan for plan in await self.plans(customer) if plan.year == year)

    async def _checked(self, year: int, draft: PlanDraft) -> tuple[str, str]:
        found = Findings()
        goal = found.text(draft.goal, what="goal", most=20_000, where="/goal")
        risks = found.text(draft.risks, what="risks", most=20_000, where="/risks")
        if not 1900 <= year <= 2200:
            found.add(
                "bad-year",
                "this cannot be the year of a plan",
                where="/year",
                expected="1900 to 2200",
                got=str(year),
                mend="Correct it.",
            )
        target = draft.target
        if target is not None and (target.amount < 0 or not is_currency(target.currency)):
            found.add(
                "bad-target",
                "this cannot be a target",
                where="/target",
                expected="zero or more, in an ISO 4217 currency",
                got=f"{target.amount} {target.currency}",
                mend="Correct it.",
            )
        owner = draft.owner_id
        if owner is not None and owner not in await Teams(self._plugin).get_members([owner]):
            found.unknown("member", str(owner), known=[], where="/owner_id")
        found.refuse("The plan")
        return goal, risks

    # -- buying roles ----------------------------------------------------------------------------

    async def buyers(self, deal: UUID) -> list[Buyer]:
        """Who plays which part in the decision about a deal.

        Raises:
            NotFound: there is no such deal.
        """
        if not await DealReader(self._plugin).existing([deal]):
            raise NotFound(f"expected the id of a deal, got {deal}; there is none")
        rows = await self._db.fetch(
            "SELECT customer_id, role FROM sales_pipeline_buying_role WHERE deal_id = ? "
            "ORDER BY id",
            deal,
        )
        ids = list({row[0] for row in rows})
        names = {each.id: each.display_name for each in await self._house.customers.get_many(ids)}
        return [Buyer(customer_id=id, customer=names.get(id), role=role) for id, role in rows]

    async def set_buyers(self, deal: UUID, drafts: Sequence[BuyerDraft]) -> list[Buyer]:
        """Put these in the place of those that were said before.

        Raises:
            NotFound: there is no such deal.
            InvalidInput: with every customer that is not there.
        """
        async with self._db.transaction():
            await self.buyers(deal)
            wanted = list(dict.fromkeys((draft.customer_id, draft.role) for draft in drafts))
            known = {
                each.id
                for each in await self._house.customers.get_many(list({id for id, _ in wanted}))
            }
            problems = [
                _nobody(place, draft.customer_id)
                for place, draft in enumerate(drafts)
                if draft.customer_id not in known
            ]
            if problems:
                raise InvalidInput("Some of these customers are not there.", problems=problems)
            await self._db.execute("DELETE FROM sales_pipeline_buying_role WHERE deal_id = ?", deal)
            await self._db.insert(
                "sales_pipeline_buying_role",
                ("id", "deal_id", "customer_id", "role"),
                [(new_id(), deal, id, role) for id, role in wanted],
            )
            return await self.buyers(deal)


def _rolled_up(currency: str, deals: Sequence[tuple[Any, ...]]) -> AccountDeals:
    outcomes = Counter(stage.outcome for stage, _ in deals)
    running = [(s, amount) for s, amount in deals if s.outcome == "open" and amount is not None]
    won = [amount for stage, amount in deals if stage.outcome == "won" and amount is not None]
    return AccountDeals(
        currency=currency,
        open=outcomes["open"],
        valueless=outcomes["open"] - len(running),
        won=outcomes["won"],
        lost=outcomes["lost"],
        open_value=sum(amount for _, amount in running),
        weighted=rounded(weighted((amount, stage.probability) for stage, amount in running)),
        won_value=sum(won),
    )


def _plan(row: Sequence[Any]) -> AccountPlan:
    customer, year, owner, goal, risks, amount, currency, version, updated_at = row
    return AccountPlan(
        customer_id=customer,
        year=year,
        owner_id=owner,
        goal=goal,
        risks=risks,
        target=None if amount is None else Amount(amount, currency),
        version=version,
        updated_at=updated_at,
    )


def _nobody(place: int, id: UUID) -> Problem:
    return Problem(
        code="unknown-customer",
        message="there is no such customer",
        where=f"/items/{place}/customer_id",
        expected="the id of a customer",
        got=str(id),
        mend="Make the customer first.",
    )
