"""What the guards of the database show is what the definitions of policies say, nothing else."""

import random

import msgspec
import pytest

from benchmarks.visibility import (
    SORTS,
    build,
    differences,
    list_differences,
    random_policies,
    sees,
    viewer_with,
)
from relatum.access.policies import Policy
from relatum.customers.types import CustomerQuery

SEED = 3


@pytest.fixture
async def company(core_house):
    return await build(core_house, random.Random(SEED), customers=45)


async def test_random_policies_show_what_the_reference_says(core_house, company):
    chance = random.Random(SEED)
    triples = shown = 0
    for _ in range(120):
        policies = random_policies(company, chance)
        account = chance.choice(list(company.accounts))
        assert await differences(core_house, company, policies, account) == []
        triples += len(company.customers)
        shown += sum(sees(company, policies, account, one) for one in company.customers)
    assert triples > 5_000
    assert triples / 10 < shown < triples * 9 / 10, "hardly anything to tell apart"


async def test_lists_show_it_in_their_order_with_their_masks(core_house, company):
    chance = random.Random(SEED)
    for _ in range(12):
        policies = random_policies(company, chance)
        account = chance.choice(list(company.accounts))
        for sort in SORTS:
            query = CustomerQuery(sort=sort, limit=chance.choice([3, 7, 50]))
            assert await list_differences(core_house, company, policies, account, query) == []


@pytest.mark.parametrize(
    "filters",
    [
        {"tag": "vip"},
        {"role": "customer"},
        {"kind": "organisation"},
        {"q": "lan"},
        {"fields": {"size": "2"}},
    ],
    ids=str,
)
async def test_filtered_lists_show_it_too(core_house, company, filters):
    chance = random.Random(SEED)
    for sort in SORTS:
        policies = random_policies(company, chance)
        account = chance.choice(list(company.accounts))
        query = CustomerQuery(sort=sort, limit=4, **filters)
        assert await list_differences(core_house, company, policies, account, query) == []


async def test_whatever_names_a_customer_is_hidden_with_it(core_house, company):
    chance = random.Random(SEED)
    tables = {
        "core_contact_point": ("customer_id",),
        "core_customer_role": ("customer_id",),
        "core_customer_tag": ("customer_id",),
        "core_customer_link": ("source_id", "target_id"),
        "core_interaction": ("customer_id",),
        "core_event": ("customer_id",),
    }
    for _ in range(10):
        policies = random_policies(company, chance)
        account = chance.choice(list(company.accounts))
        seen = {one.id for one in company.customers if sees(company, policies, account, one)}
        for table, columns in tables.items():
            select = f"SELECT {', '.join(columns)} FROM {table}"
            rows = await core_house.db.fetch(select)
            assert rows, table
            if any("all" in policy.scopes for policy in policies):
                seen |= {id for row in rows for id in row}
            wanted = [row for row in rows if all(id is None or id in seen for id in row)]
            async with core_house.sights.looking_as(viewer_with(company, policies, account)):
                assert sorted(await core_house.db.fetch(select), key=str) == sorted(
                    wanted, key=str
                ), table


async def test_a_reference_that_is_wrong_is_noticed(core_house, company):
    """Negative control: a customer is said to belong to somebody else than it does."""
    account = next(a for a in company.accounts if any(c.owner == a for c in company.customers))
    one = next(c for c in company.customers if c.owner == account)
    policies = [msgspec.structs.replace(Policy(), scopes=["own"])]
    assert await differences(core_house, company, policies, account) == []
    one.owner = None
    assert await differences(core_house, company, policies, account) != []
    query = CustomerQuery()
    assert await list_differences(core_house, company, policies, account, query) != []
