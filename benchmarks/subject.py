"""Handing a person everything that is held about them: how long it takes, and whether it is all.

The person has 2,000 interactions among those of others, rows in every table of core that points at
customers, and a past as somebody else who was merged into them. What is handed over is counted
against a full scan of the database by code that knows nothing of Relatum
(``core/tests/customers/subject/scan.py``).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from uuid import UUID

from benchmarks.measures import Condition, Measure, Reading
from core.tests.customers.subject.scan import differences, scan
from relatum.access.viewer import SYSTEM
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.contact.types import ConsentDraft, Proof
from relatum.customers.subject.types import Subject, SubjectRequest
from relatum.customers.types import ContactPointDraft, CustomerDraft, LinkDraft
from relatum.interactions.types import InteractionDraft
from relatum_sdk.databases import PostgresDatabases

SERVER = "RELATUM_TEST_POSTGRES"
BY = "system"
INTERACTIONS = 2_000
#: other customers, each with some interactions: the tables are not the person's alone
OTHERS = 5_000
PROOF = Proof(method="form", wording="Tôi đồng ý nhận tin khuyến mãi", where="/dang-ky")


def measure_export() -> Reading:
    """The slowest of asking for the archive until it is ready, over the databases there are."""
    rows = [asyncio.run(_taken("SQLite", None))]
    if os.environ.get(SERVER):
        rows.append(_on_server(os.environ[SERVER]))
    missed = sum(row[5] for row in rows)
    return Reading(
        value=max(row[4] for row in rows),
        heads=["database", "rows", "tables", "bytes of the archive", "seconds", "missed"],
        rows=rows,
        conditions=[
            Condition("rows about the person", rows[0][1], "rows", INTERACTIONS, "at least"),
            Condition("tables whose counts differ from a full scan", missed, "tables", 0),
        ],
        notes=[] if len(rows) > 1 else [f"PostgreSQL was left out: {SERVER} is not set."],
    )


Row = tuple[str, int, int, int, float, int]


def _on_server(server: str) -> Row:
    databases = PostgresDatabases(server, lambda url: None)
    url = databases.empty()
    try:
        return asyncio.run(_taken("PostgreSQL", url))
    finally:
        databases.drop(url)
        databases.close()


async def _taken(name: str, url: str | None) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = url or f"sqlite:///{home}/subject.sqlite"
        made = Settings(home=home, database=url, safe_mode=True, durability="normal")
        async with await House.open(made) as house:
            await house.migrate_apply()
            person = await _filled(house)
            ask = SubjectRequest(why="measured")
            began = time.perf_counter()
            export = await house.subjects.request(person, ask, viewer=SYSTEM, person="System")
            await house.worker.drain()
            took = time.perf_counter() - began
            ready = await house.subjects.get(export.id, SYSTEM)
            if ready.state != "ready":
                raise RuntimeError(f"expected an archive that is ready, got {ready.error}")
            subject = await house.subjects.collect(SYSTEM, person)
            missed = differences(_counted(subject), await scan(url, person))
            print("\n".join(missed))
        return name, ready.rows or 0, len(subject.tables), ready.size or 0, took, len(missed)


def _counted(subject: Subject) -> dict[str, int]:
    return {table.name: len(table.rows) for table in subject.tables}


async def _filled(house: House) -> UUID:
    drafts = [_draft(n) for n in range(OTHERS + 2)]
    person, double, *others = await house.customers.create(drafts, by=BY)
    text = "Khách hỏi về đơn hàng, hẹn gọi lại vào buổi chiều. " * 4
    notes = [
        InteractionDraft(kind="core.note", customer_id=id, payload={"text": text})
        for id in [*[person] * (INTERACTIONS - 1), double, *others, *others]
    ]
    for start in range(0, len(notes), 2_000):
        await house.interactions.record(notes[start : start + 2_000], by=BY)
    await house.contact.consents.grant(
        [
            ConsentDraft(customer=id, purpose="advertising", proof=PROOF)
            for id in (person, double, *others[:100])
        ],
        by=BY,
    )
    await house.customers.links.create(
        [LinkDraft(source=person, target=id, kind="contact_of") for id in others[:20]], by=BY
    )
    await house.merging.merge(person, double, by=BY)
    return person


def _draft(number: int) -> CustomerDraft:
    return CustomerDraft(
        display_name=f"Nguyễn Văn {number}",
        contact_points=[ContactPointDraft(kind="phone", raw=f"09{number:08}")],
        tags=["vip"],
    )


MEASURES = [
    Measure(
        id="privacy.subject_export",
        title="everything held about a person with 2,000 interactions, from asking to the archive",
        unit="s",
        limit=60.0,
        goal="at most",
        run=measure_export,
    ),
]
