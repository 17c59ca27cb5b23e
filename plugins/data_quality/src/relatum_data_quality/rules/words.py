"""Words that rules know: placeholders, titles, family names, mistyped domains, former units.

Former provinces: resolution 202/2025/QH15 (in force on 2025-07-01), and those joined earlier.
"""

# ruff: noqa: SIM905 - lists of words are read more easily as text

from __future__ import annotations

PLACEHOLDERS = frozenset(
    "khong co|khong|ko co|ko|k co|chua co|chua biet|khong biet|khong ro|chua ro|khong ten|chua ten|"
    "none|null|nil|nan|n/a|na|n.a|n.a.|undefined|unknown|no name|noname|no|test|testing|test test|"
    "thu|thu nghiem|demo|abc|xyz|xxx|xx|asdf|asdfgh|qwerty|aaa|khach le|khach hang|khach vang lai|"
    "khach|khach moi|vang lai|khong cung cap|de trong|trong|bo trong|tbd|tba|sample|customer|"
    "dang cap nhat|cap nhat sau".split("|")
)
TITLES_MALE = frozenset(("anh", "ong", "mr", "mr.", "chu", "bac trai"))
TITLES_FEMALE = frozenset(("chi", "ba", "co", "mrs", "mrs.", "ms", "ms.", "miss", "madam"))
#: Forms of address that are no words of Vietnamese names, or stand before a whole name.
TITLES = frozenset(
    ("anh", "chi", "ong", "ba", "co", "chu", "bac", "mr", "mrs", "ms", "miss", "madam", "em", "dr")
)
#: Without marks; with the marks they are usually written with.
FAMILY_NAMES = {
    "nguyen": "Nguyễn",
    "tran": "Trần",
    "le": "Lê",
    "pham": "Phạm",
    "huynh": "Huỳnh",
    "hoang": "Hoàng",
    "vu": "Vũ",
    "vo": "Võ",
    "dang": "Đặng",
    "bui": "Bùi",
    "do": "Đỗ",
    "ho": "Hồ",
    "ngo": "Ngô",
    "duong": "Dương",
    "ly": "Lý",
    "dinh": "Đinh",
    "truong": "Trương",
    "doan": "Đoàn",
    "trinh": "Trịnh",
    "luong": "Lương",
    "phung": "Phùng",
    "quach": "Quách",
}
#: With those that are written alike with and without marks.
FIRST_WORDS = frozenset(FAMILY_NAMES) | frozenset(
    ("phan", "mai", "cao", "lam", "ha", "dao", "ta", "chau", "to", "thai", "vuong", "kieu", "luu")
)
#: Family names that are hardly ever given names, so that their place tells which is which.
FAMILY_ALONE = frozenset(("nguyen", "tran", "pham", "huynh", "bui", "ngo", "phung", "quach"))
COMPANY = (
    "cong ty",
    "cty",
    "tnhh",
    "doanh nghiep tu nhan",
    "hop tac xa",
    "tap doan",
    "ngan hang tmcp",
    "company limited",
    "joint stock",
    "co., ltd",
    "co.,ltd",
)
DOMAINS = {
    **dict.fromkeys(
        "gmial.com gmai.com gmal.com gmil.com gamil.com gmaill.com gmail.con gmail.co gmail.cm "
        "gmail.comm gmail.vn gmail.com.vn gnail.com gmail.cim gmail.vom gmali.com gmeil.com "
        "gmail.cpm gmail.ocm gmail.om gmail.net gmail.org gmaol.com gimail.com".split(),
        "gmail.com",
    ),
    **dict.fromkeys(
        "yaho.com yahooo.com yhaoo.com yhoo.com yahoo.con yahoo.co yahoo.cm yahoo.comm "
        "yaoo.com yahho.com ymail.con yahoo.cim yahoo.om".split(),
        "yahoo.com",
    ),
    **dict.fromkeys(("yaho.com.vn", "yahoo.com.v", "yahoo.com.vm", "yahoo.com.bn"), "yahoo.com.vn"),
    **dict.fromkeys(
        "hotmial.com hotmal.com hotmai.com hotmil.com hotmaill.com hotmail.con hotmail.co "
        "hotmail.cm hotamil.com homail.com hotmail.comm".split(),
        "hotmail.com",
    ),
    **dict.fromkeys(
        "outlok.com outloo.com outlook.con outlock.com outlook.cm".split(), "outlook.com"
    ),
    **dict.fromkeys("iclod.com icloud.con icoud.com iclould.com icloud.cm".split(), "icloud.com"),
}
DISPOSABLE = frozenset(
    "mailinator.com guerrillamail.com 10minutemail.com tempmail.com temp-mail.org yopmail.com "
    "trashmail.com sharklasers.com throwawaymail.com getnada.com maildrop.cc dispostable.com "
    "fakeinbox.com mintemail.com mohmal.com emailondeck.com".split()
)
ROLES = frozenset(
    "info sales support admin contact hr ketoan kinhdoanh cskh lienhe tuyendung noreply no-reply "
    "office marketing webmaster postmaster".split()
)
EMPTY_MAIL = frozenset(
    "test khongco khong khongcoemail koco noemail no none null abc xyz a aa aaa asdf email mail "
    "example khachle chuaco na 123 1".split()
)
#: Provinces that are no more since 2025-07-01, and earlier ones.
FORMER_PROVINCES = frozenset(
    "ha tay|ha giang|yen bai|bac kan|bac can|vinh phuc|hoa binh|bac giang|thai binh|ha nam|"
    "nam dinh|hai duong|quang binh|quang nam|kon tum|phu yen|ninh thuan|binh thuan|dak nong|"
    "dac nong|binh duong|ba ria - vung tau|ba ria vung tau|binh phuoc|long an|tien giang|ben tre|"
    "tra vinh|hau giang|soc trang|kien giang|bac lieu|binh dinh|song be|minh hai|cuu long|"
    "ha nam ninh|hai hung|nam ha|bac thai|hoang lien son|phu khanh|thuan hai|vinh phu".split("|")
)
MALE = frozenset(("nam", "male", "m", "man", "trai"))
FEMALE = frozenset(("nu", "female", "f", "woman", "gai"))
