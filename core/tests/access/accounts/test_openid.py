"""Signing in with OpenID Connect: against Canaille, an identity provider, over real sockets."""

from __future__ import annotations

import html
import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pyotp
import pytest

from core.tests.access.accounts.people import PASSWORD, Clock, events_of
from relatum.access.accounts.types import Account, AccountQuery, InvitationDraft
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import OpenId

pytestmark = pytest.mark.long

BASE = "http://127.0.0.1:8000"
CALLBACK = f"{BASE}/sign-in/oidc/callback"
THEIRS = "the password that the provider knows"
SCRIPT = Path(__file__).with_name("canaille_provider.py")


def person(name: str, *, title: str = "verified", email: str = "") -> dict[str, Any]:
    return {
        "user_name": name,
        "password": THEIRS,
        "family_name": "Nguyễn",
        "formatted_name": f"Nguyễn {name.title()}",
        "emails": [email or f"{name}@example.com"],
        "title": title,
    }


CLIENT = {
    "client_id": "relatum",
    "client_secret": "the secret of this installation",
    "client_name": "Relatum",
    "client_uri": "http://127.0.0.1",  # trusted: no page that asks for consent
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
    "scope": ["openid", "profile", "email"],
    "token_endpoint_auth_method": "client_secret_basic",
}
USERS = [
    person("lan"),
    person("minh"),
    person("newcomer"),
    person("unverified", title="unverified"),
    person("silent", title="silent"),
    person("foreign", email="foreign@elsewhere.example.org"),
]


@pytest.fixture
def relatum_database_kind(request: pytest.FixtureRequest) -> str:
    """Signing in over there takes a second or more; the whole way is gone on both databases."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a running provider."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write(json.dumps({"client": CLIENT, "users": USERS}) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        process.stdin.close()
        process.terminate()


@pytest.fixture
def oidc(provider: str) -> OpenId:
    return OpenId(issuer=provider, client_id="relatum", client_secret=CLIENT["client_secret"])


@pytest.fixture
def with_oidc(house: House, oidc: OpenId, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the house use these settings."""

    def use(**changed: Any) -> None:
        settings = msgspec.structs.replace(oidc, **changed)
        monkeypatch.setattr(house.openid, "_settings", settings)
        monkeypatch.setattr(house.openid._provider, "_settings", settings)

    use()
    return use


@pytest.fixture
async def theirs() -> AsyncIterator[httpx.AsyncClient]:
    """The person's browser at the provider."""
    async with httpx.AsyncClient(follow_redirects=False) as client:
        yield client


async def log_in_there(theirs: httpx.AsyncClient, url: str, name: str) -> str:
    """Fill in the provider's forms, as they are served; returns where it sends the browser."""
    answer = await theirs.get(url)
    for _ in range(8):
        if answer.is_redirect:
            there = str(answer.next_request.url)  # type: ignore[union-attr]
            if there.startswith(BASE):
                return there
            answer = await theirs.get(there)
            continue
        fields = {
            re.search(r'name="([^"]*)"', tag)[1]: html.unescape(  # type: ignore[index]
                (re.search(r'value="([^"]*)"', tag) or [None, ""])[1]
            )
            for tag in re.findall(r"<input[^>]*>", answer.text)
            if "name=" in tag
        }
        filled = {"login": name, "password": THEIRS}
        form = {key: filled.get(key, value) for key, value in fields.items() if key != "remember"}
        assert {"login", "password"} & form.keys(), answer.text[:2000]
        answer = await theirs.post(str(answer.url), data=form)
    raise AssertionError("the provider's forms have no end")


async def depart(browser: httpx.AsyncClient, then: str = "/customers") -> str:
    answer = await browser.get("/sign-in/oidc", params={"next": then})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def come_back(
    browser: httpx.AsyncClient, theirs: httpx.AsyncClient, name: str
) -> httpx.Response:
    back = await log_in_there(theirs, await depart(browser), name)
    return await browser.get(back.removeprefix(BASE))


