"""The plugin through HTTP: what comes in, what goes out, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from relatum.app.house import House

ROOT = "/api/v1/plugins/sales_pipeline"
NOBODY = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


class Sales:
    """The plugin's routes, with the status that is expected of each answer."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def ask(
        self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str
    ) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.client.request(method, ROOT + path, json=body, headers=named)
        assert answer.status_code == status, answer.text
        self.headers = answer.headers
        return answer.json() if answer.content else None

    async def get(self, path: str, *, status: int = 200) -> Any:
        return await self.ask("GET", path, status=status)

    async def post(self, path: str, body: Any, *, status: int = 201) -> Any:
        return await self.ask("POST", path, body, status=status)


@pytest.fixture
def sales(client: httpx.AsyncClient) -> Sales:
    return Sales(client)


async def test_a_deal_from_the_first_word_to_the_signature(sales: Sales, house: House) -> None:
    answer = await sales.client.post(
        "/api/v1/customers", json={"display_name": "Công ty Hoa Sen", "kind": "organisation"}
    )
    customer = answer.json()["id"]
    team = await sales.post("/teams", {"name": "Miền Nam", "region": "South"})
    member = await sales.post("/members", {"name": "Trần Thị Lan", "team_id": team["id"]})
    product = await sales.post("/products", {"name": "Gói A", "code": "A"})
    prices = await sales.post("/price-lists", {"name": "Bán lẻ"})
    price = {"product_id": product["id"], "price": {"amount": 15000, "currency": "USD"}}
    await sales.post(f"/price-lists/{prices['id']}/prices", {"items": [price]})
    draft = {
        "name": "Hoa Sen mua gói A",
        "customer_id": customer,
        "owner_id": member["id"],
        "lines": [{"product_id": product["id"], "quantity": "2"}],
    }
    deal = await sales.post("/deals", draft)
    location = sales.headers["location"].removeprefix(ROOT)
    assert (await sales.get(location)) == deal
    assert (deal["customer"], deal["team"]) == ("Công ty Hoa Sen", "Miền Nam")
    assert deal["lines_value"] == {"amount": 30000, "currency": "USD"}

    tag = sales.headers["etag"]
    moved = await sales.ask("POST", f"{location}/move", {"stage": "engaging"}, If_Match=tag)
    assert moved["stage"] == "engaging"
    stale = await sales.ask("PATCH", location, {"name": "Khác"}, status=409, If_Match=tag)
    assert stale["current"]["version"] == 2
    assert stale["yours"]["name"] == "Khác"
    activity = {"summary": "Đã gửi mẫu", "next_step": "Gọi lại"}
    await sales.post(f"{location}/activities", activity)
    won = {"stage": "won", "value": {"amount": 28000, "currency": "USD"}, "note": "ký"}
    assert (await sales.ask("POST", f"{location}/move", won))["outcome"] == "won"
    history = await sales.get(f"{location}/history")
    assert [step["to_stage"] for step in history["items"]] == ["prospecting", "engaging", "won"]

    while await house.handlers.run_once():
        pass
    timeline = (await sales.client.get(f"/api/v1/customers/{customer}/timeline")).json()
    assert {each["kind"] for each in timeline["items"]} == {
        "core.purchase",
        "sales_pipeline.activity",
    }
    about = await sales.get(f"{location}/activities")
    assert len(about["items"]) == 2
    assert (await sales.get(location))["last_activity_at"] is not None


