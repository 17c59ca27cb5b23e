"""Rules of the company itself: made, changed, switched off, removed, and tried beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import (
    Conflict,
    Customer,
    InvalidInput,
    NewEvent,
    NotFound,
    Plugin,
    Problem,
    Text,
    clean_line,
    local_day,
    new_id,
    now,
)
from relatum_data_quality.events import OWN_RULE, OwnRuleChanged
from relatum_data_quality.rules import own as rules
from relatum_data_quality.rules.types import Known, Rule, evaluate
from relatum_data_quality.services.bound import not_given
from relatum_data_quality.settings import Settings
from relatum_data_quality.types import OwnPreview, OwnRule, OwnRuleDraft

_COLUMNS = (
    *("id", "kind", "field", "people", "role", "tag", "severity", "weight", "title_en"),
    *("title_vi", "terms", "active", "version"),
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM data_quality_own_rule"  # noqa: S608 - our own
_TERMS = ("least", "most", "words", "days")
#: Each is applied to everybody, so there is an end to them.
MOST_RULES = 100
MOST_WORDS = 200
MOST_DIGITS = 500
#: A finding names its field in sixty characters, ``field:`` among them.
LONGEST_KEY = 54
#: A preview is waited for; more customers are left to the night.
PREVIEW_MOST = 5000
PREVIEW_NAMED = 5
_AT_ONCE = 1000
_HELD = "data_quality.own_rules"
#: Kinds of contact points that a rule may be about.
POINTS = ("phone", "email", "address", "zalo", "facebook", "website")
_FIELD_TYPES = {
    "digits": {"text"},
    "number": {"text", "integer", "decimal"},
    "words": {"text", "choice"},
    "domain": {"text"},
    "not_future": {"date"},
    "not_past": {"date"},
    "not_older": {"date"},
}
_POINT_KINDS = {
    "required": POINTS,
    "digits": ("phone", "zalo"),
    "domain": ("email",),
}


class OwnRules:
    """The only writer of own rules."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._db = plugin.house.db
        self._customers = plugin.house.customers
        self._settings: Settings = plugin.settings

    # -- reading ---------------------------------------------------------------------------------

    async def all(self) -> list[OwnRule]:
        """Those that nobody removed, in the order in which they were made."""
        rows = await self._db.fetch(f"{_SELECT} WHERE removed_at IS NULL ORDER BY id")
        return [_own(row) for row in rows]

    async def get(self, id: UUID) -> OwnRule:
        """One of them.

        Raises:
            NotFound: there is none with this id, or it was removed.
        """
        row = await self._db.fetch_one(f"{_SELECT} WHERE id = ? AND removed_at IS NULL", id)
        if row is None:
            raise NotFound(f"there is no own quality rule with the id {id}")
        return _own(row)

    async def applied(self) -> dict[str, Rule]:
        """Those that are on, as they are applied, by the id that findings have.

        Without those about fields that are for other purposes: those would be missing everywhere.
        """
        bound = {f"{rules.FIELD}:{key}" for key in await not_given(self._plugin)}
        active = [each for each in await self.all() if each.active and each.field not in bound]
        found = [rules.rule_of(each, self._names()) for each in active]
        return {each.id: each for each in found}

    async def titles(self) -> dict[str, Text]:
        """What each is called, by the id that findings have; removed ones as well."""
        rows = await self._db.fetch("SELECT id, title_en, title_vi FROM data_quality_own_rule")
        return {rules.rule_id(id): Text(en=en, vi=vi) for id, en, vi in rows}

    async def fields(self, kind: str) -> list[tuple[str, str, str]]:
        """What a rule of this kind may be about: field, English title, Vietnamese title."""
        points = [(f"{rules.POINT}:{each}", "", "") for each in _POINT_KINDS.get(kind, ())]
        types, bound = _FIELD_TYPES.get(kind), await not_given(self._plugin)
        declared = [
            (f"{rules.FIELD}:{each.key}", each.title_en or each.key, each.title_vi or each.key)
            for each in await self._customers.fields()
            if (types is None or each.type in types)
            and len(each.key) <= LONGEST_KEY
            and each.key not in bound
        ]
        return [*points, *declared]

    async def preview(self, draft: OwnRuleDraft) -> OwnPreview:
        """How many of the customers that the viewer sees a rule would find, without keeping it.

        Looks at the first ``PREVIEW_MOST`` customers; ``whole`` says whether those are all.

        Raises:
            InvalidInput: the rule cannot be.
        """
        own = await self._checked(draft)
        rule = rules.rule_of(_with(own, new_id(), version=1, active=True), self._names())
        company = self._plugin.house.settings.company
        known = Known(today=local_day(now(), company.time_zone), country=company.country)
        looked, found, first, whole = 0, 0, list[tuple[UUID, str]](), True
        async for some in self._customers.all_batches(_AT_ONCE):
            if looked >= PREVIEW_MOST:
                whole = False
                break
            answers = await asyncio.to_thread(evaluate, [rule], some, known)
            hit = [c for c, answer in zip(some, answers, strict=True) if answer]
            looked, found = looked + len(some), found + len(hit)
            first += _named(hit)[: PREVIEW_NAMED - len(first)]
        return OwnPreview(looked=looked, found=found, whole=whole, first=first)

    # -- writing ---------------------------------------------------------------------------------

    async def create(self, draft: OwnRuleDraft, *, by: str) -> OwnRule:
        """Keep a rule; it is on.

        Raises:
            InvalidInput: it cannot be, or there are too many.
        """
        clean = await self._checked(draft)
        async with self._db.transaction():
            await self._db.hold(_HELD)
            if len(await self.all()) >= MOST_RULES:
                raise Conflict(
                    f"expected at most {MOST_RULES} own rules, got one more; remove one first"
                )
            made = _with(clean, new_id(), version=1, active=True)
            columns = (*_COLUMNS, "changed_at", "changed_by")
            await self._db.insert("data_quality_own_rule", columns, [(*_row(made), now(), by)])
            await self._tell(None, made, by=by)
        return made

    async def change(
        self, id: UUID, draft: OwnRuleDraft, *, by: str, version: int | None = None
    ) -> OwnRule:
        """Change a rule; its kind stays.

        Args:
            version: that the change was made from; ``None`` where nobody cares.

        Raises:
            NotFound: there is no such rule.
            InvalidInput: it cannot be.
            Conflict: somebody changed it meanwhile.
        """
        clean = await self._checked(draft)
        async with self._db.transaction():
            await self._db.hold(_HELD)
            before = await self.get(id)
            _expect(before, draft.kind, version)
            after = _with(clean, id, version=before.version + 1, active=before.active)
            await self._write(before, after, by=by)
        return after

    async def switch(self, id: UUID, *, active: bool, by: str) -> OwnRule:
        """Switch a rule on or off.

        Raises:
            NotFound: there is no such rule.
        """
        async with self._db.transaction():
            await self._db.hold(_HELD)
            before = await self.get(id)
            if before.active == active:
                return before
            after = msgspec.structs.replace(before, active=active, version=before.version + 1)
            await self._write(before, after, by=by)
        return after

    async def remove(self, id: UUID, *, by: str) -> None:
        """Remove a rule; its title stays for the findings that are gone.

        Raises:
            NotFound: there is no such rule.
        """
        async with self._db.transaction():
            await self._db.hold(_HELD)
            before = await self.get(id)
            await self._db.execute(
                "UPDATE data_quality_own_rule SET active = ?, removed_at = ?, changed_by = ? "
                "WHERE id = ?",
                False,
                now(),
                by,
                id,
            )
            await self._tell(before, None, by=by)

    async def _write(self, before: OwnRule, after: OwnRule, *, by: str) -> None:
        sets = ", ".join(f"{name} = ?" for name in _COLUMNS[1:])
        await self._db.execute(
            f"UPDATE data_quality_own_rule SET {sets}, changed_at = ?, changed_by = ? "  # noqa: S608 - our own
            "WHERE id = ?",
            *_row(after)[1:],
            now(),
            by,
            after.id,
        )
        await self._tell(before, after, by=by)

    async def _tell(self, before: OwnRule | None, after: OwnRule | None, *, by: str) -> None:
        one = after or before
        changes = rules.changes_of(before, after)
        if one is not None and changes:
            payload = OwnRuleChanged(id=str(one.id), name=one.title_en, changes=changes)
            await self._plugin.house.events.append(
                [NewEvent(type=OWN_RULE, payload=payload)], by=by
            )

    # -- checking --------------------------------------------------------------------------------

    def _names(self) -> dict[str, str]:
        return {self._settings.birth_field: "birth", self._settings.need_field: "need"}

    async def _checked(self, draft: OwnRuleDraft) -> OwnRuleDraft:
        """The draft with clean texts, and without what its kind has no use for."""
        allowed = [field for field, _, _ in await self.fields(draft.kind)]
        clean = _clean(draft)
        problems = list(_problems(clean, allowed))
        if problems:
            raise InvalidInput("The rule cannot be accepted.", problems=problems)
        return clean


