"""The settings: what is where, plugins, the company, custom fields, kinds of interaction."""

from __future__ import annotations

from litestar import get

from relatum.access.viewer import SIGNED_IN
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.web.boxes import boxes
from relatum.web.layout import PAGE, page
from relatum.web.pages.settings import company, fields, kinds, migrations, plugins


@get("/settings", opt={"permission": SIGNED_IN, **PAGE}, include_in_schema=False)
async def show_settings(request: Call) -> Html:
    """Where everything is set that the viewer may see, and what plugins say about themselves."""
    request.refuse_query(("lang",))
    return await page(
        request,
        "relatum/settings.html",
        here="settings",
        panels=await boxes(request, "settings"),
    )


ROUTES = [
    show_settings,
    *plugins.ROUTES,
    *migrations.ROUTES,
    *company.ROUTES,
    *fields.ROUTES,
    *kinds.ROUTES,
]
