"""Names this server answers to, proxies that are believed, and origins that are its own."""

from __future__ import annotations

from typing import Any

import pytest

from relatum.config.settings import Server
from relatum.http.reach import Reach, is_own_origin

PUBLIC = Server(
    host="0.0.0.0",  # noqa: S104
    public_url="https://crm.example.com",
    allowed_hosts=["intern.example.com", "2001:db8::7"],
    trusted_proxies=["10.0.0.0/8", "2001:db8::/32"],
)


def scope(client: str) -> dict[str, Any]:
    return {"client": (client, 1234), "scheme": "http"}


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("crm.example.com", True),
        ("CRM.example.com:443", True),
        ("intern.example.com:8000", True),
        ("[2001:db8::7]:8000", True),
        ("localhost:8000", True),
        ("127.0.0.1", True),
        ("evil.example.com", False),
        ("crm.example.com.evil.com", False),
        ("xcrm.example.com", False),
        ("crm.example.com@evil.com", False),
        ("0.0.0.0:8000", False),
        ("", True),
    ],
)
def test_names_of_the_configuration_are_served(host: str, served: bool) -> None:
    refusal = Reach(PUBLIC).refusal({b"host": host}, writes=False, scheme="https")
    assert (refusal is None) is served
    if refusal is not None:
        assert refusal.status == 421


def test_the_address_it_listens_on_is_a_name_of_it() -> None:
    reach = Reach(Server(host="192.168.1.5"))
    assert reach.refusal({b"host": "192.168.1.5:8000"}, writes=False, scheme="http") is None
    assert reach.refusal({b"host": "192.168.1.6:8000"}, writes=False, scheme="http") is not None


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("10.1.1.1", "203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "203.0.113.9, 10.2.2.2", "203.0.113.9"),
        ("10.1.1.1", "203.0.113.9:5555", "203.0.113.9"),
        ("10.1.1.1", "[2001:dead::1]:443", "2001:dead::1"),
        ("10.1.1.1", "10.3.3.3", "10.3.3.3"),
        ("10.1.1.1", "nonsense", "10.1.1.1"),
        ("10.1.1.1", None, "10.1.1.1"),
        # whoever is no proxy of ours may say what they like
        ("203.0.113.5", "127.0.0.1", "203.0.113.5"),
    ],
)
def test_only_trusted_proxies_say_who_called(
    client: str, forwarded: str | None, address: str
) -> None:
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded}
    assert Reach(PUBLIC).address(scope(client), headers) == address
    assert Reach(Server()).address(scope(client), headers) == client


def test_only_trusted_proxies_say_which_scheme() -> None:
    reach = Reach(Server(trusted_proxies=["10.0.0.1"]))
    said = {b"x-forwarded-proto": "https"}
    assert reach.scheme(scope("10.0.0.1"), said) == "https"
    assert reach.scheme(scope("10.0.0.2"), said) == "http"
    assert reach.scheme(scope("10.0.0.1"), {}) == "http"


def test_the_public_name_is_https() -> None:
    reach = Reach(PUBLIC)
    assert reach.scheme(scope("1.2.3.4"), {b"host": "crm.example.com"}) == "https"
    assert reach.scheme(scope("1.2.3.4"), {b"host": "CRM.example.com:443"}) == "https"
    assert reach.scheme(scope("127.0.0.1"), {b"host": "localhost:8000"}) == "http"


@pytest.mark.parametrize(
    ("origin", "scheme", "own"),
    [
        ("https://crm.example.com", "https", True),
        ("http://crm.example.com", "https", False),
        ("https://crm.example.com", "http", True),
        ("http://crm.example.com", "http", True),
        ("https://crm.example.com:444", "https", False),
        ("https://evil.example.com", "https", False),
        ("null", "https", False),
        ("", "https", False),
    ],
)
def test_origins_of_our_own(origin: str, scheme: str, own: bool) -> None:
    assert is_own_origin(origin, "crm.example.com", scheme) is own
