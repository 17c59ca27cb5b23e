"""A made-up customer file with doubles, and with people who only look like doubles.

10,000 people; a quarter of them stand there once or twice more, written by other hands. 600 members
of their households share telephone and address, 400 strangers share name and city. Nothing is
copied from a real file; family names have the published shares of Viet Nam.
"""

from __future__ import annotations

import datetime as dt
import random
import string
from dataclasses import dataclass, field, replace

from relatum.api import fold

PEOPLE, HOUSEHOLD, NAMESAKES = 10_000, 600, 400

#: Per cent of the people of Viet Nam (Lê Trung Hoa, Họ và tên người Việt Nam, 2005).
FAMILY = {
    "Nguyễn": 38.4,
    "Trần": 11.0,
    "Lê": 9.5,
    "Phạm": 7.1,
    "Huỳnh": 2.6,
    "Hoàng": 2.5,
    "Phan": 4.5,
    "Vũ": 2.0,
    "Võ": 1.9,
    "Đặng": 2.1,
    "Bùi": 2.0,
    "Đỗ": 1.4,
    "Hồ": 1.3,
    "Ngô": 1.3,
    "Dương": 1.0,
    "Lý": 0.5,
    "Đinh": 0.9,
    "Trương": 1.0,
    "Đoàn": 0.8,
    "Lâm": 0.7,
    "Mai": 0.7,
    "Trịnh": 0.7,
    "Đào": 0.8,
    "Cao": 0.6,
    "Lương": 0.6,
    "Hà": 0.6,
    "Tạ": 0.4,
    "Châu": 0.3,
    "Tô": 0.3,
    "Phùng": 0.5,
    "Thái": 0.3,
    "Vương": 0.3,
    "Quách": 0.2,
    "Kiều": 0.2,
}
MIDDLE_F = (
    "Thị Thị Thị Thị Ngọc Thanh Thu Kim Phương Minh Hoài Bảo Mỹ Bích Hồng Thùy Khánh Diễm Quỳnh Như"
)
MIDDLE_M = (
    "Văn Văn Văn Hữu Đức Minh Quang Xuân Quốc Thanh Ngọc Bảo Gia Tuấn Anh Công Đình Hoàng Trọng Duy"
)
GIVEN_F = (
    "Anh Hà Hương Lan Linh Mai Nga Ngọc Nhung Thảo Trang Hoa Hạnh Hằng Hiền Huyền Loan Ly My Ngân "
    "Nhi Oanh Phương Quyên Thu Thủy Thúy Tiên Trâm Trinh Tuyết Uyên Vân Vy Yến Châu Chi Diệp Dung "
    "Giang Hân Khanh Lam Liên Như Tâm Thơ Trúc Vi Xuân Bích Cúc Đào Hậu Hoài Hồng Huệ Lệ Liễu Lụa "
    "Mận Miên Nguyệt Nhàn Nương Phượng Quế Sen Thắm Thoa Thư Tú Tươi Viên Ý"
)
GIVEN_M = (
    "Anh Bình Cường Dũng Duy Đạt Đức Giang Hải Hiếu Hòa Hoàng Hùng Huy Hưng Khang Khánh Khoa Kiên "
    "Lâm Long Lộc Minh Nam Nghĩa Nhân Phong Phúc Phước Quân Quang Quý Sơn Tài Tân Thái Thành Thắng "
    "Thiện Thịnh Tiến Toàn Trí Trung Trường Tú Tuấn Tùng Việt Vinh An Bảo Chiến Công Cảnh "
    "Chung Danh "
    "Đăng Điền Đông Hậu Hiệp Hợp Kỳ Lợi Luân Lực Mạnh Nguyên Nhật Ninh Phát Sang Sáng "
    "Tín Triều Vũ Vương"
)
STREETS = (
    "Lê Lợi;Trần Hưng Đạo;Nguyễn Huệ;Hai Bà Trưng;Lý Thường Kiệt;Quang Trung;Nguyễn Trãi;Hùng "
    "Vương;"
    "Phan Chu Trinh;Điện Biên Phủ;Cách Mạng Tháng Tám;Võ Văn Tần;Lê Duẩn;Nguyễn Du;Bà Triệu;"
    "Hoàng Diệu;Ngô Quyền;Phan Bội Châu;Trường Chinh;Nguyễn Văn Cừ;Lạc Long Quân;Âu Cơ;Tô "
    "Hiến Thành;"
    "Kim Mã;Láng Hạ;Giải Phóng;Phạm Văn Đồng;Xuân Thủy;Cầu Giấy;Đội Cấn;Thụy Khuê;Nguyễn Thị "
    "Minh Khai"
)
CITIES = {
    "Hà Nội": 24,
    "TP Hồ Chí Minh": 30,
    "Đà Nẵng": 10,
    "Hải Phòng": 8,
    "Cần Thơ": 8,
    "Huế": 5,
    "Nha Trang": 5,
    "Biên Hòa": 5,
    "Vinh": 3,
    "Buôn Ma Thuột": 2,
}
WARDS = 30
#: Mobile prefixes that were eleven digits before 2018, new and old.
OLD_PREFIXES = {
    "70": "120",
    "79": "121",
    "77": "122",
    "76": "126",
    "78": "128",
    "83": "123",
    "84": "124",
    "85": "125",
    "81": "127",
    "82": "129",
    "32": "162",
    "33": "163",
    "34": "164",
    "35": "165",
    "36": "166",
    "37": "167",
    "38": "168",
    "39": "169",
    "56": "186",
    "58": "188",
    "59": "199",
}
PREFIXES = [*OLD_PREFIXES, "86", "88", "89", "90", "91", "93", "94", "96", "97", "98"]