async def test_lists_filters_and_pages(sales: Sales) -> None:
    items = [{"name": f"Deal {n}", "value": {"amount": n, "currency": "USD"}} for n in range(1, 6)]
    result = await sales.post("/deals/batch", {"items": items})
    assert result["created"] == 5
    page = await sales.get("/deals?sort=-value&limit=2")
    assert [deal["name"] for deal in page["items"]] == ["Deal 5", "Deal 4"]
    following = await sales.get(f"/deals?sort=-value&limit=2&cursor={page['next']}")
    assert [deal["name"] for deal in following["items"]] == ["Deal 3", "Deal 2"]
    filtered = await sales.get("/deals?q=deal%203&stage=prospecting&outcome=open&minimum=3")
    assert [deal["name"] for deal in filtered["items"]] == ["Deal 3"]
    for query in ("sort=owner", "cursor=abc", "limit=0", "minimum=x", "owner_id=1", "outcome=x"):
        await sales.get(f"/deals?{query}", status=422)
    await sales.get("/deals?colour=red", status=400)


async def test_a_bad_batch_is_told_by_index_and_may_go_in_partly(sales: Sales) -> None:
    items = [{"name": "good"}, {"name": "bad", "stage": "nowhere"}, {"nmae": "worse"}]
    refused = await sales.post("/deals/batch", {"items": items}, status=422)
    places = {problem["where"] for problem in refused["problems"]}
    assert {"/items/1/stage", "/items/2/nmae", "/items/2/name"} <= places
    assert (await sales.get("/deals"))["items"] == []
    partly = await sales.post("/deals/batch?partial=true", {"items": items}, status=207)
    assert (partly["created"], partly["refused"]) == (1, 2)


async def test_many_deals_move_together_or_not_at_all(sales: Sales) -> None:
    ids = [(await sales.post("/deals", {"name": name}))["id"] for name in "ab"]
    moves = [{"deal_id": id, "stage": "engaging"} for id in ids]
    moves[1]["stage"] = "engagin"
    refused = await sales.post("/deals/moves", {"items": moves}, status=422)
    assert [problem["where"] for problem in refused["problems"]] == ["/items/1/stage"]
    moves[1]["stage"] = "lost"
    moved = await sales.post("/deals/moves", {"items": moves}, status=200)
    assert [deal["stage"] for deal in moved["items"]] == ["engaging", "lost"]


BAD_DEALS: list[dict[str, Any]] = [
    {},
    {"name": ""},
    {"name": "x" * 301},
    {"name": "a\u0000b"},
    {"name": "x", "colour": "red"},
    {"name": "x", "value": {"amount": 1.5, "currency": "USD"}},
    {"name": "x", "value": {"amount": 10**30, "currency": "USD"}},
    {"name": "x", "value": {"amount": 1, "currency": "usd"}},
    {"name": "x", "value": {"amount": 1, "currency": "XQZ"}},
    {"name": "x", "closed_on": "2999-01-01", "stage": "won"},
    {"name": "x", "engaged_on": "yesterday"},
    {"name": "x", "customer_id": NOBODY},
    {"name": "x", "owner_id": "1; DROP TABLE sales_pipeline_deal"},
    {"name": "x", "lines": [{"product_id": NOBODY}]},
    {"name": "x", "lines": [{"product_id": NOBODY, "quantity": "NaN"}]},
    {"name": "x", "lines": [{"product_id": NOBODY, "quantity": "1e400000"}]},
    {"name": "x", "pipeline": "{{7*7}}"},
    {"name": "x", "history": [{"stage": "won", "at": "2020-01-01T00:00:00"}]},
]


async def test_bad_bodies_are_refused_and_nothing_is_kept(sales: Sales) -> None:
    for body in BAD_DEALS:
        refused = await sales.post("/deals", body, status=422)
        assert refused["problems"], (body, refused)
        assert all(problem.get("message") for problem in refused["problems"])
    assert (await sales.get("/deals"))["items"] == []


async def test_text_of_sql_and_templates_is_just_text(sales: Sales) -> None:
    name = "Robert'); DROP TABLE sales_pipeline_deal;-- {{ 7*7 }} <script>alert(1)</script>"
    deal = await sales.post("/deals", {"name": name})
    assert (await sales.get(f"/deals/{deal['id']}"))["name"] == name
    found = await sales.get("/deals?q=drop%20table")
    assert len(found["items"]) == 1


