"""The judge of answers, tried on answers that are wrong."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.security import payloads
from tests.security.verdicts import page_wrongs, wrongs

NOSNIFF = {"x-content-type-options": "nosniff"}
PROBLEM = {**NOSNIFF, "content-type": "application/problem+json"}


def answer(status: int = 200, text: str = "{}", **headers: str) -> httpx.Response:
    heads = {"content-type": "application/json", **NOSNIFF}
    heads |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = httpx.Request("GET", "http://127.0.0.1/")
    return httpx.Response(status, text=text, headers=heads, request=request)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (answer(500, "x"), "answered 500"),
        (answer(text="Traceback (most recent call last)"), "tells of its inside"),
        (answer(text="no such column in SELECT a FROM b"), "tells a statement"),
        (answer(text=f"hello {payloads.PRODUCT}"), "ran a text as code"),
        (answer(404, "not found", content_type="text/plain"), "without a problem document"),
        (answer(set_cookie=f"{payloads.MARK}=1; Path=/"), "a cookie that the request made up"),
        (answer(303, location="https://zq.example/"), "leads away"),
        (answer(303, location="//zq.example/"), "leads away"),
        (answer(303, location="/\\zq.example/"), "leads away"),
        (answer(x_content_type_options=""), "does not forbid to guess"),
        (answer(text="<svg onload=x()>", content_type="text/html"), "<svg onload=…>"),
    ],
)
def test_answers_that_are_wrong(wrong: httpx.Response, told: str) -> None:
    assert any(told in each for each in wrongs(wrong)), list(wrongs(wrong))


@pytest.mark.parametrize(
    "right",
    [
        answer(),
        answer(404, '{"status": 404}', content_type="application/problem+json"),
        answer(303, location="/sign-in?next=/customers"),
        answer(text="<p>&lt;script&gt;</p>", content_type="text/html; charset=utf-8"),
    ],
)
def test_answers_that_are_right(right: httpx.Response) -> None:
    assert not list(wrongs(right))


def test_what_was_asked_may_be_quoted() -> None:
    asked = "DELETE FROM core_customer where sqlite3.x"
    quoted = answer(422, f'{{"got": "{asked}"}}', content_type="application/problem+json")
    assert not list(wrongs(quoted, asked=asked))
    assert list(wrongs(quoted))


def test_statements_that_were_stored_are_told_from_ours() -> None:
    stored = next(text for text in payloads.SQL if "UNION SELECT id" in text)
    assert not list(wrongs(answer(text=json.dumps({"name": f"Máy {stored}"}))))
    assert list(wrongs(answer(text=json.dumps({"name": stored, "x": "SELECT a FROM b"}))))


@pytest.mark.parametrize(
    "text",
    [
        "<script>x()</script>",
        "<script src=https://zq.example/x.js></script>",
        "<SCRIPT>x()</SCRIPT>",
        "<p onclick=x()>",
        "<a href='javascript:x()'>",
        "<a href=' java\tscript:x()'>",
        "<a href='&#106;avascript:x()'>",
        "<iframe src=/>",
        "<base href=/x>",
        "<meta http-equiv=refresh content=0>",
        f"<!-- {payloads.MARK} -->",
        f"<form action=//{payloads.MARK}.example>",
    ],
)
def test_pages_that_run_something(text: str) -> None:
    assert list(page_wrongs(f"<html><body>{text}</body></html>"))


def test_pages_that_are_harmless() -> None:
    page = (
        '<html><head><script src="/static/x.js?v=1" defer></script></head><body>'
        '<a href="/customers?q=%3Cscript%3E">x</a><input value="&quot;&gt;&lt;script&gt;">'
        "<p>&lt;script&gt;x()&lt;/script&gt; javascript:x()</p></body></html>"
    )
    assert not list(page_wrongs(page))


@pytest.mark.parametrize("text", payloads.SCRIPT[:7])
def test_scripts_of_the_corpus_would_be_noticed(text: str) -> None:
    """In one of the places where a template may put a text without escaping it."""
    pages = (f"<p>{text}</p>", f'<input value="{text}">', f"<input value='{text}'>")
    assert any(list(page_wrongs(page)) for page in pages)


def test_the_corpora_are_what_they_say() -> None:
    assert len(payloads.ALL) == len(set(payloads.ALL)) > 100
    assert payloads.PRODUCT not in "".join(payloads.ALL)
