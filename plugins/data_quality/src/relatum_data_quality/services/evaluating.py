"""Rules applied to customers of the database, and what they found put down."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Customer, Plugin, QualityRule, local_day, new_ids, now
from relatum_data_quality.rules.catalogue import BY_ID, RULES
from relatum_data_quality.rules.types import Flaw, Known, Rule, evaluate, field_of
from relatum_data_quality.scoring import Score, fields_known, score
from relatum_data_quality.services.bound import not_given
from relatum_data_quality.services.own_rules import OwnRules
from relatum_data_quality.services.verifications import read_verified
from relatum_data_quality.settings import Settings

FINDING = (
    *("id", "customer_id", "rule", "dimension", "severity", "field"),
    *("certain", "fingerprint", "state", "reason", "found_at"),
)
SCORE = (
    *("id", "customer_id", "completeness", "validity", "uniqueness", "freshness"),
    *("consistency", "quality", "stale", "incomplete", "source"),
)
AT_ONCE = 1000


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """That a rule found something in a customer."""

    customer: UUID
    rule: str
    dimension: str
    severity: str
    field: str
    certain: bool
    fingerprint: str


class Evaluated(msgspec.Struct, kw_only=True):
    """What an evaluation came to."""

    customers: int = 0
    found: int = 0


def rules_of(settings: Settings) -> list[Rule]:
    """The rules of this plugin that are on."""
    return [each for each in RULES if each.id not in settings.off]


def dimension_of(plugin: Plugin, rule: str) -> str:
    """The dimension of a rule; empty when its plugin is off."""
    if rule in BY_ID:
        return BY_ID[rule].dimension
    other = plugin.house.registry.quality_rules.find(rule)
    return other.dimension if other else ""


class Evaluating:
    """The only writer of findings as they are found, and of scores."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._db = plugin.house.db
        self._settings: Settings = plugin.settings

    async def all(self) -> Evaluated:
        """Everybody, in batches; each batch is a transaction of its own."""
        done = Evaluated()
        async for some in self._plugin.house.customers.all_batches(AT_ONCE):
            done.found += await self.these(some)
            done.customers += len(some)
        return done

    async def again(self, ids: Iterable[UUID]) -> int:
        """Customers that changed, and those that share a contact point with them."""
        wanted = sorted(set(ids))
        rows = await self._db.fetch_in(
            "SELECT DISTINCT o.customer_id FROM core_contact_point p JOIN core_contact_point o "
            "ON o.normalised = p.normalised AND o.kind = p.kind "
            "WHERE p.customer_id IN ({}) AND p.kind IN ('phone', 'email') AND p.normalised <> ''",
            wanted,
        )
        everybody = sorted({*wanted, *(row[0] for row in rows)})
        found = 0
        for start in range(0, len(everybody), AT_ONCE):
            some = everybody[start : start + AT_ONCE]
            found += await self.these(await self._plugin.house.customers.get_many(some))
        return found

    async def these(self, customers: Sequence[Customer]) -> int:
        """Apply the rules to these, put down what is new, close what is gone, and score them.

        Returns:
            How many findings there are.
        """
        if not customers:
            return 0
        known = await self.known(customers)
        rules = [*rules_of(self._settings), *known.own.values()]
        answers = await asyncio.to_thread(evaluate, rules, customers, known)
        found = [
            _found(one, rule, flaws)
            for one, answer in zip(customers, answers, strict=True)
            for rule, flaws in answer
        ]
        others, failed = await self._others(customers)
        found += others
        ids = [each.id for each in customers]
        async with self._db.transaction():
            await self._db.hold("data_quality.findings")
            # Somebody may have been removed or merged meanwhile.
            there = {
                row[0]
                for row in await self._db.fetch_in(
                    "SELECT id FROM core_customer WHERE id IN ({})", ids
                )
            }
            found = [each for each in found if each.customer in there]
            accepted = await self._put(sorted(there), found, failed)
            await self._score([c for c in customers if c.id in there], found, accepted, known)
        return len(found)

    async def known(self, customers: Sequence[Customer]) -> Known:
        """What rules may know of these customers besides themselves."""
        house, settings = self._plugin.house, self._settings
        return Known(
            today=local_day(now(), house.settings.company.time_zone),
            country=house.settings.company.country,
            birth_field=settings.birth_field,
            tax_field=settings.tax_field,
            gender_field=settings.gender_field,
            need_field=settings.need_field,
            shared=await self._shared(customers),
            verified=await read_verified(self._db, [each.id for each in customers]),
            half_lives=settings.half_lives,
            expired_below=settings.expired_below,
            own=await OwnRules(self._plugin).applied(),
            not_given=await not_given(self._plugin),
        )

    async def _shared(self, customers: Sequence[Customer]) -> dict[tuple[str, str], int]:
        points = {
            p.normalised
            for each in customers
            for p in each.contact_points
            if p.kind in {"phone", "email"} and p.normalised
        }
        rows = await self._db.fetch_in(
            "SELECT kind, normalised, count(DISTINCT customer_id) FROM core_contact_point "
            "WHERE normalised IN ({}) GROUP BY kind, normalised",
            sorted(points),
        )
        found = {(kind, value): int(count) for kind, value, count in rows if count > 1}
        key = self._settings.tax_field
        codes = {code for each in customers if (code := field_of(each, key))}
        value = "fields ->> ?" if self._db.kind == "postgresql" else "json_extract(fields, ?)"
        path = key if self._db.kind == "postgresql" else f"$.{key}"
        if codes:
            rows = await self._db.fetch(
                f"SELECT code, count(*) FROM (SELECT {value} AS code FROM core_customer) AS coded "  # noqa: S608 - our own
                "WHERE code IS NOT NULL GROUP BY code HAVING count(*) > 1",
                path,
            )
            found |= {
                ("tax_code", _digits(code)): int(count) for code, count in rows if code in codes
            }
        return found

    async def _others(self, customers: Sequence[Customer]) -> tuple[list[Found], set[str]]:
        """What rules of other plugins find, and the ids of those that failed."""
        found: list[Found] = []
        failed: set[str] = set()
        ids = {each.id for each in customers}
        registry = self._plugin.house.registry
        for rule in registry.quality_rules:
            if rule.id in self._settings.off:
                continue
            owner = registry.plugins[rule.id.partition(".")[0]]
            try:
                said: Mapping[UUID, str] = await self._asked(rule, owner, customers)
            except Exception:
                self._plugin.log.exception("the quality rule %s failed", rule.id)
                failed.add(rule.id)
                continue
            found += [_of_other(id, rule, text) for id, text in said.items() if id in ids]
        return found, failed

    async def _asked(
        self, rule: QualityRule, owner: Plugin, customers: Sequence[Customer]
    ) -> Mapping[UUID, str]:
        async with owner.at_work():
            if not self._db.in_transaction():
                return await rule.find(owner, owner.given(customers))
            # A statement that failed would spoil the whole transaction on PostgreSQL.
            async with self._db.savepoint():
                return await rule.find(owner, owner.given(customers))

    async def _put(
        self, ids: Sequence[UUID], found: Sequence[Found], failed: set[str]
    ) -> set[tuple[UUID, str]]:
        """Findings as they are now; returns those that somebody accepted."""
        rows = await self._db.fetch_in(
            "SELECT id, customer_id, rule, fingerprint, state FROM data_quality_finding "
            "WHERE customer_id IN ({}) ORDER BY found_at, id",
            ids,
        )
        before: dict[tuple[UUID, str], tuple[Any, ...]] = {}
        # Two that were merged both had it.
        doubled = [(row[0],) for row in rows if before.setdefault((row[1], row[2]), row) is not row]
        wanted = {(each.customer, each.rule): each for each in found}
        fresh = [each for key, each in wanted.items() if key not in before]
        gone = [
            (moment, row[0])
            for moment in (now(),)
            for key, row in before.items()
            if key not in wanted and key[1] not in failed and row[4] in {"open", "accepted"}
        ]
        reopened = [
            (each.fingerprint, each.certain, before[key][0])
            for key, each in wanted.items()
            if key in before
            and (before[key][4] in {"mended", "gone"} or before[key][3] != each.fingerprint)
        ]
        await self._write(fresh, gone, reopened, doubled)
        return {
            key
            for key, each in wanted.items()
            if key in before and before[key][4] == "accepted" and before[key][3] == each.fingerprint
        }

    async def _write(
        self,
        fresh: Sequence[Found],
        gone: Sequence[tuple[Any, ...]],
        reopened: Sequence[tuple[Any, ...]],
        doubled: Sequence[tuple[Any, ...]],
    ) -> None:
        db, moment = self._db, now()
        await db.execute_many("DELETE FROM data_quality_finding WHERE id = ?", doubled)
        await db.execute_many(
            "UPDATE data_quality_finding SET state = 'gone', changed_at = ? WHERE id = ?", gone
        )
        await db.execute_many(
            "UPDATE data_quality_finding SET state = 'open', reason = '', fingerprint = ?, "
            "certain = ?, version = NULL WHERE id = ?",
            reopened,
        )
        await db.insert(
            "data_quality_finding",
            FINDING,
            [
                (
                    id,
                    f.customer,
                    f.rule,
                    f.dimension,
                    f.severity,
                    f.field,
                    f.certain,
                    f.fingerprint,
                    "open",
                    "",
                    moment,
                )
                for id, f in zip(new_ids(len(fresh)), fresh, strict=True)
            ],
        )

    async def _score(
        self,
        customers: Sequence[Customer],
        found: Sequence[Found],
        accepted: set[tuple[UUID, str]],
        known: Known,
    ) -> None:
        flawed: dict[UUID, set[tuple[str, str]]] = {}
        for each in found:
            if (each.customer, each.rule) not in accepted:
                flawed.setdefault(each.customer, set()).add((each.dimension, each.field))
        rows = [self._row(c, flawed.get(c.id, set()), known) for c in customers]
        await self._db.execute_many(
            "DELETE FROM data_quality_score WHERE customer_id = ?", [(c.id,) for c in customers]
        )
        await self._db.insert(
            "data_quality_score",
            SCORE,
            [(id, *row) for id, row in zip(new_ids(len(rows)), rows, strict=True)],
        )

    def _row(
        self, customer: Customer, flawed: set[tuple[str, str]], known: Known
    ) -> tuple[Any, ...]:
        settings = self._settings
        made: Score = score(customer, flawed, known, weights_of(customer, known, settings))
        return (
            customer.id,
            made.completeness,
            made.validity,
            made.uniqueness,
            made.freshness,
            made.consistency,
            made.index(settings.shares),
            any(dimension == "freshness" for dimension, _ in flawed),
            made.completeness < settings.incomplete_below,
            min(customer.external_ids, default=""),
        )


