"""A sweep of what changed puts down the same pairs as one of everybody."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from relatum.api import ContactPointDraft, CustomerChange, CustomerDraft, Plugin
from relatum.app.house import House
from relatum.customers.types import FieldDraft
from relatum_identity.engine.linking import link
from relatum_identity.services.models import Models
from relatum_identity.services.pairs import Pairs
from relatum_identity.services.records import read_records, schema_of
from relatum_identity.services.sweeping import Sweeping, found_pairs
from relatum_identity.types import Decision, PairQuery

FAMILIES = ("Nguyễn", "Trần", "Phạm")
MIDDLES = ("Văn", "Thị", "Minh")
GIVEN = ("An", "Bình", "Chi", "Dũng", "Hà", "Lan", "Mai")
PHONES = tuple(f"09012345{n:02d}" for n in range(12))
MAILS = tuple(f"hop.thu{n}@example.com" for n in range(12))
BIRTHS = tuple(dt.date(1980 + n, 1 + n, 4 + n).isoformat() for n in range(6))

drafts = st.builds(
    lambda family, middle, given, phone, mail, birth: CustomerDraft(
        display_name=f"{family} {middle} {given}",
        contact_points=[
            *([ContactPointDraft(kind="phone", raw=phone)] if phone else []),
            *([ContactPointDraft(kind="email", raw=mail)] if mail else []),
        ],
        fields={"birth_date": birth} if birth else {},
    ),
    *(st.sampled_from(some) for some in (FAMILIES, MIDDLES, GIVEN)),
    st.sampled_from(("", *PHONES)),
    st.sampled_from(("", *MAILS)),
    st.sampled_from(("", *BIRTHS)),
)


def crowd() -> list[CustomerDraft]:
    """Enough people to learn from, each six of them twice."""
    made: list[CustomerDraft] = []
    for n in range(120):
        name = f"{FAMILIES[n % 3]} {MIDDLES[n % 2]} {GIVEN[n % 7]}{'abcdefghij'[n % 10]}"
        points = [
            ContactPointDraft(kind="phone", raw=f"09{n:08d}"),
            ContactPointDraft(kind="email", raw=f"ai{n}@example.com"),
        ]
        fields = {"birth_date": dt.date(1960 + n % 40, 1 + n % 12, 1 + n % 28).isoformat()}
        one = CustomerDraft(display_name=name, contact_points=points, fields=fields)
        made += [one] * (2 if n % 6 == 0 else 1)
    return made


async def settle(house: House) -> None:
    while await house.handlers.run_once():
        pass


async def put_down(house: House) -> dict[Any, tuple[Any, ...]]:
    rows = await house.db.fetch(
        "SELECT first_id, second_id, proposal, probability, weight, rule FROM identity_pair "
        "WHERE state = 'candidate'"
    )
    return {frozenset(row[:2]): tuple(row[2:]) for row in rows}


async def by_everybody(house: House, plugin: Plugin) -> dict[Any, tuple[Any, ...]]:
    """What a sweep of everybody puts down with what was learned before."""
    records = await read_records(house.db, plugin.settings, "person")
    model = await Models(house.db).newest(schema_of(plugin.settings), "person")
    linked = link(records.columns, model.schema, model=model)
    return {
        frozenset((one.first, one.second)): (one.proposal, one.probability, one.weight, one.rule)
        for one in found_pairs(linked, records)
    }


def alike(some: dict[Any, tuple[Any, ...]], others: dict[Any, tuple[Any, ...]]) -> bool:
    """The same pairs with the same proposals and rules; one database keeps seven digits."""
    return some.keys() == others.keys() and all(
        (one[0], one[3]) == (other[0], other[3])
        and one[1:3] == pytest.approx(other[1:3], rel=1e-4, abs=1e-4)
        for one, other in ((some[pair], others[pair]) for pair in some)
    )


def test_the_comparison_sees_what_differs() -> None:
    pair = frozenset((1, 2))
    assert alike({pair: ("auto", 0.5, 8.945, "")}, {pair: ("auto", 0.5, 8.94500001, "")})
    for other in (("review", 0.5, 8.945, ""), ("auto", 0.6, 8.945, ""), ("auto", 0.5, 9.0, "")):
        assert not alike({pair: ("auto", 0.5, 8.945, "")}, {pair: other})
    assert not alike({pair: ("auto", 0.5, 8.945, "")}, {})


@pytest.fixture
async def learned(house: House, plugin: Plugin) -> list[Any]:
    await house.customers.declare_fields([FieldDraft(key="birth_date", type="date")])
    ids = await house.customers.create(crowd(), by="system")
    await settle(house)
    swept = await Sweeping(plugin).sweep()
    assert swept.whole
    assert swept.sure == 20
    return list(ids)


async def test_only_what_changed_is_looked_at(
    house: House, plugin: Plugin, learned: list[Any]
) -> None:
    nothing = await Sweeping(plugin).sweep("changed")
    assert (nothing.whole, nothing.looked_at, nothing.compared) == (False, 0, 0)
    assert len(await put_down(house)) == 20
    double = crowd()[10]
    [id] = await house.customers.create([double], by="system")
    await settle(house)
    swept = await Sweeping(plugin).sweep("changed")
    assert (swept.whole, swept.sure) == (False, 1)
    assert swept.looked_at <= 4
    assert any(id in pair for pair in await put_down(house))
    # who is no double any more is taken off
    change = CustomerChange(display_name="Đỗ Quỳnh Như", contact_points=[], fields={})
    await house.customers.change(id, change, by="system")
    change = CustomerChange(fields={"birth_date": None})
    await house.customers.change(id, change, by="system")
    await settle(house)
    await Sweeping(plugin).sweep("changed")
    assert not any(id in pair for pair in await put_down(house))
    assert len(await put_down(house)) == 20


CASES = 8


@settings(
    max_examples=CASES,
    deadline=None,
    # a case stands on those before it: it cannot be made smaller by itself
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    fresh=st.lists(drafts, max_size=8),
    changes=st.lists(st.tuples(st.integers(0, 139), drafts), max_size=4),
    copies=st.lists(st.integers(0, 139), max_size=3),
)
async def test_the_same_pairs_as_everybody(
    house: House,
    plugin: Plugin,
    learned: list[Any],
    fresh: list[CustomerDraft],
    changes: list[tuple[int, CustomerDraft]],
    copies: list[int],
) -> None:
    """House and people stay from case to case: what one case leaves, the next begins with."""
    every = crowd()
    await house.customers.create([*fresh, *(every[n % len(every)] for n in copies)], by="system")
    for place, draft in changes:
        await house.customers.change(
            learned[place % len(learned)],
            CustomerChange(
                display_name=draft.display_name,
                contact_points=draft.contact_points,
                fields={"birth_date": draft.fields.get("birth_date")},
            ),
            by="system",
        )
    await settle(house)
    await Sweeping(plugin).sweep("changed")
    assert alike(await put_down(house), await by_everybody(house, plugin))


async def test_much_that_changed_is_a_whole_sweep(
    house: House, plugin: Plugin, learned: list[Any]
) -> None:
    await house.customers.create(crowd(), by="system")
    await settle(house)
    assert (await Sweeping(plugin).sweep("changed")).whole


async def test_pairs_that_were_decided_stay_decided(
    house: House, plugin: Plugin, learned: list[Any]
) -> None:
    [pair, *_] = (await Pairs(plugin).find(PairQuery())).items
    await Pairs(plugin).decide(pair.id, Decision(decision="distinct"), by="person:x")
    change = CustomerChange(tags=["vip"])
    await house.customers.change(pair.first, change, by="system")
    await settle(house)
    await Sweeping(plugin).sweep("changed")
    assert frozenset((pair.first, pair.second)) not in await put_down(house)
