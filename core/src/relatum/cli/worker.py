"""``relatum worker``."""

from __future__ import annotations

import argparse
from typing import Any


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "worker",
        help="run background work only: jobs, schedules, event handlers",
        description="Run jobs, schedules and event handlers, and answer no requests. Several may "
        "run on one database. With worker.port it answers /health, /ready and /metrics there.",
        epilog="examples:\n  relatum worker\n  RELATUM_WORKER__PORT=9101 relatum worker",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Work until told to stop."""
    from relatum.app.serve import serve
    from relatum.config.load import load_settings

    return serve(load_settings(), "worker")
