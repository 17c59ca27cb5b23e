"""Behind PgBouncer in transaction pooling: every statement may meet another connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import PostgreSql, Settings
from relatum.db.database import Database
from relatum.values.problems import NotFound
from relatum_sdk.people import client_of, make_person, make_token
from tests.growing.conftest import Process, on_postgres
from tests.growing.programs import at, pgbouncer

pytestmark = on_postgres

CUSTOMERS = "/api/v1/customers"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """PgBouncer in front of the server of the tests, with fewer connections than clients."""
    with pgbouncer(os.environ["RELATUM_TEST_POSTGRES"], pool=3) as found:
        yield found


@pytest.fixture
def pooled(pair_settings: Settings, port: int) -> Settings:
    """Settings of a house behind PgBouncer, with a way past it for what listens."""
    pair_settings.home.mkdir(exist_ok=True)
    return msgspec.structs.replace(
        pair_settings,
        safe_mode=False,
        database=at(pair_settings.database, port=port),
        postgresql=PostgreSql(pooled=True, listen=pair_settings.database, pool_size=12),
    )


@pytest.fixture
async def house(pooled: Settings) -> AsyncIterator[House]:
    async with await House.open(pooled) as opened:
        yield opened


@pytest.fixture
async def owner(house: House) -> AsyncIterator[httpx.AsyncClient]:
    token = await make_token(house, await make_person(house))
    async with client_of(create_app(house), token=token) as client:
        yield client


async def servers_used(db: Database) -> int:
    """How many connections of PostgreSQL a hundred statements at once were answered by."""

    async def one() -> int:
        ((pid,),) = await db.fetch("SELECT pg_backend_pid() FROM pg_sleep(0.005)")
        return int(pid)

    return len(set(await asyncio.gather(*(one() for _ in range(100)))))


async def test_statements_really_go_through_shared_connections(house: House) -> None:
    """Without this, the rest of the file would show nothing."""
    assert await servers_used(house.db) == 3


async def test_the_ways_of_the_api_many_at_once(house: House, owner: httpx.AsyncClient) -> None:
    async def one(number: int) -> None:
        body = {"display_name": f"Khách {number}", "tags": ["vip"]}
        headers = {"Idempotency-Key": f"pooled-{number}"}
        made = await owner.post(CUSTOMERS, json=body, headers=headers)
        assert made.status_code == 201, made.text
        again = await owner.post(CUSTOMERS, json=body, headers=headers)
        assert again.json() == made.json()
        url = f"{CUSTOMERS}/{made.json()['id']}"
        changed = await owner.patch(
            url,
            json={"display_name": f"Khách hàng {number}"},
            headers={"If-Match": made.headers.get("etag", "*")},
        )
        assert changed.status_code == 200, changed.text
        noted = await owner.post(
            "/api/v1/interactions",
            json={
                "kind": "core.note",
                "customer_id": made.json()["id"],
                "payload": {"text": "gọi lại"},
            },
        )
        assert noted.status_code == 201, noted.text
        assert (await owner.get(url)).json()["display_name"] == f"Khách hàng {number}"

    await asyncio.gather(*(one(number) for number in range(40)))
    listed = await owner.get(CUSTOMERS, params={"limit": 200})
    assert len(listed.json()["items"]) == 40
    row = await house.db.fetch_one("SELECT count(*) FROM core_interaction")
    assert row == (40,)


async def test_batches_and_imports_are_copied(house: House, owner: httpx.AsyncClient) -> None:
    items = [{"display_name": f"Khách {number}"} for number in range(2_000)]
    answers = await asyncio.gather(
        *(owner.post(f"{CUSTOMERS}/batch", json={"items": items}) for _ in range(3))
    )
    assert [answer.status_code for answer in answers] == [201] * 3
    row = await house.db.fetch_one("SELECT count(*) FROM core_customer")
    assert row == (6_000,)


async def test_somebody_who_sees_a_part(house: House, owner: httpx.AsyncClient) -> None:
    await owner.post(CUSTOMERS, json={"display_name": "Của chủ"})
    token = await make_token(house, await make_person(house, "sales"))
    async with client_of(create_app(house), token=token) as seller:
        made = await seller.post(CUSTOMERS, json={"display_name": "Của tôi"})
        assert made.status_code == 201, made.text
        answers = await asyncio.gather(*(seller.get(CUSTOMERS) for _ in range(30)))
    names = {tuple(each["display_name"] for each in answer.json()["items"]) for answer in answers}
    assert names == {("Của tôi",)}


async def test_handlers_seals_and_limits(house: House, owner: httpx.AsyncClient) -> None:
    await owner.post(CUSTOMERS, json={"display_name": "Lan"})
    await house.handlers.run_once()
    assert await house.seals.seal() > 0
    limit = create_app(house)  # its own limits
    token = await make_token(house, await make_person(house))
    async with client_of(limit, token=token) as client:
        assert (await client.get(CUSTOMERS)).status_code == 200


async def test_jobs_in_the_transaction_of_the_caller(house: House) -> None:
    async with house.db.transaction():
        run = await house.jobs.enqueue("core.audit_seal")
        kept = await house.jobs.get(run)
        assert kept.state == "waiting"
    with pytest.raises(ZeroDivisionError):
        async with house.db.transaction():
            undone = await house.jobs.enqueue("core.access_sweep")
            raise ZeroDivisionError
    async with asyncio.timeout(30):
        await house.worker.drain()
    assert (await house.jobs.get(run)).state == "succeeded"
    with pytest.raises(NotFound):
        await house.jobs.get(undone)


async def test_transactions_savepoints_and_turns(house: House) -> None:
    db = house.db
    order: list[int] = []

    async def one(number: int) -> None:
        async with db.transaction():
            await db.hold("test turn")
            order.append(number)
            before = await db.fetch_one("SELECT txid_current()")
            with pytest.raises(asyncpg.PostgresError):
                async with db.savepoint():
                    await db.execute("SELECT 1/0")
            await asyncio.sleep(0.01)
            assert await db.fetch_one("SELECT txid_current()") == before
            order.append(number)

    await asyncio.gather(*(one(number) for number in range(8)))
    assert order[::2] == order[1::2], "one after the other"


async def test_pages_of_piccolo_are_read_in_pieces(house: House) -> None:
    from relatum.customers.tables import StoredCustomer
    from relatum.customers.types import CustomerDraft

    drafts = [CustomerDraft(display_name=f"Khách {number}") for number in range(250)]
    await house.customers.create(drafts, by="system")

    async def read() -> int:
        count = 0
        async with await StoredCustomer.select().batch(batch_size=50) as batch:
            async for rows in batch:
                count += len(rows)
        return count

    assert await asyncio.gather(*(read() for _ in range(6))) == [250] * 6


async def test_migrations_run_through_it(
    tmp_path: Any, relatum_empty_database_url: str, port: int
) -> None:
    settings = Settings(
        home=tmp_path,
        database=at(relatum_empty_database_url, port=port),
        postgresql=PostgreSql(pooled=True),
        safe_mode=True,
    )
    async with await House.open(settings) as one, await House.open(settings) as two:
        await asyncio.gather(one.migrate_apply(), two.migrate_apply())
        assert await one.core_pending() == []


class TestSignals:
    async def test_heard_past_the_pooler(self, house: House, pooled: Settings) -> None:
        heard = asyncio.Event()
        async with await House.open(pooled) as other:
            process = Process(other)
            await process.listen()
            other.signals.listen("probe", lambda text: heard.set() if text == "hello" else None)
            await asyncio.sleep(0.2)
            await house.signals.send("probe", "hello")
            async with asyncio.timeout(2):
                await heard.wait()
            await process.close()

    async def test_without_a_way_past_it_everybody_looks(self, pooled: Settings) -> None:
        blind = msgspec.structs.replace(pooled, postgresql=PostgreSql(pooled=True))
        heard = asyncio.Event()
        async with await House.open(blind) as house:
            house.signals.listen("probe", lambda text: heard.set() if text is None else None)
            task = asyncio.create_task(house.signals.run_forever())
            async with asyncio.timeout(3):
                await heard.wait()
            task.cancel()
            await asyncio.wait([task])


async def test_a_house_that_is_not_told_of_it_cannot_work(pooled: Settings) -> None:
    """Negative control: PgBouncer refuses what such a house sets at the beginning of a session."""
    untold = msgspec.structs.replace(pooled, postgresql=PostgreSql())
    with pytest.raises(Exception, match=r"startup parameter|prepared statement"):
        async with await House.open(untold):
            pass
