"""Who sees what, twice: by the guards of the database, and by slow plain Python that knows no SQL.

A small made-up company (accounts in teams of teams, customers, rules) is written through the
services; then random policies are given to its accounts, and what each sees is compared with what
the definitions of :mod:`relatum.access.policies` say about every single customer.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from relatum.access.accounts.tables import StoredAccount
from relatum.access.policies import MASK, Condition, Policy, Rule
from relatum.access.roles.tables import StoredTeam
from relatum.access.sight.combining import sight_of
from relatum.access.sight.types import RuleChange, RuleDraft
from relatum.access.viewer import Sight, Viewer
from relatum.app.house import House
from relatum.customers.types import (
    ContactPointDraft,
    Customer,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
    LinkDraft,
)
from relatum.interactions.types import InteractionDraft
from relatum.values.ids import new_id
from relatum.values.sensitivity import SENSITIVITIES
from relatum.values.time import now

BY = "system"
TAGS = ("vip", "spa", "2026", "Đặc biệt", "a'b", "50%")
ROLES = ("prospect", "customer", "partner", "supplier")
NAMES = ("Lan", "Hoa", "Minh", "Acme", "Bình", "Đức")
SORTS = ("display_name", "-display_name", "created_at", "-created_at", "updated_at", "-updated_at")
FIELDS = (
    FieldDraft(key="skin", type="choice", choices=["dry", "oily"], sensitivity="health"),
    FieldDraft(key="income", type="integer", sensitivity="finance"),
    FieldDraft(key="paper", sensitivity="identity"),
    FieldDraft(key="regular", type="boolean"),
    FieldDraft(key="size", type="decimal"),
)
CLASSES = {each.key: each.sensitivity for each in FIELDS}
#: Values that rules ask for, as text; some that no customer has.
ASKED = {
    "tag": (*TAGS, "nobody"),
    "role": (*ROLES, "employee"),
    "kind": ("person", "organisation"),
    "field.skin": ("dry", "oily", "other"),
    "field.income": ("0", "12", "250", "x"),
    "field.paper": ("A1", "B2", ""),
    "field.regular": ("true", "false", "1"),
    "field.size": ("1.50", "1.5", "2"),
}


@dataclass
class Fact:
    """What is true of one customer, as it was told to the service."""

    id: UUID
    kind: str
    roles: list[str]
    tags: list[str]
    fields: dict[str, Any]
    points: list[tuple[str, str]]
    owner: UUID | None
    team: UUID | None


@dataclass
class Company:
    """A company and everything that is true of it."""

    teams: dict[UUID, UUID | None] = field(default_factory=dict)
    accounts: dict[UUID, list[UUID]] = field(default_factory=dict)
    customers: list[Fact] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


# -- the slow reference --------------------------------------------------------------------------


def sees(company: Company, policies: Sequence[Policy], account: UUID, one: Fact) -> bool:
    """Whether somebody with these policies sees the customer, by the words of the definitions."""
    if one.owner == account:
        return True
    mine = company.accounts[account]
    for policy in policies:
        for scope in policy.scopes:
            if scope == "all":
                return True
            if scope in {"team", "subteams"} and one.team in mine:
                return True
            if scope == "subteams" and one.team is not None and _is_below(company, one.team, mine):
                return True
        for key in policy.rules:
            if key in company.rules and _fits(company.rules[key], one):
                return True
    return False


def _is_below(company: Company, team: UUID, tops: Sequence[UUID]) -> bool:
    above = company.teams[team]
    while above is not None:
        if above in tops:
            return True
        above = company.teams[above]
    return False


def _fits(rule: Rule, one: Fact) -> bool:
    for condition in rule.all_of:
        if not _holds(condition, one):
            return False
    return all(not _holds(condition, one) for condition in rule.none_of)


def _holds(condition: Condition, one: Fact) -> bool:
    found: list[str] = []
    if condition.attribute == "tag":
        found = one.tags
    elif condition.attribute == "role":
        found = one.roles
    elif condition.attribute == "kind":
        found = [one.kind]
    else:
        value = one.fields.get(condition.attribute[len("field.") :])
        if value is True:
            found = ["true"]
        elif value is False:
            found = ["false"]
        elif value is not None:
            found = [str(value)]
    return bool(set(found) & set(condition.is_one_of))


def shown(policies: Sequence[Policy], one: Fact) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Contact points (kind, raw) and fields as they are shown."""
    clear = {each for policy in policies for each in policy.unmasked}
    points = one.points if "contact" in clear else [(k, _masked(k, raw)) for k, raw in one.points]
    fields = {
        key: value if CLASSES[key] is None or CLASSES[key] in clear else MASK
        for key, value in one.fields.items()
    }
    return points, fields


