"""A real Chromium before a real server. Where there is no Chromium the tests are skipped, unless
``RELATUM_TEST_POSTGRES`` is set, as it is where changes are checked before they land.

``site`` is shared by the tests of a process: a test changes only what it made.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.furnishing import RETENTION, Hands, furnish
from tests.browser.looking import context_of
from tests.browser.site import PASSWORD, Site
from tests.browser.watching import Watch
from tests.growing.programs import program

HERE = Path(__file__).parent
STATE = "state.json"

NewPage = Callable[..., Page]

#: Milliseconds. Long enough for a machine that is busy with three servers and three browsers: what
#: takes too long is measured elsewhere (``web.*`` of the benchmarks).
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ends with its module: while it is there, a loop runs in this thread, and no asynchronous test
    of another folder could run in the same process."""
    path = program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a demo company with an owner, made by the first process that needs it; the
    cookies of the owner, who has signed in, lie beside it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    base = tmp_path_factory.getbasetemp()
    folder = base.parent / f"site-{run}" if run else base / "furnished"
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / STATE).exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed
            site = Site(folder, settings=RETENTION)
            site.fill()
            with site.running(), Hands(site) as hands:
                furnish(hands)
            (folder / STATE).write_text(json.dumps(hands.state))
    return folder


@pytest.fixture(scope="session")
def site(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo company, with an owner."""
    site = Site(tmp_path_factory.mktemp("site"), like=furnished / "home")
    with site.running():
        yield site


@pytest.fixture(scope="session")
def owner_state(furnished: Path) -> Any:
    """The cookies of the owner, who has signed in."""
    return json.loads((furnished / STATE).read_text())


def sign_in(chromium: Browser, site: Site, email: str) -> Any:
    """Sign in as people do; the cookies that this brings."""
    context = chromium.new_context(base_url=site.url, locale="vi-VN")
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def new_page(chromium: Browser, site: Site, owner_state: Any) -> Iterator[NewPage]:
    """Makes pages of the owner, each in a browser of its own, and checks that nothing bad happened.

    Arguments: ``language`` (vi, en), ``theme`` (light, dark), ``phone``, ``scripts`` (off: without
    JavaScript), ``state`` (cookies of somebody else), ``watched`` (off for a page that is meant to
    fail), and everything that ``Browser.new_context`` takes.
    """
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def make(
        *,
        language: str = "vi",
        theme: str = "light",
        phone: bool = False,
        scripts: bool = True,
        state: Any = None,
        watched: bool = True,
        **more: Any,
    ) -> Page:
        context = context_of(
            chromium,
            site,
            owner_state if state is None else state,
            language=language,
            theme=theme,
            phone=phone,
            scripts=scripts,
            **more,
        )
        contexts.append(context)
        page = context.new_page()
        if watched:
            watches.append(Watch(page, site.url))
        return page

    yield make
    for watch in watches:
        watch.look_again()
    for context in contexts:
        context.close()
    for watch in watches:
        watch.check()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page of the owner in Vietnamese, on a desk, in the light."""
    return new_page()
