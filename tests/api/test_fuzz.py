"""Whatever is sent to any address of core: never a 5xx, and a failure is a problem document."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerQuery
from relatum.http.queries import parameter_names
from relatum.interactions.types import InteractionQuery
from relatum_sdk.people import client_of, make_person, make_token
from tests.api.conftest import NO_LIMITS, assert_problem

ID = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"
FUZZ = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Ask = Callable[..., httpx.Response]

texts = st.text(max_size=12) | st.sampled_from(
    ["person", "core.note", "phone", "VND", ID, "2026-11-22T08:30:00Z", "", "\0", "a" * 400]
)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def like(**good: Any) -> st.SearchStrategy[Any]:
    """Objects that are nearly right: each field is good, anything, or missing."""
    fields = {name: st.just(value) | values for name, value in good.items()}
    return st.fixed_dictionaries({}, optional={**fields, "unknown": values})


BODIES = {
    ("POST", "/customers"): like(
        display_name="An",
        kind="person",
        contact_points=[{"kind": "phone", "raw": "0912345678"}],
        roles=["prospect"],
        tags=["vip"],
        fields={"sector": "x"},
        external_ids={"shop": "1"},
    ),
    ("PATCH", f"/customers/{ID}"): like(display_name="An", tags=["a"], fields={"a": None}),
    ("POST", "/interactions"): like(
        kind="core.note",
        payload={"text": "x"},
        customer_id=ID,
        occurred_at="2020-01-01T00:00:00Z",
        money={"amount": 5, "currency": "VND"},
        channel="shop",
        subject="a.b:1",
        idempotency_key="k",
    ),
    ("POST", "/customer-fields"): like(key="sector", type="choice", choices=["a"]),
    ("POST", f"/customers/{ID}/links"): like(kind="parent_of", target=ID, since="2026-01-01"),
}
BATCHES = {
    "/customers/batch": BODIES["POST", "/customers"],
    "/interactions/batch": BODIES["POST", "/interactions"],
}
LISTS = {
    "/customers": parameter_names(CustomerQuery),
    "/interactions": parameter_names(InteractionQuery),
    f"/customers/{ID}/timeline": parameter_names(InteractionQuery),
}


@contextmanager
def running(url: str, home: Path) -> Iterator[Ask]:
    """The application in an event loop of its own, asked from outside (Hypothesis is not async)."""
    with asyncio.Runner() as runner:
        opened = Settings(
            home=home, database=url, durability="normal", safe_mode=True, limits=NO_LIMITS
        )
        house = runner.run(House.open(opened))
        owner = runner.run(make_person(house))
        token = runner.run(make_token(house, owner))
        client = client_of(create_app(house), account=owner, token=token)

        def ask(method: str, path: str, **options: Any) -> httpx.Response:
            request: Awaitable[httpx.Response] = client.request(method, f"/api/v1{path}", **options)
            answer: httpx.Response = runner.run(request)  # type: ignore[arg-type]
            assert answer.status_code < 500, answer.text
            assert_problem(answer)
            return answer

        try:
            yield ask
        finally:
            runner.run(client.aclose())
            runner.run(house.close())


@pytest.fixture
def ask(relatum_database_url: str, tmp_path: Path) -> Iterator[Ask]:
    with running(relatum_database_url, tmp_path) as ask:
        yield ask


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_bodies(ask: Ask, method: str, path: str) -> None:
    @FUZZ
    @given(BODIES[method, path] | values)
    def fuzz(body: Any) -> None:
        ask(method, path, json=body)

    fuzz()


@pytest.mark.parametrize("path", BATCHES)
def test_batches(ask: Ask, path: str) -> None:
    @FUZZ
    @given(st.lists(BATCHES[path] | values, max_size=4), st.sampled_from(["", "?partial=true"]))
    def fuzz(items: list[Any], query: str) -> None:
        ask("POST", f"{path}{query}", json={"items": items})

    fuzz()


@pytest.mark.parametrize("path", LISTS)
def test_queries(ask: Ask, path: str) -> None:
    names = [name.replace("<key>", "sector") for name in LISTS[path]]

    @FUZZ
    @given(st.lists(st.tuples(st.sampled_from([*names, "field.'x", "x"]), texts), max_size=3))
    def fuzz(pairs: list[tuple[str, str]]) -> None:
        ask("GET", f"{path}?{urlencode(pairs, errors='replace')}")

    fuzz()


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_bytes(ask: Ask, method: str) -> None:
    nouns = st.sampled_from(["customers", "interactions", "batch", "plugins", "reports", ID])
    segments = st.lists(nouns | texts, max_size=4)

    @FUZZ
    @given(segments, st.binary(max_size=60), st.binary(max_size=40))
    def fuzz(path: list[str], body: bytes, key: bytes) -> None:
        headers = [(b"content-type", b"application/json"), (b"idempotency-key", key.hex().encode())]
        place = "/".join(quote(segment, safe="", errors="replace") for segment in path)
        ask(method, f"/{place}", content=body, headers=headers if key else headers[:1])

    fuzz()
