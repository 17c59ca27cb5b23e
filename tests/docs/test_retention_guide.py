"""The commands of the guide to retention work as they stand there, one after the other."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import shlex
from pathlib import Path

import pytest

from relatum.app.house import House
from relatum.cli.main import main
from relatum.config.load import load_settings
from relatum.customers.types import CustomerDraft
from relatum.events import log as log_module
from relatum.interactions import service as interactions_module
from relatum.interactions.types import InteractionDraft

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "retention.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ relatum (.+)$", GUIDE, re.MULTILINE)
SETTINGS = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def test_there_is_something_to_run() -> None:
    assert len(COMMANDS) == 8
    assert len(SETTINGS) == 1


async def _three_months(monkeypatch: pytest.MonkeyPatch) -> None:
    async with await House.open(load_settings()) as house:
        for month in (1, 2, 3):
            moment = dt.datetime(2025, month, 7, 8, 30, tzinfo=dt.UTC)
            for module in (log_module, interactions_module):
                monkeypatch.setattr(module, "now", lambda moment=moment: moment)
            (customer,) = await house.customers.create(
                [CustomerDraft(display_name="Công ty Hoa Sen")], by="system"
            )
            draft = InteractionDraft(
                kind="core.note", customer_id=customer, payload={"text": "Xin chào"}
            )
            await house.interactions.record([draft] * 3, by="system")
        monkeypatch.undo()
        await house.customers.create([CustomerDraft(display_name="Hôm nay")], by="system")
        await house.handlers.run_once()
        await house.seals.seal()


def test_commands(
    relatum_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    (relatum_home / "relatum.toml").write_text(SETTINGS[0])
    monkeypatch.setenv("RELATUM_CONFIG", str(relatum_home / "relatum.toml"))
    assert main(["migrate", "--apply"]) == 0
    with pytest.MonkeyPatch.context() as clock:
        asyncio.run(_three_months(clock))
    printed = {}
    capsys.readouterr()
    for command in COMMANDS:
        assert main(shlex.split(command)) == 0, command
        printed[command] = capsys.readouterr().out
    assert len(list((relatum_home / "archive").glob("*.parquet"))) == 4
    assert "4 rows of core_event, 2025-01" in printed[COMMANDS[3]]
    assert "Công ty Hoa Sen" not in printed[COMMANDS[0]]
    assert "core_event-2025-01: 4 rows left for" in printed[COMMANDS[-1]]
    assert main(["doctor", "--audit"]) in {0, 1}
    told = capsys.readouterr().out
    assert "nothing was tampered with" in told
    assert "of them in the archive" in told
