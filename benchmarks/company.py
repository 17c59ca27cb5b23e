"""A company at work: 100,000 customers of 400 colleagues in 40 teams, two million interactions.

Written straight into the tables, for the reason that :mod:`benchmarks.million` has; the event log
is left out, as it is in :mod:`benchmarks.moves`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from uuid import UUID

from benchmarks import moves
from benchmarks.houses import CACHE, installation, settle
from benchmarks.million import ACCOUNTS, BEGINNING, TEAMS, account, million, team
from benchmarks.people import people
from relatum.customers.rows import sort_key_of
from relatum.values.text import fold

CUSTOMERS = 100_000
INTERACTIONS = 2_000_000
#: Colleagues by number: one owner, one who sees everybody without contact data, every tenth
#: manages, the others sell.
OWNER, ANALYST = 0, 2

Row = tuple[object, ...]

_ACCOUNT = (
    "id, kind, name, sort_key, search, email, password_hash, language, state, totp_secret, "
    "totp_since, totp_step, created_at, last_sign_in_at"
)


def role_of(number: int) -> str:
    """The role of a colleague."""
    if number == OWNER:
        return "owner"
    if number == ANALYST:
        return "analyst"
    return "manager" if number % 10 == 1 else "sales"


def company() -> Path:
    """The database file; made once (a minute or two), then kept in ``build/benchmarks``."""
    customers, interactions = CUSTOMERS, INTERACTIONS
    base = million(customers)
    key = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    kept = CACHE / f"company-{interactions}-{key}-{base.name}"
    if not kept.exists():
        draft = kept.with_suffix(f".{os.getpid()}.new")
        shutil.copyfile(base, draft)
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -500000")
            connection.execute("BEGIN")
            for table, columns, rows in _colleagues():
                _insert(connection, table, columns, rows)
            made = moves.interactions(connection, interactions)
            _insert(connection, "core_interaction", moves.COLUMNS, made)
            connection.execute("COMMIT")
            connection.execute("ANALYZE")
        settle(draft)
        for outdated in CACHE.glob(f"company-{interactions}-*sights-{customers}-*.sqlite3"):
            outdated.unlink()
        draft.replace(kept)
    return kept


def _insert(connection: sqlite3.Connection, table: str, columns: str, rows: Iterator[Row]) -> None:
    marks = ",".join("?" * (columns.count(",") + 1))
    while some := list(islice(rows, moves.BATCH)):
        connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", some)


def _colleagues() -> Iterator[tuple[str, str, Iterator[Row]]]:
    moment = BEGINNING.isoformat(" ")
    everybody = list(enumerate(people(ACCOUNTS, seed=7)))
    yield (
        "core_account",
        _ACCOUNT,
        (
            (
                *(str(account(n)), "person", one.name, sort_key_of(one.name, "person", "VN")),
                *(f"{fold(one.name)} {one.email}", one.email, "", "vi", "active", "", None, 0),
                *(moment, None),
            )
            for n, one in everybody
        ),
    )
    yield (
        "core_account_role",
        "id, account_id, role",
        ((_id(0xC, n), str(account(n)), role_of(n)) for n, _ in everybody),
    )
    yield (
        "core_team",
        "id, name, parent_id, created_at",
        ((str(team(n)), f"Nhóm {n + 1}", None, moment) for n in range(TEAMS)),
    )
    yield (
        "core_team_member",
        "id, team_id, account_id, position",
        ((_id(0xD, n), str(team(n % TEAMS)), str(account(n)), 0) for n, _ in everybody),
    )


def _id(kind: int, number: int) -> str:
    return str(UUID(int=(kind << 124) | number))


def main() -> None:
    """``python -m benchmarks.company FOLDER``: a data folder with the company in it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with installation(database=company()) as made:
        shutil.copytree(made.home, folder, dirs_exist_ok=True)
    sys.stdout.write(f"RELATUM_HOME={folder}\n")


if __name__ == "__main__":
    main()
