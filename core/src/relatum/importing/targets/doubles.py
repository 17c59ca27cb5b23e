"""Rows that look like customers who are there, or like one another: told, and acted on as asked.

``[files.options]`` of a plan says ``duplicates = "skip"``, ``"link"``, ``"merge"`` or ``"create"``.
Only what is sure is acted on; what is doubtful is told, and created.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args
from uuid import UUID

import msgspec

from relatum.customers.changes import draft_of
from relatum.customers.types import Customer, CustomerChange, CustomerDraft
from relatum.hooks.declarations import Finding, ImportScope, LikelyDuplicate
from relatum.values.problems import InvalidInput, Problem

if TYPE_CHECKING:
    from relatum.hooks.context import House

Action = Literal["create", "skip", "link", "merge"]
#: Where the memory of an import keeps what was found.
FOUND = "doubles"


class Double(msgspec.Struct, frozen=True):
    """What is done with one row: it is a customer who is there, or an earlier row of its batch."""

    action: Action
    customer: UUID | None = None
    line: int | None = None


def action_of(scope: ImportScope) -> Action | None:
    """What the plan asks for; ``None`` when it says nothing.

    Raises:
        InvalidInput: it says something else.
    """
    asked = scope.options.get("duplicates")
    if asked is None or asked in get_args(Action):
        return asked
    raise InvalidInput(
        f"expected duplicates = one of {', '.join(get_args(Action))} in [files.options], "
        f"got {asked!r}; choose one of them"
    )


async def look(
    house: House, drafts: Sequence[tuple[int, CustomerDraft]], scope: ImportScope
) -> list[Finding]:
    """Tell of the drafts, each with its line, that look like somebody.

    What is to be done with them is left in the memory of the import. Without an answer of the plan
    only a preview looks.
    """
    action = action_of(scope)
    doubles: dict[int, Double] = scope.memory.setdefault(FOUND, {})
    doubles.clear()
    if not drafts or (action is None and not scope.dry):
        return []
    likely = await house.customers.duplicates.among([draft for _, draft in drafts])
    names = await _names(house, likely)
    findings = []
    for index, one in _likeliest(likely).items():
        line = drafts[index][0]
        done: Action = (action or "create") if one.sure else "create"
        if one.draft is None:
            whom = names.get(one.customer, "") if one.customer else ""
            double = Double(done, customer=one.customer)
        else:
            whom = f"line {drafts[one.draft][0]}"
            # Whoever the earlier row turned out to be.
            double = doubles.get(drafts[one.draft][0], Double(done, line=drafts[one.draft][0]))
        if done != "create":
            doubles[line] = double
        findings.append(_finding(line, whom, one, done))
    return findings


async def _names(house: House, likely: Sequence[LikelyDuplicate]) -> dict[UUID, str]:
    ids = list({one.customer for one in likely if one.customer is not None})
    rows = await house.db.fetch_in(
        "SELECT id, display_name FROM core_customer WHERE id IN ({})", ids
    )
    return dict(rows)


def _likeliest(likely: Sequence[LikelyDuplicate]) -> dict[int, LikelyDuplicate]:
    """One for each draft: sure ones before doubtful, customers before other rows."""
    found: dict[int, LikelyDuplicate] = {}
    ranked = sorted(
        likely, key=lambda one: (not one.sure, one.customer is None, -(one.probability or 0.0))
    )
    for one in ranked:
        found.setdefault(one.index, one)
    return dict(sorted(found.items()))


_DONE: Mapping[Action, str] = {
    "create": "It becomes a customer of its own.",
    "skip": "It is left out, as the plan says.",
    "link": "It is that customer, who gets its external id and stays as they are.",
    "merge": "It is that customer, who gets what they do not have yet.",
}


def _finding(line: int, whom: str, one: LikelyDuplicate, done: Action) -> Finding:
    reasons = ", ".join(reason.en for reason in one.reasons)
    share = "" if one.probability is None else f"{one.probability:.0%}, "
    return Finding(
        line=line,
        weight="error" if done == "skip" else "note",
        problem=Problem(
            code="likely-duplicate" if one.sure else "maybe-duplicate",
            message=f"Looks like {whom} ({share}{reasons}). {_DONE[done]}",
            where="/display_name",
            expected="somebody who is not there yet",
            got=whom,
            mend='Say what is to be done by duplicates = "skip", "link" or "merge" in '
            "[files.options].",
        ),
    )


def joined(
    before: Customer, draft: CustomerDraft, *, source: str, whole: bool
) -> CustomerChange | None:
    """What a customer gets of a row that is the same; ``None`` when nothing.

    Args:
        whole: contact points, tags, roles and empty fields too, not only the external ids.
    """
    now = draft_of(before)
    # What the customer has stays: also the id of another row of this source.
    after = msgspec.structs.replace(now, external_ids={**draft.external_ids, **now.external_ids})
    if whole:
        known = {(point.kind, point.raw) for point in now.contact_points}
        fresh = [p for p in draft.contact_points if (p.kind, p.raw) not in known]
        after = msgspec.structs.replace(
            after,
            contact_points=[*now.contact_points, *fresh],
            roles=list(dict.fromkeys([*now.roles, *draft.roles])),
            tags=list(dict.fromkeys([*now.tags, *draft.tags])),
            fields={**draft.fields, **now.fields},
        )
    changed = {
        name: getattr(after, name)
        for name in CustomerChange.__struct_fields__
        if getattr(after, name) != getattr(now, name)
    }
    return CustomerChange(**changed) if changed else None
