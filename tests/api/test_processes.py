"""Web and worker apart, their port, their log, and how they end."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from relatum_sdk.temporary import make_plugin
from tests.api.served import Served, free_port, until

CANARY = "rlt_Qm9ndXNTZWNyZXQ"
BUSY_PLUGIN = f"""
import asyncio, datetime as dt
import msgspec
from litestar import get
from relatum.api import *

class Nap(msgspec.Struct):
    seconds: float = 0.0
    fails: bool = False

async def nap(plugin, run):
    plugin.log.info("naps with {CANARY}")
    await asyncio.sleep(run.args.seconds)
    if run.args.fails:
        raise ValueError("password='{CANARY}'")

@get("/slow", opt={{"permission": "busy.x.read"}})
async def slow(request: Call, seconds: float = 0.0) -> dict[str, str]:
    plugin = request.house.registry.plugins["busy"]
    plugin.log.info("slow is asked for")
    await asyncio.sleep(seconds)
    return {{"answer": "late"}}

async def handle(plugin, events):
    plugin.log.info("takes %d events", len(events))

@hookimpl
def relatum_register_permissions(plugin):
    return [Permission(id="busy.x.read", title=Text(en="X", vi="X"))]

@hookimpl
def relatum_register_routes(plugin):
    return [slow]

@hookimpl
def relatum_register_handlers(plugin):
    return [Handler(id="busy.sees", events=("core.customer_created",), handle=handle)]

@hookimpl
def relatum_register_jobs(plugin):
    return [Job(id="busy.nap", title=Text(en="Nap", vi="Ngủ"), run=nap, args=Nap,
                retry=Retry(attempts=1))]
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Served]:
    """A migrated home with a plugin, and the processes of a test in it."""
    served = Served(tmp_path, free_port())
    make_plugin(tmp_path / "site", "busy", plugin_py=BUSY_PLUGIN)
    (tmp_path / "relatum.toml").write_text('[plugins]\nenabled = ["busy"]\n')
    assert served.run("migrate", "--apply").returncode == 0
    served.add_owner()
    yield served
    served.end()


@pytest.fixture
def worker(home: Served) -> Iterator[Served]:
    worker = home.beside(free_port())
    worker.env["RELATUM_WORKER__PORT"] = str(worker.port)
    yield worker
    worker.end()


