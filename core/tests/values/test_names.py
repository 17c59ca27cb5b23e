import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.values.names import (
    PersonName,
    greeting_name,
    join_name,
    name_sort_key,
    same_name,
    split_name,
)

word = st.text(alphabet="abcăâđêôơưáảạNHTK", min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("full", "country", "family", "middle", "given_name"),
    [
        ("Nguyễn Văn Hùng", "VN", "Nguyễn", "Văn", "Hùng"),
        ("  Lê   Lan ", "VN", "Lê", "", "Lan"),
        ("Nguyễn Thị Minh Khai", "VN", "Nguyễn", "Thị Minh", "Khai"),
        ("Tôn Thất Tùng", "VN", "Tôn Thất", "", "Tùng"),
        ("Tôn Nữ Thị Ninh", "VN", "Tôn Nữ", "Thị", "Ninh"),
        ("Hùng", "VN", "", "", "Hùng"),
        ("Nguyễn, Văn Hùng", "VN", "Nguyễn", "Văn", "Hùng"),
        ("John Ronald Tolkien", "GB", "Tolkien", "Ronald", "John"),
        ("Tolkien, John Ronald", "GB", "Tolkien", "Ronald", "John"),
        ("Ludwig van Beethoven", "DE", "van Beethoven", "", "Ludwig"),
        ("Anh Le", "US", "Le", "", "Anh"),
        ("Cher", "US", "", "", "Cher"),
        ("", "VN", "", "", ""),
        (",", "VN", "", "", ""),
        ("Nguyễn,", "VN", "", "", "Nguyễn"),
    ],
)
def test_split(full, country, family, middle, given_name):
    expected = PersonName(family=family, middle=middle, given=given_name)
    assert split_name(full, country) == expected


@given(st.lists(word, max_size=6), st.sampled_from(["VN", "US", "HU"]))
def test_no_word_of_a_name_is_lost(words, country):
    assert join_name(split_name(" ".join(words), country), country) == " ".join(words)


def test_greeting():
    assert greeting_name("Nguyễn Văn Hùng") == "Hùng"
    assert greeting_name("John Smith", "US") == "John"
    assert greeting_name(PersonName(family="Trần")) == "Trần"


def test_vietnamese_lists_go_by_given_name_then_family_then_middle():
    ordered = [
        *("Trần Văn An", "Lê Bình", "Nguyễn Văn Bình", "Nguyễn Xuân Bình", "Ngô Đào"),
        *("Bùi Hoan", "An Hoàn", "Đỗ Hoàn"),
    ]
    shuffled = ordered.copy()
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=name_sort_key) == ordered


def test_western_lists_go_by_family_name():
    names = ["Zoe Adams", "Adam Smith", "Bert Smith", "Bert A Smith"]
    assert sorted(names, key=lambda name: name_sort_key(name, "US")) == [
        *("Zoe Adams", "Adam Smith", "Bert Smith", "Bert A Smith")
    ]


@given(word, word, word, word)
def test_the_given_name_decides_before_anything_else(given_a, given_b, family_a, family_b):
    a, b = PersonName(given=given_a, family=family_a), PersonName(given=given_b, family=family_b)
    keys = [name_sort_key(PersonName(given=given)) for given in (given_a, given_b)]
    if keys[0] != keys[1]:
        assert (name_sort_key(a) < name_sort_key(b)) == (keys[0] < keys[1])


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Hùng Nguyễn Văn", "Nguyễn Văn Hùng", True),
        ("NGUYEN VAN HUNG", "Nguyễn Văn Hùng", True),
        ("Anne-Marie O’Brien", "o'brien anne marie", True),
        ("Nguyễn Hùng", "Nguyễn Văn Hùng", False),
        ("Nguyễn Nguyễn", "Nguyễn", False),
        ("", "", False),
        ("...", "...", False),
    ],
)
def test_same_name(a, b, same):
    assert same_name(a, b) is same
    assert same_name(b, a) is same
