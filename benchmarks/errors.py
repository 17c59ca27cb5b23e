"""Clean customers, and one known error put into each: how errors come about, not how to find them.

Encodings are made by writing with one and reading with another, spreadsheets' slips by what
spreadsheets do; nothing here knows the rules of data quality.
"""

# ruff: noqa: E501, SIM905 - one line for each sort of error

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from collections.abc import Callable, Iterator
from uuid import UUID

import msgspec

from benchmarks.duplicates import OLD_PREFIXES, Record
from benchmarks.duplicates import _person as drawn
from relatum.api import ContactPoint, Customer, normalise_email, normalise_phone

TODAY = dt.date(2026, 11, 22)
NEEDS = ("Chăm sóc da", "Học tiếng Anh", "Giao hàng nhanh", "Bảo hiểm xe")
Spoil = Callable[[random.Random, Customer], Customer]


def clean(count: int, seed: int) -> list[Customer]:
    """Complete, consistent customers; every tenth is a company."""
    chance = random.Random(seed)
    used: set[str] = set()
    found = []
    for number in range(count):
        record = drawn(chance, number)
        customer = _company(chance, number, record) if number % 10 == 9 else _person(chance, record)
        if not used & {p.normalised for p in customer.contact_points if p.kind != "address"}:
            used |= {p.normalised for p in customer.contact_points}
            found.append(customer)
    return found


def point(kind: str, raw: str) -> ContactPoint:
    """A contact point as it is stored."""
    normalised = raw
    if kind == "phone":
        normalised = normalise_phone(raw).e164 or ""
    elif kind == "email":
        normalised = (normalise_email(raw).address or "").lower()
    return ContactPoint(
        id=UUID(int=1),
        kind=kind,
        raw=raw,
        normalised=normalised,
        label="",
        primary=True,
        verified_at=dt.datetime.combine(TODAY, dt.time(), dt.UTC) - dt.timedelta(days=30),
    )


def _person(chance: random.Random, record: Record) -> Customer:
    return _customer(
        chance,
        "person",
        record.name,
        {
            "phone": record.phone
            if record.phone and record.phone[1:4]
            else f"09{chance.randrange(10**8):08}",
            "email": record.email or f"khach{record.person}@example.vn",
            "address": record.address or f"{chance.randrange(1, 300)} Lê Lợi, Phường 3, Hà Nội",
        },
        {
            "birth_date": (record.birth or dt.date(1985, 3, 9)).isoformat(),
            "gender": "Nữ" if record.woman else "Nam",
        },
    )


def _company(chance: random.Random, number: int, record: Record) -> Customer:
    name = (
        f"Công ty TNHH {record.name.split()[-1]} {chance.choice(('Phát', 'Thịnh', 'Long', 'An'))}"
    )
    return _customer(
        chance,
        "organisation",
        name,
        {
            "phone": f"028{chance.randrange(3_500_0000, 3_999_9999):08}",
            "email": f"lienhe@congty{number}.example.vn",
            "address": record.address or "1 Hùng Vương, Phường 2, Huế",
        },
        {"tax_code": tax_code(chance)},
    )


def _customer(
    chance: random.Random,
    kind: str,
    name: str,
    reach: dict[str, str],
    fields: dict[str, str],
) -> Customer:
    made = dt.datetime.combine(TODAY, dt.time(), dt.UTC) - dt.timedelta(days=chance.randrange(200))
    return Customer(
        id=UUID(int=chance.getrandbits(128)),
        kind=kind,
        display_name=unicodedata.normalize("NFC", name),
        roles=["customer"],
        tags=["vip"],
        contact_points=[point(*each) for each in reach.items()],
        fields={**fields, "need": chance.choice(NEEDS)},
        external_ids={},
        version=1,
        created_at=made,
        updated_at=made,
        owner=UUID(int=7),
    )


def tax_code(chance: random.Random) -> str:
    """Ten digits: the tenth makes the weighted sum of all come out at ten less than a multiple."""
    while True:
        digits = [chance.randrange(10) for _ in range(9)]
        rest = (
            31 * digits[0]
            + 29 * digits[1]
            + 23 * digits[2]
            + 19 * digits[3]
            + 17 * digits[4]
            + 13 * digits[5]
            + 7 * digits[6]
            + 5 * digits[7]
            + 3 * digits[8]
        ) % 11
        if rest > 0:
            return "".join(map(str, digits)) + str(10 - rest)


