"""Rules about names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relatum.api import Customer, fold
from relatum_data_quality.rules.legacy import mojibake, tcvn3, vni
from relatum_data_quality.rules.types import MASK, Check, Fix, Flaw, Known, Where, rule
from relatum_data_quality.rules.words import (
    COMPANY,
    FAMILY_ALONE,
    FAMILY_NAMES,
    FIRST_WORDS,
    PLACEHOLDERS,
    TITLES,
)

_WORD = re.compile(r"[^\W\d_]+")
_STRANGE = re.compile(r"[#$%^*_=+{}<>~\\|\[\]!;:]")
_LOST = re.compile(r"\w\?\w|\w\?\s|\ufffd")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _name(customer: Customer) -> str:
    return "" if MASK in customer.display_name else customer.display_name


def _words(name: str) -> list[str]:
    return name.split()


def _renamed(name: str, after: str) -> Flaw:
    return Flaw(value=name, fixes=(Fix(target="name", before=name, after=(after,)),))


def _titled(word: str) -> str:
    return "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))


def _is_company(name: str) -> bool:
    plain = fold(name)
    return any(re.search(rf"\b{re.escape(sign)}", plain) for sign in COMPANY)


def _if_person(check: Check) -> Check:
    def checked(customer: Customer, known: Known) -> Iterator[Flaw]:
        if customer.kind == "person":
            yield from check(customer, known)

    return checked


def name_filler(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    plain = fold(name).strip(" .-_?*")
    letters = re.sub(r"[^a-z]", "", plain)
    same = len(letters) >= 2 and len(set(letters)) == 1
    typed = len(letters) >= 4 and any(letters in row or letters in row[::-1] for row in _ROWS)
    if name and (plain in PLACEHOLDERS or not any(map(str.isalnum, name)) or same or typed):
        yield Flaw(value=name)


def name_one_word(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    words = _words(name)
    if (
        len(words) == 1
        and not any(map(str.isdigit, name))
        and "@" not in name
        and not next(name_filler(customer, known), None)
    ):
        yield Flaw(value=name)


def name_capitals(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    words = _WORD.findall(name)
    if len(words) > 1 and name.isupper() and sum(map(len, words)) > 4 and not _broken(name):
        yield _renamed(name, " ".join(map(_titled, _words(name))))


def name_small(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    small = len(_WORD.findall(name)) > 1 and name.islower() and not _holds_other(name)
    if small and fold(name).strip() not in PLACEHOLDERS and not _broken(name):
        yield _renamed(name, " ".join(map(_titled, _words(name))))


def _broken(name: str) -> str | None:
    return mojibake(name) or vni(name) or tcvn3(name)


def _holds_other(name: str) -> bool:
    return "@" in name or len(re.sub(r"\D", "", name)) >= 8


def name_digits(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    if any(map(str.isdigit, name)) and not _holds_other(name) and not _broken(name):
        yield Flaw(value=name)


def name_holds_phone(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    if "@" not in name and len(re.sub(r"\D", "", name)) >= 8:
        yield Flaw(value=name)


def name_holds_email(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    if re.search(r"\S+@\S+\.\S+", name):
        yield Flaw(value=name)


def name_mojibake(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    if (meant := mojibake(name)) is not None:
        yield _renamed(name, meant)


def name_vni(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    if mojibake(name) is None and tcvn3(name) is None and (meant := vni(name)) is not None:
        yield _renamed(name, meant)


def name_tcvn3(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    if mojibake(name) is None and (meant := tcvn3(name)) is not None:
        yield _renamed(name, meant)


def name_lost_letters(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    if _LOST.search(name) and not _broken(name):
        yield Flaw(value=name)


def name_signs(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    if _STRANGE.search(name) and not _broken(name) and any(map(str.isalnum, name)):
        yield Flaw(value=name)


def name_title(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    words = _words(name)
    first = fold(words[0]).rstrip(".") if words else ""
    if len(words) >= 2 and first in TITLES and not next(name_filler(customer, known), None):
        rest = words[1:]
        # “Bà Triệu” may be a family name; a title stands before a whole name, or has a dot.
        if fold(rest[0]) in FIRST_WORDS or words[0].endswith(".") or first in {"mr", "mrs", "ms"}:
            yield _renamed(name, " ".join(rest))


def name_swapped(customer: Customer, known: Known) -> Iterator[Flaw]:
    """Given name first, family name last or before the middle name: ``Hùng Nguyễn Văn``."""
    name = _name(customer)
    words = _words(name)
    plain = [fold(word) for word in words]
    if len(words) < 3 or plain[0] in FIRST_WORDS or plain[0].rstrip(".") in TITLES:
        return
    if plain[1] in FAMILY_ALONE and plain[2] in {"van", "thi", "huu", "duc", "ngoc", "thanh"}:
        yield _renamed(name, " ".join([*words[1:], words[0]]))
    elif plain[-1] in FAMILY_ALONE and plain[1] in {"van", "thi"}:
        yield _renamed(name, " ".join([words[-1], *words[1:-1], words[0]]))


def name_unmarked(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    words = _words(name)
    plain = len(words) >= 3 and name.isascii() and fold(words[0]) in FAMILY_NAMES
    if plain and not any(map(str.isdigit, name)) and not _LOST.search(name):
        yield Flaw(value=name)


def name_blanks(customer: Customer, known: Known) -> Iterator[Flaw]:
    name = _name(customer)
    tidy = " ".join(name.split()).strip(" ,;")
    if tidy and tidy != name:
        yield _renamed(name, tidy)


def person_is_company(customer: Customer, known: Known) -> Iterator[Flaw]:
    if _is_company(_name(customer)):
        fix = Fix(target="kind", before="person", after=("organisation",))
        yield Flaw(value=customer.display_name, fixes=(fix,))


ERROR: Where = ("validity", "error", "name")
WARNING: Where = ("validity", "warning", "name")
NOTE: Where = ("validity", "note", "name")
RULES = [
    rule(
        "name_filler",
        ("completeness", "error", "name"),
        ("Placeholder in place of a name", "Tên điền cho có"),
        (
            "“Không có”, “test” and the like name nobody. Ask for the name.",
            "“Không có”, “test”… không phải tên ai. Hãy hỏi tên thật.",
        ),
        name_filler,
    ),
    rule(
        "name_one_word",
        ("completeness", "note", "name"),
        ("Name of one word", "Tên chỉ có một từ"),
        (
            "Too little to tell people apart. Ask for the full name.",
            "Không đủ để phân biệt. Hãy hỏi họ tên đầy đủ.",
        ),
        _if_person(name_one_word),
    ),
    rule(
        "name_capitals",
        NOTE,
        ("Name in capitals", "Tên viết hoa toàn bộ"),
        ("It shouts in letters and messages.", "Gửi thư trông như quát khách."),
        _if_person(name_capitals),
    ),
    rule(
        "name_small",
        NOTE,
        ("Name in small letters", "Tên viết thường toàn bộ"),
        ("It looks careless in letters and messages.", "Gửi thư trông cẩu thả."),
        _if_person(name_small),
    ),
    rule(
        "name_digits",
        WARNING,
        ("Digits in a name", "Tên có chữ số"),
        (
            "Often a number of a list or a note. Take it out.",
            "Thường là số thứ tự hoặc ghi chú. Hãy bỏ ra.",
        ),
        _if_person(name_digits),
    ),
    rule(
        "name_holds_phone",
        ERROR,
        ("Phone number in the name", "Số điện thoại nằm trong tên"),
        ("Move it to the phone numbers.", "Hãy chuyển sang ô điện thoại."),
        name_holds_phone,
    ),
    rule(
        "name_holds_email",
        ERROR,
        ("E-mail address in the name", "Email nằm trong tên"),
        ("Move it to the e-mail addresses.", "Hãy chuyển sang ô email."),
        name_holds_email,
    ),
    rule(
        "name_mojibake",
        ERROR,
        ("Name in a broken encoding", "Tên lỗi bảng mã"),
        ("UTF-8 was read as another encoding.", "UTF-8 bị đọc sai bảng mã."),
        name_mojibake,
    ),
    rule(
        "name_vni",
        ERROR,
        ("Name in VNI encoding", "Tên còn bảng mã VNI"),
        (
            "It was typed with an old font; search and sorting do not find it.",
            "Gõ bằng phông chữ cũ; không tìm và sắp xếp được.",
        ),
        name_vni,
    ),
    rule(
        "name_tcvn3",
        ERROR,
        ("Name in TCVN3 encoding", "Tên còn bảng mã TCVN3"),
        (
            "It was typed with an old font (ABC); search and sorting do not find it.",
            "Gõ bằng phông chữ cũ (ABC); không tìm và sắp xếp được.",
        ),
        name_tcvn3,
    ),
    rule(
        "name_lost_letters",
        ERROR,
        ("Name with lost letters", "Tên bị mất chữ có dấu"),
        (
            "Letters became question marks; take it from the source again.",
            "Chữ có dấu thành dấu hỏi; hãy lấy lại từ nguồn.",
        ),
        name_lost_letters,
    ),
    rule(
        "name_signs",
        WARNING,
        ("Signs in a name", "Tên có ký tự lạ"),
        ("Names have no such signs.", "Tên người không có ký tự này."),
        _if_person(name_signs),
    ),
    rule(
        "name_title",
        NOTE,
        ("Form of address in the name", "Tên kèm cách xưng hô"),
        (
            "“Anh”, “Chị”, “Mr” are no part of the name; letters would say them twice.",
            "“Anh”, “Chị”, “Mr” không thuộc tên; thư sẽ lặp xưng hô.",
        ),
        _if_person(name_title),
    ),
    rule(
        "name_swapped",
        WARNING,
        ("Family name and given name swapped", "Đảo họ và tên"),
        (
            "The given name comes last; letters would greet by the family name.",
            "Tên đứng cuối; nếu đảo, thư sẽ chào bằng họ.",
        ),
        _if_person(name_swapped),
    ),
    rule(
        "name_unmarked",
        NOTE,
        ("Vietnamese name without marks", "Tên tiếng Việt không dấu"),
        (
            "Many names look alike without marks. Ask how it is written.",
            "Không dấu thì nhiều tên giống nhau. Hãy hỏi cách viết.",
        ),
        _if_person(name_unmarked),
    ),
    rule(
        "name_blanks",
        NOTE,
        ("Stray blanks in a name", "Tên thừa dấu cách"),
        ("Searching by the exact name misses it.", "Tìm đúng tên sẽ không thấy."),
        name_blanks,
    ),
    rule(
        "person_is_company",
        ("consistency", "warning", "kind"),
        ("A company kept as a person", "Công ty lưu như cá nhân"),
        ("It would be greeted and counted as a person.", "Sẽ bị chào và đếm như cá nhân."),
        _if_person(person_is_company),
    ),
]
