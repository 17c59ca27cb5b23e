"""A made-up file of organisations with doubles, branches, and firms that only look like doubles.

A third of the firms stand there once or twice more, as other hands write them: the legal form
shortened or left out, trades shortened, without marks, in English. Branches share name, site and
the first ten digits of the tax code; sister firms share name, site and telephone and have a legal
form and a tax code of their own; strangers have the same name in another city. Nothing is copied
from a real file; tax codes are made from random digits.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from benchmarks.duplicates import CITIES, STREETS
from relatum.api import fold

FIRMS = 3_000
#: Shares of the firms that have one.
DOUBLED, BRANCHED, SISTERED, NAMESAKES = 0.33, 0.08, 0.05, 0.05
_FORMS = {
    "Công ty TNHH": ("Cty TNHH", "CÔNG TY TNHH", "Công ty Trách nhiệm hữu hạn", "TNHH", ""),
    "Công ty TNHH MTV": ("Cty TNHH Một thành viên", "Công ty TNHH 1 thành viên", "TNHH MTV"),
    "Công ty Cổ phần": ("CTCP", "Công ty CP", "Cty CP", "CÔNG TY CỔ PHẦN", ""),
    "DNTN": ("Doanh nghiệp tư nhân", "DNTN", ""),
}
_ENGLISH = {
    "Công ty TNHH": ("Co., Ltd.", "Co., Ltd", "Company Limited"),
    "Công ty TNHH MTV": ("One Member Co., Ltd.", "MTV Co., Ltd"),
    "Công ty Cổ phần": ("JSC", "Joint Stock Company"),
    "DNTN": ("Private Enterprise",),
}
_TRADES = {
    "Thương mại": ("TM", "Trading"),
    "Dịch vụ": ("DV", "Services"),
    "Xây dựng": ("XD", "Construction"),
    "Sản xuất": ("SX", "Production"),
    "Đầu tư": ("ĐT", "Investment"),
    "Xuất nhập khẩu": ("XNK", "Import Export"),
    "Công nghệ": ("Công nghệ", "Technology"),
    "Du lịch": ("Du lịch", "Travel"),
}
_WORDS = [
    "An",
    "Bình",
    "Minh",
    "Hoàng",
    "Phát",
    "Thịnh",
    "Tân",
    "Việt",
    "Đại",
    "Nam",
    "Hưng",
    "Thành",
    "Công",
    "Phú",
    "Quý",
    "Sao",
    "Mai",
    "Ánh",
    "Dương",
    "Kim",
    "Long",
    "Phương",
    "Đông",
    "Bảo",
    "Tín",
    "Gia",
    "Khánh",
    "Hải",
    "Sơn",
    "Trường",
    "Thiên",
    "Hà",
    "Lộc",
    "Vạn",
    "Xuân",
    "Hồng",
    "Ngọc",
    "Thanh",
    "Tâm",
    "Đức",
    "Trí",
    "Quang",
    "Huy",
    "Hòa",
    "Lợi",
    "Nhật",
    "Vĩnh",
    "Tiến",
    "Toàn",
    "Cầu",
    "Mỹ",
    "Á",
    "Châu",
    "Hùng",
    "Vương",
    "Lam",
    "Sen",
    "Vàng",
]
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """One record; ``firm`` is the truth: records of one firm are one."""

    firm: int
    form: str
    trades: tuple[str, ...]
    called: str
    name: str
    tax: str | None
    domain: str | None
    phone: str | None
    address: str | None
    trap: str = ""
    of: int = -1


def firm_file(seed: int, *, firms: int = FIRMS) -> list[Organisation]:
    """The file in a random order."""
    chance = random.Random(seed)
    taken: set[str] = set()
    first = [_firm(chance, number, taken) for number in range(firms)]
    records = list(first)
    number = firms
    for one in first:
        if chance.random() < DOUBLED:
            records += [_again(chance, one) for _ in range(chance.choice((1, 1, 2)))]
        if chance.random() < BRANCHED:
            records.append(_branch(chance, one, number))
            number += 1
        if chance.random() < SISTERED:
            records.append(_sister(chance, one, number, taken))
            number += 1
        if chance.random() < NAMESAKES:
            other = _firm(chance, number, taken)
            same = {"form": one.form, "trades": one.trades, "called": one.called, "name": one.name}
            records.append(replace(other, trap="namesake", of=one.firm, **same))
            number += 1
    chance.shuffle(records)
    return records


def tax_code(chance: random.Random) -> str:
    """Ten digits, the last of which checks the others; a sum that needs two digits is not given."""
    while True:
        digits = [0, *(chance.randrange(10) for _ in range(8))]
        check = 10 - sum(w * d for w, d in zip(_WEIGHTS, digits, strict=True)) % 11
        if check < 10:
            return "".join(map(str, [*digits, check]))


def _firm(chance: random.Random, number: int, taken: set[str]) -> Organisation:
    form = chance.choices(list(_FORMS), (45, 20, 30, 5))[0]
    trades = tuple(chance.sample(list(_TRADES), chance.choice((0, 1, 1, 2))))
    called = " ".join(chance.sample(_WORDS, chance.choice((2, 2, 2, 3))))
    site = fold(called).replace(" ", "") + chance.choice(("", "group", "vn", str(number % 90)))
    domain = f"{site}.{chance.choice(('vn', 'com.vn', 'com'))}"
    domain = domain if domain not in taken else f"{site}{number}.vn"
    taken.add(domain)
    return Organisation(
        firm=number,
        form=form,
        trades=trades,
        called=called,
        name=" ".join((form, *trades, called)),
        tax=tax_code(chance) if chance.random() < 0.8 else None,
        domain=domain if chance.random() < 0.6 else None,
        phone=_phone(chance) if chance.random() < 0.8 else None,
        address=_address(chance) if chance.random() < 0.75 else None,
    )


def _phone(chance: random.Random) -> str:
    return f"02{chance.choice((4, 8))}{chance.randrange(10_000_000, 99_999_999)}"


def _address(chance: random.Random) -> str:
    street = chance.choice([each.strip() for each in STREETS.split(";")])
    return f"{chance.randint(1, 400)} {street}, {chance.choices(list(CITIES), CITIES.values())[0]}"


def _again(chance: random.Random, one: Organisation) -> Organisation:
    """The same firm as another hand writes it; some of it is lost or slips."""
    tax = one.tax if chance.random() < 0.6 else None
    if tax and chance.random() < 0.05:
        place = chance.randrange(10)
        tax = tax[:place] + str((int(tax[place]) + chance.randint(1, 9)) % 10) + tax[place + 1 :]
    return replace(
        one,
        name=_written(chance, one),
        tax=tax,
        domain=one.domain if chance.random() < 0.7 else None,
        phone=(one.phone if chance.random() < 0.75 else _phone(chance)) if one.phone else None,
        address=one.address if chance.random() < 0.7 else None,
    )


def _written(chance: random.Random, one: Organisation) -> str:
    if chance.random() < 0.2:
        trades = [_TRADES[each][1] for each in one.trades]
        return " ".join((fold(one.called).title(), *trades, chance.choice(_ENGLISH[one.form])))
    trades = [_TRADES[each][0] if chance.random() < 0.5 else each for each in one.trades]
    if trades and chance.random() < 0.1:
        trades.pop()
    form = chance.choice((one.form, *_FORMS[one.form]))
    called = one.called
    if chance.random() < 0.06:
        place = chance.randrange(1, len(called))
        called = called[:place] + called[place + 1 :]
    name = " ".join(part for part in (form, *trades, called) if part)
    return fold(name).upper() if chance.random() < 0.25 else name


def _branch(chance: random.Random, one: Organisation, number: int) -> Organisation:
    tax = f"{one.tax}-{chance.randint(1, 20):03d}" if one.tax else f"{tax_code(chance)}-001"
    city = chance.choice(list(CITIES))
    place = _address(chance)
    return replace(
        one,
        firm=number,
        name=f"Chi nhánh {city} - {one.name}" if chance.random() < 0.5 else one.name,
        tax=tax,
        phone=_phone(chance),
        address=place,
        trap="branch",
        of=one.firm,
    )


def _sister(chance: random.Random, one: Organisation, number: int, taken: set[str]) -> Organisation:
    form = chance.choice([each for each in _FORMS if each != one.form])
    return replace(
        one,
        firm=number,
        form=form,
        name=" ".join((form, *one.trades, one.called)),
        tax=tax_code(chance) if chance.random() < 0.8 else None,
        trap="sister",
        of=one.firm,
    )


def columns_of(records: list[Organisation]) -> dict[str, list[str | None]]:
    """As the engine wants them."""
    return {
        "name": [one.name for one in records],
        "tax": [one.tax for one in records],
        "domain": [one.domain for one in records],
        "phone": [one.phone for one in records],
        "address": [one.address for one in records],
    }


def true_pairs(records: list[Organisation]) -> set[tuple[int, int]]:
    """Places of records of one firm."""
    places: dict[int, list[int]] = {}
    for place, one in enumerate(records):
        places.setdefault(one.firm, []).append(place)
    return {(a, b) for some in places.values() for n, a in enumerate(some) for b in some[n + 1 :]}
