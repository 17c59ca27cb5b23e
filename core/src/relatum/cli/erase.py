"""``relatum erase``: customers erased for good, after a look at what that does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.app.house import House
    from relatum.customers.erasing.types import Erasure, ErasurePreview, KeptByLaw, TableCount

YES = "erase"


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "erase",
        help="erase customers for good, with a preview and a receipt",
        description="Erase customers and everything that names them, as the page of a customer "
        "does: what the law keeps is set apart, whoever is under a legal hold stays and is named. "
        "What would happen is shown first and has to be confirmed. It cannot be taken back.",
        epilog="examples:\n  relatum erase 0193… --reason x --dry-run\n"
        '  relatum erase 0193… 0194… --reason "asked for on paper, file 12"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("customers", nargs="+", metavar="ID", help="id of a customer")
    parser.add_argument(
        "--reason", required=True, metavar="TEXT", help="stands in the receipt; name nobody in it"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would happen, no more")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show, ask, erase."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _erase(house, arguments))


async def _erase(house: House, arguments: argparse.Namespace) -> int:
    from relatum.values.ids import parse_id

    ids = [parse_id(each, "id of a customer", where="ID") for each in arguments.customers]
    seen = {each.id for each in await house.customers.get_many(ids)}
    previews = [await house.erasing.preview(id) for id in dict.fromkeys(ids) if id in seen]
    if arguments.dry_run:
        return _tell_previews(previews, [id for id in ids if id not in seen], arguments)
    if previews and not arguments.yes:
        _confirm(previews)
    return await _do(house, ids, arguments)


def _tell_previews(
    previews: Sequence[ErasurePreview], unseen: Sequence[UUID], arguments: argparse.Namespace
) -> int:
    from relatum.cli.printing import print_json

    if arguments.json:
        print_json({"previews": previews, "unknown": unseen})
    else:
        _show(previews)
    for id in unseen:
        _warn(f"expected the id of a customer, got {id}; nobody has it now")
    return 1 if unseen or any(each.holds for each in previews) else 0


def _confirm(previews: Sequence[ErasurePreview]) -> None:
    """Show what would happen, and go on when it is wanted.

    Raises:
        InvalidInput: it is not wanted, or nobody is there to say so.
    """
    from relatum.values.problems import InvalidInput

    if not sys.stdin.isatty():
        raise InvalidInput(
            "expected somebody to confirm this, got no terminal; look at it with --dry-run and "
            "say --yes"
        )
    _show(previews)
    said = input(f"This cannot be taken back. Type {YES} to erase {len(previews)}: ")
    if said.strip() != YES:
        raise InvalidInput(f"expected {YES!r}, got {said.strip()!r}; nothing was erased")


async def _do(house: House, ids: Sequence[UUID], arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json

    batch = await house.erasing.erase_many(ids, by="system", reason=arguments.reason)
    if arguments.json:
        print_json(batch)
    else:
        for receipt in batch.erased:
            _print_receipt(receipt)
    for refused in batch.refused:
        _warn(f"{refused.customer} stays: {refused.why}")
    return 1 if batch.refused else 0


# -- printing ------------------------------------------------------------------------------------


def _show(previews: Sequence[ErasurePreview]) -> None:
    for preview in previews:
        merged = f", with {len(preview.absorbed)} merged into it" if preview.absorbed else ""
        _say(f"Customer {preview.customer}{merged}")
        _print_counts(preview.tables, preview.kept)
        for file in preview.backups:
            day = f"until about {file.expires_at:%Y-%m-%d}" if file.expires_at else "for ever"
            _say(f"still in the backup {file.file}, {day}")
        for business in preview.business:
            _say(f"not over yet: {business.en}")
        for hold in preview.holds:
            since = f"a legal hold since {hold.since:%Y-%m-%d}"
            _warn(f"{preview.customer} stays: {since}: {hold.reason}")


def _print_receipt(receipt: Erasure) -> None:
    moment = f"{receipt.erased_at:%Y-%m-%d %H:%M} UTC"
    _say(f"Customer {receipt.customer} is erased: {receipt.reason}")
    _say(f"Receipt {receipt.id}, {moment}, by {receipt.by}")
    _print_counts(receipt.tables, receipt.kept)
    for note in receipt.notes:
        _say(f"note: {note}")


def _print_counts(tables: Sequence[TableCount], kept: Sequence[KeptByLaw]) -> None:
    from relatum.cli.printing import print_rows

    print_rows(["table", "act", "rows"], [[each.table, each.act, each.rows] for each in tables])
    for each in kept:
        _say(f"kept until {each.until}: {each.rows:,} rows of {each.table} ({each.law})")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _warn(text: str) -> None:
    sys.stderr.write(text + "\n")
