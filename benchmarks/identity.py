"""Who is the same as whom: made-up files whose truth is known, labelled public sets, and speed."""

from __future__ import annotations

import asyncio
import csv
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import firms
from benchmarks.duplicates import PEOPLE, Record, columns_of, customer_file, true_pairs
from benchmarks.measures import Condition, Measure, NotRunError, Reading
from benchmarks.rounds import percentile
from relatum.api import ContactPointDraft, CustomerDraft, normalise_email
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum_identity.engine.linking import Linked, link, queue
from relatum_identity.engine.schema import Field, Schema
from relatum_identity.services.checking import Checking
from relatum_identity.services.models import Models
from relatum_identity.services.records import FIELDS, ORGANISATION_FIELDS
from relatum_identity.types import Sought

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "record_linkage"
SEEDS = (1, 2, 3)
SWEPT = 100_000
CHECKS = 200
#: Records a person of the made-up file has on average, traps counted.
RECORDS_A_PERSON = 1.4258
PERSON = Schema(FIELDS)
FIRM = Schema(ORGANISATION_FIELDS)
FIRMS = firms.FIRMS
FEBRL = Schema(
    (
        Field("given_name", "word", swaps_with="surname"),
        Field("surname", "word", swaps_with="given_name"),
        Field("address", "address", shared=True),
        Field("suburb", "word", shared=True),
        Field("postcode", "identifier", shared=True),
        Field("state", "category", shared=True),
        Field("date_of_birth", "date"),
        Field("soc_sec_id", "identifier"),
    )
)
RESTAURANTS = Schema(
    (
        Field("name", "text"),
        Field("address", "address"),
        Field("city", "text"),
        Field("cuisine", "category"),
    )
)
Pairs = set[tuple[int, int]]


# -- the made-up file ----------------------------------------------------------------------------


def generated() -> Reading:
    """Pairs merged without a person, and those shown to one, against the truth."""
    rows = [_of_file(seed, thin=thin) for thin in (False, True) for seed in SEEDS]
    asked = [row for row in rows if row[1] == "as asked"]
    return Reading(
        value=min(row[3] for row in asked),
        heads=[
            "seed",
            "file",
            "records",
            "precision",
            "recall",
            "with review",
            "queue",
            "household",
            "births",
            "s",
        ],
        rows=rows,
        conditions=[
            Condition(
                "least recall without a person", min(r[4] for r in asked), "", 0.80, "at least"
            ),
            Condition("least recall with review", min(r[5] for r in asked), "", 0.93, "at least"),
            Condition("longest queue", max(r[6] for r in asked), "of records", 0.10),
            Condition("household traps merged", sum(r[7] for r in rows), "of 600 each", 0),
            Condition("merged against birth dates", sum(r[8] for r in rows), "pairs", 0),
        ],
        notes=[
            "thin: each person's first record also lacks what doubles lack, as often",
            "household: traps merged with a member; births: merged though dates contradict",
        ],
    )


def _of_file(seed: int, *, thin: bool) -> list[Any]:
    records = customer_file(seed, people=PEOPLE, thin=thin)
    began = time.perf_counter()
    found = link(columns_of(records), PERSON, seed=seed)
    took = time.perf_counter() - began
    true = true_pairs(records)
    merged = merged_pairs(found)
    shown = pairs_of(found, decisions={1})
    return [
        seed,
        "thin" if thin else "as asked",
        len(records),
        len(merged & true) / max(len(merged), 1),
        len(merged & true) / len(true),
        len((merged | shown) & true) / len(true),
        queue(found).size / len(records),
        sum(_household(records[a], records[b]) for a, b in merged - true),
        sum(_against_births(records[a], records[b]) for a, b in pairs_of(found, decisions={2})),
        round(took, 1),
    ]


def merged_pairs(found: Linked) -> Pairs:
    """All pairs that stand in one group."""
    groups: dict[int, list[int]] = {}
    for place, group in enumerate(found.groups.tolist()):
        groups.setdefault(group, []).append(place)
    return {(a, b) for some in groups.values() for n, a in enumerate(some) for b in some[n + 1 :]}


def pairs_of(found: Linked, *, decisions: set[int]) -> Pairs:
    """Pairs with these decisions."""
    whole = zip(found.left.tolist(), found.right.tolist(), found.decisions.tolist(), strict=True)
    return {(a, b) for a, b, decision in whole if decision in decisions}


def _household(one: Record, other: Record) -> bool:
    return (one.trap == "household" and one.of == other.person) or (
        other.trap == "household" and other.of == one.person
    )