# -- how errors come about ------------------------------------------------------------------------


def named(customer: Customer, name: str) -> Customer:
    return msgspec.structs.replace(customer, display_name=name)


def reached(customer: Customer, kind: str, *raw: str) -> Customer:
    others = [p for p in customer.contact_points if p.kind != kind]
    return msgspec.structs.replace(
        customer, contact_points=[*others, *(point(kind, each) for each in raw)]
    )


def filled(customer: Customer, **fields: str | None) -> Customer:
    values = {**customer.fields, **fields}
    return msgspec.structs.replace(
        customer, fields={key: value for key, value in values.items() if value is not None}
    )


def first(customer: Customer, kind: str) -> str:
    return next(p.raw for p in customer.contact_points if p.kind == kind)


def old(customer: Customer, kind: str, chance: random.Random) -> Customer:
    """Nobody asked for years."""
    at = dt.datetime.combine(TODAY, dt.time(), dt.UTC)
    days = chance.randrange(2000, 3000)
    points = [
        msgspec.structs.replace(p, verified_at=None) if p.kind == kind else p
        for p in customer.contact_points
    ]
    return msgspec.structs.replace(
        customer, contact_points=points, created_at=at - dt.timedelta(days=days)
    )


def as_vni(text: str) -> str:
    """What typing with a VNI font leaves: letter, then the character that its font shows as mark."""
    marks = {"\u0300": "ø", "\u0301": "ù", "\u0309": "û", "\u0303": "õ", "\u0323": "ï"}
    hats = {
        "\u0302": {
            "": "â",
            "\u0300": "à",
            "\u0301": "á",
            "\u0309": "å",
            "\u0303": "ã",
            "\u0323": "ä",
        },
        "\u0306": {
            "": "ê",
            "\u0300": "è",
            "\u0301": "é",
            "\u0309": "ú",
            "\u0303": "ü",
            "\u0323": "ë",
        },
    }
    whole = {"đ": "ñ", "Đ": "Ñ", "í": "í", "ì": "ì", "ỉ": "æ", "ĩ": "ó", "ị": "ò", "ỵ": "î"}
    out = ""
    for char in unicodedata.normalize("NFC", text):
        if char in whole:
            out += whole[char]
            continue
        base, *above = unicodedata.normalize("NFD", char)
        tone = next((m for m in above if m in marks), "")
        hat = next((m for m in above if m in hats), "")
        horn = "\u031b" in above
        base = {"o": "ô", "O": "Ô", "u": "ö", "U": "Ö"}[base] if horn else base
        second = hats[hat][tone] if hat else marks.get(tone, "")
        out += base + (second.upper() if base.isupper() and base not in "ÖÔ" else second)
    return out


