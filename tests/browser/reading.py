"""Every page as a browser without scripts gets it: read by plain requests, link by link."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from tests.browser.site import Site

#: Where the reading begins; links lead on.
BEGINNINGS = (
    "/",
    "/?arrange=1",
    "/customers",
    "/customers/new",
    "/reports",
    "/settings",
    "/settings/migrations",
    "/account",
    "/palette",
    "/palette/keys",
    "/sign-out",
    "/views",
)
#: Of addresses that differ in an id alone one is looked at.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")
MOST = 300
#: For programs; what answers with a file tells itself.
NO_PAGES = re.compile(r"^/(static|api|schema)/|^/schema$|^/(metrics|ready|live|sw\.js)$")
#: Elements without an end.
_VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "wbr",
}


class Seen(HTMLParser):
    """One page: its language, its headings of the first order, what its main part says, links."""

    def __init__(self, path: str, html: str) -> None:
        super().__init__()
        self.path = path
        self.language = ""
        self.headings = 0
        self.text = ""
        self.links: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang") or ""
        self.headings += tag == "h1"
        if tag == "a" and given.get("href") and "download" not in given:
            self.links.append(str(given["href"]))
        if tag not in _VOID:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "main" in self._inside and not {"script", "style", "template"} & set(self._inside):
            self.text += data


@dataclass
class Tour:
    """What was found on the way through all pages.

    Attributes:
        pages: one of each sort, by address without ids.
        faults: what is wrong with them.
    """

    language: str
    pages: dict[str, Seen] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """Where the pages are."""
        return sorted(each.path for each in self.pages.values())

    def add(self, other: Tour) -> None:
        """What somebody else saw."""
        self.pages.update(other.pages)
        self.faults += other.faults

    def note(self, seen: Seen) -> None:
        """Keep a page and what is wrong with it."""
        self.pages[sort_of(seen.path)] = seen
        if seen.language != self.language:
            self.faults.append(f"{seen.path}: in {seen.language!r}, not in {self.language}")
        if seen.headings != 1:
            self.faults.append(f"{seen.path}: {seen.headings} main headings")
        if not seen.text.strip():
            self.faults.append(f"{seen.path}: says nothing")


def sort_of(path: str) -> str:
    """The address without ids and without what is asked: filters, orders and pages of one list
    are one page."""
    return ID.sub("{id}", urlsplit(path).path)


def toured(site: Site, state: Any, language: str, beginnings: Sequence[str] = BEGINNINGS) -> Tour:
    """Every page that somebody gets to by links.

    Args:
        state: the cookies of who looks; nobody's without.
    """
    tour = Tour(language)
    given = state["cookies"] if state else []
    cookies = {each["name"]: each["value"] for each in given} | {"lang": language}
    waiting, known = deque(beginnings), set[str]()
    with httpx.Client(base_url=site.url, cookies=cookies, timeout=30) as client:
        while waiting and len(tour.pages) < MOST:
            path = waiting.popleft()
            sort = path if path in beginnings else sort_of(path)
            if sort in known or sort in tour.pages:
                continue
            known.add(sort)
            answer = client.get(path, follow_redirects=True)
            if answer.status_code != 200:
                tour.faults.append(f"{path}: answered {answer.status_code}")
            if answer.status_code != 200 or "text/html" not in answer.headers["content-type"]:
                continue
            seen = Seen(path, answer.text)
            tour.note(seen)
            waiting.extend(_pages(site, seen))
    return tour


def _pages(site: Site, seen: Seen) -> Iterable[str]:
    for link in seen.links:
        parts = urlsplit(urljoin(site.url + seen.path, link))
        # a page in the other language is the same page
        there = parts.netloc == urlsplit(site.url).netloc and "lang=" not in parts.query
        if there and not NO_PAGES.search(parts.path):
            yield urlunsplit(("", "", parts.path, parts.query, ""))
