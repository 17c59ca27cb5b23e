import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relatum.values.phone import format_phone, normalise_phone, read_phone


@pytest.mark.parametrize(
    ("raw", "e164"),
    [  # domain.md 4.18 and PHONE-1 of vectors.json
        ("0168 123 4567", "+84381234567"),
        ("0123-4567-890", "+84834567890"),
        ("+84 (0)90 123 4567", "+84901234567"),
        ("84901234567", "+84901234567"),
        ("0199 5959 999", "+84595959999"),
    ],
)
def test_vectors(raw, e164):
    assert normalise_phone(raw).e164 == read_phone(raw, "VN").e164 == e164


@pytest.mark.parametrize(
    ("raw", "e164", "kind"),
    [
        ("04 3825 1234", "+842438251234", "fixed"),
        ("(04) 3825.1234 máy lẻ 5", "+842438251234", "fixed"),
        ("+84 4 3825 1234", "+842438251234", "fixed"),
        ("(08) 3822 1234", "+842838221234", "fixed"),
        ("0511 3821 234", "+842363821234", "fixed"),
        ("075 382 1234", "+842753821234", "fixed"),
        ("0210 3821 234", "+842103821234", "fixed"),
        # mobile numbers of today, whatever they were before 2017
        ("037 385 1234", "+84373851234", "mobile"),
        ("(037) 385 1234", "+84373851234", "mobile"),
        ("08 3822 1234", "+84838221234", "mobile"),
    ],
)
def test_area_codes_of_before_2017(raw, e164, kind):
    phone = normalise_phone(raw)
    assert (phone.e164, phone.kind) == (e164, kind)


# Table of decision 798/QĐ-BTTTT of 2018, from the operators' announcements.
RENUMBERED = {
    "0120": "070",
    "0121": "079",
    "0122": "077",
    "0126": "076",
    "0128": "078",
    "0123": "083",
    "0124": "084",
    "0125": "085",
    "0127": "081",
    "0129": "082",
    "0162": "032",
    "0163": "033",
    "0164": "034",
    "0165": "035",
    "0166": "036",
    "0167": "037",
    "0168": "038",
    "0169": "039",
    "0186": "056",
    "0188": "058",
    "0199": "059",
}


@pytest.mark.parametrize(("old", "new"), sorted(RENUMBERED.items()))
@pytest.mark.parametrize("form", ["{}", "+84{}", "0084{}", "84{}"])
def test_every_old_prefix_in_every_spelling(old, new, form):
    # Subscriber numbers that today's ranges of all operators contain.
    subscriber = "8" + "234567"
    written = form.format((old if form == "{}" else old[1:]) + subscriber)
    assert normalise_phone(written).e164 == f"+84{new[1:]}{subscriber}"
    assert normalise_phone(written).kind == "mobile"


@pytest.mark.parametrize(
    "raw",
    [
        *("0901234567", "090 123 4567", "090.123.45.67", "(090) 123-4567", "+84901234567"),
        *(
            "0084901234567",
            "+84 90 123 4567",
            "84 90 123 4567",
            "901234567",
            "\u202a0901234567\u202c",
        ),
        *("０９０１２３４５６７", "tel:+84-90-123-4567", "ĐT: 090 123 4567", "+84 0901234567"),
    ],
)
def test_every_spelling_is_one_number(raw):
    assert normalise_phone(raw).e164 == "+84901234567"


@pytest.mark.parametrize(
    ("raw", "country", "e164", "kind", "extension"),
    [
        ("024 3825 1234", "VN", "+842438251234", "fixed", ""),
        ("024 3825 1234 máy lẻ 12", "VN", "+842438251234", "fixed", "12"),
        ("(028) 3822-1234 ext. 305", "VN", "+842838221234", "fixed", "305"),
        ("028 38221234 x7", "VN", "+842838221234", "fixed", "7"),
        ("0168 123 4567 nội bộ 3", "VN", "+84381234567", "mobile", "3"),
        ("1800 1091", "VN", "+8418001091", "toll-free", ""),
        ("1900 1234", "VN", "+8419001234", "premium", ""),
        ("(212) 736-5000", "US", "+12127365000", "fixed-or-mobile", ""),
        ("+44 20 7946 0018", "VN", "+442079460018", "fixed", ""),
        ("0901234567", "US", None, "", ""),
    ],
)
def test_other_numbers(raw, country, e164, kind, extension):
    phone = normalise_phone(raw, country)
    assert (phone.e164, phone.kind, phone.extension) == (e164, kind, extension)
    assert (phone.problem is None) == (e164 is not None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "not-a-phone"),
        ("không có", "not-a-phone"),
        ("090 123", "phone-too-short"),
        ("090 123 4567 89", "phone-too-long"),
        ("0901234567 / 0912345678", "several-numbers"),
        ("0901234567 hoặc 0912345678", "several-numbers"),
        ("+999 123 456 789", "unknown-country-code"),
        ("0111 222 333", "phone-not-assigned"),
        ("9" * 100_000, "phone-too-long"),
        ("\0\ud800", "not-a-phone"),
    ],
)
def test_what_is_no_number_is_explained(raw, code):
    phone = normalise_phone(raw, where="/contact_points/0/raw")
    assert phone.e164 is None
    assert phone.problem is not None
    assert (phone.problem.code, phone.problem.where) == (code, "/contact_points/0/raw")
    assert phone.problem.mend
    assert phone.problem.expected
    assert len(phone.problem.got) <= 80


def spelled(digits: str, gaps: list[int], mark: str) -> str:
    for gap in sorted({gap % (len(digits) + 1) for gap in gaps}, reverse=True):
        digits = digits[:gap] + mark + digits[gap:]
    return digits


prefixes = st.sampled_from(["", "0", "84", "+84", "0084", "084", "+840", "1", "+1"])
digits = st.text(alphabet="0123456789", min_size=7, max_size=11)
plain = st.builds(
    spelled,
    st.builds(str.__add__, prefixes, digits),
    st.lists(st.integers(0, 15), max_size=4),
    st.sampled_from([" ", ".", "-", "\u00a0", "  "]),
)


@settings(max_examples=1500, deadline=None)
@given(plain)
def test_the_fast_path_answers_like_the_library(raw):
    assert normalise_phone(raw) == read_phone(raw, "VN")


def test_the_fast_path_answers_like_the_library_in_every_range():
    """Every four-digit beginning of a nine- and ten-digit number, in every spelling."""
    chance = random.Random(2018)
    forms = ["{}", "0{}", "84{}", "+84{}", "0084{}"]
    for start in range(1000, 10_000):
        for length in (5, 6):
            raw = forms[start % 5].format(f"{start}{chance.randrange(10**length):0{length}}")
            assert normalise_phone(raw) == read_phone(raw, "VN"), raw


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["VN", "US", "XX", ""]))
def test_any_text_is_answered(raw, country):
    phone = normalise_phone(raw, country)
    assert (phone.e164 is None) == (phone.problem is not None)
    if phone.e164:
        assert normalise_phone(phone.e164, country).e164 == phone.e164


def test_formatting():
    assert format_phone("+84901234567") == "0901 234 567"
    assert format_phone("+12127365000") == "+1 212-736-5000"
    assert format_phone("+84901234567", "US") == "+84 901 234 567"
    assert format_phone("nonsense") == "nonsense"
