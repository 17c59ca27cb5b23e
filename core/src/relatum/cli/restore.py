"""``relatum restore``: a backup into an empty installation."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "restore",
        help="bring a backup into an empty installation",
        description="Check every part of a backup, bring it into the empty installation that the "
        "settings describe, and hold every table against the manifest. A backup of SQLite, or one "
        "made with --form sqlite, goes into SQLite and PostgreSQL alike.",
        epilog="examples:\n  relatum restore relatum-20261122T023000Z.tar\n"
        "  RELATUM_HOME=/srv/relatum relatum restore /mnt/backups/relatum-20261122T023000Z.tar",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="what `relatum backup` wrote")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="put the SQLite database that is there aside under another name",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Bring the backup back."""
    from relatum.app.restoring import bring_back
    from relatum.cli.move import teller
    from relatum.cli.printing import print_json
    from relatum.config.load import load_settings

    settings = load_settings()
    done = asyncio.run(
        bring_back(settings, arguments.file, replace=arguments.replace, show=teller())
    )
    if arguments.json:
        print_json(done)
        return 0
    told = (
        f"{done.rows:,} rows of {done.tables} tables and {done.files} files as they were at "
        f"{done.made_at:%Y-%m-%d %H:%M:%S} UTC, in {done.seconds:.1f} s; every table is what was "
        "backed up."
    )
    lines = [told]
    lines += [f"Put aside: {each}" for each in done.put_aside]
    if done.missing_keys:
        lines.append(
            f"Put the file of keys back at {settings.keys_path} before the server starts: it needs "
            f"{', '.join(done.missing_keys)}, and without them secrets and seals stay closed."
        )
    if done.erased_again:
        lines.append(f"Erased again, as after the backup: {done.erased_again} customers.")
    if done.pending:
        lines.append(f"Run `relatum migrate --apply`: {done.pending} newer migrations wait.")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
