"""The first page."""

from __future__ import annotations

import logging
import sqlite3
from importlib.metadata import version
from typing import TYPE_CHECKING

from litestar import get

from relatum.access.viewer import SIGNED_IN, current_viewer
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.values.problems import RelatumError
from relatum.web.languages import Language, language_of, translations
from relatum.web.layout import PAGE, page

if TYPE_CHECKING:
    from relatum.app.asgi import Application
    from relatum.app.house import House

log = logging.getLogger("relatum.web")


PLUGINS = "core.plugins.read"


@get("/", opt={"permission": SIGNED_IN, **PAGE}, include_in_schema=False)
async def home(request: Call) -> Html:
    """What there is, and for those who may know: what runs."""
    request.refuse_query(("lang",))
    language = language_of(request)
    house = request.house
    text = translations(language).gettext
    application: Application = request.scope["litestar_app"]  # type: ignore[assignment]
    runs = current_viewer().may(PLUGINS)
    reasons = await application.readiness.reasons()
    return await page(
        request,
        "relatum/home.html",
        here="home",
        reasons=reasons,
        company=house.settings.company.name,
        counts=[] if reasons else await _counts(house, language),
        plugins=house.plugins.states() if runs else None,
        facts=await _facts(house, language) if runs else [],
        statuses={
            "enabled": text("on"),
            "disabled": text("off"),
            "installed": text("needs migration"),
            "quarantined": text("cannot run"),
        },
    )


async def _counts(house: House, language: Language) -> list[tuple[str, int]]:
    text = translations(language).gettext
    viewer = current_viewer()
    labels = {
        table: label
        for table, permission, label in (
            ("core_customer", "core.customers.read", text("Customers")),
            ("core_interaction", "core.interactions.read", text("Interactions")),
            ("core_event", "core.audit.read", text("Events in the log")),
        )
        if viewer.may(permission)
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
        (text("Address"), _address(house)),
    ]


def _address(house: House) -> str:
    server = house.settings.server
    return server.public_url or f"http://{server.host}:{server.port}"


async def _database(house: House) -> str:
    if house.db.kind == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    try:
        row = await house.db.fetch_one("SHOW server_version")
    except (RelatumError, OSError) as error:
        log.warning("the database does not say its version: %r", error)
        return "PostgreSQL"
    return f"PostgreSQL {str(row[0]).partition(' ')[0]}" if row else "PostgreSQL"


ROUTES = [home]
