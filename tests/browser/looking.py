"""Looking at every page there is with a real browser, and noting what is wrong with each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.site import Site
from tests.browser.watching import COLOURS, Watch, axe_faults

Language = Literal["vi", "en"]
Theme = Literal["light", "dark"]

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LANGUAGES: tuple[Language, ...] = ("vi", "en")
THEMES: tuple[Theme, ...] = ("light", "dark")
#: Boxes that come after their page.
_COMING = "[aria-busy=true][hx-trigger=load]"


def context_of(
    chromium: Browser,
    site: Site,
    state: Any,
    *,
    language: str = "vi",
    theme: str = "light",
    phone: bool = False,
    scripts: bool = True,
    **more: Any,
) -> BrowserContext:
    """A browser of somebody, with nothing in its cache."""
    context = chromium.new_context(
        base_url=site.url,
        locale="vi-VN" if language == "vi" else "en-GB",
        timezone_id="Asia/Ho_Chi_Minh",
        color_scheme="dark" if theme == "dark" else "light",
        viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
        has_touch=phone,
        is_mobile=phone,
        java_script_enabled=scripts,
        storage_state=state,
        **more,
    )
    context.add_cookies([{"name": "lang", "value": language, "url": site.url}])
    context.set_default_timeout(30_000)
    return context


@contextlib.contextmanager
def opened(
    chromium: Browser, site: Site, state: Any, language: str, *, phone: bool
) -> Iterator[Page]:
    """A page of a new browser, in which nothing moves: colours are what they will be."""
    context = context_of(
        chromium, site, state, language=language, phone=phone, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def faults_of_all(
    page: Page, site: Site, paths: Sequence[str], themes: Sequence[Theme] = THEMES
) -> dict[Theme, list[str]]:
    """What is wrong with pages in each theme.

    A page is opened once; in every theme but the first axe looks at its colours alone, because
    nothing else changes with it.
    """
    faults: dict[Theme, list[str]] = {theme: [] for theme in themes}
    watch = Watch(page, site.url)
    for path in paths:
        page.emulate_media(color_scheme=themes[0])
        page.goto(path, wait_until="load")
        if page.locator(_COMING).count():
            page.wait_for_function(f"() => !document.querySelector('{_COMING}')")
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            rules = () if theme == themes[0] else COLOURS
            faults[theme] += [f"{path}: {each}" for each in axe_faults(page, rules)]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            faults[themes[0]].append(f"{path}: {wide} px wider than the screen")
        faults[themes[0]] += [f"{path}: {each}" for each in watch.faults]
        watch.faults.clear()
    return faults