@pytest.mark.parametrize(
    "relatum_database_kind",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
    indirect=True,
)
async def test_the_way_there_and_back(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
    provider: str,
) -> None:
    url = await depart(browser)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{provider}/oauth/authorize?")
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == CALLBACK
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    back = await log_in_there(theirs, url, "lan")
    answer = await browser.get(back.removeprefix(BASE))
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/customers"
    me = (await browser.get("/api/v1/me")).json()
    assert me["account"]["id"] == str(owner.id)
    [event] = await events_of(house, "signed_in")
    assert event["way"] == "openid"
    [linked] = await events_of(house, "identity_linked")
    assert linked == {"account": str(owner.id), "issuer": provider}
    again = await browser.get(back.removeprefix(BASE))
    assert again.status_code == 401, "the answer is good once"


async def test_the_provider_s_name_for_somebody_counts_from_then_on(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
) -> None:
    assert (await come_back(browser, theirs, "lan")).status_code == 303
    browser.cookies.clear()
    await house.db.execute("UPDATE core_account SET email = 'lan.new@example.com'")
    assert (await come_back(browser, theirs, "lan")).status_code == 303
    assert len((await house.accounts.find(AccountQuery())).items) == 1
    assert len(await events_of(house, "identity_linked")) == 1


async def test_an_invitation_is_accepted_by_coming_in(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
) -> None:
    link = await house.accounts.invite(
        InvitationDraft(name="Minh", email="minh@example.com", roles=["sales"]), by="x"
    )
    assert (await come_back(browser, theirs, "minh")).status_code == 303
    minh = await house.accounts.by_email("minh@example.com")
    assert minh is not None
    assert (minh.state, minh.has_password) == ("active", False)
    with pytest.raises(Exception, match="still good"):
        await house.accounts.accept(link.secret, PASSWORD)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("newcomer", {}),
        ("unverified", {"create_role": "sales"}),
        ("unverified", {"create_role": "sales", "trust_emails": True}),
        ("silent", {"create_role": "sales"}),
        ("foreign", {"create_role": "sales", "allowed_domains": ["example.com"]}),
    ],
)
async def test_who_may_not_come_in_leaves_nothing(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
    name: str,
    settings: dict[str, Any],
) -> None:
    with_oidc(**settings)
    answer = await come_back(browser, theirs, name)
    assert answer.status_code == 401
    assert "relatum_session" not in browser.cookies
    assert len((await house.accounts.find(AccountQuery())).items) == 1
    assert [e["reason"] for e in await events_of(house, "sign_in_refused")] == ["not_allowed"]


async def test_a_provider_that_says_nothing_of_emails_may_be_trusted(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
) -> None:
    with_oidc(create_role="sales", trust_emails=True)
    assert (await come_back(browser, theirs, "silent")).status_code == 303
    assert await house.accounts.by_email("silent@example.com") is not None


async def test_suspended_people_stay_out(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
) -> None:
    with_oidc(create_role="sales")
    assert (await come_back(browser, theirs, "newcomer")).status_code == 303
    newcomer = await house.accounts.by_email("newcomer@example.com")
    assert newcomer is not None
    assert newcomer.name == "Nguyễn Newcomer"
    assert (await house.roles.standing(newcomer.id)).roles == ["sales"]
    await house.accounts.suspend(newcomer.id, by="x")
    browser.cookies.clear()
    assert (await come_back(browser, theirs, "newcomer")).status_code == 401
    assert len((await house.accounts.find(AccountQuery())).items) == 2


async def test_an_unverified_email_of_somebody_here_opens_nothing(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
) -> None:
    await house.db.execute("UPDATE core_account SET email = 'unverified@example.com'")
    assert (await come_back(browser, theirs, "unverified")).status_code == 401
    assert await house.db.fetch("SELECT id FROM core_identity") == []


