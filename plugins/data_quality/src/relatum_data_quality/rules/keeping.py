"""Rules about what is missing, doubled, old, or at odds with something else of the record."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from relatum.api import Customer, fold
from relatum_data_quality.rules.types import (
    Check,
    Fix,
    Flaw,
    Known,
    Where,
    field_of,
    rule,
    values_of,
)
from relatum_data_quality.rules.words import FEMALE, MALE, TITLES_FEMALE, TITLES_MALE
from relatum_data_quality.scoring import freshness, verified_at

#: Weights of the nine digits of a tax code (circular 105/2020/TT-BTC, appendix); the tenth is
#: ten less the remainder of their sum by eleven.
_TAX_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_OLDEST_YEARS = 115
_FILLER_DATES = frozenset(("0001-01-01", "1900-01-01", "1900-01-00", "1970-01-01", "1899-12-30"))
_REACH = ("phone", "email", "zalo", "facebook")


# -- missing --------------------------------------------------------------------------------------


def _lacks(kind: str, *, only: str = "") -> Check:
    def check(customer: Customer, known: Known) -> Iterator[Flaw]:
        there = any(p.kind == kind for p in customer.contact_points)
        if not there and only in {"", customer.kind} and _reachable(customer):
            yield Flaw()

    return check


def _reachable(customer: Customer) -> bool:
    return any(p.kind in _REACH for p in customer.contact_points)


def unreachable(customer: Customer, known: Known) -> Iterator[Flaw]:
    if not _reachable(customer):
        yield Flaw()


def no_address(customer: Customer, known: Known) -> Iterator[Flaw]:
    if not any(p.kind == "address" for p in customer.contact_points):
        yield Flaw()


def no_birth(customer: Customer, known: Known) -> Iterator[Flaw]:
    if customer.kind == "person" and known.lacks(customer, known.birth_field):
        yield Flaw()


def no_need(customer: Customer, known: Known) -> Iterator[Flaw]:
    if known.lacks(customer, known.need_field):
        yield Flaw()


def no_tax_code(customer: Customer, known: Known) -> Iterator[Flaw]:
    if customer.kind == "organisation" and known.lacks(customer, known.tax_field):
        yield Flaw()


def no_owner(customer: Customer, known: Known) -> Iterator[Flaw]:
    if customer.owner is None:
        yield Flaw()


# -- birth ----------------------------------------------------------------------------------------


def read_date(text: str) -> dt.date | None:
    """``1980-05-04``, or as people in Viet Nam write it: ``04/05/1980``."""
    match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", text)
    if match:
        year, month, day = map(int, match.groups())
    else:
        match = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text)
        if not match:
            return None
        day, month, year = map(int, match.groups())
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _birth(customer: Customer, known: Known) -> str:
    return field_of(customer, known.birth_field) if customer.kind == "person" else ""


def birth_unreadable(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = _birth(customer, known)
    if text and text not in _FILLER_DATES and read_date(text) is None:
        yield Flaw(value=text)


def birth_future(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = _birth(customer, known)
    day = read_date(text)
    if day is not None and day > known.today:
        yield Flaw(value=text)


def _is_filler_date(text: str) -> bool:
    day = read_date(text)
    return text in _FILLER_DATES or (day is not None and day.isoformat() in _FILLER_DATES)


def birth_too_old(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = _birth(customer, known)
    day = read_date(text)
    if (
        day is not None
        and not _is_filler_date(text)
        and known.today.year - day.year > _OLDEST_YEARS
    ):
        yield Flaw(value=text)


def birth_filler(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = _birth(customer, known)
    if text and _is_filler_date(text):
        fix = Fix(target=f"field:{known.birth_field}", before=text, after=())
        yield Flaw(value=text, fixes=(fix,))


def birth_of_a_child(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = _birth(customer, known)
    day = read_date(text)
    if day is not None and 0 <= (known.today - day).days < 6 * 365:
        yield Flaw(value=text)


# -- tax code -------------------------------------------------------------------------------------


def _tax(customer: Customer, known: Known) -> str:
    return field_of(customer, known.tax_field)


def tax_shape(customer: Customer, known: Known) -> Iterator[Flaw]:
    """10 digits, 13 with a branch (``0123456789-001``), or 12 of a person."""
    text = _tax(customer, known)
    if text and not re.fullmatch(r"\d{10}|\d{10}-?\d{3}|\d{12}", text):
        plain = re.sub(r"[\s.]", "", text)
        if re.fullmatch(r"\d{10}|\d{10}-\d{3}|\d{13}", plain):
            fix = Fix(target=f"field:{known.tax_field}", before=text, after=(plain,))
            yield Flaw(value=text, fixes=(fix,))
        else:
            yield Flaw(value=text)


def tax_check(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = _tax(customer, known)
    if re.fullmatch(r"\d{10}(?:-?\d{3})?", text):
        total = sum(int(d) * w for d, w in zip(text, _TAX_WEIGHTS, strict=False))
        if 10 - total % 11 != int(text[9]):
            yield Flaw(value=text)


def tax_shared(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = re.sub(r"\D", "", _tax(customer, known))
    if text and known.shared.get(("tax_code", text), 1) > 1:
        yield Flaw(value=_tax(customer, known))


# -- doubled --------------------------------------------------------------------------------------


def _shared(kind: str) -> Check:
    def check(customer: Customer, known: Known) -> Iterator[Flaw]:
        for p in values_of(customer, kind):
            if p.normalised and known.shared.get((kind, p.normalised), 1) > 1:
                yield Flaw(value=p.raw)

    return check


def point_repeated(customer: Customer, known: Known) -> Iterator[Flaw]:
    seen: set[tuple[str, str]] = set()
    for p in customer.contact_points:
        key = (p.kind, p.normalised or fold(p.raw))
        if key in seen:
            fix = Fix(target=f"point:{p.kind}", before=p.raw, after=())
            yield Flaw(value=p.raw, fixes=(fix,))
        seen.add(key)


def tags_repeated(customer: Customer, known: Known) -> Iterator[Flaw]:
    seen: set[str] = set()
    for tag in customer.tags:
        if fold(tag) in seen:
            yield Flaw(value=tag, fixes=(Fix(target="tag", before=tag, after=()),))
        seen.add(fold(tag))


# -- old ------------------------------------------------------------------------------------------


def _stale(field: str) -> Check:
    def check(customer: Customer, known: Known) -> Iterator[Flaw]:
        half_life = known.half_lives.get(field)
        at = verified_at(customer, field, known)
        if half_life and at is not None:
            days = (known.today - at.date()).days
            if freshness(days, half_life) < known.expired_below:
                yield Flaw(value=at.date().isoformat())

    return check


# -- at odds --------------------------------------------------------------------------------------


def _gender(customer: Customer, known: Known) -> str:
    said = fold(field_of(customer, known.gender_field))
    return "male" if said in MALE else "female" if said in FEMALE else said


def organisation_with_birth(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = field_of(customer, known.birth_field)
    if customer.kind == "organisation" and text:
        yield Flaw(value=text)


def organisation_with_gender(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = field_of(customer, known.gender_field)
    if customer.kind == "organisation" and text:
        fix = Fix(target=f"field:{known.gender_field}", before=text, after=())
        yield Flaw(value=text, fixes=(fix,))


def title_against_gender(customer: Customer, known: Known) -> Iterator[Flaw]:
    words = [fold(word) for word in customer.display_name.split()]
    if customer.kind != "person" or len(words) < 2:
        return
    gender = _gender(customer, known)
    if (words[0] in TITLES_MALE and gender == "female") or (
        words[0] in TITLES_FEMALE and gender == "male"
    ):
        yield Flaw(value=customer.display_name)


def name_against_gender(customer: Customer, known: Known) -> Iterator[Flaw]:
    """“Thị” is the middle name of women, “Văn” of men; a third word and later ones say nothing."""
    words = [fold(word) for word in customer.display_name.split()]
    if customer.kind != "person" or len(words) < 3:
        return
    gender = _gender(customer, known)
    if (words[1] == "thi" and gender == "male") or (words[1] == "van" and gender == "female"):
        yield Flaw(value=customer.display_name)


def gender_unknown_word(customer: Customer, known: Known) -> Iterator[Flaw]:
    text = field_of(customer, known.gender_field)
    if text and _gender(customer, known) not in {"male", "female", "khac", "other"}:
        yield Flaw(value=text)


def no_role(customer: Customer, known: Known) -> Iterator[Flaw]:
    if not customer.roles:
        yield Flaw()


BIRTH: Where = ("validity", "error", "birth")
RULES = [
    rule(
        "unreachable",
        ("completeness", "error", "phone"),
        ("No way to reach the customer", "Không có cách liên hệ"),
        (
            "No phone, e-mail, Zalo or Facebook: nobody can call, write or tell doubles apart.",
            "Không điện thoại, email, Zalo hay Facebook: không liên hệ hay nhận ra trùng được.",
        ),
        unreachable,
    ),
    rule(
        "no_phone",
        ("completeness", "warning", "phone"),
        ("No phone number", "Chưa có số điện thoại"),
        (
            "Most customers are reached by phone. Ask at the next contact.",
            "Phần lớn khách liên hệ qua điện thoại. Hãy hỏi ở lần tới.",
        ),
        _lacks("phone"),
    ),
    rule(
        "no_email",
        ("completeness", "note", "email"),
        ("No e-mail address", "Chưa có email"),
        ("Invoices and confirmations go there.", "Hóa đơn và xác nhận gửi qua đây."),
        _lacks("email"),
    ),
    rule(
        "no_address",
        ("completeness", "note", "address"),
        ("No address", "Chưa có địa chỉ"),
        ("Wanted for deliveries and visits.", "Cần khi giao hàng và thăm khách."),
        no_address,
    ),
    rule(
        "no_birth",
        ("completeness", "note", "birth"),
        ("No date of birth", "Chưa có ngày sinh"),
        (
            "Wanted for greetings, and tells people of one name apart.",
            "Để chúc mừng và phân biệt người trùng tên.",
        ),
        no_birth,
    ),
    rule(
        "no_need",
        ("completeness", "note", "need"),
        ("Need unknown", "Chưa rõ nhu cầu"),
        ("Nobody knows what to offer.", "Không biết nên giới thiệu gì."),
        no_need,
    ),
    rule(
        "no_tax_code",
        ("completeness", "warning", "tax_code"),
        ("Company without tax code", "Công ty chưa có mã số thuế"),
        ("Invoices need it.", "Cần khi xuất hóa đơn."),
        no_tax_code,
    ),
    rule(
        "no_owner",
        ("completeness", "warning", "owner"),
        ("Nobody looks after the customer", "Chưa có người phụ trách"),
        (
            "What belongs to nobody is mended by nobody. Give it an owner.",
            "Không ai phụ trách thì không ai sửa. Hãy giao cho một người.",
        ),
        no_owner,
    ),
    rule(
        "birth_unreadable",
        BIRTH,
        ("Date of birth that is no date", "Ngày sinh không phải ngày"),
        (
            "Such a day does not exist, or it is written in another way.",
            "Ngày này không tồn tại hoặc viết sai dạng.",
        ),
        birth_unreadable,
    ),
    rule(
        "birth_future",
        BIRTH,
        ("Born in the future", "Ngày sinh ở tương lai"),
        ("Year or day is mistyped.", "Gõ nhầm năm hoặc ngày."),
        birth_future,
    ),
    rule(
        "birth_too_old",
        BIRTH,
        ("Older than anybody", "Tuổi lớn bất thường"),
        (
            "Nobody is older than 115 years; the year is mistyped.",
            "Không ai quá 115 tuổi; năm bị gõ nhầm.",
        ),
        birth_too_old,
    ),
    rule(
        "birth_filler",
        BIRTH,
        ("Filled-in date of birth", "Ngày sinh điền cho có"),
        (
            "1 January 1900 or 1970 is what systems write when nothing is known. Take it away.",
            "01/01/1900 hay 1970 là giá trị mặc định của hệ thống. Hãy bỏ đi.",
        ),
        birth_filler,
    ),
    rule(
        "birth_of_a_child",
        ("validity", "note", "birth"),
        ("A small child as customer", "Khách hàng là trẻ nhỏ"),
        (
            "Often the date of something else; data of children need the consent of a parent.",
            "Thường là ngày của việc khác; dữ liệu trẻ em cần cha mẹ đồng ý.",
        ),
        birth_of_a_child,
    ),
    rule(
        "tax_shape",
        ("validity", "error", "tax_code"),
        ("Tax code of a wrong length", "Mã số thuế sai độ dài"),
        ("10 digits, 13 for branches, 12 for people.", "10 số, chi nhánh 13 số, cá nhân 12 số."),
        tax_shape,
    ),
    rule(
        "tax_check",
        ("validity", "error", "tax_code"),
        ("Tax code with a wrong check digit", "Mã số thuế sai số kiểm tra"),
        ("A digit is mistyped.", "Gõ nhầm một chữ số."),
        tax_check,
    ),
    rule(
        "tax_shared",
        ("uniqueness", "error", "tax_code"),
        ("Tax code of several customers", "Nhiều khách chung mã số thuế"),
        (
            "One company, kept twice. Look at both and merge.",
            "Một công ty lưu hai lần. Hãy xem và gộp.",
        ),
        tax_shared,
    ),
    rule(
        "phone_shared",
        ("uniqueness", "warning", "phone"),
        ("Phone number of several customers", "Nhiều khách chung số điện thoại"),
        (
            "A double, or a household. Look at both.",
            "Hồ sơ trùng hoặc người cùng nhà. Hãy xem cả hai.",
        ),
        _shared("phone"),
    ),
    rule(
        "email_shared",
        ("uniqueness", "warning", "email"),
        ("E-mail address of several customers", "Nhiều khách chung email"),
        ("Likely a double. Look at both and merge.", "Có thể trùng hồ sơ. Hãy xem và gộp."),
        _shared("email"),
    ),
    rule(
        "point_repeated",
        ("uniqueness", "note", "phone"),
        ("The same contact point twice", "Liên hệ lặp trong một hồ sơ"),
        ("One of them is enough.", "Chỉ cần một."),
        point_repeated,
    ),
    rule(
        "tags_repeated",
        ("uniqueness", "note", "tags"),
        ("The same tag in two spellings", "Nhãn lặp khác cách viết"),
        ("Lists by tag miss half of them.", "Lọc theo nhãn sẽ sót."),
        tags_repeated,
    ),
    rule(
        "phone_stale",
        ("freshness", "note", "phone"),
        ("Phone number not verified for long", "Số điện thoại lâu chưa xác minh"),
        ("Ask whether it is still right, then say so.", "Hãy hỏi còn đúng không rồi xác nhận."),
        _stale("phone"),
    ),
    rule(
        "email_stale",
        ("freshness", "note", "email"),
        ("E-mail address not verified for long", "Email lâu chưa xác minh"),
        ("Ask whether it is still right, then say so.", "Hãy hỏi còn đúng không rồi xác nhận."),
        _stale("email"),
    ),
    rule(
        "address_stale",
        ("freshness", "note", "address"),
        ("Address not verified for long", "Địa chỉ lâu chưa xác minh"),
        ("Ask whether it is still right, then say so.", "Hãy hỏi còn đúng không rồi xác nhận."),
        _stale("address"),
    ),
    rule(
        "need_stale",
        ("freshness", "note", "need"),
        ("Need not verified for long", "Nhu cầu lâu chưa xác minh"),
        ("Needs change; ask again.", "Nhu cầu thay đổi; hãy hỏi lại."),
        _stale("need"),
    ),
    rule(
        "organisation_with_birth",
        ("consistency", "warning", "birth"),
        ("Organisation with a date of birth", "Tổ chức có ngày sinh"),
        (
            "It is a person, or the date is of something else.",
            "Thực ra là cá nhân, hoặc ngày của việc khác.",
        ),
        organisation_with_birth,
    ),
    rule(
        "organisation_with_gender",
        ("consistency", "warning", "gender"),
        ("Organisation with a gender", "Tổ chức có giới tính"),
        ("Companies have none; it is taken away.", "Công ty không có giới tính; sẽ bỏ đi."),
        organisation_with_gender,
    ),
    rule(
        "title_against_gender",
        ("consistency", "warning", "gender"),
        ("Form of address against the gender", "Xưng hô trái giới tính"),
        ("One of the two is wrong. Ask.", "Một trong hai sai. Hãy hỏi lại."),
        title_against_gender,
    ),
    rule(
        "name_against_gender",
        ("consistency", "note", "gender"),
        ("Middle name against the gender", "Tên đệm trái giới tính"),
        (
            "“Thị” of a man or “Văn” of a woman is rare. Look again.",
            "Nam có đệm “Thị” hay nữ có đệm “Văn” rất hiếm. Hãy xem lại.",
        ),
        name_against_gender,
    ),
    rule(
        "gender_unknown_word",
        ("validity", "note", "gender"),
        ("Gender that nobody can read", "Giới tính không đọc được"),
        ("Write nam, nữ or khác.", "Hãy ghi nam, nữ hoặc khác."),
        gender_unknown_word,
    ),
    rule(
        "no_role",
        ("completeness", "note", "roles"),
        ("No role", "Chưa có vai trò"),
        (
            "Whether a prospect, a customer or a partner.",
            "Chưa rõ tiềm năng, khách hàng hay đối tác.",
        ),
        no_role,
    ),
]