NOT_THERE: list[tuple[str, str, Any]] = [
    ("GET", f"/deals/{NOBODY}", None),
    ("GET", "/deals/no-id", None),
    ("PATCH", f"/deals/{NOBODY}", {"name": "x"}),
    ("POST", f"/deals/{NOBODY}/move", {"stage": "won"}),
    ("GET", f"/deals/{NOBODY}/history", None),
    ("GET", f"/deals/{NOBODY}/activities", None),
    ("GET", f"/deals/{NOBODY}/buyers", None),
    ("GET", f"/leads/{NOBODY}", None),
    ("POST", f"/leads/{NOBODY}/convert", {"name": "x"}),
    ("GET", "/pipelines/nowhere", None),
    ("PATCH", "/lost-reasons/nowhere", {"title": "x"}),
    ("GET", f"/products/{NOBODY}", None),
    ("PATCH", f"/teams/{NOBODY}", {"name": "x"}),
    ("PATCH", f"/members/{NOBODY}", {"name": "x"}),
    ("GET", f"/prices/{NOBODY}", None),
    ("PUT", f"/prices/{NOBODY}", {"price": {"amount": 1, "currency": "USD"}}),
    ("DELETE", f"/prices/{NOBODY}", None),
    ("GET", f"/accounts/{NOBODY}", None),
]


async def test_what_is_not_there_is_not_found(sales: Sales) -> None:
    for method, path, body in NOT_THERE:
        answer = await sales.ask(method, path, body, status=404)
        assert answer["detail"], path


async def test_a_lead_is_qualified_and_becomes_a_deal(sales: Sales) -> None:
    draft = {
        "customer": {"display_name": "Nguyễn Văn An", "roles": ["prospect"]},
        "source": "fair",
        "answers": {"person_need": "yes", "person_means": "partly"},
    }
    lead = await sales.post("/leads", draft)
    assert (lead["status"], lead["customer_kind"], lead["source"]) == ("working", "person", "fair")
    assert lead["fit"]["score"] == 55.0
    assert (lead["fit"]["passed"], lead["fit"]["answered"]) == (None, 2)
    assert lead["grade"] == "B4"
    assert lead["probability"]["value"] is None
    assert "not enough data" in lead["probability"]["reason"]
    path = f"/leads/{lead['id']}"
    answers = {"person_area": "yes", "asked_price": "yes", "answers_soon": "yes"}
    qualified = await sales.ask("POST", f"{path}/qualify", {"answers": answers})
    assert qualified["status"] == "qualified"
    assert (qualified["fit"]["score"], qualified["behaviour"]["score"]) == (85.0, 55.0)
    reasons = {each["question"]: each["points"] for each in qualified["fit"]["reasons"]}
    assert reasons == {"person_need": 40.0, "person_means": 15.0, "person_area": 30.0}
    await sales.ask("POST", f"{path}/qualify", {"answers": {"org_size": "yes"}}, status=422)
    await sales.ask("POST", f"{path}/qualify", {"answers": {"person_area": "maybe"}}, status=422)
    converted = await sales.ask("POST", f"{path}/convert", {"name": "An mua nhà"})
    deal = await sales.get(f"/deals/{converted['deal_id']}")
    assert (deal["name"], deal["customer"]) == ("An mua nhà", "Nguyễn Văn An")
    assert converted["status"] == "converted"
    await sales.ask("POST", f"{path}/convert", {"name": "again"}, status=409)
    listed = await sales.get("/leads?status=converted&sort=-fit")
    assert [each["id"] for each in listed["items"]] == [lead["id"]]


BAD_LEADS: list[dict[str, Any]] = [
    {},
    {"customer_id": NOBODY},
    {"customer_id": NOBODY, "customer": {"display_name": "x"}},
    {"customer": {"display_name": ""}},
    {"customer": {"display_name": "x"}, "answers": {"person_need": "perhaps"}},
    {"customer": {"display_name": "x"}, "answers": {"org_size": "yes"}},
    {"customer": {"display_name": "x"}, "source": "\t"},
]


