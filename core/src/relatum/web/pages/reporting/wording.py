"""What reports say: stretches of days, periods, kinds of charts, and what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.reports.periods import DAY
from relatum.web.flashes import declare_flashes
from relatum.web.languages import Language, day_text, marked, translations

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from relatum.hooks.screens import Period
    from relatum.reports.periods import Bucket, Stretch

RANGES = {
    "today": marked("Today"),
    "this_week": marked("This week"),
    "this_month": marked("This month"),
    "this_quarter": marked("This quarter"),
    "this_year": marked("This year"),
    "last_week": marked("Last week"),
    "last_month": marked("Last month"),
    "last_quarter": marked("Last quarter"),
    "last_year": marked("Last year"),
    "last_7_days": marked("Last 7 days"),
    "last_30_days": marked("Last 30 days"),
    "last_90_days": marked("Last 90 days"),
    "last_12_months": marked("Last 12 months"),
    "last_3_years": marked("Last 3 years"),
}
CUTTINGS = {
    "auto": marked("Automatic"),
    "whole": marked("Not at all"),
    "day": marked("Days"),
    "week": marked("Weeks"),
    "month": marked("Months"),
    "quarter": marked("Quarters"),
    "year": marked("Years"),
}
KINDS = {
    "line": marked("Lines"),
    "area": marked("Area"),
    "bars": marked("Bars"),
    "stacked": marked("Stacked bars"),
    "rows": marked("Lying bars"),
    "number": marked("Number"),
    "table": marked("Table"),
}
COMPARE = {
    "": marked("Nothing"),
    "before": marked("The time before"),
    "year_before": marked("The year before"),
}
SHARED = {
    "private": marked("Nobody else"),
    "role": marked("People of a role"),
    "everybody": marked("Everybody"),
}
PERIODS: dict[str, str] = {
    "day": marked("Day"),
    "week": marked("Week"),
    "month": marked("Month"),
    "quarter": marked("Quarter"),
    "year": marked("Year"),
}
EVERY = {
    "day": marked("Every day"),
    "week": marked("Every week"),
    "month": marked("Every month"),
}
FAILURES = {
    "slow": marked("This takes longer than it may. Look at fewer days or longer periods."),
    "broken": marked(
        "This figure failed; the rest of the page is not affected. The log says more."
    ),
    "refused": marked("You may not see this figure."),
    "days": marked("Choose a first day and a last day after it, at most twenty years apart."),
    "question": marked("This cannot be asked so. Choose longer periods, or another division."),
    "gone": marked("What was here is gone: its plugin is off, or it was deleted."),
}

declare_flashes(
    {
        "chart-kept": marked("The chart is kept."),
        "chart-deleted": marked("The chart is deleted."),
        "box-added": marked("Added to the dashboard."),
        "box-removed": marked("Taken off the dashboard."),
        "dashboard-made": marked("The dashboard is yours. Arrange it as you like."),
        "dashboard-deleted": marked("The dashboard is deleted."),
        "schedule-made": marked("The file will be made at its times."),
        "schedule-ended": marked("No more files will be made."),
        "file-ordered": marked("The file is being made. Look here again in a moment."),
    }
)


def label_of(bucket: Bucket, period: Period | None, language: Language) -> str:
    """A period below a chart, short: ``22/11``, ``T47``, ``11/26``, ``Q4/26``, ``2026``."""
    start = bucket.start
    if period == "day":
        return f"{start.day:02}/{start.month:02}"
    if period == "week":
        week = start.isocalendar().week
        return f"T{week}" if language == "vi" else f"W{week}"
    if period == "month":
        return f"{start.month:02}/{start.year % 100:02}"
    if period == "quarter":
        return f"Q{(start.month + 2) // 3}/{start.year % 100:02}"
    if period == "year":
        return str(start.year)
    return days_of(bucket.first, bucket.until, language)


def days_of(first: dt.date, until: dt.date, language: Language) -> str:
    """From a day to the one before another."""
    last = until - DAY
    if first == last:
        return day_text(first, language)
    if first.year == last.year and language == "vi":
        return f"{first.day:02}/{first.month:02} – {day_text(last, language)}"
    return f"{day_text(first, language)} – {day_text(last, language)}"


def stretch_text(stretch: Stretch, language: Language) -> str:
    """The days of a stretch."""
    return days_of(stretch.first, stretch.until, language)


def failure_text(failed: str, language: Language) -> str:
    """Why a figure is not there, for people."""
    text = FAILURES.get(failed)
    return translations(language).gettext(text) if text else failed


def options(texts: Mapping[str, str], language: Language) -> list[tuple[str, str]]:
    """Marked texts as the options of a list."""
    say = translations(language).gettext
    return [(value, say(text)) for value, text in texts.items()]
