"""``relatum web``."""

from __future__ import annotations

import argparse
from typing import Any


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "web",
        help="run the server without background work: API and pages only",
        description="Answer requests, and leave jobs, schedules and event handlers to processes "
        "of `relatum worker` on the same database. Several may run, behind a proxy.",
        epilog="examples:\n  relatum web\n  RELATUM_PORT=8001 relatum web",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answer requests until told to stop."""
    from relatum.app.serve import serve
    from relatum.config.load import load_settings

    return serve(load_settings(), "web")
