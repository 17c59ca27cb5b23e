"""``relatum doctor --audit`` and ``relatum keys``, as they are typed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from relatum.app.house import House
from relatum.cli.main import main
from relatum.config.load import load_settings
from relatum.customers.types import CustomerChange, CustomerDraft, CustomerQuery, FieldDraft


def in_house(work: Callable[[House], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with await House.open(load_settings()) as house:
            return await work(house)

    return asyncio.run(run())


async def fill(house: House) -> None:
    await house.customers.declare_fields([FieldDraft(key="pin", sensitivity="secret")])
    drafts = [CustomerDraft(display_name=f"n{n}", fields={"pin": f"{n}"}) for n in range(5)]
    await house.customers.create(drafts, by="system")
    await house.seals.seal()


@pytest.fixture
def home(relatum_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Path:
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    assert main(["migrate", "--apply"]) == 0
    in_house(fill)
    capsys.readouterr()
    return relatum_home


def audit(capsys: Any) -> tuple[int, list[dict[str, str]]]:
    code = main(["doctor", "--audit", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    return code, [each for each in findings if each["check"] in {"audit", "keys"}]


def test_a_sound_trail(home: Path, capsys: Any) -> None:
    code, findings = audit(capsys)
    assert (code, [each["result"] for each in findings]) == (0, ["ok", "ok"])
    assert "6 events in 1 seals looked at, 0 not sealed yet" in findings[1]["message"]


def test_what_erasures_redacted_is_told(home: Path, capsys: Any) -> None:
    async def erase(house: House) -> None:
        first = (await house.customers.find(CustomerQuery(limit=1))).items[0]
        renamed = CustomerChange(display_name="Nguyễn Thị Mùa Thu")
        await house.customers.change(first.id, renamed, by="system")
        await house.seals.seal()
        await house.erasing.erase(first.id, by="system", reason="asked for")

    in_house(erase)
    code, findings = audit(capsys)
    assert (code, findings[1]["result"]) == (0, "ok")
    assert "7 events in 2 seals looked at, 1 of them redacted by erasures" in findings[1]["message"]


def test_tampering_is_told_by_number(home: Path, capsys: Any) -> None:
    in_house(lambda house: house.db.execute("UPDATE core_event SET by = 'x' WHERE seq = 3"))
    in_house(lambda house: house.db.execute("DELETE FROM core_event WHERE seq = 4"))
    code, findings = audit(capsys)
    told = [each["message"] for each in findings if each["result"] == "error"]
    assert code == 1
    assert told == ["event 3 was changed after it was sealed", "event 4 was removed"]


def test_without_being_asked_nothing_is_checked(home: Path, capsys: Any) -> None:
    in_house(lambda house: house.db.execute("DELETE FROM core_event WHERE seq = 4"))
    assert main(["doctor", "--json"]) == 0
    checks = {each["check"] for each in json.loads(capsys.readouterr().out)["findings"]}
    assert "audit" not in checks


def test_lost_keys_are_told(home: Path, capsys: Any) -> None:
    (home / "keys.toml").unlink()
    code, findings = audit(capsys)
    assert code == 1
    assert "seal 1: its key is missing, its events cannot be checked" in findings[1]["message"]
    assert not (home / "keys.toml").exists(), "the doctor changes nothing"


def test_keys_that_others_can_read_are_told(home: Path, capsys: Any) -> None:
    (home / "keys.toml").chmod(0o644)
    code, findings = audit(capsys)
    assert (code, findings[0]["result"]) == (1, "error")
    assert findings[0]["mend"].startswith("chmod 600")


def test_rotating(home: Path, capsys: Any) -> None:
    secrets = re.findall('secret = "(.+)"', (home / "keys.toml").read_text())
    assert main(["keys", "rotate"]) == 0
    out = capsys.readouterr().out
    assert "5 secret values were encrypted again" in out
    assert main(["keys", "renew"]) == 0
    assert "0 secret values were encrypted again" in capsys.readouterr().out
    assert main(["keys", "list", "--json"]) == 0
    text = capsys.readouterr().out
    assert [each["current"] for each in json.loads(text)] == [False, True]
    assert secrets
    assert not any(secret in out + text for secret in secrets)
    assert audit(capsys)[0] == 0


def test_keys_lost_for_good(home: Path, capsys: Any) -> None:
    (home / "keys.toml").unlink()
    for action in ("rotate", "renew"):
        assert main(["keys", action]) == 1
        assert "relatum keys start-over" in capsys.readouterr().err
        assert not (home / "keys.toml").exists()
    assert main(["keys", "start-over"]) == 0
    out = capsys.readouterr().out
    assert out.count("cannot be read and stays as it is") == 5
    assert in_house(lambda house: house.seals.seal()) == 0
    code, findings = audit(capsys)
    told = [each["message"] for each in findings if each["result"] == "error"]
    assert (code, told) == (1, ["seal 1: its key is missing, its events cannot be checked"])


def test_keys_may_lie_elsewhere(
    relatum_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    monkeypatch.setenv("RELATUM_KEYS_FILE", str(tmp_path / "elsewhere" / "k.toml"))
    assert main(["migrate", "--apply"]) == 0
    in_house(fill)
    assert (tmp_path / "elsewhere" / "k.toml").is_file()
    assert not (relatum_home / "keys.toml").exists()
