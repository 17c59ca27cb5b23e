"""The audit trail over HTTP."""

from __future__ import annotations

from typing import Any

from relatum.app.house import House


async def created(client: Any, name: str, why: str = "") -> str:
    headers = {"x-relatum-reason": why} if why else {}
    answer = await client.post("/api/v1/customers", json={"display_name": name}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_says_who_what_and_why(client: Any) -> None:
    id = await created(client, "Lan", why="walked in")
    answer = await client.get("/api/v1/audit", params={"type": "core.customer_"})
    assert answer.status_code == 200
    [item] = answer.json()["items"]
    assert item["who"]["actor"].startswith("person:")
    assert item["who"]["name"]
    assert item["what"]["en"] == "Customer created"
    assert (item["customer"], item["customer_name"], item["why"]) == (id, "Lan", "walked in")
    assert item["token"]
    assert item["request"] == item["request"].strip() != ""


async def test_pages_and_filters(client: Any) -> None:
    ids = [await created(client, name) for name in ("Lan", "Minh", "Hoa")]
    seen, cursor = [], None
    while True:
        params = {"type": "core.customer_created", "limit": 2}
        answer = await client.get(
            "/api/v1/audit", params=params if cursor is None else {**params, "cursor": cursor}
        )
        seen += [item["customer"] for item in answer.json()["items"]]
        cursor = answer.json()["next"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    about = await client.get("/api/v1/audit", params={"customer": ids[1]})
    assert [item["customer"] for item in about.json()["items"]] == [ids[1]]
    bad = await client.get("/api/v1/audit", params={"cursor": "x"})
    assert bad.status_code == 422


async def test_check(client: Any, house: House) -> None:
    for name in ("Lan", "Minh", "Hoa"):
        await created(client, name)
    await house.seals.seal()
    answer = (await client.get("/api/v1/audit/check")).json()
    assert (answer["sound"], answer["accused"], answer["next"]) == (True, [], None)
    assert answer["events"] >= 3
    row = await house.db.fetch_one("SELECT max(seq) FROM core_event")
    assert row is not None
    await house.db.execute("UPDATE core_event SET by = 'system' WHERE seq = ?", row[0])
    answer = (await client.get("/api/v1/audit/check")).json()
    assert (answer["sound"], answer["accused"]) == (False, [{"seq": row[0], "what": "changed"}])


async def test_is_for_those_who_may(client: Any, client_as: Any, anonymous_client: Any) -> None:
    manager = await client_as("manager")
    for path in ("/api/v1/audit", "/api/v1/audit/check"):
        assert (await client.get(path)).status_code == 200
        assert (await manager.get(path)).status_code == 403
        assert (await anonymous_client.get(path)).status_code == 401


async def test_reading_sensitive_fields_is_in_it(client: Any) -> None:
    field = {"key": "passport", "sensitivity": "identity"}
    answer = await client.post("/api/v1/customer-fields", json=field)
    assert answer.status_code in {200, 201}, answer.text
    body = {"display_name": "Lan", "fields": {"passport": "C1234567"}}
    id = (await client.post("/api/v1/customers", json=body)).json()["id"]
    assert (await client.get(f"/api/v1/customers/{id}")).json()["fields"] == body["fields"]
    answer = await client.get("/api/v1/audit", params={"type": "core.access.sensitive_read"})
    item = answer.json()["items"][0]
    assert (item["customer"], item["details"]["fields"]) == (id, ["passport"])
    assert "C1234567" not in answer.text


async def test_an_answer_that_is_kept_rests_encrypted(client: Any, house: House) -> None:
    field = {"key": "pin", "sensitivity": "secret"}
    assert (await client.post("/api/v1/customer-fields", json=field)).status_code in {200, 201}
    body = {"display_name": "Zinnia", "fields": {"pin": "canary-4711"}}
    headers = {"idempotency-key": "k-1"}
    first = await client.post("/api/v1/customers", json=body, headers=headers)
    assert first.json()["fields"] == body["fields"]
    again = await client.post("/api/v1/customers", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    rows = repr(await house.db.fetch("SELECT * FROM core_idempotency"))
    assert "enc:1:" in rows
    assert "canary" not in rows
    assert "Zinnia" not in rows
