"""``relatum accounts`` as it is typed, where the guide does not show it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from core.tests.access.accounts.people import PASSWORD
from relatum.cli.main import main


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Relatum = Callable[..., Ran]


@pytest.fixture
def relatum(
    relatum_home: Path,
    relatum_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Relatum:
    monkeypatch.setenv("RELATUM_DATABASE", relatum_database_url)
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    monkeypatch.setenv("RELATUM_SERVER__PUBLIC_URL", "https://crm.example.com")
    monkeypatch.chdir(relatum_home)

    def relatum(*words: str, stdin: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            code = main(["accounts", *words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return relatum


def test_an_owner_with_a_token_in_one_go(relatum: Relatum) -> None:
    """What benchmarks and scripts begin with."""
    made = relatum("add", "Lan", "lan@example.com", "--role", "owner", "--token", "--json")
    assert made.code == 0
    assert made.json["token"].startswith("rlt_")
    assert made.json["account"]["has_password"] is False
    plain = relatum("add", "Minh", "minh@example.com", "--role", "sales", "--token")
    assert plain.out.splitlines()[-1].startswith("rlt_")
    listed = relatum("list", "--json").json["items"]
    assert [account["name"] for account in listed] == ["Lan", "Minh"]
    assert "rlt_" not in relatum("list").out


def test_links_lead_to_the_public_address(relatum: Relatum) -> None:
    link = relatum("first-link", "--json").json
    assert link["url"].startswith("https://crm.example.com/setup?key=")
    assert link["account"] is None
    relatum("add", "Lan", "lan@example.com", "--role", "owner")
    refused = relatum("first-link")
    assert (refused.code, refused.out) == (1, "")
    assert "has one" in refused.err
    relatum("invite", "Minh", "minh@example.com", "--role", "sales")
    again = relatum("invite-again", "minh@example.com", "--json").json
    assert again["url"].startswith("https://crm.example.com/invitation?key=")
    assert again["account"]["state"] == "invited"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "X", "lan@example.com", "--role", "sales"], "nobody has yet"),
        (["add", "X", "x@example.com", "--role", "emperor"], "emperor"),
        (["add", "X", "not an address", "--role", "sales"], "e-mail"),
        (["add", "X", "x@example.com", "--role", "sales", "--team", "no-id"], "team"),
        (["token", "nobody@example.com"], "nobody@example.com"),
        (["token", "no-id"], "no-id"),
        (["token", "lan@example.com", "--days", "400"], "366"),
        (["token", "lan@example.com", "--scope", "core.customer.read"], "core.customers.read"),
        (["suspend", "lan@example.com"], "another active owner"),
        (["reactivate", "lan@example.com"], "suspended"),
    ],
)
def test_what_cannot_be_done_is_said(relatum: Relatum, words: list[str], said: str) -> None:
    relatum("add", "Lan", "lan@example.com", "--role", "owner")
    refused = relatum(*words)
    assert refused.code == 1
    assert said in refused.err
    assert refused.out == ""


def test_a_weak_password_is_refused_and_not_repeated(relatum: Relatum) -> None:
    words = ("add", "Lan", "lan@example.com", "--role", "owner", "--password-stdin")
    refused = relatum(*words, stdin="matkhau123456\n")
    assert refused.code == 1
    assert "matkhau123456" not in refused.err + refused.out
    assert relatum(*words, stdin=f"{PASSWORD}\r\n").code == 0
    assert relatum("list", "--json").json["items"][0]["has_password"]


def test_without_a_role_there_is_no_account(relatum: Relatum) -> None:
    assert relatum("add", "Lan", "lan@example.com").code == 2
