"""What is said once after something was done, perhaps with a way to take it back.

A redirect carries it in a cookie to the next page; an answer to htmx in a header. What is said is
a text of a catalogue, so that a foreign cookie cannot put words into our mouth.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from relatum.web.languages import Language, marked, translations

if TYPE_CHECKING:
    from relatum.hooks.registry import Registry

COOKIE = "relatum_flash"
COOKIE_SECONDS = 60
LONGEST = 2000
#: The event that scripts hear of, and its name in the header.
EVENT = "relatum:toast"


class Flash(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said: a code, numbers and names to put into its text, and how to take it back.

    Attributes:
        code: declared with :func:`declare_flashes`, or ``<plugin>.<code>``.
        values: for the holes of the text.
        undo: a path of this server that a form is posted to.
    """

    code: str
    values: dict[str, str | int] = {}
    undo: str = ""


class Toast(msgspec.Struct, frozen=True, kw_only=True):
    """A flash in the language of the page."""

    text: str
    undo: str = ""


_TEXTS: dict[str, str] = {}


def declare_flashes(texts: Mapping[str, str]) -> None:
    """Add texts of core by their codes; each part of the house adds its own.

    Raises:
        ValueError: a code has another text already.
    """
    for code, text in texts.items():
        if _TEXTS.setdefault(code, text) != text:
            raise ValueError(f"expected a code of its own, got {code!r}, which says something else")


declare_flashes(
    {
        "saved": marked("Saved."),
        "removed": marked("Removed."),
        "undone": marked("Taken back."),
        "signed-out": marked("You are signed out."),
        "password-changed": marked("The password is changed."),
        "second-factor-off": marked("The second factor is off."),
        "sessions-ended": marked("Signed out there."),
        "token-revoked": marked("The token is good for nothing any more."),
        "service-made": marked("The service is there. Make a token for it next."),
        "role-made": marked("The role is there. Choose what it may and sees."),
        "export-requested": marked("The export is being written. Look here again in a moment."),
        "export-approved": marked("The export is let go."),
        "export-refused": marked("The export is refused."),
        "suspended": marked("Suspended: every session and token has ended."),
        "reactivated": marked("Let in again."),
        "password-set": marked("The password is set."),
        "welcome": marked("Your account is ready. Invite your people next."),
    }
)


def encoded(flash: Flash) -> str:
    """As the value of a cookie."""
    return base64.urlsafe_b64encode(msgspec.json.encode(flash)).decode().rstrip("=")


def toast_of(cookie: str, registry: Registry, language: Language) -> Toast | None:
    """What a cookie says; nothing when it is not one of ours."""
    if not cookie or len(cookie) > LONGEST:
        return None
    try:
        padded = cookie + "=" * (-len(cookie) % 4)
        flash = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=Flash)
    except (binascii.Error, ValueError):
        return None
    return toast(flash, registry, language)


def toast(flash: Flash, registry: Registry, language: Language) -> Toast | None:
    """A flash in a language; nothing when nobody declared its code."""
    said = _said(flash.code, registry, language)
    if not said:
        return None
    try:
        text = said % flash.values
    except (KeyError, TypeError, ValueError):
        return None
    return Toast(text=text, undo=flash.undo if _is_ours(flash.undo) else "")


def _said(code: str, registry: Registry, language: Language) -> str:
    if code in _TEXTS:
        return translations(language).gettext(_TEXTS[code])
    for page in registry.pages:
        if code in page.says:
            return page.says[code].in_language(language)
    return ""


def _is_ours(path: str) -> bool:
    plain = path.isascii() and path.isprintable() and not set(path) & set(" \\\"'<>?#")
    return path.startswith("/") and not path.startswith("//") and plain


def header_of(toast: Toast, *, tone: str = "") -> tuple[bytes, bytes]:
    """The header by which htmx tells scripts of it; ASCII, as headers are latin-1.

    Args:
        tone: ``bad`` for what did not work.
    """
    import json

    said = {"text": toast.text, "undo": toast.undo, "tone": tone}
    return (b"hx-trigger", json.dumps({EVENT: said}, ensure_ascii=True).encode("ascii"))
