"""Core and a plugin in an environment that knows nothing of this repository."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.packaging.conftest import clean_environment, run

pytestmark = pytest.mark.long

START_SECONDS = 30


def test_package_comes_from_the_environment_and_not_from_here(installed: Path) -> None:
    code = "import relatum, relatum_sales_pipeline as p; print(relatum.__file__, p.__file__)"
    places = run([installed / "python", "-c", code]).split()
    assert len(places) == 2
    assert all(Path(place).is_relative_to(installed.parent) for place in places)


def test_command_explains_itself(installed: Path) -> None:
    printed = run([installed / "relatum", "--help"])
    for command in ("serve", "migrate", "import", "export", "report", "plugins", "doctor", "demo"):
        assert command in printed


def test_starts_with_the_plugin(installed: Path, tmp_path: Path) -> None:
    relatum = installed / "relatum"
    run([relatum, "migrate", "--apply"], tmp_path, RELATUM_HOME=str(tmp_path))
    run([relatum, "plugins", "enable", "sales_pipeline"], tmp_path, RELATUM_HOME=str(tmp_path))
    with served(relatum, tmp_path) as client:
        assert client.get("/health").status_code == 200
        plugin = find_plugin(client, "sales_pipeline")
        assert plugin["state"] == "enabled"
        assert not plugin["problems"]
        deals = client.get("/api/v1/plugins/sales_pipeline/deals")
        assert deals.status_code == 200, deals.text
        assert deals.json()["items"] == []


def test_disabled_plugin_has_no_routes(installed: Path, tmp_path: Path) -> None:
    relatum = installed / "relatum"
    run([relatum, "migrate", "--apply"], tmp_path, RELATUM_HOME=str(tmp_path))
    run([relatum, "plugins", "disable", "sales_pipeline"], tmp_path, RELATUM_HOME=str(tmp_path))
    with served(relatum, tmp_path) as client:
        assert client.get("/health").status_code == 200
        assert find_plugin(client, "sales_pipeline")["state"] == "disabled"
        assert client.get("/api/v1/plugins/sales_pipeline/deals").status_code == 404


@contextmanager
def served(relatum: Path, home: Path) -> Iterator[httpx.Client]:
    """Serve a data folder on a free port for as long as the block runs."""
    port = free_port()
    environment = clean_environment() | {"RELATUM_HOME": str(home), "RELATUM_PORT": str(port)}
    log = home / "serve.log"
    headers = {"Authorization": f"Bearer {owner_of(relatum, home)}"}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [relatum, "serve"],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10
            ) as client:
                wait_until_it_answers(client, server, log)
                yield client
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
                raise


def wait_until_it_answers(client: httpx.Client, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            client.get("/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"no answer within {START_SECONDS} s\n{log.read_text(errors='replace')}")


def owner_of(relatum: Path, home: Path) -> str:
    """The token of a new owner of a migrated data folder."""
    arguments = ["Lan", "lan@example.com", "--role", "owner", "--token", "--json"]
    printed = run([relatum, "accounts", "add", *arguments], home, RELATUM_HOME=str(home))
    token: str = json.loads(printed)["token"]
    return token


def find_plugin(client: httpx.Client, plugin: str) -> dict[str, Any]:
    answer = client.get("/api/v1/plugins").json()
    listed: list[dict[str, Any]] = answer["items"]
    (found,) = (each for each in listed if each["id"] == plugin)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