async def test_the_second_factor_is_asked_for_too(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
    clock: Clock,
) -> None:
    setup = await house.second_factor.begin(owner.id)
    app = pyotp.TOTP(setup.secret)
    await house.second_factor.confirm(owner.id, app.at(clock()), session=None)
    answer = await come_back(browser, theirs, "lan")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in/second-factor")
    assert (await browser.get("/api/v1/me")).status_code == 401


async def test_another_browser_cannot_finish_and_cannot_spoil_it(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
) -> None:
    """Login CSRF: somebody is sent back with an answer that another browser asked for."""
    back = (await log_in_there(theirs, await depart(browser), "lan")).removeprefix(BASE)
    app: Any = create_app(house)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as other:
        assert (await other.get(back)).status_code == 401
        await depart(other)
        assert (await other.get(back)).status_code == 401
    assert (await browser.get(back)).status_code == 303


async def test_answers_that_do_not_check_are_refused(
    browser: httpx.AsyncClient, house: House, owner: Account, with_oidc: Any
) -> None:
    for query in (
        "",
        "state=unknown&code=x",
        "code=x",
        "error=access_denied",
        "state=%00&code=%ff",
        "state={state}",
        "state={state}&error=access_denied",
        "state={state}&code=guessed",
        "state={state}&code=guessed&iss=https%3A%2F%2Fevil.example",
    ):
        state = parse_qs(urlsplit(await depart(browser)).query)["state"][0]
        answer = await browser.get(f"/sign-in/oidc/callback?{query.format(state=state)}")
        assert answer.status_code == 401, query
        assert state not in answer.text
        assert "relatum_session" not in browser.cookies


async def test_a_code_does_not_work_with_another_verifier_or_nonce(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
) -> None:
    for what in ("verifier", "nonce"):
        back = (await log_in_there(theirs, await depart(browser), "lan")).removeprefix(BASE)
        rows = await house.db.fetch(
            "SELECT id, data FROM core_one_time_link WHERE used_at IS NULL AND purpose = 'openid'"
        )
        for id, data in rows:
            changed = msgspec.json.decode(data) | {what: "y" * 43}
            await house.db.execute(
                "UPDATE core_one_time_link SET data = ? WHERE id = ?",
                json.dumps(changed),
                id,
            )
        answer = await browser.get(back)
        assert answer.status_code == 401, what
        theirs.cookies.clear()


@pytest.mark.parametrize(
    "settings",
    [
        {"client_secret": "wrong"},
        {"client_id": "somebody else"},
        {"issuer": "http://127.0.0.1:1"},
    ],
)
async def test_a_provider_that_cannot_be_used_is_said_to_be_so(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    house: House,
    owner: Account,
    with_oidc: Any,
    settings: dict[str, str],
) -> None:
    if "issuer" not in settings:
        back = (await log_in_there(theirs, await depart(browser), "lan")).removeprefix(BASE)
        with_oidc(**settings)
        answer = await browser.get(back)
    else:
        with_oidc(**settings)
        answer = await browser.get("/sign-in/oidc")
    assert answer.status_code in (401, 503)
    assert "wrong" not in answer.text
    assert "relatum_session" not in browser.cookies


async def test_without_a_provider_there_is_nothing(
    browser: httpx.AsyncClient, owner: Account
) -> None:
    assert (await browser.get("/sign-in/oidc")).status_code == 404
    assert (await browser.get("/sign-in/oidc/callback?state=x&code=y")).status_code == 404


async def test_on_goes_only_to_paths_of_ours(
    browser: httpx.AsyncClient,
    theirs: httpx.AsyncClient,
    owner: Account,
    with_oidc: Any,
) -> None:
    for then in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        back = await log_in_there(theirs, await depart(browser, then), "lan")
        answer = await browser.get(back.removeprefix(BASE))
        assert answer.headers["location"] == "/"
        browser.cookies.clear()


def test_the_secret_is_not_shown() -> None:
    shown = repr(OpenId(issuer="https://id.example.com", client_id="a", client_secret="hidden"))
    assert "hidden" not in shown
    assert "id.example.com" in shown
