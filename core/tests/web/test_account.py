"""What people change about themselves."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pyotp
import pytest

from core.tests.web.browsing import EVIL, Browser, Page, signed_in
from relatum.access.accounts.preferences import Preferences
from relatum.access.accounts.types import InvitationDraft, TokenDraft
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum_sdk.people import client_of, make_token

OLD = "Bánh chưng xanh 2026!"
NEW = "Mèo vàng bay qua cầu"
FORM_TYPE = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}


@pytest.fixture
async def person(core_house: House) -> Browser:
    """Somebody who signed in with a password."""
    draft = InvitationDraft(name="Hương", email="huong@saomai.vn", roles=["owner"])
    account = await core_house.accounts.add(draft, password=OLD, by="system")
    browser = Browser(core_house, create_app(core_house), account.id)
    page = await browser.page("/sign-in")
    await browser.send(page, "/sign-in", email="huong@saomai.vn", password=OLD)
    return browser


async def test_name_and_language(person: Browser) -> None:
    page = await person.page("/account")
    answer = await person.send(page, "/account/profile", name=EVIL, language="en")
    page = await person.follow(answer)
    assert "Saved." in page.text
    assert page.text.count(EVIL) >= 2
    page = person.shown(await person.send(page, "/account/profile", name="", language="fr"), 422)
    assert "Fill this in." in page.text
    assert "Choose one of the list." in page.text


async def test_the_password(person: Browser) -> None:
    page = await person.page("/account/security")
    asked = {"old_password": "wrong", "new_password": NEW, "again_password": NEW}
    page = person.shown(await person.send(page, "/account/password", **asked), 422)
    assert "Mật khẩu hiện tại không đúng." in page.text
    asked |= {"old_password": OLD, "new_password": "12345"}
    page = person.shown(await person.send(page, "/account/password", **asked), 422)
    assert "Hai lần nhập không giống nhau." in page.text
    asked["again_password"] = "12345"
    page = person.shown(await person.send(page, "/account/password", **asked), 422)
    assert "Hãy nhập ít nhất 10 ký tự." in page.text
    for secret in (OLD, NEW, "12345"):
        assert secret not in page.source
    asked |= {"new_password": NEW, "again_password": NEW}
    page = await person.follow(await person.send(page, "/account/password", **asked))
    assert "Đã đổi mật khẩu." in page.text


async def test_the_second_factor(person: Browser) -> None:
    page = await person.page("/account/security")
    page = person.shown(await person.send(page, "/account/second-factor"))
    assert len(page.all("svg")) >= 1
    secret = next(text for text in page.texts if len(text) >= 16 and text.isalnum())
    confirm = "/account/second-factor/confirm"
    again = person.shown(await person.send(page, confirm, code="000000"), 422)
    assert secret not in again.source
    totp = pyotp.TOTP(secret)
    page = person.shown(await person.send(again, confirm, code=totp.now()))
    codes = _codes(page)
    assert len(set(codes)) == 10

    page = await person.page("/account/security")
    assert "Số mã khôi phục còn lại: 10" in page.text
    renew = "/account/second-factor/codes"
    page = person.shown(await person.send(page, renew, code=totp.at(time.time() + 30)))
    renewed = _codes(page)
    assert not set(codes) & set(renewed)
    page = await person.page("/account/security")
    off = "/account/second-factor/off"
    page = person.shown(await person.send(page, off, code="wrong"), 422)
    page = await person.follow(await person.send(page, off, code=renewed[0]))
    assert "Đã tắt xác thực hai bước." in page.text


async def test_sessions_elsewhere_end(person: Browser) -> None:
    assert person.account is not None
    house = person.house
    agents = ("Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", EVIL)
    for agent in agents:
        await house.sign_in.at_once(person.account, address="10.0.0.7", user_agent=agent)
    page = await person.page("/account/security")
    assert "Firefox · Windows" in page.text
    assert EVIL[:40] in page.text
    (first, *_) = [form.action for form in page.forms if form.action.endswith("/end")]
    page = await person.follow(await person.send(page, first))
    assert len(await house.sessions.of(person.account)) == 2
    await person.follow(await person.send(page, "/account/sessions/others"))
    assert len(await house.sessions.of(person.account)) == 1


async def test_tokens(person: Browser) -> None:
    page = await person.page("/account/tokens")
    asked = {"name": EVIL, "days": "999", "scopes": ["core.customers.read"]}
    page = person.shown(await person.send(page, "/account/tokens", **asked), 422)
    assert "Hãy nhập một số nguyên từ 1 đến 366." in page.text
    assert {"value": EVIL}.items() <= page.all("input")[_at(page, "token-name")].items()
    answer = await person.send(page, "/account/tokens", days="30")
    page = person.shown(answer)
    assert answer.headers["cache-control"] == "no-store"
    (secret,) = [text for text in page.texts if text.startswith("rlt_")]
    program = client_of(create_app(person.house), token=secret)
    assert (await program.get("/api/v1/customers")).status_code == 200
    assert (await program.get("/api/v1/accounts")).status_code == 403

    page = await person.page("/account/tokens")
    assert secret not in page.source
    (revoke,) = [form.action for form in page.forms if form.action.endswith("/revoke")]
    assert "không còn dùng được nữa" in (await person.follow(await person.send(page, revoke))).text
    assert (await program.get("/api/v1/customers")).status_code == 401
    await program.aclose()


async def test_a_token_does_not_manage_its_owner(person: Browser) -> None:
    assert person.account is not None
    token = await make_token(person.house, person.account, scopes=["core.customers.read"])
    async with client_of(create_app(person.house), token=token) as program:
        assert (await program.get("/account", headers=FORM_TYPE)).status_code == 403
        for path, body in (
            ("/account/tokens", "name=more&days=1"),
            ("/account/profile", "name=x&language=vi"),
            ("/account/second-factor", ""),
            ("/account/sessions/others", ""),
        ):
            answer = await program.post(path, content=body, headers=FORM_TYPE)
            assert answer.status_code == 403, path
    assert len(await person.house.tokens.of(person.account)) == 1


async def test_nobody_ends_the_sessions_and_tokens_of_others(person: Browser) -> None:
    assert person.account is not None
    other = await signed_in(person.house, "sales")
    (session,) = await person.house.sessions.of(person.account)
    made = await person.house.tokens.create(person.account, TokenDraft(name="x"), by="system")
    csrf = dict((await other.page("/account")).form("/sign-out").fields)["csrf"]
    for path in (
        f"/account/sessions/{session.id}/end",
        f"/account/tokens/{made.token.id}/revoke",
    ):
        assert (await other.post(path, [("csrf", csrf)])).status_code == 404
    assert len(await person.house.sessions.of(person.account)) == 1


def _codes(page: Page) -> list[str]:
    start = page.source.index('<ul class="codes">')
    part = page.source[start : page.source.index("</ul>", start)]
    return [each.partition("</code>")[0] for each in part.split("<code>")[1:]]


def _at(page: Page, id: str) -> int:
    return next(n for n, each in enumerate(page.all("input")) if each.get("id") == id)


async def test_how_the_screens_look_follows_the_account(person: Browser) -> None:
    house, account = person.house, person.account
    assert account is not None
    page = await person.page("/account")
    assert page.form("/account/display").filled()[-1] == ("keys", "on")
    page = await person.follow(await person.send(page, "/account/display", theme="dark", keys=None))
    assert (person.cookies["theme"], person.cookies["keys"]) == ("dark", "off")
    assert (await house.preferences.of(account)) == Preferences(theme="dark", keys=False)

    signature = "Trân trọng,\nLan"
    page = await person.follow(
        await person.send(page, "/account/profile", signature=signature, language="en")
    )
    assert person.cookies["lang"] == "en"
    kept = await house.preferences.of(account)
    assert kept == Preferences(theme="dark", keys=False, signature=signature)

    person.cookies.clear()
    page = await person.page("/sign-in")
    email = (await house.accounts.get(account)).email
    await person.send(page, "/sign-in", email=email, password=OLD)
    assert (person.cookies["theme"], person.cookies["lang"]) == ("dark", "en")


async def test_the_switches_of_the_frame_lead_back(person: Browser) -> None:
    page = await person.page("/account/tokens")
    fields = page.form("/account/theme").filled()
    for said, back in (
        ("http://127.0.0.1/customers?q=x", "/customers?q=x"),
        ("https://evil.example//evil", "/account"),
        ("", "/account"),
        ("http://[", "/account"),
    ):
        answer = await person.client.post(
            "/account/theme",
            content=urlencode([*fields, ("theme", "light")]),
            headers={**FORM_TYPE, "referer": said},
        )
        assert answer.headers["location"] == back
    answer = await person.post("/account/language", [*fields, ("language", "en")])
    assert person.cookies["lang"] == "en"
    assert (await person.post("/account/theme", [*fields, ("theme", "<b>")])).status_code == 422


async def test_one_sees_what_one_did(person: Browser) -> None:
    page = await person.page("/account/security")
    asked = {"old_password": OLD, "new_password": NEW, "again_password": NEW}
    await person.follow(await person.send(page, "/account/password", **asked))
    assert "Đã đổi mật khẩu" in (await person.page("/account/activity")).text