def as_tcvn3(text: str) -> str:
    """What typing with a TCVN3 font leaves, read as Windows-1252 (capitals have their own fonts)."""
    bytes_of = {
        "à": 0xB5, "ả": 0xB6, "ã": 0xB7, "á": 0xB8, "ạ": 0xB9, "ă": 0xA8, "ằ": 0xBB, "ẳ": 0xBC,
        "ẵ": 0xBD, "ắ": 0xBE, "ặ": 0xC6, "â": 0xA9, "ầ": 0xC7, "ẩ": 0xC8, "ẫ": 0xC9, "ấ": 0xCA,
        "ậ": 0xCB, "đ": 0xAE, "è": 0xCC, "ẻ": 0xCE, "ẽ": 0xCF, "é": 0xD0, "ẹ": 0xD1, "ê": 0xAA,
        "ề": 0xD2, "ể": 0xD3, "ễ": 0xD4, "ế": 0xD5, "ệ": 0xD6, "ì": 0xD7, "ỉ": 0xD8, "ĩ": 0xDC,
        "í": 0xDD, "ị": 0xDE, "ò": 0xDF, "ỏ": 0xE1, "õ": 0xE2, "ó": 0xE3, "ọ": 0xE4, "ô": 0xAB,
        "ồ": 0xE5, "ổ": 0xE6, "ỗ": 0xE7, "ố": 0xE8, "ộ": 0xE9, "ơ": 0xAC, "ờ": 0xEA, "ở": 0xEB,
        "ỡ": 0xEC, "ớ": 0xED, "ợ": 0xEE, "ù": 0xEF, "ủ": 0xF1, "ũ": 0xF2, "ú": 0xF3, "ụ": 0xF4,
        "ư": 0xAD, "ừ": 0xF5, "ử": 0xF6, "ữ": 0xF7, "ứ": 0xF8, "ự": 0xF9, "ỳ": 0xFA, "ỷ": 0xFB,
        "ỹ": 0xFC, "ý": 0xFD, "ỵ": 0xFE, "Ă": 0xA1, "Â": 0xA2, "Ê": 0xA3, "Ô": 0xA4, "Ơ": 0xA5,
        "Ư": 0xA6, "Đ": 0xA7,
    }  # fmt: skip
    return bytes(
        bytes_of.get(char, ord(char) if ord(char) < 128 else 0x3F) for char in text
    ).decode("cp1252")


def unmarked(text: str) -> str:
    flat = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in flat if not unicodedata.combining(c))


def _old_phone(chance: random.Random) -> str:
    prefix = chance.choice(list(OLD_PREFIXES.values()))
    return f"0{prefix}{chance.randrange(10**7):07}"


def _typo(chance: random.Random, customer: Customer) -> Customer:
    wrong = chance.choice(
        "gmial.com gmai.com gmal.com gmail.con gmail.co gamil.com yaho.com yahoo.con hotmial.com "
        "hotmail.con outlok.com".split()
    )
    return reached(customer, "email", f"{first(customer, 'email').split('@')[0]}@{wrong}")


def _swapped(chance: random.Random, customer: Customer) -> Customer:
    family = chance.choice(("Nguyễn", "Trần", "Phạm", "Bùi"))
    given = chance.choice(("Hùng", "Lan", "Tuấn", "Hương", "Minh"))
    return filled(named(customer, f"{given} {family} {chance.choice(('Văn', 'Thị'))}"), gender=None)


def _wrong_digit(chance: random.Random, customer: Customer) -> Customer:
    digits = list(customer.fields["tax_code"])
    at = chance.randrange(9)
    digits[at] = str((int(digits[at]) + chance.randrange(1, 9)) % 10)
    return filled(customer, tax_code="".join(digits))


def _lost(chance: random.Random, customer: Customer) -> Customer:
    return named(customer, customer.display_name.encode("latin-1", "replace").decode("latin-1"))


def _districted(chance: random.Random, customer: Customer) -> Customer:
    tail = chance.choice(
        ("Quận 3, TP Hồ Chí Minh", "Huyện Củ Chi, TP Hồ Chí Minh", "Thị xã Sơn Tây, Hà Nội",
         "Phường 1, Bến Tre", "tỉnh Bình Dương", "Q.10, TP.HCM")
    )  # fmt: skip
    return reached(customer, "address", f"{chance.randrange(1, 90)} Lê Lợi, {tail}")


def _bare(customer: Customer, *kinds: str) -> Customer:
    return msgspec.structs.replace(
        customer, contact_points=[p for p in customer.contact_points if p.kind not in kinds]
    )


