"""Names of people and numbering plans, against tables that are not ours."""

import csv
import random
import re
from collections import Counter

from relatum.values.name_matching import compare_names
from relatum.values.names import split_name
from relatum.values.phone import normalise_phone
from relatum.values.text import fold
from tests.real_data.conftest import folder_of

# Decision 2036/QĐ-BTTTT of 2016; four provinces kept theirs.
AREAS_BEFORE_2017 = """
Sơn La 22, Lai Châu 231, Lào Cai 20, Điện Biên 230, Yên Bái 29, Quảng Bình 52, Quảng Trị 53,
Thừa Thiên - Huế 54, Quảng Nam 510, Đà Nẵng 511, Thanh Hóa 37, Nghệ An 38, Hà Tĩnh 39, Quảng
Ninh 33, Bắc Giang 240, Lạng Sơn 25, Cao Bằng 26, Tuyên Quang 27, Hải Dương 320, Thái Nguyên
280, Bắc Cạn 281, Hưng Yên 321, Bắc Ninh 241, Hải Phòng 31, Hà Nam 351, Thái Bình 36, Nam
Định 350, Ninh Bình 30, Cà Mau 780, Bạc Liêu 781, Cần Thơ 710, Hậu Giang 711, Trà Vinh 74,
An Giang 76, Kiên Giang 77, Sóc Trăng 79, Hà Nội 4, Tp. Hồ Chí Minh 8, Đồng Nai 61, Bình
Thuận 62, Bà Rịa - Vũng Tàu 64, Quảng Ngãi 55, Bình Định 56, Phú Yên 57, Khánh Hòa 58, Ninh
Thuận 68, Kon Tum 60, Đắk Nông 501, Đắk Lắk 500, Lâm Đồng 63, Gia Lai 59, Vĩnh Long 70, Bình
Phước 651, Long An 72, Tiền Giang 73, Bình Dương 650, Bến Tre 75, Tây Ninh 66, Đồng Tháp 67,
Phú Thọ 210, Vĩnh Phúc 211, Hòa Bình 218, Hà Giang 219
"""


def area_codes():
    path = folder_of("vi_admin_units") / "landline_area_codes_2017.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["Tỉnh/ Thành phố"]: row["Mã vùng"] for row in csv.DictReader(file)}


def test_area_codes_of_2017():
    """An old number becomes the one with the new area code, unless it is a mobile number now."""
    kinds = Counter()
    listed = (entry.rsplit(maxsplit=1) for entry in AREAS_BEFORE_2017.split(","))
    former = {" ".join(province.split()): code for province, code in listed}
    for province, new in area_codes().items():
        old = former[province]
        for subscriber in ("3821234", "6250123"):
            # The two largest cities had eight digits, all others seven.
            digits = f"3{subscriber}" if len(old) == 1 else subscriber
            today = normalise_phone(f"0{new} {digits}")
            before = normalise_phone(f"0{old} {digits}")
            assert (today.e164, today.kind) == (f"+84{new}{digits}", "fixed"), province
            if before.kind == "mobile":
                assert before.e164 == f"+84{old}{digits}", province
            elif before.kind == "fixed":
                assert before.e164 == today.e164, province
            kinds[before.kind] += 1
    assert kinds["fixed"] >= 90
    assert set(kinds) <= {"fixed", "mobile", "voip"}


def test_every_mobile_range_in_every_spelling():
    """The beginnings of numbers of today's operators, as their list has them."""
    path = folder_of("phone") / "carrier_84_en.txt"
    ranges = re.findall(r"^84(\d+)\|", path.read_text(encoding="utf-8"), re.M)
    chance = random.Random(84)
    checked = 0
    for start in ranges:
        number = start + "".join(chance.choices("0123456789", k=9 - len(start)))
        plain = normalise_phone(f"0{number}")
        if start.startswith("1") or plain.kind != "mobile":
            continue  # old ranges, and corners that no operator has taken yet
        checked += 1
        spellings = (
            *(
                f"+84{number}",
                f"84{number}",
                f"0084{number}",
                f"+84 (0){number}",
                f"(+84) {number}",
            ),
            *(
                f"0{number[:2]} {number[2:5]} {number[5:]}",
                f"0{number[:3]}.{number[3:6]}.{number[6:]}",
            ),
        )
        assert {normalise_phone(each).e164 for each in spellings} == {f"+84{number}"}
    assert checked >= 15


def full_names():
    path = folder_of("vi_names") / "full_names_dev.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["full_name"] for row in csv.DictReader(file)]


def test_names_in_other_orders_and_without_marks():
    kinds = Counter()
    for name in full_names():
        words = name.split()
        turned = " ".join([words[-1], *words[:-1]])
        assert compare_names(name, turned).kind == "same", name
        assert compare_names(name, fold(name).upper()).kind == "same", name
        if len(words) > 2:
            initials = " ".join([*(f"{word[0]}." for word in words[:-1]), words[-1]])
            kinds["initials", compare_names(name, initials).kind] += 1
            kinds["shortened", compare_names(name, f"{words[0]} {words[-1]}").kind] += 1
    asked = sum(n for (wanted, _), n in kinds.items() if wanted == "initials")
    assert kinds["initials", "initials"] == asked
    assert kinds["shortened", "shortened"] >= 0.99 * asked


def test_different_people_are_rarely_alike():
    """Two names drawn at random: fewer than one pair in a thousand agrees in any way."""
    chance = random.Random(7)
    names = sorted({fold(name): name for name in full_names()}.values())
    pairs = [chance.sample(names, 2) for _ in range(20_000)]
    kinds = Counter(compare_names(a, b).kind for a, b in pairs)
    assert kinds["different"] >= 0.999 * len(pairs)
    assert kinds["same"] <= 3


def test_the_given_name_is_the_last_word():
    for name in full_names():
        assert split_name(name).given == name.split()[-1]
