"""The demo company shows ownership: teams, invited people, customers that belong to somebody."""

from __future__ import annotations

from collections import Counter

from relatum.access.accounts.types import AccountQuery
from relatum.app.demo import seed_demo
from relatum.app.demo_people import STAFF
from relatum.app.house import House


async def test_the_demo_has_staff_and_nobody_can_come_in_as_them(core_house: House) -> None:
    await seed_demo(core_house)
    people = (await core_house.accounts.find(AccountQuery(limit=200))).items
    assert len(people) == len(STAFF)
    assert {person.state for person in people} == {"invited"}
    assert not any(person.has_password for person in people)
    held: Counter[str] = Counter()
    for person in people:
        held.update((await core_house.roles.standing(person.id)).roles)
    assert held == {
        "manager": 1,
        "sales": 4,
        "care": 1,
        "marketing": 1,
        "analyst": 1,
        "read_only": 1,
    }
    assert await core_house.accounts.first_link() is not None, "it still has no owner"


async def test_most_demo_customers_belong_to_a_seller_and_their_team(core_house: House) -> None:
    await seed_demo(core_house)
    rows = await core_house.db.fetch("SELECT owner_id, team_id FROM core_customer")
    owners = Counter(owner for owner, _ in rows)
    unowned = owners.pop(None)
    assert len(owners) == 4
    assert min(owners.values()) > 20
    assert 10 < unowned < 60
    for owner, team in rows:
        assert (owner is None) == (team is None)
        if owner is not None:
            assert [team] == (await core_house.roles.standing(owner)).teams
