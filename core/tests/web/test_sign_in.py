"""Coming in and going out, as a browser does it."""

from __future__ import annotations

import time

import msgspec
import pyotp
import pytest

from core.tests.web.browsing import EVIL, Browser, Page, signed_in
from relatum.access.accounts.types import InvitationDraft
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.web.layout import local_path

EMAIL = "huong@saomai.vn"
PASSWORD = "Bánh chưng xanh 2026!"


@pytest.fixture
async def person(nobody: Browser) -> Browser:
    """A browser of somebody who has a password and has not signed in."""
    draft = InvitationDraft(name="Hương", email=EMAIL, roles=["owner"], language="en")
    account = await nobody.house.accounts.add(draft, password=PASSWORD, by="system")
    nobody.account = account.id
    return nobody


async def test_somebody_signs_in_and_out(person: Browser) -> None:
    page = await person.page("/sign-in?next=/people")
    answer = await person.send(page, "/sign-in", email=EMAIL.upper(), password=PASSWORD)
    assert answer.headers["location"] == "/people"
    cookie = next(
        each for each in answer.headers.get_list("set-cookie") if "relatum_session" in each
    )
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = await person.follow(answer)
    assert page.all("html") == [{"lang": "en", "data-theme": "auto"}]
    assert "Hương" in page.text
    assert (await person.answer("/sign-in?next=/teams")).headers["location"] == "/teams"

    answer = await person.send(page, "/sign-out")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    page = await person.follow(answer)
    assert "You are signed out." in page.text
    assert "You are signed out." not in (await person.page("/sign-in")).text
    assert (await person.answer("/people")).status_code == 303
    assert await person.house.sessions.of(person.account) == []  # type: ignore[arg-type]


async def test_a_session_is_new_for_each_sign_in(person: Browser) -> None:
    person.cookies.set("relatum_session", "fixed-by-somebody-else", domain="127.0.0.1")
    page = await person.page("/sign-in")
    answer = await person.send(page, "/sign-in", email=EMAIL, password=PASSWORD)
    assert answer.status_code == 303
    secret = person.cookies.get("relatum_session", path="/", domain="127.0.0.1")
    assert secret != "fixed-by-somebody-else"


@pytest.mark.parametrize(
    ("email", "password"), [(EMAIL, "wrong horse battery"), ("nobody@saomai.vn", PASSWORD)]
)
async def test_what_is_wrong_is_not_told(person: Browser, email: str, password: str) -> None:
    page = await person.page("/sign-in?lang=vi")
    answer = await person.send(page, "/sign-in", email=email, password=password)
    shown = person.shown(answer, 401)
    assert "Email hoặc mật khẩu không đúng." in shown.text
    assert {"value": email, "name": "email"}.items() <= _field(shown, "email").items()
    assert password not in answer.text
    assert shown.text.startswith("Lỗi: ")


async def test_wrong_passwords_again_and_again_have_to_wait(person: Browser) -> None:
    page = await person.page("/sign-in?lang=vi")
    for _ in range(7):
        answer = await person.send(page, "/sign-in", email=EMAIL, password="wrong horse")
        if answer.status_code == 429:
            break
    shown = person.shown(answer, 429)
    assert int(answer.headers["retry-after"]) > 0
    assert "giây rồi thử lại" in shown.text


async def test_an_empty_form_says_what_to_fill_in(person: Browser) -> None:
    page = await person.page("/sign-in?lang=vi")
    shown = person.shown(await person.send(page, "/sign-in"), 422)
    faults = [each for each in shown.all("p") if each.get("class") == "fault"]
    assert len(faults) == 2
    for name in ("email", "password"):
        field = _field(shown, name)
        assert field["aria-invalid"] == "true"
        assert field["aria-describedby"] == f"sign_in-{name}-fault"
        assert {"href": f"#sign_in-{name}"} in shown.all("a")
    assert any(each.get("role") == "alert" for each in shown.all("div"))


async def test_what_was_typed_comes_back_escaped(person: Browser) -> None:
    page = await person.page("/sign-in")
    answer = await person.send(page, "/sign-in", email=EVIL, password=EVIL, next=EVIL)
    shown = person.shown(answer, 401)
    assert _field(shown, "email")["value"] == EVIL
    assert "49" not in _field(shown, "email")["value"]


