"""What every page has around its content: navigation by permission, who is here, a last word."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from relatum.access.viewer import PUBLIC, SIGNED_IN, Viewer, current_viewer
from relatum.http.answers import Answer, Headers, Html, Sent, length_of
from relatum.http.queries import pairs_of
from relatum.values.problems import MalformedRequest
from relatum.web.languages import (
    COOKIE,
    COOKIE_SECONDS,
    LANGUAGES,
    Language,
    language_of,
    marked,
    translations,
)
from relatum.web.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relatum.app.house import House
    from relatum.http.calls import Call
    from relatum.web.forms import Form

#: What a page's ``opt`` holds besides its permission.
PAGE = {"page": True}
VARIES = (b"vary", b"accept, accept-language, cookie, authorization")
FLASH_COOKIE = "relatum_flash"
FLASH_SECONDS = 60
LONGEST_PATH = 1000


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the navigation."""

    id: str
    path: str
    title: str
    icon: str
    permission: str


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """What the base template shows."""

    groups: list[tuple[str, list[Place]]]
    here: str
    viewer: Viewer
    person: str
    company: str
    csrf: str
    flash: str
    languages: list[tuple[Language, str]]
    time_zone: str
    version: str


def _place(id: str, path: str, title: str, icon: str, permission: str) -> Place:
    return Place(id=id, path=path, title=title, icon=icon, permission=permission)


_ACCOUNTS = "core.accounts.read"
#: By group; the first has no heading.
PLACES: tuple[tuple[str, tuple[Place, ...]], ...] = (
    ("", (_place("home", "/", marked("Overview"), "home", SIGNED_IN),)),
    (
        marked("Who may do what"),
        (
            _place("people", "/people", marked("People"), "people", _ACCOUNTS),
            _place("teams", "/teams", marked("Teams"), "team", _ACCOUNTS),
            _place("roles", "/roles", marked("Roles"), "shield", _ACCOUNTS),
            _place("rules", "/rules", marked("Rules"), "filter", _ACCOUNTS),
            _place("audit", "/audit", marked("Audit trail"), "list", "core.audit.read"),
        ),
    ),
    (
        marked("Data"),
        (_place("exports", "/exports", marked("Exports"), "download", "core.exports.write"),),
    ),
    (
        marked("For developers"),
        (
            _place("schema", "/schema", marked("API"), "code", PUBLIC),
            _place("problems", "/schema/problems", marked("Problems"), "help", PUBLIC),
        ),
    ),
)

#: What is said once after something was done.
FLASHES = {
    "saved": marked("Saved."),
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
    "removed": marked("Removed."),
    "password-set": marked("The password is set."),
    "welcome": marked("Your account is ready. Invite your people next."),
}


class Redirect(Answer[None]):
    """On to another page of ours (303)."""

    __slots__ = ()

    def __init__(self, path: str, *, flash: str = "", headers: Headers | None = None) -> None:
        more = list(headers or [])
        if flash:
            more.append(cookie(FLASH_COOKIE, flash, seconds=FLASH_SECONDS))
        super().__init__(None, status=303, headers=[(b"location", path.encode()), *more])

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """No body: the browser goes on."""
        return Sent(self.status, [length_of(b""), *self.raw], b"")


async def page(
    request: Call,
    template: str,
    *,
    here: str = "",
    forms: tuple[Form, ...] = (),
    address: str | None = None,
    **values: Any,
) -> Html:
    """Render beside the event loop: a long page takes milliseconds that others would wait.

    Args:
        here: the place of the navigation that the page belongs to.
        forms: the forms on the page, found in the template by their names.
        address: where the page can be had again, when the request was sent somewhere else.
    """
    language = language_of(request)
    said = FLASHES.get(request.cookies.get(FLASH_COOKIE, ""), "")
    shell = shell_for(
        request.house,
        request.scope["state"],
        current_viewer(),
        here=here,
        flash=translations(language).gettext(said) if said else "",
        languages=_language_links(request, address),
    )
    for form in forms:
        values[form.name] = form
    refused = [form for form in forms if form.problems]
    text = await asyncio.to_thread(
        render, template, language, shell=shell, refused=refused, **values
    )
    status = max((form.status for form in forms), default=200)
    return Html(text, status=status, headers=_headers(request, language, refused))


def _headers(request: Call, language: Language, refused: Sequence[Form]) -> Headers:
    raw: Headers = [VARIES, (b"content-language", language.encode())]
    for form in refused:
        wait = form.error.extra.get("retry_after") if form.error is not None else None
        raw += [(b"retry-after", str(wait).encode())] if wait is not None else []
    if request.query_params.get("lang") in LANGUAGES:
        raw.append(language_cookie(language))
    if request.cookies.get(FLASH_COOKIE):
        raw.append(cookie(FLASH_COOKIE, "", seconds=0))
    return raw


def language_cookie(language: Language) -> tuple[bytes, bytes]:
    """Remembers a language."""
    return cookie(COOKIE, language, seconds=COOKIE_SECONDS)


def cookie(
    name: str, value: str, *, seconds: int, path: str = "/", secure: bool = False
) -> tuple[bytes, bytes]:
    """A ``Set-Cookie`` header; no script reads it, and other sites do not send it with writes."""
    text = f"{name}={value}; Path={path}; Max-Age={seconds}; SameSite=Lax; HttpOnly"
    return (b"set-cookie", (f"{text}; Secure" if secure else text).encode("ascii"))


def local_path(text: str, *, otherwise: str = "/") -> str:
    """A path of this server to go on to; ``otherwise`` when it leads anywhere else."""
    fine = (
        text.startswith("/")
        and not text.startswith(("//", "/\\"))
        and len(text) <= LONGEST_PATH
        and text.isascii()
        and text.isprintable()
        and not set(text) & set(" \\\"'<>")
    )
    if not fine:
        return otherwise
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    return text if not parts.scheme and not parts.netloc else otherwise


def places_for(viewer: Viewer) -> list[tuple[str, list[Place]]]:
    """Where somebody may go, by group; groups with nothing in them are left out."""
    groups = [
        (title, [place for place in places if viewer.may(place.permission)])
        for title, places in PLACES
    ]
    return [(title, places) for title, places in groups if places]


def shell_for(
    house: House,
    state: Mapping[str, Any],
    viewer: Viewer,
    *,
    here: str = "",
    flash: str = "",
    languages: Sequence[tuple[Language, str]] = (),
) -> Shell:
    """What surrounds a page.

    Args:
        state: of the request, with what was found out about who sends it.
        flash: said once, in the language of the page.
        languages: where the page is in each language.
    """
    identity = state.get("identity")
    company = house.settings.company
    return Shell(
        groups=places_for(viewer),
        here=here,
        viewer=viewer,
        person=identity.name if identity is not None else "",
        company=company.name,
        csrf=state.get("csrf", ""),
        flash=flash,
        languages=list(languages),
        time_zone=company.time_zone,
        version=version("relatum"),
    )


def _language_links(request: Call, address: str | None) -> list[tuple[Language, str]]:
    """This page in each language, with the same filters."""
    try:
        pairs = pairs_of(request.scope["query_string"])
    except MalformedRequest:
        pairs = []
    kept = [] if address else [pair for pair in pairs if pair[0] != "lang"]
    return [
        (language, f"{address or ''}?{urlencode([*kept, ('lang', language)])}")
        for language in LANGUAGES
    ]
