import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.values.name_matching import compare_names, name_key, name_words


@pytest.mark.parametrize(
    ("a", "b", "kind", "missing", "edits", "given_agrees"),
    [
        # the vector of the specification
        ("Hùng Nguyễn Văn", "Nguyễn Văn Hùng", "same", 0, 0, True),
        ("NGUYEN VAN HUNG", "Nguyễn Văn Hùng", "same", 0, 0, True),
        ("NguyenVanHung", "Nguyễn Văn Hùng", "same", 0, 0, True),
        ("Nguyễn, Văn Hùng.", "Nguyễn Văn Hùng", "same", 0, 0, True),
        ("Anh Nguyễn Văn Hùng", "Nguyễn Văn Hùng", "shortened", 1, 0, False),
        ("Anh Bùi Ngọc", "Bùi Ngọc Anh", "same", 0, 0, True),
        ("Mr. John Smith", "Smith, John", "same", 0, 0, True),
        ("Trần Thị Mỹ", "Trần Thị Mĩ", "same", 0, 0, True),
        ("Nguyễn Hùng", "Nguyễn Văn Hùng", "shortened", 1, 0, True),
        ("Hùng Nguyễn", "Nguyễn Văn Hùng", "shortened", 1, 0, True),
        ("John Tolkien", "John Ronald Reuel Tolkien", "shortened", 2, 0, True),
        ("N. V. Hùng", "Nguyễn Văn Hùng", "initials", 0, 0, True),
        ("Nguyễn V. Hùng", "Nguyễn Văn Hùng", "initials", 0, 0, True),
        ("J. Smith", "John Smith", "initials", 0, 0, True),
        ("N. Hùng", "Nguyễn Văn Hùng", "initials", 1, 0, True),
        ("Hùng", "Nguyễn Văn Hùng", "part", 2, 0, True),
        ("Văn Hùng", "Nguyễn Văn Hùng", "part", 1, 0, True),
        ("Nguyễn Văn", "Nguyễn Văn Hùng", "part", 1, 0, False),
        ("Nguyên Văn Hugn", "Nguyễn Văn Hùng", "typo", 0, 1, False),
        ("Nguyeenx Văn Hùng", "Nguyễn Văn Hùng", "typo", 0, 2, True),
        ("Jon Smith", "John Smith", "typo", 0, 1, True),
        ("Nguyễn Văn Hải", "Nguyễn Văn Hùng", "different", 2, 0, False),
        ("Nguyễn Mai", "Nguyễn May", "typo", 0, 1, False),
        ("Lê Văn Hùng", "Nguyễn Văn Hùng", "different", 2, 0, True),
        ("", "Nguyễn Văn Hùng", "unknown", 3, 0, False),
        ("...", "", "unknown", 0, 0, False),
    ],
)
def test_agreement(a, b, kind, missing, edits, given_agrees):
    found = compare_names(a, b)
    if found.kind != "different":
        assert (found.missing, found.edits, found.given) == (missing, edits, given_agrees)
    assert found.kind == kind
    assert found == compare_names(b, a)


def test_titles_go_unless_nothing_would_be_left():
    assert name_words("Dr. Mr. X") == ("x",)
    assert name_words("TS") == ("ts",)


def test_a_key_is_the_same_for_every_order():
    assert name_key("Hùng Nguyễn Văn") == name_key("NGUYỄN VĂN HÙNG") == "hung nguyen van"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_are_compared_alike_both_ways(a, b):
    found = compare_names(a, b)
    assert found == compare_names(b, a)
    assert 0 <= found.similarity <= 1


words = st.lists(
    st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạ", min_size=1, max_size=7), min_size=1
)


@given(words, st.randoms())
def test_order_and_case_never_matter(some, random):
    known = name_words(" ".join(some))
    other = [word.upper() for word in known]
    random.shuffle(other)
    assert compare_names(known, [word.lower() for word in other]).kind in {"same", "unknown"}
    assert name_key(known) == name_key([word.lower() for word in other])


@given(words)
def test_words_to_compare_stay_what_they_are(some):
    known = name_words(" ".join(some))
    assert name_words(" ".join(known)) == known
