"""Free-form addresses and their units, in a country of our own."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.addresses.gazetteer import Gazetteer
from relatum.addresses.parsing import read_address

BEFORE = dt.date(2025, 6, 30)
AFTER = dt.date(2025, 7, 1)


def names(reading):
    return [unit.full_name for unit in reading.units]


@pytest.mark.parametrize(
    ("text", "street", "units"),
    [
        (
            "số 5, ngõ 12 Đường Láng, P. Liễu Thượng, Q. Đông Đô, TP. Sông Lớn",
            "số 5, ngõ 12 Đường Láng",
            ["Phường Liễu Thượng", "Quận Đông Đô", "Thành phố Sông Lớn"],
        ),
        (
            "5 duong lang, p lieu thuong, q dong do, tp song lon, Viet Nam",
            "5 duong lang",
            ["Phường Liễu Thượng", "Quận Đông Đô", "Thành phố Sông Lớn"],
        ),
        (
            "TP Sông Lớn, Quận 1, Phường 3, 12 Lê Lợi",
            "12 Lê Lợi",
            ["Phường 3", "Quận 1", "Thành phố Sông Lớn"],
        ),
        ("12 Lê Lợi,P3,Q.01,Sông Lớn", "12 Lê Lợi", ["Phường 3", "Quận 1", "Thành phố Sông Lớn"]),
        (
            "Thôn 2 Tân Lập Tân Lập - Núi Đá",
            "Thôn 2",
            ["Xã Tân Lập", "Huyện Tân Lập", "Tỉnh Núi Đá"],
        ),
        ("TT Gò Xa, HuyệnGò Xa", "", ["Thị trấn Gò Xa", "Huyện Gò Xa", "Thành phố Sông Lớn"]),
        ("XMây Trắng, TỉnhNúi Đá", "", ["Xã Mây Trắng", "Huyện Tân Lập", "Tỉnh Núi Đá"]),
        ("H. Đảo Yến, tỉnh Núi Đá", "", ["Huyện Đảo Yến", "Tỉnh Núi Đá"]),
        ("Phường Liễu Hạ", "", ["Phường Liễu Hạ", "Quận Đông Đô", "Thành phố Sông Lớn"]),
    ],
)
def test_former_units(gazetteer, text, street, units):
    for reading in (
        read_address(text, gazetteer),
        read_address(text, gazetteer, as_of=BEFORE),
    ):
        assert (reading.certainty, names(reading)) == ("exact", units)
        assert reading.address.street == street
        assert reading.address.as_of == BEFORE


def test_present_units_have_no_district(gazetteer):
    reading = read_address("Số 1 Lê Lợi, Phường Liễu, Sông Lớn", gazetteer)
    assert names(reading) == ["Phường Liễu", "Thành phố Sông Lớn"]
    assert (reading.address.ward, reading.address.district) == ("00001", "")
    assert reading.address.as_of == AFTER
    assert reading.text == "Số 1 Lê Lợi, Phường Liễu, Thành phố Sông Lớn"


def test_a_date_decides_between_units_of_one_name(gazetteer):
    text = "Phường Bến Cũ, Sông Lớn"
    assert names(read_address(text, gazetteer, as_of=AFTER)) == [
        "Phường Bến Cũ",
        "Thành phố Sông Lớn",
    ]
    assert names(read_address(text, gazetteer, as_of=BEFORE)) == [
        "Phường Bến Cũ",
        "Quận 1",
        "Thành phố Sông Lớn",
    ]


def test_a_unit_that_was_split_has_all_its_answers(gazetteer):
    reading = read_address("P. Liễu Hạ, Q. Đông Đô, Sông Lớn", gazetteer)
    assert reading.present.outcome == "several"
    assert [(a.unit.full_name, a.share, a.note) for a in reading.present.answers] == [
        ("Phường Liễu", "part", "Nhập một phần"),
        (
            "Phường Bến Cũ",
            "area-with-everybody",
            "Nhập một phần diện tích, toàn bộ dân số",
        ),
    ]


def test_a_unit_that_went_whole_has_one_answer(gazetteer):
    reading = read_address("P. Liễu Thượng, Q. Đông Đô, Sông Lớn", gazetteer)
    assert reading.present.outcome == "exact"
    assert [answer.unit.full_name for answer in reading.present.answers] == ["Phường Liễu"]


def test_districts_and_provinces(gazetteer):
    units = gazetteer.units
    several = gazetteer.present_of(units["district:001"])
    assert several.outcome == "several"
    assert [a.unit.name for a in several.answers] == ["Liễu", "Bến Cũ"]
    island = gazetteer.present_of(units["district:012"])
    assert (island.outcome, island.answers[0].unit.full_name) == ("exact", "Đặc khu Đảo Yến")
    province = gazetteer.present_of(units["province:02"])
    assert (province.outcome, province.answers[0].unit.full_name) == ("exact", "Thành phố Sông Lớn")


def test_where_present_units_came_from(gazetteer):
    units = gazetteer.units
    ward = gazetteer.former_of(units["ward:00004@2025-07-01"])
    assert ward.outcome == "several"
    assert [a.unit.full_name for a in ward.answers] == [
        "Phường Liễu Hạ",
        "Phường 3",
        "Phường Bến Cũ",
    ]
    kept = gazetteer.former_of(units["ward:00005@2025-07-01"])
    assert (kept.outcome, kept.answers[0].unit.full_name) == ("exact", "Thị trấn Gò Xa")
    province = gazetteer.former_of(units["province:01@2025-07-01"])
    assert [a.unit.name for a in province.answers] == ["Sông Lớn", "Núi Đá"]


def test_what_the_tables_do_not_say_is_unknown(gazetteer):
    # Tân Lập of Gò Xa is in the table of former units alone.
    assert gazetteer.present_of(gazetteer.units["ward:00006"]).outcome == "unknown"


def test_units_of_one_name_are_not_guessed(gazetteer):
    reading = read_address("Xã Tân Lập", gazetteer)
    assert (reading.certainty, names(reading)) == ("ambiguous", ["Thành phố Sông Lớn"])
    assert {unit.key for unit in reading.alternatives} >= {"ward:00006", "ward:00011"}
    assert reading.address.ward == ""


def test_other_spelling_is_found_and_told(gazetteer):
    reading = read_address("P. Bến Cuũ, Q1, Sông Lơnn", gazetteer)
    assert reading.certainty == "near"
    assert names(reading) == ["Phường Bến Cũ", "Quận 1", "Thành phố Sông Lớn"]


@pytest.mark.parametrize("text", ["", "  ", "12 Bến Cũ", "0901 234 567", "?!", "đường Tân Lập"])
def test_what_names_no_unit(gazetteer, text):
    reading = read_address(text, gazetteer)
    assert (reading.certainty, reading.units, reading.present.outcome) == ("none", (), "unknown")
    assert reading.text == text.strip()


def test_without_units_an_address_is_text():
    reading = read_address("Số 5\nP. Liễu Hạ", Gazetteer((), ()))
    assert (reading.certainty, reading.text) == ("none", "Số 5, P. Liễu Hạ")
    assert reading.address.lines == ("Số 5", "P. Liễu Hạ")


pieces = st.lists(
    st.sampled_from(["P.", "Liễu", "Hạ", "Q1", "3", ",", " - ", "TP", "Sông Lớn", "Tân Lập", "\n"])
    | st.text(max_size=8),
    max_size=60,
).map(" ".join)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pieces)
def test_any_text_is_read(gazetteer, text):
    reading = read_address(text, gazetteer)
    assert (reading.certainty == "none") <= (not reading.units)
    # What was read is read again as the same.
    if reading.certainty == "exact" and not reading.address.street:
        again = read_address(reading.text, gazetteer, as_of=reading.address.as_of)
        assert again.units == reading.units
