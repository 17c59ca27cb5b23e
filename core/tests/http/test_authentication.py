"""Who asks: tokens, sessions, nobody; what they may; what counts at once, what in a second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from relatum.access.accounts.types import SignedIn
from relatum.access.viewer import current_viewer
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Limits
from relatum.customers.types import CustomerDraft
from relatum.events.context import current_context
from relatum.http.authentication import Authentication, session_secret
from relatum.http.forgery import csrf_token
from relatum_sdk.people import BASE_URL, PersonClient, client_of, make_person, make_token

CUSTOMERS = "/api/v1/customers"
DRAFT = {"display_name": "Lan"}


class Door:
    """The application, an owner and a seller, and requests in their names."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.app: Any = create_app(house)
        self.client = client_of(self.app)

    async def session(self, role: str = "sales") -> SignedIn:
        account = await make_person(self.house, role)
        return await self.house.sign_in.at_once(account, address="127.0.0.1")

    async def as_role(self, role: str, **token: Any) -> PersonClient:
        account = await make_person(self.house, role)
        secret = await make_token(self.house, account, **token)
        return client_of(self.app, account=account, token=secret)

    async def ask(self, method: str, path: str, *, cookie: str = "", **options: Any) -> Any:
        headers = dict(options.pop("headers", {}))
        if cookie:
            headers["cookie"] = f"a=b; relatum_session={cookie}; c=d"
        return await self.client.request(method, path, headers=headers, **options)


@pytest.fixture
async def door(core_house: House) -> AsyncIterator[Door]:
    opened = Door(core_house)
    yield opened
    await opened.client.aclose()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# -- who -----------------------------------------------------------------------------------------


async def test_nobody_reaches_public_routes_only(door: Door) -> None:
    answer = await door.client.get(CUSTOMERS)
    assert code(answer) == (401, "sign-in-required")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (await door.client.get("/health")).status_code == 200
    assert (await door.client.get("/schema")).status_code == 200
    assert (await door.client.get("/api/v1/nothing")).status_code == 404


@pytest.mark.parametrize(
    "said",
    ["Bearer rlt_wrong", "Bearer ", "Bearer", "Basic YTpi", "rlt_wrong", "bearer  x", "Bearer é"],
)
async def test_a_bad_token_is_never_nobody(door: Door, said: str) -> None:
    headers = {"authorization": said.encode("latin-1")}
    for path in (CUSTOMERS, "/schema", "/api/v1/nothing"):
        answer = await door.ask("GET", path, headers=headers)
        assert answer.status_code in (401, 429), path
        assert "rlt_" not in answer.text.replace("rlt_…", "")


async def test_a_token_acts_as_its_owner(door: Door) -> None:
    sales = await door.as_role("sales")
    made = await sales.post(CUSTOMERS, json=DRAFT)
    assert made.status_code == 201, made.text
    row = await door.house.db.fetch_one("SELECT by FROM core_event ORDER BY seq DESC LIMIT 1")
    assert row == (f"person:{sales.account}",)


async def test_a_session_acts_as_its_owner(door: Door) -> None:
    signed = await door.session()
    answer = await door.ask("GET", "/api/v1/me", cookie=signed.secret)
    assert answer.status_code == 200
    assert str(signed.account.id) in answer.text


async def test_the_cookie_of_an_ended_session_is_nobody(door: Door) -> None:
    for cookie in ("nothing", "a" * 500):
        answer = await door.ask("GET", CUSTOMERS, cookie=cookie)
        assert code(answer) == (401, "sign-in-required")
        assert "has ended" in answer.json()["detail"]
        assert (await door.ask("GET", "/schema", cookie=cookie)).status_code == 200


async def test_a_token_counts_more_than_a_cookie(door: Door) -> None:
    signed = await door.session()
    headers = {"authorization": "Bearer rlt_wrong"}
    answer = await door.ask("GET", CUSTOMERS, cookie=signed.secret, headers=headers)
    assert answer.status_code == 401


def test_the_secret_is_found_among_cookies() -> None:
    assert session_secret("a=b; relatum_session=x-Y_z; c=d") == "x-Y_z"
    assert session_secret('relatum_session="q"') == "q"
    assert session_secret("xrelatum_session=1; relatum_sessions=2") == ""
    assert session_secret("") == ""


# -- may -----------------------------------------------------------------------------------------


async def test_what_no_role_gives_is_refused_by_name(door: Door) -> None:
    analyst = await door.as_role("analyst")
    assert (await analyst.get(CUSTOMERS)).status_code == 200
    answer = await analyst.post(CUSTOMERS, json=DRAFT)
    assert code(answer) == (403, "refused")
    assert answer.json()["permission"] == "core.customers.write"
    assert "core.customers.write" in answer.json()["detail"]