def _clean(draft: OwnRuleDraft) -> OwnRuleDraft:
    def line(name: str, most: int) -> str:
        return clean_line(getattr(draft, name), what=name, max_length=most, where=f"/{name}")

    words = [clean_line(each, what="words", max_length=100, where="/words") for each in draft.words]
    if draft.kind == "domain":
        words = [each.removeprefix("@").casefold() for each in words]
    bounded, listed = draft.kind in {"digits", "number"}, draft.kind in {"words", "domain"}
    return msgspec.structs.replace(
        draft,
        title_en=line("title_en", 120),
        title_vi=line("title_vi", 120),
        tag=line("tag", 60),
        least=draft.least.strip() if bounded else "",
        most=draft.most.strip() if bounded else "",
        words=list(dict.fromkeys(filter(None, words))) if listed else [],
        days=draft.days if draft.kind == "not_older" else None,
    )


def _problems(draft: OwnRuleDraft, allowed: Sequence[str]) -> Iterator[Problem]:
    for name in ("title_en", "title_vi"):
        if not getattr(draft, name):
            yield _missing(name)
    if draft.field not in allowed:
        yield Problem(
            code="wrong-value",
            message=f"a rule of the kind {draft.kind} cannot be about {draft.field!r}",
            where="/field",
            expected="one of " + ", ".join(allowed)[:300],
            got=draft.field,
            mend="Choose a field of the list.",
        )
    if draft.kind in {"digits", "number"}:
        yield from _bounds(draft)
    elif draft.kind in {"words", "domain"}:
        yield from _listed(draft)
    elif draft.kind == "not_older" and draft.days is None:
        yield _missing("days")