async def test_bad_leads_are_refused_and_no_customer_is_left(sales: Sales) -> None:
    for body in BAD_LEADS:
        await sales.post("/leads", body, status=422)
    assert (await sales.client.get("/api/v1/customers")).json()["items"] == []


async def test_pipelines_are_data(sales: Sales) -> None:
    stages = [
        {"key": "meet", "title": "Meet", "probability": 2000, "rotting_days": 5},
        {"key": "won", "title": "Won", "outcome": "won"},
        {"key": "lost", "title": "Lost", "outcome": "lost"},
    ]
    draft = {"key": "b2b", "title": "B2B", "title_vi": "Doanh nghiệp", "stages": stages}
    pipeline = await sales.post("/pipelines", draft)
    assert [stage["probability"] for stage in pipeline["stages"]] == [2000, 10000, 0]
    await sales.post("/pipelines", draft, status=409)
    await sales.post("/pipelines", {**draft, "key": "x", "stages": stages[:1] * 3}, status=422)
    added = {"key": "quote", "title": "Quote", "probability": 6000}
    await sales.post("/pipelines/b2b/stages", added)
    shown = await sales.get("/pipelines/b2b")
    assert [stage["key"] for stage in shown["stages"]] == ["meet", "quote", "won", "lost"]
    edit = {"probability": 7000, "title_vi": "Báo giá", "rotting_days": None}
    changed = await sales.ask("PATCH", "/pipelines/b2b/stages/quote", edit)
    assert (changed["probability"], changed["title_vi"]) == (7000, "Báo giá")
    await sales.ask("PATCH", "/pipelines/b2b/stages/won", {"probability": 1}, status=422)
    await sales.ask("PATCH", "/pipelines/b2b", {"active": False})
    deal = await sales.post("/deals", {"name": "x", "pipeline": "b2b", "stage": "quote"})
    assert deal["probability"] == 7000
    assert len((await sales.get("/stages"))["items"]) == 8
    reason = {"key": "too_far", "title": "Too far"}
    await sales.post("/lost-reasons", reason)
    await sales.post("/lost-reasons", reason, status=409)
    edited = await sales.ask("PATCH", "/lost-reasons/too_far", {"title": "Far away"})
    assert edited["title"] == "Far away"
    assert len((await sales.get("/lost-reasons"))["items"]) == 9


async def test_names_are_unique_without_regard_to_case_but_with_their_marks(sales: Sales) -> None:
    for path in ("/teams", "/members", "/products"):
        first = await sales.post(path, {"name": "Lê Văn Ân"})
        await sales.post(path, {"name": " lê  văn  ân "}, status=422)
        other = await sales.post(path, {"name": "Lê Văn An"})
        await sales.ask("PATCH", f"{path}/{other['id']}", {"name": "LÊ VĂN ÂN"}, status=409)
        again = await sales.ask("PATCH", f"{path}/{first['id']}", {"name": "LÊ VĂN ÂN"})
        assert again["name"] == "LÊ VĂN ÂN"
        listed = await sales.get(f"{path}?active=true&limit=1")
        assert len(listed["items"]) == 1
        assert listed["next"]


