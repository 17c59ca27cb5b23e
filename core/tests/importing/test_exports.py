"""Exports over HTTP: what one sees, marked, with a second person above a number of records."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import stat
from typing import Any
from uuid import UUID

import msgspec
import pytest

from relatum.access.policies import MASK, Policy
from relatum.config.settings import Exports as ExportSettings
from relatum.customers.types import ContactPointDraft, CustomerDraft, FieldDraft
from relatum.importing.exports import service as exports_module
from relatum.importing.guessing import guess_plan
from relatum.importing.plan import Format
from relatum.importing.reading import open_table
from relatum.interactions.types import InteractionDraft
from relatum.values.ids import new_id
from relatum.values.sensitivity import SENSITIVITIES
from relatum.values.time import now
from relatum_sdk.people import make_token

LIMIT = 5
SEES_ALL = Policy(scopes=["all"], unmasked=list(SENSITIVITIES))


@pytest.fixture
def house_settings(house_settings: Any) -> Any:
    return msgspec.structs.replace(house_settings, exports=ExportSettings(approval_above=LIMIT))


@pytest.fixture
async def lan(client_as: Any) -> Any:
    """Exports and approves, and sees everything."""
    return await client_as("manager", policy=SEES_ALL, name="Lan Nguyễn")


@pytest.fixture
async def minh(client_as: Any) -> Any:
    return await client_as("manager", policy=SEES_ALL, name="Minh")


async def fill(house: Any, count: int, *, owner: UUID | None = None, name: str = "Khách") -> None:
    await house.customers.create(
        [
            CustomerDraft(
                display_name=f"{name} {n}",
                owner=owner,
                contact_points=[ContactPointDraft(kind="phone", raw=f"09012345{n:02}")],
            )
            for n in range(count)
        ],
        by="system",
    )


async def ask(client: Any, **draft: Any) -> Any:
    body = {"target": "core.customers", "format": "csv", "why": "Gửi thư tết", **draft}
    answer = await client.post("/api/v1/exports", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def exported(house: Any, client: Any, **draft: Any) -> Any:
    """An export after the background has done what it can."""
    asked = await ask(client, **draft)
    assert await house.worker.drain() == 1
    return await read(client, asked["id"])


async def read(client: Any, id: str) -> Any:
    answer = await client.get(f"/api/v1/exports/{id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fetch(client: Any, id: str) -> bytes:
    link = await client.post(f"/api/v1/exports/{id}/link")
    assert link.status_code == 200, link.text
    answer = await client.get(link.json()["url"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment;")
    return answer.content


async def decide(client: Any, id: str, what: str = "approve", why: str = "") -> Any:
    return await client.post(f"/api/v1/exports/{id}/{what}", json={"why": why})


def rows_of(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


async def facts(house: Any, id: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = await house.db.fetch(
        "SELECT type, by, payload FROM core_event WHERE type LIKE 'core.export%' ORDER BY seq"
    )
    told = [(kind, by, msgspec.json.decode(payload)) for kind, by, payload in found]
    return [each for each in told if each[2]["export"] == id]


# -- one person ----------------------------------------------------------------------------------


async def test_few_records_are_taken_out_at_once_with_a_mark_in_every_row(house, lan):
    await fill(house, LIMIT)
    asked = await ask(lan)
    assert asked["state"] == "queued"
    assert await house.worker.drain() == 1
    export = await read(lan, asked["id"])
    assert (export["state"], export["records"]) == ("ready", LIMIT)
    [path] = (house.settings.home / "exports").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = rows_of(await fetch(lan, export["id"]))
    assert [row["display_name"] for row in rows] == [f"Khách {n}" for n in range(LIMIT)]
    for row in rows:
        assert row["relatum_export"].startswith(f"{export['id']} · Lan Nguyễn · 20")
    told = await facts(house, export["id"])
    assert [kind.removeprefix("core.export_") for kind, _, _ in told] == [
        "requested",
        "written",
        "downloaded",
    ]
    assert {by for _, by, _ in told} == {f"person:{lan.account}"}
    assert told[0][2]["why"] == "Gửi thư tết"
    assert told[1][2]["records"] == LIMIT


async def test_one_takes_out_what_one_sees(house, client_as):
    seller = await client_as("sales", permissions=["core.exports.write", "core.customers.read"])
    await fill(house, 2, owner=seller.account, name="Mine")
    await fill(house, 2, name="Hidden")
    for form in ("csv", "jsonl", "xlsx"):
        export = await exported(house, seller, format=form)
        assert export["records"] == 2 if form != "xlsx" else export["state"] == "waiting"
    first = await seller.get("/api/v1/exports", params={"states": "ready"})
    for export in first.json()["items"]:
        raw = await fetch(seller, export["id"])
        assert b"Mine 0" in raw
        assert b"Hidden" not in raw


async def test_sight_counts_at_the_moment_of_writing(house, client_as):
    seller = await client_as("sales", permissions=["core.exports.write", "core.customers.read"])
    await fill(house, 1, owner=seller.account, name="Mine")
    asked = await ask(seller)
    [customer] = [one async for batch in house.customers.all_batches() for one in batch]
    other = await client_as("sales")
    from relatum.customers.types import CustomerChange

    await house.customers.change(customer.id, CustomerChange(owner=other.account), by="system")
    await house.worker.drain()
    assert (await read(seller, asked["id"]))["records"] == 0


async def test_whoever_is_suspended_meanwhile_gets_nothing(house, lan):
    await fill(house, 1)
    asked = await ask(lan)
    await house.accounts.suspend(lan.account, by="system")
    await house.worker.drain()
    found = await house.exports._rows.get(UUID(asked["id"]))
    assert found.state == "failed"
    assert "suspended" in found.error
    assert list((house.settings.home / "exports").glob("*")) == []


async def test_whoever_may_not_read_a_target_does_not_export_it(house, client_as):
    some = await client_as("analyst", permissions=["core.exports.write", "core.customers.read"])
    answer = await some.post(
        "/api/v1/exports", json={"target": "core.interactions", "why": "to look"}
    )
    assert answer.status_code == 403
    assert answer.json()["permission"] == "core.interactions.read"
    nobody = await client_as("care")
    assert (await nobody.get("/api/v1/exports")).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"target": "core.nothing", "why": "because"}, 404),
        ({"target": "core.customers", "why": ""}, 422),
        ({"target": "core.customers", "why": "x" * 301}, 422),
        ({"target": "core.customers", "why": "because", "format": "pdf"}, 422),
        ({"target": "core.customers", "why": "because", "filters": {"limit": 1}}, 422),
        ({"target": "core.customers", "why": "because", "filters": {"nmae": "x"}}, 422),
        ({"target": "core.customers", "why": "because", "filters": {"kind": "robot"}}, 422),
        (
            {
                "target": "core.customers",
                "why": "because",
                "filters": {"created_from": "2024-01-01T00:00:00"},
            },
            422,
        ),
        ({"target": "core.customer_links", "why": "because", "filters": {"kind": "x"}}, 422),
    ],
)
async def test_what_cannot_be_exported_is_told(lan, body, status):
    answer = await lan.post("/api/v1/exports", json=body)
    assert answer.status_code == status, answer.text


async def test_filters_as_the_list_takes_them(house, lan):
    await house.customers.create(
        [
            CustomerDraft(display_name="An", tags=["vip"]),
            CustomerDraft(display_name="Bình", tags=["vip"], kind="organisation"),
            CustomerDraft(display_name="Chi"),
        ],
        by="system",
    )
    export = await exported(house, lan, filters={"tag": "vip", "kind": "person"})
    assert [row["display_name"] for row in rows_of(await fetch(lan, export["id"]))] == ["An"]


async def test_filters_are_data_and_never_sql(house, lan):
    await fill(house, 1)
    bad = await exported(house, lan, filters={"fields": {"x') OR 1=1 --": "1"}})
    assert (bad["state"], bad["records"]) == ("failed", None)
    none = await exported(house, lan, filters={"tag": "x' OR '1'='1", "q": "%"})
    assert (none["state"], none["records"]) == ("ready", 0)
    day = (now() - dt.timedelta(days=1)).isoformat()
    since = await exported(house, lan, filters={"created_from": day})
    assert since["records"] == 1


# -- the second person ---------------------------------------------------------------------------


async def test_many_records_need_a_second_person(house, lan, minh, client_as):
    await fill(house, LIMIT + 1)
    export = await exported(house, lan)
    id = export["id"]
    assert (export["state"], export["records"]) == ("waiting", LIMIT + 1)
    assert list((house.settings.home / "exports").glob("*")) == []
    assert (await lan.post(f"/api/v1/exports/{id}/link")).status_code == 409

    own = await decide(lan, id)
    assert (own.status_code, own.json()["code"]) == (403, "refused")
    assert "second person" in own.json()["detail"]
    assert (await decide(await client_as("analyst"), id)).status_code == 403

    approved = await decide(minh, id, why="Đã hỏi giám đốc")
    assert (approved.status_code, approved.json()["state"]) == (200, "queued")
    assert await house.worker.drain() == 1
    assert (await read(lan, id))["state"] == "ready"
    assert len(rows_of(await fetch(lan, id))) == LIMIT + 1
    assert (await minh.post(f"/api/v1/exports/{id}/link")).status_code == 404, "not the approver's"
    told = await facts(house, id)
    assert [(kind.removeprefix("core.export_"), by) for kind, by, _ in told] == [
        ("requested", f"person:{lan.account}"),
        ("waits", f"person:{lan.account}"),
        ("approved", f"person:{minh.account}"),
        ("written", f"person:{lan.account}"),
        ("downloaded", f"person:{lan.account}"),
    ]
    assert (told[2][2]["records"], told[2][2]["why"]) == (LIMIT + 1, "Đã hỏi giám đốc")


async def test_a_refused_export_is_never_written(house, lan, minh):
    await fill(house, LIMIT + 1)
    id = (await exported(house, lan))["id"]
    assert (await decide(minh, id, "refuse", "Không cần")).json()["state"] == "refused"
    assert (await decide(minh, id)).status_code == 409
    assert await house.worker.drain() == 0
    found = await read(lan, id)
    assert (found["state"], found["decided_why"]) == ("refused", "Không cần")


async def test_neither_another_token_nor_a_service_account_is_a_second_person(
    house, relatum_app, lan
):
    from relatum.access.accounts.types import ServiceDraft
    from relatum_sdk.people import client_of

    await fill(house, LIMIT + 1)
    id = (await exported(house, lan))["id"]
    token = await make_token(house, lan.account, scopes=["core.exports.approve"])
    async with client_of(relatum_app, token=token) as other:
        assert (await decide(other, id)).status_code == 403
    service = await house.accounts.create_service(
        ServiceDraft(name="Robot", roles=["owner"]), by=f"person:{lan.account}"
    )
    token = await make_token(house, service.id)
    async with client_of(relatum_app, token=token) as robot:
        answer = await decide(robot, id)
    assert answer.status_code == 403
    assert "a person" in answer.json()["detail"]


async def test_whoever_made_a_service_account_does_not_approve_what_it_asks_for(
    house, relatum_app, lan, minh
):
    from relatum.access.accounts.types import ServiceDraft
    from relatum_sdk.people import client_of

    await fill(house, LIMIT + 1)
    service = await house.accounts.create_service(
        ServiceDraft(name="Robot", roles=["owner"]), by=f"person:{lan.account}"
    )
    token = await make_token(house, service.id)
    async with client_of(relatum_app, token=token) as robot:
        id = (await exported(house, robot))["id"]
    refused = await decide(lan, id)
    assert refused.status_code == 403
    assert "set up the service account" in refused.json()["detail"]
    assert (await decide(minh, id)).status_code == 200


async def test_many_small_exports_are_a_large_one(house, lan, minh):
    await fill(house, 2)
    states = [(await exported(house, lan))["state"] for _ in range(3)]
    assert states == ["ready", "ready", "waiting"]
    assert (await exported(house, minh))["state"] == "ready", "everybody counts for themselves"
    yesterday = now() - dt.timedelta(days=1, minutes=1)
    await house.db.execute("UPDATE core_export SET finished_at = ?", yesterday)
    assert (await exported(house, lan))["state"] == "ready"


async def test_an_approval_covers_what_was_counted_and_a_tenth_more(house, lan, minh):
    await fill(house, 10)
    id = (await exported(house, lan))["id"]
    await fill(house, 1, name="Late")
    assert (await decide(minh, id)).status_code == 200
    await house.worker.drain()
    assert (await read(lan, id))["state"] == "ready"

    second = (await exported(house, lan))["id"]
    await fill(house, 5, name="Later")
    assert (await decide(minh, second)).status_code == 200
    await house.worker.drain()
    found = await read(lan, second)
    assert (found["state"], found["records"]) == ("waiting", 16)


async def test_others_see_only_their_own_exports(house, client_as, lan):
    await fill(house, 1)
    export = await exported(house, lan)
    analyst = await client_as("analyst")
    assert (await analyst.get("/api/v1/exports")).json()["items"] == []
    assert (await analyst.get(f"/api/v1/exports/{export['id']}")).status_code == 404
    mine = await ask(analyst)
    listed = (await lan.get("/api/v1/exports")).json()["items"]
    assert [each["id"] for each in listed] == [mine["id"], export["id"]]


# -- links and files -----------------------------------------------------------------------------


async def test_a_link_is_for_one_person_one_file_and_fifteen_minutes(
    house, lan, minh, anonymous_client, monkeypatch
):
    await fill(house, 1)
    first, second = await exported(house, lan), await exported(house, lan)
    url = (await lan.post(f"/api/v1/exports/{first['id']}/link")).json()["url"]
    assert (await lan.get(url)).status_code == 200
    assert (await minh.get(url)).status_code == 403
    assert (await anonymous_client.get(url)).status_code == 401
    assert (await lan.get(url.replace(first["id"], second["id"]))).status_code == 403
    assert (await lan.get(url.partition("?")[0])).status_code == 403
    assert (await lan.get(url[:-1] + ("A" if url[-1] != "A" else "B"))).status_code == 403
    clock = house.exports._links._clock
    monkeypatch.setattr(house.exports._links, "_clock", lambda: clock() + 15 * 60 + 1)
    late = await lan.get(url)
    assert late.status_code == 403
    assert "has ended" in late.json()["detail"]


async def test_files_and_requests_do_not_live_for_ever(house, lan):
    await fill(house, 2)
    kept = await exported(house, lan)
    await fill(house, LIMIT)
    waiting = await exported(house, lan)
    assert await house.exports.sweep() == 0
    past = now() - dt.timedelta(minutes=1)
    await house.db.execute("UPDATE core_export SET expires_at = ?", past)
    stranger = house.settings.home / "exports" / "left-behind.part"
    stranger.touch()
    assert await house.exports.sweep() == 2
    assert (await read(lan, kept["id"]))["state"] == "deleted"
    assert (await read(lan, waiting["id"]))["state"] == "lapsed"
    assert list((house.settings.home / "exports").iterdir()) == []
    assert (await lan.post(f"/api/v1/exports/{kept['id']}/link")).status_code == 409


async def test_one_deletes_ones_own_file(house, lan, minh):
    await fill(house, 1)
    export = await exported(house, lan)
    assert (await minh.delete(f"/api/v1/exports/{export['id']}")).status_code == 404
    assert (await lan.delete(f"/api/v1/exports/{export['id']}")).status_code == 204
    assert list((house.settings.home / "exports").iterdir()) == []
    assert [kind for kind, _, _ in await facts(house, export["id"])][-1] == "core.export_deleted"


# -- what breaks off -----------------------------------------------------------------------------


async def die_with_it(house: Any, id: str, deliveries: int = 1) -> None:
    """As a process does that is killed in the middle of writing."""
    assert await house.exports._rows.begin(UUID(id)) is not None
    await house.db.execute(
        "UPDATE core_queue SET status = 'picked', deliveries = ?, heartbeat = ?, "
        "queue_manager_id = ? WHERE entrypoint = 'core.write_export'",
        *(deliveries, now() - dt.timedelta(hours=1), new_id()),
    )


async def test_an_export_that_broke_off_is_written_by_the_next_worker(house, lan):
    await fill(house, 1)
    asked = await ask(lan)
    await die_with_it(house, asked["id"])
    folder = house.settings.home / "exports"
    folder.mkdir(exist_ok=True)
    (folder / f"{asked['id']}.csv.1.part").write_bytes(b"half")
    assert (await read(lan, asked["id"]))["state"] == "running"
    assert await house.worker.drain() == 1
    assert len(list(folder.iterdir())) == 1
    assert (await read(lan, asked["id"]))["state"] == "ready"


async def test_an_export_that_always_breaks_off_is_given_up(house, lan):
    await fill(house, 1)
    asked = await ask(lan)
    await die_with_it(house, asked["id"], deliveries=3)
    assert await house.worker.drain() == 0, "it is a dead letter"
    assert await house.exports.take_up() == 1
    found = await read(lan, asked["id"])
    assert (found["state"], found["error"]) == ("failed", "it broke off 3 times")
    assert await house.exports.take_up() == 0
    assert await house.worker.drain() == 0


async def test_of_two_that_write_the_same_export_one_ends_it(house, lan, monkeypatch):
    """The first stood still for so long that another one took it over."""
    await fill(house, 2)
    asked = await ask(lan)
    real = exports_module.write_export
    taken_over = False

    async def slow(*args: Any, **more: Any) -> Any:
        nonlocal taken_over
        counted = await real(*args, **more)
        if not taken_over:
            taken_over = True
            await house.exports.write(UUID(asked["id"]))
        return counted

    monkeypatch.setattr(exports_module, "write_export", slow)
    await house.worker.drain()
    assert taken_over
    assert (await read(lan, asked["id"]))["state"] == "ready"
    told = [kind for kind, _, _ in await facts(house, asked["id"])]
    assert told.count("core.export_written") == 1
    assert [path.suffix for path in (house.settings.home / "exports").iterdir()] == [".csv"]


async def test_two_exports_at_the_same_time_are_counted_one_after_the_other(
    house, lan, monkeypatch
):
    """Together they are more than anybody may take out without a second person."""
    await fill(house, LIMIT - 1)
    real = exports_module.write_export

    async def slow(*args: Any, **more: Any) -> Any:
        await asyncio.sleep(0.05)
        return await real(*args, **more)

    monkeypatch.setattr(exports_module, "write_export", slow)
    asked = [await ask(lan), await ask(lan)]
    assert await house.worker.drain() == 2
    states = [(await read(lan, each["id"]))["state"] for each in asked]
    assert states == ["ready", "waiting"]


async def test_an_export_that_is_called_off(house, lan):
    """By somebody who looks after the jobs: whoever asked for it is told."""
    await fill(house, 1)
    asked = await ask(lan)
    (run,) = (await house.jobs.find(job="core.write_export")).items
    await house.jobs.cancel(run.id)
    assert await house.worker.drain() == 0
    assert await house.exports.take_up() == 1
    found = await read(lan, asked["id"])
    assert (found["state"], found["error"]) == ("failed", "it was called off")


async def test_an_export_that_is_called_off_while_it_is_written(house, lan, monkeypatch):
    await fill(house, 1)
    asked = await ask(lan)
    begun = asyncio.Event()

    async def hangs(*_: Any, **__: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(exports_module, "write_export", hangs)
    working = asyncio.create_task(house.worker.run_forever())
    try:
        await begun.wait()
        (run,) = (await house.jobs.find(job="core.write_export")).items
        await house.jobs.cancel(run.id)
        async with asyncio.timeout(10):
            while (await read(lan, asked["id"]))["state"] == "running":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        working.cancel()
        await asyncio.wait([working])
    assert (await read(lan, asked["id"]))["error"] == "it was called off"


async def test_an_export_of_the_release_before_is_written(house, lan):
    """It waits without a run in the queue."""
    await fill(house, 1)
    asked = await ask(lan)
    await house.db.execute("DELETE FROM core_queue")
    assert await house.worker.drain() == 0
    assert await house.exports.take_up() == 1
    assert await house.worker.drain() == 1
    assert (await read(lan, asked["id"]))["state"] == "ready"


async def test_a_target_that_fails_is_told_and_the_next_one_goes_on(house, lan, monkeypatch):
    await fill(house, 1)
    target = house.registry.import_targets.get("core.interactions")

    def broken(plugin: Any, query: Any = None) -> Any:
        raise RuntimeError("the secret path /x")

    monkeypatch.setattr(target, "export", broken)
    bad, good = await ask(lan, target="core.interactions"), await ask(lan)
    assert await house.worker.drain() == 2
    found = await read(lan, bad["id"])
    assert found["state"] == "failed"
    assert "secret" not in found["error"]
    assert (await read(lan, good["id"]))["state"] == "ready"


# -- masks and coming back -----------------------------------------------------------------------


async def test_masked_values_leave_masked_and_do_not_come_back(house, client_as, tmp_path):
    await fill(house, 1)
    analyst = await client_as("analyst")
    export = await exported(house, analyst)
    raw = await fetch(analyst, export["id"])
    assert MASK in raw.decode()
    assert b"0901234500" not in raw
    (tmp_path / "customers.csv").write_bytes(raw)
    target = house.registry.import_targets.get("core.customers")
    table = open_table(tmp_path / "customers.csv", Format())
    plan = guess_plan(table, target, name="x", country="VN").plan
    outcome = await house.imports.apply(plan, tmp_path)
    assert (outcome.counts.rejected, outcome.counts.created) == (1, 0)
    assert outcome.findings.first[0].problem.code == "masked"


@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl"])
async def test_an_export_comes_back_as_it_was(house, lan, minh, tmp_path, form):
    """Into the same house, where every customer is known by the id it was exported under."""
    await house.customers.declare_fields([FieldDraft(key="note")])
    drafts = [
        CustomerDraft(
            display_name=name,
            contact_points=[
                ContactPointDraft(kind="address", raw=name),
                ContactPointDraft(kind="phone", raw="+84 90 123 4568"),
            ],
            tags=["=tag"],
            fields={"note": name},
            external_ids={"relatum": f"K{n}"},
        )
        for n, name in enumerate(["=1+1", "'x", "-5", "@x", 'Ân, "x"'])
    ]
    ids = await house.customers.create(drafts, by="system")
    before = await house.customers.get_many(ids)
    export = await exported(house, lan, format=form)
    (tmp_path / f"back.{form}").write_bytes(await fetch(lan, export["id"]))
    target = house.registry.import_targets.get("core.customers")
    table = open_table(tmp_path / f"back.{form}", Format())
    guess = guess_plan(table, target, name="x", country="VN")
    assert (guess.plan.name, guess.unused) == ("relatum", [])
    outcome = await house.imports.apply(guess.plan, tmp_path)
    assert (outcome.counts.unchanged, outcome.findings.total) == (len(ids), 0)
    assert outcome.files[0].unused == []
    assert await house.customers.get_many(ids) == before


async def test_what_leaves_a_house_and_returns_doubles_nobody(house, lan, tmp_path):
    """Customers without an external id are called by their own id, edited or not."""
    ids = await house.customers.create(
        [CustomerDraft(display_name="An"), CustomerDraft(display_name="Bình")], by="system"
    )
    await house.interactions.record(
        [
            InteractionDraft(
                kind="core.note",
                customer_id=ids[0],
                occurred_at=now(),
                payload={"text": "hello"},
                idempotency_key=key,
            )
            for key in ("mine", None)
        ],
        by="system",
    )
    for target in ("core.customers", "core.interactions"):
        export = await exported(house, lan, target=target, format="csv")
        raw = (await fetch(lan, export["id"])).decode("utf-8-sig").replace("Bình", "Bình Lê")
        (tmp_path / "back.csv").write_text(raw, encoding="utf-8-sig", newline="")
        table = open_table(tmp_path / "back.csv", Format())
        found = house.registry.import_targets.get(target)
        plan = guess_plan(table, found, name="x", country="VN").plan
        outcome = await house.imports.apply(plan, tmp_path)
        assert (outcome.counts.created, outcome.counts.rejected) == (0, 0), outcome.findings
        assert outcome.counts.unchanged + outcome.counts.updated == 2
    customers = await house.customers.get_many(ids)
    assert [customer.display_name for customer in customers] == ["An", "Bình Lê"]
    assert len([one async for batch in house.customers.all_batches() for one in batch]) == 2
