"""``relatum erase`` and ``relatum erased-kept`` as they are typed."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from relatum.app.house import House
from relatum.cli import erase
from relatum.cli.main import main
from relatum.config.load import load_settings
from relatum.contact.types import HoldDraft
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import Amount, InteractionDraft
from relatum.values.ids import new_id

pytestmark = pytest.mark.usefixtures("ready")
WHY = "Đơn số 12"


@pytest.fixture
def ready(relatum_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    assert main(["migrate", "--apply"]) == 0
    capsys.readouterr()


def made(name: str, *, held: bool = False) -> str:
    """Somebody with a voucher; the id."""

    async def make() -> str:
        async with await House.open(load_settings()) as house:
            [id] = await house.customers.create([CustomerDraft(display_name=name)], by="system")
            sale = InteractionDraft(
                kind="core.purchase",
                customer_id=id,
                money=Amount(990_000, "VND"),
                payload={"reference": "HD-0001"},
            )
            await house.interactions.record([sale], by="system")
            if held:
                hold = HoldDraft(customer=id, kind="legal", reason="Vụ kiện 7")
                await house.contact.wishes.hold(hold, by="system")
            return str(id)

    return asyncio.run(make())


def there(*ids: str) -> list[bool]:
    async def look() -> list[bool]:
        async with await House.open(load_settings()) as house:
            found = {each.id for each in await house.customers.get_many([UUID(id) for id in ids])}
            return [UUID(id) in found for id in ids]

    return asyncio.run(look())


def terminal(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Somebody sits there and types this."""
    keyboard = io.StringIO(f"{said}\n")
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", keyboard)


def test_a_look_writes_nothing(capsys: Any) -> None:
    lan = made("Lan")
    assert main(["erase", lan, "--reason", WHY, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert lan in told
    assert "core_customer" in told
    assert "kept until" in told
    assert main(["erase", lan, "--reason", WHY, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["previews"][0]["customer"] == lan
    assert there(lan) == [True]


def test_it_asks_first(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    lan = made("Lan")
    assert main(["erase", lan, "--reason", WHY]) == 1
    assert "--yes" in capsys.readouterr().err
    terminal(monkeypatch, "yes")
    assert main(["erase", lan, "--reason", WHY]) == 1
    assert "nothing was erased" in capsys.readouterr().err
    assert there(lan) == [True]
    terminal(monkeypatch, erase.YES)
    assert main(["erase", lan, "--reason", WHY]) == 0
    told = capsys.readouterr().out
    assert "core_customer" in told
    assert "Receipt" in told
    assert WHY in told
    assert there(lan) == [False]


def test_who_stays_is_named(capsys: Any) -> None:
    lan, minh, nobody = made("Lan"), made("Minh", held=True), str(new_id())
    assert main(["erase", minh, "--reason", WHY, "--dry-run"]) == 1
    assert "Vụ kiện 7" in capsys.readouterr().err
    assert main(["erase", nobody, "--reason", WHY, "--dry-run"]) == 1
    assert nobody in capsys.readouterr().err
    assert main(["erase", lan, minh, nobody, "--reason", WHY, "--yes", "--json"]) == 1
    out, err = capsys.readouterr()
    batch = json.loads(out)
    assert [each["customer"] for each in batch["erased"]] == [lan]
    assert {each["code"] for each in batch["refused"]} == {"legal-hold", "unknown"}
    assert f"{minh} stays" in err
    assert there(lan, minh) == [False, True]
    # once more it answers with the receipt
    assert main(["erase", lan, "--reason", WHY]) == 0
    assert batch["erased"][0]["id"] in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", [["nobody", "--reason", WHY, "--yes"], [str(new_id()), "--reason", " ", "--yes"]]
)
def test_what_is_not_understood_erases_nobody(wrong: list[str], capsys: Any) -> None:
    assert main(["erase", *wrong]) == 1
    assert "expected" in capsys.readouterr().err


def test_what_is_kept_can_be_produced(capsys: Any) -> None:
    lan = made("Lan")
    assert main(["erase", lan, "--reason", WHY, "--yes", "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)["erased"][0]["id"]
    assert main(["erased-kept", "list"]) == 0
    assert "core_interaction" in capsys.readouterr().out
    assert main(["erased-kept", "list", "--erasure", receipt, "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["items"]
    assert "content" not in row
    assert main(["erased-kept", "show", row["id"], "--why", "Thanh tra", "--json"]) == 0
    opened = json.loads(capsys.readouterr().out)
    assert opened["row"] == row
    assert "HD-0001" in opened["content"]["payload"]
    assert main(["erased-kept", "show", row["id"], "--why", "Thanh tra"]) == 0
    assert "HD-0001" in capsys.readouterr().out
