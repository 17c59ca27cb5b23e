"""A search against a slow look at every customer: the same rows, each once, whatever is typed."""

from __future__ import annotations

import random
from uuid import UUID

import msgspec
import pytest

from core.tests.customers.test_visibility import account, person
from relatum.app.house import House
from relatum.customers import finding, searching
from relatum.customers.types import (
    ContactPointDraft,
    Customer,
    CustomerDraft,
    CustomerQuery,
)
from relatum.values.text import fold

SYLLABLES = ("Hà", "Hạ", "ha", "Đỗ", "do", "Nguyễn", "An", "Ân", "50%", "a_b", "Ô'Neil", "\\o/")
ROUNDS = 60


@pytest.fixture
async def crowd(core_house: House) -> tuple[UUID, list[Customer]]:
    """Somebody with a part of ninety customers; the customers as they are."""
    chance = random.Random(20261122)
    me = await account()
    drafts = [
        CustomerDraft(
            display_name=" ".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))),
            contact_points=[
                ContactPointDraft(kind="phone", raw=f"09{chance.randrange(10**8):08}"),
                ContactPointDraft(kind="email", raw=f"{chance.choice('abc')}{n}@example.com"),
            ],
            tags=["vip"] if n % 7 == 0 else [],
            owner=me if n % 3 == 0 else None,
        )
        for n in range(90)
    ]
    ids = await core_house.customers.create(drafts, by="system")
    return me, await core_house.customers.get_many(ids)


def naive(everybody: list[Customer], query: CustomerQuery, *, contacts: bool) -> set[UUID]:
    """Every customer looked at."""
    found = set()
    for one in everybody:
        texts = [fold(one.display_name)]
        if contacts:
            texts += [point.normalised for point in one.contact_points]
            texts += [
                "0" + point.normalised.removeprefix("+84")
                for point in one.contact_points
                if point.kind == "phone"
            ]
        whole = " ".join(texts)
        fits = all(word in whole for word in fold(query.q).split())
        if fits and (not query.tag or query.tag in one.tags):
            found.add(one.id)
    return found


def typed(chance: random.Random, everybody: list[Customer]) -> str:
    """A part of what somebody has, perhaps with another word, perhaps nonsense."""
    one = chance.choice(everybody)
    source = chance.choice([one.display_name, *(point.raw for point in one.contact_points)])
    start = chance.randrange(len(source))
    part = source[start : start + chance.randint(1, 6)]
    return f"{part} {chance.choice(['', 'a', 'zq', 'ha', '09', '%', '_', chr(34), 'HÀ'])}"


async def every_page(house: House, query: CustomerQuery) -> list[Customer]:
    """All pages, further on; and back again, which must be the same ones."""
    found, backwards = [], []
    turn = await house.customers.turn(query)
    while True:
        found += turn.items
        if turn.next is None:
            break
        turn = await house.customers.turn(msgspec.structs.replace(query, cursor=turn.next))
    backwards = list(turn.items)
    while turn.previous is not None:
        turn = await house.customers.turn(msgspec.structs.replace(query, cursor=turn.previous))
        backwards = [*turn.items, *backwards]
    assert [one.id for one in backwards] == [one.id for one in found]
    return found


@pytest.mark.parametrize(
    ("few", "counted"), [(0, 4_000), (8, 4_000), (4_000, 4_000), (8, 5), (40, 10)]
)
async def test_the_same_rows_as_a_slow_look(
    core_house: House,
    crowd: tuple[UUID, list[Customer]],
    few: int,
    counted: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Few that are looked up, and many that are met in the order of the list; who stands first is
    known from counting them, or looked for.
    """
    monkeypatch.setattr(searching, "FEW", few)
    monkeypatch.setattr(finding, "FEW", counted)
    me, everybody = crowd
    mine = [one for one in everybody if one.owner == me]
    masked = frozenset({"contact"})
    viewers = [
        (person(me, everything=True), everybody, True),
        (person(me), mine, True),
        (person(me, everything=True, masked=masked), everybody, False),
        (person(me, masked=masked), mine, False),
    ]
    chance = random.Random(few)
    met = 0
    for number in range(ROUNDS):
        viewer, seen, contacts = viewers[number % len(viewers)]
        query = CustomerQuery(
            q=typed(chance, everybody),
            tag=chance.choice([None, None, "vip"]),
            sort=chance.choice(["display_name", "-display_name", "-created_at", "updated_at"]),
            limit=chance.choice([3, 7]),
        )
        expected = naive(seen, query, contacts=contacts)
        async with core_house.sights.looking_as(viewer):
            found = [one.id for one in await every_page(core_house, query)]
            _, number_told = await core_house.customers.survey(query)
        assert len(found) == len(set(found)), query
        assert set(found) == expected, query
        assert number_told == len(expected), query
        met += len(expected)
    assert met > ROUNDS


async def test_exact_marks_come_first(
    core_house: House, crowd: tuple[UUID, list[Customer]]
) -> None:
    _, everybody = crowd
    for word in ("Hạ", "hà", "NGUYỄN", "đỗ"):
        found = await every_page(core_house, CustomerQuery(q=word, sort="display_name", limit=5))
        exact = [word.casefold() in one.display_name.casefold() for one in found]
        assert exact == sorted(exact, reverse=True), word
        assert any(exact)
        assert len(found) == len(naive(everybody, CustomerQuery(q=word), contacts=True))


async def test_counts_stop_where_they_are_told_to(
    core_house: House, crowd: tuple[UUID, list[Customer]]
) -> None:
    me, everybody = crowd
    assert await core_house.customers.count(CustomerQuery(), most=1_000) == len(everybody)
    assert await core_house.customers.count(CustomerQuery(), most=20) == 21
    async with core_house.sights.looking_as(person(me)):
        assert await core_house.customers.count(CustomerQuery(), most=1_000) == 30
        assert await core_house.customers.count(CustomerQuery(), most=20) == 21
