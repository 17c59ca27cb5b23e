"""The commands of the guides to backups and moving work as they stand there, in their order."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from relatum.cli.main import main
from relatum.config.settings import Backup
from relatum.moving.backups import backups_in

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
BACKUP = (GUIDES / "backup.md").read_text("utf-8")
MOVING = (GUIDES / "moving.md").read_text("utf-8")


def commands(guide: str) -> list[list[str]]:
    return [line.split() for line in re.findall(r"^\$ relatum (.+)$", guide, re.MULTILINE)]


@pytest.fixture
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    databases = request.getfixturevalue("_relatum_postgresql")
    url = databases.empty()
    yield url
    databases.drop(url)


@pytest.mark.long
def test_the_guide_to_backups(
    relatum_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(relatum_home.parent)
    assert main(["migrate", "--apply"]) == 0
    assert main(["demo"]) == 0
    ran = commands(BACKUP)
    assert [each[0] for each in ran] == ["backup", "drill", "backup", "drill", "restore"]
    for command in ran[:-1]:
        assert main(command) == 0, command
    [newest] = backups_in(Path("copies"))
    newest.rename("copies/newest.tar")
    monkeypatch.setenv("RELATUM_HOME", str(relatum_home.parent / "new"))
    assert main(ran[-1]) == 0
    assert "every table is what was backed up" in capsys.readouterr().out


def test_the_settings_of_backups() -> None:
    [block] = re.findall(r"```toml\n(.+?)```", BACKUP, re.DOTALL)
    settings = msgspec.convert(tomllib.loads(block)["backup"], Backup)
    assert settings.daily_at == "02:30"


@pytest.mark.long
@pytest.mark.postgres
def test_the_guide_to_moving(
    relatum_home: Path,
    server_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [shown] = re.findall(r'^database = "(.+)"$', MOVING, re.MULTILINE)
    assert main(["migrate", "--apply"]) == 0
    assert main(["demo"]) == 0
    there, back, *versions = commands(MOVING)
    assert there[:2] == ["move", "--to"]
    assert there[2] == shown
    assert main([*there[:2], server_url]) == 0
    assert f'database = "{server_url}"' in capsys.readouterr().out
    (relatum_home / "relatum.sqlite3").rename(relatum_home / "old.sqlite3")
    monkeypatch.setenv("RELATUM_DATABASE", server_url)
    assert main(back) == 0
    monkeypatch.delenv("RELATUM_DATABASE")
    assert [each[0] for each in versions] == ["migrate"] * 4
    for command in versions:
        assert main(command) == 0, command
    assert "Undone" in capsys.readouterr().out
    assert backups_in(relatum_home / "backups")
