"""``relatum archive``: months of the event log and of interactions in files, and back."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.archive.catalogue import ArchiveFile
    from relatum.archive.service import ArchiveStatus, MonthStatus

_KINDS = {"events": ("core_event",), "interactions": ("core_interaction",)}
_BOTH = ("core_event", "core_interaction")


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "archive",
        help="months of the event log and of interactions: into files, and back",
        description="Old months of the event log and of interactions can leave the database for "
        "Parquet files in the archive's folder. Nothing does unless [archive] in the settings or "
        "`run --until` says so; what has left can be looked into, verified and restored. Needs "
        "pip install 'relatum[archive]'.",
        epilog="examples:\n  relatum archive status\n  relatum archive run --until 2026-06\n"
        "  relatum archive verify\n  relatum archive show 2026-01 --kind events --rows 5\n"
        "  relatum archive query 01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e\n"
        "  relatum archive restore 2026-01\n  relatum archive restore --from 2025-07 --to 2026-01\n"
        "  relatum archive drop 2026-01",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_status(actions)
    _add_changes(actions)
    _add_looking(actions)
    parser.set_defaults(run=run)


def _add_status(actions: Any) -> None:
    status = actions.add_parser("status", help="every month: where it is, what holds it")
    status.add_argument("--json", action="store_true", help="print JSON")
    verify = actions.add_parser("verify", help="read every file and compare it with the index")
    verify.add_argument("--json", action="store_true", help="print JSON")


def _add_changes(actions: Any) -> None:
    taking = actions.add_parser("run", help="archive what the settings say, or up to a month")
    taking.add_argument("--until", default="", metavar="MONTH", help="every month up to this one")
    taking.add_argument(
        "--ignore-handler",
        action="append",
        default=[],
        metavar="HANDLER",
        help="do not wait for this handler (of a plugin that is gone); may be repeated",
    )
    back = actions.add_parser("restore", help="bring months back into the database")
    again = actions.add_parser("drop", help="take restored months out again")
    for action in (back, again):
        action.add_argument("months", nargs="*", metavar="MONTH", help="for example 2026-01")
        action.add_argument("--from", dest="first", default="", metavar="MONTH")
        action.add_argument("--to", dest="last", default="", metavar="MONTH")
    for action in (taking, back, again):
        action.add_argument("--kind", choices=sorted(_KINDS), help="only these; both by default")
        action.add_argument("--why", default="", help="the reason, kept in the audit trail")


def _add_looking(actions: Any) -> None:
    show = actions.add_parser("show", help="what is in the file of one month")
    show.add_argument("month", metavar="MONTH")
    show.add_argument("--kind", choices=sorted(_KINDS), default="events")
    show.add_argument("--rows", type=int, default=0, help="print so many rows as JSON")
    query = actions.add_parser("query", help="archived rows of one customer, as JSON lines")
    query.add_argument("customer", help="id of the customer")


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _act(house, arguments))


async def _act(house: House, arguments: argparse.Namespace) -> int:
    acts = {
        "status": _status,
        "verify": _verify,
        "run": _run,
        "restore": _move,
        "drop": _move,
        "show": _show,
        "query": _query,
    }
    return await acts[arguments.action](house, arguments)


# -- looking -------------------------------------------------------------------------------------


async def _status(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json

    status = await house.archive.status()
    if arguments.json:
        print_json(status)
    else:
        _print_status(status)
    return 0


def _print_status(status: ArchiveStatus) -> None:
    from relatum.cli.printing import print_rows

    _say(
        f"Kept in the database: events {_kept(status.keep_months_events)}, interactions "
        f"{_kept(status.keep_months_interactions)}. Files: {status.folder}"
    )
    rows = []
    for month in status.months:
        file = month.file
        state = file.state if file else ("due" if month.due else "in the database")
        size = f"{file.bytes / 1e6:,.1f} MB" if file else ""
        rows.append(
            [
                *(month.kind, month.month, state, month.in_database, file.rows if file else 0),
                *(size, "; ".join(_held(month))),
            ]
        )
    print_rows(["table", "month", "state", "in database", "in file", "size", "held by"], rows)
    for name in status.unknown_files:
        _say(f"note: {name} lies in the folder and is not in the index")


def _held(month: MonthStatus) -> list[str]:
    """What holds a month, or the rows of it that stayed."""
    stayed = month.file.held if month.file else 0
    return month.held_by + ([f"{stayed:,} rows that something points at"] if stayed else [])


def _kept(months: int) -> str:
    return f"{months} full months" if months else "all"


async def _verify(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json

    found = []
    async for checked in house.archive.verify():
        found.append(checked)
        if not arguments.json:
            _say(f"{checked.result:<8}{checked.id or checked.file}: {checked.message}")
    sound = all(checked.result in {"ok", "unknown"} for checked in found)
    if arguments.json:
        print_json({"ok": sound, "files": found})
    elif not found:
        _say("There are no files.")
    return 0 if sound else 1


async def _show(house: House, arguments: argparse.Namespace) -> int:
    (kind,) = _KINDS[arguments.kind]
    about, rows = await house.archive.show(kind, arguments.month, rows=arguments.rows)
    _say(
        f"{about.rows:,} rows of {about.kind}, {about.month}, in {len(about.pieces)} pieces, "
        f"written by Relatum {about.relatum}; SHA-256 of the rows {about.digest}"
    )
    for row in rows:
        _print_row({}, about.columns, row)
    return 0


async def _query(house: House, arguments: argparse.Namespace) -> int:
    from relatum.archive.kinds import KINDS
    from relatum.values.ids import parse_id

    customer = parse_id(arguments.customer, "id of a customer")
    async for entry, rows in house.archive.of_customer(customer):
        for row in rows:
            _print_row({"file": entry.id}, KINDS[entry.kind].columns, row)
    return 0


def _print_row(beside: dict[str, str], columns: Sequence[str], row: Sequence[str | None]) -> None:
    import msgspec

    values = beside | dict(zip(columns, row, strict=True))
    _say(msgspec.json.encode(values).decode())


# -- changing ------------------------------------------------------------------------------------


async def _run(house: House, arguments: argparse.Namespace) -> int:
    kinds = _KINDS.get(arguments.kind, _BOTH)
    archive = house.archive
    outcome = await archive.run(
        until=arguments.until,
        kinds=kinds,
        ignoring=arguments.ignore_handler,
        why=_why(arguments),
        watch=_progress,
    )
    for entry in outcome.archived:
        _say(_told(entry, "left the database for"))
    for id, holders in outcome.held.items():
        _say(f"{id} stays in the database: {'; '.join(holders)}")
    if not outcome.archived and not outcome.held:
        _say("Nothing was due.")
    return 1 if outcome.held else 0


async def _move(house: House, arguments: argparse.Namespace) -> int:
    from relatum.archive.catalogue import months_between
    from relatum.values.problems import InvalidInput

    months = list(arguments.months)
    files = await house.archive.files()
    if arguments.first or arguments.last:
        first = arguments.first or min((entry.month for entry in files), default="")
        last = arguments.last or max((entry.month for entry in files), default="")
        months += months_between(first, last) if first and last else []
    elif not months:
        raise InvalidInput("expected one or more months (or --from and --to), got none")
    kinds = _KINDS.get(arguments.kind, _BOTH)
    chosen = [entry for entry in files if entry.month in months and entry.kind in kinds]
    if arguments.action == "drop":
        chosen = [entry for entry in chosen if entry.state == "restored"]
    if not chosen:
        raise InvalidInput(
            f"expected months that are in the archive, got {', '.join(months)}; see relatum "
            "archive status"
        )
    act = house.archive.restore if arguments.action == "restore" else house.archive.drop
    for entry in chosen:
        done = await act(entry.kind, entry.month, why=_why(arguments), watch=_progress)
        word = "are in the database; they stay in" if arguments.action == "restore" else "left for"
        _say(_told(done, word))
    return 0


def _told(entry: ArchiveFile, word: str) -> str:
    kept = f"; {entry.held:,} that something points at stayed" if entry.held else ""
    return f"{entry.id}: {entry.rows:,} rows {word} {entry.file}{kept}"


def _why(arguments: argparse.Namespace) -> str:
    import getpass

    return arguments.why or f"relatum archive {arguments.action}, as {getpass.getuser()}"


def _progress(id: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{id}: {done} of {of} pieces" + ("\n" if done == of else ""))
        sys.stderr.flush()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
