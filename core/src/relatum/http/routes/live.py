"""``/api/v1/live``: what changes, as it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from litestar import get
from msgspec import Meta

from relatum.http.authentication import viewer_again
from relatum.http.calls import Call
from relatum.http.live import CUSTOMERS, Missed
from relatum.http.marks import LONGEST_MARK
from relatum.http.streaming import Stream

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.asgi import Application


class LiveQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From where on to tell.

    Attributes:
        since: the mark of a page, or the id of the last message of an earlier stream.
    """

    since: Annotated[str, Meta(max_length=LONGEST_MARK)] = ""


@get(
    "/live",
    opt={"permission": CUSTOMERS, "query": LiveQuery},
    tags=["live"],
    media_type="text/event-stream",
)
async def follow(request: Call) -> Stream:
    """Server-sent events that name the customers that change, of those that the caller sees.

    `changed` carries `{"customers": [{"id": …, "events": ["core.interaction_recorded", …]}],
    "events": […]}`, the last being sorts of events that are about no customer;
    `hello` and `reload` say that everything shown may be out of date; `end` that the session has
    ended or the stream is to be opened again. Each message has an id; with `since` (or
    `Last-Event-ID`) a stream goes on from there and begins with `continued` instead of `hello`.
    """
    query = request.query_as(LiveQuery)
    since = query.since or (request.header(b"last-event-id") or "")
    app: Application = request.scope["litestar_app"]  # type: ignore[assignment]
    house, headers = request.house, list(request.scope["headers"])

    async def again() -> Viewer | None:
        return await viewer_again(house, headers)

    return Stream(app.live, request.viewer, again, house.process, since=since)


@get("/live/changes", opt={"permission": CUSTOMERS, "query": LiveQuery}, tags=["live"])
async def missed(request: Call) -> Missed:
    """What a stream would have told since a mark, at once and without a stream.

    `complete` is false when that is not known any more (the mark is unreadable or a day old) or
    too much: then everything shown may be out of date.
    """
    app: Application = request.scope["litestar_app"]  # type: ignore[assignment]
    return await app.live.since(request.viewer, request.query_as(LiveQuery).since)


ROUTES = [follow, missed]
