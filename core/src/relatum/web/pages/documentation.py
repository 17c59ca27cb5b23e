"""The documentation of the API: operations, types, codes of problems."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get

from relatum.access.viewer import PUBLIC
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.http.problems import every_kind
from relatum.values.problems import RelatumError
from relatum.web.description import groups_of, schemas_of
from relatum.web.layout import VARIES, page
from relatum.web.pages.files import Raw

if TYPE_CHECKING:
    from relatum.app.asgi import Application

OPEN = {"permission": PUBLIC}


class ProblemKind(msgspec.Struct, frozen=True):
    """One code of problem documents, for the page that explains them."""

    code: str
    status: int
    title: str
    description: str


@get("/schema", opt=OPEN, include_in_schema=False)
async def schema(request: Call) -> Answer[Any]:
    """The API's documentation: a page for people, the OpenAPI document for programs."""
    request.refuse_query(("lang",))
    if not _wants_page(request.header(b"accept") or ""):
        return await _openapi(request)
    document = await _application(request).description.document()
    return await page(
        request,
        "relatum/schema.html",
        here="schema",
        groups=groups_of(document),
        schemas=schemas_of(document),
    )


@get("/schema/openapi.json", opt=OPEN, include_in_schema=False)
async def openapi(request: Call) -> Raw:
    """The OpenAPI document."""
    request.refuse_query()
    return await _openapi(request)


@get("/schema/problems", opt=OPEN, include_in_schema=False)
async def problems(request: Call) -> Html:
    """What the codes of problem documents mean; their ``type`` leads here."""
    request.refuse_query(("lang",))
    kinds = sorted((_kind(each) for each in every_kind()), key=lambda kind: kind.status)
    return await page(request, "relatum/problems.html", here="problems", kinds=kinds)


async def _openapi(request: Call) -> Raw:
    content = await _application(request).description.encoded()
    return Raw(content, b"application/json", [VARIES])


def _application(request: Call) -> Application:
    return request.scope["litestar_app"]  # type: ignore[return-value]


def _wants_page(accept: str) -> bool:
    return "text/html" in accept or "application/xhtml+xml" in accept


def _kind(kind: type[RelatumError]) -> ProblemKind:
    # of the class itself: inherited words would be those of another code
    described = inspect.cleandoc(kind.__doc__ or "")
    return ProblemKind(kind.code, kind.status, kind.title, described)


ROUTES = [schema, openapi, problems]
