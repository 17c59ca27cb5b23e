"""``python -m benchmarks [ID …] [--only ID] [--list]``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence

from benchmarks.measures import Measure, NotRunError, Reading, all_measures
from benchmarks.results import FILE, ROOT, entry_of, entry_of_not_run, machine, merge
from benchmarks.tables import table


def main(argv: Sequence[str] | None = None) -> int:
    """Take the measures; 1 when one that ran is beyond its limit, 2 for an unknown id."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="measures to take (default: all)")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="the same")
    parser.add_argument("--list", action="store_true", help="list the measures and stop")
    arguments = parser.parse_args(argv)
    measures = all_measures()
    if arguments.list:
        print(_listed(measures.values()))
        return 0
    wanted = [*arguments.ids, *arguments.only] or list(measures)
    unknown = [each for each in wanted if each not in measures]
    if unknown:
        print(f"expected ids of measures, got {', '.join(unknown)}; there are:", file=sys.stderr)
        print(_listed(measures.values()), file=sys.stderr)
        return 2
    print(machine())
    kept = [_take(measures[each]) for each in dict.fromkeys(wanted)]
    print(f"\nresults: {FILE.relative_to(ROOT)}")
    return 0 if all(kept) else 1


def _listed(measures: Iterable[Measure]) -> str:
    rows = [[each.id, each.goal, each.limit, each.unit, each.title] for each in measures]
    return table(["id", "goal", "limit", "unit", "measure"], rows)


def _take(measure: Measure) -> bool:
    """Take one measure, print and store it; false when it is beyond its limit."""
    print(f"\n== {measure.id}: {measure.title}", flush=True)
    started = time.monotonic()
    try:
        reading = measure.run()
    except NotRunError as reason:
        print(f"not run: {reason}")
        merge({measure.id: entry_of_not_run(measure, str(reason))})
        return True
    print(table(reading.heads, reading.rows))
    for note in reading.notes:
        print(note)
    _print_verdict(measure, reading)
    print(f"({time.monotonic() - started:.0f} s)", flush=True)
    merge({measure.id: entry_of(measure, reading)})
    return measure.ok(reading)


def _print_verdict(measure: Measure, reading: Reading) -> None:
    verdict = "ok" if measure.ok(reading) else "NOT REACHED"
    print(
        f"{measure.id} = {reading.value:.3f} {measure.unit}, "
        f"{measure.goal} {measure.limit:g}: {verdict}"
    )
    for each in reading.conditions:
        state = "ok" if each.ok else "NOT REACHED"
        print(f"  {each.what}: {each.value:.1f} {each.unit}, {each.goal} {each.limit:g}: {state}")


if __name__ == "__main__":
    sys.exit(main())
