"""The commands, requests, settings and figures of the guide to operation are there as it says."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.cli.main import COMMANDS as MODULES
from relatum.cli.main import main
from relatum.config.settings import Settings
from relatum.telemetry.metrics import Metrics

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "operation.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ relatum (.+)$", GUIDE, re.MULTILINE)
REQUESTS = re.findall(r"^GET (\S+)$", GUIDE, re.MULTILINE)
WRITES = re.findall(r"^\| `(POST|DELETE) (/\S+)` \|", GUIDE, re.MULTILINE)
FIGURES = re.findall(r"^\| `(relatum_\w+)` \| (\w+) \|([\w, ]*)\|", GUIDE, re.MULTILINE)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def test_commands(relatum_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(COMMANDS) >= 8
    assert main(["migrate", "--apply"]) == 0
    for command in COMMANDS:
        assert main(command.split()) == 0, (command, capsys.readouterr())
    capsys.readouterr()


async def test_requests(client: Any) -> None:
    assert len(REQUESTS) >= 8
    for address in REQUESTS:
        answer = await client.get(address)
        assert answer.status_code == 200, (address, answer.text)


async def test_writes_are_routes(house: House) -> None:
    routes = {
        (method, route.path_format)
        for route in create_app(house).routes
        for handler in route.route_handlers  # type: ignore[union-attr]
        for method in handler.http_methods  # type: ignore[union-attr]
    }
    assert len(WRITES) >= 7
    assert set(WRITES) <= routes


def test_figures() -> None:
    suffix = {"counter": "_total"}
    declared = {
        (each.name + suffix.get(each.kind, ""), each.kind, each.labels) for each in Metrics().all()
    }
    told = {
        (name, kind, tuple(label for label in labels.strip().split(", ") if label))
        for name, kind, labels in FIGURES
    }
    assert told == declared


def test_alerts_name_figures_that_are_there() -> None:
    alerts = next(block for block in blocks("yaml") if "alert:" in block)
    known = {f"{name}{end}" for name, *_ in FIGURES for end in ("", "_count", "_sum", "_bucket")}
    used = set(re.findall(r"\brelatum_\w+", alerts))
    assert len(used) >= 8
    assert used <= known


def test_settings() -> None:
    found = blocks("toml")
    assert len(found) == 2
    for block in found:
        tables = tomllib.loads(block)
        kept = {name: getattr(Settings(home=Path("x")), name) for name in tables}
        for name, table in tables.items():
            msgspec.convert(table, type(kept[name]))


def test_the_unit_starts_commands_that_there_are() -> None:
    (unit,) = blocks("ini")
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit)
    service = parser["Service"]
    assert service["ExecStart"].endswith("relatum %i")
    assert {"serve", "web", "worker"} <= set(MODULES)
    shutdown = Settings(home=Path("x")).shutdown
    assert int(service["TimeoutStopSec"]) > shutdown.delay + shutdown.limit + 15
