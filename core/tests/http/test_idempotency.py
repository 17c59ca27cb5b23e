"""A write with an Idempotency-Key happens once, whatever happens in between."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import pytest

from core.tests.http.asgi import HOST, Answered, ask
from relatum.app.house import House
from relatum.customers.types import CustomerDraft, CustomerQuery
from relatum.http import idempotency
from relatum.http.edge import Edge
from relatum.http.idempotency import KEPT, SWEEP_EVERY, Idempotency

JSON = (b"content-type", b"application/json")


class Shop:
    """An application that makes a customer for each request and can be made to fail."""

    def __init__(self, house: House, *, seconds: float = 5.0) -> None:
        self.house = house
        self.calls = 0
        self.called = asyncio.Event()
        self.fails: BaseException | None = None
        self.status = 201
        self.delay = 0.0
        self.edge = Edge(
            self, most_bytes=1000, seconds=seconds, idempotency=Idempotency(house.db, house.secrets)
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        self.called.set()
        message = await receive()
        name = message["body"].decode() or "nobody"
        (id,) = await self.house.customers.create([CustomerDraft(display_name=name)], by="system")
        await asyncio.sleep(self.delay)
        if self.fails is not None:
            raise self.fails
        body = json.dumps({"id": str(id)}).encode()
        headers = [JSON, (b"location", b"/x"), (b"etag", b'"v1"')]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def post(self, body: bytes, key: bytes | None = b"k-1", **options: Any) -> Answered:
        headers = [HOST] if key is None else [HOST, (b"idempotency-key", key)]
        return await ask(self.edge, "POST", headers=headers, body=[body], **options)

    async def names(self) -> list[str]:
        page = await self.house.customers.find(CustomerQuery(sort="display_name"))
        return [customer.display_name for customer in page.items]

    async def keys(self) -> int:
        row = await self.house.db.fetch_one("SELECT count(*) FROM core_idempotency")
        return int(row[0]) if row else 0


@pytest.fixture
def shop(core_house: House) -> Shop:
    return Shop(core_house)


async def test_the_same_request_is_answered_again(shop: Shop) -> None:
    first, second = await shop.post(b"An"), await shop.post(b"An")
    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    for name in ("content-type", "location", "etag"):
        assert second.headers[name] == first.headers[name]
    assert shop.calls == 1
    assert await shop.names() == ["An"]


async def test_without_a_key_it_is_done_again(shop: Shop) -> None:
    await shop.post(b"An", None)
    await shop.post(b"An", None)
    assert await shop.names() == ["An", "An"]


async def test_another_body_or_query_is_refused(shop: Shop) -> None:
    await shop.post(b"An")
    for answer in (await shop.post(b"Binh"), await shop.post(b"An", query=b"partial=true")):
        assert (answer.status, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert await shop.names() == ["An"]


async def test_another_address_is_another_request(shop: Shop) -> None:
    await shop.post(b"An")
    await shop.post(b"Binh", path="/elsewhere")
    assert await shop.names() == ["An", "Binh"]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(), asyncio.CancelledError()])
async def test_a_failure_leaves_neither_work_nor_key(shop: Shop, error: BaseException) -> None:
    shop.fails = error
    try:
        assert (await shop.post(b"An")).status == 500
    except asyncio.CancelledError:
        assert isinstance(error, asyncio.CancelledError)
    assert (await shop.names(), await shop.keys()) == ([], 0)
    shop.fails = None
    assert (await shop.post(b"An")).status == 201
    assert await shop.names() == ["An"]


async def test_an_answer_that_is_no_success_is_not_kept(shop: Shop) -> None:
    shop.status = 422
    assert (await shop.post(b"An")).status == 422
    assert (await shop.names(), await shop.keys()) == ([], 0)


async def test_a_request_out_of_time_leaves_nothing(core_house: House) -> None:
    shop = Shop(core_house, seconds=0.2)
    shop.delay = 30
    assert (await shop.post(b"An")).status == 503
    assert (await shop.names(), await shop.keys()) == ([], 0)
    shop.delay = 0
    assert (await shop.post(b"An")).status == 201


async def test_of_many_at_once_one_works(shop: Shop) -> None:
    shop.delay = 0.05
    answers = await asyncio.gather(*(shop.post(b"An") for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 7
    assert (shop.calls, await shop.names()) == (1, ["An"])


async def test_who_waits_for_one_that_fails_does_the_work(shop: Shop) -> None:
    shop.delay = 0.05
    shop.fails = ValueError("first")
    first = asyncio.create_task(shop.post(b"An"))
    await asyncio.wait_for(shop.called.wait(), 5)
    second = asyncio.create_task(shop.post(b"An"))
    await asyncio.sleep(0.01)
    assert (await first).status == 500
    shop.fails = None
    assert (await second).status in (201, 500)
    assert len(await shop.names()) == ((await second).status == 201)


async def test_keys_are_forgotten_after_a_day(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.post(b"An")
    later = idempotency.now() + KEPT + dt.timedelta(seconds=1)
    monkeypatch.setattr(idempotency, "now", lambda: later)
    assert (await shop.post(b"Binh")).status == 201
    assert await shop.names() == ["An", "Binh"]
    assert await shop.keys() == 1
    monkeypatch.setattr(idempotency, "now", lambda: later + KEPT + SWEEP_EVERY)
    await shop.post(b"Chi", b"k-2")
    assert await shop.keys() == 1


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a b", "é".encode(), b"\x7f"])
async def test_what_is_no_key_is_refused(shop: Shop, key: bytes) -> None:
    answer = await shop.post(b"An", key)
    assert (answer.status, answer.json()["code"]) == (400, "malformed-request")
    assert await shop.names() == []


async def test_reading_takes_no_key(shop: Shop) -> None:
    answer = await ask(shop.edge, "GET", headers=[HOST, (b"idempotency-key", b"k")])
    assert answer.status == 201
    assert await shop.keys() == 0


async def test_bytes_are_answered_as_they_were(core_house: House) -> None:
    async def picture(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(range(256)), "more_body": True})
        await send({"type": "http.response.body", "body": b"\xff\0", "more_body": False})

    edge = Edge(
        picture,
        most_bytes=10,
        seconds=5,
        idempotency=Idempotency(core_house.db, core_house.secrets),
    )
    for _ in range(2):
        answer = await ask(edge, "POST", headers=[HOST, (b"idempotency-key", b"k")])
        assert answer.body == bytes(range(256)) + b"\xff\0"
