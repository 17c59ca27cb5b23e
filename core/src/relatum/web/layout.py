"""What every page has around its content: navigation by permission, who is here, a last word."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlencode, urlsplit

import msgspec

from relatum.access.viewer import Viewer, current_viewer
from relatum.http.answers import Answer, Headers, Html, Sent, length_of
from relatum.http.marks import STATE as MARK_STATE
from relatum.http.queries import pairs_of
from relatum.values.problems import MalformedRequest
from relatum.web.flashes import COOKIE as FLASH_COOKIE
from relatum.web.flashes import COOKIE_SECONDS as FLASH_SECONDS
from relatum.web.flashes import Flash, Toast, encoded, toast_of
from relatum.web.languages import COOKIE, COOKIE_SECONDS, LANGUAGES, Language, language_of
from relatum.web.navigation import navigation_for
from relatum.web.places import Place
from relatum.web.reading import preferences_in, zone_here

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relatum.app.house import House
    from relatum.http.calls import Call
    from relatum.web.forms import Form

Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
THEME_COOKIE = "theme"
#: ``off`` where keys alone do nothing.
KEYS_COOKIE = "keys"
#: What a page's ``opt`` holds besides its permission.
PAGE = {"page": True}
#: Besides what every answer depends on that is kept by nobody.
VARIES = (b"vary", b"accept, accept-language, hx-request-type, hx-target")
LONGEST_PATH = 1000
#: Looking it up takes a millisecond.
_version = functools.cache(version)


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """What the base template shows.

    Attributes:
        mark: how far the log was before the page was read, for the stream that follows it.
        pending: migrations that have not run, for those who look after the installation.
    """

    places: list[tuple[str, list[Place]]]
    settings: list[tuple[str, list[Place]]]
    here: str
    viewer: Viewer
    person: str
    company: str
    csrf: str
    toast: Toast | None
    languages: list[tuple[Language, str]]
    theme: Theme
    live: bool
    mark: str
    keys: bool
    pending: int
    time_zone: str
    currency: str
    version: str

    @property
    def phone(self) -> list[Place]:
        """The places at the bottom of a phone, at most four: the fifth is the search."""
        return [place for _, places in self.places for place in places if place.phone][:4]

    @property
    def in_settings(self) -> bool:
        """Whether the page belongs to the settings."""
        known = {place.id for _, places in self.settings for place in places}
        return self.here == "settings" or self.here in known


class Redirect(Answer[None]):
    """On to another page of ours (303)."""

    __slots__ = ()

    def __init__(
        self,
        path: str,
        *,
        flash: str = "",
        undo: str = "",
        values: Mapping[str, str | int] | None = None,
        headers: Headers | None = None,
    ) -> None:
        """Go on to a path.

        Args:
            flash: a declared code of what is said there.
            undo: where it can be taken back, by POST.
            values: for the holes of what is said.
        """
        more = list(headers or [])
        if flash:
            said = Flash(code=flash, undo=undo, values=dict(values or {}))
            more.append(cookie(FLASH_COOKIE, encoded(said), seconds=FLASH_SECONDS))
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
    fragments: Mapping[str, str] | None = None,
    **values: Any,
) -> Html:
    """Render beside the event loop: a long page takes milliseconds that others would wait.

    Args:
        here: the place of the navigation that the page belongs to.
        forms: the forms on the page, found in the template by their names.
        address: where the page can be had again, when the request was sent somewhere else.
        fragments: templates by the id of the element that they fill; one stands for the whole page
            when htmx asks for that element.
    """
    language = language_of(request)
    part = (fragments or {}).get(target_of(request))
    said = "" if part else request.cookies.get(FLASH_COOKIE, "")
    shell = shell_for(
        request.house,
        request.scope["state"],
        current_viewer(),
        language,
        here=here,
        toast=toast_of(said, request.house.registry, language),
        theme=theme_of(request.cookies.get(THEME_COOKIE, "")),
        keys=_keys(request),
        languages=_language_links(request, address),
    )
    for form in forms:
        values[form.name] = form
    refused = [form for form in forms if form.problems]
    text = await asyncio.to_thread(
        request.house.renderer.render,
        part or template,
        language,
        shell=shell,
        refused=refused,
        **values,
    )
    status = max((form.status for form in forms), default=200)
    return Html(text, status=status, headers=_headers(request, language, refused, said=said))


def _keys(request: Call) -> bool:
    """Whether single keys do something: by the account, else by this browser."""
    chosen = preferences_in(request.scope["state"])
    return request.cookies.get(KEYS_COOKIE) != "off" if chosen is None else chosen.keys


def target_of(request: Call) -> str:
    """The id of the element that htmx wants to fill; empty for a whole page."""
    if request.header(b"hx-request-type") != "partial":
        return ""
    # htmx says tag#id
    return (request.header(b"hx-target") or "").partition("#")[2]


def theme_of(said: str) -> Theme:
    """The colours that a cookie asks for; those of the system when it asks for none."""
    return next((theme for theme in THEMES if theme == said), "auto")


def _headers(request: Call, language: Language, refused: Sequence[Form], *, said: str) -> Headers:
    raw: Headers = [VARIES, (b"content-language", language.encode()), _whose()]
    for form in refused:
        wait = form.error.extra.get("retry_after") if form.error is not None else None
        raw += [(b"retry-after", str(wait).encode())] if wait is not None else []
    if request.query_params.get("lang") in LANGUAGES:
        raw.append(language_cookie(language))
    if said:
        raw.append(cookie(FLASH_COOKIE, "", seconds=0))
    return raw


def _whose() -> tuple[bytes, bytes]:
    """For whom a page is, so that a browser keeps it for nobody else; empty for everybody."""
    account = current_viewer().account
    told = hashlib.sha256(f"page {account}".encode()).hexdigest()[:16] if account else ""
    return (b"x-account", told.encode())


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


def shell_for(  # noqa: PLR0913 - all of what surrounds a page
    house: House,
    state: Mapping[str, Any],
    viewer: Viewer,
    language: Language,
    *,
    here: str = "",
    toast: Toast | None = None,
    theme: Theme = "auto",
    keys: bool = True,
    languages: Sequence[tuple[Language, str]] = (),
) -> Shell:
    """What surrounds a page.

    Args:
        state: of the request, with what was found out about who sends it.
        toast: said once, in the language of the page.
        languages: where the page is in each language.
    """
    identity = state.get("identity")
    company = house.settings.company
    navigation = navigation_for(viewer, house.registry, language)
    return Shell(
        places=navigation.places,
        settings=navigation.settings,
        here=here,
        viewer=viewer,
        person=identity.name if identity is not None else "",
        company=company.name,
        csrf=state.get("csrf", ""),
        toast=toast,
        theme=theme,
        live=viewer.may("core.customers.read"),
        mark=state.get(MARK_STATE, ""),
        keys=keys,
        pending=_pending(house, viewer),
        languages=list(languages),
        time_zone=zone_here(house),
        currency=company.currency,
        version=_version("relatum"),
    )


def _pending(house: House, viewer: Viewer) -> int:
    return sum(house.plugins.pending.values()) if viewer.may("core.plugins.read") else 0


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
