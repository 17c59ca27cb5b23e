"""What a browser finds on every page, and how much it has to fetch."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measures import Condition, Measure, NotRunError, Reading

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.looking import Language, Theme
    from tests.browser.site import Site

FIRST_VISIT, REPEATED = 50_000, 10_000
#: Opened by nearly everybody nearly every day; ``{customer}`` is the first of the list.
DAILY = ("/", "/customers", "/customers/{customer}", "/p/sales_pipeline/board", "/reports")
LANGUAGES: tuple[Language, ...] = ("vi", "en")
THEMES: tuple[Theme, ...] = ("light", "dark")
PHONES = (False, True)


def axe() -> Reading:
    """Every page in both languages, light and dark, at a desk and on a phone."""
    from tests.browser.furnishing import Hands, furnish
    from tests.browser.looking import faults_of_all, opened
    from tests.browser.reading import toured

    rows: list[list[Any]] = []
    examples: list[str] = []
    with _browser() as chromium, _site() as site, Hands(site) as hands:
        furnish(hands)
        for language, phone in itertools.product(LANGUAGES, PHONES):
            tour = toured(site, hands.state, language)
            with opened(chromium, site, hands.state, language, phone=phone) as page:
                found = faults_of_all(page, site, tour.paths, THEMES)
            device = "phone" if phone else "desktop"
            for theme in THEMES:
                faults = [*tour.faults, *found[theme]]
                rows.append([f"{language} {theme} {device}", len(tour.paths), len(faults)])
                examples += faults
    note = (
        "violations of WCAG 2.2 A and AA and of good practice that axe-core finds, errors of the "
        "console, refusals of the policy, foreign requests, pages wider than the screen"
    )
    return Reading(
        value=len(examples),
        heads=["how", "pages", "faults"],
        rows=rows,
        notes=[note, *list(dict.fromkeys(examples))[:10]],
    )


def weight() -> Reading:
    """All bytes that a browser is sent, by a relay that counts them."""
    from tests.browser.conftest import sign_in
    from tests.browser.counting import Relay
    from tests.browser.site import OWNER

    rows: list[list[Any]] = []
    with _browser() as chromium, _site() as site, Relay(site.port).running() as relay:
        state = sign_in(chromium, site, OWNER)
        for path in DAILY:
            context = chromium.new_context(base_url=relay.url, storage_state=state)
            if "{customer}" in path:
                path = path.replace("{customer}", _first_customer(site))  # noqa: PLW2901
            page = context.new_page()
            sizes = []
            for _ in range(2):
                relay.reset()
                page.goto(path, wait_until="load")
                page.wait_for_timeout(1_500)
                sizes.append(relay.received)
            rows.append([path if "customers/" not in path else "one customer", *sizes])
            context.close()
    repeated = max(row[2] for row in rows)
    note = "a new browser that is signed in; heads and bodies of everything, 10³ bytes a kilobyte"
    return Reading(
        value=max(row[1] for row in rows) / 1000,
        heads=["page", "first visit", "again"],
        rows=rows,
        conditions=[Condition("again", repeated / 1000, "KB", REPEATED / 1000)],
        notes=[note],
    )


def _first_customer(site: Site) -> str:
    from relatum.customers.types import CustomerQuery

    async def first(house: Any) -> str:
        found = await house.customers.find(CustomerQuery(limit=1))
        return str(found.items[0].id)

    return str(site.inside(first))


@contextlib.contextmanager
def _browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NotRunError("playwright is not installed: make setup") from error
    import shutil

    path = shutil.which("chromium")
    if path is None:
        raise NotRunError("there is no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def _site() -> Iterator[Site]:
    from tests.browser.furnishing import RETENTION
    from tests.browser.site import Site

    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), settings=RETENTION)
        site.fill()
        with site.running():
            yield site


MEASURES = [
    Measure(
        id="web.axe",
        title="every page, both languages, light and dark, desk and phone: faults",
        unit="",
        limit=0,
        goal="at most",
        run=axe,
    ),
    Measure(
        id="web.weight",
        title="what a browser fetches for a page of every day",
        unit="KB",
        limit=FIRST_VISIT / 1000,
        goal="at most",
        run=weight,
    ),
]
