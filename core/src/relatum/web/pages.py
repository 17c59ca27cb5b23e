"""The pages there are so far: what runs, the API's documentation, and the files they load."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sqlite3
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get
from litestar.params import FromPath

from relatum.http.answers import Answer, Headers, Html, Sent, length_of
from relatum.http.calls import Call
from relatum.http.problems import every_kind
from relatum.values.problems import NotFound, RelatumError
from relatum.web.description import groups_of, schemas_of
from relatum.web.languages import (
    COOKIE,
    COOKIE_SECONDS,
    LANGUAGES,
    Language,
    language_of,
    translations,
)
from relatum.web.rendering import STATIC_PATH, render, static_files, static_url

if TYPE_CHECKING:
    from relatum.app.asgi import Application
    from relatum.app.house import House

log = logging.getLogger("relatum.web")

PUBLIC = {"permission": "public"}
FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
BRIEFLY = (b"cache-control", b"no-cache")
VARIES = (b"vary", b"accept, accept-language, cookie")


class ProblemKind(msgspec.Struct, frozen=True):
    """One code of problem documents, for the page that explains them."""

    code: str
    status: int
    title: str
    description: str


class Raw(Answer[bytes]):
    """Bytes with a media type of their own."""

    __slots__ = ("kind",)

    def __init__(self, content: bytes, kind: bytes, headers: Headers) -> None:
        super().__init__(content, headers=headers)
        self.kind = kind

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Send the bytes as they are."""
        head = [(b"content-type", self.kind), length_of(self.content), *self.raw]
        return Sent(self.status, head, self.content)


@get("/", opt={"permission": "core.plugins.read"}, include_in_schema=False)
async def home(request: Call) -> Html:
    """What runs."""
    request.refuse_query(("lang",))
    language = language_of(request)
    house = request.house
    text = translations(language).gettext
    reasons = await _application(request).readiness.reasons()
    return await _page(
        request,
        "relatum/home.html",
        here="home",
        reasons=reasons,
        company=house.settings.company.name,
        counts=[] if reasons else await _counts(house, language),
        plugins=house.plugins.states(),
        facts=await _facts(house, language),
        statuses={
            "enabled": text("on"),
            "disabled": text("off"),
            "installed": text("needs migration"),
            "quarantined": text("cannot run"),
        },
    )


@get("/schema", opt=PUBLIC, include_in_schema=False)
async def schema(request: Call) -> Answer[Any]:
    """The API's documentation: a page for people, the OpenAPI document for programs."""
    request.refuse_query(("lang",))
    if not _wants_page(request.header(b"accept") or ""):
        return await _openapi(request)
    document = await _application(request).description.document()
    return await _page(
        request,
        "relatum/schema.html",
        here="schema",
        groups=groups_of(document),
        schemas=schemas_of(document),
    )


@get("/schema/openapi.json", opt=PUBLIC, include_in_schema=False)
async def openapi(request: Call) -> Raw:
    """The OpenAPI document."""
    request.refuse_query()
    return await _openapi(request)


@get("/schema/problems", opt=PUBLIC, include_in_schema=False)
async def problems(request: Call) -> Html:
    """What the codes of problem documents mean; their ``type`` leads here."""
    request.refuse_query(("lang",))
    kinds = sorted((_kind(each) for each in every_kind()), key=lambda kind: kind.status)
    return await _page(request, "relatum/problems.html", here="problems", kinds=kinds)


@get(STATIC_PATH + "/{name:str}", opt=PUBLIC, include_in_schema=False)
async def static(request: Call, name: FromPath[str]) -> Raw:
    """A file that pages load."""
    request.refuse_query(("v",))
    found = static_files().get(name)
    if found is None:
        raise NotFound(f"expected the name of a file that pages load, got {name[:80]!r}")
    kind, content = found
    current = request.scope["query_string"] == static_url(name).partition("?")[2].encode()
    return Raw(content, kind, [FOR_EVER if current else BRIEFLY])


async def _page(request: Call, template: str, **values: Any) -> Html:
    """Render beside the event loop: a long page takes milliseconds that others would wait."""
    language = language_of(request)
    values["version"] = version("relatum")
    text = await asyncio.to_thread(render, template, language, **values)
    headers: Headers = [VARIES, (b"content-language", language.encode())]
    if request.query_params.get("lang") in LANGUAGES:
        cookie = f"{COOKIE}={language}; Path=/; Max-Age={COOKIE_SECONDS}; SameSite=Lax; HttpOnly"
        headers.append((b"set-cookie", cookie.encode()))
    return Html(text, headers=headers)


async def _openapi(request: Call) -> Raw:
    content = await _application(request).description.encoded()
    return Raw(content, b"application/json", [VARIES])


def _application(request: Call) -> Application:
    return request.scope["litestar_app"]  # type: ignore[return-value]


def _wants_page(accept: str) -> bool:
    return "text/html" in accept or "application/xhtml+xml" in accept


async def _counts(house: House, language: Language) -> list[tuple[str, int]]:
    text = translations(language).gettext
    labels = {
        "core_customer": text("Customers"),
        "core_interaction": text("Interactions"),
        "core_event": text("Events in the log"),
    }
    found = await house.db.fetch_together(
        *((f"SELECT count(*) FROM {table}", ()) for table in labels)  # noqa: S608 - our own names
    )
    return [(label, int(rows[0][0])) for label, rows in zip(labels.values(), found, strict=True)]


async def _facts(house: House, language: Language) -> list[tuple[str, str]]:
    text = translations(language).gettext
    company = house.settings.company
    return [
        (text("Version"), version("relatum")),
        (text("Database"), await _database(house)),
        (text("Company"), company.name or "–"),
        (text("Country"), company.country),
        (text("Time zone"), company.time_zone),
        (text("Currency"), company.currency),
        (text("Reachable"), text("from this machine only: there are no accounts yet")),
    ]


async def _database(house: House) -> str:
    if house.db.kind == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    try:
        row = await house.db.fetch_one("SHOW server_version")
    except (RelatumError, OSError) as error:
        log.warning("the database does not say its version: %r", error)
        return "PostgreSQL"
    return f"PostgreSQL {str(row[0]).partition(' ')[0]}" if row else "PostgreSQL"


def _kind(kind: type[RelatumError]) -> ProblemKind:
    # of the class itself: inherited words would be those of another code
    described = inspect.cleandoc(kind.__doc__ or "")
    return ProblemKind(kind.code, kind.status, kind.title, described)


ROUTES = [home, schema, openapi, problems, static]