async def test_prices_of_one_product_may_not_overlap(sales: Sales) -> None:
    product = await sales.post("/products", {"name": "A"})
    prices = await sales.post("/price-lists", {"name": "Standard"})
    path = f"/price-lists/{prices['id']}/prices"

    def price(amount: int, since: str | None, until: str | None) -> dict[str, Any]:
        return {
            "product_id": product["id"],
            "price": {"amount": amount, "currency": "USD"},
            "valid_from": since,
            "valid_until": until,
        }

    await sales.post(path, {"items": [price(1, None, "2024-12-31"), price(2, "2025-01-01", None)]})
    for bad in (
        price(3, "2024-06-01", "2024-07-01"),
        price(3, "2026-01-01", "2025-01-01"),
        price(-1, "1999-01-01", "1999-02-01"),
    ):
        await sales.post(path, {"items": [bad]}, status=422)
    shown = (await sales.get(f"{path}?product_id={product['id']}"))["items"]
    assert [each["price"]["amount"] for each in shown] == [1, 2]
    for day, amount in (("2024-12-31", 1), ("2025-01-01", 2)):
        draft = {"name": "x", "engaged_on": day, "lines": [{"product_id": product["id"]}]}
        assert (await sales.post("/deals", draft))["lines"][0]["unit_amount"] == amount
    one = f"/prices/{shown[0]['id']}"
    for bad in ({"valid_until": "2025-06-01"}, {"price": {"amount": -1, "currency": "USD"}}):
        edit = {"price": {"amount": 5, "currency": "USD"}, "valid_until": "2024-12-31"} | bad
        await sales.ask("PUT", one, edit, status=422)
    edit = {"price": {"amount": 5, "currency": "USD"}, "valid_until": "2024-11-30"}
    changed = await sales.ask("PUT", one, edit)
    assert changed == await sales.get(one)
    assert (changed["price"]["amount"], changed["valid_until"]) == (5, "2024-11-30")
    draft = {"name": "x", "engaged_on": "2024-12-31", "lines": [{"product_id": product["id"]}]}
    assert (await sales.post("/deals", draft))["lines"][0]["unit_amount"] is None
    await sales.ask("DELETE", one, status=204)
    assert len((await sales.get(path))["items"]) == 1


async def test_an_account_is_rolled_up_with_what_is_below_it(sales: Sales) -> None:
    async def company(name: str, kind: str = "organisation") -> str:
        answer = await sales.client.post(
            "/api/v1/customers", json={"display_name": name, "kind": kind}
        )
        return str(answer.json()["id"])

    async def link(source: str, kind: str, target: str) -> None:
        answer = await sales.client.post(
            f"/api/v1/customers/{source}/links", json={"kind": kind, "target": target}
        )
        assert answer.status_code == 201, answer.text

    group, daughter, grandchild = [await company(name) for name in ("Group", "Daughter", "Grand")]
    buyer = await company("Chị Hạnh", "person")
    await link(group, "parent_of", daughter)
    await link(daughter, "parent_of", grandchild)
    await link(grandchild, "parent_of", group)
    await link(buyer, "contact_of", grandchild)
    for customer, amount, stage in (
        (group, 100, "prospecting"),
        (daughter, 200, "won"),
        (grandchild, 1000, "engaging"),
        (grandchild, None, "engaging"),
    ):
        value = {"amount": amount, "currency": "USD"} if amount else None
        draft = {"name": "x", "customer_id": customer, "value": value, "stage": stage}
        deal = await sales.post("/deals", draft)
    account = await sales.get(f"/accounts/{group}")
    assert [(node["name"], node["level"]) for node in account["group"]] == [
        ("Group", 0),
        ("Daughter", 1),
        ("Grand", 2),
    ]
    (figures,) = account["deals"]
    assert figures == {
        "currency": "USD",
        "open": 3,
        "valueless": 1,
        "won": 1,
        "lost": 0,
        "open_value": 1100,
        "weighted": 410,
        "won_value": 200,
    }
    assert (account["contacts"], account["complete"]) == (1, True)
    plan = {"goal": "Twice as much", "target": {"amount": 5000, "currency": "USD"}}
    saved = await sales.ask("PUT", f"/accounts/{group}/plans/2027", plan)
    assert saved["version"] == 1
    await sales.ask("PUT", f"/accounts/{group}/plans/2027", plan, status=409, If_Match='"v0"')
    await sales.ask("PUT", f"/accounts/{group}/plans/1", plan, status=422)
    buyers = {"items": [{"customer_id": buyer, "role": "decider"}]}
    said = await sales.ask("PUT", f"/deals/{deal['id']}/buyers", buyers)
    assert said["items"] == [{"customer_id": buyer, "customer": "Chị Hạnh", "role": "decider"}]
    bad = {"items": [{"customer_id": NOBODY, "role": "decider"}]}
    await sales.ask("PUT", f"/deals/{deal['id']}/buyers", bad, status=422)
    assert await sales.get(f"/deals/{deal['id']}/buyers") == said


