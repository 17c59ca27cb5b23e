"""``/api/v1/live``: what changes, as it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import get

from relatum.http.authentication import viewer_again
from relatum.http.calls import Call
from relatum.http.live import CUSTOMERS
from relatum.http.streaming import Stream

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.asgi import Application


@get("/live", opt={"permission": CUSTOMERS}, tags=["live"], media_type="text/event-stream")
async def follow(request: Call) -> Stream:
    """Server-sent events that name the customers that change, of those that the caller sees.

    `changed` carries `{"customers": [{"id": …, "events": ["core.interaction_recorded", …]}]}`;
    `hello` and `reload` say that everything shown may be out of date; `end` that the session has
    ended or the stream is to be opened again.
    """
    request.refuse_query()
    app: Application = request.scope["litestar_app"]  # type: ignore[assignment]
    house, headers = request.house, list(request.scope["headers"])

    async def again() -> Viewer | None:
        return await viewer_again(house, headers)

    return Stream(app.live, request.viewer, again, house.process)


ROUTES = [follow]
