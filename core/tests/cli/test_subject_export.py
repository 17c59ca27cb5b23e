"""``relatum subject-export`` as it is typed."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from relatum.app.house import House
from relatum.cli.main import main
from relatum.config.load import load_settings
from relatum.customers.types import CustomerDraft


async def _one() -> str:
    async with await House.open(load_settings()) as house:
        [id] = await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
        return str(id)


def test_one_customer_into_a_new_file(
    relatum_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    assert main(["migrate", "--apply"]) == 0
    customer, path = asyncio.run(_one()), tmp_path / "lan.zip"
    capsys.readouterr()
    assert main(["subject-export", customer, "--to", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    with zipfile.ZipFile(path) as packed:
        manifest = json.loads(packed.read("manifest.json"))
    assert manifest["customer"] == customer
    assert told["rows"] == manifest["rows"]
    assert main(["subject-export", customer, "--to", str(path)]) == 1
    assert "a new file" in capsys.readouterr().err
    assert main(["subject-export", "nobody", "--to", str(tmp_path / "x.zip")]) == 1
