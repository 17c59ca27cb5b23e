"""The contract of ``/api/v1/interactions``."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.api.conftest import Api


def where(answer: Any) -> list[str]:
    return [problem["where"] for problem in answer.json()["problems"]]


def note(text: str = "xin chào", **more: Any) -> dict[str, Any]:
    return {"kind": "core.note", "payload": {"text": text}, **more}


async def test_record_and_read(api: Api) -> None:
    customer = await api.customer()
    made = await api.post(
        "/interactions",
        {
            "kind": "core.purchase",
            "customer_id": customer["id"],
            "channel": "shop",
            "direction": "in",
            "occurred_at": "2026-11-20T09:15:00+07:00",
            "payload": {"item": "A-1", "quantity": "2.5"},
            "money": {"amount": 12500000, "currency": "VND"},
            "subject": "shop.order:77",
        },
    )
    assert made.status_code == 201, made.text
    interaction = made.json()
    assert made.headers["location"] == f"/api/v1/interactions/{interaction['id']}"
    assert interaction["occurred_at"] == "2026-11-20T02:15:00Z"
    assert interaction["money"] == {"amount": 12500000, "currency": "VND"}
    assert interaction["payload"]["quantity"] == "2.5"
    read = await api.get(f"/interactions/{interaction['id']}")
    assert (read.status_code, read.json()) == (200, interaction)


async def test_they_never_change(api: Api) -> None:
    id = (await api.post("/interactions", note())).json()["id"]
    for method in ("PATCH", "PUT", "DELETE"):
        assert (await api.ask(method, f"/interactions/{id}", json={})).status_code == 405


async def test_a_known_key_records_nothing(api: Api) -> None:
    first = await api.post("/interactions", note("one", idempotency_key="m-1"))
    again = await api.post("/interactions", note("two", idempotency_key="m-1"))
    assert again.json() == first.json()
    assert len((await api.get("/interactions")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("draft", "places"),
    [
        ({"kind": "core.nothing"}, ["/kind"]),
        ({"kind": "NOT A KIND"}, ["/kind"]),
        (note(occurred_at="2026-11-20T09:15:00"), ["/occurred_at"]),
        (note(customer_id="abc"), ["/customer_id"]),
        (note(customer_id="01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"), ["/customer_id"]),
        (note(direction="sideways"), ["/direction"]),
        (note(money={"amount": 1.5, "currency": "VND"}), ["/money/amount"]),
        (note(money={"amount": 10**20, "currency": "VND"}), ["/money/amount"]),
        (note(money={"amount": 1, "currency": "vnd"}), ["/money/currency"]),
        (note(money={"amount": 1, "currency": "XQZ"}), ["/money/currency"]),
        (note(channel="Not A Channel"), ["/channel"]),
        (note(who="me"), ["/who"]),
        ({"kind": "core.note", "payload": {"txt": "x"}}, None),
        ({"kind": "core.note", "payload": {"text": 5}}, None),
    ],
)
async def test_drafts_that_are_refused(api: Api, draft: Any, places: list[str] | None) -> None:
    answer = await api.post("/interactions", draft)
    assert answer.status_code == 422
    if places is None:
        assert all(place.startswith("/payload") for place in where(answer))
    else:
        assert where(answer) == places
    assert (await api.get("/interactions")).json()["items"] == []


async def test_the_future_is_refused(api: Api) -> None:
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    answer = await api.post("/interactions", note(occurred_at=tomorrow.isoformat()))
    assert (answer.status_code, where(answer)) == (422, ["/occurred_at"])
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2)
    fine = await api.post("/interactions", note(occurred_at=soon.isoformat()))
    assert fine.status_code == 201


async def test_filters(api: Api) -> None:
    customer = await api.customer()
    await api.post("/interactions", note("a", customer_id=customer["id"], channel="shop"))
    await api.post("/interactions", note("b", handle="zalo:9", direction="in"))
    await api.post(
        "/interactions",
        {"kind": "core.call", "occurred_at": "2020-05-05T00:00:00Z", "subject": "x.y:1"},
    )

    async def kinds(query: str) -> list[str]:
        answer = await api.get(f"/interactions?{query}")
        assert answer.status_code == 200, answer.text
        return [item["payload"].get("text", item["kind"]) for item in answer.json()["items"]]

    assert await kinds("") == ["b", "a", "core.call"]
    assert await kinds("sort=occurred_at") == ["core.call", "a", "b"]
    assert await kinds(f"customer_id={customer['id']}") == ["a"]
    assert await kinds("anonymous=true") == ["b", "core.call"]
    assert await kinds("anonymous=false") == ["a"]
    assert await kinds("kind=core.call") == ["core.call"]
    assert await kinds("channel=shop") == ["a"]
    assert await kinds("direction=in") == ["b"]
    assert await kinds("subject=x.y:1") == ["core.call"]
    assert await kinds("occurred_before=2021-01-01") == ["core.call"]
    assert await kinds("occurred_from=2021-01-01") == ["b", "a"]
    assert await kinds("recorded_from=2999-01-01") == []


async def test_pages(api: Api) -> None:
    for n in range(5):
        await api.post("/interactions", note(str(n)))
    seen: list[str] = []
    path = "/interactions?sort=recorded_at&limit=2"
    while path:
        page = await api.get(path)
        seen += [item["payload"]["text"] for item in page.json()["items"]]
        path = page.links.get("next", {}).get("url", "")
    assert seen == list("01234")


async def test_batches(api: Api) -> None:
    good = await api.post("/interactions/batch", {"items": [note("a"), note("b")]})
    assert (good.status_code, good.json()["created"]) == (201, 2)
    items = [note("c"), {"kind": "core.note", "payload": {}}, {"kind": "x"}, note("d", payload=5)]
    bad = await api.post("/interactions/batch", {"items": items})
    assert bad.status_code == 422
    assert {place.split("/")[2] for place in where(bad)} == {"1", "2", "3"}
    partial = await api.post("/interactions/batch?partial=true", {"items": items})
    assert (partial.status_code, partial.json()["created"]) == (207, 1)
    texts = [item["payload"]["text"] for item in (await api.get("/interactions")).json()["items"]]
    assert texts == ["c", "b", "a"]


async def test_the_same_key_twice_in_a_batch(api: Api) -> None:
    twice = note(idempotency_key="k")
    answer = await api.post("/interactions/batch", {"items": [twice, twice]})
    assert answer.status_code == 201
    first, second = answer.json()["items"]
    assert first["id"] == second["id"]
    assert len((await api.get("/interactions")).json()["items"]) == 1


async def test_kinds(api: Api) -> None:
    kinds = {item["id"]: item for item in (await api.get("/interaction-kinds")).json()["items"]}
    assert {"core.note", "core.purchase", "core.call"} <= kinds.keys()
    assert kinds["core.note"]["title"] == {"en": "Note", "vi": "Ghi chú"}
    assert "text" in str(kinds["core.note"]["payload"])
