"""PostgreSQL that goes away and comes back, and a second one that follows it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from relatum.app.house import House
from relatum.config.checks import settings_problems
from relatum.config.settings import Limits, PostgreSql, Settings
from relatum.customers.types import CustomerDraft
from relatum.http.problems import failure_of
from tests.growing.conftest import Process
from tests.growing.processes import COMMAND
from tests.growing.programs import Cluster, cluster, folder_of_service

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

CUSTOMERS = "/api/v1/customers"


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of these tests' own, that may be stopped; replicas may follow it."""
    with cluster("wal_level = replica", "max_wal_senders = 4", "hot_standby = on") as made:
        yield made


@pytest.fixture
def settings(server: Cluster, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path, database=server.url, safe_mode=True, limits=Limits(token=0, address=0)
    )


async def create(house: House, name: str) -> None:
    await house.customers.create([CustomerDraft(display_name=name)], by="system")


async def status_of(process: Process) -> int:
    """What the process says of its readiness."""
    async with process.client() as client:
        return (await client.get("/ready")).status_code


@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_a_server_that_restarts_is_found_again(
    server: Cluster, settings: Settings, how: str
) -> None:
    async with await House.open(settings) as house:
        await house.migrate_apply()
        process = Process(house)
        await process.listen()
        heard = asyncio.Event()
        house.signals.listen("probe", lambda text: heard.set())
        await asyncio.gather(*(create(house, f"{how} {number}") for number in range(20)))
        assert await status_of(process) == 200

        await asyncio.to_thread(server.stop, how)
        assert await status_of(process) == 503
        with pytest.raises(Exception) as away:  # noqa: PT011 - whatever it is, the answer counts
            await create(house, "away")
        assert failure_of(away.value).error.status == 503, away.value

        await asyncio.to_thread(server.start)
        began = time.monotonic()
        while await status_of(process) != 200:
            assert time.monotonic() - began < 5
            await asyncio.sleep(0.05)
        await asyncio.gather(*(create(house, f"{how} again {number}") for number in range(20)))
        row = await house.db.fetch_one(
            "SELECT count(*) FROM core_customer WHERE display_name LIKE ?", f"{how}%"
        )
        assert row == (40,)
        heard.clear()
        async with await House.open(settings) as other:
            for _ in range(100):
                await other.signals.send("probe", "back")
                await asyncio.sleep(0.1)
                if heard.is_set():
                    break
        assert heard.is_set(), "what listened listens again"
        await process.close()


async def test_a_transaction_that_does_nothing_ends(settings: Settings) -> None:
    brief = msgspec.structs.replace(
        settings, postgresql=PostgreSql(idle_in_transaction_timeout=0.2, statement_timeout=1.0)
    )
    async with await House.open(brief) as house:
        for _ in range(3):
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as ended:
                async with house.db.transaction():
                    await house.db.fetch("SELECT 1")
                    await asyncio.sleep(0.6)
                    await house.db.fetch("SELECT 1")
            assert failure_of(ended.value).error.status == 503
            assert not house.db.in_transaction(), "the task goes on and is in none"
            assert await house.db.fetch("SELECT 1") == [(1,)]
        with pytest.raises(asyncpg.QueryCanceledError) as late:
            await house.db.fetch("SELECT pg_sleep(5)")
        assert failure_of(late.value).error.status == 503
        assert await house.db.fetch("SELECT 1") == [(1,)], "the next one works"


async def test_a_task_goes_on_after_its_transaction_lost_the_server(
    server: Cluster, settings: Settings
) -> None:
    """What runs for ever (handlers, jobs) is one task: its next transaction is another one."""
    async with await House.open(settings) as house:
        with pytest.raises(ZeroDivisionError):
            async with house.db.transaction():
                await house.db.fetch("SELECT 1")
                await asyncio.to_thread(server.stop, "immediate")
                await asyncio.to_thread(server.start)
                raise ZeroDivisionError
        async with house.db.transaction():
            assert await house.db.fetch("SELECT 1") == [(1,)]
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)) as lost:
            async with house.db.transaction():
                await house.db.fetch("SELECT 1")
                await asyncio.to_thread(server.stop, "fast")
                await asyncio.to_thread(server.start)
        assert failure_of(lost.value).error.status == 503, "nothing is taken for committed"
        assert await house.db.fetch("SELECT 1") == [(1,)]


async def test_the_server_shows_who_is_connected(settings: Settings) -> None:
    named = msgspec.structs.replace(
        settings, postgresql=PostgreSql(application_name="relatum web 1", pool_size=2)
    )
    async with await House.open(named) as house:
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'relatum web 1'"
        await asyncio.gather(*(house.db.fetch("SELECT pg_sleep(0.05)") for _ in range(6)))
        assert await house.db.fetch(count) == [(2,)]


