"""Pairs, checks and sweeps in a house, and the routes to them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from relatum.api import (
    Conflict,
    ContactPointDraft,
    CustomerDraft,
    InvalidInput,
    NotFound,
    Plugin,
    new_id,
)
from relatum.app.house import House
from relatum.customers.types import FieldDraft
from relatum_identity.services.checking import Checking
from relatum_identity.services.pairs import Pairs
from relatum_identity.services.sweeping import Sweeping
from relatum_identity.types import Decision, Pair, PairQuery, Sought

API = "/api/v1/plugins/identity"


def draft(name: str, phone: str, email: str = "", birth: str = "") -> CustomerDraft:
    points = [ContactPointDraft(kind="phone", raw=phone)]
    if email:
        points.append(ContactPointDraft(kind="email", raw=email))
    fields = {"birth_date": birth} if birth else {}
    return CustomerDraft(display_name=name, contact_points=points, fields=fields)


@pytest.fixture
async def people(house: House) -> list[Any]:
    """A double, a wife, a son with his father's name, and others."""
    await house.customers.declare_fields([FieldDraft(key="birth_date", type="date")])
    drafts = [
        draft("Nguyễn Văn Hùng", "0901234567", "hung.nv@example.com", "1980-05-04"),
        draft("hung nguyen van", "+84 901 234 567", "hung.nv@example.com"),
        draft("Trần Thị Mai", "0901234567", "mai@example.com", "1983-12-20"),
        draft("Nguyễn Văn Hùng", "0901234567", "", "2006-11-23"),
        draft("Lê Thị Hoa", "0387654321", "hoa@example.com", "1990-01-02"),
    ]
    others = [
        draft(f"{family} Minh {given}", f"090{n}{m}17788")
        for n, family in enumerate(("Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ"))
        for m, given in enumerate(("An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Khoa", "Lan"))
    ]
    ids = await house.customers.create(drafts + others, by="system")
    while await house.handlers.run_once():
        pass
    return list(ids)


async def candidates(plugin: Plugin) -> list[Pair]:
    return list((await Pairs(plugin).find(PairQuery())).items)


async def test_a_sweep_proposes_and_merges_nothing(
    house: House, plugin: Plugin, people: list[Any]
) -> None:
    swept = await Sweeping(plugin).sweep()
    assert (swept.people, swept.merged) == (69, 0)
    pairs = await candidates(plugin)
    by_pair = {frozenset((each.first, each.second)): each for each in pairs}
    double = by_pair[frozenset(people[:2])]
    assert (double.proposal, double.rule) == ("auto", "")
    assert {each.field: each.level for each in double.evidence} == {
        "name": "same_without_marks",
        "phone": "same",
        "email": "same",
    }
    assert not any(
        {people[0], people[3]} == pair and each.proposal == "auto" for pair, each in by_pair.items()
    )
    assert not any(people[2] in pair or people[4] in pair for pair in by_pair)


async def test_a_second_sweep_keeps_what_it_knew(plugin: Plugin, people: list[Any]) -> None:
    await Sweeping(plugin).sweep()
    before = await candidates(plugin)
    await Sweeping(plugin).sweep()
    after = await candidates(plugin)
    assert [(p.id, p.found_at) for p in after] == [(p.id, p.found_at) for p in before]


async def test_distinct_is_remembered(plugin: Plugin, people: list[Any]) -> None:
    await Sweeping(plugin).sweep()
    pair = (await candidates(plugin))[0]
    decided = await Pairs(plugin).decide(pair.id, Decision(decision="distinct"), by="person:x")
    assert (decided.state, decided.decided_by) == ("distinct", "person:x")
    await Sweeping(plugin).sweep()
    assert pair.id not in {each.id for each in await candidates(plugin)}
    with pytest.raises(Conflict, match="distinct"):
        await Pairs(plugin).decide(pair.id, Decision(decision="merge"), by="person:x")


async def test_a_merge_and_its_way_back(house: House, plugin: Plugin, people: list[Any]) -> None:
    await Sweeping(plugin).sweep()
    pair = next(p for p in await candidates(plugin) if p.proposal == "auto")
    with pytest.raises(InvalidInput, match="survivor"):
        await Pairs(plugin).decide(
            pair.id, Decision(decision="merge", survivor=people[4]), by="person:x"
        )
    decided = await Pairs(plugin).decide(
        pair.id, Decision(decision="merge", survivor=people[0], reason="called"), by="person:x"
    )
    assert (decided.state, decided.first, decided.second) == ("merged", people[0], people[0])
    assert decided.merge is not None
    merge = await house.merging.get(decided.merge)
    assert merge.evidence["plugin"] == "identity"
    assert set(merge.evidence["fields"]) == {"name", "phone", "email"}
    await house.merging.unmerge(decided.merge, by="person:x")
    while await house.handlers.run_once():
        pass
    back = await Pairs(plugin).get(pair.id)
    assert (back.state, {back.first, back.second}) == ("unmerged", set(people[:2]))
    await Sweeping(plugin).sweep()
    assert pair.id not in {each.id for each in await candidates(plugin)}


