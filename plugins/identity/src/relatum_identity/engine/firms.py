"""Names and tax codes of organisations, as they are written in Viet Nam.

A name is a legal form, words that say what the firm does, and what it is called. Only the last is
its own: *Công ty TNHH Thương mại Minh Anh*, *Cty TNHH TM Minh Anh* and *Minh Anh Trading Co., Ltd.*
are one name.

A tax code has ten digits, the last a check digit, and for a branch three more (Circular
86/2024/TT-BTC, article 5). The weights of the check digit are those in general use for it.
"""

from __future__ import annotations

import re

import msgspec

from relatum.api import fold

#: Legal forms as folded words, the longest first, and what they come to. Forms of one code are one.
FORMS: tuple[tuple[str, str], ...] = (
    ("cong ty trach nhiem huu han mot thanh vien", "one_member_llc"),
    ("cong ty trach nhiem huu han hai thanh vien tro len", "llc"),
    ("cong ty trach nhiem huu han", "llc"),
    ("cong ty tnhh mot thanh vien", "one_member_llc"),
    ("cong ty tnhh 1 thanh vien", "one_member_llc"),
    ("cong ty tnhh mtv", "one_member_llc"),
    ("cong ty tnhh", "llc"),
    ("cong ty co phan", "jsc"),
    ("cong ty cp", "jsc"),
    ("cong ty hop danh", "partnership"),
    ("doanh nghiep tu nhan", "private"),
    ("ho kinh doanh", "household"),
    ("hop tac xa", "cooperative"),
    ("tong cong ty", "corporation"),
    ("trach nhiem huu han mot thanh vien", "one_member_llc"),
    ("trach nhiem huu han", "llc"),
    ("one member limited liability company", "one_member_llc"),
    ("one member co ltd", "one_member_llc"),
    ("limited liability company", "llc"),
    ("joint stock company", "jsc"),
    ("company limited", "llc"),
    ("private enterprise", "private"),
    ("mot thanh vien", "one_member_llc"),
    ("tnhh mot thanh vien", "one_member_llc"),
    ("tnhh 1 thanh vien", "one_member_llc"),
    ("mtv co ltd", "one_member_llc"),
    ("1 thanh vien", "one_member_llc"),
    ("tnhh mtv", "one_member_llc"),
    ("co ltd", "llc"),
    ("co phan", "jsc"),
    ("tap doan", "group"),
    ("cong ty", ""),
    ("company", ""),
    ("tnhh", "llc"),
    ("mtv", "one_member_llc"),
    ("llc", "llc"),
    ("ltd", "llc"),
    ("jsc", "jsc"),
    ("ctcp", "jsc"),
    ("cp", "jsc"),
    ("corp", "corporation"),
    ("corporation", "corporation"),
    ("group", "group"),
    ("dntn", "private"),
    ("hkd", "household"),
    ("htx", "cooperative"),
    ("co", ""),
)
#: What firms do, in either language and shortened, as one word each.
TRADES: tuple[tuple[str, str], ...] = (
    ("xuat nhap khau", "export"),
    ("import export", "export"),
    ("xnk", "export"),
    ("thuong mai", "trading"),
    ("tmdv", "trading service"),
    ("tm", "trading"),
    ("trade", "trading"),
    ("dich vu", "service"),
    ("services", "service"),
    ("dv", "service"),
    ("xay dung", "construction"),
    ("xd", "construction"),
    ("san xuat", "production"),
    ("manufacturing", "production"),
    ("sx", "production"),
    ("dau tu", "investment"),
    ("dt", "investment"),
    ("phat trien", "development"),
    ("pt", "development"),
    ("cong nghe", "technology"),
    ("tech", "technology"),
    ("co khi", "mechanical"),
    ("van tai", "transport"),
    ("vt", "transport"),
    ("du lich", "travel"),
    ("tourism", "travel"),
    ("thuc pham", "food"),
    ("foods", "food"),
    ("duoc pham", "pharma"),
    ("viet nam", "vietnam"),
    ("vn", "vietnam"),
)
_WORDS = frozenset(word for _, code in TRADES for word in code.split())
_SMALL = frozenset({"va", "and", "the", "cua", "of"})
#: "Chi nhánh Huế - …", and "… - Chi nhánh Huế".
_BRANCH = re.compile(
    r"^(?:chi nhanh|van phong dai dien|branch of)\b[^-–,]*[-–,]"
    r"|[-–,(]\s*(?:chi nhanh|van phong dai dien|branch)\b.*$"
)
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
#: Mailboxes of these say nothing of a firm by their domain; the whole address does.
FREE_MAIL = frozenset(
    [
        "gmail.com",
        "yahoo.com",
        "yahoo.com.vn",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "icloud.com",
        "vnn.vn",
        "fpt.vn",
        "hcm.vnn.vn",
        "hn.vnn.vn",
        "msn.com",
        "proton.me",
        "protonmail.com",
        "zoho.com",
    ]
)


class Firm(msgspec.Struct, frozen=True):
    """A name taken apart.

    Attributes:
        text: all words but the legal form, trades as one word each, sorted.
        own: without the trades; all of them when there is nothing else.
        form: the legal form, empty when none is written.
        branch: whether it says that it is one; of which place is left out of the words.
    """

    text: str
    own: str
    form: str
    branch: bool


def read_firm(raw: str) -> Firm:
    """The name of an organisation, whichever way it was written."""
    # "CTY" and "C.ty" are how people write it.
    folded = fold(raw)
    branch = _BRANCH.search(folded) is not None
    folded = _BRANCH.sub(" ", folded) if branch else folded
    plain = re.sub(r"\bc\s*\.?\s*ty\b", "cong ty", folded.replace("&", " and "))
    found = re.findall(r"[^\W_]+", plain.replace(".", " "))
    words = f" {' '.join(found)} "
    words = words.replace(" c ty ", " cong ty ")
    form = ""
    for written, code in FORMS:
        if f" {written} " in words:
            words = words.replace(f" {written} ", " ")
            form = form or code
    for written, code in TRADES:
        words = words.replace(f" {written} ", f" {code} ")
    every = sorted({word for word in words.split() if word not in _SMALL})
    own = [word for word in every if word not in _WORDS]
    return Firm(" ".join(every), " ".join(own or every), form, branch)


def read_tax_code(raw: str) -> str:
    """Ten or thirteen digits; empty for anything else."""
    digits = re.sub(r"\D+", "", raw)
    return digits if len(digits) in {10, 13} else ""


def is_tax_code(code: str) -> bool:
    """Whether the tenth digit is the check digit of the nine before it."""
    if len(code) not in {10, 13} or not code.isdecimal():
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, code, strict=False))
    return 10 - total % 11 == int(code[9])


def read_domain(raw: str) -> str:
    """The domain of an address or a site; of a free mailbox the whole address."""
    text = raw.strip().casefold()
    local, at, domain = text.rpartition("@")
    if at:
        return text if domain in FREE_MAIL else domain if local and "." in domain else ""
    host = re.sub(r"^[a-z]+://", "", text).partition("/")[0].partition("?")[0].partition(":")[0]
    host = host.removeprefix("www.")
    return host if "." in host else ""
