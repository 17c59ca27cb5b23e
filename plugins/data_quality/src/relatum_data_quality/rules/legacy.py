"""Text that was written in one encoding and read in another: UTF-8 read as Latin, VNI, TCVN3.

The tables of VNI and TCVN3 (standard TCVN 5712:1993) as they look when they are read as
Windows-1252.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

from ftfy import fix_encoding
from ftfy.badness import is_bad

_TONES = {"ø": "\u0300", "ù": "\u0301", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"}
#: VNI writes the letter, then a second character for its mark (and tone).
_VNI_SECOND = {
    **_TONES,
    "â": "\u0302",
    "à": "\u0302\u0300",
    "á": "\u0302\u0301",
    "å": "\u0302\u0309",
    "ã": "\u0302\u0303",
    "ä": "\u0302\u0323",
    "ê": "\u0306",
    "è": "\u0306\u0300",
    "é": "\u0306\u0301",
    "ú": "\u0306\u0309",
    "ü": "\u0306\u0303",
    "ë": "\u0306\u0323",
}
_BREVE = frozenset("êèéúüë")
_CIRCUMFLEX = frozenset("âàáåãä")
_VNI_ALONE = {"ñ": "đ", "Ñ": "Đ", "ö": "ư", "Ö": "Ư", "ô": "ơ", "Ô": "Ơ"}
_VNI_I = {"í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_TCVN3 = dict(
    zip(
        "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô­õøö÷ùúýûüþ",
        "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ",
        strict=True,
    )
)
_TCVN3_CAPITALS = dict(zip("¡¢£¤¥¦§", "ĂÂÊÔƠƯĐ", strict=True))
#: Characters of TCVN3 that Vietnamese names never have.
_TCVN3_SIGNS = re.compile(r"[µ¸¶·¹¨»¾¼½©®ª«¬\u00ad§¡¢£¤¥¦Þ×ÆËÎÏÐÑÖØÜß]|[a-z][ÇÊÈÉÌÒÕÓÔÝ]")
_VNI_PAIR = re.compile(
    r"[aA][âàáåãäêèéúüëÂÀÁÅÃÄÊÈÉÚÜË]|[eE][âàáåãäÂÀÁÅÃÄ]|[oO][âàáåãäÂÀÁÅÃÄ]"
    r"|[aAeEoOuUyYöÖôÔ][øùûõïØÙÛÕÏ]"
)
#: Letters with marks that are part of Vietnamese as it is written now.
VIETNAMESE = frozenset(
    letter
    for plain in "aăâeêioôơuưyđ"
    for base in (plain, plain.upper())
    for tone in ("", *("\u0300", "\u0301", "\u0309", "\u0303", "\u0323"))
    if len(letter := unicodedata.normalize("NFC", base + tone)) == 1
)
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|ch|tr|th|ph|kh|gh|gi|qu|[bcdđghklmnpqrstvx])?"
    r"(?:uyê|uya|uyu|uây|uôi|ươi|ươu|iêu|yêu|oai|oay|oao|oeo|ai|ao|au|ay|âu|ây|eo|êu|ia|iê|iu|oa|oă|oe|"
    r"oi|oo|ôi|ơi|ua|uâ|uê|ui|uô|uơ|uy|ưa|ưi|ươ|ưu|yê|[aăâeêioôơuưy])(?:ng|nh|ch|[cmnpt])?\Z"
)


def mojibake(text: str) -> str | None:
    """What UTF-8 said before it was read as a Latin encoding; ``None`` when it was not."""
    if text.isascii() or not is_bad(text):
        return None
    mended = unicodedata.normalize("NFC", fix_encoding(text))
    return mended if mended != text and _is_vietnamese(mended) else None


def vni(text: str) -> str | None:
    """What VNI text says; ``None`` when the text is none."""
    if text.isascii() or not _VNI_PAIR.search(text) or _is_vietnamese(text):
        return None
    return _when_vietnamese(_from_vni(text))


def tcvn3(text: str) -> str | None:
    """What TCVN3 text says; ``None`` when the text is none."""
    if text.isascii() or not _TCVN3_SIGNS.search(text):
        return None
    return _when_vietnamese("".join(_TCVN3.get(c) or _TCVN3_CAPITALS.get(c) or c for c in text))


def _from_vni(text: str) -> str:
    out: list[str] = []
    previous = ""
    for char in text:
        mark = _VNI_SECOND.get(char.lower()) if previous else None
        fits = mark is not None and (
            (char.lower() in _BREVE and previous in "aA")
            or (char.lower() in _CIRCUMFLEX and previous in "aAeEoO")
            or (char.lower() in _TONES and previous in "aAeEoOuUyYöÖôÔ")
        )
        if fits and mark is not None:
            out.append(mark)
            previous = ""
            continue
        low = _VNI_I.get(char) or (_VNI_I.get(char.lower(), "").upper() or None)
        out.append(_VNI_ALONE.get(char) or low or char)
        previous = char
    return unicodedata.normalize("NFC", "".join(out))


def _when_vietnamese(text: str) -> str | None:
    text = unicodedata.normalize("NFC", text)
    return text if _is_vietnamese(text) else None


def _is_vietnamese(text: str) -> bool:
    """Whether every word with marks could be a Vietnamese syllable."""
    words = re.findall(r"[^\W\d_]+", text)
    return bool(words) and all(word.isascii() or _is_syllable(word) for word in words)


def _is_syllable(word: str) -> bool:
    marks = [c for c in unicodedata.normalize("NFD", word) if c in "\u0300\u0301\u0309\u0303\u0323"]
    plain = unicodedata.normalize(
        "NFC",
        "".join(
            c
            for c in unicodedata.normalize("NFD", word.lower())
            if c not in "\u0300\u0301\u0309\u0303\u0323"
        ),
    )
    strange = any(c not in VIETNAMESE for c in itertools.filterfalse(str.isascii, word))
    return len(marks) <= 1 and not strange and _SYLLABLE.match(plain) is not None
