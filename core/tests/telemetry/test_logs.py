"""Log lines say what they are about, in both forms, and nothing that is secret or of people."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from relatum.config.settings import Log
from relatum.http.observing import shown_path
from relatum.telemetry.access import ACCESS
from relatum.telemetry.logs import about, about_now, configure_logging
from relatum.telemetry.process import Process

ID = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


class Stream:
    """What has been written so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def stream(capsys: pytest.CaptureFixture[str]) -> Iterator[Stream]:
    root = logging.getLogger()
    handlers, level, factory = root.handlers, root.level, logging.getLogRecordFactory()
    yield Stream(capsys)
    ACCESS.flush()
    ACCESS.on = False
    root.handlers, root.level = handlers, level
    logging.setLogRecordFactory(factory)


def lines(stream: Stream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines() if line[0] == "{"]


def test_json_lines_carry_the_ids_around_them(stream: Stream) -> None:
    process = Process("worker")
    configure_logging(Log(format="json"), process)
    log = logging.getLogger("relatum.plugin.spa.booking")
    with about(job="spa.book", run=ID, request="r-1", plugin=""):
        with about(handler="spa.sees"):
            log.info("inside")
        log.info("outside")
    log.info("beyond")
    inside, outside, beyond = lines(stream)
    assert (inside["job"], inside["run"], inside["handler"]) == ("spa.book", ID, "spa.sees")
    assert "handler" not in outside
    assert outside["request"] == "r-1"
    assert {each["plugin"] for each in (inside, outside, beyond)} == {"spa"}
    assert "job" not in beyond
    assert (beyond["role"], beyond["process"]) == ("worker", process.id)
    assert about_now() == {}


def test_text_lines_too(stream: Stream) -> None:
    configure_logging(Log())
    with about(job="spa.book", run=ID):
        logging.getLogger("relatum.jobs").warning("it rains")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith(f" WARNING relatum.jobs: it rains [job=spa.book run={ID}]")


async def test_tasks_keep_their_own_ids(stream: Stream) -> None:
    configure_logging(Log(format="json"))

    async def work(name: str) -> None:
        with about(run=name):
            await asyncio.sleep(0.01)
            logging.getLogger("relatum.jobs").info(name)
            await asyncio.to_thread(logging.getLogger("relatum.jobs").info, name)

    await asyncio.gather(*(work(f"run-{n}") for n in range(10)))
    assert len(lines(stream)) == 20
    assert all(line["run"] == line["message"] for line in lines(stream))


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        (Log(), True),
        (Log(access="off"), False),
        (Log(access="debug"), False),
        (Log(access="debug", level="debug"), True),
        (Log(level="warning"), False),
    ],
)
async def test_the_level_of_requests(stream: Stream, settings: Log, on: bool) -> None:
    configure_logging(settings)
    assert ACCESS.on is on


async def test_lines_of_requests(stream: Stream) -> None:
    configure_logging(Log(format="json"), Process("web"))
    for number in range(3):
        ACCESS.write(f"r-{number}", ("GET", "/a/{a_id}", "/a/1"), 200, 0.0123, 7)
    assert stream.getvalue() == "", "they are written together"
    await asyncio.sleep(0.4)
    first = lines(stream)[0]
    assert len(lines(stream)) == 3
    assert (first["request"], first["method"], first["status"]) == ("r-0", "GET", 200)
    assert (first["route"], first["path"], first["ms"]) == ("/a/{a_id}", "/a/1", 12.3)
    assert (first["bytes"], first["role"]) == (7, "web")
    ACCESS.write("r-9", ("GET", "/", "/"), 0, 0.5, 0)
    configure_logging(Log())
    assert "left" in lines(stream)[3]["message"], "nothing is lost when the settings change"
    ACCESS.write("r-10", ("GET", "/", "/"), 200, 0.5, 0)
    ACCESS.flush()
    assert (
        stream.getvalue()
        .splitlines()[-1]
        .endswith("INFO relatum.access: GET / 200 500.00 ms 0 bytes [request=r-10]")
    )


@pytest.mark.parametrize(
    ("path", "route", "shown"),
    [
        (f"/api/v1/customers/{ID}", "/api/v1/customers/{customer_id}", True),
        (f"/api/v1/runs/{ID}/cancel", "/api/v1/runs/{run_id}/cancel", True),
        ("/api/v1/customers", "/api/v1/customers", True),
        ("/api/v1/customers/0912345678", "/api/v1/customers/{customer_id}", False),
        ("/api/v1/customers/lan@example.com", "/api/v1/customers/{customer_id}", False),
        ("/api/v1/customers/rlt_Qm9ndXM", "/api/v1/customers/{customer_id}", False),
        (f"/x/{ID}/files/anh-cua-Hoa.csv", "/x/{x_id}/files/{name}", False),
        ("/invitation/abcdef", "/invitation/{key}", False),
        ("/password-reset/abcdef", "none", False),
        (f"/x/{ID}", "none", False),
    ],
)
def test_only_ids_are_shown_of_an_address(path: str, route: str, shown: bool) -> None:
    assert shown_path(path, route) == (path if shown else route)
