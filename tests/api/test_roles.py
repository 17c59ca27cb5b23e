"""Roles, rules and teams over HTTP: what they give counts in the next request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from relatum_sdk.people import PersonClient, client_of, make_person, make_token
from tests.api.conftest import Api

Hire = Callable[..., Awaitable[PersonClient]]


@pytest.fixture
async def hire(api: Api) -> AsyncIterator[Hire]:
    """Somebody with a role, as a client of the same application."""
    async with AsyncExitStack() as stack:
        app: Any = api.client._transport.app  # type: ignore[attr-defined]

        async def hire(role: str, **person: Any) -> PersonClient:
            account = await make_person(api.house, role, **person)
            token = await make_token(api.house, account)
            return await stack.enter_async_context(client_of(app, account=account, token=token))

        yield hire


async def test_a_role_of_your_own(api: Api, hire: Hire) -> None:
    draft = {
        "key": "scout",
        "title_en": "Scout",
        "title_vi": "Trinh sát",
        "based_on": "analyst",
        "permissions": ["core.customers.read"],
    }
    made = await api.post("/roles", draft)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/api/v1/roles/scout"
    assert made.json()["permissions"] == ["core.customers.read"]
    assert made.json()["policy"]["scopes"] == ["all"]
    assert (await api.post("/roles", draft)).status_code == 422
    scout = await hire("scout")
    assert (await scout.get("/api/v1/customers")).status_code == 200
    assert (await scout.get("/api/v1/reports")).status_code == 403
    change = {"permissions": ["core.reports.read"]}
    stale = await api.patch("/roles/scout", change, headers={"If-Match": '"v9"'})
    assert stale.status_code == 409
    changed = await api.patch("/roles/scout", change, headers={"If-Match": made.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert (await scout.get("/api/v1/customers")).status_code == 403
    assert (await scout.get("/api/v1/reports")).status_code == 200
    assert (await api.ask("DELETE", "/roles/scout")).status_code == 409


async def test_builtin_roles_are_listed_first_and_permissions_say_who_holds_them(api: Api) -> None:
    roles = (await api.get("/roles")).json()["items"]
    assert [role["key"] for role in roles] == [
        "owner",
        "manager",
        "sales",
        "care",
        "marketing",
        "analyst",
        "read_only",
    ]
    permissions = (await api.get("/permissions")).json()["items"]
    by_id = {each["id"]: each for each in permissions}
    assert by_id["core.roles.write"]["roles"] == ["owner"]
    assert {"owner", "sales"} <= set(by_id["core.customers.write"]["roles"])
    assert roles[0]["permissions"] == sorted(by_id)


async def test_teams_show_their_customers_and_managers_those_below(api: Api, hire: Hire) -> None:
    north = (await api.post("/teams", {"name": "North"})).json()
    hanoi = (await api.post("/teams", {"name": "Hanoi", "parent": north["id"]})).json()
    assert (await api.post("/teams", {"name": "north"})).status_code == 422
    circle = await api.patch(f"/teams/{north['id']}", {"parent": hanoi["id"]})
    assert circle.status_code == 422
    seller, manager, other = await hire("sales"), await hire("manager"), await hire("sales")
    for person, team in ((seller, hanoi), (manager, north)):
        answer = await api.ask("PUT", f"/standings/{person.account}", json={"teams": [team["id"]]})
        assert answer.status_code == 200, answer.text
    assert (await api.get(f"/teams/{hanoi['id']}")).json()["members"] == [str(seller.account)]
    made = await seller.post("/api/v1/customers", json={"display_name": "Lan"})
    assert made.status_code == 201, made.text
    assert made.json()["owner"] == str(seller.account)
    assert made.json()["team"] == hanoi["id"]
    path = f"/api/v1/customers/{made.json()['id']}"
    seen = [(await person.get(path)).status_code for person in (seller, manager, other)]
    assert seen == [200, 200, 404]
    assert (await api.ask("DELETE", f"/teams/{hanoi['id']}")).status_code == 409


async def test_a_rule_shows_customers_by_what_they_are(api: Api, hire: Hire) -> None:
    rule = {"all_of": [{"attribute": "tag", "is_one_of": ["vip"]}]}
    made = await api.post("/rules", {"key": "vips", "rule": rule})
    assert made.status_code == 201, made.text
    policy = {"scopes": ["own"], "rules": ["vips"], "unmasked": []}
    changed = await api.patch("/roles/care", {"policy": policy})
    assert changed.status_code == 200, changed.text
    vip = await api.customer("Lan", tags=["vip"])
    await api.customer("Minh")
    care = await hire("care")
    items = (await care.get("/api/v1/customers")).json()["items"]
    assert [item["id"] for item in items] == [vip["id"]]
    assert (await api.patch("/rules/vips", {"title_en": "VIPs"})).json()["version"] == 2
    assert (await api.ask("DELETE", "/rules/vips")).status_code == 204
    assert (await care.get("/api/v1/customers")).json()["items"] == []


async def test_only_who_sees_everybody_makes_rules(api: Api, hire: Hire) -> None:
    every = [each["id"] for each in (await api.get("/permissions")).json()["items"]]
    chief = await hire("manager", permissions=every)
    rule = {"all_of": [{"attribute": "kind", "is_one_of": ["person", "organisation"]}]}
    answer = await chief.post("/api/v1/rules", json={"key": "everybody", "rule": rule})
    assert answer.status_code == 403, answer.text


async def test_nobody_makes_themselves_an_owner(api: Api, hire: Hire) -> None:
    every = [each["id"] for each in (await api.get("/permissions")).json()["items"]]
    chief = await hire("manager", permissions=every)
    mine = f"/api/v1/standings/{chief.account}"
    assert (await chief.put(mine, json={"roles": ["owner"]})).status_code == 403
    wider = {"policy": {"scopes": ["all"], "rules": [], "unmasked": []}}
    assert (await chief.patch("/api/v1/roles/sales", json=wider)).status_code == 403
    owner = f"/api/v1/standings/{api.client.account}"  # type: ignore[attr-defined]
    assert (await chief.put(owner, json={"roles": []})).status_code == 403
    last = await api.ask("PUT", f"/standings/{api.client.account}", json={"roles": []})  # type: ignore[attr-defined]
    assert last.status_code == 409


async def test_who_may_not_see_reports_of_a_permission_does_not_see_them_listed(
    api: Api, hire: Hire
) -> None:
    reader = await hire("read_only", permissions=["core.reports.read"])
    shown = (await reader.get("/api/v1/reports")).json()["items"]
    assert all(each["permission"] == "core.reports.read" for each in shown)
