"""``relatum events``: how far the handlers are, trying again, replaying, pausing."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.events.runner import HandlerStatus, ReplayProgress

ACTIONS = (
    ("retry", "try the parked events of a handler again, now"),
    ("replay", "empty a handler's projection and build it from the beginning"),
    ("pause", "let a handler stand where it is, also in the middle of a replay"),
    ("resume", "let a paused handler go on from where it stands"),
)
#: How often a replay says how far it is, in seconds.
SAY_SECONDS = 1.0
#: Batches between two looks at the clock.
BATCHES = 20


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "events",
        help="state of the event handlers; retry, replay, pause and resume",
        description="Event handlers follow the log of what happened. See how far they are, try "
        "again what they could not take, or let one start from the beginning.",
        epilog="examples:\n  relatum events status\n"
        "  relatum events retry sales_pipeline.last_activity\n"
        "  relatum events replay sales_pipeline.last_activity\n"
        "  relatum events replay sales_pipeline.last_activity --background\n"
        "  relatum events pause sales_pipeline.last_activity",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="every handler: position, lag, parked events")
    status.add_argument("--json", action="store_true", help="print JSON")
    run_all = actions.add_parser("run", help="bring every handler up to date and stop")
    run_all.set_defaults(json=False)
    for name, text in ACTIONS:
        action = actions.add_parser(name, help=text)
        action.add_argument("handler", help="for example sales_pipeline.last_activity")
        if name == "replay":
            action.add_argument(
                "--background",
                action="store_true",
                help="leave the way back to the server or worker that runs",
            )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _act(house, arguments))


async def _act(house: House, arguments: argparse.Namespace) -> int:
    handlers, action = house.handlers, arguments.action
    if action == "status":
        await _print_status(house, as_json=arguments.json)
    elif action == "retry":
        print(f"{await handlers.retry(arguments.handler):,} events went through.")  # noqa: T201
    elif action == "pause":
        await handlers.pause(arguments.handler)
        print(f"{arguments.handler} stands still until it is resumed.")  # noqa: T201
    elif action == "resume":
        await handlers.resume(arguments.handler)
        print(f"{arguments.handler} goes on where it runs next.")  # noqa: T201
    elif action == "replay":
        await _replay(house, arguments.handler, background=arguments.background)
    else:
        print(f"{await _run_all(house):,} events handled.")  # noqa: T201
    return 0


async def _run_all(house: House) -> int:
    handled = 0
    while count := await house.handlers.run_once():
        handled += count
    return handled


async def _replay(house: House, handler: str, *, background: bool) -> None:
    await house.handlers.replay(handler)
    if background:
        print("It begins anew; `relatum events status` says how far it is.")  # noqa: T201
        return
    handled, said = 0, time.monotonic()
    while True:
        count = await house.handlers.run_once(handler, most=BATCHES)
        handled += count
        if count and time.monotonic() - said < SAY_SECONDS:
            continue
        said = time.monotonic()
        (status,) = [each for each in await house.handlers.status() if each.id == handler]
        if status.replay is not None:
            print(progress_text(status.replay), file=sys.stderr)  # noqa: T201
        if not count and (status.replay is None or status.paused):
            break
        if not count:
            # another process is at it
            await asyncio.sleep(SAY_SECONDS)
    print(f"{handled:,} events handled here.")  # noqa: T201


def progress_text(progress: ReplayProgress) -> str:
    """How far a replay is, for a person."""
    share = 100 * progress.done // max(progress.of, 1)
    text = f"{progress.done:,} of {progress.of:,} events ({share} %)"
    if progress.rate:
        text += f", {progress.rate:,.0f} a second"
    if progress.ends_at is not None:
        text += f", until about {progress.ends_at.astimezone():%H:%M:%S}"
    return text


async def _print_status(house: House, *, as_json: bool) -> None:
    from relatum.cli.printing import print_json, print_rows

    status = await house.handlers.status()
    if as_json:
        print_json(status)
        return
    heads = ["handler", "position", "lag", "seconds", "waiting", "given up", "state", "error"]
    print_rows(
        heads,
        [
            [
                *(s.id, s.position, s.lag, round(s.lag_seconds), s.waiting, s.given_up),
                *(_state(s), s.error),
            ]
            for s in status
        ],
    )


def _state(status: HandlerStatus) -> str:
    state = "paused" if status.paused else "follows"
    if status.replay is not None:
        text = progress_text(status.replay)
        return f"paused at {text}" if status.paused else text
    return state
