"""The commands and requests of the guide to the audit trail work as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from relatum.cli.main import main

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "audit.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ relatum (.+)$", GUIDE, re.MULTILINE)
REQUESTS = re.findall(r"^GET (\S+)$", GUIDE, re.MULTILINE)


def test_there_is_something_to_run() -> None:
    assert len(COMMANDS) == 4
    assert len(REQUESTS) == 4


def test_commands(relatum_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "--apply"]) == 0
    for command in COMMANDS:
        assert main(command.split()) == 0, command
    assert (relatum_home / "keys.toml").is_file()
    capsys.readouterr()


async def test_requests(client: Any) -> None:
    for address in REQUESTS:
        answer = await client.get(address)
        assert answer.status_code == 200, (address, answer.text)
