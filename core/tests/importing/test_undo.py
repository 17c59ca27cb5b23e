"""Taking imports back."""

import pytest

from relatum.customers.types import CustomerChange, CustomerQuery
from relatum.importing.plan import parse_plan
from relatum.importing.service import Imports
from relatum.interactions.types import InteractionDraft
from relatum.values.ids import new_id
from relatum.values.problems import NotFound


class StopHereError(Exception):
    """The process dies here."""


FIRST = "id,name,phone,email\nA,An,0901234567,\nB,Bình,,b@example.com\n"
SECOND = "id,name,phone,email\nA,An Nguyễn,0907654321,\nC,Chi,,\nA,An Lê,,a@example.com\n"


async def ids_of(house):
    page = await house.customers.find(CustomerQuery(limit=200))
    return {customer.external_ids["shop"]: customer.id for customer in page.items}


async def test_undoing_restores_what_was_before(core_house, write, customers_plan, state_of):
    folder = write("customers.csv", FIRST)
    await core_house.imports.apply(customers_plan, folder)
    before = await state_of(core_house, ids=True)
    write("customers.csv", SECOND)
    second = await Imports(core_house, batch=1).apply(customers_plan, folder)
    assert (second.counts.created, second.counts.updated) == (1, 2)
    assert await state_of(core_house, ids=True) != before
    undone = await core_house.imports.undo(second.id)
    assert undone.kept == []
    assert await state_of(core_house, ids=True) == before
    assert [entry.state for entry in await core_house.imports.entries()] == ["undone", "applied"]
    events = await core_house.events.read(0, until=10**9, types=["core.import_undone"], limit=9)
    assert [event.data()["kept"] for event in events] == [0]


async def test_imports_can_be_undone_one_after_the_other(
    core_house, write, customers_plan, state_of
):
    empty = await state_of(core_house, ids=True)
    folder = write("customers.csv", FIRST)
    first = await core_house.imports.apply(customers_plan, folder)
    write("customers.csv", SECOND)
    second = await core_house.imports.apply(customers_plan, folder)
    assert (await core_house.imports.undo(second.id)).kept == []
    assert (await core_house.imports.undo(first.id)).kept == []
    assert await state_of(core_house, ids=True) == empty


async def test_what_somebody_changed_since_stays_and_is_named(core_house, write, customers_plan):
    outcome = await core_house.imports.apply(customers_plan, write("customers.csv", FIRST))
    ids = await ids_of(core_house)
    await core_house.customers.change(ids["A"], CustomerChange(tags=["vip"]), by="person:lan")
    undone = await core_house.imports.undo(outcome.id)
    assert [(p.code, p.where) for p in undone.kept] == [("changed-since", f"customer {ids['A']}")]
    assert await ids_of(core_house) == {"A": ids["A"]}


async def test_what_something_points_at_stays_and_is_named(core_house, write, customers_plan):
    outcome = await core_house.imports.apply(customers_plan, write("customers.csv", FIRST))
    ids = await ids_of(core_house)
    note = InteractionDraft(kind="core.note", customer_id=ids["B"], payload={"text": "hello"})
    await core_house.interactions.record([note], by="person:lan")
    undone = await core_house.imports.undo(outcome.id)
    assert [(p.code, p.where) for p in undone.kept] == [("in-use", f"customer {ids['B']}")]
    assert await ids_of(core_house) == {"B": ids["B"]}


async def test_a_restored_customer_keeps_what_others_changed_since(
    core_house, write, customers_plan
):
    folder = write("customers.csv", FIRST)
    await core_house.imports.apply(customers_plan, folder)
    write("customers.csv", SECOND)
    second = await core_house.imports.apply(customers_plan, folder)
    ids = await ids_of(core_house)
    await core_house.customers.change(
        ids["A"], CustomerChange(display_name="Chị An"), by="person:lan"
    )
    undone = await core_house.imports.undo(second.id)
    # Two lines of the file changed the customer; each of the changes stays.
    assert {(p.code, p.where) for p in undone.kept} == {("changed-since", f"customer {ids['A']}")}
    assert (await core_house.customers.get(ids["A"])).display_name == "Chị An"


async def test_undoing_broken_off_goes_on(core_house, write, customers_plan, state_of):
    empty = await state_of(core_house)
    rows = "".join(f"K{n},Name {n},,\n" for n in range(50))
    imports = Imports(core_house, batch=10)
    outcome = await imports.apply(
        customers_plan, write("customers.csv", "id,name,phone,email\n" + rows)
    )
    done = []

    def watch(progress):
        done.append(progress)
        if len(done) == 2:
            raise StopHereError

    with pytest.raises(StopHereError):
        await imports.undo(outcome.id, watch=watch)
    assert (await imports.entries())[0].state == "undoing"
    assert len((await state_of(core_house))["customers"]) == 40
    undone = await imports.undo(outcome.id)
    assert undone.kept == []
    assert await state_of(core_house) == empty


async def test_interactions_are_taken_back_with_an_event_for_each(core_house, write):
    plan = parse_plan(
        """
        name = "notes"
        [[files]]
        path = "notes.csv"
        target = "core.interactions"
        [files.columns]
        idempotency_key = "id"
        kind = {value = "core.note"}
        occurred_at = "at"
        payload.text = "text"
        """
    )
    content = "id,at,text\n1,2024-05-01,one\n2,2024-05-02,two\n"
    outcome = await core_house.imports.apply(plan, write("notes.csv", content))
    await core_house.imports.undo(outcome.id)
    assert [b async for b in core_house.interactions.all_batches()] == []
    events = await core_house.events.read(
        0, until=10**9, types=["core.interaction_retracted"], limit=9
    )
    assert len(events) == 2


async def test_an_unknown_import_is_told(core_house):
    with pytest.raises(NotFound, match="import --list"):
        await core_house.imports.undo(new_id())
