"""Input that somebody sends by mistake or on purpose: a clear error, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.conftest import MOST_BYTES, Api

JSON = {"Content-Type": "application/json"}
NAMES = [
    "Robert'); DROP TABLE core_customer;--",
    '" OR 1=1 --',
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
    "%s %d %(name)s {0} {name!r}",
    "../../etc/passwd",
    "Nguyễn Thị Ánh Tuyết 🙂",
    "ذات العلاقة",
    "a" * 300,
    "=cmd|' /C calc'!A0",
    "$1 ? ?2 :name @name",
    "\\u0000 \\x00 \\",
]


@pytest.mark.parametrize("name", NAMES)
async def test_texts_are_texts(api: Api, name: str) -> None:
    customer = await api.customer(name, tags=[name[:50]])
    assert customer["display_name"] == name
    assert (await api.get(f"/customers/{customer['id']}")).json() == customer
    for parameter in ("q", "tag", "email", "phone"):
        found = await api.get("/customers", params={parameter: name})
        assert found.status_code in (200, 422)
    by_tag = await api.get("/customers", params={"tag": name[:50]})
    assert [item["id"] for item in by_tag.json()["items"]] == [customer["id"]]
    assert len(await api.names()) == 1


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "a\tb", "\x1b[31m", "", "   ", "a" * 301])
async def test_texts_that_are_none(api: Api, name: str) -> None:
    answer = await api.post("/customers", {"display_name": name})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["where"] == "/display_name"
    assert await api.names() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 422),
        (b"[]", 422),
        (b"5", 422),
        (b'"text"', 422),
        (b"{", 400),
        (b'{"display_name": "A"', 400),
        (b'{"display_name": "A"}{}', 400),
        (b'{"display_name": "\xff\xfe"}', 400),
        (b'{"display_name": "\\ud83d"}', 400),
        (b'{"display_name": "A", "display_name": "B"}', 400),
        (b'{"display_name": "A", "fields": {"a": 1, "a": 2}}', 400),
        (b'{"display_name": "A", "fields": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}", 400),
        (b'{"display_name": "A", "fields": {"a": 1e999}}', 422),
        (b'{"display_name": "A", "fields": {"a": ' + b"9" * 5000 + b"}}", 422),
        (b'{"display_name": ' + b"9" * 100_000 + b"}", 422),
        (b"\0" * 100, 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"display_name=A", 400),
        (b"<xml/>", 400),
    ],
)
@pytest.mark.parametrize("path", ["/customers", "/interactions", "/customer-fields"])
async def test_bodies_that_are_no_draft(api: Api, path: str, body: bytes, status: int) -> None:
    answer = await api.ask("POST", path, content=body, headers=JSON)
    assert answer.status_code == status or (answer.status_code, status) == (422, 400)
    assert answer.json()["detail"]
    assert await api.names() == []


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
async def test_other_content_types(api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await api.ask("POST", "/customers", content=b'{"display_name": "A"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


async def test_bodies_that_are_too_large(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MOST_BYTES // 1_000_000 + 2):
            yield b"x" * 1_000_000

    said = await api.ask("POST", "/customers", content=b"x" * (MOST_BYTES + 1), headers=JSON)
    unsaid = await api.ask("POST", "/customers", content=chunks(), headers=JSON)
    for answer in (said, unsaid):
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_a_note_of_ten_megabytes(api: Api) -> None:
    text = "ghi chú " * (10 * 1024 * 1024 // 9)
    draft = {"kind": "core.note", "payload": {"text": text}}
    body = json.dumps(draft, ensure_ascii=False).encode()
    assert 10_000_000 < len(body) < MOST_BYTES
    answer = await api.ask("POST", "/interactions", content=body, headers=JSON)
    assert answer.status_code in (413, 422)
    assert len(answer.content) < 5_000
    assert (await api.get("/interactions")).json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"money": {"amount": 10**17 + 1, "currency": "VND"}},
        {"money": {"amount": 10**400, "currency": "VND"}},
        {"money": {"amount": -(10**30), "currency": "VND"}},
        {"occurred_at": "9999-12-31T23:59:59Z"},
        {"occurred_at": "0001-01-01T00:00:00Z"},
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"occurred_at": "2026-02-30T00:00:00Z"},
        {"occurred_at": 1e18},
        {"occurred_at": True},
        {"payload": {"text": {"a": []}}},
        {"payload": {"text": None}},
        {"payload": []},
        {"handle": "x" * 201},
        {"subject": "a\0b"},
        {"idempotency_key": "x" * 10_000},
        {"unknown": 1},
        {"kind": "core.note; DROP TABLE core_interaction"},
    ],
)
async def test_absurd_values(api: Api, change: dict[str, Any]) -> None:
    draft = {"kind": "core.note", "payload": {"text": "x"}, **change}
    answer = await api.post("/interactions", draft)
    assert answer.status_code == 422
    assert answer.json()["problems"]
    assert (await api.get("/interactions")).json()["items"] == []


async def test_very_many_mistakes_make_a_short_answer(api: Api) -> None:
    items = [{"display_name": 5, f"x{n}": n} for n in range(2_000)]
    answer = await api.post("/customers/batch", {"items": items})
    assert answer.status_code == 422
    assert len(answer.json()["problems"]) == 200
    assert "more findings" in answer.json()["detail"]
    assert len(answer.content) < 200_000


async def test_headers_that_are_none(api: Api) -> None:
    for name, value, status in (
        ("If-Match", "x" * 5000, 400),
        ("If-None-Match", ",,,,,", 200),
        ("Idempotency-Key", "x" * 300, 200),
        ("Accept", "\x7f\x80", 200),
        ("X-Request-ID", "<script>", 200),
    ):
        customer = await api.customer()
        path = f"/customers/{customer['id']}"
        if name == "If-Match":
            answer = await api.patch(path, {"tags": []}, headers={name: value})
        else:
            answer = await api.get(path, headers={name: value.encode("latin-1")})
        assert answer.status_code == status
        assert "<script>" not in answer.headers["x-request-id"]


async def test_the_doors_are_for_this_machine_only(api: Api) -> None:
    rebound = await api.get("/customers", headers={"Host": "crm.evil.example"})
    assert rebound.status_code == 421
    cross = await api.post(
        "/customers", {"display_name": "A"}, headers={"Origin": "https://evil.example"}
    )
    assert cross.status_code == 403
    assert await api.names() == []