def _masked(kind: str, raw: str) -> str:
    if kind == "phone":
        return MASK + raw[-3:]
    if kind == "email":
        return f"{MASK}@{raw.rsplit('@', maxsplit=1)[-1]}"
    return raw if kind in {"website", "device", "card", "other"} else MASK


# -- a random company ----------------------------------------------------------------------------


async def build(house: House, chance: random.Random, *, customers: int) -> Company:
    """Write a random company; some rules come before the customers, some after."""
    company = Company()
    for number in range(5):
        above = chance.choice([None, *company.teams]) if company.teams else None
        team = StoredTeam(id=new_id(), name=f"team {number}", parent=above, created_at=now())
        await StoredTeam.insert(team).run()
        company.teams[team.id] = above
    for number in range(6):
        account = StoredAccount(id=new_id(), name=f"account {number}", created_at=now())
        await StoredAccount.insert(account).run()
        company.accounts[account.id] = chance.sample(list(company.teams), chance.randrange(3))
    await house.customers.declare_fields(FIELDS)
    await _rules(house, company, chance, 3)
    await _customers(house, company, chance, customers)
    await _rules(house, company, chance, 3)
    await _changes(house, company, chance)
    await _around(house, company, chance)
    return company


async def _rules(house: House, company: Company, chance: random.Random, count: int) -> None:
    for _ in range(count):
        key = f"rule_{len(company.rules)}"
        rule = random_rule(chance)
        made = await house.rules.create(RuleDraft(key=key, rule=rule), by=BY)
        company.rules[key], company.numbers[key] = rule, made.number


def random_rule(chance: random.Random) -> Rule:
    """One to three conditions, some of them negated."""

    def condition() -> Condition:
        attribute = chance.choice(list(ASKED))
        values = ASKED[attribute]
        return Condition(
            attribute=attribute, is_one_of=chance.sample(values, chance.randint(1, len(values)))
        )

    return Rule(
        all_of=[condition() for _ in range(chance.choice([1, 1, 2]))],
        none_of=[condition() for _ in range(chance.choice([0, 0, 1]))],
    )


def _some(chance: random.Random, values: Sequence[str]) -> list[str]:
    return chance.sample(values, chance.randrange(min(4, len(values))))


def _fields(chance: random.Random) -> dict[str, Any]:
    every = {
        "skin": chance.choice(["dry", "oily"]),
        "income": chance.choice([0, 12, 250]),
        "paper": chance.choice(["A1", "B2"]),
        "regular": chance.choice([True, False]),
        "size": chance.choice(["1.50", "2"]),
    }
    return {key: value for key, value in every.items() if chance.random() < 0.5}


def _points(chance: random.Random, number: int) -> list[tuple[str, str]]:
    every = [
        ("phone", f"09{number:08}"),
        ("email", f"p{number}@example.com"),
        ("zalo", f"zalo{number}"),
        ("website", f"example.com/{number}"),
        ("address", f"{number} Hàng Bài"),
    ]
    return [point for point in every if chance.random() < 0.5]


def _contact_points(points: Sequence[tuple[str, str]]) -> list[ContactPointDraft]:
    return [ContactPointDraft(kind=kind, raw=raw) for kind, raw in points]  # type: ignore[arg-type]


async def _customers(house: House, company: Company, chance: random.Random, count: int) -> None:
    drafts, points = [], []
    for number in range(count):
        owner = chance.choice([None, *company.accounts])
        team = (
            chance.choice(list(company.teams)) if owner is None or chance.random() < 0.5 else None
        )
        points.append(_points(chance, number))
        drafts.append(
            CustomerDraft(
                display_name=f"{chance.choice(NAMES)} {number // 4}",
                kind=chance.choice(["person", "organisation"]),
                contact_points=_contact_points(points[-1]),
                roles=_some(chance, ROLES),  # type: ignore[arg-type]
                tags=_some(chance, TAGS),
                fields=_fields(chance),
                owner=owner,
                team=team,
            )
        )
    ids = await house.customers.create(drafts, by=BY)
    company.customers = [
        Fact(
            *(id, draft.kind, list(draft.roles), list(draft.tags), dict(draft.fields), some),
            *(draft.owner, draft.team),
        )
        for id, draft, some in zip(ids, drafts, points, strict=True)
    ]


