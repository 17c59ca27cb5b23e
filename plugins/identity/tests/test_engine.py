"""What is compared, blocked and decided, on small tables whose truth is plain to see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relatum_identity.engine.blocking import candidates
from relatum_identity.engine.clusters import clusters
from relatum_identity.engine.comparing import compare
from relatum_identity.engine.deciding import judge, rule_of
from relatum_identity.engine.learning import set_model
from relatum_identity.engine.linking import evidence, link, queue
from relatum_identity.engine.preparing import prepare
from relatum_identity.engine.schema import LEVELS, Field, Schema
from relatum_identity.engine.values import read_address, read_email, read_phone
from relatum_identity.services.records import FIELDS

SCHEMA = Schema(FIELDS)
FILLING = ["Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương"]
GIVEN = ["An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Khoa", "Lan", "Minh", "Nam", "Oanh", "Phúc"]


def level(kind: str, a: Any, b: Any) -> str:
    """How alike two values are, in a file of other people."""
    others = [f"{family} Văn {given}" for family in FILLING for given in GIVEN]
    values = [a, b, *(others if kind == "name" else [None] * len(others))]
    prepared = prepare({"it": values}, Schema((Field("it", kind),)))  # type: ignore[arg-type]
    left, right = np.array([0], np.int32), np.array([1], np.int32)
    found = int(compare(prepared, left, right)[0].levels[0])
    return "missing" if found < 0 else LEVELS[kind][found].id


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Nguyễn Văn Hùng", "Nguyễn Văn Hùng", "same"),
        ("Nguyễn Văn Hùng", "Hùng Nguyễn Văn", "same"),
        ("Nguyễn Văn Hoà", "Nguyễn Văn Hòa", "same"),
        ("Nguyễn Văn Hùng", "NGUYEN VAN HUNG", "same_without_marks"),
        ("Nguyễn Văn Hùng", "hung nguyen van", "same_without_marks"),
        ("Nguyễn Văn Hùng", "Nguyễn Hùng", "middle_lost"),
        ("Nguyễn Văn Hùng", "Hùng Nguyễn", "middle_lost"),
        ("Nguyễn Văn Hùng", "Nguyễn Văn Hugn", "typo"),
        ("Nguyễn Văn Hùng", "Nguyễn Văn Hưng", "part_differs"),
        ("Nguyễn Văn Hùng", "Nguyễn Đức Hùng", "part_differs"),
        ("Lê Văn An", "Lê Văn Lan", "same_family"),
        ("Nguyễn Văn Hùng", "Nguyễn Thị Mai", "same_family"),
        ("Nguyễn Văn Hùng", "Trần Thị Mai", "differs"),
        ("Nguyễn Văn Hùng", None, "missing"),
    ],
)
def test_names(a: str, b: str | None, expected: str) -> None:
    assert level("name", a, b) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("1990-03-07", "19900307", "same"),
        ("1990-03-07", "1990-07-03", "day_month_swapped"),
        ("1990-03-07", "1990-03-01", "one_digit"),
        ("1990-03-07", "1990-03-15", "partly"),
        ("1990-03-07", "1961-12-24", "differs"),
        ("1990-03-07", "unknown", "missing"),
    ],
)
def test_dates(a: str, b: str, expected: str) -> None:
    assert level("date", a, b) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (["0901234567", "0912345678"], ["+84 912 345 678"], "same"),
        ("0168 123 4567", "0381234567", "same"),
        ("0901234567", "0901234568", "one_digit"),
        ("0901234567", "0387654321", "differs"),
    ],
)
def test_telephones(a: Any, b: Any, expected: str) -> None:
    assert level("phone", a, b) == expected


def test_numbers_of_2018_and_other_spellings() -> None:
    # Published with the renumbering (decision 798/QĐ-BTTTT).
    assert read_phone("0168 123 4567") == "+84381234567"
    assert read_phone("0123-4567-890") == "+84834567890"
    assert read_phone("+84 (0)90 123 4567") == "+84901234567"
    assert read_phone("84901234567") == "+84901234567"
    assert read_phone("0199 5959 999") == "+84595959999"
    assert read_phone("+1 212 736 5000") == "+12127365000"
    assert read_phone("12") == ""


def test_other_values() -> None:
    assert read_email(" Lan@Example.COM ") == "lan@example.com"
    assert read_email("lan@") == ""
    assert read_address("12/3 Đ. Lê Lợi, P.5, TP Huế") == read_address("12/3 le loi 5 hue")
    assert read_address("854 7th Ave.") == read_address("854 seventh avenue")


PERSON = {
    "name": "Nguyễn Văn Hùng",
    "phone": "0901234567",
    "email": "hung.nv@example.com",
    "birth": "1980-05-04",
    "address": "12 Lê Lợi, Phường 5, Huế",
}


def decided(**other: Any) -> tuple[str, str]:
    """What is decided of the person and somebody else with what the schema sets, and the rule."""
    rows = [PERSON, {**PERSON, **other}]
    columns = {name: [row[name] for row in rows] + [None] * 5_000 for name in PERSON}
    prepared = prepare(columns, SCHEMA)
    model = set_model(prepared)
    likeness = compare(prepared, np.array([0], np.int32), np.array([1], np.int32))
    _, _, decisions = judge(model, likeness)
    return ("distinct", "review", "auto")[decisions[0]], rule_of(model, likeness, 0)


def test_the_same_person_written_by_another_hand() -> None:
    assert decided(name="hung nguyen van", email=None, address=None) == ("auto", "")
    assert decided(birth="1980-04-05", phone="0387654321")[0] == "auto"


def test_father_and_son_with_one_name_and_one_telephone() -> None:
    assert decided(birth="2006-11-23", email=None) == ("review", "another_birth_date")


def test_people_of_one_household() -> None:
    wife = {"name": "Trần Thị Mai", "email": "mai@example.com", "birth": "1983-12-20"}
    assert decided(**wife)[0] == "distinct"
    brother = {"name": "Nguyễn Văn Tuấn", "email": None, "birth": None}
    assert decided(**brother) == ("distinct", "another_name")


def test_another_given_name_is_never_merged_without_a_person() -> None:
    assert decided(name="Nguyễn Thị Mai") == ("review", "another_name")


def test_namesakes() -> None:
    stranger = {"phone": "0387654321", "email": "x@example.com", "birth": "1961-12-24"}
    assert decided(**stranger, address="7 Nguyễn Du, Phường 1, Huế")[0] == "distinct"


def test_blocks_are_bounded_and_every_pair_comes_once() -> None:
    many = 3_000
    columns: dict[str, Any] = {"name": ["Nguyễn Văn Hùng"] * many, "phone": ["0901234567"] * many}
    columns["phone"] = [f"09{n // 2:08}" for n in range(many)]
    prepared = prepare(columns, Schema((Field("name", "name"), Field("phone", "phone"))))
    found = candidates(prepared)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert len(pairs) == found.left.size
    assert {(n, n + 1) for n in range(0, many, 2)} == pairs


def test_no_chain_through_a_record_that_contradicts() -> None:
    def judge_pairs(left: Any, right: Any) -> Any:
        # 0 and 2 are two people; everything else is one.
        return np.full(left.size, 5.0), (left == 0) & (right == 2)

    left, right = np.array([0, 1, 3], np.int32), np.array([1, 2, 4], np.int32)
    weights = np.array([9.0, 7.0, 6.0])
    assert clusters(left, right, weights, 5, judge_pairs).tolist() == [0, 0, 2, 3, 3]


def test_a_whole_file_and_its_evidence() -> None:
    rows: list[dict[str, Any]] = []
    for n in range(400):
        name = f"{FILLING[n % 12]} Văn {GIVEN[n // 12 % 12]}"
        rows.append(
            {
                "name": name,
                "phone": f"09{n * 7919 % 10**8:08}",
                "email": f"p{n * 31 % 997}.{n}@example.com",
                "birth": f"{1950 + n % 50}-{1 + n % 12:02}-{1 + n % 28:02}",
                "address": f"{n} Lê Lợi, Huế",
            }
        )
    rows += [{**rows[n], "name": rows[n]["name"].upper(), "email": None} for n in range(40)]
    found = link({name: [row[name] for row in rows] for name in PERSON}, SCHEMA)
    assert found.model.learned
    assert [int(found.groups[400 + n]) for n in range(40)] == list(range(40))
    assert not queue(found).size
    told = evidence(found, 0)
    assert told["phone"][0] == "same"
    assert told["phone"][1] > 5
    assert "email" not in told


def test_two_files_give_each_record_one_partner() -> None:
    names = [f"{a} {b}" for a in FILLING for b in GIVEN]
    columns: Any = {"name": [*names, *names, names[0]]}
    columns["phone"] = [f"09{n % 144:08}" for n in range(288)] + ["0900000000"]
    side = [False] * 144 + [True] * 145
    found = link(columns, Schema((Field("name", "name"), Field("phone", "phone"))), side=side)
    assert len(set(found.left.tolist())) == found.left.size == len(set(found.right.tolist()))
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) >= {
        (n, n + 144) for n in range(1, 144)
    }


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_records(rows: int) -> None:
    found = link({name: [PERSON[name]] * rows for name in PERSON}, SCHEMA)
    assert found.left.size == (1 if rows == 2 else 0)


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="missing are phone"):
        prepare({"name": []}, Schema((Field("name", "name"), Field("phone", "phone"))))
    with pytest.raises(ValueError, match="one length"):
        prepare(
            {"name": [None], "phone": []}, Schema((Field("name", "name"), Field("phone", "phone")))
        )


def test_hostile_values_are_only_values() -> None:
    hostile = [
        "\x00",
        "'; DROP TABLE x --",
        "🙂" * 300,
        " ",
        "٣٤٥",
        "a" * 5_000,
        "1\u202e2",
        "\ud7ff",
    ]
    found = link({each.name: hostile * 2 for each in FIELDS}, SCHEMA)
    assert found.groups.size == 16
