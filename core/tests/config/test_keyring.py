"""The keys of an installation: made once, kept whole, read again when others change them."""

from __future__ import annotations

import re
import stat
import threading
from pathlib import Path

import pytest

from relatum.config import keyring
from relatum.config.keyring import Keyring
from relatum.config.settings import Settings
from relatum.values.problems import ConfigurationError

#: RFC 5869's construction written out with hmac alone:
#: HKDF-SHA256(secret = 00 01 … 1f, no salt, info = "relatum:audit", 32 bytes).
FIXED_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
FIXED_FILE = f"""\
current = "k1"
[keys.k1]
made_at = 2026-11-22T00:00:00+00:00
secret = "{FIXED_SECRET}"
"""


def hkdf_by_hand(secret: bytes, info: bytes) -> bytes:
    import hashlib
    import hmac

    extracted = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys.toml"


@pytest.fixture
def unsteady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the file every time."""
    monkeypatch.setattr(keyring, "STEADY_SECONDS", 0.0)


def test_nothing_is_made_before_a_key_is_needed(path: Path) -> None:
    keys = Keyring(path)
    assert keys.every() == []
    assert not keys.has("k1")
    assert not path.exists()


def test_the_first_key_is_made_for_this_account_alone(path: Path) -> None:
    keys = Keyring(path)
    id = keys.current
    assert [(key.id, key.current) for key in keys.every()] == [(id, True)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["keys.toml"]


def test_another_process_reads_the_same_keys(path: Path) -> None:
    first, second = Keyring(path), Keyring(path)
    assert first.derive("audit") == second.derive("audit")
    assert first.current == second.current


def test_keys_made_at_once_are_one_key(path: Path) -> None:
    rings = [Keyring(path) for _ in range(8)]
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda ring=ring: found.append(ring.current)) for ring in rings
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_purposes_and_keys_are_apart(path: Path) -> None:
    keys = Keyring(path)
    old = keys.current
    before = keys.derive("audit"), keys.derive("links")
    new = keys.rotate()
    derived = {*before, keys.derive("audit"), keys.derive("links")}
    assert len(derived) == 4
    assert all(len(each) == 32 for each in derived)
    assert keys.derive("audit", old) == before[0]
    assert keys.current == new != old


def test_derivation_is_the_standard_one(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(FIXED_FILE)
    expected = hkdf_by_hand(bytes(range(32)), b"relatum:audit")
    assert Keyring(path).derive("audit") == expected


def test_rotating_at_once_loses_no_key(path: Path) -> None:
    Keyring(path).rotate()
    rings = [Keyring(path) for _ in range(6)]
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda ring=ring: made.append(ring.rotate())) for ring in rings
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.id for key in Keyring(path).every()} >= set(made)
    assert len(Keyring(path).every()) == 7


@pytest.mark.usefixtures("unsteady")
def test_a_running_process_follows_a_rotation(path: Path) -> None:
    running, command = Keyring(path), Keyring(path)
    old = running.current
    new = command.rotate()
    assert running.current == new
    assert running.derive("audit", old) == command.derive("audit", old)


def test_a_key_made_a_moment_ago_elsewhere_is_found(path: Path) -> None:
    running = Keyring(path)
    assert running.current
    new = Keyring(path).rotate()
    assert running.derive("secrets", new) == Keyring(path).derive("secrets", new)


@pytest.mark.usefixtures("unsteady")
def test_a_deleted_file_is_not_replaced_under_a_running_process(path: Path) -> None:
    keys = Keyring(path)
    assert keys.current
    path.unlink()
    with pytest.raises(ConfigurationError, match="put it back"):
        _ = keys.current
    assert not path.exists()


def test_an_unknown_key_is_named(path: Path) -> None:
    keys = Keyring(path)
    with pytest.raises(ConfigurationError, match="kdeadbeef"):
        keys.derive("audit", "kdeadbeef")


@pytest.mark.parametrize(
    "text",
    [
        "this is no TOML",
        'current = "k1"\n',
        FIXED_FILE.replace('current = "k1"', 'current = "k2"'),
        FIXED_FILE.replace(FIXED_SECRET, "c2hvcnQ="),
        FIXED_FILE.replace(FIXED_SECRET, "not base64 at all!"),
        FIXED_FILE.replace("made_at", "born_at"),
    ],
)
def test_a_broken_file_is_refused_and_not_quoted(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        _ = Keyring(path).current
    assert str(path) in str(refusal.value)
    assert "c2hvcnQ" not in str(refusal.value)
    assert path.read_text() == text


def test_secrets_do_not_show(path: Path) -> None:
    keys = Keyring(path)
    keys.rotate()
    secrets = re.findall('secret = "(.+)"', path.read_text())
    assert len(secrets) == 1
    shown = f"{keys!r} {keys.every()!r} {keys.__dict__!r}"
    assert secrets[0] not in shown
    ring = keys._ring
    assert ring is not None
    assert str(next(iter(ring.keys.values())).secret) not in repr(ring)


def test_where_the_file_lies(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).keys_path == tmp_path / "keys.toml"
    assert Settings(home=tmp_path, keys_file="../k.toml").keys_path == tmp_path / "../k.toml"
    elsewhere = tmp_path / "elsewhere" / "k.toml"
    assert Settings(home=tmp_path, keys_file=str(elsewhere)).keys_path == elsewhere
