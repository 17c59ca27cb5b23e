"""From names in a file to what they name, looked up once for a file or once for a batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from relatum.api import (
    Customer,
    CustomerQuery,
    ImportScope,
    InvalidInput,
    Plugin,
    Problem,
    Proposed,
    nearest,
    parse_id,
)
from relatum_sales_pipeline.import_targets.deal_records import DealRecord
from relatum_sales_pipeline.matching import Names, name_key
from relatum_sales_pipeline.services.book import Book, stage_named
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.pipelines import LostReason, Pipeline, Stage
from relatum_sales_pipeline.types.products import Product
from relatum_sales_pipeline.types.teams import Member, Team

T = TypeVar("T")
#: Names of customers that are asked for one by one (an external id needs no asking).
MOST_ASKED = 2_000
MOST_OF_A_NAME = 20
#: A misspelt name is looked for by so many letters, among so many customers that have them.
LIKENESS = 3
MOST_ALIKE = 200


class Meant(msgspec.Struct, Generic[T]):
    """What a name of a file means, and what is to be said about that.

    ``thing`` is ``None`` for a name that means nothing; then there is a proposal (which the
    importer decides about) or a problem.
    """

    thing: T | None
    proposed: Proposed | None = None
    note: Problem | None = None
    problem: Problem | None = None


class Lookups:
    """Everything that rows of deals name. Lives in the memory of the scope, for one file."""

    def __init__(self, scope: ImportScope) -> None:
        self._scope = scope
        self.book: Book
        self._stages: dict[UUID, Names[Stage]] = {}
        self._reasons: Names[LostReason]
        self._pipelines: Names[Pipeline]
        self._members: Names[Member]
        self._teams: Names[Team]
        self._products: Names[Product]
        self._accounts: dict[str, UUID] = {}
        self._several: set[str] = set()
        self._near_accounts: dict[str, str | None] = {}

    @classmethod
    async def of(cls, plugin: Plugin, scope: ImportScope) -> Lookups:
        """The lookups of this file, read when they are first asked for."""
        kept = scope.memory.get("lookups")
        if isinstance(kept, Lookups):
            return kept
        lookups = cls(scope)
        people = Teams(plugin)
        book = lookups.book = await Book.load(plugin.house.db)
        lookups._pipelines = Names(_named(book.pipelines))
        lookups._reasons = Names(_named(book.reasons))
        lookups._members = await people.member_names()
        lookups._teams = Names((team.name, team) for team in await people.all_teams())
        lookups._products = await Products(plugin).names()
        scope.memory["lookups"] = lookups
        return lookups

    async def find_accounts(self, plugin: Plugin, records: Iterable[DealRecord]) -> None:
        """Look up the customers of a batch that are not known yet."""
        wanted = {record.account for record in records if record.account is not None}
        wanted |= {self._confirmed("account", name) or name for name in wanted}
        missing = wanted - self._accounts.keys() - self._near_accounts.keys() - self._several
        if not missing:
            return
        customers = plugin.house.customers
        self._accounts |= await customers.ids_by_external(self._scope.source, missing)
        ids = {name: id for name in missing if (id := _as_id(name))}
        there = {each.id for each in await customers.get_many(list(ids.values()))}
        self._accounts |= {name: id for name, id in ids.items() if id in there}
        for name, same in (await customers.ids_by_name(missing - self._accounts.keys())).items():
            if len(same) == 1:
                self._accounts[name] = same[0]
            else:
                self._several.add(name)
        for name in sorted(missing - self._accounts.keys() - self._several):
            await self._ask_for_account(plugin, name)

    async def _ask_for_account(self, plugin: Plugin, name: str) -> None:
        if len(self._near_accounts) + len(self._several) >= MOST_ASKED:
            self._near_accounts[name] = None
            return
        customers = plugin.house.customers
        query = CustomerQuery(q=name, sort="display_name", limit=MOST_OF_A_NAME)
        found = (await customers.find(query)).items
        same = [each for each in found if name_key(each.display_name) == name_key(name)]
        if len(same) == 1:
            self._accounts[name] = same[0].id
        elif same:
            self._several.add(name)
        else:
            near = found or await self._like(plugin, name)
            self._near_accounts[name] = nearest(name, [each.display_name for each in near])

    async def _like(self, plugin: Plugin, name: str) -> list[Customer]:
        """Customers that have something of the longest word of a name."""
        longest = max(name.split(), key=len, default=name)
        query = CustomerQuery(q=longest[:LIKENESS], sort="display_name", limit=MOST_ALIKE)
        return (await plugin.house.customers.find(query)).items

    # -- what names mean -------------------------------------------------------------------------

    def pipeline(self, line: int, name: str | None) -> Meant[Pipeline]:
        """A pipeline; the plan's option or the first one when the row names none."""
        name = name or str(self._scope.options.get("pipeline", "")) or None
        if name is None:
            return Meant(self.book.default)
        return self._meant(line, "pipeline", name, self._pipelines)

    def stage(self, line: int, pipeline: Pipeline, name: str) -> Meant[Stage]:
        """A stage of a pipeline, by its key or one of its titles."""
        names = self._stages.get(pipeline.id)
        if names is None:
            names = self._stages[pipeline.id] = Names(_named(pipeline.stages))
        known = names.get(name) or stage_named(pipeline, name)
        return Meant(known) if known else self._meant(line, "stage", name, names)

    def lost_reason(self, line: int, name: str | None) -> Meant[LostReason]:
        return self._optional(line, "lost_reason", name, self._reasons)

    def agent(self, line: int, name: str | None) -> Meant[Member]:
        return self._optional(line, "agent", name, self._members)

    def team(self, line: int, name: str | None) -> Meant[Team]:
        return self._optional(line, "team", name, self._teams)

    def product(self, line: int, name: str) -> Meant[Product]:
        return self._meant(line, "product", name, self._products)

    def account(self, line: int, name: str | None) -> Meant[UUID]:
        """A customer; :meth:`find_accounts` has looked for it."""
        if name is None:
            return Meant(None, note=_no_account())
        if name in self._several:
            return Meant(None, problem=_several(name))
        if name in self._accounts:
            return Meant(self._accounts[name])
        meant = self._confirmed("account", name)
        proposed = Proposed(
            line=line, field="account", got=name, proposal=meant or self._near_accounts.get(name)
        )
        if meant is not None and meant in self._accounts:
            return Meant(self._accounts[meant], proposed, note=_replaced("account", name, meant))
        return Meant(None, proposed, problem=_nothing("account", meant) if meant else None)

    def _optional(self, line: int, field: str, name: str | None, names: Names[T]) -> Meant[T]:
        return Meant(None) if name is None else self._meant(line, field, name, names)

    def _meant(self, line: int, field: str, name: str, names: Names[T]) -> Meant[T]:
        known = names.get(name)
        if known is not None:
            return Meant(known)
        meant, near = self._confirmed(field, name), names.nearest(name)
        proposed = Proposed(line=line, field=field, got=name, proposal=meant or near)
        if meant is None and field in self._scope.accept_proposals:
            meant = near
        if meant is None:
            return Meant(None, proposed)
        thing = names.get(meant)
        if thing is None:
            return Meant(None, proposed, problem=_nothing(field, meant))
        return Meant(thing, proposed, note=_replaced(field, name, meant))

    def _confirmed(self, field: str, name: str) -> str | None:
        return self._scope.confirmed.get(field, {}).get(name)