@dataclass(frozen=True)
class Record:
    """One line of the file; ``person`` says who it really is."""

    person: int
    name: str
    phone: str | None
    email: str | None
    birth: dt.date | None
    address: str | None
    city: str = ""
    trap: str = ""
    of: int = -1
    woman: bool = field(default=False, compare=False)


def customer_file(seed: int, *, people: int = PEOPLE, thin: bool = False) -> list[Record]:
    """The file, shuffled.

    Args:
        people: how many; doubles and traps keep their proportion.
        thin: also the first record of a person lacks what the others lack, as often: harder than
            what was asked for.
    """
    chance = random.Random(seed)
    firsts = [_person(chance, number) for number in range(people)]
    records = [_thinned(chance, each) if thin else each for each in firsts]
    for each in firsts:
        if chance.random() < 0.25:
            times = 2 if chance.random() < 0.28 else 1
            records += [_again(chance, each) for _ in range(times)]
    number = people
    for count, make in ((HOUSEHOLD, _relative), (NAMESAKES, _namesake)):
        for each in chance.sample(firsts, count * people // PEOPLE):
            records.append(make(chance, each, number))
            number += 1
    chance.shuffle(records)
    return records


def columns_of(records: list[Record]) -> dict[str, list[str | None]]:
    """The file as columns, without the truth."""
    return {
        "name": [each.name for each in records],
        "phone": [each.phone for each in records],
        "email": [each.email for each in records],
        "birth": [each.birth.isoformat() if each.birth else None for each in records],
        "address": [each.address for each in records],
    }


def true_pairs(records: list[Record]) -> set[tuple[int, int]]:
    """Places of all pairs that are one person."""
    places: dict[int, list[int]] = {}
    for place, each in enumerate(records):
        places.setdefault(each.person, []).append(place)
    return {(a, b) for some in places.values() for n, a in enumerate(some) for b in some[n + 1 :]}


def _person(chance: random.Random, number: int) -> Record:
    woman = chance.random() < 0.5
    name = _name(chance, _pick(chance, FAMILY), woman=woman)
    city = _pick(chance, CITIES)
    return Record(
        number,
        name,
        _phone(chance),
        _email(chance, name),
        _birth(chance),
        _address(chance, city),
        city,
        woman=woman,
    )


def _pick(chance: random.Random, shares: dict[str, float] | dict[str, int]) -> str:
    return chance.choices(list(shares), weights=list(shares.values()))[0]


def _name(chance: random.Random, family: str, *, woman: bool, not_given: str = "") -> str:
    words = (GIVEN_F if woman else GIVEN_M).split()
    weights = [1 / (place + 8) for place in range(len(words))]
    given = not_given
    while given == not_given:
        given = chance.choices(words, weights=weights)[0]
    middles = (MIDDLE_F if woman else MIDDLE_M).split()
    middle = chance.choice(middles)
    if chance.random() < 0.18:
        middle += " " + chance.choice([each for each in middles if each != middle])
    return f"{family} {middle} {given}"


def _phone(chance: random.Random) -> str:
    return f"0{chance.choice(PREFIXES)}{chance.randrange(10_000_000):07}"


def _email(chance: random.Random, name: str) -> str:
    words = fold(name).split()
    tail = (
        str(chance.randrange(1_000)) if chance.random() < 0.8 else str(chance.randrange(1970, 2010))
    )
    local = chance.choice(
        [
            f"{words[-1]}.{words[0]}{tail}",
            f"{''.join(words)}{tail}",
            f"{words[-1]}{words[0][0]}{tail}",
        ]
    )
    return (
        f"{local}@{chance.choice(['gmail.com'] * 6 + ['yahoo.com', 'outlook.com', 'example.vn'])}"
    )


def _birth(chance: random.Random) -> dt.date:
    return dt.date(1950, 1, 1) + dt.timedelta(days=chance.randrange(56 * 365))


def _address(chance: random.Random, city: str) -> str:
    number = str(chance.randrange(1, 400))
    if chance.random() < 0.25:
        number += f"/{chance.randrange(1, 60)}"
    return (
        f"{number} {chance.choice(STREETS.split(';'))}, Phường {chance.randrange(1, WARDS)}, {city}"
    )


def _relative(chance: random.Random, one: Record, number: int) -> Record:
    """Same telephone and address, half with the same family name; nothing else."""
    woman = chance.random() < 0.5
    words = one.name.split()
    family = words[0] if chance.random() < 0.5 else _pick(chance, FAMILY)
    name = _name(chance, family, woman=woman, not_given=words[-1])
    return Record(
        number,
        name,
        one.phone,
        _email(chance, name),
        _birth(chance),
        one.address,
        one.city,
        trap="household",
        of=one.person,
    )


def _namesake(chance: random.Random, one: Record, number: int) -> Record:
    """Same name and city; nothing else."""
    return Record(
        number,
        one.name,
        _phone(chance),
        _email(chance, one.name),
        _birth(chance),
        _address(chance, one.city),
        one.city,
        trap="namesake",
        of=one.person,
    )


def _thinned(chance: random.Random, one: Record) -> Record:
    return replace(
        one,
        phone=None if chance.random() < 0.15 else one.phone,
        email=None if chance.random() < 0.30 else one.email,
        birth=None if chance.random() < 0.35 else one.birth,
        address=None if chance.random() < 0.40 else one.address,
    )


def _again(chance: random.Random, one: Record) -> Record:
    """The same person, written by another hand."""
    return replace(
        one,
        name=_written(chance, one.name),
        phone=_dialled(chance, one.phone or ""),
        email=_mailed(chance, one.email or "", one.name),
        birth=_born(chance, one.birth or dt.date(1970, 1, 1)),
        address=_lives(chance, one.address or "", one.city),
    )


def _written(chance: random.Random, name: str) -> str:
    words = name.split()
    if len(words) > 2 and chance.random() < 0.15:
        words = [words[0], words[-1]]
    if chance.random() < 0.20:
        words = [words[-1], *words[:-1]]
    text = " ".join(words)
    if chance.random() < 0.12:
        text = _slip(chance, text)
    return "".join(map(_bare, text)) if chance.random() < 0.50 else text


def _bare(letter: str) -> str:
    bare = fold(letter) or letter
    return bare.upper() if letter.isupper() else bare


def _slip(chance: random.Random, text: str) -> str:
    """One letter lost, doubled, exchanged with the next, or another."""
    place = chance.randrange(len(text))
    kind = chance.randrange(4)
    if kind == 0:
        return text[:place] + text[place + 1 :]
    if kind == 1:
        return text[:place] + text[place] + text[place:]
    if kind == 2 and place + 1 < len(text):
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text[:place] + chance.choice(string.ascii_lowercase) + text[place + 1 :]


def _dialled(chance: random.Random, phone: str) -> str | None:
    at = chance.random()
    if at < 0.15:
        return None
    if at < 0.30:
        old = OLD_PREFIXES.get(phone[1:3])
        return f"0{old}{phone[3:]}" if old else phone
    if at < 0.40:
        return chance.choice(
            [
                f"+84 {phone[1:3]} {phone[3:6]} {phone[6:]}",
                f"84{phone[1:]}",
                f"{phone[:4]}.{phone[4:7]}.{phone[7:]}",
                f"(+84) {phone[1:]}",
            ]
        )
    return _phone(chance) if at < 0.48 else phone


def _mailed(chance: random.Random, email: str, name: str) -> str | None:
    at = chance.random()
    if at < 0.30:
        return None
    if at < 0.36:
        local, _, domain = email.partition("@")
        return f"{_slip(chance, local)}@{domain}"
    return _email(chance, name) if at < 0.50 else email


def _born(chance: random.Random, birth: dt.date) -> dt.date | None:
    at = chance.random()
    if at < 0.35:
        return None
    if at < 0.39 and birth.day <= 12:
        return birth.replace(month=birth.day, day=birth.month)
    return birth


def _lives(chance: random.Random, address: str, city: str) -> str | None:
    at = chance.random()
    if at < 0.40:
        return None
    if at < 0.52:
        return _address(chance, city)
    if at < 0.70:
        return fold(address).replace("phuong ", "p.")
    return address
