"""What teams are to win month by month, and what they have won."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from relatum.api import Conflict, InvalidInput, Plugin, Problem, is_currency, new_id, now
from relatum_sales_pipeline.types.targets import Progress, Target, TargetEdit

MOST_MONTHS = 36
FIELDS = ("team_id", "month", "currency", "amount", "taken_away", "version", "updated_at")
SELECT = f"SELECT {', '.join(FIELDS)} FROM sales_pipeline_target"  # noqa: S608 - names of our own
#: Team and month.
Key = tuple[UUID | None, str]


class Targets:
    """The only writer of targets."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db

    async def save(self, currency: str, edits: Sequence[TargetEdit]) -> list[Target]:
        """Set targets in one currency: all of them, or none.

        Whoever sets what is there already is in nobody's way.

        Args:
            edits: each team and month once.

        Returns:
            The targets as they are now, in the order of ``edits``.

        Raises:
            InvalidInput: with every problem; ``where`` begins with the index of the edit.
            Conflict: somebody changed some of them meanwhile; ``extra`` has those targets
                (``current``) and what was sent (``yours``).
        """
        async with self._db.transaction():
            await self._db.hold("sales_pipeline.targets")
            await self._check(currency, edits)
            before = await self.held(currency, sorted({edit.month for edit in edits}))
            late = [
                edit for edit in edits if _is_late(edit, before.get((edit.team_id, edit.month)))
            ]
            if late:
                raise _conflict(late, before)
            await self._write(currency, edits, before)
            after = await self.held(currency, sorted({edit.month for edit in edits}))
        return [
            after.get((edit.team_id, edit.month)) or _never(edit.team_id, edit.month, currency)
            for edit in edits
        ]

    async def save_one(self, currency: str, edit: TargetEdit) -> Target:
        """Set one target.

        Raises:
            InvalidInput: there is no such team or currency.
            Conflict: somebody changed it meanwhile; ``extra`` has both versions.
        """
        try:
            return (await self.save(currency, [edit]))[0]
        except Conflict as error:
            found = cast("list[Target]", error.extra["current"])
            current = found[0] if found else None
            raise Conflict(error.detail, extra={"current": current, "yours": edit}) from None

    async def held(self, currency: str, months: Sequence[str]) -> dict[Key, Target]:
        """Targets of these months by team and month, also those that were taken away."""
        rows = await self._db.fetch_in(
            f"{SELECT} WHERE month IN ({{}}) AND currency = ?", months, currency
        )
        return {(row[0], row[1]): _target(row) for row in rows}

    async def currencies(self) -> list[str]:
        """Those that targets are set or deals are won in."""
        rows = await self._db.fetch(
            "SELECT currency FROM sales_pipeline_target WHERE NOT taken_away "
            "UNION SELECT d.currency FROM sales_pipeline_deal d "
            "JOIN sales_pipeline_stage s ON s.id = d.stage_id WHERE s.outcome = 'won'"
        )
        return sorted(code for (code,) in rows if code)

    async def progress(self, months: Sequence[str], currency: str) -> list[Progress]:
        """Targets of these months and what was won in them, by team and month.

        Args:
            months: ascending, without gaps.
        """
        set_ = await self.held(currency, months)
        won = await self._won(months, currency)
        keys = sorted({*set_, *won}, key=lambda key: (str(key[0] or ""), key[1]))
        found = []
        for team, month in keys:
            target = set_.get((team, month))
            count, amount = won.get((team, month), (0, 0))
            found.append(
                Progress(
                    team_id=team,
                    month=month,
                    target=target.amount if target else None,
                    version=target.version if target else 0,
                    won=count,
                    amount=amount,
                )
            )
        return found

    async def _won(self, months: Sequence[str], currency: str) -> dict[Key, tuple[int, int]]:
        rows = await self._db.fetch(
            "SELECT d.team_id, d.closed_on, d.amount FROM sales_pipeline_deal d "
            "JOIN sales_pipeline_stage s ON s.id = d.stage_id WHERE s.outcome = 'won' "
            "AND d.currency = ? AND d.closed_on >= ? AND d.closed_on <= ?",
            currency,
            bounds(months[0])[0],
            bounds(months[-1])[1],
        )
        won: dict[Key, tuple[int, int]] = {}
        for team, day, amount in rows:
            key = (team, f"{day:%Y-%m}")
            count, total = won.get(key, (0, 0))
            won[key] = (count + 1, total + (amount or 0))
        return won

    async def _check(self, currency: str, edits: Sequence[TargetEdit]) -> None:
        wanted = list({edit.team_id for edit in edits})
        rows = await self._db.fetch_in(
            "SELECT id FROM sales_pipeline_team WHERE id IN ({})", wanted
        )
        teams = {id for (id,) in rows}
        problems = [] if is_currency(currency) else [_no_currency(currency)]
        for index, edit in enumerate(edits):
            if edit.team_id not in teams:
                problems.append(_no_team(index, edit.team_id))
            if edit.amount is not None and edit.amount < 0:
                problems.append(_negative(index, edit.amount))
        if problems:
            raise InvalidInput("The targets cannot be set.", problems=problems)

    async def _write(
        self, currency: str, edits: Sequence[TargetEdit], before: dict[Key, Target]
    ) -> None:
        moment = now()
        rows = []
        for edit in edits:
            held = before.get((edit.team_id, edit.month))
            if edit.amount != (held.amount if held else None):
                version = held.version + 1 if held else 1
                gone = edit.amount is None
                which = (new_id(), edit.team_id, edit.month, currency)
                rows.append((*which, edit.amount or 0, gone, version, moment))
        await self._db.insert(
            "sales_pipeline_target",
            ("id", *FIELDS),
            rows,
            on_conflict="ON CONFLICT (team_id, month, currency) DO UPDATE SET "
            "amount = excluded.amount, taken_away = excluded.taken_away, "
            "version = excluded.version, updated_at = excluded.updated_at",
        )


