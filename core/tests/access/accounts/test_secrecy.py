"""What must be nowhere: passwords, codes and secrets in the database, events, logs and reprs."""

from __future__ import annotations

import logging

import httpx
import pyotp
import pytest

from core.tests.access.accounts.people import PASSWORD, Clock, everything_stored
from relatum.access.accounts.types import (
    Account,
    AccountDraft,
    InvitationDraft,
    SecondFactorNeeded,
    TokenDraft,
)
from relatum.app.house import House
from relatum.values.problems import RelatumError

WRONG = "wrong-password-typed-by-somebody"


async def lived(house: House, owner: Account, clock: Clock) -> dict[str, str]:
    """Do everything that involves a secret; returns the secrets by name."""
    secrets = {"password": PASSWORD, "wrong password": WRONG}
    link = await house.accounts.invite(
        InvitationDraft(name="Minh", email="minh@example.com", roles=["sales"]), by="x"
    )
    secrets["invitation"] = link.secret
    minh = await house.accounts.accept(link.secret, PASSWORD)
    secrets["reset link"] = (await house.accounts.reset_link(minh.id, by="x")).secret
    token = await house.tokens.create(minh.id, TokenDraft(name="laptop"), by="x")
    secrets["token"] = token.secret
    setup = await house.second_factor.begin(minh.id)
    secrets["app secret"] = setup.secret
    code = pyotp.TOTP(setup.secret).at(clock())
    codes = await house.second_factor.confirm(minh.id, code, session=None)
    secrets |= {f"recovery code {n}": each for n, each in enumerate(codes.codes)}
    outcome = await house.sign_in.by_password("minh@example.com", PASSWORD, address="192.0.2.1")
    assert isinstance(outcome, SecondFactorNeeded)
    secrets["ticket"] = outcome.ticket
    signed_in = await house.sign_in.second_factor(
        outcome.ticket, codes.codes[0], address="192.0.2.1"
    )
    secrets["session"] = signed_in.secret
    for email, password in (("minh@example.com", WRONG), (WRONG, WRONG)):
        with pytest.raises(RelatumError) as refusal:
            await house.sign_in.by_password(email, password, address="192.0.2.1")
        assert WRONG not in str(refusal.value)
    for shown in (link, token, setup, codes, outcome, signed_in):
        assert not [name for name, secret in secrets.items() if secret in repr(shown)]
    return secrets


async def test_no_secret_lies_in_the_database(house: House, owner: Account, clock: Clock) -> None:
    secrets = await lived(house, owner, clock)
    stored = await everything_stored(house)
    assert b"minh@example.com" in stored, "it looked at the right bytes"
    found = [
        name
        for name, secret in secrets.items()
        for form in {secret, secret.replace("-", ""), secret.encode().hex()}
        if form.encode() in stored
    ]
    assert found == []


async def test_no_secret_lies_in_the_log(
    house: House, owner: Account, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        secrets = await lived(house, owner, clock)
    assert [name for name, secret in secrets.items() if secret in caplog.text] == []


async def test_answers_with_secrets_are_not_kept_for_an_idempotency_key(
    browser: httpx.AsyncClient, house: House, owner: Account
) -> None:
    begun = await browser.post(
        "/api/v1/session", json={"email": "lan@example.com", "password": PASSWORD}
    )
    assert begun.status_code == 200
    minh = {"name": "Minh", "email": "minh@example.com", "roles": ["sales"]}
    for path, body in (
        ("/api/v1/session", {"email": "lan@example.com", "password": PASSWORD}),
        ("/api/v1/me/tokens", {"name": "laptop"}),
        ("/api/v1/accounts", minh),
        ("/api/v1/me/second-factor", None),
        ("/api/v1/me/password", {"old": PASSWORD, "new": "mưa rơi trên mái tôn cũ"}),
    ):
        answer = await browser.post(path, json=body, headers={"idempotency-key": "once"})
        assert answer.status_code == 400, path
        assert "Idempotency-Key" in answer.json()["detail"]
    assert await house.db.fetch("SELECT id FROM core_idempotency") == []
    assert await house.tokens.of(owner.id) == []


def test_drafts_do_not_show_what_they_hold() -> None:
    draft = AccountDraft(name="Lan", email="lan@example.com", password=PASSWORD)
    assert "Lan" in repr(draft)
    assert PASSWORD not in repr(draft)
    assert PASSWORD not in str([draft])