async def test_the_sweep_merges_where_the_company_wants_it(
    house: House, plugin: Plugin, people: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        plugin, "settings", msgspec.structs.replace(plugin.settings, auto_merge=True)
    )
    swept = await Sweeping(plugin).sweep()
    assert swept.merged == 1
    merged = (await Pairs(plugin).find(PairQuery(state="auto_merged"))).items
    assert [each.decided_by for each in merged] == ["plugin:identity"]
    assert len(await house.merging.current_of(people[:2])) == 1


async def test_a_check_before_saving(plugin: Plugin, people: list[Any]) -> None:
    asked = [
        Sought(
            display_name="Hùng Nguyễn",
            contact_points=[ContactPointDraft(kind="email", raw="HUNG.NV@example.com")],
        ),
        Sought(display_name="Phạm Minh Đức"),
    ]
    likely, nobody = await Checking(plugin).of(asked)
    assert {each.customer for each in likely} >= set(people[:2])
    assert people[2] not in {each.customer for each in likely}
    assert nobody == []


async def test_changed_customers_are_found_by_what_they_are_now(
    house: House, plugin: Plugin, people: list[Any]
) -> None:
    rows = await house.db.fetch(
        "SELECT count(*) FROM identity_key WHERE customer_id = ?", people[4]
    )
    assert rows[0][0] > 3
    from relatum.api import CustomerChange

    await house.customers.change(
        people[4], CustomerChange(display_name="Đỗ Minh Châu"), by="system"
    )
    while await house.handlers.run_once():
        pass
    phone = [ContactPointDraft(kind="phone", raw="0387654321")]
    [found] = await Checking(plugin).of([Sought(display_name="Do Minh Chau", contact_points=phone)])
    assert [each.customer for each in found] == [people[4]]


async def test_what_is_stored_names_nobody(house: House, plugin: Plugin, people: list[Any]) -> None:
    await Sweeping(plugin).sweep()
    models = await house.db.fetch("SELECT model FROM identity_model")
    keys = await house.db.fetch("SELECT key FROM identity_key")
    stored = " ".join(text for (text,) in [*models, *keys])
    assert "901234567" not in stored
    assert "hung.nv@" not in stored


async def test_over_http(client: Any, house: House, people: list[Any]) -> None:
    asked = await client.post(f"{API}/sweeps", json={})
    assert asked.status_code == 202, asked.text
    assert await house.worker.drain() == 1
    listed = (await client.get(f"{API}/pairs?limit=1")).json()
    assert len(listed["items"]) == 1
    assert listed["next"]
    id = listed["items"][0]["id"]
    assert (await client.get(f"{API}/pairs/{id}")).json()["state"] == "candidate"
    decision = await client.post(f"{API}/pairs/{id}/decision", json={"decision": "distinct"})
    assert decision.json()["state"] == "distinct"
    question = {"items": [{"display_name": "Le Thi Hoa", "birth": "1990-01-02"}]}
    answer = (await client.post(f"{API}/check", json=question)).json()
    assert [each["customer"] for each in answer["items"][0]] == [str(people[4])]
    assert (await client.get(f"{API}/pairs/{new_id()}")).status_code == 404


async def test_who_may(client_as: Any, people: list[Any]) -> None:
    reader = await client_as("read_only")
    assert (await reader.get(f"{API}/pairs")).status_code == 403
    seller = await client_as("sales")
    assert (await seller.post(f"{API}/sweeps", json={})).status_code == 403


async def test_no_such_pair(plugin: Plugin) -> None:
    with pytest.raises(NotFound):
        await Pairs(plugin).get(new_id())


async def test_likely_doubles_keep_no_customer_from_being_removed(
    house: House, plugin: Plugin, people: list[Any]
) -> None:
    await Sweeping(plugin).sweep()
    assert await house.customers.in_use(people) == set()
    await house.customers.remove(people[:2], by="system")
    left = {id for pair in await candidates(plugin) for id in (pair.first, pair.second)}
    assert not left & set(people[:2])
    keys = await house.db.fetch("SELECT DISTINCT customer_id FROM identity_key")
    assert not {id for (id,) in keys} & set(people[:2])