def ask(served: Served, seconds: float = 0.0, *, fails: bool = False) -> str:
    """Ask for a nap; returns the address of the run."""
    url = f"http://127.0.0.1:{served.port}/api/v1/jobs/busy.nap/run"
    args = {"args": {"seconds": seconds, "fails": fails}}
    headers = {"Authorization": f"Bearer {served.token}", "X-Request-ID": "nap-1"}
    answer = httpx.post(url, json=args, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


def state(served: Served, run: str) -> str:
    return str(served.get(run).json()["state"])


def entries(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def test_web_asks_and_the_worker_works(home: Served, worker: Served) -> None:
    home.start("web")
    run = ask(home)
    time.sleep(1.0)
    assert state(home, run) == "waiting", "web does no background work"
    worker.start("worker")
    until(lambda: state(home, run) == "succeeded")
    again = ask(home)
    until(lambda: state(home, again) == "succeeded")
    assert worker.get("/ready").json() == {"status": "ready", "reasons": []}
    metrics = worker.get("/metrics")
    assert metrics.status_code == 200
    assert 'relatum_jobs_started_total{job="busy.nap"} 2.0' in metrics.text
    assert 'role="worker"' in metrics.text
    token, worker.token = worker.token, ""
    assert worker.get("/metrics").status_code == 401
    assert worker.get("/health").json() == {"status": "ok"}
    worker.token = token
    nothing = worker.get("/api/v1/customers")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "not-found")
    assert httpx.post(f"http://127.0.0.1:{worker.port}/ready").status_code == 405
    for process in (worker, home):
        code, output = process.stop()
        assert (code, "Traceback" in output) == (0, False), output
        assert CANARY not in output


def test_a_worker_refuses_what_serve_refuses(home: Served, tmp_path: Path) -> None:
    empty = Served(tmp_path / "empty", free_port())
    empty.home.mkdir()
    pending = empty.run("worker")
    assert (pending.returncode, "relatum migrate --apply" in pending.stderr) == (1, True)
    assert empty.run("migrate", "--apply").returncode == 0
    port = str(free_port())
    everybody = {"RELATUM_WORKER__HOST": "0.0.0.0", "RELATUM_WORKER__PORT": port}  # noqa: S104
    open_to_all = empty.run("worker", **everybody)
    assert open_to_all.returncode == 1
    assert "worker.host" in open_to_all.stderr
    home.start("web")
    taken = home.run("worker", RELATUM_WORKER__PORT=str(home.port))
    assert taken.returncode == 1
    assert "worker.port" in taken.stderr
    home.stop()


def test_what_goes_on_may_end_and_the_rest_is_handed_back(home: Served, worker: Served) -> None:
    home.start("web")
    worker.start("worker", RELATUM_SHUTDOWN__LIMIT="3")
    short, long = ask(home, 2.0), ask(home, 60.0)
    until(lambda: state(home, long) == state(home, short) == "running")
    code, output = worker.stop()
    assert code == 0
    assert "did not come to an end within 3 s" in output
    assert state(home, short) == "succeeded"
    run = home.get(long).json()
    assert (run["state"], run["attempts"]) == ("waiting", 0), "a hand back is no attempt"
    home.stop()


def test_a_second_signal_ends_at_once(home: Served, worker: Served) -> None:
    home.start("web")
    process = worker.start("worker")
    run = ask(home, 60.0)
    until(lambda: state(home, run) == "running")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None, "it waits for what goes on"
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 128 + signal.SIGTERM
    assert time.monotonic() - began < 3
    home.stop()


def test_it_says_that_it_is_not_ready_before_it_ends(home: Served) -> None:
    process = home.start("web", RELATUM_SHUTDOWN__DELAY="2")
    process.send_signal(signal.SIGTERM)
    until(lambda: home.get("/ready").status_code == 503)
    assert home.get("/ready").json()["reasons"] == ["it was told to end"]
    assert home.get("/api/v1/customers").status_code == 200
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_requests_beyond_the_limit_are_told(home: Served) -> None:
    process = home.start("serve", RELATUM_SHUTDOWN__LIMIT="1")
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(home.get("/api/v1/plugins/busy/slow?seconds=20"))
    )
    asking.start()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    asking.join()
    assert process.returncode == 0
    (answer,) = answers
    assert answer.status_code == 503
    assert "before this server ends" in answer.json()["detail"]


def test_the_log_says_what_each_line_is_about(home: Served) -> None:
    home.start("serve", RELATUM_LOG__FORMAT="json")
    run = ask(home, fails=True)
    until(lambda: state(home, run) == "failed")
    query = f"seconds=0.01&token={CANARY}&q=Mật"
    assert home.get(f"/api/v1/plugins/busy/slow?{query}").status_code == 200
    url = f"http://127.0.0.1:{home.port}/api/v1/customers"
    headers = {"Authorization": f"Bearer {home.token}"}
    made = httpx.post(url, json={"display_name": "Trần Bí Mật"}, headers=headers)
    assert made.status_code == 201
    handlers = f"http://127.0.0.1:{home.port}/api/v1/handlers/busy.sees"
    until(lambda: httpx.get(handlers, headers=headers).json()["lag"] == 0)
    time.sleep(0.5)
    _, output = home.stop()
    assert CANARY not in output
    assert home.token not in output
    assert "Bí Mật" not in output
    lines = entries(output)
    assert {line["role"] for line in lines} == {"serve"}
    naps = [line for line in lines if "naps with" in line["message"]]
    id = run.rpartition("/")[2]
    assert [(line["job"], line["run"], line["plugin"], line["request"]) for line in naps] == [
        ("busy.nap", id, "busy", "nap-1")
    ]
    (taken,) = [line for line in lines if "takes 1 events" in line["message"]]
    assert (taken["handler"], taken["plugin"]) == ("busy.sees", "busy")
    assert taken["events"].isdigit()
    (slow,) = [line for line in lines if line["message"] == "slow is asked for"]
    access = {line["request"]: line for line in lines if line["logger"] == "relatum.access"}
    assert access[slow["request"]]["status"] == 200
    assert access[slow["request"]]["route"] == "/api/v1/plugins/busy/slow"
    assert access["nap-1"]["route"] == "/api/v1/jobs/{job_id}/run"
    assert access["nap-1"]["method"] == "POST"
    assert all("?" not in line["path"] for line in access.values())
