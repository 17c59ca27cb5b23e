"""``relatum report``: what the reports say, as tables or JSON."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "report",
        help="print a report, or list them",
        description="Print a report. Without an id: the reports there are.",
        epilog="examples:\n  relatum report\n  relatum report sales_pipeline.summary\n"
        "  relatum report sales_pipeline.summary --json\n"
        "  relatum report sales_pipeline.summary --param pipeline=default",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("id", nargs="?", help="for example sales_pipeline.summary")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the report; may be given several times",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the report and print it."""
    from relatum.cli.house import in_house

    async def work(house: House) -> int:
        if arguments.id is None:
            _list(house, as_json=arguments.json)
        else:
            await _show(house, arguments)
        return 0

    return in_house(work)


def _list(house: House, *, as_json: bool) -> None:
    from relatum.cli.printing import print_json, print_rows

    language = house.settings.company.language
    rows = [[report.id, report.title.in_language(language)] for report in house.registry.reports]
    if as_json:
        print_json([{"id": id, "title": title} for id, title in rows])
    else:
        print_rows(["report", "what it says"], rows)


async def _show(house: House, arguments: argparse.Namespace) -> None:
    from relatum.cli.printing import print_json, print_tables
    from relatum.reports.running import run_report

    report = house.registry.reports.get(arguments.id)
    params = _params(arguments.param, report.params, house.settings.company.time_zone)
    result = await run_report(house.registry, arguments.id, params)
    if arguments.json:
        print_json(result)
    else:
        print_tables(report.title.in_language(house.settings.company.language), result)


def _params(given: list[str], kind: type[Any] | None, time_zone: str) -> Any:
    from urllib.parse import urlencode

    from relatum.http.queries import read_query, refuse_parameters
    from relatum.values.problems import InvalidInput

    wrong = [each for each in given if "=" not in each]
    if wrong:
        raise InvalidInput(f"expected --param NAME=VALUE, got {wrong[0]!r}; put = between them")
    query = urlencode(
        [(name, value) for name, _, value in (each.partition("=") for each in given)]
    ).encode()
    if kind is None:
        refuse_parameters(query)
        return None
    return read_query(query, kind, time_zone=time_zone)