def bounds(month: str) -> tuple[dt.date, dt.date]:
    """The first and the last day of ``2026-11``."""
    first = dt.date(int(month[:4]), int(month[5:7]), 1)
    return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])


def months_from(first: str, count: int) -> list[str]:
    """So many months, the first being ``2026-11``."""
    start = int(first[:4]) * 12 + int(first[5:7]) - 1
    return [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(start, start + count)]


def _target(row: Sequence[Any]) -> Target:
    team, month, currency, amount, gone, version, moment = row
    return Target(
        team_id=team,
        month=month,
        currency=currency,
        amount=None if gone else amount,
        version=version,
        updated_at=moment,
    )


def _never(team: UUID, month: str, currency: str) -> Target:
    """One that was not there and is not to be."""
    return Target(
        team_id=team, month=month, currency=currency, amount=None, version=0, updated_at=now()
    )


def _is_late(edit: TargetEdit, held: Target | None) -> bool:
    version, amount = (held.version, held.amount) if held else (0, None)
    return edit.version not in (None, version) and edit.amount != amount


def _conflict(late: Sequence[TargetEdit], before: dict[Key, Target]) -> Conflict:
    current = [before[key] for each in late if (key := (each.team_id, each.month)) in before]
    return Conflict(
        f"expected targets that nobody changed meanwhile, got {len(late)} that somebody did; "
        "look at both and send the change again from the new versions",
        extra={"current": current, "yours": list(late)},
    )


def _no_team(index: int, id: UUID) -> Problem:
    return Problem(
        code="unknown-team",
        message="there is no such team",
        where=f"/{index}/team_id",
        expected="the id of a team",
        got=str(id),
        mend="Choose one, or add the team first.",
    )


def _no_currency(code: str) -> Problem:
    return Problem(
        code="unknown-currency",
        message="there is no such currency",
        where="/currency",
        expected="an ISO 4217 code",
        got=code[:10],
        mend="Correct it.",
    )


def _negative(index: int, amount: int) -> Problem:
    return Problem(
        code="negative-value",
        message="this cannot be a target",
        where=f"/{index}/amount",
        expected="zero or more",
        got=str(amount),
        mend="Correct it.",
    )
