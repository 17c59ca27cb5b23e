"""What no answer may be, whatever was asked."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

import httpx

from tests.security import payloads
from tests.security.payloads import MARK, PRODUCT

#: Words of the inside of the house; none of them is ever told to those outside.
INSIDE = (
    "Traceback (most recent",
    "site-packages",
    'File "/',
    "sqlite3.",
    "asyncpg.",
    'near "',
    "syntax error at or near",
    "$argon2",
    "root:x:0:",
    "UndefinedError",
    "TemplateSyntaxError",
)
_SQL = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s.+\sSET|DELETE\s+FROM)\b", re.S)
_STORED = {
    form
    for one in payloads.ALL
    if _SQL.search(one)
    for form in (one, json.dumps(one)[1:-1], html.escape(one), html.escape(one, quote=False))
}
#: What is another in each answer, and plain letters.
_VOLATILE = re.compile(r'(?<=name="csrf" content=")[0-9a-f]+|(?<=name="csrf" value=")[0-9a-f]+')
_URLS = {"href", "src", "action", "formaction", "data", "poster", "srcdoc"}
_ACTIVE = {"base", "embed", "frame", "iframe", "object", "portal"}


def wrongs(answer: httpx.Response, *, asked: str = "") -> Iterator[str]:
    """Everything that is wrong with one answer, whatever the question was.

    Args:
        asked: what the request contained; its own words may be quoted back.
    """
    if answer.status_code >= 500:
        yield f"answered {answer.status_code}: {answer.text[:300]}"
    text = answer.text
    for inside in INSIDE:
        if inside in text and inside not in asked:
            yield f"tells of its inside: {inside}"
    if _SQL.search(text) and _SQL.search(_without_ours(text)) and not _SQL.search(asked):
        yield "tells a statement"
    if PRODUCT in text:
        yield f"ran a text as code: {PRODUCT}"
    yield from _heads(answer)
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        yield from page_wrongs(text)
    elif _failed(answer) and kind != "application/problem+json":
        yield f"failed without a problem document: {kind!r}"


def _without_ours(text: str) -> str:
    """Without the statements that earlier requests stored as names and notes."""
    for form in _STORED:
        text = text.replace(form, "")
    return text


def _failed(answer: httpx.Response) -> bool:
    return answer.status_code >= 400 and answer.request.method != "HEAD"


def _heads(answer: httpx.Response) -> Iterator[str]:
    for name, value in answer.headers.raw:
        if b"\r" in value or b"\n" in value:
            yield f"a header {name!r} with a line break"
        if name.lower() == b"set-cookie" and value.lstrip().lower().startswith(MARK.encode()):
            yield "a cookie that the request made up"
        if name.lower() == b"location" and not _is_local(value.decode("latin-1")):
            yield f"leads away: {value!r}"
    if answer.headers.get("x-content-type-options") != "nosniff":
        yield "does not forbid to guess what it is"


def _is_local(target: str) -> bool:
    if target.startswith(("http://127.0.0.1/", "http://localhost/", "http://127.0.0.1:")):
        return True
    return target.startswith("/") and not target.startswith(("//", "/\\"))


def page_wrongs(text: str) -> tuple[str, ...]:
    """What makes a page run or load what it should not."""
    return _read(_VOLATILE.sub("", text))


@lru_cache(maxsize=64)
def _read(text: str) -> tuple[str, ...]:
    """Most pages that are asked in many ways answer with the same page."""
    reader = _Page()
    reader.feed(text)
    reader.close()
    return tuple(reader.wrongs)


class _Page(HTMLParser):
    """Reads a page as a browser would and notes whatever is active in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrongs: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._script = tag == "script"
        if tag == "script" and not values.get("src", "").startswith("/static/"):
            self.wrongs.append(f"a script of {values.get('src') or 'the page itself'}")
        if tag in _ACTIVE:
            self.wrongs.append(f"an element <{tag}>")
        if tag == "meta" and "http-equiv" in values:
            self.wrongs.append(f"a <meta http-equiv={values['http-equiv']}>")
        for name, value in values.items():
            self._attribute(tag, name, value)

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self.wrongs.append(f"<{tag} {name}=…>")
        squeezed = re.sub(r"[\s\x00-\x20]", "", value).lower()
        if name in _URLS and squeezed.startswith(("javascript:", "vbscript:", "data:text")):
            self.wrongs.append(f"<{tag} {name}={value[:40]}>")
        if name in {"href", "src", "action"} and MARK in squeezed.partition("?")[0]:
            self.wrongs.append(f"<{tag} {name}={value[:60]}> leads where a text said")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.wrongs.append("a script inside the page")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.wrongs.append("a comment that a text made")
