"""The server as a process: it starts, says what it does, follows its settings, and stops well."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from relatum.app.listening import is_loopback, refuse_open_address
from relatum.values.problems import ConfigurationError
from relatum_sdk.temporary import make_plugin
from tests.api.served import Served, free_port, until

SLOW_PLUGIN = """
import asyncio, logging
logging.basicConfig(level="DEBUG", format="mine %(message)s", force=True)
from litestar import get, post
from relatum.api import *

@get("/slow", opt={"permission": "slow.x.read"})
async def slow() -> dict[str, str]:
    await asyncio.sleep(1.5)
    return {"answer": "late"}

@get("/broken", opt={"permission": "slow.x.read"})
async def broken() -> None:
    raise ZeroDivisionError("inside")

@hookimpl
def relatum_register_permissions(plugin):
    return [Permission(id="slow.x.read", title=Text(en="X", vi="X"))]

@hookimpl
def relatum_register_routes(plugin):
    return [slow, broken]
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, free_port())
    (tmp_path / "site").mkdir()
    yield served
    served.end()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.5.5.5", "::1", "localhost"])
def test_this_machine_may_be_listened_to(host: str) -> None:
    assert is_loopback(host)
    refuse_open_address(host, "", owned=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "crm.example.com", ""])  # noqa: S104
def test_others_may_not_before_there_is_an_owner(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ConfigurationError, match="no owner"):
        refuse_open_address(host, "", owned=False)
    refuse_open_address(host, "", owned=True)
    refuse_open_address(host, "https://crm.example.com", owned=False)


def test_it_refuses_to_start_and_says_why(served: Served) -> None:
    pending = served.run("serve", RELATUM_SAFE_MODE="1")
    assert pending.returncode == 1
    assert "relatum migrate --apply" in pending.stderr
    assert "Traceback" not in pending.stderr
    assert served.run("migrate", "--apply").returncode == 0
    open_to_all = served.run("serve", RELATUM_HOST="0.0.0.0", RELATUM_SAFE_MODE="1")  # noqa: S104
    assert open_to_all.returncode == 1
    assert "no owner" in open_to_all.stderr


def test_it_shows_the_link_of_the_first_owner_once_there_is_none(served: Served) -> None:
    assert served.run("migrate", "--apply").returncode == 0
    served.start(RELATUM_SAFE_MODE="1")
    assert served.get("/api/v1/customers").status_code == 401
    _, output = served.stop()
    (link,) = re.findall(rf"http://127\.0\.0\.1:{served.port}(/setup\?key=\S+)", output)
    served.start(RELATUM_SAFE_MODE="1")
    assert served.get(link).status_code in (200, 303, 410)
    served.stop()
    served.add_owner()
    served.start(RELATUM_SAFE_MODE="1")
    assert served.get("/api/v1/customers").status_code == 200
    _, output = served.stop()
    assert "/setup" not in output


def test_it_serves_and_stops(served: Served) -> None:
    assert served.run("migrate", "--apply").returncode == 0
    served.start(RELATUM_SAFE_MODE="1")
    ready = served.get("/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.headers["server"] == "relatum"
    second = served.run("serve", RELATUM_SAFE_MODE="1")
    assert second.returncode == 1
    assert f"127.0.0.1:{served.port}" in second.stderr
    code, output = served.stop()
    assert code == 0
    assert f"Relatum at http://127.0.0.1:{served.port}" in output
    assert "from this machine" in output
    assert "Traceback" not in output


def test_it_speaks_http_to_those_who_do_not(served: Served) -> None:
    served.run("migrate", "--apply")
    served.add_owner()
    served.start(RELATUM_SAFE_MODE="1")

    def say(data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
            connection.sendall(data)
            return connection.recv(65536)

    assert b" 400" in say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").split(b"\r\n")[0]
    assert b" 421" in say(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").split(b"\r\n")[0]
    bearer = f"Authorization: Bearer {served.token}\r\n".encode()
    invalid = say(
        b"GET /api/v1/customers/%ff%fe HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearer + b"\r\n"
    )
    assert b" 40" in invalid.split(b"\r\n")[0]
    query = say(b"GET /api/v1/customers?q=%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearer + b"\r\n")
    assert b" 400" in query.split(b"\r\n")[0]
    code, output = served.stop()
    assert (code, "Traceback" in output) == (0, False)


def test_what_is_being_answered_is_answered(served: Served) -> None:
    """A request in flight when the signal comes still gets its answer."""
    make_plugin(served.home / "site", "slow", plugin_py=SLOW_PLUGIN)
    served.run("migrate", "--apply")
    served.add_owner()
    served.start()
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(served.get("/api/v1/plugins/slow/slow"))
    )
    asking.start()
    time.sleep(0.5)
    code, _ = served.stop()
    asking.join()
    assert code == 0
    assert [answer.json() for answer in answers] == [{"answer": "late"}]


def test_the_log_stays_as_it_was_set_up(served: Served) -> None:
    make_plugin(served.home / "site", "slow", plugin_py=SLOW_PLUGIN)
    served.run("migrate", "--apply")
    served.add_owner()
    served.start(RELATUM_LOG__FORMAT="json")
    answer = served.get("/api/v1/plugins/slow/broken")
    assert answer.status_code == 500
    _, output = served.stop()
    entries = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    (entry,) = [each for each in entries if answer.headers["x-request-id"] in each["message"]]
    assert (entry["level"], entry["logger"]) == ("error", "relatum.http")
    assert (entry["plugin"], entry["request"]) == ("slow", answer.headers["x-request-id"])
    assert "slow 1.0" in entry["message"]
    assert "ZeroDivisionError: inside" in entry["trace"]
    assert "mine" not in output


def test_plugins_go_off_and_on_while_it_runs(served: Served) -> None:
    make_plugin(served.home / "site", "slow", plugin_py=SLOW_PLUGIN)
    make_plugin(served.home / "site", "late", plugin_py=SLOW_PLUGIN.replace("slow.x", "late.x"))
    settings = served.home / "relatum.toml"
    settings.write_text('[plugins]\nenabled = ["slow"]\n')
    served.run("migrate", "--apply")
    served.add_owner()
    served.start()
    slow, late = "/api/v1/plugins/slow/slow", "/api/v1/plugins/late/slow"
    assert served.get(slow).status_code == 200
    assert served.get(late).status_code == 404
    settings.write_text("[plugins]\nenabled = []\n")
    until(lambda: served.get(slow).status_code == 404)
    assert "switched off" in served.get(slow).json()["detail"]
    settings.write_text('[plugins]\nenabled = ["slow", "late"]\n')
    until(lambda: served.get(late).status_code == 200)
    assert served.get(slow).status_code == 200
    settings.write_text("[plugins\nthis is not TOML")
    time.sleep(1.5)
    assert served.get(slow).status_code == 200
    code, output = served.stop()
    assert code == 0
    assert "is not applied" in output
