"""The fixtures that give a whole application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.access.policies import Policy
from relatum.access.roles.types import TeamDraft
from relatum.customers.types import CustomerDraft

if TYPE_CHECKING:
    import httpx

    from relatum.app.house import House
    from relatum_sdk.people import PersonClient
    from relatum_sdk.pytest_plugin import ClientAs


async def test_house_keeps_what_it_is_given(house: House) -> None:
    [made] = await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    assert (await house.customers.get(made)).display_name == "Lan"


async def test_house_of_the_next_test_is_empty(house: House) -> None:
    assert await house.db.fetch("SELECT id FROM core_customer") == []


async def test_house_has_run_every_migration(house: House) -> None:
    assert await house.migrate_plan() == []


async def test_client_speaks_to_the_same_house(client: httpx.AsyncClient, house: House) -> None:
    await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    answer = await client.get("/api/v1/customers")
    assert answer.status_code == 200, answer.text
    assert [each["display_name"] for each in answer.json()["items"]] == ["Lan"]


async def test_client_gets_an_answer_where_there_is_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/nothing-here")).status_code == 404


async def test_the_client_is_an_owner(client: PersonClient, house: House) -> None:
    assert client.account is not None
    assert (await house.roles.standing(client.account)).roles == ["owner"]


async def test_nobody_is_asked_to_sign_in(anonymous_client: PersonClient) -> None:
    assert (await anonymous_client.get("/api/v1/customers")).status_code == 401
    assert (await anonymous_client.get("/health")).status_code == 200


async def test_clients_of_roles_may_what_the_role_may(client_as: ClientAs) -> None:
    draft = {"display_name": "Lan"}
    sales, analyst = await client_as("sales"), await client_as("analyst")
    assert sales.account != analyst.account
    assert (await sales.post("/api/v1/customers", json=draft)).status_code == 201
    assert (await analyst.post("/api/v1/customers", json=draft)).status_code == 403
    limited = await client_as("sales", scopes=["core.customers.read"])
    assert (await limited.get("/api/v1/customers")).status_code == 200
    assert (await limited.post("/api/v1/customers", json=draft)).status_code == 403


async def test_clients_have_teams_policies_and_permissions(
    client_as: ClientAs, house: House
) -> None:
    team = await house.roles.teams.create(TeamDraft(name="North"), by="system")
    made = await client_as(
        "sales", team=team.id, policy=Policy(scopes=["all"]), permissions=["core.reports.read"]
    )
    assert made.account is not None
    assert (await house.roles.standing(made.account)).teams == [team.id]
    assert (await made.get("/api/v1/reports")).status_code == 200
    assert (await made.get("/api/v1/customers")).status_code == 403