async def test_a_refusal_comes_before_the_body_is_looked_at(door: Door) -> None:
    analyst = await door.as_role("analyst")
    answer = await analyst.post(CUSTOMERS, content=b"{", headers={"content-type": "text/plain"})
    assert answer.status_code == 403
    answer = await door.client.post(CUSTOMERS, content=b"{")
    assert answer.status_code == 401


async def test_scopes_limit_a_token(door: Door) -> None:
    limited = await door.as_role("owner", scopes=["core.customers.read"])
    assert (await limited.get(CUSTOMERS)).status_code == 200
    answer = await limited.post(CUSTOMERS, json=DRAFT)
    assert answer.status_code == 403
    assert "to this token" in answer.json()["detail"]


async def test_pages_lead_nobody_to_the_sign_in(door: Door) -> None:
    answer = await door.ask("GET", "/?lang=vi", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/%3Flang%3Dvi"
    assert answer.headers["cache-control"] == "no-store"


async def test_answers_depend_on_who_asks(door: Door) -> None:
    owner = await door.as_role("owner")
    for answer in (await owner.get(CUSTOMERS), await door.client.get(CUSTOMERS)):
        assert answer.headers["cache-control"] == "no-store"
        assert {"authorization", "cookie"} <= set(answer.headers["vary"].split(", "))


# -- at once -------------------------------------------------------------------------------------


async def test_changes_in_this_process_count_at_once(door: Door) -> None:
    house, sales = door.house, await door.as_role("sales")
    assert sales.account is not None
    assert (await sales.get(CUSTOMERS)).status_code == 200
    await house.roles.assign(sales.account, [], by="system")
    assert (await sales.get(CUSTOMERS)).status_code == 403
    await house.roles.assign(sales.account, ["analyst"], by="system")
    assert (await sales.get(CUSTOMERS)).status_code == 200
    (token,) = await house.tokens.of(sales.account)
    await house.tokens.revoke(sales.account, token.id, by="system")
    assert (await sales.get(CUSTOMERS)).status_code == 401


async def test_whoever_is_suspended_is_out_at_once(door: Door) -> None:
    signed = await door.session()
    assert (await door.ask("GET", CUSTOMERS, cookie=signed.secret)).status_code == 200
    await door.house.accounts.suspend(signed.account.id, by="system")
    assert (await door.ask("GET", CUSTOMERS, cookie=signed.secret)).status_code == 401


async def test_changes_of_another_process_count_within_a_second(core_house: House) -> None:
    clock = 100.0
    authentication = Authentication(core_house, clock=lambda: clock)
    account = await make_person(core_house, "sales")
    token = await make_token(core_house, account)

    async def permissions() -> frozenset[str]:
        seen: list[frozenset[str]] = []

        async def app(*_: Any) -> None:
            seen.append(current_viewer().permissions)

        scope: Any = {"type": "http", "method": "GET", "path": "/", "state": {}}
        headers = {b"authorization": f"Bearer {token}"}
        await authentication.run(scope, None, None, headers, app)  # type: ignore[arg-type]
        return seen[0]

    assert "core.customers.read" in await permissions()
    await core_house.db.execute("DELETE FROM core_account_role WHERE account_id = ?", account)
    clock += 0.99
    assert "core.customers.read" in await permissions()
    clock += 0.02
    assert await permissions() == frozenset()


async def test_the_viewer_and_the_reason_are_there_inside(core_house: House) -> None:
    authentication = Authentication(core_house)
    account = await make_person(core_house, "sales")
    token = await make_token(core_house, account)
    seen: list[Any] = []

    async def app(*_: Any) -> None:
        seen.extend((current_viewer(), current_context()))

    scope: Any = {"type": "http", "method": "GET", "path": "/", "state": {"request_id": "r-1"}}
    reason = "khách hàng yêu cầu".encode().decode("latin-1")
    headers = {b"authorization": f"Bearer {token}", b"x-relatum-reason": reason}
    await authentication.run(scope, None, None, headers, app)  # type: ignore[arg-type]
    viewer, context = seen
    assert viewer.account == account
    assert (context.why, context.request) == ("khách hàng yêu cầu", "r-1")
    assert context.token == viewer.token
    assert current_viewer().kind == "system"


# -- forged writes -------------------------------------------------------------------------------

HERE = {"origin": BASE_URL}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": BASE_URL}, 201),
        ({"sec-fetch-site": "same-origin"}, 201),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"x-relatum-csrf": "right"}, 201),
        ({"x-relatum-csrf": "wrong"}, 403),
        ({"x-relatum-csrf": "right", "origin": "https://evil.example"}, 403),
    ],
)
async def test_writes_with_a_cookie_come_from_our_pages(
    door: Door, headers: dict[str, str], status: int
) -> None:
    signed = await door.session()
    sent = {
        name: csrf_token(signed.secret) if value == "right" else value
        for name, value in headers.items()
    }
    answer = await door.ask("POST", CUSTOMERS, cookie=signed.secret, json=DRAFT, headers=sent)
    assert answer.status_code == status, answer.text


