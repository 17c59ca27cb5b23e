"""What the pages of operation share: permissions, states of runs, schedules in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.http.routes.operations import names
from relatum.values.time import format_duration
from relatum.web.flashes import declare_flashes
from relatum.web.languages import Language, marked, translations
from relatum.web.layout import PAGE

if TYPE_CHECKING:
    from relatum.hooks.declarations import Job
    from relatum.hooks.registry import Registry

READ = {"permission": names.READ, **PAGE}
WRITE = {"permission": names.WRITE, **PAGE}

#: What a state of a run is called, and its colour.
STATES: dict[str, tuple[str, str]] = {
    "waiting": (marked("waits"), ""),
    "running": (marked("goes on"), "info"),
    "succeeded": (marked("done"), "good"),
    "failed": (marked("failed"), "bad"),
    "cancelled": (marked("called off"), "warning"),
}

declare_flashes(
    {
        "run-asked": marked("It runs in a moment."),
        "run-retried": marked("It runs again in a moment."),
        "runs-retried": marked("%(count)s runs are tried again."),
        "run-called-off": marked("Called off."),
        "run-dropped": marked("Let go of."),
        "handler-retried": marked("%(count)s events went through."),
        "handler-paused": marked("It stands still until you let it go on."),
        "handler-resumed": marked("It goes on."),
        "handler-replays": marked("It begins again at the beginning of the log."),
        "backup-asked": marked("A backup is being made."),
    }
)


def titles_of(registry: Registry, language: Language) -> dict[str, str]:
    """What each job is called, also those of plugins that are off."""
    return {job.id: job.title.in_language(language) for job in registry.jobs.declared()}


def schedule_text(job: Job | None, language: Language) -> str:
    """When a job runs by itself; empty when it does not."""
    text = translations(language).gettext
    if job is None:
        return ""
    if job.every is not None:
        distance = format_duration(job.every.total_seconds(), language)
        return text("every %(time)s") % {"time": distance}
    if job.daily_at is not None:
        return text("daily at %(time)s") % {"time": job.daily_at}
    return text("by cron %(cron)s") % {"cron": job.cron} if job.cron is not None else ""
