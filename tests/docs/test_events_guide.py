"""The plugin, the commands and the requests of the guide to events work as they stand there."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from relatum.api import CustomerDraft, InteractionDraft
from relatum.app.house import House
from relatum.cli.main import main
from relatum.config.load import load_settings
from relatum_sdk.temporary import make_plugin

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "events.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ relatum (.+)$", GUIDE, re.MULTILINE)
REQUESTS = re.findall(r"^GET (\S+)$", GUIDE, re.MULTILINE)
(PLUGIN,) = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_there_is_something_to_run() -> None:
    assert len(COMMANDS) == 4
    assert len(REQUESTS) == 2


@pytest.fixture
def home(relatum_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with the plugin of the guide switched on and its table there."""
    plugins = tmp_path / "plugins"
    make_plugin(plugins, "notes_count", plugin_py=f'"""Of the guide."""\n\n{PLUGIN}')
    monkeypatch.syspath_prepend(str(plugins))
    (relatum_home / "relatum.toml").write_text('[plugins]\nenabled = ["notes_count"]\n')
    assert main(["migrate", "--apply"]) == 0
    with sqlite3.connect(relatum_home / "relatum.sqlite3") as database:
        database.execute(
            "CREATE TABLE notes_count_note (interaction_id TEXT PRIMARY KEY, customer_id UUID)"
        )
    database.close()
    return relatum_home


def in_house(work: Callable[[House], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with await House.open(load_settings()) as house:
            return await work(house)

    return asyncio.run(run())


async def _notes(house: House) -> int:
    row = await house.db.fetch_one("SELECT count(*) FROM notes_count_note")
    assert row is not None
    return int(row[0])


async def _follow(house: House) -> int:
    (customer,) = await house.customers.create([CustomerDraft(display_name="Hoa")], by="system")
    draft = InteractionDraft(kind="core.note", customer_id=customer, payload={"text": "x"})
    ids = await house.interactions.record([draft, draft, draft], by="system")
    await house.interactions.remove(ids[:1], by="system")
    await house.handlers.run_once()
    seen = await _notes(house)
    handler = house.registry.handlers.get("notes_count.follow")
    events = await house.events.read(0, until=10**9, types=handler.events, limit=100)
    await handler.handle(house.registry.plugin_of(handler.id), events)
    assert await _notes(house) == seen
    return seen


@pytest.mark.usefixtures("home")
def test_plugin_and_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert in_house(_follow) == 2
    for command in COMMANDS:
        assert main(command.split()) == 0, command
    assert "notes_count.follow" in capsys.readouterr().out
    assert in_house(_notes) == 0, "replayed in the background, and nobody is there"
    assert main(["events", "run"]) == 0
    assert in_house(_notes) == 2
    assert main(["events", "replay", "notes_count.follow"]) == 0
    assert "4 events handled here" in capsys.readouterr().out
    assert in_house(_notes) == 2


@pytest.fixture
def short_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams end at once, because the client reads answers to their end."""
    monkeypatch.setattr("relatum.http.live.LASTS_SECONDS", 0.0)


async def test_requests(short_streams: None, client: Any) -> None:
    for address in REQUESTS:
        answer = await client.get(address)
        assert answer.status_code == 200, (address, answer.text)
    assert answer.text.startswith("retry: 2000\nevent: hello\n")
    assert answer.headers["x-accel-buffering"] == "no"
