"""A million customers and five million interactions moved to PostgreSQL and back, and backed up.

The rows are those that the services write, without the event log (which would double them). The
customers come from :mod:`benchmarks.million`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.houses import RELATUM, Installation, installation, settle
from benchmarks.measures import Condition, Measure, NotRunError, Reading
from benchmarks.million import BEGINNING, SEED, YEARS, million
from relatum_sdk.databases import PostgresDatabases

SERVER = "RELATUM_TEST_POSTGRES"
CUSTOMERS = 1_000_000
INTERACTIONS = 5_000_000
#: Ways in which PostgreSQL is backed up.
FORMS = ("pg_dump", "sqlite")
BATCH = 50_000
MEBIBYTE = 1024 * 1024
#: AC-MIG-2
RESTORE_MINUTES = 30.0
MOST_MEMORY = 1024.0

_TEXTS = (
    "Gọi lại cho khách: đồng ý xem thử vào thứ Hai",
    "Khách hỏi giá gói năm, gửi báo giá qua thư",
    "Asked for the invoice of last month\nand a new address",
    "Đổi lịch hẹn sang tuần sau; thích màu xanh",
    'Said "call me back", in the evening',
)
COLUMNS = (
    "id, kind, kind_version, customer_id, channel, direction, occurred_at, recorded_at, payload, "
    "amount, currency, handle, subject, actor, idempotency_key"
)


@dataclass(frozen=True)
class Ran:
    """One command that ran to its end."""

    seconds: float
    #: most memory of the process itself, MiB
    memory: float
    answer: Any


def move() -> Reading:
    """There and back, with checksums of a third kind beside those of the command."""
    with _house() as (made, url):
        there = _run(made, "move", "--to", url, "--json")
        back = Path(made.home) / "back"
        back.mkdir()
        other = Installation(
            back, made.environment | {"RELATUM_HOME": str(back), "RELATUM_DATABASE": url}
        )
        again = _run(other, "move", "--to", "sqlite:///relatum.sqlite3", "--json")
        differing = _differing(made.database, back / "relatum.sqlite3")
        tables = there.answer["tables"]
        differing |= {
            one["name"]
            for one, two in zip(tables, again.answer["tables"], strict=True)
            if one != two
        }
        rows = sum(each["rows"] for each in tables)
        size = made.database.stat().st_size / MEBIBYTE
    what = (
        f"{rows:,} rows of {len(tables)} tables, {size:,.0f} MiB of SQLite: "
        f"{CUSTOMERS:,} customers, {INTERACTIONS:,} interactions"
    )
    stages = [
        [name, *(f"{ran.answer['seconds'].get(name, 0):.0f}" for ran in (there, again))]
        for name in ("tables", "rows", "indexes", "comparing")
    ]
    return Reading(
        value=len(differing),
        heads=["", "to PostgreSQL", "back to SQLite"],
        rows=[
            ["minutes", there.seconds / 60, again.seconds / 60],
            ["MiB of memory", there.memory, again.memory],
            ["rows a second", rows / there.seconds, rows / again.seconds],
            *([f"s: {name}", *seconds] for name, *seconds in stages),
        ],
        conditions=[
            Condition("there and back", (there.seconds + again.seconds) / 60, "min", 60),
            Condition("most memory", max(there.memory, again.memory), "MiB", MOST_MEMORY),
        ],
        notes=[
            what,
            "memory is that of the command; PostgreSQL's own is not in it",
        ],
    )


def backup() -> Reading:
    """A backup of each database, restored into an empty place."""
    with _house() as (made, url):
        rows = [_backed_up(made, "SQLite", {})]
        _run(made, "move", "--to", url, "--json")
        server = {"RELATUM_DATABASE": url}
        rows += [
            _backed_up(made, f"PostgreSQL, {form}", server, "--form", form)
            for form in FORMS
            if form == "sqlite" or shutil.which(form)
        ]
    slowest = max(row[2] for row in rows) / 60
    return Reading(
        value=slowest,
        heads=["of", "backup s", "drill s", "MiB", "MiB of memory"],
        rows=rows,
        notes=["a drill restores, compares every table, checks the file and starts the house"],
    )


def _backed_up(made: Installation, what: str, more: dict[str, str], *options: str) -> list[Any]:
    house = Installation(made.home, made.environment | more)
    file = made.home / f"{len(list(made.home.glob('*.tar')))}.tar"
    saved = _run(house, "backup", str(file), *options, "--json")
    drilled = _run(house, "drill", str(file), "--json")
    size = file.stat().st_size / MEBIBYTE
    memory = max(saved.memory, drilled.memory)
    return [what, saved.seconds, drilled.seconds, size, memory]


@contextmanager
def _house() -> Iterator[tuple[Installation, str]]:
    """A house with everything in it, and an empty PostgreSQL database."""
    server = os.environ.get(SERVER)
    if not server:
        raise NotRunError(f"no PostgreSQL to move to; give its address in {SERVER}")
    databases = PostgresDatabases(server, lambda _: None)
    with installation(sales=False, database=_filled()) as made:
        url = databases.empty()
        try:
            yield made, url
        finally:
            databases.drop(url)


def _filled() -> Path:
    """The database file with customers and interactions; made once, then kept."""
    customers = million(CUSTOMERS)
    kept = customers.with_name(f"moves-{INTERACTIONS}-{customers.name}")
    if not kept.exists():
        draft = kept.with_suffix(".new")
        shutil.copyfile(customers, draft)
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -500000")
            connection.execute("BEGIN")
            rows = interactions(connection, INTERACTIONS)
            marks = ",".join("?" * (COLUMNS.count(",") + 1))
            while some := list(islice(rows, BATCH)):
                connection.executemany(
                    f"INSERT INTO core_interaction ({COLUMNS}) VALUES ({marks})", some
                )
            connection.execute("COMMIT")
        settle(draft)
        for outdated in kept.parent.glob(f"moves-{INTERACTIONS}-sights-{CUSTOMERS}-*"):
            if outdated != draft:
                outdated.unlink()
        draft.replace(kept)
    return kept


def interactions(connection: sqlite3.Connection, count: int) -> Iterator[tuple[object, ...]]:
    """Rows of interactions of the customers who are there, in the order of time."""
    chance = random.Random(SEED)
    ids = [row[0] for row in connection.execute("SELECT id FROM core_customer")]
    span = YEARS.total_seconds()
    for number in range(count):
        occurred = BEGINNING + YEARS * (number / count)
        stamp = int(occurred.timestamp() * 1000)
        id = UUID(int=(stamp << 80) | (7 << 76) | (2 << 62) | number)
        recorded = BEGINNING + YEARS * min(1, (number + chance.random() * 1000) / count)
        bought = chance.random() < 0.2
        payload = json.dumps({"text": _TEXTS[number % len(_TEXTS)], "number": number})
        yield (
            str(id),
            *("core.purchase" if bought else "core.note", 1),
            ids[int(chance.random() * len(ids))],
            *("store" if bought else "telephone", "in"),
            *(occurred.isoformat(" "), recorded.isoformat(" ")),
            payload,
            *((chance.randrange(10**9), "VND") if bought else (None, None)),
            None,
            None,
            f"account:{int(span) % 400}",
            f"benchmark:{number}" if bought else None,
        )


def _run(made: Installation, *arguments: str) -> Ran:
    """Run a command; with the most memory that it had."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as told:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*RELATUM, *arguments], cwd=made.home, env=made.environment, stdout=out, stderr=told
        )
        memory = 0.0
        while process.poll() is None:
            memory = max(memory, _most_memory(process.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - started
        out.seek(0)
        told.seek(0)
        answer, lines = out.read(), told.read().decode()
    if process.returncode:
        raise RuntimeError(f"relatum {' '.join(arguments)} failed:\n{answer.decode()}{lines}")
    return Ran(seconds, memory, json.loads(answer))


def _most_memory(process: int) -> float:
    """The most that a running process has had so far, MiB; 0 when it has just ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


def _differing(one: Path, other: Path) -> set[str]:
    """Tables that SQLite itself finds different, value by value as they are stored."""
    with closing(sqlite3.connect(one)) as connection:
        connection.execute("ATTACH ? AS other", (str(other),))
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM main.sqlite_master WHERE type = 'table' "
                "AND name NOT LIKE 'sqlite_%'"
            )
        ]
        found = set()
        for name in names:
            key = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
            columns = [row[1] for row in key]
            keys = " AND ".join(f'a."{row[1]}" IS b."{row[1]}"' for row in key if row[5])
            same = " AND ".join(f'a."{column}" IS b."{column}"' for column in columns)
            counts = connection.execute(
                f'SELECT (SELECT count(*) FROM main."{name}"), '
                f'(SELECT count(*) FROM other."{name}"), (SELECT count(*) FROM main."{name}" a '
                f'JOIN other."{name}" b ON {keys} WHERE {same})'
            ).fetchone()
            if len(set(counts)) > 1:
                found.add(name)
        return found


MEASURES = [
    Measure(
        id="move.checksum_1m",
        title="tables that differ after a million customers went to PostgreSQL and back",
        unit="tables",
        limit=0,
        goal="at most",
        run=move,
    ),
    Measure(
        id="backup.restore_1m",
        title="a backup of a million customers restored, compared and started",
        unit="min",
        limit=RESTORE_MINUTES,
        goal="at most",
        run=backup,
    ),
]
