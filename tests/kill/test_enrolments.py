"""AC-AU-1 and AC-TASK-2, with jobs alone: steps of flows, and reminders, while workers are killed.

100,000 steps, the process killed at 50 random moments, a provider that does not answer in time on
2 %: nothing lost, nothing done twice, the same end as undisturbed (``make thorough``; fewer steps
and kills otherwise). A reminder fires once, not before its time and within 60 seconds of it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections import Counter

import pytest

from tests.kill.conftest import Build
from tests.kill.jobs_plugin import TELL_EVERY
from tests.kill.storm import START_SECONDS, Town, asked, settled

pytestmark = pytest.mark.long

STEPS = 10
#: AC-TASK-2
LATEST = dt.timedelta(seconds=60)


@pytest.mark.parametrize(
    ("customers", "kills"),
    [
        pytest.param(100, 3, id="1,000 steps"),
        pytest.param(
            10_000, 50, id="100,000 steps", marks=[pytest.mark.thorough, pytest.mark.timeout(3600)]
        ),
    ],
)
@pytest.mark.parametrize("address", ["embedded", "server"], indirect=True)
async def test_ac_au_1_every_step_once(
    build: Build,
    chance: random.Random,
    address: str,
    customers: int,
    kills: int,
) -> None:
    town = await build(address)
    await town.start_all()
    await ask(town, "enrolments", {"first": 0, "customers": customers, "steps": STEPS})
    for number in range(kills):
        share = (number + chance.random()) / (kills + 1)
        await until_written(town, int(customers * STEPS * share))
        names = [name for name in town.names() if name.startswith("worker")]
        some = names if chance.random() < 0.5 else [chance.choice(names)]
        await asyncio.to_thread(town.strike, some)
    await settled(town)
    await asyncio.to_thread(town.stop)
    written = await asked(
        town.url, "SELECT work, n, count(*) FROM kill_jobs_effect GROUP BY work, n"
    )
    assert sorted(written) == sorted(
        (f"c{c}", n, 1) for c in range(customers) for n in range(STEPS)
    )
    told = {f"c{c}/{n}" for c in range(customers) for n in range(STEPS) if tells(n)}
    assert {text for _, text in town.receiver.calls} == told
    keys = Counter(text for _, text in town.receiver.calls)
    assert max(keys.values()) == 1, "the outside was told under several keys"
    assert await asked(
        town.url,
        "SELECT state, count(*) FROM core_job_done WHERE job <> 'kill_jobs.tick' "
        "AND job LIKE 'kill_jobs.%' GROUP BY state",
    ) == [("succeeded", customers * STEPS)]
    assert town.kills["worker"] >= kills


def tells(step: int) -> bool:
    return step > 0 and step % TELL_EVERY == TELL_EVERY - 1


@pytest.mark.parametrize(
    ("address", "heartbeat", "kills"),
    [
        pytest.param("embedded", 2.0, 3, id="embedded"),
        pytest.param("server", 2.0, 3, id="server"),
        # as it is configured from the start: a run of a dead worker waits for half a minute
        pytest.param("server", 30.0, 4, id="server, 30 s", marks=pytest.mark.thorough),
    ],
    indirect=["address"],
)
async def test_ac_task_2_a_reminder_fires_once_and_in_time(
    build: Build,
    chance: random.Random,
    address: str,
    heartbeat: float,
    kills: int,
) -> None:
    town = await build(address, heartbeat=heartbeat)
    await town.start_all()
    count, after, within = 60, 2.0, 4.0 * kills
    await ask(town, "reminders", {"count": count, "after": after, "within": within})
    await asyncio.sleep(after)
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.5, 2.5))
        names = [name for name in town.names() if name.startswith("worker")]
        await asyncio.to_thread(town.strike, names, chance.choice([0.0, 1.0]))
    await settled(town)
    await asyncio.to_thread(town.stop)
    fired = await asked(town.url, "SELECT run, due, at FROM kill_jobs_reminded")
    assert len({run for run, _, _ in fired}) == len(fired) == count
    for _, due, at in fired:
        late = dt.datetime.fromisoformat(at) - dt.datetime.fromisoformat(due)
        assert dt.timedelta(0) <= late <= LATEST


async def ask(town: Town, path: str, order: dict[str, float]) -> None:
    async with town.http() as http:
        answer = await http.post(f"/api/v1/plugins/kill_jobs/{path}", json=order)
    assert answer.status_code == 201, answer.text


async def until_written(town: Town, steps: int) -> None:
    """Wait until so many steps are there, and the workers that live now have done some."""
    end = time.monotonic() + 10 * START_SECONDS
    while time.monotonic() < end:
        if await asked(town.url, "SELECT count(*) FROM kill_jobs_effect") >= [(steps,)]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never came to {steps} steps:\n{town.last_words('worker0')}")