async def test_a_full_server_is_not_ready_and_says_so(server: Cluster, settings: Settings) -> None:
    held = []
    try:
        while True:
            held.append(await asyncpg.connect(server.url))
    except asyncpg.PostgresError:
        pass
    try:
        with pytest.raises(Exception, match="too many"):
            await House.open(settings)
    finally:
        for connection in held:
            await connection.close()


class TestReplica:
    @pytest.fixture
    def replica(self, server: Cluster) -> Iterator[Cluster]:
        """A server that follows by streaming."""
        with folder_of_service() as folder:
            made = Cluster(folder)
            server.copy_to(made)
            made.start()
            yield made
            made.stop("immediate")

    async def test_what_reads_works_and_what_writes_says_why_not(
        self,
        server: Cluster,
        settings: Settings,
        replica: Cluster,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        reading = msgspec.structs.replace(settings, database=replica.url)
        async with await House.open(settings) as house:
            await house.migrate_apply()
            await create(house, "Khách ở bản chính")
            position = await house.db.fetch("SELECT pg_current_wal_lsn()::text")
        async with await House.open(reading) as house:
            began = time.monotonic()
            while not (
                await house.db.fetch(
                    "SELECT pg_last_wal_replay_lsn() >= ?::text::pg_lsn", position[0][0]
                )
            )[0][0]:
                assert time.monotonic() - began < 10
                await asyncio.sleep(0.02)
            assert await house.core_pending() == []
            rows = await house.db.fetch(
                "SELECT display_name FROM core_customer WHERE display_name = ?",
                "Khách ở bản chính",
            )
            assert len(rows) == 1
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError) as refused:
                await create(house, "Khách ở bản sao")
            assert failure_of(refused.value).error.status == 503
            assert await status_of(Process(house)) == 503, "a proxy sends nobody there"
            caplog.clear()
            listening = asyncio.create_task(house.signals.run_forever())
            await asyncio.sleep(1.5)
            listening.cancel()
            await asyncio.wait([listening])
            said = [each for each in caplog.records if each.name == "relatum.signals"]
            assert len(said) == 1, "a server that cannot LISTEN is complained of once"
        done = await asyncio.to_thread(_command, reading, "export", "out", "--format", "csv")
        assert done.returncode == 0, done.stdout + done.stderr
        exported = (reading.home / "out" / "core.customers.csv").read_text(encoding="utf-8-sig")
        assert "Khách ở bản chính" in exported
        done = await asyncio.to_thread(_command, reading, "report")
        assert done.returncode == 0, done.stdout + done.stderr


async def test_the_replica_takes_over(tmp_path: Path) -> None:
    """With both addresses in `database`, nobody has to change anything."""
    with (
        cluster("wal_level = replica", "max_wal_senders = 4") as first,
        folder_of_service() as folder,
    ):
        second = Cluster(folder)
        first.copy_to(second)
        second.start()
        hosts = f"127.0.0.1:{second.port},127.0.0.1:{first.port}"
        both = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
        settings = Settings(home=tmp_path, database=both, safe_mode=True)
        assert settings_problems(settings) == []
        async with await House.open(settings) as house:
            await house.migrate_apply()
            await create(house, "trước")
            assert await house.db.fetch("SHOW port") == [(str(first.port),)]
            await _until_followed(first, second)
            await asyncio.to_thread(first.stop, "immediate")
            assert await status_of(Process(house)) == 503
            await asyncio.to_thread(second.run, "pg_ctl", "-D", str(second.data), "promote")
            began = time.monotonic()
            while await status_of(Process(house)) != 200:
                assert time.monotonic() - began < 20
                await asyncio.sleep(0.1)
            await create(house, "sau")
            rows = await house.db.fetch("SELECT display_name FROM core_customer ORDER BY 1")
            assert rows == [("sau",), ("trước",)]
        second.stop("immediate")
        first.start()


async def _until_followed(first: Cluster, second: Cluster) -> None:
    """Wait until the second server has what the first one wrote."""
    one, two = await asyncpg.connect(first.url), await asyncpg.connect(second.url)
    try:
        position = await one.fetchval("SELECT pg_current_wal_lsn()::text")
        for _ in range(500):
            if await two.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", position):
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the replica does not follow")
    finally:
        await one.close()
        await two.close()


def _command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command on another database, as somebody at the shell gives it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RELATUM_")}
    named = {
        "RELATUM_HOME": str(settings.home),
        "RELATUM_DATABASE": settings.database,
        "RELATUM_SAFE_MODE": "1",
    }
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=settings.home,
        env=kept | named,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
