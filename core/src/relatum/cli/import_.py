"""``relatum import``: try an import out, apply it, list imports, take one back."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.importing.plan import Plan
    from relatum.importing.results import Progress

_EXAMPLES = """examples:
  relatum import contacts.csv --target core.customers
  relatum import contacts.csv --target core.customers --save-plan contacts.toml
  relatum import --plan contacts.toml ./exports
  relatum import --plan contacts.toml ./exports --apply
  relatum import --list
  relatum import --undo 01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e

Without --apply nothing is written: the import is tried out and every problem is shown."""


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "import",
        help="bring data in from CSV or JSON lines, by a plan",
        description="Bring data in by a plan, or from one file whose headings say what they are. "
        "An import that was interrupted goes on when the same command is given again.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="?", type=Path, help="the folder of the files, or one file")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="the import plan (TOML)")
    parser.add_argument("--target", help="without a plan: what the file holds, core.customers …")
    parser.add_argument("--name", help="without a plan: the source that external ids belong to")
    parser.add_argument(
        "--save-plan", type=Path, metavar="FILE", help="without a plan: write the guessed one"
    )
    parser.add_argument("--apply", action="store_true", help="write; without it only a preview")
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="preview: try every row out against the database, not only up to 20,000",
    )
    parser.add_argument("--list", action="store_true", help="list the imports")
    parser.add_argument("--undo", metavar="ID", help="take an import back")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run, usage_error=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Do what the options say."""
    from relatum.cli.house import in_house

    if arguments.list:
        return in_house(lambda house: _list(house, as_json=arguments.json))
    if arguments.undo is not None:
        return in_house(lambda house: _undo(house, arguments))
    _check_usage(arguments)
    return in_house(lambda house: _import(house, arguments))


def _check_usage(arguments: argparse.Namespace) -> None:
    """Ends the command with a usage error when the options do not fit together."""
    if arguments.path is None:
        arguments.usage_error("give the folder of a plan's files, or a file with --target")
    if arguments.plan is not None and (arguments.target or arguments.save_plan or arguments.name):
        arguments.usage_error("--target, --name and --save-plan are for files without a --plan")
    if arguments.plan is None and arguments.target is None:
        arguments.usage_error("give --plan FILE for a folder, or --target for one file")


async def _import(house: House, arguments: argparse.Namespace) -> int:
    plan, folder = _plan_and_folder(house, arguments)
    if arguments.save_plan is not None:
        _save(plan, arguments.save_plan)
    if arguments.apply:
        return await _apply(house, plan, folder, as_json=arguments.json)
    return await _preview(house, plan, folder, arguments)


def _plan_and_folder(house: House, arguments: argparse.Namespace) -> tuple[Plan, Path]:
    from relatum.importing.guessing import guess_plan
    from relatum.importing.plan import Format, load_plan
    from relatum.importing.reading import open_table
    from relatum.values.problems import InvalidInput

    path: Path = arguments.path
    if arguments.plan is not None:
        if not path.is_dir():
            raise InvalidInput(
                f"expected the folder of the plan's files, got {path}; name a folder"
            )
        return load_plan(arguments.plan), path
    if not path.is_file():
        raise InvalidInput(f"expected a file, got {path}; name a CSV, XLSX or JSON lines file")
    target = house.registry.import_targets.get(arguments.target)
    guess = guess_plan(
        open_table(path, Format()),
        target,
        name=arguments.name or path.name.partition(".")[0],
        country=house.settings.company.country,
    )
    return guess.plan, path.parent


def _save(plan: Plan, path: Path) -> None:
    from relatum.importing.plan import dump_plan
    from relatum.values.problems import Conflict

    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(dump_plan(plan))
    except FileExistsError:
        raise Conflict(
            f"expected the name of a new file, got {path}, which is there already; name another"
        ) from None


async def _preview(house: House, plan: Plan, folder: Path, arguments: argparse.Namespace) -> int:
    from relatum.cli.import_report import print_preview
    from relatum.cli.printing import print_json
    from relatum.importing.service import REHEARSED

    with _progress("Trying it out") as watch:
        preview = await house.imports.preview(
            plan, folder, watch=watch, rehearse=None if arguments.thorough else REHEARSED
        )
    if arguments.json:
        print_json(preview)
    else:
        print_preview(preview)
    return 1 if preview.blocked else 0


async def _apply(house: House, plan: Plan, folder: Path, *, as_json: bool) -> int:
    from relatum.cli.import_report import print_outcome
    from relatum.cli.printing import print_json

    _collect_rarely()
    with _progress("Importing") as watch:
        outcome = await house.imports.apply(plan, folder, watch=watch)
    if as_json:
        print_json(outcome)
    else:
        print_outcome(outcome)
    return 0


def _collect_rarely() -> None:
    """Rows come and go by reference counting; looking for cycles among them costs a fifth more."""
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


async def _list(house: House, *, as_json: bool) -> int:
    from relatum.cli.import_report import print_entries
    from relatum.cli.printing import print_json

    entries = await house.imports.entries()
    if as_json:
        print_json(entries)
    else:
        print_entries(entries)
    return 0


async def _undo(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.import_report import print_undone
    from relatum.cli.printing import print_json
    from relatum.values.ids import parse_id

    id = parse_id(arguments.undo, "import id")
    with _progress("Taking back") as watch:
        undone = await house.imports.undo(id, watch=watch)
    if arguments.json:
        print_json(undone)
    else:
        print_undone(undone)
    return 0


@contextlib.contextmanager
def _progress(title: str) -> Iterator[Callable[[Progress], None] | None]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)

        def watch(progress: Progress) -> None:
            share = (progress.files_done + progress.fraction) / max(progress.files, 1)
            text = f"{title} {progress.file}, {progress.rows:,} rows"
            bar.update(task, completed=share, description=text)

        yield watch
