"""Organisations: names by their parts, tax codes with their check digit, branches, and pairs."""

from __future__ import annotations

import pytest

from relatum_identity.engine.firms import is_tax_code, read_domain, read_firm, read_tax_code
from relatum_identity.engine.linking import evidence, link
from relatum_identity.engine.schema import Schema
from relatum_identity.services.records import ORGANISATION_FIELDS

SCHEMA = Schema(ORGANISATION_FIELDS)
#: Published tax codes of well-known companies: Vinamilk, FPT, Viettel.
PUBLISHED = ("0300588569", "0101248141", "0100109106")


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_tax_codes_pass_and_any_one_wrong_digit_does_not(code: str) -> None:
    assert is_tax_code(code)
    assert is_tax_code(f"{code}001")
    for place in range(10):
        for digit in "0123456789":
            if digit != code[place]:
                assert not is_tax_code(code[:place] + digit + code[place + 1 :])


def test_what_is_no_tax_code_is_nothing() -> None:
    assert read_tax_code("MST: 0300588569-012") == "0300588569012"
    assert read_tax_code("030058856") == ""
    assert not is_tax_code("")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Công ty TNHH Thương mại Minh Anh", "Cty TNHH TM Minh Anh"),
        ("Công ty TNHH Thương mại Minh Anh", "Minh Anh Trading Co., Ltd."),
        ("Công ty Cổ phần Xây dựng Hòa Phát", "CTCP XD HOA PHAT"),
        ("Công ty TNHH MTV Sao Mai", "Công ty Trách nhiệm hữu hạn một thành viên Sao Mai"),
        ("C.TY TNHH Dịch vụ Ánh Dương", "Anh Duong Services Company Limited"),
        ("DNTN Kim Long", "Doanh nghiệp tư nhân Kim Long"),
    ],
)
def test_one_name_in_many_spellings(one: str, other: str) -> None:
    assert read_firm(one) == read_firm(other)


def test_form_trade_and_branch_are_not_the_name() -> None:
    firm = read_firm("Chi nhánh Huế - Công ty TNHH Thương mại Minh Anh")
    assert (firm.own, firm.text, firm.form, firm.branch) == (
        "anh minh",
        "anh minh trading",
        "llc",
        True,
    )
    assert read_firm("Công ty Cổ phần Minh Anh").form == "jsc"
    assert read_firm("Công ty TNHH MTV Minh Anh").form == "one_member_llc"
    assert read_firm("Công ty TNHH Xây dựng").own == "construction", "a firm called by its trade"


def test_a_free_mailbox_is_no_domain() -> None:
    assert read_domain("info@SaoMai.vn") == "saomai.vn"
    assert read_domain("https://www.saomai.vn/lien-he") == "saomai.vn"
    assert read_domain("saomai@gmail.com") == "saomai@gmail.com"
    assert read_domain("saomai") == ""


Row = tuple[str, str | None, str | None, str | None]


def linked(*rows: Row) -> dict[tuple[int, int], tuple[int, str]]:
    names, taxes, mails, phones = (list(column) for column in zip(*rows, strict=True))
    found = link(
        {
            "name": names,
            "tax": taxes,
            "domain": mails,
            "phone": phones,
            "address": [None] * len(rows),
        },
        SCHEMA,
    )
    return {
        (int(a), int(b)): (int(found.decisions[n]), evidence(found, n)["name"][0])
        for n, (a, b) in enumerate(zip(found.left, found.right, strict=True))
    }


def test_the_same_firm_and_those_that_only_look_like_it() -> None:
    first, second, third = PUBLISHED
    mail, phone = "info@saomai.vn", "02838221234"
    found = linked(
        ("Công ty TNHH Sao Mai", first, mail, phone),
        ("CTY TNHH SAO MAI", first, None, phone),
        ("Công ty TNHH Sao Mai", f"{first}-001", mail, None),
        ("Công ty Cổ phần Sao Mai", second, mail, phone),
        ("Công ty TNHH Sao Mai", third, None, None),
    )
    assert found[0, 1] == (2, "same")
    assert (0, 2) not in found, "a branch is another record"
    assert (1, 2) not in found
    assert found.get((0, 3), (1, ""))[0] == 1, "a sister firm goes to a person, if to anybody"
    assert found.get((0, 4), (1, ""))[0] == 1, "two tax codes are never merged without a person"


def test_a_wrong_digit_is_a_slip_only_where_the_check_digit_says_so() -> None:
    first = PUBLISHED[0]
    slipped = f"{first[:5]}{(int(first[5]) + 1) % 10}{first[6:]}"
    found = link(
        {
            "name": ["Công ty TNHH Sao Mai", "Cty TNHH Sao Mai"],
            "tax": [first, slipped],
            "domain": ["saomai.vn", "saomai.vn"],
            "phone": [None, None],
            "address": [None, None],
        },
        SCHEMA,
    )
    assert evidence(found, 0)["tax"][0] == "typo"
