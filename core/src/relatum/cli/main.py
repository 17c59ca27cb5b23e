"""``relatum``: one command, a module for each subcommand.

Modules import what they need when they run, so that help and completion are there at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

#: Modules of this package, in the order of the help. Each has ``add(subparsers)``.
COMMANDS = (
    "serve",
    "web",
    "worker",
    "migrate",
    "import_",
    "export",
    "subject",
    "erase",
    "erased_kept",
    "report",
    "plugins",
    "accounts",
    "jobs",
    "events",
    "addresses",
    "archive",
    "keys",
    "backup",
    "restore",
    "drill",
    "move",
    "doctor",
    "demo",
)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="relatum",
        description="Relatum: an extensible, self-hosted CRM.",
        epilog="Settings come from relatum.toml (RELATUM_CONFIG) and RELATUM_… variables.",
    )
    whole.add_argument("--version", action="store_true", help="print the version and stop")
    subparsers = whole.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name in COMMANDS:
        importlib.import_module(f"relatum.cli.{name}").add(subparsers)
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when it did what was asked, 1 when it could not, 2 when it was not understood.
    """
    arguments = parser().parse_args(argv)
    if arguments.version:
        return _print_version()
    if arguments.command is None:
        parser().print_help()
        return 2
    return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    from relatum.config.redaction import redact_log
    from relatum.values.problems import RelatumError

    redact_log()
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except RelatumError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is the command's voice
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _print_version() -> int:
    from importlib.metadata import version

    print(f"relatum {version('relatum')}")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
