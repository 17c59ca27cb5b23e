"""Every page there is: read without scripts in both languages, and clean to axe, to the console
and to the policy in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from relatum.app.asgi import create_app
from relatum.app.house import House
from tests.browser.furnishing import doors
from tests.browser.looking import LANGUAGES, THEMES, Language, Theme, faults_of_all, opened
from tests.browser.reading import Tour, toured
from tests.browser.site import Site
from tests.security.addresses import addresses

#: A way to look: language, theme, whether on a phone. These differ in everything from each other.
SOME: list[tuple[Language, Theme, bool]] = [("vi", "light", False), ("en", "dark", True)]

#: Pages that no link of a demo company leads to, and what looks at them instead.
ELSEWHERE = {
    "/charts/{chart_id}/file": "a file",
    "/figures/{metric_id}/file": "a file",
    "/reports/files/{file_id}": "a file",
    "/customers/bulk/{run_id}": "core/tests/web: a change of more customers than the demo has",
    "/customers/named": "a part of forms",
    "/customers/{customer_id}/merge/{other_id}": "core/tests/web: of two who are alike",
    "/customers/{customer_id}/merges": "core/tests/web: of one who was merged",
    "/customers/{customer_id}/merges/{merge_id}": "core/tests/web: of one who was merged",
    "/customers/{customer_id}/archived": "core/tests/web: there is no archive yet",
    "/customers/{customer_id}/cells/{column}": "a part of the list",
    "/dashboards/{board_id}/boxes/{tile_id}": "a part of dashboards",
    "/erasures/{erasure_id}": "core/tests/web: of one who was erased",
    "/messages/{message_id}": "core/tests/web: of a message that was written",
    "/p/consent/register/file": "a file",
    "/p/consent/preferences/{token}": "plugins/consent/tests: for whoever has the link",
    "/p/identity/pairs/{pair}": "plugins/identity/tests: of two who are alike",
    "/p/sales_pipeline/deals/{id}/move": "a part of the board",
    "/panels/{panel_id}/{customer_id}": "a part of the page of a customer",
    "/settings/plugins/{plugin}/on": "test_setting_up",
    "/setup": "test_setting_up",
    "/setup/data": "test_setting_up",
    "/setup/owner": "test_setting_up",
    "/setup/plugins": "test_setting_up",
    "/setup/protect": "test_setting_up",
    "/sign-in/oidc": "leads to a foreign page",
    "/sign-in/oidc/callback": "comes from a foreign page",
    "/sign-in/second-factor": "core/tests/web: needs a first one",
    "/unsubscribe/{token}": "core/tests/web: for whoever has the link",
}


@pytest.fixture(scope="module")
def site(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The furnished company as it is: what links lead to hangs on what nobody has changed yet."""
    site = Site(tmp_path_factory.mktemp("every_page"), like=furnished / "home")
    with site.running():
        yield site


@pytest.fixture(scope="module")
def tours(site: Site, owner_state: Any) -> Callable[[str], Tour]:
    """What the owner gets to by links, in a language; walked once."""

    @cache
    def tour(language: str) -> Tour:
        return toured(site, owner_state, language)

    return tour


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_work_without_scripts(
    site: Site, tours: Callable[[str], Tour], language: str
) -> None:
    """Status 200, in the language, one main heading, and something in the main part."""
    tour = Tour(language)
    tour.add(tours(language))
    tour.add(toured(site, None, language, doors(site)))
    assert not tour.faults, "\n".join(tour.faults)
    forgotten = unseen(site, tour.pages) - set(ELSEWHERE)
    assert not forgotten, "no link leads to " + ", ".join(sorted(forgotten))


def test_what_is_seen_elsewhere_is_not_seen_here(site: Site, tours: Callable[[str], Tour]) -> None:
    assert set(ELSEWHERE) <= unseen(site, tours("vi").pages)


def unseen(site: Site, seen: Iterable[str]) -> set[str]:
    """The addresses of pages that none of these belongs to."""
    forms = declared(site)
    return set(forms) - {form_of(path, forms) for path in seen}


def declared(site: Site) -> dict[str, re.Pattern[str]]:
    """The addresses of all pages, and what fits each; those with the fewest holes first:
    ``/customers/new`` is no customer."""

    async def read(house: House) -> list[str]:
        found = addresses(create_app(house))
        return [each.path for each in found if each.page and each.method == "GET"]

    paths = sorted(site.inside(read), key=lambda path: path.count("{"))
    return {path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))) for path in paths}


def form_of(path: str, forms: Mapping[str, re.Pattern[str]]) -> str:
    """Which of the addresses a path belongs to; empty for none."""
    return next((one for one, form in forms.items() if form.fullmatch(path)), "")


def one_of_each(site: Site, paths: Iterable[str]) -> list[str]:
    """One path of each address and of each sort of question."""
    forms = declared(site)
    found: dict[tuple[str, ...], str] = {}
    for path in paths:
        place, _, query = path.partition("?")
        asked = sorted(each.partition("=")[0] for each in query.split("&"))
        found.setdefault((form_of(place, forms) or place, *asked), path)
    return list(found.values())


@pytest.mark.long
@pytest.mark.parametrize(("language", "theme", "phone"), SOME)
def test_pages_are_clean(
    chromium: Browser,
    site: Site,
    owner_state: Any,
    tours: Callable[[str], Tour],
    language: Language,
    theme: Theme,
    phone: bool,
) -> None:
    """A page of each sort: where only names differ, all of them are looked at below."""
    paths = one_of_each(site, tours(language).paths)
    assert len(paths) > 60
    check(chromium, site, owner_state, language, [theme], phone=phone, paths=paths)


@pytest.mark.thorough
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phone", [False, True])
def test_pages_are_clean_in_every_way(
    chromium: Browser,
    site: Site,
    owner_state: Any,
    tours: Callable[[str], Tour],
    language: Language,
    phone: bool,
) -> None:
    paths = tours(language).paths
    assert len(paths) > 80
    check(chromium, site, owner_state, language, list(THEMES), phone=phone, paths=paths)


def check(
    chromium: Browser,
    site: Site,
    state: Any,
    language: Language,
    themes: list[Theme],
    *,
    phone: bool,
    paths: list[str],
) -> None:
    """Look at these pages as somebody, and at the doors as nobody."""
    for who, there in ((state, paths), (None, doors(site))):
        with opened(chromium, site, who, language, phone=phone) as page:
            found = faults_of_all(page, site, there, themes)
        faults = [f"{theme}: {each}" for theme, some in found.items() for each in some]
        assert not faults, "\n".join(faults)
