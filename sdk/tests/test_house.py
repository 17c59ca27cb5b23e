"""The fixtures that give a whole application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.customers.types import CustomerDraft

if TYPE_CHECKING:
    import httpx

    from relatum.app.house import House


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
