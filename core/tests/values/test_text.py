import os
import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.values.problems import InvalidInput
from relatum.values.text import Text, clean_line, clean_text, fold, nearest, sort_key

LETTERS = (
    "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệfghiìỉĩíịjklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvwxyỳỷỹýỵz"
)
anything = st.text(max_size=60)
vietnamese = st.text(alphabet=LETTERS + LETTERS.upper() + " '-.0159", max_size=30)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Nguyễn  Văn\tĐỨC ", "nguyen van duc"),
        ("Ðức", "duc"),  # U+00D0, the Icelandic letter that old fonts put for Đ
        ("ÉLODIE Strauß", "elodie strauss"),
        ("Łódź Ærø", "lodz aero"),
        ("Nguye\u0302\u0303n", "nguyen"),
        ("a\u200bb", "ab"),
        ("", ""),
        ("東京", "東京"),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded


@given(anything)
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(anything)
def test_fold_does_not_see_case_normal_form_or_spacing(text):
    for form in ("NFC", "NFD"):
        assert fold(f"  {unicodedata.normalize(form, text)}\n") == fold(text)


@given(vietnamese)
def test_vietnamese_folds_to_ascii(text):
    assert fold(text).isascii()
    assert fold(text.upper()) == fold(text)


# By the alphabet of the school dictionary, letters before tones, as CLDR's collation "vi" has it.
IN_ORDER = [
    *("2 Cha", "10 Cha", "a", "à", "ả", "ã", "á", "ạ", "An", "An Bình", "An Hạ", "Anh", "Anh Đào"),
    *("ăn", "ắn", "ân", "ấn", "Bà", "Ba Na", "Bùi", "Chi", "Da", "Dũng", "Đa", "Đức", "Em", "Êm"),
    *("Hòa", "Hoan", "Hoàn", "Ngô", "Nguyên", "Nguyễn", "Nguyệt", "Oanh", "Ông", "Ơn", "Tú"),
    *("Tuấn", "Tư", "Xuân", "Ý", "Yên", "Zoë"),
]


def test_sort_keys_follow_the_vietnamese_alphabet():
    letters_before_tones = sorted(IN_ORDER, key=sort_key)
    assert letters_before_tones.index("Ba Na") < letters_before_tones.index("Bà") + 2
    expected = [name for name in IN_ORDER if name not in ("2 Cha", "10 Cha", "Bà", "Ba Na")]
    got = [name for name in letters_before_tones if name in expected]
    assert got == expected
    assert sort_key("ba") < sort_key("bà") < sort_key("ba na") < sort_key("bà na")


@given(vietnamese)
def test_sort_keys_are_plain_ascii_and_case_does_not_count(text):
    key = sort_key(text)
    assert all(char in "0123456789abcdefghijklmnopqrstuvwxyz" for char in key)
    assert key == sort_key(text.upper()) == sort_key(unicodedata.normalize("NFD", text))


@given(vietnamese, vietnamese)
def test_equal_keys_mean_equal_words(a, b):
    def plain(text):
        return " ".join(unicodedata.normalize("NFC", text).lower().split())

    assert (sort_key(a) == sort_key(b)) == (plain(a) == plain(b))


@given(anything)
def test_any_text_has_a_sort_key(text):
    assert sort_key(text).isalnum() or not text.strip()
    assert sort_key(text).isascii()


@pytest.mark.postgres
async def test_sort_keys_order_like_postgresql():
    address = os.environ.get("RELATUM_TEST_POSTGRES")
    if not address:
        pytest.skip("RELATUM_TEST_POSTGRES names no server: the reference order is not available")
    import asyncpg

    chance = random.Random(418)
    words = {
        " ".join("".join(chance.choices(LETTERS + " -.'05", k=chance.randint(1, 6))).split())
        for _ in range(5_000)
    }
    words |= {name.lower() for name in IN_ORDER}
    connection = await asyncpg.connect(address)
    try:
        rows = await connection.fetch(
            'SELECT word FROM unnest($1::text[]) AS t(word) ORDER BY word COLLATE "vi-x-icu"',
            sorted(words),
        )
    finally:
        await connection.close()
    reference = [row["word"] for row in rows]
    assert len(reference) > 4_000
    assert sorted(reference, key=sort_key) == reference


