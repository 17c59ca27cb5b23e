"""``relatum jobs`` as it is typed."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from relatum.app.house import House
from relatum.cli.main import main
from relatum.config.load import load_settings

JOB = "core.audit_seal"
NOBODY = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


def in_house(work: Callable[[House], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with await House.open(load_settings()) as house:
            return await work(house)

    return asyncio.run(run())


@pytest.fixture
def home(relatum_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Path:
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    assert main(["migrate", "--apply"]) == 0
    capsys.readouterr()
    return relatum_home


def asked(*, failed: bool = False, later: bool = False) -> str:
    """A run; a dead letter, or one that waits for tomorrow."""

    async def ask(house: House) -> UUID:
        at = dt.datetime.now(dt.UTC) + dt.timedelta(days=1) if later else None
        run = await house.jobs.enqueue(JOB, at=at)
        if failed:
            await house.db.execute(
                "UPDATE core_queue SET status = 'failed', error = 'the road is closed' "
                "WHERE run = ?",
                run,
            )
        return run

    return str(in_house(ask))


def state(run: str) -> str:
    return str(in_house(lambda house: house.jobs.get(UUID(run))).state)


def told(capsys: Any, *arguments: str, code: int = 0) -> str:
    assert main(["jobs", *arguments]) == code
    captured = capsys.readouterr()
    return str(captured.out if code == 0 else captured.err)


def test_listing_and_one(home: Path, capsys: Any) -> None:
    waits, dead = asked(later=True), asked(failed=True)
    queues = json.loads(told(capsys, "list", "--json"))["items"]
    assert [(q["job"], q["waiting"], q["failed"]) for q in queues] == [(JOB, 1, 1)]
    assert JOB in told(capsys, "list")
    failed = json.loads(told(capsys, "list", "--state", "failed", "--json"))["items"]
    assert [run["id"] for run in failed] == [dead]
    one = json.loads(told(capsys, "list", "--job", JOB, "--limit", "1", "--json"))["items"]
    assert [run["id"] for run in one] == [dead]
    assert "--limit" in told(capsys, "list", "--job", JOB, "--limit", "1")
    assert "the road is closed" in told(capsys, "show", dead)
    assert json.loads(told(capsys, "show", waits, "--json"))["state"] == "waiting"


def test_retry_cancel_drop(home: Path, capsys: Any) -> None:
    first, second, third = (asked(failed=True) for _ in range(3))
    assert "will run again" in told(capsys, "retry", first)
    assert state(first) == "waiting"
    assert "is dropped" in told(capsys, "drop", second)
    assert state(second) == "cancelled"
    assert told(capsys, "retry", "--job", JOB).startswith("1 run(s)")
    assert state(third) == "waiting"
    assert "is called off" in told(capsys, "cancel", third)
    assert state(third) == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retry"], "neither"),
        (["retry", NOBODY, "--job", JOB], "both"),
        (["retry", NOBODY], "none"),
        (["show", "7"], "run"),
        (["cancel", NOBODY], "none"),
        (["drop", NOBODY], "none"),
        (["run", "core.nothing"], "core.nothing"),
        (["run", JOB, "--args", "{"], "JSON"),
        (["run", JOB, "--args", '{"x": 1}'], "arguments"),
    ],
)
def test_what_cannot_be_done_is_said(
    home: Path, capsys: Any, arguments: list[str], said: str
) -> None:
    assert said in told(capsys, *arguments, code=1)


def test_living_runs_are_not_retried_or_dropped(home: Path, capsys: Any) -> None:
    run = asked(later=True)
    for action in ("retry", "drop"):
        assert "waiting" in told(capsys, action, run, code=1)
    assert state(run) == "waiting"


def test_working_here_and_schedules(home: Path, capsys: Any) -> None:
    run = asked()
    tried = json.loads(told(capsys, "work", "--once", "--json"))["tried"]
    assert tried >= 1
    assert state(run) == "succeeded"
    assert "succeeded" in told(capsys, "run", JOB)
    schedules = {
        each["id"]: each for each in json.loads(told(capsys, "schedules", "--json"))["items"]
    }
    assert schedules[JOB]["last_started_at"]
    assert "last ran" in told(capsys, "schedules")
    with pytest.raises(SystemExit):
        main(["jobs", "work"])
