"""The questions of the qualification form: data that the company shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Conflict, NotFound, Plugin, new_id, to_json
from relatum_sales_pipeline.events import QUESTION_CHANGED
from relatum_sales_pipeline.qualification import Choice, Question
from relatum_sales_pipeline.score import WHOLE
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.records import given_fields, update
from relatum_sales_pipeline.services.settings_log import (
    SettingsLog,
    differing,
    expect_seen,
    hold,
)
from relatum_sales_pipeline.types.leads import QuestionDraft, QuestionEdit

SELECT = (
    "SELECT id, key, test, customer_kind, title, title_vi, weight, choices, active, position "
    "FROM sales_pipeline_question"
)


class KeptQuestion(msgspec.Struct, frozen=True):
    """A question with its id and its place on the form."""

    id: UUID
    question: Question
    active: bool
    position: int

    @property
    def values(self) -> dict[str, Any]:
        """What can change of it."""
        kept = msgspec.structs.asdict(self.question)
        return {**kept, "active": self.active, "position": self.position}


class Questions:
    """The only writer of questions."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db
        self._log = SettingsLog(plugin)

    async def all(self) -> list[KeptQuestion]:
        """Every question in the order of the form, also those that are not asked any more."""
        rows = await self._db.fetch(f"{SELECT} ORDER BY position, key")
        return [_stored(row) for row in rows]

    async def get(self, key: str) -> KeptQuestion:
        """One question.

        Raises:
            NotFound: there is none with this key.
        """
        return _of(await self.all(), key)

    async def create(self, draft: QuestionDraft, *, by: str = "system") -> Question:
        """Put a question on the form.

        Raises:
            Conflict: the key is taken.
            InvalidInput: two choices of one key.
        """
        _check(draft.title, draft.title_vi, draft.choices)
        async with self._db.transaction():
            await hold(self._db)
            known = {each.question.key for each in await self.all()}
            if draft.key in known:
                raise Conflict(
                    f"expected a key that no other question has, got {draft.key!r}; choose another"
                )
            values = msgspec.structs.asdict(draft)
            values |= {"id": new_id(), "choices": to_json(draft.choices), "active": True}
            await self._db.insert(
                "sales_pipeline_question", tuple(values), [tuple(values.values())]
            )
            made = await self.get(draft.key)
            await self._tell([(None, made)], by)
            return made.question

    async def change(
        self, key: str, edit: QuestionEdit, *, by: str = "system", seen: str | None = None
    ) -> Question:
        """Change a question, or take it off the form (``active: false``).

        Args:
            seen: the state that the change was made from, see ``settings_log``.

        Raises:
            NotFound: there is none with this key.
            Conflict: somebody changed it meanwhile.
        """
        values: dict[str, Any] = given_fields(edit)
        _check(values.get("title", "-"), values.get("title_vi", ""), values.get("choices", ()))
        if "choices" in values:
            values["choices"] = to_json(values["choices"])
        async with self._db.transaction():
            await hold(self._db)
            before = await self.get(key)
            expect_seen(before, seen, edit)
            await update(self._db, "sales_pipeline_question", before.id, values)
            after = await self.get(key)
            await self._tell([(before, after)], by)
            return after.question

    async def shift(self, key: str, step: int, *, by: str) -> None:
        """Let a question change places with its neighbour in the same test.

        Args:
            step: -1 to come earlier, 1 to come later; at the end of the form nothing happens.

        Raises:
            NotFound: there is none with this key.
        """
        async with self._db.transaction():
            await hold(self._db)
            kept = await self.all()
            moved = _of(kept, key)
            rest = [each for each in kept if each.question.test == moved.question.test]
            place = rest.index(moved) + step
            if not 0 <= place < len(rest):
                return
            order = {each.id: n for n, each in enumerate(_swapped(kept, moved, rest[place]))}
            rows = [(10 * order[each.id] + 10, each.id) for each in kept]
            await self._db.execute_many(
                "UPDATE sales_pipeline_question SET position = ? WHERE id = ?", rows
            )
            after = {each.id: each for each in await self.all()}
            await self._tell([(each, after[each.id]) for each in kept], by)

    async def _tell(
        self, pairs: Sequence[tuple[KeptQuestion | None, KeptQuestion]], by: str
    ) -> None:
        changed = [
            (after.question.key, after.question.title, differing(_values(before), after.values))
            for before, after in pairs
        ]
        await self._log.tell(QUESTION_CHANGED, changed, by=by)


def _values(kept: KeptQuestion | None) -> dict[str, Any]:
    return kept.values if kept is not None else {}


def _of(kept: Sequence[KeptQuestion], key: str) -> KeptQuestion:
    found = next((each for each in kept if each.question.key == key), None)
    if found is None:
        raise NotFound(f"expected the key of a question, got {key!r}; there is none")
    return found


def _swapped(
    kept: Sequence[KeptQuestion], one: KeptQuestion, other: KeptQuestion
) -> list[KeptQuestion]:
    turned = {one.id: other, other.id: one}
    return [turned.get(each.id, each) for each in kept]


def _stored(row: Sequence[Any]) -> KeptQuestion:
    id, key, test, kind, title, title_vi, weight, choices, active, position = row
    question = Question(
        key=key,
        test=test,
        customer_kind=kind,
        title=title,
        title_vi=title_vi,
        weight=weight,
        choices=msgspec.json.decode(choices, type=list[Choice]),
    )
    return KeptQuestion(id, question, active, position)


def _check(title: str, title_vi: str, choices: Sequence[Choice]) -> None:
    found = Findings()
    found.line(title, what="title", most=300, where="/title", needed=True)
    found.line(title_vi, what="Vietnamese title", most=300, where="/title_vi")
    seen: set[str] = set()
    for n, choice in enumerate(choices):
        found.line(choice.key, what="key", most=60, where=f"/choices/{n}/key", needed=True)
        found.line(choice.title, what="title", most=300, where=f"/choices/{n}/title", needed=True)
        if choice.key in seen or not 0 <= choice.match <= WHOLE:
            found.add(
                "bad-choice",
                "two choices have one key, or the match is out of range",
                where=f"/choices/{n}",
                expected=f"each key once, a match from 0 to {WHOLE}",
                got=f"{choice.key}, {choice.match}",
                mend="Correct it.",
            )
        seen.add(choice.key)
    found.refuse("The question")