def _bounds(draft: OwnRuleDraft) -> Iterator[Problem]:
    if not draft.least and not draft.most:
        yield _missing("least")
    read: list[Decimal | None] = []
    for name in ("least", "most"):
        text = getattr(draft, name)
        number = rules.number_of(text) if text else None
        read.append(number)
        whole = draft.kind == "digits"
        if text and (
            number is None or (whole and not (_is_whole(text) and 1 <= number <= MOST_DIGITS))
        ):
            expected = (
                f"a whole number from 1 to {MOST_DIGITS}"
                if whole
                else "text that matches a number such as 12.5"
            )
            yield _unfit(name, expected, text)
    least, most = read
    if least is not None and most is not None and least > most:
        yield _unfit("most", f"text that matches a number of at least {draft.least}", draft.most)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _listed(draft: OwnRuleDraft) -> Iterator[Problem]:
    if not draft.words:
        yield _missing("words")
    if len(draft.words) > MOST_WORDS:
        yield _unfit(
            "words", f"text that matches at most {MOST_WORDS} lines", str(len(draft.words))
        )
    if draft.kind == "domain":
        for word in draft.words:
            if "." not in word or "@" in word or " " in word:
                yield _unfit("words", "text that matches domains such as example.com", word)
                return


def _missing(name: str) -> Problem:
    return Problem(
        code="missing",
        message=f"{name} is not filled in",
        where=f"/{name}",
        expected="a value",
        got="nothing",
        mend="Fill it in.",
    )


def _unfit(name: str, expected: str, got: str) -> Problem:
    return Problem(
        code="wrong-value",
        message=f"{name} cannot be this",
        where=f"/{name}",
        expected=expected,
        got=got[:80],
        mend="Change it.",
    )


def _expect(before: OwnRule, kind: str, version: int | None) -> None:
    if before.kind != kind:
        raise Conflict(
            f"expected a rule of the kind {before.kind}, got {kind}; make a new rule instead"
        )
    if version is not None and version != before.version:
        raise Conflict(
            f"expected a change made from version {before.version}, got one from {version}; "
            "open the rule again"
        )


def _with(draft: OwnRuleDraft, id: UUID, *, version: int, active: bool) -> OwnRule:
    return OwnRule(
        **{name: getattr(draft, name) for name in OwnRuleDraft.__struct_fields__},
        id=id,
        version=version,
        active=active,
    )


def _row(own: OwnRule) -> tuple[Any, ...]:
    terms = msgspec.json.encode({name: getattr(own, name) for name in _TERMS}).decode()
    return tuple(terms if name == "terms" else getattr(own, name) for name in _COLUMNS)


def _own(row: Sequence[Any]) -> OwnRule:
    values = dict(zip(_COLUMNS, row, strict=True))
    values |= msgspec.json.decode(values.pop("terms"))
    values["active"] = bool(values["active"])
    return msgspec.convert(values, OwnRule)


def _named(customers: Sequence[Customer]) -> list[tuple[UUID, str]]:
    return [(each.id, each.display_name) for each in customers]
