"""The rules of data quality against known errors, and how long a night takes."""

from __future__ import annotations

import asyncio
import csv
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks import errors
from benchmarks.fill import BATCH, draft_of
from benchmarks.measures import Condition, Measure, Reading
from benchmarks.people import people
from relatum.api import Customer
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum_data_quality.jobs import evaluate as night
from relatum_data_quality.rules.catalogue import RULES
from relatum_data_quality.rules.types import Known, evaluate
from relatum_data_quality.scoring import HALF_LIVES

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CLEAN, EACH, SEEDS = 5_000, 100, (1, 2, 3)
CUSTOMERS = 100_000
MOST_REAL = 20_000
KNOWN = Known(today=errors.TODAY, half_lives=HALF_LIVES)


def rules() -> Reading:
    """Recall over all seeded errors; alarms on clean records are the share with any finding."""
    made: Counter[str] = Counter()
    met: Counter[str] = Counter()
    alarms = records = 0
    for seed in SEEDS:
        clean = errors.clean(CLEAN, seed)
        alarms += sum(1 for found in evaluate(RULES, clean, KNOWN) if found)
        records += len(clean)
        for name, customer in errors.spoiled(clean, seed + 100, EACH):
            made[name] += 1
            [found] = evaluate(RULES, [customer], KNOWN)
            met[name] += f"data_quality.{name}" in {rule.id for rule, _ in found}
    recall = sum(met.values()) / sum(made.values())
    rows = [(name, made[name], f"{met[name] / made[name]:.3f}") for name in sorted(made)]
    return Reading(
        value=recall,
        heads=("error", "seeded", "found"),
        rows=rows,
        conditions=[
            Condition("clean records with an alarm", alarms / records, "share", 0.01),
            Condition("sorts of error", len(made), "sorts", 40, goal="at least"),
            Condition(
                "recall of the weakest",
                min(met[n] / made[n] for n in made),
                "share",
                0.9,
                "at least",
            ),
        ],
        notes=list(_on_real_data()),
    )


def _on_real_data() -> Iterator[str]:
    """What the rules say of files of others; nothing of them is kept."""
    for path in sorted(DATA.rglob("*.csv")):
        found = _of_file(path)
        if found is not None:
            records, counts = found
            said = ", ".join(f"{name} {count}" for name, count in counts.most_common(6))
            yield f"{path.relative_to(DATA)}: {records} records; {said or 'nothing'}"


_COLUMNS = {
    "name": "name",
    "full_name": "name",
    "display_name": "name",
    "họ tên": "name",
    "phone": "phone",
    "e-mail 1 - value": "email",
    "email": "email",
    "address": "address",
}


def _of_file(path: Path) -> tuple[int, Counter[str]] | None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            heads = {
                h: _COLUMNS[h.strip().lower()]
                for h in reader.fieldnames or ()
                if h.strip().lower() in _COLUMNS
            }
            if not set(heads.values()) & {"phone", "email", "address"} and len(heads) < 2:
                return None
            customers = [
                _customer({kind: str(row.get(head) or "") for head, kind in heads.items()})
                for _, row in zip(range(MOST_REAL), reader, strict=False)
            ]
    except (UnicodeDecodeError, csv.Error):
        return None
    counts: Counter[str] = Counter()
    wanted = [each for each in RULES if each.dimension in {"validity", "consistency"}]
    for found in evaluate(wanted, customers, KNOWN):
        counts.update(rule.id.partition(".")[2] for rule, _ in found)
    return len(customers), counts


def _customer(values: dict[str, str]) -> Customer:
    name = values.pop("name", "")
    made = errors.clean(1, 1)[0] if not _BLANK else _BLANK[0]
    _BLANK[:] = [made]
    customer = errors.named(made, name)
    for kind in ("phone", "email", "address"):
        customer = errors.reached(customer, kind, *filter(None, [values.get(kind, "")]))
    return errors.filled(customer, birth_date=None, gender=None)


_BLANK: list[Customer] = []


def nightly() -> Reading:
    """Everybody, with findings, scores and the day put down, on SQLite."""
    seconds, found = asyncio.run(_nightly())
    return Reading(
        value=seconds,
        heads=("customers", "findings", "seconds", "customers a second"),
        rows=[(CUSTOMERS, found, f"{seconds:.1f}", f"{CUSTOMERS / seconds:.0f}")],
    )


async def _nightly() -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), durability="normal")
        async with await House.open(settings) as house:
            await house.migrate_apply()
            everybody = map(draft_of, people(CUSTOMERS))
            while some := list(islice(everybody, BATCH)):
                await house.customers.create(some, by="system")
            plugin = house.registry.plugins["data_quality"]
            start = time.perf_counter()
            done = await night(plugin, None)  # type: ignore[arg-type]
            return time.perf_counter() - start, done.found


MEASURES = [
    Measure("quality.rules", "Errors that the rules find", "share", 0.98, "at least", rules),
    Measure("quality.nightly", "A night of 100,000 customers", "s", 600, "at most", nightly),
]