async def test_a_form_proves_its_origin_with_a_field(door: Door) -> None:
    signed = await door.session()
    for value, statuses in ((csrf_token(signed.secret), {303, 200}), ("x", {403}), ("", {403})):
        data = {"csrf": value} if value else {"a": "b"}
        answer = await door.ask("POST", "/sign-out", cookie=signed.secret, data=data)
        assert answer.status_code in {*statuses, 401}, answer.text
    assert (await door.ask("GET", "/api/v1/me", cookie=signed.secret)).status_code == 401


async def test_the_proof_of_another_session_is_none(door: Door) -> None:
    signed, other = await door.session(), await door.session()
    headers = {"x-relatum-csrf": csrf_token(other.secret)}
    answer = await door.ask("POST", CUSTOMERS, cookie=signed.secret, json=DRAFT, headers=headers)
    assert code(answer) == (403, "refused")


async def test_tokens_need_no_proof(door: Door) -> None:
    sales = await door.as_role("sales")
    assert (await sales.post(CUSTOMERS, json=DRAFT)).status_code == 201


# -- keys ----------------------------------------------------------------------------------------


async def test_keys_belong_to_who_sent_them(door: Door) -> None:
    one, other = await door.as_role("sales"), await door.as_role("sales")
    headers = {"idempotency-key": "same"}
    first = await one.post(CUSTOMERS, json=DRAFT, headers=headers)
    second = await other.post(CUSTOMERS, json=DRAFT, headers=headers)
    again = await one.post(CUSTOMERS, json=DRAFT, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert not [name for name in again.headers if name.startswith("relatum-")]


async def test_who_may_not_any_more_is_not_answered_again(door: Door) -> None:
    sales = await door.as_role("sales")
    assert sales.account is not None
    headers = {"idempotency-key": "same"}
    assert (await sales.post(CUSTOMERS, json=DRAFT, headers=headers)).status_code == 201
    await door.house.roles.assign(sales.account, ["analyst"], by="system")
    answer = await sales.post(CUSTOMERS, json=DRAFT, headers=headers)
    assert code(answer) == (403, "refused")


async def test_answers_with_secrets_are_not_kept(door: Door) -> None:
    signed = await door.session()
    for headers, status in (({**HERE, "idempotency-key": "same"}, 400), (HERE, 201)):
        draft = {"name": "x"}
        answer = await door.ask(
            "POST", "/api/v1/me/tokens", cookie=signed.secret, json=draft, headers=headers
        )
        assert answer.status_code == status, answer.text
    assert await door.house.db.fetch("SELECT id FROM core_idempotency") == []


# -- limits --------------------------------------------------------------------------------------


@pytest.fixture
async def strict(core_house: House) -> Door:
    limits = Limits(token=5, account=4, address=3, sign_in=2)
    core_house.settings = msgspec.structs.replace(core_house.settings, limits=limits)
    return Door(core_house)


async def test_requests_are_limited_by_token_account_and_address(strict: Door) -> None:
    sales, signed = await strict.as_role("sales"), await strict.session()
    by_token = [(await sales.get(CUSTOMERS)).status_code for _ in range(7)]
    assert by_token == [200] * 5 + [429] * 2
    by_account = [
        (await strict.ask("GET", CUSTOMERS, cookie=signed.secret)).status_code for _ in range(6)
    ]
    assert by_account == [200] * 4 + [429] * 2
    by_address = [(await strict.client.get("/schema")).status_code for _ in range(5)]
    assert by_address == [200] * 3 + [429] * 2
    answer = await strict.client.get("/schema")
    assert code(answer) == (429, "too-many-requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert (await strict.client.get("/health")).status_code == 200


async def test_attempts_to_come_in_are_limited_by_address(core_house: House) -> None:
    limits = Limits(address=0, sign_in=2)
    core_house.settings = msgspec.structs.replace(core_house.settings, limits=limits)
    door = Door(core_house)
    credentials = {"email": "nobody@example.com", "password": "x"}
    answers = [
        (await door.client.post("/api/v1/session", json=credentials)).status_code for _ in range(4)
    ]
    assert answers == [401, 401, 429, 429]


async def test_customers_are_those_of_the_viewer(door: Door) -> None:
    """The guard is on inside: what somebody else owns is not there."""
    await door.house.customers.create([CustomerDraft(display_name="Hidden")], by="system")
    sales, owner = await door.as_role("sales"), await door.as_role("owner")
    assert (await sales.get(CUSTOMERS)).json()["items"] == []
    assert len((await owner.get(CUSTOMERS)).json()["items"]) == 1