async def test_questions_are_data_and_old_answers_keep_their_weight(sales: Sales) -> None:
    lead = await sales.post(
        "/leads", {"customer": {"display_name": "x"}, "answers": {"person_need": "yes"}}
    )
    assert lead["fit"]["score"] == 40.0
    await sales.ask("PATCH", "/questions/person_need", {"weight": 8000})
    assert (await sales.get(f"/leads/{lead['id']}"))["fit"]["score"] == 40.0
    question = {
        "key": "vip",
        "test": "fit",
        "title": "Known?",
        "weight": 1000,
        "choices": [
            {"key": "yes", "title": "Yes", "match": 10000},
            {"key": "no", "title": "No", "match": 0},
        ],
    }
    await sales.post("/questions", question)
    await sales.post("/questions", question, status=409)
    twice = {**question, "key": "vap", "choices": question["choices"][:1] * 2}  # type: ignore[index]
    await sales.post("/questions", twice, status=422)
    off = await sales.ask("PATCH", "/questions/person_need", {"active": False})
    assert off["weight"] == 8000
    assert len((await sales.get("/questions"))["items"]) == 12


async def test_reports_and_the_forecast_answer(sales: Sales, house: House) -> None:
    value = {"amount": 105_450, "currency": "USD"}
    won = {"name": "x", "stage": "won", "engaged_on": "2025-01-01", "closed_on": "2025-02-01"}
    await sales.post("/deals", {**won, "value": value})
    await sales.post("/deals", {"name": "y", "value": {"amount": 1000, "currency": "USD"}})
    answer = await sales.client.get("/api/v1/reports/sales_pipeline.summary")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    told = told.get("result", told)
    assert (told["won_value"], told["won_value_by_quarter"]) == (1054.5, {"2025-Q1": 1054.5})
    assert told["days_to_win"] == {"mean": 31.0, "median": 31.0, "n": 1}
    for name in ("forecast", "velocity", "conversion", "ageing", "win_loss"):
        answer = await sales.client.get(f"/api/v1/reports/sales_pipeline.{name}")
        assert answer.status_code == 200, answer.text
    forecast = await sales.get("/forecast?months=3")
    assert forecast["currencies"][0]["weighted"] == 1
    await sales.get("/forecast?months=0", status=422)
    await sales.get("/forecast?pipeline=nowhere", status=422)
    assert (await sales.get("/forecast/snapshot"))["taken_on"] is None
    assert await house.jobs.run_now("sales_pipeline.forecast_snapshot")
    assert await house.jobs.run_now("sales_pipeline.forecast_snapshot")
    (row,) = (await sales.get("/forecast/snapshot"))["items"]
    assert (row["amount"], row["weighted"], row["deals"]) == (1000, 100, 1)


async def test_a_plugin_that_is_off_answers_nothing(sales: Sales, house: House) -> None:
    deal = await sales.post("/deals", {"name": "x"})
    house.gate.set([])
    off = await sales.get(f"/deals/{deal['id']}", status=404)
    assert "switched off" in off["detail"]
    house.gate.set(["sales_pipeline"])
    assert (await sales.get(f"/deals/{deal['id']}"))["name"] == "x"


async def test_every_route_is_described(sales: Sales) -> None:
    answer = await sales.client.get("/schema/openapi.json")
    paths = [path for path in answer.json()["paths"] if path.startswith(ROOT)]
    assert len(paths) > 25
    assert f"{ROOT}/deals/{{deal_id}}/move" in paths