def _named(things: Iterable[T]) -> list[tuple[str, T]]:
    """Things by their titles and their key."""
    named = []
    for thing in things:
        for name in ("title", "title_vi", "key"):
            text = getattr(thing, name)
            if text:
                named.append((text, thing))
    return named


def _as_id(name: str) -> UUID | None:
    try:
        return parse_id(name)
    except InvalidInput:
        return None


def _replaced(field: str, got: str, meant: str) -> Problem:
    return Problem(
        code="replaced",
        message=f"{got!r} is taken as {meant!r}, as the plan says",
        where=f"/{field}",
        expected=meant,
        got=repr(got)[:80],
    )


def _nothing(field: str, meant: str) -> Problem:
    return Problem(
        code="confirmed-unknown",
        message="what the plan puts in the place of this value is not known either",
        where=f"/{field}",
        expected="a name that is known",
        got=repr(meant)[:80],
        mend=f"Correct [files.confirm.{field}] in the plan.",
    )


def _no_account() -> Problem:
    return Problem(
        code="no-account",
        message="the deal has no account; it goes in without a customer",
        where="/account",
        expected="a customer",
        got="nothing",
        mend="Set the customer of the deal when it is known.",
    )


def _several(name: str) -> Problem:
    return Problem(
        code="several-customers",
        message="several customers have this name",
        where="/account",
        expected="a name that one customer has, or an external id",
        got=repr(name)[:80],
        mend="Write the customer's external id instead.",
    )
