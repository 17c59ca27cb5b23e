"""The request as our routes see it: strict bodies, typed queries, the house at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

import msgspec
from litestar import Request
from litestar.types import Empty

from relatum.http.bodies import LARGE, check_content_type, read_json
from relatum.http.permissions import viewer_in
from relatum.http.queries import read_query, refuse_parameters
from relatum.values.ids import parse_id
from relatum.values.problems import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relatum.access.accounts.types import Identity
    from relatum.access.viewer import Viewer
    from relatum.app.house import House

T = TypeVar("T")


def header(scope: Mapping[str, Any], name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return cast("bytes", value).decode("latin-1")
    return None


class Call(Request[Any, Any, Any]):
    """A request of the API.

    Bodies declared as ``data`` are decoded strictly into their type, and everything that is wrong
    with one is reported at once.
    """

    __slots__ = ()

    @property
    def house(self) -> House:
        """The services."""
        return cast("House", self.scope["litestar_app"].house)  # type: ignore[attr-defined]

    @property
    def viewer(self) -> Viewer:
        """Who is asking: what they may do and see."""
        return viewer_in(self.scope)

    @property
    def actor(self) -> str:
        """Who is asking, as the event log writes it down."""
        return self.viewer.actor

    @property
    def identity(self) -> Identity | None:
        """Whose session or token it is; ``None`` for somebody who is not signed in."""
        return self.scope["state"].get("identity")

    @property
    def csrf(self) -> str:
        """What a form of this session sends along in ``csrf``; empty without a session."""
        return str(self.scope["state"].get("csrf", ""))

    @property
    def address(self) -> str:
        """The address of the caller, seen through trusted proxies."""
        return str(self.scope["state"].get("address", ""))

    @property
    def is_secure(self) -> bool:
        """Whether the caller came over https, so that cookies need nothing less."""
        return bool(self.scope["state"].get("scheme") == "https")

    def header(self, name: bytes) -> str | None:
        """The first header of this (lower-case) name."""
        return header(self.scope, name)

    def query_as(self, kind: type[T], **fixed: Any) -> T:
        """The query string as a Struct; see :func:`relatum.http.queries.read_query`."""
        query = self.scope["query_string"]
        zone = self.house.settings.company.time_zone
        return read_query(query, kind, time_zone=zone, **fixed)

    def refuse_query(self, known: Iterable[str] = ()) -> None:
        """Refuse query parameters that the route does not know."""
        query = self.scope["query_string"]
        if query:
            refuse_parameters(query, known=known)

    async def json(self) -> Any:
        """The body, in the type the handler's ``data`` has (plain data when it has none).

        Raises:
            UnsupportedMedia: it does not call itself JSON.
            MalformedRequest: it is not JSON.
            InvalidInput: with everything that keeps it from being of the type.
        """
        if self._json is Empty:
            field = self.route_handler.parsed_data_field
            kind = Any if field is None else field.annotation
            self._json = await self.read(kind if _is_native(kind) else Any)
        return self._json

    async def read(self, kind: type[T]) -> T:
        """The body as a ``kind``; raises as :meth:`json`."""
        body = await self.body()
        check_content_type(self.header(b"content-type") or "")
        if len(body) < LARGE:
            return read_json(body, kind)
        return await asyncio.to_thread(read_json, body, kind)


def id_in_path(text: str, noun: str) -> UUID:
    """An id that is part of the address.

    Raises:
        NotFound: it is no id, so nothing has it.
    """
    try:
        return parse_id(text, noun, where="path")
    except InvalidInput as error:
        raise NotFound(
            f"expected the id of a {noun} in the address, got {text[:80]!r}; nothing is there",
            problems=error.problems,
        ) from error


def _is_native(kind: Any) -> bool:
    """Whether msgspec knows every part of a type by itself."""
    known = _NATIVE.get(kind) if isinstance(kind, type) else None
    if known is not None:
        return known
    try:
        native = not _has_custom(msgspec.inspect.type_info(kind))
    except (TypeError, NotImplementedError):
        native = False
    if isinstance(kind, type):
        _NATIVE[kind] = native
    return native


_NATIVE: dict[type, bool] = {}


def _has_custom(kind: msgspec.inspect.Type) -> bool:
    return "CustomType(" in repr(kind)
