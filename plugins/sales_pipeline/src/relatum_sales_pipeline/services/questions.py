"""The questions of the qualification form: data that the company shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Conflict, NotFound, Plugin, new_id, to_json
from relatum_sales_pipeline.qualification import Choice, Question
from relatum_sales_pipeline.score import WHOLE
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.records import given_fields, update
from relatum_sales_pipeline.types.leads import QuestionDraft, QuestionEdit

SELECT = (
    "SELECT id, key, test, customer_kind, title, title_vi, weight, choices, active "
    "FROM sales_pipeline_question"
)


class KeptQuestion(msgspec.Struct, frozen=True):
    """A question with its id."""

    id: UUID
    question: Question
    active: bool


class Questions:
    """The only writer of questions."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db

    async def all(self) -> list[KeptQuestion]:
        """Every question in the order of the form, also those that are not asked any more."""
        rows = await self._db.fetch(f"{SELECT} ORDER BY position, key")
        return [_stored(row) for row in rows]

    async def create(self, draft: QuestionDraft) -> Question:
        """Put a question on the form.

        Raises:
            Conflict: the key is taken.
            InvalidInput: two choices of one key.
        """
        _check(draft.title, draft.title_vi, draft.choices)
        async with self._db.transaction():
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
            return await self._get(draft.key)

    async def change(self, key: str, edit: QuestionEdit) -> Question:
        """Change a question, or take it off the form (``active: false``).

        Raises:
            NotFound: there is none with this key.
        """
        values: dict[str, Any] = given_fields(edit)
        _check(values.get("title", "-"), values.get("title_vi", ""), values.get("choices", ()))
        if "choices" in values:
            values["choices"] = to_json(values["choices"])
        async with self._db.transaction():
            found = [each for each in await self.all() if each.question.key == key]
            if not found:
                raise NotFound(f"expected the key of a question, got {key!r}; there is none")
            await update(self._db, "sales_pipeline_question", found[0].id, values)
            return await self._get(key)

    async def _get(self, key: str) -> Question:
        return next(each.question for each in await self.all() if each.question.key == key)


def _stored(row: Sequence[Any]) -> KeptQuestion:
    id, key, test, kind, title, title_vi, weight, choices, active = row
    question = Question(
        key=key,
        test=test,
        customer_kind=kind,
        title=title,
        title_vi=title_vi,
        weight=weight,
        choices=msgspec.json.decode(choices, type=list[Choice]),
    )
    return KeptQuestion(id, question, active)


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
