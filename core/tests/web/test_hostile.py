"""Whatever is sent to a page that writes: an answer, never a failure, nothing believed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.tests.web.browsing import EVIL, Browser, Page, signed_in
from relatum.app.house import House
from relatum.config.settings import Limits
from relatum.values.ids import new_id
from relatum.web.pages import ROUTES

GARBAGE: list[list[tuple[str, str]]] = [
    [],
    [("a", "b"), ("a", "c")],
    [(name, EVIL) for name in ("name", "email", "key", "why", "code", "title_en", "title_vi")],
    [(name, "\0") for name in ("name", "code", "password", "target", "roles", "version")],
    [("roles", "owner"), ("version", "9" * 40), ("days", "-1"), ("parent", "x"), ("team", EVIL)],
    [("email", "'; DROP TABLE core_account; --"), ("password", "x" * 5000), ("next", "//evil")],
    [(f"values{n}", "a\n" * 400) for n in range(1, 9)],
]
#: What pages may answer to that; 303 and 200 where a button is all there is, 429 for guessing.
EXPECTED = {200, 303, 400, 401, 403, 404, 409, 410, 422, 429}
#: Pages that take files; a form without is of the wrong kind to them.
WITH_FILES = {"/imports/new", "/imports/{import_id:str}/mended"}


def writing_paths() -> list[str]:
    """The address of every page that takes a form."""
    return sorted(
        path
        for handler in ROUTES
        for path in handler.paths
        if "POST" in getattr(handler, "http_methods", ())
    )


def test_there_are_pages_that_write() -> None:
    assert len(writing_paths()) > 35


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"])
async def test_garbage_is_refused(core_house: House) -> None:
    none = Limits(token=0, account=0, address=0, sign_in=0)
    core_house.settings = msgspec.structs.replace(core_house.settings, limits=none)
    browser = await signed_in(core_house)
    csrf = dict((await browser.page("/account")).form("/sign-out").fields)["csrf"]
    answered: dict[str, set[int]] = {}
    for path in writing_paths():
        if path == "/sign-out":
            continue
        for id in (str(new_id()), "%3Cscript%3E", str(browser.account)):
            answered[path] = answered.get(path, set()) | await _send(browser, path, id, csrf)
    assert len(answered) > 35
    assert set().union(*answered.values()) <= EXPECTED
    assert len(await browser.house.sessions.of(_account(browser))) == 1
    assert (await browser.house.roles.standing(_account(browser))).roles == ["owner"]
    await browser.client.aclose()


async def _send(browser: Browser, path: str, id: str, csrf: str) -> set[int]:
    """What comes back; every page of it is whole and runs nothing."""
    address = "/".join(id if part.startswith("{") else part for part in path.split("/"))
    statuses = set()
    for pairs in GARBAGE:
        if path in WITH_FILES:
            plain = await browser.post(address, [*pairs, ("csrf", csrf)])
            assert plain.status_code in (404, 415), address
            answer = await browser.client.post(
                address,
                files=[(name, (None, text)) for name, text in [*pairs, ("csrf", csrf)]],
            )
        else:
            answer = await browser.post(address, [*pairs, ("csrf", csrf)])
        statuses.add(answer.status_code)
        assert answer.status_code in EXPECTED, (address, pairs[:3], answer.text[:500])
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert Page(answer.text).planted == []
            assert "Traceback" not in answer.text
    return statuses


def _account(browser: Browser) -> Any:
    assert browser.account is not None
    return browser.account
