"""Live updates: told within moments, only what one may know, also across processes, to an end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.http import live, streaming
from relatum.interactions.types import InteractionDraft
from relatum_sdk.people import make_person, make_token
from tests.api.conftest import NO_LIMITS

Message = tuple[str, Any]


class Reader:
    """A stream as a browser reads it, straight from the application."""

    def __init__(
        self, app: Any, headers: dict[str, str], method: str = "GET", query: str = ""
    ) -> None:
        self._app = app
        self._scope = _scope(headers, method) | {"query_string": query.encode()}
        #: of each message, empty where it has none
        self.ids: list[str] = []
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.beats = 0
        self.ended = asyncio.Event()
        #: while it is clear the reader takes nothing
        self.reads = asyncio.Event()
        self.reads.set()
        self.leaves = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        finally:
            self.ended.set()

    async def _receive(self) -> dict[str, Any]:
        if self.leaves.is_set():
            return {"type": "http.disconnect"}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            return
        for block in message.get("body", b"").decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in fields:
                self.ids.append(fields.get("id", ""))
                self.messages.put_nowait((fields["event"], json.loads(fields["data"])))
            elif block.startswith(": "):
                self.beats += 1

    async def next(self, seconds: float = 10) -> Message:
        async with asyncio.timeout(seconds):
            return await self.messages.get()

    async def changed(self) -> dict[str, list[str]]:
        """The next change: event types by customer."""
        kind, data = await self.next()
        assert kind == "changed", (kind, data)
        return {each["id"]: each["events"] for each in data["customers"]}

    async def silent(self, seconds: float = 0.5) -> bool:
        await asyncio.sleep(seconds)
        return self.messages.empty()

    async def close(self) -> None:
        self.leaves.set()
        self.reads.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self.ended.wait()
        self.task.cancel()
        await asyncio.wait([self.task])


def _scope(headers: dict[str, str], method: str) -> dict[str, Any]:
    raw = [(k.lower().encode(), v.encode()) for k, v in {"host": "127.0.0.1", **headers}.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "headers": raw,
        "scheme": "http",
        "path": "/api/v1/live",
        "raw_path": b"/api/v1/live",
        "query_string": b"",
        "root_path": "",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 4321),
        "state": {},
    }


class Place:
    """A web process: a house with an application, and streams of whoever wants one."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.app: Any = create_app(house)
        self.readers: list[Reader] = []
        self.signals = asyncio.create_task(house.signals.run_forever())

    def open(self, token: str, method: str = "GET", *, since: str = "", **headers: str) -> Reader:
        said = {"authorization": f"Bearer {token}"} if token else {}
        query = urlencode({"since": since}) if since else ""
        self.readers.append(Reader(self.app, {**said, **headers}, method, query))
        return self.readers[-1]

    async def stream(self, token: str) -> Reader:
        """Opened, and past its greeting."""
        reader = self.open(token)
        assert await reader.next() == ("hello", {})
        return reader

    async def person(self, role: str) -> tuple[UUID, str]:
        account = await make_person(self.house, role)
        return account, await make_token(self.house, account)

    async def customer(self, name: str = "Hoa", owner: UUID | None = None) -> UUID:
        (id,) = await self.house.customers.create(
            [CustomerDraft(display_name=name, owner=owner)], by="system"
        )
        return id

    async def record(self, customer: UUID | None) -> None:
        draft = InteractionDraft(kind="core.note", customer_id=customer, payload={"text": "secret"})
        await self.house.interactions.record([draft], by="system")

    async def close(self) -> None:
        for reader in self.readers:
            await reader.close()
        self.signals.cancel()
        await asyncio.wait([self.signals])


@pytest.fixture
async def make(
    relatum_database_url: str, tmp_path: Any
) -> AsyncIterator[Callable[[], Awaitable[Place]]]:
    settings = Settings(
        home=tmp_path,
        database=relatum_database_url,
        safe_mode=True,
        durability="normal",
        limits=NO_LIMITS,
    )
    async with contextlib.AsyncExitStack() as stack:

        async def one() -> Place:
            place = Place(await stack.enter_async_context(await House.open(settings)))
            stack.push_async_callback(place.close)
            return place

        yield one