def weights_of(customer: Customer, known: Known, settings: Settings) -> Mapping[str, float]:
    """The weights of the settings, and of fields that only own rules ask of this customer.

    Fields that are for other purposes have none.
    """
    keys = {"birth": known.birth_field, "need": known.need_field}
    weights = {f: w for f, w in settings.weights.items() if keys.get(f) not in known.not_given}
    own: dict[str, float] = {}
    for rule in known.own.values():
        if rule.field not in settings.weights and rule.counts and rule.counts(customer):
            own[rule.field] = max(rule.weight, own.get(rule.field, 0.0))
    return {**weights, **own}


def missing_of(customer: Customer, known: Known, wanted: Mapping[str, float]) -> list[str]:
    """The wanted fields that a record lacks."""
    there = fields_known(customer, known)
    return [f for f in wanted if f not in there and (f != "birth" or customer.kind == "person")]


def _digits(text: object) -> str:
    return "".join(filter(str.isdigit, str(text)))


def _found(customer: Customer, rule: Rule, flaws: Sequence[Flaw]) -> Found:
    return Found(
        customer=customer.id,
        rule=rule.id,
        dimension=rule.dimension,
        severity=rule.severity,
        field=rule.field,
        certain=any(flaw.fixes for flaw in flaws),
        fingerprint=_fingerprint(customer.id, sorted(flaw.value for flaw in flaws)),
    )


def _of_other(customer: UUID, rule: QualityRule, text: str) -> Found:
    return Found(
        customer=customer,
        rule=rule.id,
        dimension=rule.dimension,
        severity=rule.severity,
        field=rule.field,
        certain=False,
        fingerprint=_fingerprint(customer, [str(text)]),
    )


def _fingerprint(customer: UUID, values: Sequence[str]) -> str:
    digest = hashlib.blake2b("\0".join(values).encode(), digest_size=12, salt=customer.bytes)
    return digest.hexdigest()