def _against_births(one: Record, other: Record) -> bool:
    """Both known, and neither a swap nor one wrong digit: said again, by other means."""
    if one.birth is None or other.birth is None:
        return False
    a, b = f"{one.birth:%Y%m%d}", f"{other.birth:%Y%m%d}"
    swapped = a[:4] + a[6:] + a[4:6] == b
    return not swapped and sum(x != y for x, y in zip(a, b, strict=True)) > 1


# -- organisations -------------------------------------------------------------------------------


def organisations() -> Reading:
    """Pairs of organisations merged without a person, and those shown to one, against the truth."""
    rows = [_of_firms(seed) for seed in SEEDS]
    return Reading(
        value=min(row[2] for row in rows),
        heads=[
            "seed",
            "records",
            "precision",
            "recall",
            "with review",
            "queue",
            "branches",
            "sisters",
            "strangers",
            "s",
        ],
        rows=rows,
        conditions=[
            Condition(
                "least recall without a person", min(r[3] for r in rows), "", 0.80, "at least"
            ),
            Condition("least recall with review", min(r[4] for r in rows), "", 0.93, "at least"),
            Condition("longest queue", max(r[5] for r in rows), "of records", 0.10),
            Condition("branches merged", sum(r[6] for r in rows), "pairs", 0),
        ],
        notes=["branches, sister firms and strangers of one name: pairs merged that are two firms"],
    )


def _of_firms(seed: int) -> list[Any]:
    records = firms.firm_file(seed, firms=FIRMS)
    began = time.perf_counter()
    found = link(firms.columns_of(records), FIRM, seed=seed)
    took = time.perf_counter() - began
    true = firms.true_pairs(records)
    merged, shown = merged_pairs(found), pairs_of(found, decisions={1})
    traps = Counter(records[a].trap or records[b].trap for a, b in merged - true)
    return [
        seed,
        len(records),
        len(merged & true) / max(len(merged), 1),
        len(merged & true) / len(true),
        len((merged | shown) & true) / len(true),
        queue(found).size / len(records),
        traps["branch"],
        traps["sister"],
        traps["namesake"],
        round(took, 1),
    ]


# -- labelled sets -------------------------------------------------------------------------------


