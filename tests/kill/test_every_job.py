"""G2 and G15 for every job of the repository: run twice, and killed at every kind of moment.

A job is asked for in a house where it has something to do. Run once, and once more, it leaves the
same rows as after the first time. Its process killed before any statement or commit, and started
again, it leaves what an undisturbed run does: nothing lost, nothing twice. Ids, times, seals and
counts of attempts differ from run to run and are left out of the comparison.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import multiprocessing
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from relatum.app.asgi import create_app
from relatum.app.demo import seed_demo
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.importing.acting import viewer_of
from relatum.interactions.types import Amount, InteractionDraft
from relatum.reports.schedules import WRITE as WRITE_REPORT
from relatum.reports.schedules import WriteWork
from relatum.reports.types import ScheduleDraft
from relatum.values.ids import new_id
from relatum.values.time import now
from relatum.web.bulk_changes import JOB as CHANGE_MANY
from relatum.web.bulk_changes import UNDO_JOB as UNDO_MANY
from relatum.web.bulk_changes import BulkWork, UndoWork
from relatum_consent.services.requests import Requests
from relatum_consent.types import RequestDraft
from relatum_sdk.databases import Databases
from relatum_sdk.people import client_of, make_person, make_token
from tests.kill import one_job

pytestmark = pytest.mark.long

Prepare = Callable[[House, Any], Awaitable[None]]

#: the library of each process that is started anew
SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["tests.kill.one_job"])

MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"), "<id>"),
    (re.compile(r"'k[0-9a-f]{8}'"), "<key>"),
    (re.compile(r"/\S*/try\d+/"), "<home>/"),
    # an import that goes on after a crash says so
    (re.compile(r'"(continued|seconds)":[^,}]+'), "<how>"),
)
#: Of the queue itself, and what stands in them differs from run to run.
BOOKKEEPING = {"core_queue", "core_job_done", "core_job", "migration", "core_idempotency"}
COUNTS = {"attempts"}

CONTACTS = "Mã KH;Họ và tên;SĐT\n" + "".join(f"K{n};Khách {n};09012345{n:02}\n" for n in range(40))


async def nothing(house: House, client: Any) -> None:
    """The job has something to do in every house of the demo."""


async def ended_sessions(house: House, client: Any) -> None:
    for _ in range(3):
        await house.sign_in.at_once(client.account, address="127.0.0.1", user_agent="")
    await house.db.execute("UPDATE core_session SET expires_at = '2020-01-01 00:00:00+00:00'")


async def an_export(house: House, client: Any) -> None:
    body = {"target": "core.customers", "format": "csv", "why": "Gửi thư tết"}
    answer = await client.post("/api/v1/exports", json=body)
    assert answer.status_code == 202, answer.text


async def an_old_export(house: House, client: Any) -> None:
    await an_export(house, client)
    await house.worker.drain()
    await house.db.execute("UPDATE core_export SET expires_at = '2020-01-01 00:00:00+00:00'")


async def personal_data(house: House, client: Any) -> None:
    [(customer,)] = await house.db.fetch("SELECT id FROM core_customer ORDER BY id LIMIT 1")
    answer = await client.post(
        f"/api/v1/customers/{customer}/subject-export", json={"why": "Khách yêu cầu"}
    )
    assert answer.status_code == 202, answer.text


async def old_personal_data(house: House, client: Any) -> None:
    await personal_data(house, client)
    await house.worker.drain()
    await house.db.execute(
        "UPDATE core_subject_export SET expires_at = '2020-01-01 00:00:00+00:00'"
    )


async def kept_for_too_long(house: House, client: Any) -> None:
    [id] = await house.customers.create([CustomerDraft(display_name="Khách mua")], by="system")
    sale = InteractionDraft(
        kind="core.purchase",
        customer_id=id,
        money=Amount(990_000, "VND"),
        payload={"reference": "HD-0001"},
    )
    await house.interactions.record([sale], by="system")
    await house.erasing.erase(id, by="system", reason="hết hạn")
    await house.db.execute("UPDATE core_erased_kept SET until_day = '2020-01-01'")


async def an_import(house: House, client: Any) -> None:
    sent = await client.post(
        "/api/v1/uploads", params={"name": "contacts.csv"}, content=CONTACTS.encode()
    )
    files = [{"upload": sent.json()["id"], "target": "core.customers"}]
    made = await client.post("/api/v1/imports", json={"files": files})
    assert made.status_code == 201, made.text
    answer = await client.post(f"/api/v1/imports/{made.json()['id']}/apply")
    assert answer.status_code == 202, answer.text


async def a_change_of_many(house: House, client: Any) -> None:
    account = client.account
    work = BulkWork(
        bulk=new_id(),
        account=account,
        actor=f"account:{account}",
        action="add_tag",
        value="Thư tết",
    )
    await house.jobs.enqueue(CHANGE_MANY, work)


async def a_change_to_undo(house: House, client: Any) -> None:
    await a_change_of_many(house, client)
    await house.worker.drain()
    (row,) = await house.db.fetch("SELECT DISTINCT bulk FROM core_bulk_change")
    account = client.account
    work = UndoWork(bulk=row[0], account=account, actor=f"account:{account}")
    await house.jobs.enqueue(UNDO_MANY, work)


async def a_schedule(house: House, client: Any) -> UUID:
    viewer = await viewer_of(house, client.account, "")
    async with house.sights.looking_as(viewer):
        like = house.dashboards.standard(viewer)
        board = await house.dashboards.create("Bảng sáng", viewer=viewer, like=like)
        draft = ScheduleDraft(kind="dashboard", subject=board, format="csv")
        return await house.report_schedules.keep(draft, viewer=viewer)


async def a_due_report(house: House, client: Any) -> None:
    await a_schedule(house, client)
    await house.db.execute(
        "UPDATE core_report_schedule SET due_at = '2026-01-05 00:00:00+00:00', every = 'day'"
    )


async def a_report(house: House, client: Any) -> None:
    work = WriteWork(schedule=await a_schedule(house, client), due=now())
    await house.jobs.enqueue(WRITE_REPORT, work)


async def doubles(house: House, client: Any) -> None:
    phone = {"kind": "phone", "raw": "0912 345 678"}
    for name in ("Nguyễn Thị Minh Anh", "Nguyen Thi Minh Anh"):
        body = {"kind": "person", "display_name": name, "contact_points": [phone]}
        answer = await client.post("/api/v1/customers", json=body)
        assert answer.status_code == 201, answer.text


async def an_overdue_request(house: House, client: Any) -> None:
    plugin = house.registry.plugins["consent"]
    rows = await house.db.fetch("SELECT id FROM core_customer ORDER BY id LIMIT 2")
    for (customer,) in rows:
        draft = RequestDraft(customer=customer, kind="access", received_on=dt.date(2025, 3, 10))
        await Requests(plugin).receive(draft, by="system")


async def people_due_to_be_erased(house: House, client: Any) -> None:
    """One to be erased, one to be listed; the rest are too young. The rule is of ``one_job``."""
    drafts = [CustomerDraft(display_name=f"Lâu rồi {n}") for n in range(2)]
    ids = await house.customers.create(drafts, by="system")
    long_ago = dt.datetime(2020, 1, 5, tzinfo=dt.UTC)
    for id in ids:
        await house.db.execute(
            "UPDATE core_customer SET created_at = ?, updated_at = ? WHERE id = ?",
            *(long_ago, long_ago, id),
        )
    await house.db.execute(
        "INSERT INTO consent_retention (id, customer_id, rule, state, last_at, listed_at, "
        "erase_on, reason, decided_by, stays) VALUES (?, ?, 'idle', 'due', ?, ?, ?, '', '', '')",
        *(new_id(), ids[0], long_ago, long_ago, dt.date(2020, 6, 1)),
    )


#: what each job needs to have something to do, and whether that already asks for its run
JOBS: dict[str, tuple[Prepare, bool]] = {
    "core.audit_seal": (nothing, False),
    "core.access_sweep": (ended_sessions, False),
    "core.sweep_files": (an_old_export, False),
    "core.write_export": (an_export, True),
    "core.run_import": (an_import, True),
    "core.write_subject_export": (personal_data, True),
    "core.sweep_subject_exports": (old_personal_data, False),
    "core.let_go_of_kept": (kept_for_too_long, False),
    CHANGE_MANY: (a_change_of_many, True),
    UNDO_MANY: (a_change_to_undo, True),
    "core.order_reports": (a_due_report, False),
    WRITE_REPORT: (a_report, True),
    "consent.overdue": (an_overdue_request, False),
    "consent.retention": (people_due_to_be_erased, False),
    "data_quality.evaluate": (doubles, False),
    "identity.sweep": (doubles, False),
    "identity.whole_sweep": (doubles, False),
    "sales_pipeline.rotting_deals": (nothing, False),
    "sales_pipeline.forecast_snapshot": (nothing, False),
}
#: jobs whose kills have tests of their own
ELSEWHERE = {
    "core.archive": "core/tests/archive/test_kills.py",
    "core.send_messages": "core/tests/contact/outbox/test_kills.py",
    "core.backup": "tests/kill/test_every_job.py",
}


class Scene:
    """A house in which a run of one job waits, to be copied for each try."""

    def __init__(self, folder: Path, job: str) -> None:
        self.job = job
        self._folder = folder
        self._number = 0

    async def prepare(self, databases: Databases) -> None:
        file = Path(databases.migrated().removeprefix("sqlite:///"))
        home = self._folder / "first"
        home.mkdir()
        shutil.copyfile(file, home / "relatum.sqlite3")
        settings = Settings(home=home, database=url_of(home), durability="normal")
        prepare, asks = JOBS[self.job]
        async with await House.open(settings) as house:
            await seed_demo(house)
            while await house.handlers.run_once():
                pass
            account = await make_person(house)
            token = await make_token(house, account)
            async with client_of(create_app(house), account=account, token=token) as client:
                await prepare(house, client)
            # each copy begins its schedules anew: none is due in some of them and not in others
            await house.db.execute("DELETE FROM core_job")
            if not asks:
                await house.jobs.enqueue(self.job)

    def copy(self, of: Path | None = None) -> Path:
        """A data folder of its own, with all that is in the first one."""
        self._number += 1
        home = self._folder / f"try{self._number}"
        shutil.copytree(of or self._folder / "first", home)
        return home


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'relatum.sqlite3'}"


def run(home: Path, last: int = 0) -> int:
    """Let a process do what is ready; how many hops it made, 0 when it was killed."""
    said = SPAWN.SimpleQueue()
    process = SPAWN.Process(target=one_job.work, args=(str(home), url_of(home), last, said))
    process.start()
    process.join(120)
    assert process.exitcode in {0, -9}, f"the process ended with {process.exitcode}"
    return 0 if process.exitcode else int(said.get())


def state(home: Path) -> dict[str, Counter[str]]:
    """Every row of every table, and the files, without what differs from run to run."""
    with contextlib.closing(sqlite3.connect(home / "relatum.sqlite3")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = {}
        for (table,) in names:
            if table in BOOKKEEPING or table.startswith("sqlite_"):
                continue
            rows = connection.execute(f'SELECT * FROM "{table}"')
            heads = [column[0] for column in rows.description]
            found[table] = Counter(masked(dict(zip(heads, row, strict=True))) for row in rows)
    files = [
        path for path in home.rglob("*") if path.is_file() and "relatum.sqlite3" not in path.name
    ]
    found["files"] = Counter(
        masked({"name": str(path.relative_to(home)), "size": _size(path)})
        for path in files
        if path.suffix not in {".lock", ".json"}
    )
    return found


def differences(
    there: dict[str, Counter[str]], wanted: dict[str, Counter[str]]
) -> list[tuple[str, str, str]]:
    """Tables, and the rows that only one side has."""
    return [
        (name, str(there[name] - wanted[name]), str(wanted[name] - there[name]))
        for name in wanted
        if there[name] != wanted[name]
    ]


def _size(path: Path) -> int:
    """Of what is packed, nothing: how small times get differs from run to run."""
    return 0 if path.suffix == ".zip" else path.stat().st_size


def masked(row: dict[str, Any]) -> str:
    left_out = COUNTS | ({"size"} if "sha256" in row else set())
    plain = {k: len(v) if isinstance(v, bytes) else v for k, v in row.items() if k not in left_out}
    text = str(plain)
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return text


def runs(home: Path) -> list[tuple[str, str]]:
    """Every run that is over, and how; raises while one is not."""
    with contextlib.closing(sqlite3.connect(home / "relatum.sqlite3")) as connection:
        left = connection.execute("SELECT entrypoint, status, error FROM core_queue").fetchall()
        assert left == []
        return connection.execute("SELECT job, state FROM core_job_done").fetchall()


@pytest.fixture(params=list(JOBS))
async def scene(
    request: pytest.FixtureRequest, tmp_path: Path, _relatum_sqlite: Databases
) -> Scene:
    made = Scene(tmp_path, str(request.param))
    await made.prepare(_relatum_sqlite)
    return made


def test_g2_a_job_run_twice_changes_nothing_the_second_time(scene: Scene) -> None:
    home = scene.copy()
    before = state(home)
    run(home)
    once = state(home)
    assert once != before, "the job had nothing to do: this shows nothing"
    again(home, scene.job)
    run(home)
    assert differences(state(home), once) == []
    assert runs(home).count((scene.job, "succeeded")) >= 2


def again(home: Path, job: str) -> None:
    """Ask for the same run once more."""

    async def ask() -> None:
        settings = Settings(home=home, database=url_of(home), durability="normal")
        async with await House.open(settings) as house:
            row = await house.db.fetch_one(
                "SELECT args FROM core_job_done WHERE job = ? ORDER BY finished_at DESC", job
            )
            assert row is not None
            kind = house.registry.jobs.get(job).args
            args = None if kind is None else msgspec.json.decode(row[0], type=kind)
            await house.jobs.enqueue(job, args)

    asyncio.run(ask())


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(2, id="2 moments"),
        pytest.param(50, id="50 moments", marks=[pytest.mark.thorough, pytest.mark.timeout(3600)]),
    ],
)
def test_g15_a_job_killed_anywhere_ends_as_if_undisturbed(
    scene: Scene, chance: random.Random, kills: int
) -> None:
    calm = scene.copy()
    hops = run(calm)
    wanted, ended = state(calm), runs(calm)
    assert hops > 3
    moments = list(range(1, hops + 1))
    for moment in chance.sample(moments, min(kills, hops)):
        home = scene.copy()
        assert run(home, moment) == 0, f"no kill at hop {moment} of {hops}"
        run(home)
        assert differences(state(home), wanted) == [], f"killed at hop {moment} of {hops}"
        assert runs(home) == ended, f"killed at hop {moment} of {hops}"
        shutil.rmtree(home)


@pytest.fixture
async def home(tmp_path: Path, _relatum_sqlite: Databases) -> Path:
    """The data folder of a house with the demo."""
    scene = Scene(tmp_path, "sales_pipeline.forecast_snapshot")
    await scene.prepare(_relatum_sqlite)
    return scene.copy()


def test_a_backup_that_is_killed_looks_like_none(home: Path, chance: random.Random) -> None:
    """``core.backup`` does its work in a process, the same as of ``relatum backup``."""
    folder = home / "backups"
    began = time.monotonic()
    (first,) = back_up(home, folder, None)
    seconds = time.monotonic() - began
    for _ in range(4):
        wholes = back_up(home, folder, chance.uniform(0.3, 1.0) * seconds)
        for whole in wholes - {first}:
            assert relatum(home, "drill", str(whole)).returncode == 0
    assert len(back_up(home, folder, None)) >= 2
    drilled = relatum(home, "drill", str(folder))
    assert drilled.returncode == 0, drilled.stdout + drilled.stderr


def back_up(home: Path, folder: Path, seconds: float | None) -> set[Path]:
    """Let the command make a backup, or kill it after so long; what looks like backups then."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = relatum(home, "backup", str(folder), timeout=seconds)
        assert done.returncode == 0, done.stdout + done.stderr
    return set(folder.glob("*.tar"))


def relatum(
    home: Path, *arguments: str, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """A command; after ``timeout`` seconds it is killed, which raises."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELATUM_")}
    return subprocess.run(
        [sys.executable, "-m", "relatum.cli.main", *arguments],
        env={**kept, "RELATUM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


async def test_every_job_is_here(house: House) -> None:
    """And each that is tested elsewhere is tested there."""
    assert {*JOBS, *ELSEWHERE} == set(house.registry.jobs.ids())
    root = Path(__file__).parents[2]
    for job, file in ELSEWHERE.items():
        assert "kill" in (root / file).read_text("utf-8").lower(), job
