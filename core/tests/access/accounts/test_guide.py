"""The commands and requests of the guide, in the order in which they stand there."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

from core.tests.access.accounts.people import PASSWORD, Add
from relatum.cli.main import main
from relatum.config.load import load_settings

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "accounts.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [(kind, said.strip(), text) for kind, said, text in BLOCK.findall(GUIDE)]
REQUESTS = [(said.split(), text) for kind, said, text in BLOCKS if kind == "json"]


def as_pattern(shown: str) -> str:
    """What is shown, with ``…`` for anything."""
    parts = re.split("(…)", shown.strip())
    return "".join(".*?" if part == "…" else re.escape(part) for part in parts)


def test_the_commands_print_what_is_shown(
    relatum_home: Path,
    relatum_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RELATUM_DATABASE", relatum_database_url)
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    monkeypatch.chdir(relatum_home)
    ran = 0
    for kind, _, text in BLOCKS:
        if kind != "console":
            continue
        for command, shown in re.findall(
            r"^\$ relatum (.*)\n((?:(?!\$).*\n)*)", text, re.MULTILINE
        ):
            words, _, file = command.partition(" < ")
            monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n" if file else ""))
            capsys.readouterr()
            main(shlex.split(words))
            said = capsys.readouterr()
            out = said.out or said.err
            if "--json" in words:
                out = json.dumps(json.loads(out), ensure_ascii=False)
            flags = re.DOTALL if "--json" in words else 0
            assert re.fullmatch(as_pattern(shown), out.strip(), flags), (command, out)
            ran += 1
    assert ran >= 8


async def test_the_requests_are_answered_as_is_said(browser: httpx.AsyncClient, add: Add) -> None:
    await add()
    await browser.post("/api/v1/session", json={"email": "lan@example.com", "password": PASSWORD})
    assert len(REQUESTS) == 3
    for (method, path, status), text in REQUESTS:
        answer = await browser.request(method, path, json=json.loads(text))
        assert answer.status_code == int(status), answer.text


def test_the_settings_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "relatum.toml"
    found = [text for kind, _, text in BLOCKS if kind == "toml"]
    assert len(found) == 2
    file.write_text("\n".join(found), encoding="utf-8")
    settings = load_settings(file, {"RELATUM_OIDC_CLIENT_SECRET": "from the environment"})
    assert settings.server.public_url == "https://crm.example.com"
    assert settings.oidc.allowed_domains == ["example.com"]
    assert settings.oidc.client_secret == "from the environment"
    assert "from the environment" not in repr(settings)


def test_the_figures_are_those_of_the_code() -> None:
    from relatum.access.accounts import links, passwords, sessions, throttle, types

    assert f"At least {passwords.SHORTEST} and at most {passwords.LONGEST} characters" in GUIDE
    assert throttle.FREE_PER_ACCOUNT == 5
    assert throttle.FREE_PER_ADDRESS == 20
    assert throttle.LONGEST.total_seconds() == 15 * 60
    assert throttle.FORGOTTEN.days == 1
    assert links.LIFETIMES["invitation"].days == 7
    assert links.LIFETIMES["first_owner"].days == 1
    assert f"after {sessions.LONGEST.days} days, after {sessions.IDLE.days} days" in GUIDE
    assert types.TokenDraft(name="a").days == 90
    assert PasswordHasher().type.name == "ID"