PEOPLE: dict[str, Spoil] = {
    "name_filler": lambda r, c: named(c, r.choice(("Không có", "khong co", "test", "N/A", "Khách lẻ", "asdfgh", "...", "aaaa"))),
    "name_one_word": lambda r, c: named(c, c.display_name.split()[-1]),
    "name_capitals": lambda r, c: named(c, c.display_name.upper()),
    "name_small": lambda r, c: named(c, c.display_name.lower()),
    "name_digits": lambda r, c: named(c, f"{c.display_name} {r.randrange(2, 99)}"),
    "name_holds_phone": lambda r, c: named(c, f"{c.display_name} {first(c, 'phone')}"),
    "name_holds_email": lambda r, c: named(c, first(c, "email")),
    "name_mojibake": lambda r, c: named(c, f"Trần Thị {c.display_name}".encode().decode("latin-1") if r.random() < 0.3 else _cp1252(f"Lê Thị {c.display_name}")),
    "name_vni": lambda r, c: named(c, as_vni(f"Nguyễn {c.display_name}")),
    "name_tcvn3": lambda r, c: named(c, as_tcvn3(f"Nguyễn {c.display_name}")),
    "name_lost_letters": lambda r, c: _lost(r, named(c, f"Nguyễn Thị {c.display_name}")),
    "name_signs": lambda r, c: named(c, f"{c.display_name} {r.choice(('***', '#VIP', '!!', '~', '[cũ]'))}"),
    "name_title": lambda r, c: named(c, f"{r.choice(('Anh', 'Chị', 'Mr', 'Mrs.', 'Ông', 'Bà'))} {c.display_name}"),
    "name_swapped": _swapped,
    "name_unmarked": lambda r, c: named(c, unmarked(f"Nguyễn {c.display_name}")),
    "name_blanks": lambda r, c: named(c, c.display_name.replace(" ", "  ", 1)),
    "person_is_company": lambda r, c: named(c, f"{r.choice(('Công ty TNHH', 'Cty CP', 'CÔNG TY'))} {c.display_name.split()[-1]} Phát"),
    "phone_filler": lambda r, c: reached(c, "phone", r.choice(("0000000000", "0123456789", "0999999999", "1111111111", "không có", "0987654321"))),
    "phone_renumbered": lambda r, c: reached(c, "phone", _old_phone(r)),
    "phone_old_area": lambda r, c: reached(c, "phone", r.choice((f"04{r.randrange(37_000_000, 39_999_999)}", f"(08) {r.randrange(3810, 3899)} {r.randrange(1000, 9999)}"))),
    "phone_holds_name": lambda r, c: reached(c, "phone", r.choice((c.display_name, "gọi cho chị Lan", "hỏi lễ tân"))),
    "phone_holds_email": lambda r, c: reached(c, "phone", first(c, "email")),
    "phone_several": lambda r, c: reached(c, "phone", f"{first(c, 'phone')}{r.choice((' / ', '; ', ', ', ' hoặc '))}09{r.randrange(10**8):08}"),
    "phone_lost_zero": lambda r, c: reached(c, "phone", f"9{r.choice('0134678')}{r.randrange(10**7):07}"),
    "phone_scientific": lambda r, c: reached(c, "phone", f"8.4{r.randrange(10**4)}E+10"),
    "phone_unreadable": lambda r, c: reached(c, "phone", r.choice((f"09{r.randrange(10**6, 10**7)}", f"0{r.choice((11, 13))}{r.randrange(10**6, 10**7)}", f"090{r.randrange(10**9, 10**10)}"))),
    "email_domain": _typo,
    "email_filler": lambda r, c: reached(c, "email", r.choice(("khongco@gmail.com", "test@test.com", "no@email.com", "không có", "a@a.com"))),
    "email_holds_phone": lambda r, c: reached(c, "email", first(c, "phone")),
    "email_several": lambda r, c: reached(c, "email", f"{first(c, 'email')}; khac{r.randrange(999)}@example.vn"),
    "email_mistyped": lambda r, c: reached(c, "email", r.choice((first(c, "email").replace("@", " @"), first(c, "email").replace(".", ",", 1) if "." in first(c, "email").split("@")[0] else first(c, "email").replace("@", "@@"), first(c, "email").replace("@", "@@")))),
    "email_unreadable": lambda r, c: reached(c, "email", r.choice((first(c, "email").replace("@", ""), first(c, "email").split("@")[0] + "@", first(c, "email").split(".")[0].split("@")[0] + "@gmail"))),
    "email_disposable": lambda r, c: reached(c, "email", f"{c.id.hex[:8]}@{r.choice(('mailinator.com', 'yopmail.com'))}"),
    "email_of_an_office": lambda r, c: reached(c, "email", f"{r.choice(('info', 'sales', 'ketoan'))}@congty{r.randrange(999)}.example.vn"),
    "other_is_known": lambda r, c: reached(c, "other", r.choice((first(c, "email"), f"09{r.randrange(10**8):08}"))),
    "address_filler": lambda r, c: reached(c, "address", r.choice(("Không có", "n/a", "---", "chưa rõ"))),
    "address_short": lambda r, c: reached(c, "address", r.choice(("Hà Nội", "Huế", "12"))),
    "address_former": _districted,
    "address_holds_contact": lambda r, c: reached(c, "address", f"{first(c, 'address')} - {r.choice((first(c, 'email'), '0903 123 456'))}"),
    "address_encoding": lambda r, c: reached(c, "address", _cp1252(f"Số 3 Trần Phú, {first(c, 'address')}")),
    "website_unreadable": lambda r, c: reached(c, "website", r.choice(("có", "facebook", "trang web của tôi"))),
    "zalo_unreadable": lambda r, c: reached(c, "zalo", f"0{r.randrange(10**5, 10**6)}"),
    "unreachable": lambda r, c: _bare(c, "phone", "email"),
    "no_phone": lambda r, c: _bare(c, "phone"),
    "no_email": lambda r, c: _bare(c, "email"),
    "no_address": lambda r, c: _bare(c, "address"),
    "no_birth": lambda r, c: filled(c, birth_date=None),
    "no_need": lambda r, c: filled(c, need=None),
    "no_owner": lambda r, c: msgspec.structs.replace(c, owner=None),
    "no_role": lambda r, c: msgspec.structs.replace(c, roles=[]),
    "birth_unreadable": lambda r, c: filled(c, birth_date=r.choice(("1985-02-30", "31/04/1990", "tháng 5", "85"))),
    "birth_future": lambda r, c: filled(c, birth_date=f"{r.randrange(2028, 2090)}-05-06"),
    "birth_too_old": lambda r, c: filled(c, birth_date=f"{r.randrange(1011, 1899)}-05-06"),
    "birth_filler": lambda r, c: filled(c, birth_date=r.choice(("1900-01-01", "01/01/1900", "1970-01-01"))),
    "birth_of_a_child": lambda r, c: filled(c, birth_date=f"{r.randrange(2022, 2026)}-05-06"),
    "point_repeated": lambda r, c: reached(c, "phone", first(c, "phone"), f"+84{first(c, 'phone')[1:]}"),
    "tags_repeated": lambda r, c: msgspec.structs.replace(c, tags=["vip", "VIP"]),
    "phone_stale": lambda r, c: old(c, "phone", r),
    "email_stale": lambda r, c: old(c, "email", r),
    "address_stale": lambda r, c: old(c, "address", r),
    "title_against_gender": lambda r, c: filled(named(c, f"Anh {c.display_name}"), gender="Nữ"),
    "name_against_gender": lambda r, c: filled(named(c, f"Lê Thị {c.display_name.split()[-1]}"), gender="Nam"),
    "gender_unknown_word": lambda r, c: filled(c, gender=r.choice(("x", "1", "không rõ"))),
}  # fmt: skip
COMPANIES: dict[str, Spoil] = {
    "no_tax_code": lambda r, c: filled(c, tax_code=None),
    "tax_shape": lambda r, c: filled(c, tax_code=c.fields["tax_code"][: r.randrange(5, 9)]),
    "tax_check": _wrong_digit,
    "organisation_with_birth": lambda r, c: filled(c, birth_date="1990-05-04"),
    "organisation_with_gender": lambda r, c: filled(c, gender="Nam"),
}


def _cp1252(text: str) -> str:
    """UTF-8 read as Windows-1252; its five holes are read as control characters, as browsers do."""
    return "".join(
        chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252")
        for byte in text.encode()
    )


def spoiled(customers: list[Customer], seed: int, each: int) -> Iterator[tuple[str, Customer]]:
    """For every error ``each`` customers that have it, with its name."""
    chance = random.Random(seed)
    people = [one for one in customers if one.kind == "person"]
    companies = [one for one in customers if one.kind == "organisation"]
    for errors, some in ((PEOPLE, people), (COMPANIES, companies)):
        for name, spoil in errors.items():
            for _ in range(each):
                yield name, spoil(chance, chance.choice(some))