def labelled() -> Reading:
    """FEBRL 1 and 4 and the restaurants: what is more likely one than two, against the labels."""
    if not DATA.is_dir():
        raise NotRunError(f"the data folder {DATA.name} is not here")
    one = _rows("febrl/dataset1.csv")
    a, b = _rows("febrl/dataset4a.csv"), _rows("febrl/dataset4b.csv")
    food = _rows("restaurants/restaurant-nophone-training.csv")
    rows = [
        _scored("FEBRL 1", link(febrl_columns(one), FEBRL), _febrl_truth(one)),
        _scored(
            "FEBRL 4",
            link(febrl_columns(a + b), FEBRL, side=[False] * len(a) + [True] * len(b)),
            _febrl_truth(a + b),
        ),
        _scored(
            "restaurants",
            link(
                {each.name: [r[each.name] or None for r in food] for each in RESTAURANTS.fields},
                RESTAURANTS,
            ),
            _same([row["unique_id"] for row in food]),
        ),
    ]
    return Reading(
        value=min(row[4] for row in rows[:2]),
        heads=["set", "pairs compared", "precision", "recall", "F1", "sure: precision", "recall"],
        rows=rows,
        notes=[
            "restaurants have no limit: name, address, city and cuisine alone",
            "sure: merged without a person; FEBRL's birth dates with two wrong digits go to one",
        ],
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        read = csv.DictReader(file, skipinitialspace=True)
        return [
            {key.strip(): (value or "").strip(" \"'") for key, value in row.items()} for row in read
        ]


def febrl_columns(rows: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The columns of the schema; number and street are one address."""
    columns: dict[str, Any] = {
        each.name: [row.get(each.name) or None for row in rows] for each in FEBRL.fields
    }
    columns["address"] = [f"{row['street_number']} {row['address_1']}".strip() for row in rows]
    return columns


def _febrl_truth(rows: Sequence[dict[str, str]]) -> Pairs:
    return _same([row["rec_id"].split("-")[1] for row in rows])


def _same(labels: Sequence[str]) -> Pairs:
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    return {(a, b) for some in places.values() for n, a in enumerate(some) for b in some[n + 1 :]}


def _scored(name: str, found: Linked, true: Pairs) -> list[Any]:
    likely = found.probabilities >= 0.5
    pairs = set(zip(found.left[likely].tolist(), found.right[likely].tolist(), strict=True))
    sure = pairs_of(found, decisions={2})
    precision, recall = len(pairs & true) / max(len(pairs), 1), len(pairs & true) / len(true)
    return [
        name,
        found.candidate_pairs,
        precision,
        recall,
        2 * precision * recall / max(precision + recall, 1e-9),
        len(sure & true) / max(len(sure), 1),
        len(sure & true) / len(true),
    ]


# -- speed ---------------------------------------------------------------------------------------


def sweep() -> Reading:
    """A whole sweep of the engine: read, block, compare, learn, decide, group."""
    records = customer_file(1, people=round(SWEPT / RECORDS_A_PERSON))
    columns = columns_of(records)
    began = time.perf_counter()
    found = link(columns, PERSON)
    took = time.perf_counter() - began
    decided = Counter(found.decisions.tolist())
    return Reading(
        value=took,
        heads=["records", "pairs compared", "sure", "to review", "s"],
        rows=[[len(records), found.candidate_pairs, decided[2], decided[1], round(took, 1)]],
    )


def check_one() -> Reading:
    """One new record against all of a house's customers, as a form asks before it saves."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_check_one(Path(folder)))


async def _check_one(folder: Path) -> Reading:
    records = customer_file(1, people=round(SWEPT / RECORDS_A_PERSON))
    async with await House.open(Settings(home=folder, durability="normal")) as house:
        await house.migrate_apply()
        for start in range(0, len(records), 2_000):
            drafts = [_draft(each) for each in records[start : start + 2_000]]
            await house.customers.create(drafts, by="system")
        while await house.handlers.run_once("identity.keys"):
            pass
        plugin = house.registry.plugins["identity"]
        learned = await asyncio.to_thread(link, columns_of(records[:20_000]), PERSON)
        await Models(house.db).add(learned.model)
        checking = Checking(plugin)
        fresh = customer_file(2, people=max(CHECKS, 10))[: CHECKS // 2]
        asked = [_sought(each) for each in (*fresh, *records[: CHECKS // 2])]
        await checking.of(asked[:1])
        times, busy, hits = [], [], 0
        for each in asked:
            began, worked = time.perf_counter(), time.process_time()
            [likely] = await checking.of([each])
            times.append((time.perf_counter() - began) * 1000)
            busy.append((time.process_time() - worked) * 1000)
            hits += bool(likely)
    return Reading(
        value=percentile(times, 0.95),
        heads=["customers", "checks", "with an answer", "p50 ms", "p95 ms", "busy p95 ms"],
        rows=[
            [
                len(records),
                len(asked),
                hits,
                round(percentile(times, 0.5), 1),
                round(percentile(times, 0.95), 1),
                round(percentile(busy, 0.95), 1),
            ]
        ],
    )


def _points(record: Record) -> list[ContactPointDraft]:
    known = (("phone", record.phone), ("email", record.email), ("address", record.address))
    return [
        ContactPointDraft(kind=kind, raw=raw)  # type: ignore[arg-type]
        for kind, raw in known
        # A slip can leave something that is no address and would be refused.
        if raw and (kind != "email" or normalise_email(raw).address)
    ]


def _draft(record: Record) -> CustomerDraft:
    return CustomerDraft(display_name=record.name, contact_points=_points(record))


def _sought(record: Record) -> Sought:
    return Sought(display_name=record.name, contact_points=_points(record), birth=record.birth)


MEASURES = [
    Measure(
        id="identity.generated",
        title="doubles of a made-up file: precision of what is merged without a person",
        unit="",
        limit=0.995,
        goal="at least",
        run=generated,
    ),
    Measure(
        id="identity.organisations",
        title="doubles of made-up organisations: precision of what is merged without a person",
        unit="",
        limit=0.99,
        goal="at least",
        run=organisations,
    ),
    Measure(
        id="identity.febrl",
        title="doubles of labelled public sets: the lower F1 of FEBRL 1 and 4",
        unit="",
        limit=0.98,
        goal="at least",
        run=labelled,
    ),
    Measure(
        id="identity.sweep_100k",
        title="a sweep over 100,000 records",
        unit="s",
        limit=300,
        goal="at most",
        run=sweep,
    ),
    Measure(
        id="identity.check_one",
        title="one new record against 100,000 customers, p95",
        unit="ms",
        limit=100,
        goal="at most",
        run=check_one,
    ),
]
