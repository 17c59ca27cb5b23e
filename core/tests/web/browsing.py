"""A browser without JavaScript: pages taken apart, forms filled in and sent as they stand there."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from uuid import UUID

import httpx

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum_sdk.people import client_of, make_person

VOID = {"meta", "link", "img", "br", "input", "hr"}
EVIL = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"


class SentForm:
    """A form of a page, with what its fields hold."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.action = attributes.get("action", "")
        self.method = attributes.get("method", "get").lower()
        self.fields: list[tuple[str, str]] = []
        self.names: set[str] = set()

    def filled(self, **values: Any) -> list[tuple[str, str]]:
        """Its fields with other values; a list for boxes, ``None`` for a box that is not ticked."""
        for name in values:
            assert name in self.names, f"{name} is no field of {self.action}: {self.names}"
        kept = [(name, value) for name, value in self.fields if name not in values]
        for name, value in values.items():
            many = value if isinstance(value, list) else [] if value is None else [value]
            kept += [(name, str(each)) for each in many]
        return kept


class Page(HTMLParser):
    """A page taken apart; malformed nesting is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.forms: list[SentForm] = []
        self._open: list[str] = []
        self._select = ""
        self._chosen: int | None = None
        self._area: str | None = None
        self.feed(text)
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        drawn = "svg" in self._open
        self.tags.append((f"svg:{tag}" if drawn and tag != "a" else tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            assert "form" not in self._open[:-1], "a form inside a form"
            self.forms.append(SentForm(attributes))
        elif self.forms and "form" in self._open:
            self._field(tag, attributes)

    def _field(self, tag: str, attributes: dict[str, str]) -> None:
        form, name = self.forms[-1], attributes.get("name", "")
        if name:
            form.names.add(name)
        if tag == "input" and name:
            boxed = attributes.get("type") in ("checkbox", "radio")
            if not boxed or "checked" in attributes:
                form.fields.append((name, attributes.get("value", "")))
        elif tag == "select":
            self._select, self._chosen = name, None
        elif tag == "option":
            # the first one is chosen until another says so; several lists may have one name
            pair = (self._select, attributes.get("value", ""))
            if self._chosen is None:
                self._chosen = len(form.fields)
                form.fields.append(pair)
            elif "selected" in attributes:
                form.fields[self._chosen] = pair
        elif tag == "textarea":
            self._area = name

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "textarea" and self._area is not None:
            self._area = None

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._area is not None:
            self.forms[-1].fields.append((self._area, data.removeprefix("\n")))

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element with this tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    def form(self, action: str) -> SentForm:
        """The form that is sent to this address."""
        found = [form for form in self.forms if form.action == action]
        assert len(found) == 1, f"{action}: {[form.action for form in self.forms]}"
        return found[0]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def planted(self) -> list[dict[str, str]]:
        """Scripts that are none of ours."""
        return [each for each in self.all("script") if not each.get("integrity")]

    def check(self) -> None:
        """What every page keeps to: clean under the policy, usable without sight."""
        assert len(self.all("h1")) == len(self.all("main")) == len(self.all("title")) == 1
        viewport = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
        assert viewport in self.all("meta")
        ids = Counter(attributes["id"] for _, attributes in self.tags if "id" in attributes)
        assert [id for id, count in ids.items() if count > 1] == []
        for tag, attributes in self.tags:
            self._check_element(tag, attributes, set(ids))
        for tag in ("style", "iframe", "object", "base"):
            assert self.all(tag) == []
        for script in self.all("script"):
            assert script["src"].startswith("/static/"), script
            assert script["integrity"].startswith("sha384-"), script
        assert not re.search(r"<script[^>]*>\s*[^\s<]", self.source), "a script inside the page"
        for tag, name in (("link", "href"), ("img", "src"), ("a", "href")):
            for attributes in self.all(tag):
                calls = tag == "a" and attributes[name].startswith(("tel:", "mailto:"))
                # an address that a customer has, and that nobody of ours answers for
                leaves = "external" in attributes.get("rel", "").split()
                outside = re.match(r"\w+:|//", attributes[name])
                assert calls or leaves or not outside, attributes
        self._check_fields()

    def _check_element(self, tag: str, attributes: dict[str, str], ids: set[str]) -> None:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set(attributes.get(name, "").split()) <= ids, attributes
        for name in attributes:
            assert name != "style"
            assert not name.startswith("on")
        if tag == "img":
            assert "alt" in attributes
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        if tag == "form":
            assert urlsplit(attributes["action"]).netloc == ""
            assert attributes["action"].startswith("/")

    def _check_fields(self) -> None:
        """Every field has a name, and every form that writes is ours."""
        labelled = {label["for"] for label in self.all("label") if "for" in label}
        for tag in ("input", "select", "textarea"):
            for field in self.all(tag):
                seen = "hidden" not in field and field.get("type") != "hidden"
                if seen and field.get("type") not in ("checkbox", "radio"):
                    named = field.get("aria-label") or field.get("id") in labelled
                    assert named, field
                if field.get("type") == "password":
                    assert "value" not in field


class Browser:
    """Somebody at a browser, or nobody in particular."""

    def __init__(self, house: House, app: Any, account: UUID | None = None) -> None:
        self.house = house
        self.account = account
        self.client = client_of(app)
        self.client.headers["accept"] = "text/html"

    @property
    def cookies(self) -> httpx.Cookies:
        return self.client.cookies

    async def answer(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def page(self, path: str, *, status: int = 200, **headers: str) -> Page:
        return self.shown(await self.answer(path, **headers), status)

    def shown(self, answer: httpx.Response, status: int = 200) -> Page:
        """The page of an answer, after looking at what every page keeps to."""
        assert answer.status_code == status, (answer.status_code, answer.text[:2000])
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        page = Page(answer.text)
        page.check()
        return page

    async def send(self, page: Page, action: str, **values: Any) -> httpx.Response:
        """Fill in a form of a page and send it, as it stands there."""
        form = page.form(action)
        assert form.method == "post"
        return await self.post(action, form.filled(**values))

    async def post(self, path: str, pairs: list[tuple[str, str]]) -> httpx.Response:
        """Send fields to an address."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self.client.post(path, content=urlencode(pairs), headers=headers)

    async def follow(self, answer: httpx.Response) -> Page:
        """The page that an answer leads to."""
        assert answer.status_code == 303, (answer.status_code, answer.text[:2000])
        target = urljoin(str(answer.request.url), answer.headers["location"])
        assert urlsplit(target).netloc == answer.request.url.netloc.decode()
        return await self.page(target)


async def signed_in(house: House, role: str = "owner", **person: Any) -> Browser:
    """Somebody with this role who has signed in."""
    account = await make_person(house, role, **person)
    browser = Browser(house, create_app(house), account)
    session = await house.sign_in.at_once(account, address="127.0.0.1", user_agent="")
    browser.cookies.set("relatum_session", session.secret, domain="127.0.0.1")
    return browser
