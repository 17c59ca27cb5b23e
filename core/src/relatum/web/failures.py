"""Problem documents become pages when a person's browser asked.

A layer around the whole application: it sees the failures of routes, of the router and of the
layers before it alike. Addresses below ``/api/`` answer programs and stay as they are.
"""

from __future__ import annotations

import asyncio
import logging
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from relatum.access.viewer import ANONYMOUS
from relatum.http.answers import HTML_TYPE, Headers, length_of
from relatum.http.calls import header
from relatum.http.edge import PAGE_POLICY
from relatum.http.handling import SIGN_IN_PATH
from relatum.http.problems import MEDIA_TYPE
from relatum.values.problems import NotFound, Problem, Unauthenticated
from relatum.web.flashes import Toast, header_of
from relatum.web.languages import (
    COOKIE,
    LANGUAGES,
    Language,
    marked,
    preferred,
    translations,
)
from relatum.web.layout import THEME_COOKIE, VARIES, Shell, shell_for, theme_of
from relatum.web.missing_parts import missing_part
from relatum.web.reading import reading_as
from relatum.web.wording import sentence_of

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

    from relatum.app.house import House

log = logging.getLogger("relatum.web")

PROGRAMS = "/api/"
LARGEST = 1024 * 1024
_REPLACED = frozenset({b"content-type", b"content-length", b"content-security-policy"})


class Explanation(msgspec.Struct, frozen=True):
    """What a person is told about a status."""

    title: str
    text: str


EXPLANATIONS = {
    400: Explanation(
        marked("This request cannot be read"),
        marked("The address or the form is not as this page expects it. Go back and try again."),
    ),
    401: Explanation(marked("Sign in first"), marked("This page is for people who are signed in.")),
    403: Explanation(
        marked("You may not do this"),
        marked("Your role does not allow it. Ask an owner of this installation if you need it."),
    ),
    404: Explanation(
        marked("There is nothing here"),
        marked("The address is wrong, or what was here is gone, or you may not see it."),
    ),
    405: Explanation(
        marked("This does not work here"), marked("Go back and use the buttons of the page.")
    ),
    409: Explanation(
        marked("Somebody was faster"),
        marked("What you wanted to change has changed meanwhile. Go back, look, and try again."),
    ),
    410: Explanation(
        marked("This link is no longer good"),
        marked("It was used already, or it has expired. Ask for a new one."),
    ),
    413: Explanation(
        marked("This is too large"), marked("Send less at once, or in several parts.")
    ),
    429: Explanation(marked("Too many attempts"), marked("Wait a little while, then try again.")),
    503: Explanation(
        marked("Not available at the moment"),
        marked("Nothing was lost. Try again in a little while."),
    ),
}
OTHERWISE = Explanation(
    marked("Something went wrong"),
    marked(
        "Nothing was written. Try again; if it stays like this, give the number below to whoever "
        "runs this installation."
    ),
)
NOT_ACCEPTED = Explanation(
    marked("This cannot be done"), marked("Go back, mend what is said below, and try again.")
)


class FailurePages:
    """Wraps the application; what is no failure passes as it is.

    Attributes:
        inner: what is wrapped.
    """

    def __init__(self, app: ASGIApp, house: House) -> None:
        self.inner = app
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_for_a_person(scope):
            send = _Translation(scope, self._house, send)
        with reading_as():  # the next request of this task is somebody else's
            await self.inner(scope, receive, send)


class _Translation:
    """Sends one answer on; a problem document as a page."""

    def __init__(self, scope: Any, house: House, send: Send) -> None:
        self._scope = scope
        self._house = house
        self._send = send
        self._start: Any = None
        self._body = b""

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start" and _is_problem(message["headers"]):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish()

    async def _finish(self) -> None:
        start, body = self._start, self._body
        language = _language(self._scope, self._house)
        if header(self._scope, b"hx-request"):
            told = _told_to_scripts(self._scope, body, language)
            start = {**start, "headers": [*start["headers"], *told]}
            page = ""
        else:
            page = await self._rendered(body, language)
        if page:
            kept = [pair for pair in start["headers"] if pair[0] not in _REPLACED]
            said = (b"content-language", language.encode())
            body = page.encode()
            kept += [HTML_TYPE, length_of(body), PAGE_POLICY, VARIES, said]
            start = {**start, "headers": kept}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _rendered(self, body: bytes, language: Language) -> str:
        """The page; nothing when there is none, and the document goes out as it is."""
        if not body or len(body) > LARGEST:
            return ""
        try:
            return await asyncio.to_thread(self._page, body, language)
        except Exception:
            log.exception("the page of a failure failed")
            return ""

    def _page(self, body: bytes, language: Language) -> str:
        problem: dict[str, Any] = msgspec.json.decode(body)
        status, explanation = _explained(problem)
        shell = self._shell(language)
        missing = None
        if status == NotFound.status:
            missing = missing_part(self._scope["path"], self._house, shell.viewer)
        return self._house.renderer.render(
            "relatum/failure.html",
            language,
            shell=shell,
            refused=[],
            status=status,
            explanation=missing or explanation,
            missing=missing,
            problem=problem,
        )

    def _shell(self, language: Language) -> Shell:
        state = self._scope.get("state", {})
        theme = theme_of(_cookie(self._scope, THEME_COOKIE))
        viewer = state.get("viewer", ANONYMOUS)
        return shell_for(self._house, state, viewer, language, theme=theme)


def _explained(problem: dict[str, Any]) -> tuple[int, Explanation]:
    status = int(problem.get("status", 500))
    return status, EXPLANATIONS.get(status, NOT_ACCEPTED if status < 500 else OTHERWISE)


def _told_to_scripts(scope: Any, body: bytes, language: Language) -> Headers:
    """For htmx, which asked for a part of a page: nothing is put there, a toast says why.

    Whoever is not signed in any more is led to where they sign in, and from there back.
    """
    problem: dict[str, Any] = msgspec.json.decode(body) if body else {}
    status, explanation = _explained(problem)
    if status == Unauthenticated.status:
        page = urlsplit(header(scope, b"hx-current-url") or "")
        there = quote(f"{page.path or '/'}{f'?{page.query}' if page.query else ''}", safe="/")
        return [(b"hx-redirect", f"{SIGN_IN_PATH}?next={there}".encode())]
    said = translations(language).gettext(explanation.text)
    for wrong in msgspec.convert(problem.get("problems", []), list[Problem])[:1]:
        sentence = sentence_of(wrong, language)
        said = sentence.text if sentence.language == language else said
    return [(b"hx-reswap", b"none"), header_of(Toast(text=said), tone="bad")]


def _is_for_a_person(scope: Any) -> bool:
    if scope["type"] != "http" or scope["path"].startswith(PROGRAMS):
        return False
    return "text/html" in (header(scope, b"accept") or "")


def _is_problem(headers: Any) -> bool:
    return any(
        name == b"content-type" and value.startswith(MEDIA_TYPE.encode()) for name, value in headers
    )


def _cookie(scope: Any, name: str) -> str:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(header(scope, b"cookie") or "")
    except CookieError:
        log.debug("a cookie header cannot be read")
    return cookies[name].value if name in cookies else ""


def _language(scope: Any, house: House) -> Language:
    """As on every page, read from the request as it came."""
    chosen = _cookie(scope, COOKIE)
    for said in (chosen, preferred(header(scope, b"accept-language") or "")):
        for language in LANGUAGES:
            if said == language:
                return language
    return house.settings.company.language