async def _changes(house: House, company: Company, chance: random.Random) -> None:
    """A third of the customers change, one rule is another one, one goes, two customers go."""
    changes = []
    for one in chance.sample(company.customers, len(company.customers) // 3):
        one.tags, one.team = _some(chance, TAGS), chance.choice([None, *company.teams])
        one.fields = {**one.fields, **_fields(chance)}
        one.kind = chance.choice(["person", "organisation"])
        change = CustomerChange(
            tags=one.tags,
            team=one.team,
            fields=one.fields,
            kind=one.kind,  # type: ignore[arg-type]
        )
        changes.append((one.id, change))
    await house.customers.change_many(changes, by=BY)
    changed, gone = chance.sample(sorted(company.rules), 2)
    company.rules[changed] = random_rule(chance)
    await house.rules.change(changed, RuleChange(rule=company.rules[changed]), by=BY)
    del company.rules[gone], company.numbers[gone]
    await house.rules.remove(gone, by=BY)
    leaving = [company.customers.pop() for _ in range(2)]
    await house.customers.remove([one.id for one in leaving], by=BY)


async def _around(house: House, company: Company, chance: random.Random) -> None:
    """Links between customers and interactions with them, some with nobody."""
    ids = [one.id for one in company.customers]
    pairs = {tuple(chance.sample(ids, 2)) for _ in range(len(ids) // 2)}
    await house.customers.links.create(
        [LinkDraft(source=a, target=b, kind="referred_by") for a, b in sorted(pairs)], by=BY
    )
    await house.interactions.record(
        [
            InteractionDraft(kind="core.note", customer_id=id, payload={"text": "x"})
            for id in chance.sample([*ids, None, None], len(ids) // 2)
        ],
        by=BY,
    )


def random_policies(company: Company, chance: random.Random) -> list[Policy]:
    """Of one or two roles."""
    return [
        Policy(
            scopes=chance.sample(["own", "team", "subteams"], chance.randrange(4))
            + (["all"] if chance.random() < 0.1 else []),
            rules=chance.sample(["rule_unknown", *sorted(company.rules)], chance.randrange(4)),
            unmasked=chance.sample(SENSITIVITIES, chance.randrange(6)),
        )
        for _ in range(chance.choice([1, 1, 2]))
    ]


def viewer_with(company: Company, policies: Sequence[Policy], account: UUID) -> Viewer:
    """The account as roles with these policies make it."""
    mine = company.accounts[account]
    sight = sight_of(
        policies,
        account=account,
        teams=mine,
        below=[team for team in company.teams if _is_below(company, team, mine)],
        rules=company.numbers,
    )
    return viewer_of(account, sight)


def viewer_of(account: UUID, sight: Sight) -> Viewer:
    """A person who sees this."""
    return Viewer(actor=f"person:{account}", kind="person", account=account, sight=sight)


# -- the comparison ------------------------------------------------------------------------------


async def differences(
    house: House, company: Company, policies: Sequence[Policy], account: UUID
) -> list[str]:
    """Where the database shows somebody something else than the reference; nothing when equal."""
    wanted = {one.id for one in company.customers if sees(company, policies, account, one)}
    async with house.sights.looking_as(viewer_with(company, policies, account)):
        found = {id for (id,) in await house.db.fetch("SELECT id FROM core_customer")}
    return [f"{policies}: {id} {'hidden' if id in wanted else 'shown'}" for id in found ^ wanted]


async def list_differences(
    house: House, company: Company, policies: Sequence[Policy], account: UUID, query: CustomerQuery
) -> list[str]:
    """The same for every page of a list: its customers, their order and what is masked of them."""
    facts = {one.id: one for one in company.customers}
    wanted = [
        one.id
        for one in await _walked(house, query)
        if sees(company, policies, account, facts[one.id])
    ]
    async with house.sights.looking_as(viewer_with(company, policies, account)):
        found = await _walked(house, query)
    if [one.id for one in found] != wanted:
        return [f"{policies} {query.sort}: {[one.id for one in found]} instead of {wanted}"]
    return [
        f"{policies}: {one.display_name} shows {_content(one)}"
        for one in found
        if _content(one) != shown(policies, facts[one.id])
    ]


async def _walked(house: House, query: CustomerQuery) -> list[Customer]:
    found: list[Customer] = []
    while True:
        page = await house.customers.find(query)
        found += page.items
        if page.next is None:
            return found
        query = msgspec.structs.replace(query, cursor=page.next)


def _content(one: Customer) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    return [(point.kind, point.raw) for point in one.contact_points], one.fields
