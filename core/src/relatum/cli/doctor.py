"""``relatum doctor``: what is right and what is wrong, and how to mend it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="check configuration, database, migrations, plugins, handlers, disk space",
        description="Look at the whole installation and say what is wrong and how to mend it. "
        "Changes nothing. Loads the plugins that are switched on, as the server would. "
        "The exit code is 1 when something needs mending.",
        epilog="examples:\n  relatum doctor\n  relatum doctor --audit\n  relatum doctor --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--audit",
        action="store_true",
        help="also hold every event of the audit trail against its seal",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print every finding as it comes, or all of them as JSON."""
    return asyncio.run(_run(as_json=arguments.json, audit=arguments.audit))


async def _run(*, as_json: bool, audit: bool) -> int:
    from relatum.cli.diagnosis import diagnose, is_sound
    from relatum.cli.printing import print_json

    findings = []
    async for finding in diagnose(audit=audit):
        findings.append(finding)
        if not as_json:
            mend = f"\n{'':23}→ {finding.mend}" if finding.mend else ""
            sys.stdout.write(f"{finding.result:<7}{finding.check:<16}{finding.message}{mend}\n")
            # A plugin that ends the process while it is loaded must not take the rest with it.
            sys.stdout.flush()
    sound = is_sound(findings)
    if as_json:
        print_json({"ok": sound, "findings": findings})
    return 0 if sound else 1
