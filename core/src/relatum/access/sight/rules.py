"""Stored rules: the only writer of their table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from relatum.access.policies import Rule
from relatum.access.sight.events import RULE_CHANGED, RuleChanged
from relatum.access.sight.fitting import field_keys
from relatum.access.sight.members import RuleMembers, rule_from
from relatum.access.sight.types import NamedRule, RuleChange, RuleDraft
from relatum.access.viewer import current_viewer
from relatum.db.database import to_json
from relatum.events.types import NewEvent
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem, Refused

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog

SELECT = "SELECT id, key, title_en, title_vi, rule, version FROM core_rule"


class Rules:
    """Rules by which policies show customers. Changing one finds its members anew, at once."""

    def __init__(self, db: Database, events: EventLog) -> None:
        self._db = db
        self._events = events
        self._members = RuleMembers(db)

    async def all(self) -> list[NamedRule]:
        """Every rule, by key."""
        return [_named(row) for row in await self._db.fetch(f"{SELECT} ORDER BY key")]

    async def get(self, key: str) -> NamedRule:
        """One rule.

        Raises:
            NotFound: there is none with this key.
        """
        row = await self._db.fetch_one(f"{SELECT} WHERE key = ?", key)
        if row is None:
            raise NotFound(f"expected the key of a rule, got {key!r}; there is none")
        return _named(row)

    async def numbers(self, keys: Iterable[str]) -> dict[str, int]:
        """The numbers of rules by their keys; keys of no rule are left out."""
        found = await self._db.fetch_in(
            "SELECT key, id FROM core_rule WHERE key IN ({})", list(dict.fromkeys(keys))
        )
        return dict(found)

    async def create(self, draft: RuleDraft, *, by: str) -> NamedRule:
        """Store a rule and find its members.

        Raises:
            Conflict: the key is taken.
            InvalidInput: the rule looks at a field that is not declared, or at a secret one.
            Refused: whoever makes it does not see every customer.
        """
        _refuse_narrow()
        async with self._db.transaction():
            await self._members.hold_all()
            await self._refuse_fields(draft.rule)
            if draft.key in await self.numbers([draft.key]):
                raise Conflict(
                    f"expected a key that no rule has, got {draft.key!r}; change that rule, or "
                    "choose another key"
                )
            await self._db.execute(
                "INSERT INTO core_rule (key, title_en, title_vi, rule, version) "
                "VALUES (?, ?, ?, ?, 1)",
                draft.key,
                draft.title_en,
                draft.title_vi,
                to_json(draft.rule),
            )
            made = await self.get(draft.key)
            await self._members.rebuild(made.number, made.rule)
            await self._tell(None, made, by)
        return made

    async def change(
        self, key: str, change: RuleChange, *, by: str, version: int | None = None
    ) -> NamedRule:
        """Change a rule and find its members anew.

        Args:
            version: the one the change was made from; a later one in the database is a conflict.

        Raises:
            NotFound: there is none with this key.
            Conflict: somebody changed the rule meanwhile.
            InvalidInput: the rule looks at a field that is not declared, or at a secret one.
            Refused: whoever changes it does not see every customer.
        """
        _refuse_narrow()
        async with self._db.transaction():
            await self._members.hold_all()
            before = await self.get(key)
            if version is not None and version != before.version:
                raise Conflict(
                    f"expected version {before.version} of this rule, got a change made from "
                    f"version {version}; look at both and send the change again from the new one",
                    extra={"current": before, "yours": change},
                )
            after = _after(before, change)
            if after == before:
                return before
            after = msgspec.structs.replace(after, version=before.version + 1)
            if after.rule != before.rule:
                await self._refuse_fields(after.rule)
                await self._members.rebuild(after.number, after.rule)
            await self._db.execute(
                "UPDATE core_rule SET title_en = ?, title_vi = ?, rule = ?, version = ? "
                "WHERE id = ?",
                after.title_en,
                after.title_vi,
                to_json(after.rule),
                after.version,
                after.number,
            )
            await self._tell(before, after, by)
        return after

    async def remove(self, key: str, *, by: str) -> None:
        """Remove a rule; policies that name it show nothing by it any more.

        Raises:
            NotFound: there is none with this key.
            Refused: whoever removes it does not see every customer.
        """
        _refuse_narrow()
        async with self._db.transaction():
            await self._members.hold_all()
            before = await self.get(key)
            await self._members.rebuild(before.number, None)
            await self._db.execute("DELETE FROM core_rule WHERE id = ?", before.number)
            await self._tell(before, None, by)

    async def _tell(self, before: NamedRule | None, after: NamedRule | None, by: str) -> None:
        one = after or before
        key = one.key if one else ""
        event = NewEvent(type=RULE_CHANGED, payload=RuleChanged(key, before, after))
        await self._events.append([event], by=by)

    async def _refuse_fields(self, rule: Rule) -> None:
        found = await self._db.fetch("SELECT key, sensitivity FROM core_customer_field")
        known = {key for key, sensitivity in found if sensitivity != "secret"}
        unknown = sorted(field_keys(rule) - known)
        if unknown:
            raise InvalidInput(
                "The rule looks at a field that it cannot compare.",
                problems=[
                    Problem(
                        code="unknown-field",
                        message=f"there is no custom field {key!r} that a rule can look at",
                        where="/rule",
                        expected=", ".join(sorted(known)) or "no such fields are declared yet",
                        got=key,
                        mend="Mend the name, or declare the field first (not as a secret).",
                    )
                    for key in unknown
                ],
            )


def _after(before: NamedRule, change: RuleChange) -> NamedRule:
    given = {
        name: value
        for name in RuleChange.__struct_fields__
        if (value := getattr(change, name)) is not UNSET
    }
    return msgspec.structs.replace(before, **given)


def _named(row: tuple[object, ...]) -> NamedRule:
    number, key, title_en, title_vi, rule, version = row
    return NamedRule(
        number=number,  # type: ignore[arg-type]
        key=str(key),
        title_en=str(title_en),
        title_vi=str(title_vi),
        rule=rule_from(str(rule)),
        version=version,  # type: ignore[arg-type]
    )


def _refuse_narrow() -> None:
    """A rule decides what others see; nobody shows more than they see themselves.

    Raises:
        Refused: the current viewer does not see every customer.
    """
    if not current_viewer().sight.everything:
        raise Refused(
            "expected somebody who sees every customer, because a rule decides what others see; "
            "ask an owner"
        )
