"""A database of a million customers who belong to accounts and teams and fit rules.

Written straight into the tables, because the service would take the better part of an hour; the
rows are those that it writes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from uuid import UUID

from benchmarks.houses import CACHE, Installation, installation, settle
from benchmarks.people import Person, people
from benchmarks.results import ROOT
from relatum.access.policies import Condition, Rule
from relatum.customers.rows import ContactRow, search_text, sort_key_of
from relatum.values.email import normalise_email
from relatum.values.phone import normalise_phone
from relatum.values.text import fold

SEED = 20261122
ACCOUNTS = 400
TEAMS = 40
#: share of customers that belong to an account (and to its team)
OWNED = 0.8
SPARSE, DENSE = "sparse", "dense"
#: share of customers that fit each rule
SHARES = {SPARSE: 0.01, DENSE: 0.30}
BEGINNING = dt.datetime(2023, 11, 22, tzinfo=dt.UTC)
YEARS = dt.timedelta(days=3 * 365)
BATCH = 20_000

COLUMNS = {
    "core_customer": (
        "id, kind, display_name, sort_key, search, fields, version, created_at, updated_at, "
        "owner_id, team_id, search_name"
    ),
    "core_contact_point": (
        "id, customer_id, kind, raw, normalised, label, is_primary, position, verified_at"
    ),
    "core_customer_role": "id, customer_id, role, since",
    "core_customer_tag": "id, customer_id, tag",
    "core_external_id": "id, customer_id, source, external_id",
    "core_rule_member": "rule_id, customer_id, sort_key, created_at, updated_at",
}

Row = tuple[object, ...]


def account(number: int) -> UUID:
    """An account; those of one team have the same remainder by the number of teams."""
    return UUID(int=(0xA << 124) | number)


def team(number: int) -> UUID:
    """A team."""
    return UUID(int=(0xB << 124) | number)


def rules() -> dict[str, Rule]:
    """The rules by key; customers fit them by a tag."""
    return {key: Rule(all_of=[Condition(attribute="tag", is_one_of=[key])]) for key in SHARES}


def million(count: int = 1_000_000) -> Path:
    """The database file; made once (some minutes), then kept in ``build/benchmarks``."""
    kept = CACHE / f"sights-{count}-{_key()}.sqlite3"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with installation(sales=False) as made:
            _fill(made, count)
            for outdated in CACHE.glob(f"sights-{count}-*.sqlite3"):
                outdated.unlink()
            shutil.move(made.database, kept)
    return kept


def _key() -> str:
    digest = hashlib.sha256()
    rooms = (ROOT / "core" / "src" / "relatum" / room for room in ("customers", "access/sight"))
    sources = [file for room in rooms for file in sorted(room.glob("piccolo_migrations/*.py"))]
    for source in [*sources, ROOT / "benchmarks" / "people.py", Path(__file__)]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _fill(made: Installation, count: int) -> None:
    with closing(sqlite3.connect(made.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        connection.execute("BEGIN")
        for number, (key, rule) in enumerate(rules().items(), start=1):
            stored = json.dumps(
                {"all_of": [{"attribute": "tag", "is_one_of": rule.all_of[0].is_one_of}]}
            )
            connection.execute(
                "INSERT INTO core_rule (id, key, title_en, title_vi, rule, version) "
                "VALUES (?, ?, '', '', ?, 1)",
                (number, key, stored),
            )
        everybody = enumerate(people(count))
        chance = random.Random(SEED)
        while some := list(islice(everybody, BATCH)):
            for table, rows in _rows(some, chance).items():
                names = COLUMNS[table]
                marks = ",".join("?" * (names.count(",") + 1))
                connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        connection.execute("COMMIT")
    settle(made.database)


def _rows(some: Sequence[tuple[int, Person]], chance: random.Random) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = {table: [] for table in COLUMNS}
    for number, person in some:
        for table, row in _rows_of(number, person, chance):
            tables[table].append(row)
    return tables


def _rows_of(number: int, person: Person, chance: random.Random) -> Iterator[tuple[str, Row]]:
    # Where a row lies says nothing about when it was made: the neighbours of a list, whoever asks
    # for it, are as far apart as those of somebody's own customers.
    created = BEGINNING + YEARS * chance.random()
    updated = created + (BEGINNING + YEARS - created) * chance.random()
    id = str(UUID(int=(number << 80) | (7 << 76) | (2 << 62) | number))
    made, changed = created.isoformat(" "), updated.isoformat(" ")
    name, key = person.name, sort_key_of(person.name, "person", "VN")
    points = [
        ContactRow("phone", person.phone, normalise_phone(person.phone, "VN").e164 or "", "", True),
        ContactRow("email", person.email, normalise_email(person.email).address or "", "", True),
    ]
    owner = chance.randrange(ACCOUNTS) if chance.random() < OWNED else None
    yield (
        "core_customer",
        (
            *(id, "person", name, key, search_text(name, points, "VN"), "{}", 1, made, changed),
            *((None, None) if owner is None else (str(account(owner)), str(team(owner % TEAMS)))),
            fold(name),
        ),
    )
    for place, point in enumerate(points):
        yield (
            "core_contact_point",
            (
                *(_child(number, place), id, point.kind, point.raw, point.normalised),
                *("", True, place, None),
            ),
        )
    yield "core_customer_role", (_child(number, 2), id, "prospect", made)
    yield "core_external_id", (_child(number, 3), id, "benchmark", str(number))
    for place, (rule, share) in enumerate(SHARES.items(), start=1):
        if chance.random() < share:
            yield "core_customer_tag", (_child(number, 3 + place), id, rule)
            yield "core_rule_member", (place, id, key, made, changed)


def _child(number: int, place: int) -> str:
    return str(UUID(int=(number << 96) | (7 << 76) | (2 << 62) | place))
