"""Whether background work goes on: handlers, runs of jobs, schedules, and somebody who does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.cli.findings import Finding, note, ok, wrong
from relatum.values.time import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relatum.app.house import House
    from relatum.jobs.types import QueueStatus

#: Seconds for which the oldest event may wait for a handler before somebody should know.
MOST_LAG = 300.0
#: Seconds for which a run that could go on may wait while none goes on.
MOST_WAITING = 60.0
#: Seconds for which a schedule may be overdue.
MOST_OVERDUE = 300.0
_WORKER = "see that `relatum serve` or `relatum worker` runs on this database, and its log"


async def handlers(house: House) -> list[Finding]:
    """How far each handler is, and what it could not take."""
    findings = []
    for status in await house.handlers.status():
        if status.given_up:
            text = f"{status.id} gave up on {status.given_up} event(s): {status.error}"
            mend = f"mend the cause, then relatum events retry {status.id}"
            findings.append(wrong("handlers", text, mend))
        if status.waiting:
            text = f"{status.id} tries {status.waiting} event(s) again: {status.error}"
            findings.append(note("handlers", text, "wait, or mend the cause"))
        if status.replay is not None:
            text = f"{status.id} replays: {status.replay.done:,} of {status.replay.of:,} events"
            findings.append(note("handlers", text, "wait; relatum events status shows how far"))
        elif status.paused:
            findings.append(note("handlers", f"{status.id} is paused", "resume it"))
        elif status.lag_seconds > MOST_LAG:
            text = f"{status.id} is {status.lag:,} event(s), {status.lag_seconds:,.0f} s, behind"
            findings.append(wrong("handlers", text, _WORKER))
        elif status.lag:
            text = f"{status.id} is {status.lag:,} event(s) behind"
            findings.append(note("handlers", text, "the running server works them off"))
    return findings or [ok("handlers", "all are up to date")]


async def jobs(house: House) -> list[Finding]:
    """What has failed for good, and whether anybody takes what waits."""
    findings, waiting, running = [], 0, 0
    queues = await house.jobs.queues()
    for status in queues:
        waiting, running = waiting + status.waiting, running + status.running
        if status.failed:
            text = f"{status.failed:,} run(s) of {status.job} have failed for good"
            mend = (
                f"relatum jobs list --job {status.job} --state failed; mend the cause, then "
                f"relatum jobs retry --job {status.job}"
            )
            findings.append(wrong("jobs", text, mend))
        if not status.on and status.waiting:
            text = f"{status.waiting:,} run(s) of {status.job} wait for its plugin to be on"
            findings.append(note("jobs", text, "switch the plugin on, or cancel them"))
    findings += _without_worker(queues, running)
    return findings or [ok("jobs", f"{waiting:,} wait, {running:,} go on, none has failed")]


def _without_worker(queues: Sequence[QueueStatus], running: int) -> list[Finding]:
    late = [each for each in queues if each.on and each.oldest_seconds > MOST_WAITING]
    if not late:
        return []
    oldest = max(late, key=lambda status: status.oldest_seconds)
    text = f"the oldest run of {oldest.job} has waited {oldest.oldest_seconds:,.0f} s"
    if running:
        mend = "wait, or run more workers (`relatum worker`) or more at once (jobs.concurrency)"
        return [note("jobs", f"{text}; workers are busy", mend)]
    return [wrong("worker", f"nobody takes runs: {text} and none goes on", _WORKER)]


async def schedules(house: House) -> list[Finding]:
    """Whether what is scheduled runs, and how it went."""
    findings, moment, count = [], now(), 0
    for status in await house.jobs.schedules():
        count += 1
        if status.failures:
            text = f"{status.id} failed {status.failures} time(s) in a row: {status.error}"
            mend = "mend the cause; the job is tried again when it is due"
            findings.append(wrong("schedules", text, mend))
        overdue = (moment - status.due_at).total_seconds() if status.due_at is not None else 0.0
        if status.on and overdue > MOST_OVERDUE:
            text = f"{status.id} was due {overdue:,.0f} s ago"
            findings.append(note("schedules", text, _WORKER))
    return findings or [ok("schedules", f"{count} job(s) on a schedule, none failed or overdue")]
