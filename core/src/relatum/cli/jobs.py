"""``relatum jobs``: runs of background work, schedules, and what has failed."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from relatum.app.house import House

EXAMPLES = """examples:
  relatum jobs list                        how many runs wait, go on, have failed, by job
  relatum jobs list --job core.audit_seal --state failed
  relatum jobs show 01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e
  relatum jobs retry 01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e
  relatum jobs retry --job core.audit_seal all that have failed for good
  relatum jobs cancel 01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e
  relatum jobs drop 01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e
  relatum jobs schedules
  relatum jobs run core.audit_seal         here and now, outside of the queue
  relatum jobs work --once                 everything that is ready, then stop"""

STATES = ("waiting", "running", "succeeded", "failed", "cancelled")
MOST = 1_000


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "jobs",
        help="background work: runs, failures, schedules; retry, cancel, run",
        description="See what background work waits, goes on and has failed, try again what has "
        "failed, call off what is not wanted.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _action(actions, "list", "runs by job, or one by one with --job or --state")
    listing.add_argument("--job", default="", help="only of this job, for example core.audit_seal")
    listing.add_argument(
        "--state", action="append", choices=STATES, default=[], help="may be given several times"
    )
    listing.add_argument("--limit", type=int, default=50, help="at most so many (50)")
    _action(actions, "show", "everything about one run", run=True)
    retry = _action(actions, "retry", "let what has failed for good run again")
    retry.add_argument("run_id", nargs="?", metavar="RUN", help="the id of a run")
    retry.add_argument("--job", default="", help="all that have failed of this job")
    _action(actions, "cancel", "call off a run: at once, or ask it to stop", run=True)
    _action(actions, "drop", "let go of a run that has failed for good", run=True)
    _action(actions, "schedules", "when each scheduled job ran and is due")
    now = _action(actions, "run", "run a job here and now, outside of the queue")
    now.add_argument("job", help="for example core.audit_seal")
    now.add_argument("--args", default="", metavar="JSON", help="its arguments, as a JSON object")
    work = _action(actions, "work", "work here, as `relatum worker` does")
    work.add_argument(
        "--once", action="store_true", required=True, help="stop when nothing is ready any more"
    )
    parser.set_defaults(run=run)


def _action(actions: Any, name: str, text: str, *, run: bool = False) -> Any:
    action = actions.add_parser(name, help=text, description=f"{text.capitalize()}.")
    if run:
        action.add_argument("run_id", metavar="RUN", help="the id of a run")
    action.add_argument("--json", action="store_true", help="print JSON")
    return action


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from relatum.cli.house import in_house

    action = _ACTIONS[arguments.action]
    return in_house(lambda house: _as_system(action(house, arguments)))


async def _as_system(work: Awaitable[int]) -> int:
    """As the house does its background work: for everybody, not for one viewer."""
    from relatum.access.viewer import SYSTEM, acting_as
    from relatum.db.guarding import as_the_house

    with acting_as(SYSTEM), as_the_house():
        return await work


async def _list(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json, print_rows

    if not arguments.job and not arguments.state:
        queues = await house.jobs.queues()
        if arguments.json:
            print_json({"items": queues})
        else:
            columns = ["job", "on", "waiting", "running", "failed", "oldest waits"]
            print_rows(
                columns,
                [
                    [s.job, s.on, s.waiting, s.running, s.failed, _ago(s.oldest_seconds)]
                    for s in queues
                ],
            )
        return 0
    limit = min(max(arguments.limit, 1), MOST)
    page = await house.jobs.find(job=arguments.job, states=arguments.state, limit=limit)
    if arguments.json:
        print_json(page)
        return 0
    rows = [
        [str(r.id), r.job, r.state, r.attempts, _moment(r.due_at), r.error[:80]] for r in page.items
    ]
    print_rows(["run", "job", "state", "attempts", "due", "error"], rows)
    if page.next is not None:
        _say(f"There are more than these {limit}; --limit shows up to {MOST:,}.")
    return 0


async def _show(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json, print_tables

    found = await house.jobs.get(_id(arguments.run_id))
    if arguments.json:
        print_json(found)
    else:
        print_tables(f"{found.job}: {found.state}", found)
    return 0


async def _retry(house: House, arguments: argparse.Namespace) -> int:
    from relatum.values.problems import InvalidInput

    if bool(arguments.run_id) == bool(arguments.job):
        raise InvalidInput(
            "expected the id of one run, or --job and a job, got "
            f"{'both' if arguments.job else 'neither'}; `relatum jobs list --state failed` lists "
            "what has failed"
        )
    if arguments.job:
        retried = await house.jobs.retry_all(arguments.job)
        text = f"{retried:,} run(s) of {arguments.job} will run again."
        _tell(arguments, text, {"retried": retried})
        return 0
    found = await house.jobs.retry(_id(arguments.run_id))
    _tell(arguments, f"{found.job} {found.id} will run again.", found)
    return 0


async def _cancel(house: House, arguments: argparse.Namespace) -> int:
    found = await house.jobs.cancel(_id(arguments.run_id))
    told = "is called off" if found.state == "cancelled" else "is asked to stop"
    _tell(arguments, f"{found.job} {found.id} {told}.", found)
    return 0


async def _drop(house: House, arguments: argparse.Namespace) -> int:
    run = _id(arguments.run_id)
    await house.jobs.drop(run)
    _tell(arguments, f"{run} is dropped.", {"dropped": run})
    return 0


async def _schedules(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json, print_rows

    schedules = await house.jobs.schedules()
    if arguments.json:
        print_json({"items": schedules})
        return 0
    columns = ["job", "schedule", "on", "due", "last ran", "failures", "error"]
    print_rows(
        columns,
        [
            [
                *(s.id, s.schedule, s.on, _moment(s.due_at), _moment(s.last_started_at)),
                *(s.failures, s.error[:80]),
            ]
            for s in schedules
        ],
    )
    return 0


async def _run(house: House, arguments: argparse.Namespace) -> int:
    from relatum.jobs.asking import arguments_of

    job = house.registry.jobs.get(arguments.job)
    well = await house.jobs.run_now(job.id, arguments_of(job, _args(arguments.args)))
    text = f"{job.id} {'succeeded' if well else 'failed; the log says why'}."
    _tell(arguments, text, {"job": job.id, "succeeded": well})
    return 0 if well else 1


async def _work(house: House, arguments: argparse.Namespace) -> int:
    tried = await house.worker.drain()
    _tell(arguments, f"{tried:,} run(s) tried.", {"tried": tried})
    return 0


_ACTIONS: dict[str, Callable[[House, argparse.Namespace], Awaitable[int]]] = {
    "list": _list,
    "show": _show,
    "retry": _retry,
    "cancel": _cancel,
    "drop": _drop,
    "schedules": _schedules,
    "run": _run,
    "work": _work,
}


def _id(text: str) -> UUID:
    from relatum.values.ids import parse_id

    return parse_id(text, "run", where="RUN")


def _args(text: str) -> dict[str, Any] | None:
    import msgspec

    from relatum.values.problems import InvalidInput

    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"expected --args as a JSON object, got: {error}; correct it") from error


def _moment(value: Any) -> str:
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _ago(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds else "–"


def _tell(arguments: argparse.Namespace, text: str, value: object) -> None:
    from relatum.cli.printing import print_json

    if arguments.json:
        print_json(value)
    else:
        _say(text)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
