"""The OpenAPI document says what the API does, and does what it says."""

from __future__ import annotations

import re
from typing import Any

from relatum.customers.types import CustomerQuery
from relatum.http.idempotency import is_kept
from tests.api.conftest import Api


async def document(api: Api) -> dict[str, Any]:
    read: dict[str, Any] = (await api.get("/schema/openapi.json")).json()
    return read


async def test_programs_and_people_get_what_they_ask_for(api: Api) -> None:
    for accept in ("application/json", "*/*", "application/vnd.oai.openapi+json", ""):
        answer = await api.get("/schema", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["openapi"].startswith("3.1")
    page = await api.get("/schema", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"


async def test_every_operation_is_complete(api: Api) -> None:
    described = await document(api)
    seen = set()
    for path, item in described["paths"].items():
        for method, operation in item.items():
            place = f"{method} {path}"
            assert operation["summary"], place
            assert operation["x-permission"], place
            assert operation["tags"], place
            assert operation["operationId"] not in seen, place
            seen.add(operation["operationId"])
            problem = operation["responses"]["default"]["content"]["application/problem+json"]
            assert problem["schema"]["$ref"].endswith("/ProblemDocument")
            names = {each["name"] for each in operation.get("parameters", ())}
            assert set(re.findall(r"{(\w+)}", path)) <= names, place
            assert ("Idempotency-Key" in names) == (method != "get" and is_kept(path)), place
    assert {"find_customers", "create_customer", "run_report", "health"} <= seen


async def test_operations_say_who_may_call_them(api: Api) -> None:
    described = await document(api)
    schemes = described["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer"
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "relatum_session")
    for path, statuses in (
        ("/health", set()),
        ("/api/v1/me", {"401"}),
        ("/api/v1/customers", {"401", "403"}),
    ):
        operation = described["paths"][path]["get"]
        assert statuses == {"401", "403"} & operation["responses"].keys(), path
        assert "429" in operation["responses"]
        assert bool(operation["security"]) == bool(statuses), path
        assert {name for each in operation["security"] for name in each} <= schemes.keys()


async def test_every_reference_leads_somewhere(api: Api) -> None:
    answer = await api.get("/schema/openapi.json")
    schemas = answer.json()["components"]["schemas"]
    targets = set(re.findall(r'"#/components/schemas/([^"]+)"', answer.text))
    assert len(targets) > 10
    assert targets <= schemas.keys()


async def test_parameters_are_those_of_the_query(api: Api) -> None:
    described = await document(api)
    parameters = {
        each["name"]: each for each in described["paths"]["/api/v1/customers"]["get"]["parameters"]
    }
    mappings = {"fields", "field_from", "field_until"}
    keyed = {"field.<key>", "field_from.<key>", "field_until.<key>"}
    assert set(parameters) == set(CustomerQuery.__struct_fields__) - mappings | keyed
    assert parameters["limit"]["schema"]["maximum"] == 200
    assert parameters["role"]["schema"]["enum"]
    timeline = described["paths"]["/api/v1/customers/{customer_id}/timeline"]["get"]["parameters"]
    names = [each["name"] for each in timeline]
    assert names.count("customer_id") == 1
    assert timeline[names.index("customer_id")]["in"] == "path"


async def test_bodies_are_described(api: Api) -> None:
    described = await document(api)
    for path, name in (
        ("/api/v1/customers", "CustomerDraft"),
        ("/api/v1/customers/batch", "CustomerBatch"),
        ("/api/v1/interactions/batch", "InteractionBatch"),
    ):
        body = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert body["schema"]["$ref"].endswith(f"/{name}")


async def test_an_answer_has_the_fields_it_is_described_with(api: Api) -> None:
    described = await document(api)
    fields = described["components"]["schemas"]["Customer"]["properties"]
    assert set(await api.customer()) == set(fields)
