"""The canaries are found where they leak, and only there."""

from __future__ import annotations

import json

import pytest

from tests.security.canaries import Canaries, Eyes, leaks, told


def eyes(*customers: str, unmasked: tuple[str, ...] = ()) -> Eyes:
    return Eyes(frozenset(customers), frozenset(unmasked))


def test_a_word_of_a_hidden_customer_is_a_leak() -> None:
    canaries = Canaries()
    word = canaries.word(["c1"], "deal name")
    answer = json.dumps({"name": f"Máy {word.upper()} 3"})
    assert list(leaks(canaries, eyes("a1"), answer)) == [word]
    assert told(leaks(canaries, eyes("a1"), answer)) == f"  {word}: deal name of c1"
    assert not leaks(canaries, eyes("a1", "c1"), answer)
    assert not leaks(canaries, eyes("a1"), json.dumps({"name": "Máy 3"}))


def test_a_row_of_two_customers_is_hidden_with_either() -> None:
    canaries = Canaries()
    word = canaries.word(["a1", "c1"], "link role")
    assert leaks(canaries, eyes("a1"), word)
    assert leaks(canaries, eyes("c1"), word)
    assert not leaks(canaries, eyes("a1", "c1"), word)


def test_a_masked_class_is_a_leak_of_visible_customers_too() -> None:
    canaries = Canaries()
    phone = canaries.text("912345", ["a1"], "phone", "contact")
    assert leaks(canaries, eyes("a1"), "0912345678")
    assert not leaks(canaries, eyes("a1", unmasked=("contact",)), "0912345678")
    assert leaks(canaries, eyes(unmasked=("contact",)), "0912345678")
    assert phone in leaks(canaries, eyes("a1"), "+84912345678")


def test_what_the_request_named_is_no_leak() -> None:
    canaries = Canaries()
    named, other = canaries.word(["c1"], "name"), canaries.word(["c1"], "note")
    assert list(leaks(canaries, eyes(), f"no {named}, but {other}", asked=f"/x/{named}")) == [other]


def test_places_have_words_of_their_own() -> None:
    canaries = Canaries()
    words = {canaries.word([label], place) for label in ("a", "b") for place in ("x", "y")}
    assert len(words) == 4
    assert canaries.word(["a"], "x") in words
    with pytest.raises(ValueError, match="by chance"):
        canaries.text("123", ["a"], "amount")
    canaries.text("123456", ["a"], "x")
    canaries.text("123456", ["a"], "the same again")
    with pytest.raises(ValueError, match="x alone"):
        canaries.text("123456", ["b"], "amount")


def test_digits_that_stand_for_nothing_are_no_leak() -> None:
    canaries = Canaries()
    canaries.text("912704", ["c1"], "phone", "contact")
    for answer in (
        '{"at":"2026-11-22T10:11:12.912704Z"}',
        '{"id":"01a20588-d7cb-74e3-926a-540491270400"}',
        '{"digest":"a91270400f0e0d0c0b0a0908070605"}',
        'relatum_seconds{path="/customers/{id}"} 1.7912704e9',
    ):
        assert not leaks(canaries, eyes(), answer), answer
    for answer in (
        '{"raw":"0912704000"}',
        '{"at":"84912704000"}',
        "call 0912704000:12",
        "x0912704",
    ):
        assert leaks(canaries, eyes(), answer), answer
