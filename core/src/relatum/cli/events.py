"""``relatum events``: how far the handlers are, trying parked events again, replaying."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "events",
        help="state of the event handlers; retry and replay",
        description="Event handlers follow the log of what happened. See how far they are, try "
        "again what they could not take, or let one start from the beginning.",
        epilog="examples:\n  relatum events status\n"
        "  relatum events retry sales_pipeline.last_activity\n"
        "  relatum events replay sales_pipeline.last_activity",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="every handler: position, lag, parked events")
    status.add_argument("--json", action="store_true", help="print JSON")
    run_all = actions.add_parser("run", help="bring every handler up to date and stop")
    run_all.set_defaults(json=False)
    for name, text in (
        ("retry", "try the parked events of a handler again, now"),
        ("replay", "empty a handler's projection and build it from the beginning"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("handler", help="for example sales_pipeline.last_activity")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _act(house, arguments))


async def _act(house: House, arguments: argparse.Namespace) -> int:
    handlers = house.handlers
    if arguments.action == "status":
        await _print_status(house, as_json=arguments.json)
    elif arguments.action == "retry":
        print(f"{await handlers.retry(arguments.handler):,} events went through.")  # noqa: T201
    else:
        if arguments.action == "replay":
            await handlers.replay(arguments.handler)
        handled = 0
        while count := await handlers.run_once():
            handled += count
        print(f"{handled:,} events handled.")  # noqa: T201
    return 0


async def _print_status(house: House, *, as_json: bool) -> None:
    from relatum.cli.printing import print_json, print_rows

    status = await house.handlers.status()
    if as_json:
        print_json(status)
        return
    print_rows(
        ["handler", "position", "lag", "waiting", "given up", "error"],
        [[s.id, s.position, s.lag, s.waiting, s.given_up, s.error] for s in status],
    )