async def test_what_changes_is_told_within_moments(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    reader = await place.stream(token)
    assert reader.status == 200
    assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reader.headers["cache-control"] == "no-store"
    customer = await place.customer()
    assert await reader.changed() == {str(customer): ["core.customer_created"]}
    await place.record(customer)
    assert await reader.changed() == {str(customer): ["core.interaction_recorded"]}
    await place.record(None)
    assert await reader.silent(), "what is about nobody is told to nobody"


async def test_what_comes_together_is_told_together(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    reader = await place.stream(token)
    async with place.house.db.transaction():
        customers = [await place.customer(f"C{n}") for n in range(5)]
        for customer in customers:
            await place.record(customer)
    told = await reader.changed()
    both = ["core.customer_created", "core.interaction_recorded"]
    assert told == {str(each): both for each in customers}


async def test_nobody_is_told_of_customers_they_do_not_see(make: Any) -> None:
    place = await make()
    lan, hers = await place.person("sales")
    minh, his = await place.person("sales")
    readers = [await place.stream(hers), await place.stream(his)]
    mine, other = await place.customer("A", owner=lan), await place.customer("B", owner=minh)
    for reader, customer in zip(readers, (mine, other), strict=True):
        assert await reader.changed() == {str(customer): ["core.customer_created"]}
        assert await reader.silent(0.3)


async def test_only_events_about_which_one_may_know(make: Any) -> None:
    """Of interactions nobody hears without the permission to see interactions."""
    place = await make()
    account = await make_person(place.house)
    token = await make_token(place.house, account, scopes=["core.customers.read"])
    reader = await place.stream(token)
    customer = await place.customer()
    assert await reader.changed() == {str(customer): ["core.customer_created"]}
    await place.record(customer)
    assert await reader.silent()


@pytest.mark.parametrize(
    ("permissions", "event", "expected"),
    [
        ({"core.customers.read"}, "core.customer_updated", True),
        ({"core.customers.read"}, "core.interaction_recorded", False),
        ({"core.interactions.read"}, "core.interaction_recorded", True),
        ({"core.customers.read", "core.audit.read"}, "core.sensitive_field_shown", False),
        ({"core.customers.read"}, "sales_pipeline.deal_won", False),
        ({"sales_pipeline.deals.read"}, "sales_pipeline.deal_won", True),
    ],
)
def test_who_may_know_what(permissions: set[str], event: str, expected: bool) -> None:
    from relatum.access.viewer import Viewer

    viewer = Viewer(actor="person:1", kind="person", permissions=frozenset(permissions))
    assert live.may_know(viewer, event) is expected


async def test_who_is_not_signed_in_or_lacks_the_permission_gets_nothing(make: Any) -> None:
    place = await make()
    account = await make_person(place.house)
    token = await make_token(place.house, account, scopes=["core.reports.read"])
    for reader, status in ((place.open(""), 401), (place.open(token), 403)):
        await reader.ended.wait()
        assert reader.status == status


async def test_a_stream_ends_with_the_token(make: Any) -> None:
    place = await make()
    account, token = await place.person("owner")
    reader = await place.stream(token)
    (listed,) = await place.house.tokens.of(account)
    await place.house.tokens.revoke(account, listed.id, by="system")
    assert await reader.next(2) == ("end", {"reason": "signed-out"})
    await asyncio.wait_for(reader.ended.wait(), 5)
    assert len(place.app.live) == 0


async def test_a_stream_ends_with_the_session_ended_in_another_process(make: Any) -> None:
    here, there = await make(), await make()
    account, _ = await here.person("owner")
    async with here.house.db.transaction():
        session, secret, _ = await here.house.sessions.begin(account, address="", user_agent="")
    reader = here.open("", cookie=f"relatum_session={secret}")
    assert await reader.next() == ("hello", {})
    await there.house.sessions.revoke(account, session, by="system")
    assert await reader.next(15) == ("end", {"reason": "signed-out"})


async def test_an_open_screen_does_not_keep_a_session_alive(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(streaming, "BEAT_SECONDS", 0.05)
    place = await make()
    account, _ = await place.person("owner")
    async with place.house.db.transaction():
        session, secret, _ = await place.house.sessions.begin(account, address="", user_agent="")
    reader = place.open("", cookie=f"relatum_session={secret}")
    assert await reader.next() == ("hello", {})
    import datetime as dt

    seen = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30)
    await place.house.db.execute(
        "UPDATE core_session SET last_seen_at = ? WHERE id = ?", seen, session
    )
    await asyncio.sleep(0.5)
    row = await place.house.db.fetch_one(
        "SELECT last_seen_at FROM core_session WHERE id = ?", session
    )
    assert row is not None
    assert row[0] == seen
    assert reader.beats > 2
    await place.house.db.execute(
        "UPDATE core_session SET last_seen_at = ? WHERE id = ?",
        seen - dt.timedelta(days=60),
        session,
    )
    assert await reader.next(5) == ("end", {"reason": "signed-out"})


async def test_rights_that_change_count_at_once(make: Any) -> None:
    place = await make()
    lan, token = await place.person("sales")
    hidden = await place.customer("B")
    reader = await place.stream(token)
    await place.record(hidden)
    assert await reader.silent(0.3)
    await place.house.roles.assign(lan, ["owner"], by="system")
    assert await reader.next(5) == ("reload", {})
    await place.record(hidden)
    assert await reader.changed() == {str(hidden): ["core.interaction_recorded"]}


async def test_told_across_processes(make: Any) -> None:
    """Written in one process, told in another: within some 100 ms and not after a poll."""
    here, there = await make(), await make()
    _, token = await here.person("owner")
    reader = await there.stream(token)
    await asyncio.sleep(0.3)
    took = []
    for _ in range(3):
        began = asyncio.get_running_loop().time()
        customer = await here.customer()
        assert str(customer) in await reader.changed()
        took.append(asyncio.get_running_loop().time() - began)
    assert sorted(took)[1] < 0.6, took


async def test_too_much_at_once_says_to_look_again(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_EVENTS", 10)
    place = await make()
    _, token = await place.person("owner")
    reader = await place.stream(token)
    drafts = [CustomerDraft(display_name=f"C{n}") for n in range(30)]
    await place.house.customers.create(drafts, by="system")
    assert await reader.next() == ("reload", {})
    customer = await place.customer()
    assert str(customer) in await reader.changed()


async def test_who_does_not_read_is_bounded_and_dropped(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_PENDING", 20)
    monkeypatch.setattr(streaming, "SEND_SECONDS", 1.0)
    place = await make()
    _, token = await place.person("owner")
    slow, quick = await place.stream(token), await place.stream(token)
    slow.reads.clear()
    for _ in range(4):
        drafts = [CustomerDraft(display_name=f"C{n}") for n in range(15)]
        await place.house.customers.create(drafts, by="system")
        assert len(await quick.changed()) == 15
        assert all(len(each.pending) <= 20 for each in place.app.live._subscriptions)
    await asyncio.wait_for(slow.ended.wait(), 10)
    assert len(place.app.live) == 1
    customer = await place.customer()
    assert str(customer) in await quick.changed(), "others do not notice"


async def test_who_leaves_is_forgotten_and_nobody_reads_for_nobody(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    reader = await place.stream(token)
    reader.leaves.set()
    await asyncio.wait_for(reader.ended.wait(), 5)
    assert len(place.app.live) == 0
    await asyncio.wait([place.app.live._reader], timeout=5)
    assert place.app.live._reader.done()
    again = await place.stream(token)
    customer = await place.customer()
    assert str(customer) in await again.changed()


async def test_streams_of_one_account_are_limited(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_ONE", 2)
    place = await make()
    _, token = await place.person("owner")
    for _ in range(2):
        await place.stream(token)
    third = place.open(token)
    await asyncio.wait_for(third.ended.wait(), 5)
    assert third.status == 429
    assert int(third.headers["retry-after"]) == 60


async def test_it_ends_with_the_server_and_when_its_time_is_over(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    reader = await place.stream(token)
    place.house.process.stop()
    assert await reader.next() == ("end", {"reason": "again"})
    place.house.process.stopping = False
    place.app.live.lasts = 0.2
    later = await place.stream(token)
    assert await later.next() == ("end", {"reason": "again"})
    await asyncio.wait_for(later.ended.wait(), 5)


async def test_head_answers_at_once(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    reader = place.open(token, "HEAD")
    await asyncio.wait_for(reader.ended.wait(), 5)
    assert reader.status == 200
    assert reader.messages.empty()
