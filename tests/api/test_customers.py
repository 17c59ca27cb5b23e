"""The contract of ``/api/v1/customers`` and what belongs to it."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Api

NOBODY = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


def where(answer: Any) -> list[str]:
    return [problem["where"] for problem in answer.json()["problems"]]


async def test_create_and_read(api: Api) -> None:
    draft = {
        "display_name": "  Nguyễn Thị Hoa ",
        "kind": "person",
        "contact_points": [
            {"kind": "phone", "raw": "0912 345 678", "primary": True},
            {"kind": "email", "raw": "Hoa@Example.com", "label": "work"},
        ],
        "roles": ["customer"],
        "tags": ["vip"],
        "external_ids": {"shop": "K-1"},
    }
    made = await api.post("/customers", draft)
    assert made.status_code == 201
    customer = made.json()
    assert made.headers["location"] == f"/api/v1/customers/{customer['id']}"
    assert made.headers["etag"] == '"v1"'
    assert customer["display_name"] == "Nguyễn Thị Hoa"
    assert customer["contact_points"][0]["normalised"] == "+84912345678"
    assert customer["external_ids"] == {"shop": "K-1"}
    read = await api.get(f"/customers/{customer['id']}")
    assert (read.status_code, read.json()) == (200, customer)
    assert read.headers["etag"] == '"v1"'
    assert read.headers["cache-control"] == "no-store"


async def test_a_known_version_is_not_sent_again(api: Api) -> None:
    customer = await api.customer()
    path = f"/customers/{customer['id']}"
    for tag in ('"v1"', 'W/"v1"', '"v0", "v1"', "*"):
        answer = await api.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == '"v1"'
    assert (await api.get(path, headers={"If-None-Match": '"v2"'})).status_code == 200


async def test_change_some_fields(api: Api) -> None:
    customer = await api.customer(tags=["vip"])
    path = f"/customers/{customer['id']}"
    changed = await api.patch(path, {"display_name": "Hoa Mới"})
    assert changed.status_code == 200
    assert changed.headers["etag"] == '"v2"'
    assert (changed.json()["display_name"], changed.json()["tags"]) == ("Hoa Mới", ["vip"])
    same = await api.patch(path, {"display_name": "Hoa Mới"})
    assert same.json()["version"] == 2


async def test_edits_of_two_people(api: Api) -> None:
    customer = await api.customer()
    path = f"/customers/{customer['id']}"
    mine = await api.patch(path, {"tags": ["a"]}, headers={"If-Match": '"v1"'})
    assert mine.status_code == 200
    late = await api.patch(path, {"tags": ["b"]}, headers={"If-Match": '"v1"'})
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert late.json()["current"]["tags"] == ["a"]
    assert late.json()["current"]["version"] == 2
    assert late.json()["yours"] == {"tags": ["b"]}
    assert (await api.get(path)).json()["tags"] == ["a"]
    again = await api.patch(path, {"tags": ["a", "b"]}, headers={"If-Match": '"v2"'})
    assert again.status_code == 200
    assert (await api.patch(path, {"tags": []}, headers={"If-Match": "*"})).status_code == 200


async def test_of_many_edits_at_once_one_wins(api: Api) -> None:
    customer = await api.customer()
    path = f"/customers/{customer['id']}"
    answers = await asyncio.gather(
        *(api.patch(path, {"tags": [str(n)]}, headers={"If-Match": '"v1"'}) for n in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert (await api.get(path)).json() == winner.json()


@pytest.mark.parametrize(
    ("tag", "status"), [('"v9"', 409), ('"abc"', 409), ("v1", 400), ('"v1", "v2"', 400), ("", 400)]
)
async def test_tags_that_are_not_current(api: Api, tag: str, status: int) -> None:
    customer = await api.customer()
    answer = await api.patch(
        f"/customers/{customer['id']}", {"tags": ["x"]}, headers={"If-Match": tag}
    )
    assert answer.status_code == status


@pytest.mark.parametrize("id", ["abc", NOBODY, "{" + NOBODY + "}", "%00", "..%2f..%2fetc"])
async def test_nobody_has_this_id(api: Api, id: str) -> None:
    answers = [
        await api.get(f"/customers/{id}"),
        await api.patch(f"/customers/{id}", {"tags": []}),
        await api.get(f"/customers/{id}/timeline"),
        await api.get(f"/customers/{id}/links"),
    ]
    assert {answer.status_code for answer in answers} <= {404, 400}


async def test_every_mistake_of_a_draft_is_listed(api: Api) -> None:
    answer = await api.post(
        "/customers",
        {
            "display_name": 5,
            "kind": "robot",
            "contact_points": [{"kind": "phone", "raw": "1"}, {"kind": "fax", "raw": ""}],
            "nmae": "x",
        },
    )
    assert answer.status_code == 422
    assert set(where(answer)) == {
        "/display_name",
        "/kind",
        "/contact_points/1/kind",
        "/contact_points/1/raw",
        "/nmae",
    }


async def test_what_only_the_service_knows_is_at_its_place_too(api: Api) -> None:
    answer = await api.post("/customers", {"display_name": "An", "fields": {"sector": "x"}})
    assert (answer.status_code, where(answer)) == (422, ["/fields/sector"])
    customer = await api.customer()
    changed = await api.patch(f"/customers/{customer['id']}", {"fields": {"sector": "x"}})
    assert (changed.status_code, where(changed)) == (422, ["/fields/sector"])


async def test_an_external_id_belongs_to_one(api: Api) -> None:
    await api.customer(external_ids={"shop": "K-1"})
    again = await api.post("/customers", {"display_name": "Other", "external_ids": {"shop": "K-1"}})
    assert again.status_code in (409, 422)
    assert await api.names() == ["Nguyễn Thị Hoa"]


async def test_custom_fields(api: Api) -> None:
    field = {"key": "sector", "type": "text", "title_vi": "Ngành"}
    made = await api.post("/customer-fields", field)
    assert made.status_code == 201
    listed = (await api.get("/customer-fields")).json()["items"]
    assert [(field["key"], field["title_vi"]) for field in listed] == [("sector", "Ngành")]
    await api.customer("An", fields={"sector": "medical"})
    await api.customer("Bình", fields={"sector": "retail"})
    assert await api.names("?field.sector=medical") == ["An"]
    unknown = await api.get("/customers?field.sectr=medical")
    assert (unknown.status_code, where(unknown)) == (422, ["field.sectr"])
    assert (await api.post("/customer-fields", {"key": "Not A Key"})).status_code == 422


async def test_filters(api: Api) -> None:
    await api.customer(
        "Nguyễn Văn An", tags=["vip"], roles=["customer"], external_ids={"shop": "1:2"}
    )
    await api.customer("Công ty Đại Phát", kind="organisation")
    await api.customer(
        "Trần Bình",
        contact_points=[{"kind": "phone", "raw": "0912345678"}, {"kind": "email", "raw": "b@x.vn"}],
    )
    for query, expected in {
        "?q=nguyen": ["Nguyễn Văn An"],
        "?q=" + quote("đại phát"): ["Công ty Đại Phát"],
        "?q=0912345678": ["Trần Bình"],
        "?kind=organisation": ["Công ty Đại Phát"],
        "?role=customer": ["Nguyễn Văn An"],
        "?tag=vip": ["Nguyễn Văn An"],
        "?phone=%2B84912345678": ["Trần Bình"],
        "?phone=0912345678": ["Trần Bình"],
        "?email=B@x.vn": ["Trần Bình"],
        "?external_id=shop:1:2": ["Nguyễn Văn An"],
        "?created_before=2020-01-01": [],
        "?updated_from=2020-01-01&tag=vip": ["Nguyễn Văn An"],
    }.items():
        assert await api.names(query) == expected, query


async def test_sorting_and_pages(api: Api) -> None:
    names = ["Ánh", "Bảo", "Đào", "Dũng", "Yến"]
    for name in reversed(names):
        await api.customer(name)
    ordered = ["Ánh", "Bảo", "Dũng", "Đào", "Yến"]
    assert await api.names("?sort=display_name") == ordered
    assert await api.names("?sort=-display_name") == ordered[::-1]
    assert await api.names() == names
    seen: list[str] = []
    path = "/customers?sort=display_name&limit=2"
    for _ in range(4):
        page = await api.ask("GET", path)
        seen += [item["display_name"] for item in page.json()["items"]]
        if "next" not in page.links:
            break
        assert page.json()["next"]
        path = page.links["next"]["url"]
    assert seen == ordered
    assert page.json()["next"] is None


async def test_a_page_does_not_move_under_the_reader(api: Api) -> None:
    for name in ("A", "C", "E"):
        await api.customer(name)
    first = (await api.get("/customers?sort=display_name&limit=2")).json()
    await api.customer("B")
    await api.customer("D")
    second = (await api.get(f"/customers?sort=display_name&limit=9&cursor={first['next']}")).json()
    assert [item["display_name"] for item in second["items"]] == ["D", "E"]


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("limt=5", 400, "limt"),
        ("sort=size", 422, "sort"),
        ("limit=0", 422, "limit"),
        ("limit=201", 422, "limit"),
        ("kind=robot", 422, "kind"),
        ("cursor=abc", 422, "cursor"),
        ("cursor=%F0%9F%98%80", 422, "cursor"),
        ("created_from=yesterday", 422, "created_from"),
        ("external_id=shop", 422, "external_id"),
    ],
)
async def test_queries_that_cannot_be_answered(
    api: Api, query: str, status: int, named: str
) -> None:
    answer = await api.get(f"/customers?{query}")
    assert (answer.status_code, where(answer)) == (status, [named])


async def test_a_cursor_belongs_to_its_order(api: Api) -> None:
    for name in ("A", "B"):
        await api.customer(name)
    cursor = (await api.get("/customers?limit=1&sort=display_name")).json()["next"]
    answer = await api.get(f"/customers?limit=1&sort=-display_name&cursor={cursor}")
    assert (answer.status_code, where(answer)) == (422, ["cursor"])


async def test_a_batch_is_all_or_nothing(api: Api) -> None:
    good = await api.post("/customers/batch", {"items": [{"display_name": n} for n in "AB"]})
    assert good.status_code == 201
    result = good.json()
    assert (result["created"], result["refused"]) == (2, 0)
    for name, item in zip("AB", result["items"], strict=True):
        assert (await api.get(f"/customers/{item['id']}")).json()["display_name"] == name
    bad = await api.post(
        "/customers/batch",
        {
            "items": [
                {"display_name": "C"},
                {"display_name": 5, "kind": "robot"},
                {"display_name": "D", "fields": {"x": 1}},
                "nothing",
                {"display_name": "E", "contact_points": [{"kind": "phone"}]},
            ]
        },
    )
    assert bad.status_code == 422
    assert where(bad) == [
        "/items/1/display_name",
        "/items/1/kind",
        "/items/2/fields/x",
        "/items/3",
        "/items/4/contact_points/0/raw",
    ]
    assert sorted(await api.names()) == ["A", "B"]


async def test_a_batch_may_be_a_bare_list(api: Api) -> None:
    good = await api.post("/customers/batch", [{"display_name": n} for n in "AB"])
    assert (good.status_code, good.json()["created"]) == (201, 2)
    taken = {"display_name": "C", "external_ids": {"pos": "1"}}
    for bad in ([{"display_name": "A"}, {}], [taken, taken]):
        answer = await api.post("/customers/batch", bad)
        assert answer.status_code == 422
        assert answer.json()["problems"][0]["where"].startswith("/1/")


async def test_a_partial_batch_lets_the_good_ones_in(api: Api) -> None:
    items = [{"display_name": "A"}, {"display_name": ""}, {"display_name": "B"}, {"kind": "person"}]
    answer = await api.post("/customers/batch?partial=true", {"items": items})
    assert answer.status_code == 207
    result = answer.json()
    assert (result["created"], result["refused"]) == (2, 2)
    assert [item["status"] for item in result["items"]] == ["created", "refused"] * 2
    assert result["items"][1]["problems"][0]["where"] == "/display_name"
    assert sorted(await api.names()) == ["A", "B"]
    none = await api.post("/customers/batch?partial=true", {"items": [{"display_name": ""}]})
    assert none.status_code == 422
    assert (
        await api.post("/customers/batch?partial=true", {"items": items[:1]})
    ).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/customers/batch", {"items": []}, 422),
        ("/customers/batch", [], 422),
        ("/customers/batch", {"items": [{"display_name": "A"}], "x": 1}, 422),
        ("/customers/batch?partial=maybe", {"items": [{"display_name": "A"}]}, 400),
        ("/customers/batch?all=true", {"items": [{"display_name": "A"}]}, 400),
        ("/customers/batch", {"items": [{"display_name": "A"}] * 10_001}, 413),
    ],
)
async def test_batches_that_are_none(api: Api, path: str, body: Any, status: int) -> None:
    assert (await api.post(path, body)).status_code == status
    assert await api.names() == []


async def test_the_same_external_id_twice_in_a_batch(api: Api) -> None:
    twice = {"display_name": "A", "external_ids": {"shop": "1"}}
    answer = await api.post("/customers/batch", {"items": [twice, twice]})
    assert answer.status_code == 422
    assert where(answer)[0].startswith("/items/1")
    assert await api.names() == []


async def test_links(api: Api) -> None:
    parent, child = await api.customer("Mẹ", kind="organisation"), await api.customer("Con")
    path = f"/customers/{parent['id']}/links"
    made = await api.post(path, {"kind": "parent_of", "target": child["id"], "role": "100 %"})
    assert made.status_code == 201
    link = made.json()
    assert (link["source_name"], link["kind"], link["target_name"]) == ("Mẹ", "parent_of", "Con")
    again = await api.post(path, {"kind": "parent_of", "target": child["id"]})
    assert (again.status_code, again.json()["id"]) == (200, link["id"])
    from_child = await api.get(f"/customers/{child['id']}/links")
    assert from_child.json()["items"] == [link]
    turned = await api.post(
        f"/customers/{child['id']}/links", {"kind": "referred_by", "source": parent["id"]}
    )
    assert turned.json()["source"] == parent["id"]
    other = await api.customer("Khác")
    stranger = await api.ask("DELETE", f"/customers/{other['id']}/links/{link['id']}")
    assert stranger.status_code == 404
    gone = await api.ask("DELETE", f"{path}/{link['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.ask("DELETE", f"{path}/{link['id']}")).status_code == 404
    assert len((await api.get(path)).json()["items"]) == 1


async def test_links_that_cannot_be(api: Api) -> None:
    one, two = await api.customer("A"), await api.customer("B")
    path = f"/customers/{one['id']}/links"
    for body, status in (
        ({"kind": "parent_of"}, 422),
        ({"kind": "parent_of", "target": one["id"]}, 422),
        ({"kind": "parent_of", "target": NOBODY}, 404),
        ({"kind": "friend_of", "target": two["id"]}, 422),
        ({"kind": "parent_of", "source": two["id"], "target": NOBODY}, 422),
        ({"kind": "parent_of", "target": two["id"], "since": "2026-02-30"}, 422),
        (
            {
                "kind": "parent_of",
                "target": two["id"],
                "since": "2026-02-02",
                "until": "2026-01-01",
            },
            422,
        ),
    ):
        assert (await api.post(path, body)).status_code == status, body
    assert (await api.get(path)).json()["items"] == []


async def test_the_timeline_is_the_customers_own(api: Api) -> None:
    one, two = await api.customer("A"), await api.customer("B")
    for customer, text in ((one, "first"), (two, "other"), (one, "second")):
        made = await api.post(
            "/interactions",
            {"kind": "core.note", "customer_id": customer["id"], "payload": {"text": text}},
        )
        assert made.status_code == 201, made.text
    path = f"/customers/{one['id']}/timeline"
    page = (await api.get(path)).json()
    assert [item["payload"]["text"] for item in page["items"]] == ["second", "first"]
    turned = (await api.get(f"{path}?sort=occurred_at&limit=1")).json()
    assert [item["payload"]["text"] for item in turned["items"]] == ["first"]
    assert (await api.get(f"{path}?kind=core.call")).json()["items"] == []
    assert (await api.get(f"{path}?customer_id={two['id']}")).status_code == 400


async def test_a_key_makes_writing_safe_to_repeat(api: Api) -> None:
    key = {"Idempotency-Key": "5f0c"}
    first = await api.post("/customers", {"display_name": "A"}, headers=key)
    again = await api.post("/customers", {"display_name": "A"}, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["etag"] == '"v1"'
    other = await api.post("/customers", {"display_name": "B"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert await api.names() == ["A"]


async def test_methods(api: Api) -> None:
    customer = await api.customer()
    path = f"/customers/{customer['id']}"
    put = await api.ask("PUT", path, json={})
    assert put.status_code == 405
    assert put.headers["allow"] == "GET, HEAD, OPTIONS, PATCH"
    options = await api.ask("OPTIONS", path)
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH")
    head, get = await api.ask("HEAD", path), await api.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]
    assert (await api.ask("HEAD", "/customers/abc")).status_code == 404
