"""Encrypted texts: readable in their place with their key, and nowhere else."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.access.secrets import Secrets, UnreadableSecret, is_encrypted, key_of, place_of
from relatum.config.keyring import Keyring
from relatum.values.problems import ConfigurationError

PLACE = place_of("core_account", "totp_secret", "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1f")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("keys") / "keys.toml")


@pytest.fixture(scope="module")
def secrets(keys: Keyring) -> Secrets:
    return Secrets(keys)


@given(text=st.text(st.characters(codec="utf-8")), place=st.text(min_size=1, max_size=40))
def test_comes_back_as_it_was(secrets: Secrets, text: str, place: str) -> None:
    place = place.encode("utf-8", "replace").decode()
    assert secrets.decrypt(secrets.encrypt(text, place), place) == text


def test_the_text_is_not_in_it_and_no_two_are_alike(secrets: Secrets) -> None:
    first, second = (secrets.encrypt("canary-word", PLACE) for _ in range(2))
    assert first != second
    for sealed in (first, second):
        assert is_encrypted(sealed)
        raw = base64.urlsafe_b64decode(sealed.rpartition(":")[2])
        assert b"canary" not in raw
        assert "canary" not in sealed


def test_belongs_to_its_place(secrets: Secrets) -> None:
    sealed = secrets.encrypt("JBSWY3DPEHPK3PXP", PLACE)
    with pytest.raises(UnreadableSecret) as refusal:
        secrets.decrypt(sealed, place_of("core_account", "totp_secret", "somebody else"))
    assert "JBSWY" not in str(refusal.value)
    assert sealed not in str(refusal.value)


def test_every_changed_byte_is_noticed(secrets: Secrets) -> None:
    sealed = secrets.encrypt("1234", PLACE)
    head, _, encoded = sealed.rpartition(":")
    raw = bytearray(base64.urlsafe_b64decode(encoded))
    assert len(raw) == 12 + 4 + 16  # nonce, text, tag
    for index in range(len(raw)):
        changed = bytearray(raw)
        changed[index] ^= 1
        with pytest.raises(UnreadableSecret):
            secrets.decrypt(f"{head}:{base64.urlsafe_b64encode(changed).decode()}", PLACE)


@pytest.mark.parametrize("text", ["", "plain", "enc:1:", "enc:1:k1", "enc:2:k1:AAAA", "enc:1:k1:A"])
def test_what_is_no_secret_is_refused(secrets: Secrets, text: str) -> None:
    with pytest.raises(UnreadableSecret):
        secrets.decrypt(text, PLACE)


def test_another_installation_cannot_read_it(secrets: Secrets, tmp_path: Path) -> None:
    sealed = secrets.encrypt("1234", PLACE)
    with pytest.raises(ConfigurationError, match=key_of(sealed)):
        Secrets(Keyring(tmp_path / "keys.toml")).decrypt(sealed, PLACE)


def test_renewed_after_a_rotation(tmp_path: Path) -> None:
    keys = Keyring(tmp_path / "keys.toml")
    secrets = Secrets(keys)
    old = secrets.encrypt("1234", PLACE)
    assert secrets.renewed(old, PLACE) is None
    new_key = keys.rotate()
    renewed = secrets.renewed(old, PLACE)
    assert renewed is not None
    assert key_of(renewed) == new_key != key_of(old)
    assert secrets.decrypt(renewed, PLACE) == "1234"
    assert secrets.decrypt(old, PLACE) == "1234"
    assert secrets.renewed(renewed, PLACE) is None


def test_a_signature_belongs_to_its_text_and_place(secrets: Secrets) -> None:
    signed = secrets.sign("a", "link")
    assert secrets.is_signed("a", "link", signed)
    assert not secrets.is_signed("b", "link", signed)
    assert not secrets.is_signed("a", "file", signed)
    assert not secrets.is_signed("", "a\0link", signed)
    assert re.fullmatch(r"[\w.-]+", signed)


@pytest.mark.parametrize("wrong", ["", ".", "k0.AAAA", "é", "x" * 5000])
def test_what_nobody_signed(secrets: Secrets, wrong: str) -> None:
    assert not secrets.is_signed("a", "link", wrong)
    key = secrets.sign("a", "link").partition(".")[0]
    assert not secrets.is_signed("a", "link", f"{key}.{wrong}")


def test_an_older_signature_is_still_good(secrets: Secrets, keys: Keyring) -> None:
    signed = secrets.sign("a", "link")
    keys.rotate()
    assert secrets.is_signed("a", "link", signed)
    assert secrets.sign("a", "link") != signed