async def test_the_second_step(person: Browser) -> None:
    secret = await _second_factor_on(person)
    page = await person.page("/sign-in?next=/teams")
    answer = await person.send(page, "/sign-in", email=EMAIL, password=PASSWORD)
    assert answer.headers["location"] == "/sign-in/second-factor?next=%2Fteams"
    assert "relatum_session" not in person.cookies
    page = await person.follow(answer)
    shown = person.shown(await person.send(page, "/sign-in/second-factor", code="000000"), 401)
    assert "Mã này không đúng" in shown.text
    assert (await person.answer("/teams")).status_code == 303
    code = pyotp.TOTP(secret).at(_later())
    answer = await person.send(shown, "/sign-in/second-factor", code=code)
    assert answer.headers["location"] == "/teams"
    assert "relatum_ticket" not in person.cookies
    assert (await person.follow(answer)).all("h1")


async def test_the_second_step_needs_the_first(nobody: Browser) -> None:
    answer = await nobody.answer("/sign-in/second-factor")
    assert answer.headers["location"] == "/sign-in"
    answer = await nobody.post("/sign-in/second-factor", [("code", "123456")])
    assert answer.status_code == 401


async def test_signing_out_needs_proof_of_our_page(core_house: House) -> None:
    browser = await signed_in(core_house)
    for pairs in ([], [("csrf", "")], [("csrf", "0" * 64)]):
        browser.shown(await browser.post("/sign-out", pairs), 403)
    assert (await browser.answer("/people")).status_code == 200
    await browser.client.aclose()


async def test_without_any_owner_the_page_says_how_to_begin(nobody: Browser) -> None:
    assert "relatum accounts first-link" in (await nobody.page("/sign-in")).text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/people?q=a%20b", "/people?q=a%20b"),
        ("", "/"),
        ("people", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nset-cookie: x=1", "/"),
        ("/a b", "/"),
        ("/Lê", "/"),
        ("/" + "a" * 1000, "/"),
        ("/[", "/["),
        ("javascript:alert(1)", "/"),
    ],
)
def test_only_paths_of_ours_are_gone_on_to(text: str, path: str) -> None:
    assert local_path(text) == path


def _field(page: Page, name: str) -> dict[str, str]:
    (found,) = [each for each in page.all("input") if each.get("name") == name]
    return found


def _later() -> float:
    """The next step: the code of this one was used when the factor was confirmed."""
    return time.time() + 30


async def _second_factor_on(person: Browser) -> str:
    assert person.account is not None
    factor = person.house.second_factor
    setup = await factor.begin(person.account)
    await factor.confirm(person.account, pyotp.TOTP(setup.secret).now(), session=None)
    return setup.secret


async def test_keys_of_repeated_requests_are_refused(person: Browser) -> None:
    """Such an answer would be kept, and wrong attempts would be forgotten with it."""
    page = await person.page("/sign-in")
    fields = page.form("/sign-in").filled(email=EMAIL, password="wrong horse")
    person.client.headers["idempotency-key"] = "again"
    assert person.shown(await person.post("/sign-in", fields), 400)
    assert "relatum_session" not in person.cookies


async def test_the_session_a_browser_came_with_ends(person: Browser) -> None:
    fields = [("email", EMAIL), ("password", PASSWORD)]
    await person.post("/sign-in", fields)
    former = person.cookies["relatum_session"]
    csrf = dict((await person.page("/account")).form("/sign-out").fields)["csrf"]
    answer = await person.post("/sign-in", [*fields, ("csrf", csrf)])
    assert answer.status_code == 303
    assert person.cookies["relatum_session"] != former
    assert person.account is not None
    assert len(await person.house.sessions.of(person.account)) == 1


async def test_cookies_are_for_https_where_there_is_https(core_house: House) -> None:
    server = msgspec.structs.replace(
        core_house.settings.server, public_url="https://crm.saomai.vn", trusted_proxies=[]
    )
    core_house.settings = msgspec.structs.replace(core_house.settings, server=server)
    visitor = Browser(core_house, create_app(core_house))
    answer = await visitor.answer("/invitation?key=abc", host="crm.saomai.vn")
    assert "; Secure" in answer.headers["set-cookie"]
    await visitor.client.aclose()
