"""What makes the pages an application: how it is installed, and what works without a connection."""

from __future__ import annotations

import msgspec
from litestar import get

from relatum.access.viewer import PUBLIC
from relatum.http.calls import Call
from relatum.http.edge import WORKER_POLICY
from relatum.web.languages import language_of
from relatum.web.pages.files import BRIEFLY, Raw
from relatum.web.static_files import CORE

OPEN = {"permission": PUBLIC}
WORKER = "sw.js"
#: What every page loads, and the browser has already: keeping it fetches nothing.
FILES = ("relatum.css", "icon.svg", "relatum.js", "assets/htmx.js", "assets/icons.svg")
ICONS = ((192, "icon-192.png"), (512, "icon-512.png"))
COLOUR = "#4f46e5"


class Kept(msgspec.Struct, frozen=True):
    """What the service worker keeps from its beginning.

    Attributes:
        files: their addresses.
        offline: the page that is shown instead of one that it has not.
    """

    files: list[str]
    offline: str


@get("/sw.js", opt=OPEN, include_in_schema=False)
async def worker(request: Call) -> Raw:
    """The service worker; another one whenever a file of the pages is another."""
    request.refuse_query()
    static = request.house.renderer.static
    page = request.house.renderer.render("relatum/offline.html", language_of(request))
    kept = Kept([static.url(name) for name in FILES], page)
    shelf = static.shelf(CORE)
    assert shelf is not None  # noqa: S101 - core is always there
    script = shelf.files[WORKER]
    body = b"self.RELATUM = %b;\n%b" % (msgspec.json.encode(kept), script.content)
    return Raw(body, script.media_type, [BRIEFLY, WORKER_POLICY, (b"vary", b"cookie")])


@get("/manifest.webmanifest", opt=OPEN, include_in_schema=False)
async def manifest(request: Call) -> Raw:
    """How the application is installed: name, colours, icons."""
    request.refuse_query()
    static = request.house.renderer.static
    company = request.house.settings.company.name or "Relatum"
    told = {
        "id": "/",
        "name": company,
        "short_name": company[:20],
        "lang": language_of(request),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": COLOUR,
        "icons": [
            {"src": static.url("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
            *(
                {"src": static.url(name), "sizes": f"{size}x{size}", "type": "image/png"}
                for size, name in ICONS
            ),
        ],
    }
    return Raw(msgspec.json.encode(told), b"application/manifest+json", [BRIEFLY])


ROUTES = [worker, manifest]