def test_clean_line_normalises():
    assert clean_line("  Lê Va\u0306n  ", what="name", max_length=10) == "Lê Văn"
    assert clean_line("\tLan\n", what="name", max_length=3) == "Lan"


def test_clean_text_keeps_lines_and_tabs():
    assert clean_text(" a\r\nb\rc\td\n", what="note", max_length=9) == "a\nb\nc\td"


@pytest.mark.parametrize(
    ("text", "code_point"),
    [("a\0b", "U+0000"), ("a\nb", "U+000A"), ("a\x9bb", "U+009B"), ("a\ud800b", "U+D800")],
)
def test_clean_line_refuses_what_cannot_be_stored(text, code_point):
    with pytest.raises(InvalidInput, match="name") as refusal:
        clean_line(text, what="name", max_length=10, where="/name")
    problem = refusal.value.problems[0]
    assert (problem.code, problem.where) == ("bad-character", "/name")
    assert problem.got == f"{code_point} as character 2"


@pytest.mark.parametrize("text", ["a\0b", "\x1b[31mred", "a\x7f", "a\udfffb"])
def test_clean_text_refuses_control_characters(text):
    with pytest.raises(InvalidInput, match="note"):
        clean_text(text, what="note", max_length=100)


@pytest.mark.parametrize("length", [6, 21, 1_000_000])
def test_too_long_is_refused(length):
    with pytest.raises(InvalidInput) as refusal:
        clean_line("x" * length, what="name", max_length=5)
    assert refusal.value.problems[0].code == "too-long"


def test_length_counts_characters_as_people_see_them():
    decomposed = unicodedata.normalize("NFD", "ếếếếế")
    assert clean_line(decomposed, what="name", max_length=5) == "ếếếếế"


@given(st.text(max_size=40))
def test_cleaning_is_idempotent_or_refuses(text):
    try:
        clean = clean_text(text, what="note", max_length=1000)
    except InvalidInput:
        return
    assert clean_text(clean, what="note", max_length=1000) == clean
    clean.encode()


@pytest.mark.parametrize(
    ("word", "candidates", "meant"),
    [
        ("prot", ["host", "port", "home"], "port"),
        ("rotting_day", ["rotting_days", "stages"], "rotting_days"),
        ("Goi spa VIP", ["Gói Spa VIP", "Gói gội đầu"], "Gói Spa VIP"),
        ("Spa VIP", ["Gói gội đầu", "Gói VIP Spa 10 buổi"], "Gói VIP Spa 10 buổi"),
        ("Asia/Saigonn", ["Asia/Saigon", "Asia/Tokyo"], "Asia/Saigon"),
        ("xyzzy", ["host", "port", "home"], None),
        ("vip", ["Gói VIP Spa 10 buổi"], None),
        ("word", [], None),
    ],
)
def test_nearest(word, candidates, meant):
    assert nearest(word, candidates) == meant


@given(st.text(alphabet=LETTERS, min_size=1, max_size=20), st.lists(vietnamese, max_size=5))
def test_the_word_itself_is_nearest(word, others):
    found = nearest(word, [*others, word])
    assert found is not None
    assert fold(found) == fold(word)


def test_text_in_a_language():
    text = Text(en="Customer", vi="Khách hàng")
    assert [text.in_language(lang) for lang in ("vi", "vi-VN", "en", "fr", "")] == [
        *("Khách hàng", "Khách hàng", "Customer", "Customer", "Customer")
    ]
    assert Text(en="CRM", vi="").in_language("vi") == "CRM"
