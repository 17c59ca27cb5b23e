"""What a search finds and in which order: one table, the same on every database."""

from __future__ import annotations

import pytest

from relatum.app.house import House
from relatum.customers.types import ContactPointDraft, CustomerDraft, CustomerQuery
from relatum.customers.wording import spellings_of, terms_of

#: Names with telephone number and e-mail, in the order of the list.
PEOPLE = (
    ("Đường Văn An", "0901 234 567", "an.duong@example.com"),
    ("Duong Van Anh", "0912 345 678", "duonganh@example.com"),
    ("Dương Thị Bình", "0168 123 4567", "binh@example.com"),
    ("Nguyễn Hữu Đường", "024 3825 1234", "huu@example.com"),
    ("Lê Hà", "0987 654 321", "ha.le@example.com"),
    ("Trần Thị Hạ", "+1 212 736 5000", "tran.ha@example.com"),
    ("Nguyen Thi Ha", "0933 000 111", "nth@example.com"),
    ("Phạm Hải", "0944 000 222", "hai@example.com"),
)
AN, ANH, BINH, HUU, HA, TRAN, PLAIN, HAI = (name for name, _, _ in PEOPLE)

FOUND = {
    # without marks everybody is found; who is written so comes first
    "duong": [ANH, AN, BINH, HUU],
    "DUONG": [ANH, AN, BINH, HUU],
    "Duong": [ANH, AN, BINH, HUU],
    # with marks the very form comes first, wherever it stands in the name
    "Đường": [AN, HUU, ANH, BINH],
    "đường": [AN, HUU, ANH, BINH],
    "ĐƯỜNG": [AN, HUU, ANH, BINH],
    "Dương": [BINH, AN, ANH, HUU],
    "hạ": [TRAN, HA, PLAIN, HAI],
    # the beginning of a word is enough
    "đư": [AN, HUU, ANH, BINH],
    "duo": [ANH, AN, BINH, HUU],
    "Hả": [HAI, HA, TRAN, PLAIN],
    # any order of words, given name first or last
    "hữu nguyễn": [HUU],
    "duong huu nguyen": [HUU],
    "ha nguyen": [PLAIN],
    "Thị Dương": [BINH],
    "an đường": [AN, ANH],
    # numbers in any spelling, whole or their beginning
    "0901234567": [AN],
    "090 123 4567": [AN],
    "090.123.4567": [AN],
    "(090) 123-4567": [AN],
    "+84 90 123 4567": [AN],
    "+84 (0)90 123 4567": [AN],
    "84901234567": [AN],
    "0084 901 234 567": [AN],
    "0901-234": [AN],
    "0901": [AN],
    "234 567": [AN, ANH, BINH],
    # the number as it was until 2018, as it is now, and the beginning of either
    "0168 123 4567": [BINH],
    "038 123 4567": [BINH],
    "0168 123": [BINH],
    "+84 168 1234": [BINH],
    # a fixed line as it was until 2017
    "04 3825 1234": [HUU],
    "+1 (212) 736-5000": [TRAN],
    # a name and a number
    "an 0901 234 567": [AN],
    "duong 090.123": [AN],
    "hà 0901 234 567": [],
    # e-mail
    "HA.LE@example.com": [HA],
    "le@exam": [HA],
    # what must not be taken for a pattern
    "%": [],
    "_": [],
    "100%": [],
    "*": [],
    "[a-z]": [],
}


@pytest.fixture
async def people(core_house: House) -> House:
    drafts = [
        CustomerDraft(
            display_name=name,
            kind="organisation",  # listed by their first letters
            contact_points=[
                ContactPointDraft(kind="phone", raw=phone),
                ContactPointDraft(kind="email", raw=email),
            ],
        )
        for name, phone, email in PEOPLE
    ]
    for draft in reversed(drafts):  # the newest first, so that the list has the order above
        await core_house.customers.create([draft], by="system")
    return core_house


@pytest.mark.parametrize("few", [0, 4_000])
async def test_what_is_found_and_in_which_order(
    people: House, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked up when they are few, met in the order of the list when they are many: the same."""
    monkeypatch.setattr("relatum.customers.searching.FEW", few)
    wrong = {}
    for typed, expected in FOUND.items():
        page = await people.customers.find(CustomerQuery(q=typed))
        found = [one.display_name for one in page.items]
        if found != expected:
            wrong[typed] = found
    assert not wrong


async def test_pages_go_on_from_the_exact_ones(people: House) -> None:
    found = []
    cursor = None
    while True:
        page = await people.customers.find(CustomerQuery(q="đường", limit=1, cursor=cursor))
        found += [one.display_name for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == FOUND["đường"]


def test_what_is_no_number_stays_words() -> None:
    for text in ("12/5 Lê Lợi", "1-2-3", "a.b.c", "...", "0" * 40, "((((", "+", "++84"):
        for term in terms_of(text, "VN"):
            assert len(term.choices) == 1, text
    assert terms_of("", "VN") == []
    assert spellings_of("0901 %% _") == []
