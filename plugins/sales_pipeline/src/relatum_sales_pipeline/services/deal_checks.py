"""From drafts of deals to rows, and every reason why one cannot go in. No I/O."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

import msgspec

from relatum.api import Amount, Problem, day_bounds, exponent, fold, is_currency, local_day, new_id
from relatum_sales_pipeline.services.book import Book, engaging_stage, first_stage, stage_of
from relatum_sales_pipeline.services.deal_rows import ChangeRow, DealRow, LineRow, Stored
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.products import PriceBook
from relatum_sales_pipeline.types.deals import DealDraft, LineDraft
from relatum_sales_pipeline.types.pipelines import Pipeline, Stage
from relatum_sales_pipeline.types.teams import Member

FIRST_DAY = dt.date(1900, 1, 1)
LAST_DAY = dt.date(2200, 1, 1)
MOST_AMOUNT = 10**17
MOST_QUANTITY = 10**9
THOUSAND = 1000


class Known(msgspec.Struct, kw_only=True):
    """What drafts may refer to, looked up before they are checked.

    ``today`` is the company's day, ``moment`` now; ``currency`` that of deals that name none.
    """

    book: Book
    members: Mapping[UUID, Member]
    teams: Collection[UUID]
    products: Collection[UUID]
    customers: Collection[UUID]
    prices: PriceBook
    today: dt.date
    moment: dt.datetime
    zone: str
    currency: str

    def day_start(self, day: dt.date) -> dt.datetime:
        """The moment a day of the company begins; now, for today."""
        return self.moment if day == self.today else _day_start(day, self.zone)


def check(
    draft: DealDraft, known: Known, *, by: str, id: UUID | None = None
) -> tuple[Stored | None, list[Problem]]:
    """The deal as it would be stored, or every reason why it cannot be."""
    checker = _Checker(draft, known)
    stored = checker.stored(id or new_id(), by)
    return (None, checker.found.problems) if checker.found.problems else (stored, [])


def line_amount(quantity: int, unit_amount: int | None) -> int | None:
    """Quantity in thousandths × unit amount, in minor units, halves away from zero."""
    if unit_amount is None:
        return None
    return (quantity * unit_amount + THOUSAND // 2) // THOUSAND


class _Checker:
    """Checks one draft."""

    def __init__(self, draft: DealDraft, known: Known) -> None:
        self.draft = draft
        self.known = known
        self.found = Findings()

    def stored(self, id: UUID, by: str) -> Stored | None:
        draft, found = self.draft, self.found
        name = found.line(draft.name, what="name", most=300, where="/name", needed=True)
        competitor = found.line(draft.competitor, what="competitor", most=200, where="/competitor")
        self._references()
        currency = self._currency()
        pipeline = self._pipeline()
        stage = self._stage(pipeline) if pipeline else None
        if pipeline is None or stage is None:
            return None
        engaged, closed = self._days(pipeline, stage)
        reason = self._lost_reason(stage)
        history = self._history(id, pipeline, stage, engaged, closed, by)
        lines = self._lines(id, currency, closed or engaged or self.known.today)
        row = DealRow(
            id=id,
            external_source=draft.external_source,
            external_ref=draft.external_ref,
            name=name,
            search=fold(name),
            customer_id=draft.customer_id,
            pipeline_id=pipeline.id,
            stage_id=stage.id,
            owner_id=draft.owner_id,
            team_id=draft.team_id or self._team_of_owner(),
            amount=draft.value.amount if draft.value else None,
            currency=currency,
            expected_close=draft.expected_close,
            engaged_on=engaged,
            closed_on=closed,
            lost_reason_id=reason,
            competitor=competitor,
            stage_since=history[-1].changed_at,
            last_activity_at=None,
            version=1,
            created_at=self.known.moment,
            updated_at=self.known.moment,
        )
        return Stored(row, lines, history)

    # -- what it refers to -----------------------------------------------------------------------

    def _references(self) -> None:
        draft, known = self.draft, self.known
        wanted = (
            ("customer_id", draft.customer_id, known.customers, "customer"),
            ("owner_id", draft.owner_id, known.members, "member"),
            ("team_id", draft.team_id, known.teams, "team"),
        )
        for field, id, there, noun in wanted:
            if id is not None and id not in there:
                self.found.unknown(noun, str(id), known=[], where=f"/{field}")
        for name in ("external_source", "external_ref"):
            text = getattr(draft, name)
            if text is not None:
                self.found.line(text, what=name, most=200, where=f"/{name}", needed=True)
        if (draft.external_source is None) != (draft.external_ref is None):
            self.found.add(
                "half-a-reference",
                "an outside reference needs its source, and a source its reference",
                where="/external_ref",
                expected="external_source and external_ref together",
                got=draft.external_ref or draft.external_source or "",
                mend="Give both or none.",
            )

    def _team_of_owner(self) -> UUID | None:
        owner = self.known.members.get(self.draft.owner_id) if self.draft.owner_id else None
        return owner.team_id if owner else None

    def _pipeline(self) -> Pipeline | None:
        book, key = self.known.book, self.draft.pipeline
        pipeline = book.default if key is None else book.pipeline(key)
        if pipeline is None:
            keys = [each.key for each in book.pipelines]
            self.found.unknown("pipeline", key or "", known=keys, where="/pipeline")
        return pipeline

    def _stage(self, pipeline: Pipeline) -> Stage | None:
        key = self.draft.stage
        stage = first_stage(pipeline) if key is None else stage_of(pipeline, key)
        if stage is None:
            keys = [each.key for each in pipeline.stages]
            self.found.unknown("stage", key or "", known=keys, where="/stage")
        return stage

    def _lost_reason(self, stage: Stage) -> UUID | None:
        key = self.draft.lost_reason
        if key is None:
            return None
        reason = self.known.book.reason(key)
        if reason is None:
            self.found.unknown(
                "lost reason", key, known=self.known.book.reason_keys, where="/lost_reason"
            )
        elif stage.outcome != "lost":
            self.found.add(
                "reason-without-loss",
                f"a deal in the {stage.outcome} stage {stage.key!r} was not lost",
                where="/lost_reason",
                expected="no reason, or a lost stage",
                got=key,
                mend="Leave the reason out, or choose a lost stage.",
            )
        return reason.id if reason else None

    # -- money -----------------------------------------------------------------------------------

    def _currency(self) -> str:
        value, named = self.draft.value, self.draft.currency
        currency = value.currency if value else named or self.known.currency
        if not is_currency(currency):
            where = "/value/currency" if value else "/currency"
            self.found.unknown("currency", currency, known=["VND", "USD", "EUR"], where=where)
        if value and named not in (None, value.currency):
            self.found.add(
                "two-currencies",
                "the value is in another currency than the deal",
                where="/currency",
                expected=value.currency,
                got=str(named),
                mend="Leave the currency out; the value has one.",
            )
        if value:
            self.found.problems += amount_problems(value)
        return currency

    def _lines(self, id: UUID, currency: str, day: dt.date) -> list[LineRow]:
        return [
            self._line(id, position, line, currency, day)
            for position, line in enumerate(self.draft.lines)
        ]

    def _line(
        self, id: UUID, position: int, line: LineDraft, currency: str, day: dt.date
    ) -> LineRow:
        where = f"/lines/{position}"
        if line.product_id not in self.known.products:
            self.found.unknown(
                "product", str(line.product_id), known=[], where=f"{where}/product_id"
            )
        quantity = self._quantity(line.quantity, f"{where}/quantity")
        unit = line.unit_amount
        if unit is None:
            unit = self.known.prices.on(line.product_id, currency, day)
        amount = line_amount(quantity, unit)
        if amount is not None and amount > MOST_AMOUNT:
            self.found.problems += amount_problems(Amount(amount, currency), f"{where}/quantity")
        return LineRow(
            id=new_id(),
            deal_id=id,
            product_id=line.product_id,
            position=position,
            quantity=quantity,
            unit_amount=unit,
            amount=amount,
        )

    def _quantity(self, quantity: Decimal, where: str) -> int:
        fits = quantity.is_finite() and 0 < quantity <= MOST_QUANTITY
        thousandths = quantity * THOUSAND if fits else Decimal(0)
        if not fits or thousandths != int(thousandths):
            self.found.add(
                "bad-quantity",
                "this cannot be a quantity",
                where=where,
                expected="more than 0, at most 1,000,000,000, with up to three decimals",
                got=str(quantity)[:40],
                mend="Correct it.",
            )
            return 0
        return int(thousandths)

    # -- days and history ------------------------------------------------------------------------

    def _days(self, pipeline: Pipeline, stage: Stage) -> tuple[dt.date | None, dt.date | None]:
        draft, today = self.draft, self.known.today
        closed = draft.closed_on
        if stage.outcome == "open" and closed is not None:
            self.found.add(
                "closed-but-open",
                f"a deal in the open stage {stage.key!r} has a day of closing",
                where="/closed_on",
                expected="no day, or a won or lost stage",
                got=closed.isoformat(),
                mend="Leave the day out, or choose a stage that closes the deal.",
            )
        if stage.outcome != "open" and closed is None:
            closed = today
        engaged = draft.engaged_on
        if engaged is None and stage.outcome == "open" and _is_engaged(pipeline, stage):
            engaged = self._first_engagement(pipeline) or today
        self._in_past("engaged_on", engaged)
        self._in_past("closed_on", closed)
        if draft.expected_close and not FIRST_DAY <= draft.expected_close <= LAST_DAY:
            self._bad_day("expected_close", draft.expected_close, f"{FIRST_DAY} to {LAST_DAY}")
        if draft.engaged_on and closed and closed < draft.engaged_on:
            self.found.add(
                "closed-before-engaged",
                "the deal was closed before work on it began",
                where="/closed_on",
                expected=f"{draft.engaged_on} or later",
                got=closed.isoformat(),
                mend="Correct one of the days.",
            )
        return engaged, closed

    def _first_engagement(self, pipeline: Pipeline) -> dt.date | None:
        """The day a given history says that work began."""
        stages = {stage.key: stage for stage in pipeline.stages}
        for passage in self.draft.history:
            stage = stages.get(passage.stage)
            if stage and _is_engaged(pipeline, stage) and passage.at.tzinfo is not None:
                return min(local_day(passage.at, self.known.zone), self.known.today)
        return None

    def _in_past(self, field: str, day: dt.date | None) -> None:
        if day is not None and not FIRST_DAY <= day <= self.known.today:
            self._bad_day(field, day, f"{FIRST_DAY} to today, {self.known.today}")

    def _bad_day(self, field: str, day: dt.date, expected: str) -> None:
        self.found.add(
            "bad-day",
            "this day cannot be right",
            where=f"/{field}",
            expected=expected,
            got=day.isoformat(),
            mend="Correct it.",
        )

    def _history(
        self,
        id: UUID,
        pipeline: Pipeline,
        stage: Stage,
        engaged: dt.date | None,
        closed: dt.date | None,
        by: str,
    ) -> list[ChangeRow]:
        steps = self._given_history(pipeline, stage)
        if not steps:
            steps = self._likely_history(pipeline, stage, engaged, closed)
        rows: list[ChangeRow] = []
        for position, (entered, moment) in enumerate(steps):
            rows.append(
                ChangeRow(
                    id=new_id(),
                    deal_id=id,
                    position=position,
                    from_stage_id=rows[-1].to_stage_id if rows else None,
                    to_stage_id=entered.id,
                    changed_at=moment,
                    changed_by=by,
                    note="",
                )
            )
        return rows

    def _likely_history(
        self,
        pipeline: Pipeline,
        stage: Stage,
        engaged: dt.date | None,
        closed: dt.date | None,
    ) -> list[tuple[Stage, dt.datetime]]:
        """What the days of a deal say about the way it came."""
        known, engaging = self.known, engaging_stage(pipeline)
        before = [(engaging, known.day_start(engaged))] if engaged else []
        if closed is not None:
            return [*before, (stage, known.day_start(closed))]
        if stage.id == engaging.id:
            return before
        return [*(before if _is_engaged(pipeline, stage) else []), (stage, known.moment)]

    def _given_history(self, pipeline: Pipeline, stage: Stage) -> list[tuple[Stage, dt.datetime]]:
        stages = {each.key: each for each in pipeline.stages}
        steps: list[tuple[Stage, dt.datetime]] = []
        for n, passage in enumerate(self.draft.history):
            where = f"/history/{n}"
            entered = stages.get(passage.stage)
            if entered is None:
                self.found.unknown("stage", passage.stage, known=stages, where=f"{where}/stage")
                continue
            if problem := self._moment_problem(passage.at, steps, f"{where}/at"):
                self.found.problems.append(problem)
                continue
            steps.append((entered, passage.at))
        if steps and steps[-1][0].id != stage.id:
            self.found.add(
                "history-ends-elsewhere",
                "the history does not end in the stage of the deal",
                where="/history",
                expected=stage.key,
                got=steps[-1][0].key,
                mend="Add the last step, or correct the stage.",
            )
        return steps

    def _moment_problem(
        self, at: dt.datetime, steps: Sequence[tuple[Stage, dt.datetime]], where: str
    ) -> Problem | None:
        if at.tzinfo is None:
            expected = "a moment with its offset, such as 2026-11-22T09:00:00+07:00"
        elif at > self.known.moment:
            expected = "a moment that is not in the future"
        elif steps and at < steps[-1][1]:
            expected = f"{steps[-1][1].isoformat()} or later"
        elif at.year < FIRST_DAY.year:
            expected = f"{FIRST_DAY.year} or later"
        else:
            return None
        return Problem(
            code="bad-moment",
            message="this moment cannot be right",
            where=where,
            expected=expected,
            got=at.isoformat(),
            mend="Correct it.",
        )


def amount_problems(value: Amount, where: str = "/value/amount") -> list[Problem]:
    """Why this cannot be the value of a deal."""
    if 0 <= value.amount <= MOST_AMOUNT:
        return []
    most = MOST_AMOUNT
    if is_currency(value.currency):
        most //= 10 ** exponent(value.currency)
    return [
        Problem(
            code="negative-value" if value.amount < 0 else "absurd-value",
            message="this cannot be the value of a deal",
            where=where,
            expected=f"0 to {most:,} {value.currency}",
            got=f"{value.amount} minor units",
            mend="Correct it.",
        )
    ]


@functools.lru_cache(maxsize=20_000)
def _day_start(day: dt.date, zone: str) -> dt.datetime:
    return day_bounds(day, zone)[0]


def _is_engaged(pipeline: Pipeline, stage: Stage) -> bool:
    return stage.outcome == "open" and stage.position >= engaging_stage(pipeline).position
