"""Signed links: for one path, one purpose, one account, until they end."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.access.links import LinkQuery, SignedLinks
from relatum.config.keyring import Keyring
from relatum.values.problems import Refused

PATH = "/api/v1/exports/1/file"
LAN, MINH = UUID(int=1), UUID(int=2)


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Keys:
    """A keyring of one key."""

    current = "k1"

    def has(self, key: str) -> bool:
        return key == "k1"

    def derive(self, purpose: str, key: str | None = None) -> bytes:
        return f"{purpose} {key}".encode().ljust(32, b".")


def query_of(link: str) -> LinkQuery:
    parts = parse_qs(urlsplit(link).query, strict_parsing=True)
    return LinkQuery(**{name: value for name, [value] in parts.items()})


def signed(links: SignedLinks) -> LinkQuery:
    link = links.sign(PATH, purpose="export", account=LAN, seconds=900)
    assert urlsplit(link).path == PATH
    return query_of(link)


def test_a_link_opens_what_it_was_made_for_until_it_ends():
    clock = Clock()
    links = SignedLinks(Keys(), clock=clock)
    query = signed(links)
    links.check(PATH, query, purpose="export", account=LAN)
    clock.now += 899.5
    links.check(PATH, query, purpose="export", account=LAN)
    clock.now += 0.5
    with pytest.raises(Refused, match="has ended"):
        links.check(PATH, query, purpose="export", account=LAN)


@pytest.mark.parametrize(
    ("path", "purpose", "account"),
    [
        ("/api/v1/exports/2/file", "export", LAN),
        (PATH + "/", "export", LAN),
        (PATH, "upload", LAN),
        (PATH, "export", MINH),
        (PATH, "export", None),
    ],
)
def test_it_opens_nothing_else(path, purpose, account):
    links = SignedLinks(Keys(), clock=Clock())
    with pytest.raises(Refused, match="as this server gave it"):
        links.check(path, signed(links), purpose=purpose, account=account)


@given(st.sampled_from(LinkQuery.__struct_fields__), st.text(max_size=60))
def test_a_link_with_anything_changed_is_refused(name, text):
    links = SignedLinks(Keys(), clock=Clock())
    query = signed(links)
    if text == getattr(query, name):
        return
    with pytest.raises(Refused):
        links.check(
            PATH, msgspec.structs.replace(query, **{name: text}), purpose="export", account=LAN
        )


def test_a_later_end_needs_a_new_signature():
    links = SignedLinks(Keys(), clock=Clock())
    later = msgspec.structs.replace(signed(links), until="1900000000")
    with pytest.raises(Refused, match="as this server gave it"):
        links.check(PATH, later, purpose="export", account=LAN)


def test_the_signature_is_256_bits_of_a_key_of_its_own_purpose():
    query = signed(SignedLinks(Keys(), clock=Clock()))
    assert len(base64.urlsafe_b64decode(query.signature + "=")) == 32

    class Others(Keys):
        def derive(self, purpose: str, key: str | None = None) -> bytes:
            return super().derive("other", key)

    with pytest.raises(Refused):
        SignedLinks(Others(), clock=Clock()).check(PATH, query, purpose="export", account=LAN)


def test_links_stay_good_when_the_key_is_rotated(tmp_path: Path):
    keyring = Keyring(tmp_path / "keys.toml")
    links = SignedLinks(keyring)
    query = signed(links)
    keyring.rotate()
    links.check(PATH, query, purpose="export", account=LAN)
    assert signed(links).key != query.key
    elsewhere = SignedLinks(Keyring(tmp_path / "other.toml"))
    with pytest.raises(Refused):
        elsewhere.check(PATH, query, purpose="export", account=LAN)
