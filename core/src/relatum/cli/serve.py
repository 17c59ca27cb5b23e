"""``relatum serve``."""

from __future__ import annotations

import argparse
from typing import Any


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "serve",
        help="run the server: API, pages, event handlers and jobs",
        description="Run the server: requests and background work in one process. Until there are "
        "accounts only this machine can reach it. On PostgreSQL `relatum web` and `relatum worker` "
        "run the two apart.",
        epilog="examples:\n  relatum serve\n  RELATUM_PORT=8080 relatum serve",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from relatum.app.serve import serve
    from relatum.config.load import load_settings

    return serve(load_settings())
