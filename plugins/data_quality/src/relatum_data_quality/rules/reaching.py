"""Rules about telephone numbers, e-mail addresses and postal addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from relatum.api import ContactPoint, Customer, fold, normalise_email, normalise_phone
from relatum_data_quality.rules.legacy import mojibake, tcvn3, vni
from relatum_data_quality.rules.types import Fix, Flaw, Known, Where, rule, values_of
from relatum_data_quality.rules.words import (
    DISPOSABLE,
    DOMAINS,
    EMPTY_MAIL,
    FORMER_PROVINCES,
    PLACEHOLDERS,
    ROLES,
)

_MAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+")
_BREAK = re.compile(r"\s*(?:[/;|\n]|,\s|\s(?:hoặc|hay|và|or|and|-)\s)\s*")
_OLD_MOBILE = re.compile(r"(?:\+?84|0)(1(?:2[0-9]|6[2-9]|8[68]|99)[0-9]{7})")
_OLD_AREA = re.compile(r"0(?:4|8)[2-7][0-9]{7}|0(?:31|511|61|64|71)[0-9]{7}")
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}")
_SEPARATORS = re.compile(r"[\s.()+-]")
_DISTRICT = re.compile(r"\b(?:quan|huyen|thi xa)\s+\w|\bq\.?\s?[0-9]{1,2}\b|\b(?:h|tx)\.\s?\w")
_PHONE_IN_TEXT = re.compile(r"(?<![0-9])(?:\+84|0)(?:[\s.-]?[0-9]){9}(?![0-9])")


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _point(point: ContactPoint, after: tuple[str, ...], *, kind: str = "") -> Flaw:
    fix = Fix(target=f"point:{point.kind}", before=point.raw, after=after, kind=kind)
    return Flaw(value=point.raw, fixes=(fix,))


# -- telephone ------------------------------------------------------------------------------------


def _is_filler(raw: str) -> bool:
    national = re.sub(r"^(?:84|0)", "", _digits(raw))
    return (
        bool(national)
        and len(national) >= 7
        and (
            len(set(national)) == 1
            or len(set(national[1:])) == 1
            or national in "1234567890" * 2
            or national in "9876543210" * 2
        )
    )


def phone_filler(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        if _is_filler(p.raw) or fold(p.raw) in PLACEHOLDERS:
            yield _point(p, ())


def phone_renumbered(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        if _OLD_MOBILE.fullmatch(_SEPARATORS.sub("", p.raw.replace("+", ""))):
            read = normalise_phone(p.raw, "VN")
            if read.e164:
                yield _point(p, (f"0{read.e164[3:]}",))


def phone_old_area(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        plain = _SEPARATORS.sub("", p.raw)
        if _OLD_AREA.fullmatch(plain) and not _is_filler(p.raw):
            read = normalise_phone(p.raw, "VN")
            if read.e164 and read.kind == "fixed":
                yield _point(p, (f"0{read.e164[3:]}",))


def phone_holds_name(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        wordy = _letters(p.raw) >= 4 and len(_digits(p.raw)) < 7
        if wordy and "@" not in p.raw and fold(p.raw) not in PLACEHOLDERS:
            yield Flaw(value=p.raw)


def phone_holds_email(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        if _MAIL.fullmatch(p.raw.strip()):
            yield _point(p, (p.raw.strip(),), kind="email")


def phone_several(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        parts = [part for part in _BREAK.split(p.raw) if part]
        if len(parts) > 1 and all(len(_digits(part)) >= 8 for part in parts):
            sure = all(normalise_phone(part, known.country).e164 for part in parts)
            yield _point(p, tuple(parts)) if sure else Flaw(value=p.raw)


def phone_lost_zero(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        if known.country == "VN" and re.fullmatch(r"[35789][0-9]{8}(?:\.0)?", p.raw.strip()):
            mended = f"0{p.raw.strip()[:9]}"
            if normalise_phone(mended, "VN").e164:
                yield _point(p, (mended,))


def phone_scientific(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        if _SCIENTIFIC.fullmatch(p.raw.strip()):
            yield Flaw(value=p.raw)


def phone_unreadable(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "phone"):
        if normalise_phone(p.raw, known.country).problem is not None and not any(
            next(iter(other(one, known)), None)
            for one in (_alone(customer, p),)
            for other in _PHONE_KNOWN
        ):
            yield Flaw(value=p.raw)


def _alone(customer: Customer, point: ContactPoint) -> Customer:
    return msgspec.structs.replace(customer, contact_points=[point])


_PHONE_KNOWN = (
    phone_filler,
    phone_holds_name,
    phone_holds_email,
    phone_several,
    phone_scientific,
)

# -- e-mail ---------------------------------------------------------------------------------------


def _domain(raw: str) -> str:
    return raw.rpartition("@")[2].strip().lower()


def email_domain(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "email"):
        meant = DOMAINS.get(_domain(p.raw))
        if meant is not None:
            yield _point(p, (f"{p.raw.rpartition('@')[0].strip()}@{meant}",))


def email_filler(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "email"):
        local, _, _ = p.raw.strip().lower().partition("@")
        empty = "@" not in p.raw and fold(p.raw) in PLACEHOLDERS
        if empty or re.sub(r"[._-]", "", local) in EMPTY_MAIL:
            yield _point(p, ())


def email_holds_phone(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "email"):
        if "@" not in p.raw and len(_digits(p.raw)) >= 9 and not _letters(p.raw):
            sure = normalise_phone(p.raw, known.country).e164
            yield _point(p, (p.raw.strip(),), kind="phone") if sure else Flaw(value=p.raw)


def email_several(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "email"):
        found = _MAIL.findall(p.raw)
        if len(found) > 1:
            yield _point(p, tuple(found))


def email_mistyped(customer: Customer, known: Known) -> Iterator[Flaw]:
    """Blanks, commas for dots, two @: what is meant is plain."""
    for p in values_of(customer, "email"):
        if normalise_email(p.raw).address or p.raw.count("@") == 0 or len(_MAIL.findall(p.raw)) > 1:
            continue
        meant = re.sub(r"\s+", "", p.raw).replace(",", ".").replace("..", ".").strip(".;:<>")
        meant = re.sub(r"@{2,}", "@", meant)
        if meant != p.raw and normalise_email(meant).address:
            yield _point(p, (meant,))


def email_unreadable(customer: Customer, known: Known) -> Iterator[Flaw]:
    others = (email_filler, email_holds_phone, email_several, email_mistyped)
    for p in values_of(customer, "email"):
        if normalise_email(p.raw).problem is not None and not any(
            next(iter(other(_alone(customer, p), known)), None) for other in others
        ):
            yield Flaw(value=p.raw)


def email_disposable(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "email"):
        if _domain(p.raw) in DISPOSABLE:
            yield Flaw(value=p.raw)


def email_of_an_office(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "email"):
        if customer.kind == "person" and p.raw.strip().lower().partition("@")[0] in ROLES:
            yield Flaw(value=p.raw)


def other_is_known(customer: Customer, known: Known) -> Iterator[Flaw]:
    """What stands under “other” and is a telephone number or an e-mail address."""
    for p in values_of(customer, "other"):
        if _MAIL.fullmatch(p.raw.strip()) and normalise_email(p.raw).address:
            yield _point(p, (p.raw.strip(),), kind="email")
        elif not _letters(p.raw) and normalise_phone(p.raw, known.country).kind == "mobile":
            yield _point(p, (p.raw.strip(),), kind="phone")


# -- address --------------------------------------------------------------------------------------


def address_filler(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "address"):
        if fold(p.raw).strip(" .-") in PLACEHOLDERS or not any(map(str.isalnum, p.raw)):
            yield _point(p, ())


def address_short(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "address"):
        if fold(p.raw).strip(" .-") not in PLACEHOLDERS and (
            len(re.findall(r"\w+", p.raw)) < 3 and any(map(str.isalnum, p.raw))
        ):
            yield Flaw(value=p.raw)


def address_former(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "address"):
        plain = fold(p.raw)
        last = re.sub(r"^(?:tinh|t\.)\s*", "", re.split(r",", plain.rstrip(" ."))[-1].strip())
        last_but_country = (
            re.sub(r"^(?:tinh|t\.)\s*", "", plain.split(",")[-2].strip())
            if last in {"viet nam", "vietnam", "vn"} and plain.count(",") >= 1
            else last
        )
        if _DISTRICT.search(plain) or last_but_country in FORMER_PROVINCES:
            yield Flaw(value=p.raw)


def address_holds_contact(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "address"):
        if _MAIL.search(p.raw) or _PHONE_IN_TEXT.search(p.raw):
            yield Flaw(value=p.raw)


def address_encoding(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "address"):
        meant = mojibake(p.raw) or vni(p.raw) or tcvn3(p.raw)
        if meant is not None:
            yield _point(p, (meant,))


def website_unreadable(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "website"):
        if not re.fullmatch(r"(?:https?://)?[^\s/@]+\.[^\s/@.]{2,}(?:[/?#]\S*)?", p.raw.strip()):
            yield Flaw(value=p.raw)


def zalo_unreadable(customer: Customer, known: Known) -> Iterator[Flaw]:
    for p in values_of(customer, "zalo"):
        plain = _SEPARATORS.sub("", p.raw)
        if plain.startswith("0") and plain.isdigit() and normalise_phone(p.raw, "VN").problem:
            yield Flaw(value=p.raw)


PHONE: Where = ("validity", "error", "phone")
EMAIL: Where = ("validity", "error", "email")
ADDRESS: Where = ("validity", "warning", "address")
RULES = [
    rule(
        "phone_filler",
        PHONE,
        ("Made-up phone number", "Số điện thoại điền cho có"),
        (
            "Nobody answers there. Take it away and ask for the real one.",
            "Không ai nghe máy ở số này. Hãy bỏ đi và hỏi lại số thật.",
        ),
        phone_filler,
    ),
    rule(
        "phone_renumbered",
        ("validity", "warning", "phone"),
        ("Phone number from before 2018", "Số điện thoại 11 số trước 2018"),
        (
            "Mobile numbers of 11 digits became 10 digits in 2018; the old one cannot be dialled.",
            "Số di động 11 số đã chuyển thành 10 số từ 2018; số cũ không gọi được.",
        ),
        phone_renumbered,
    ),
    rule(
        "phone_old_area",
        ("validity", "warning", "phone"),
        ("Area code from before 2017", "Mã vùng cũ trước 2017"),
        (
            "Fixed lines have area codes of three digits since 2017.",
            "Từ 2017 điện thoại cố định dùng mã vùng mới.",
        ),
        phone_old_area,
    ),
    rule(
        "phone_holds_name",
        PHONE,
        ("Words in place of a phone number", "Ô điện thoại chứa chữ"),
        (
            "Somebody typed a name or a note into the field. Move it to where it belongs.",
            "Ai đó đã gõ tên hoặc ghi chú vào ô này. Hãy chuyển về đúng chỗ.",
        ),
        phone_holds_name,
    ),
    rule(
        "phone_holds_email",
        PHONE,
        ("E-mail address in place of a phone number", "Email nằm trong ô điện thoại"),
        ("It becomes an e-mail address.", "Sẽ chuyển thành địa chỉ email."),
        phone_holds_email,
    ),
    rule(
        "phone_several",
        ("validity", "warning", "phone"),
        ("Several phone numbers in one", "Nhiều số điện thoại trong một ô"),
        (
            "No system can dial it. Each number gets a place of its own.",
            "Không hệ thống nào gọi được. Mỗi số sẽ có ô riêng.",
        ),
        phone_several,
    ),
    rule(
        "phone_lost_zero",
        ("validity", "warning", "phone"),
        ("Phone number without its first zero", "Số điện thoại mất số 0 đầu"),
        ("A spreadsheet took the zero away.", "Bảng tính đã làm mất số 0."),
        phone_lost_zero,
    ),
    rule(
        "phone_scientific",
        PHONE,
        ("Phone number rounded by a spreadsheet", "Số điện thoại bị bảng tính làm tròn"),
        ("Digits are lost; take it from the source again.", "Đã mất chữ số; hãy lấy lại từ nguồn."),
        phone_scientific,
    ),
    rule(
        "phone_unreadable",
        PHONE,
        ("Phone number that does not exist", "Số điện thoại không hợp lệ"),
        (
            "It has too few or too many digits, or begins as no number does. Ask again.",
            "Thiếu hoặc thừa chữ số, hoặc đầu số không tồn tại. Hãy hỏi lại.",
        ),
        phone_unreadable,
    ),
    rule(
        "email_domain",
        ("validity", "warning", "email"),
        ("Mistyped e-mail domain", "Sai tên miền email"),
        ("Mail to it comes back or goes to a stranger.", "Thư sẽ bị trả lại hoặc đến người lạ."),
        email_domain,
    ),
    rule(
        "email_filler",
        EMAIL,
        ("Made-up e-mail address", "Email điền cho có"),
        (
            "Nobody reads it. Take it away and ask for the real one.",
            "Không ai đọc hộp thư này. Hãy bỏ đi và hỏi lại.",
        ),
        email_filler,
    ),
    rule(
        "email_holds_phone",
        EMAIL,
        ("Phone number in place of an e-mail address", "Số điện thoại nằm trong ô email"),
        ("It becomes a phone number.", "Sẽ chuyển thành số điện thoại."),
        email_holds_phone,
    ),
    rule(
        "email_several",
        ("validity", "warning", "email"),
        ("Several e-mail addresses in one", "Nhiều email trong một ô"),
        ("Each address gets a place of its own.", "Mỗi địa chỉ sẽ có ô riêng."),
        email_several,
    ),
    rule(
        "email_mistyped",
        ("validity", "warning", "email"),
        ("E-mail address with a slip", "Email gõ nhầm ký tự"),
        (
            "Blanks, commas or doubled signs; what is meant is plain.",
            "Thừa dấu cách, dấu phẩy hoặc ký tự lặp; có thể sửa chắc chắn.",
        ),
        email_mistyped,
    ),
    rule(
        "email_unreadable",
        EMAIL,
        ("E-mail address that does not exist", "Email không hợp lệ"),
        ("No mail can reach it. Ask again.", "Không gửi thư được. Hãy hỏi lại."),
        email_unreadable,
    ),
    rule(
        "email_disposable",
        ("validity", "warning", "email"),
        ("Throw-away e-mail address", "Email dùng một lần"),
        (
            "It ends after minutes; ask for one that lasts.",
            "Hộp thư này chỉ tồn tại vài phút; hãy hỏi địa chỉ khác.",
        ),
        email_disposable,
    ),
    rule(
        "email_of_an_office",
        ("consistency", "note", "email"),
        ("A person with the address of an office", "Cá nhân dùng email chung của cơ quan"),
        (
            "Others read it too; personal matters do not belong there.",
            "Người khác cũng đọc; không nên gửi việc riêng.",
        ),
        email_of_an_office,
    ),
    rule(
        "other_is_known",
        ("consistency", "note", "phone"),
        ("Phone number or e-mail filed under “other”", "Số điện thoại hoặc email nằm ở mục “khác”"),
        ("Nobody finds or dials it there.", "Ở đó không ai tìm hay gọi được."),
        other_is_known,
    ),
    rule(
        "address_filler",
        ADDRESS,
        ("Made-up address", "Địa chỉ điền cho có"),
        (
            "Nothing can be sent there. Take it away and ask for the real one.",
            "Không giao hàng được. Hãy bỏ đi và hỏi lại.",
        ),
        address_filler,
    ),
    rule(
        "address_short",
        ADDRESS,
        ("Address too short to find", "Địa chỉ quá ngắn"),
        (
            "House, street, ward and province are wanted.",
            "Cần số nhà, đường, phường/xã và tỉnh/thành.",
        ),
        address_short,
    ),
    rule(
        "address_former",
        ("validity", "note", "address"),
        ("District or province that is no more", "Đơn vị hành chính cũ"),
        (
            "Since 1 July 2025 there are 34 provinces and no districts. Ask for the new one.",
            "Từ 1/7/2025 không còn cấp huyện và còn 34 tỉnh thành. Hãy hỏi đơn vị mới.",
        ),
        address_former,
    ),
    rule(
        "address_holds_contact",
        ADDRESS,
        ("Phone number or e-mail inside an address", "Số điện thoại hoặc email nằm trong địa chỉ"),
        (
            "Nobody finds it there, and couriers print it on parcels.",
            "Không ai tìm thấy ở đó, và sẽ bị in lên bưu kiện.",
        ),
        address_holds_contact,
    ),
    rule(
        "address_encoding",
        ADDRESS,
        ("Address in a broken encoding", "Địa chỉ lỗi bảng mã"),
        ("It was read in another encoding than it was written in.", "Địa chỉ bị đọc sai bảng mã."),
        address_encoding,
    ),
    rule(
        "website_unreadable",
        ("validity", "note", "website"),
        ("Website that is no address", "Trang web không hợp lệ"),
        ("It cannot be opened.", "Không mở được."),
        website_unreadable,
    ),
    rule(
        "zalo_unreadable",
        ("validity", "note", "zalo"),
        ("Zalo number that does not exist", "Số Zalo không hợp lệ"),
        ("It looks like a phone number and is none.", "Giống số điện thoại nhưng không phải."),
        zalo_unreadable,
    ),
]
