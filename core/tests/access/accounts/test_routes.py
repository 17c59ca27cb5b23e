"""The same over HTTP, as a browser and as a program."""

from __future__ import annotations

from typing import Any

import httpx
import pyotp
import pytest

from core.tests.access.accounts.people import PASSWORD, Add, Clock
from relatum.access.accounts.types import Account, TokenDraft
from relatum.app.house import House

LAN = {"email": "lan@example.com", "password": PASSWORD}
MINH = {"name": "Trần Văn Minh", "email": "minh@example.com", "roles": ["sales"]}


async def sign_in(browser: httpx.AsyncClient, **said: str) -> httpx.Response:
    return await browser.post("/api/v1/session", json=LAN | said)


async def test_a_browser_comes_in_and_goes(browser: httpx.AsyncClient, owner: Account) -> None:
    assert (await browser.get("/api/v1/me")).status_code == 401
    begun = await sign_in(browser)
    assert begun.status_code == 200
    assert begun.json()["account"]["id"] == str(owner.id)
    cookie = begun.headers["set-cookie"]
    assert cookie.startswith("relatum_session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert begun.headers["cache-control"] == "no-store"
    me = (await browser.get("/api/v1/me")).json()
    assert me["account"]["email"] == "lan@example.com"
    assert "core.accounts.write" in me["permissions"]
    [session] = (await browser.get("/api/v1/me/sessions")).json()["items"]
    assert session["id"] == me["session"]
    assert session["user_agent"] == "Firefox on the reception's computer"
    secret = browser.cookies["relatum_session"]
    gone = await browser.delete("/api/v1/session")
    assert gone.status_code == 204
    assert "Max-Age=0" in gone.headers["set-cookie"]
    browser.cookies.set("relatum_session", secret, domain="127.0.0.1")
    assert (await browser.get("/api/v1/me")).status_code == 401, "the server forgot it too"


async def test_over_https_the_cookie_stays_there(house: House, owner: Account) -> None:
    from relatum.app.asgi import create_app

    app: Any = create_app(house)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as client:
        begun = await client.post("/api/v1/session", json=LAN)
    assert "Secure" in begun.headers["set-cookie"].split("; ")


async def test_a_session_given_beforehand_is_worth_nothing(
    browser: httpx.AsyncClient, owner: Account
) -> None:
    """Session fixation: whoever plants a cookie does not get the session that follows."""
    planted = "planted-by-somebody-else-" + "x" * 20
    browser.cookies.set("relatum_session", planted, domain="127.0.0.1")
    begun = await sign_in(browser)
    assert begun.status_code == 200
    assert planted not in begun.headers["set-cookie"]
    async with httpx.AsyncClient(transport=browser._transport, base_url=browser.base_url) as other:
        other.cookies.set("relatum_session", planted, domain="127.0.0.1")
        assert (await other.get("/api/v1/me")).status_code == 401


async def test_signing_in_again_ends_the_session_that_one_came_with(
    browser: httpx.AsyncClient, house: House, owner: Account
) -> None:
    await sign_in(browser)
    await sign_in(browser)
    assert len(await house.sessions.of(owner.id)) == 1


async def test_wrong_tries_are_answered_alike_and_then_with_a_wait(
    browser: httpx.AsyncClient, owner: Account
) -> None:
    answers = [await sign_in(browser, password=f"wrong {n}") for n in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) in (1, 2)
    unknown = await sign_in(browser, email="nobody@example.com")
    told = {answer.json()["detail"] for answer in (answers[0], unknown)}
    assert len(told) == 1
    assert (await sign_in(browser)).status_code == 429


async def test_the_second_factor_from_beginning_to_end(
    browser: httpx.AsyncClient, owner: Account, clock: Clock
) -> None:
    await sign_in(browser)
    before = browser.cookies["relatum_session"]
    setup = (await browser.post("/api/v1/me/second-factor")).json()
    app = pyotp.TOTP(setup["secret"])
    wrong = await browser.post("/api/v1/me/second-factor/confirm", json={"code": "000000"})
    assert wrong.status_code == 422
    done = await browser.post("/api/v1/me/second-factor/confirm", json={"code": app.at(clock())})
    assert len(done.json()["codes"]) == 10
    assert browser.cookies["relatum_session"] != before, "the session has another secret now"
    assert (await browser.get("/api/v1/me")).json()["recovery_codes"] == 10
    clock.pass_by(seconds=30)
    begun = await sign_in(browser)
    assert begun.json()["account"] is None
    assert "set-cookie" not in begun.headers
    step = {"ticket": begun.json()["ticket"], "code": app.at(clock())}
    second = await browser.post("/api/v1/session/second-factor", json=step)
    assert second.json()["account"]["second_factor"]
    clock.pass_by(seconds=30)
    off = await browser.post("/api/v1/me/second-factor/off", json={"code": app.at(clock())})
    assert off.status_code == 204
    assert (await sign_in(browser)).json()["ticket"] == ""


async def test_changing_the_password_over_http(browser: httpx.AsyncClient, owner: Account) -> None:
    await sign_in(browser)
    before = browser.cookies["relatum_session"]
    new = "mưa rơi trên mái tôn cũ"
    refused = await browser.post("/api/v1/me/password", json={"old": "no", "new": new})
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["where"] == "/old"
    done = await browser.post("/api/v1/me/password", json={"old": PASSWORD, "new": new})
    assert done.status_code == 204
    assert browser.cookies["relatum_session"] != before
    assert (await browser.get("/api/v1/me")).status_code == 200


async def test_a_token_does_not_manage_how_its_owner_comes_in(
    browser: httpx.AsyncClient, house: House, owner: Account
) -> None:
    made = await house.tokens.create(owner.id, TokenDraft(name="a"), by="x")
    bearer = {"authorization": f"Bearer {made.secret}"}
    assert (await browser.get("/api/v1/me", headers=bearer)).json()["token"] == str(made.token.id)
    for method, path, body in (
        ("POST", "/api/v1/me/tokens", {"name": "b"}),
        ("POST", "/api/v1/me/password", {"old": PASSWORD, "new": "mưa rơi trên mái tôn"}),
        ("POST", "/api/v1/me/second-factor", None),
        ("POST", "/api/v1/me/second-factor/confirm", {"code": "123456"}),
        ("POST", "/api/v1/me/second-factor/off", {"code": "123456"}),
        ("DELETE", "/api/v1/me/sessions", None),
    ):
        answer = await browser.request(method, path, json=body, headers=bearer)
        assert answer.status_code == 403, path
    ended = await browser.delete(f"/api/v1/me/tokens/{made.token.id}", headers=bearer)
    assert ended.status_code == 204
    assert (await browser.get("/api/v1/me", headers=bearer)).status_code == 401


async def test_managing_accounts_over_http(
    browser: httpx.AsyncClient, house: House, owner: Account
) -> None:
    await sign_in(browser)
    invited = await browser.post("/api/v1/accounts", json=MINH)
    assert invited.status_code == 201
    link = invited.json()
    assert link["url"].endswith(f"/invitation?key={link['secret']}")
    id = link["account"]["id"]
    again = await browser.post(f"/api/v1/accounts/{id}/invitation")
    assert again.json()["secret"] != link["secret"]
    assert (await browser.post("/api/v1/accounts", json=MINH)).status_code == 409
    await house.accounts.accept(again.json()["secret"], PASSWORD)
    reset = await browser.post(f"/api/v1/accounts/{id}/reset-link")
    assert "/password-reset?key=" in reset.json()["url"]
    suspended = await browser.post(f"/api/v1/accounts/{id}/suspend")
    assert suspended.json()["state"] == "suspended"
    reactivated = await browser.post(f"/api/v1/accounts/{id}/reactivate")
    assert reactivated.json()["state"] == "active"
    found = await browser.get("/api/v1/accounts", params={"q": "minh", "limit": 1})
    assert [account["id"] for account in found.json()["items"]] == [id]
    assert (await browser.get(f"/api/v1/accounts/{id}")).json()["email"] == "minh@example.com"
    assert (await browser.get("/api/v1/accounts/no-id")).status_code == 404


async def test_services_and_their_tokens_over_http(
    browser: httpx.AsyncClient, house: House, owner: Account
) -> None:
    await sign_in(browser)
    service = await browser.post("/api/v1/service-accounts", json={"name": "S", "roles": ["sales"]})
    assert service.status_code == 201
    tokens = f"/api/v1/service-accounts/{service.json()['id']}/tokens"
    made = await browser.post(tokens, json={"name": "a", "scopes": ["core.customers.read"]})
    assert made.status_code == 201
    bearer = {"authorization": f"Bearer {made.json()['secret']}"}
    async with httpx.AsyncClient(transport=browser._transport, base_url=browser.base_url) as other:
        assert (await other.get("/api/v1/customers", headers=bearer)).status_code == 200
        assert (await other.get("/api/v1/interactions", headers=bearer)).status_code == 403
    assert "secret" not in (await browser.get(tokens)).json()["items"][0]
    ended = await browser.delete(f"{tokens}/{made.json()['token']['id']}")
    assert ended.status_code == 204
    person = f"/api/v1/service-accounts/{owner.id}/tokens"
    assert (await browser.post(person, json={"name": "a"})).status_code == 404


@pytest.mark.parametrize("role", ["manager", "sales", "care", "marketing", "analyst", "read_only"])
async def test_managing_accounts_needs_the_permission(
    browser: httpx.AsyncClient, house: House, owner: Account, add: Add, role: str
) -> None:
    person = await add("person@example.com", role=role)
    await sign_in(browser, email="person@example.com")
    assert (await browser.get("/api/v1/accounts")).status_code == 200
    for method, path, body in (
        ("POST", "/api/v1/accounts", MINH),
        ("POST", f"/api/v1/accounts/{owner.id}/reset-link", None),
        ("POST", f"/api/v1/accounts/{owner.id}/suspend", None),
        ("DELETE", f"/api/v1/accounts/{owner.id}/second-factor", None),
        ("GET", f"/api/v1/accounts/{owner.id}/sessions", None),
        ("DELETE", f"/api/v1/accounts/{owner.id}/sessions", None),
        ("POST", "/api/v1/service-accounts", {"name": "S", "roles": ["sales"]}),
    ):
        answer = await browser.request(method, path, json=body)
        assert answer.status_code == 403, path
    sessions = await house.sessions.of(person.id)
    assert (await browser.delete(f"/api/v1/me/sessions/{sessions[0].id}")).status_code == 204
