"""Writes that another site makes a browser send, and sessions that somebody else chose."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.security.addresses import UNSAFE
from tests.security.cases import BODIES
from tests.security.matrix import Matrix, differences, rows_of
from tests.security.site import Site, Visitor
from tests.security.staff_cases import OTHER_PASSWORD, PASSWORD

CUSTOMER = {"display_name": "Khách mới"}
FOREIGN = [
    {},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1.evil.example"},
    {"origin": "http://127.0.0.1:9999"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"x-relatum-csrf": ""},
    {"x-relatum-csrf": "0" * 64},
    {"x-relatum-csrf": "é"},
    {"referer": "http://127.0.0.1/account"},
]


def without_proof(visitor: Visitor) -> dict[str, str]:
    return {"cookie": visitor.headers["cookie"], "x-relatum-csrf": "none"}


async def test_ac_sec_05_a_write_of_another_site_is_refused(site: Site) -> None:
    visitor = await site.signed_in("owner")
    form = {"name": "Kẻ gian", "language": "vi"}
    before = await rows_of(site)
    for heads in FOREIGN:
        sent = [("cookie", visitor.headers["cookie"]), *heads.items()]
        headers = [(name.encode(), value.encode()) for name, value in sent]
        json = await site.client.post("/api/v1/customers", json=CUSTOMER, headers=headers)
        page = await site.client.post("/account/profile", data=form, headers=headers)
        assert (json.status_code, page.status_code) == (403, 403), f"{heads}: {json.text}"
    assert not differences(before, await rows_of(site))


async def test_a_write_of_a_page_of_ours_is_taken(site: Site) -> None:
    visitor = await site.signed_in("owner")
    for heads in ({"origin": "http://127.0.0.1"}, {"sec-fetch-site": "same-origin"}):
        sent = {"cookie": visitor.headers["cookie"], **heads}
        answer = await site.client.post("/api/v1/customers", json=CUSTOMER, headers=sent)
        assert answer.status_code == 201, answer.text


async def test_ac_sec_05_every_write_asks_for_proof(site: Site) -> None:
    """Whatever is mounted, also of plugins: nothing that writes trusts the cookie alone."""
    visitor = await site.signed_in("owner")
    owner = Matrix(site, "owner", most=1)
    ids = await owner.visible_ids()
    tried = 0
    for address in site.addresses:
        if address.method not in UNSAFE:
            continue
        for filling in (await owner.fillings(address))[:1]:
            path = address.filled(filling.values)
            sent = BODIES[address.method, address.path].sent(ids)
            sent.setdefault("headers", without_proof(visitor))
            answer = await site.client.request(address.method, path, **sent)
            site.client.cookies.clear()
            assert answer.status_code == 403, f"{address}: {answer.status_code} {answer.text}"
            tried += 1
    assert tried > 50
    assert (await visitor.get("/api/v1/me")).status_code == 200


async def test_the_proof_of_one_session_is_none_for_another(site: Site) -> None:
    mine, theirs = await site.signed_in("owner"), await site.signed_in("an")
    mixed = {**mine.headers, "x-relatum-csrf": theirs.headers["x-relatum-csrf"]}
    answer = await site.client.post("/api/v1/customers", json=CUSTOMER, headers=mixed)
    assert answer.status_code == 403


async def test_reading_changes_nothing(site: Site) -> None:
    """So that a link or a picture on another site, which needs no proof, can do no harm."""
    before = await rows_of(site)
    tally = await Matrix(site, "owner", most=1).read_everything()
    assert tally.requests > 50
    assert not differences(before, await rows_of(site))


# -- fixation --------------------------------------------------------------------------------------

SECRET = re.compile(r"relatum_session=([^;]*)")


def secret_of(answer: httpx.Response) -> str:
    found = SECRET.search(answer.headers.get("set-cookie", ""))
    return found[1] if found else ""


async def come_in(site: Site, **headers: Any) -> httpx.Response:
    credentials = {"email": "an@example.com", "password": PASSWORD}
    answer = await site.client.post("/api/v1/session", json=credentials, headers=headers)
    site.client.cookies.clear()
    return answer


async def is_in(site: Site, secret: str) -> bool:
    answer = await site.client.get("/api/v1/me", headers={"cookie": f"relatum_session={secret}"})
    return answer.status_code == 200


async def test_ac_sec_06_a_session_that_somebody_chose_is_not_taken_over(site: Site) -> None:
    chosen = "a" * 43
    answer = await come_in(site, cookie=f"relatum_session={chosen}", origin="http://127.0.0.1")
    assert answer.status_code == 200
    assert secret_of(answer) not in ("", chosen)
    assert not await is_in(site, chosen)
    assert await is_in(site, secret_of(answer))


async def test_ac_sec_06_signing_in_again_ends_the_former_session(site: Site) -> None:
    """Whoever knew the session before somebody signed in has nothing afterwards."""
    first = await come_in(site)
    former = secret_of(first)
    heads = {"cookie": f"relatum_session={former}", "x-relatum-csrf": first.json()["csrf"]}
    second = secret_of(await come_in(site, **heads))
    assert second != former
    assert not await is_in(site, former)
    assert await is_in(site, second)


async def test_ac_sec_06_a_new_password_ends_every_other_session(site: Site) -> None:
    thief = secret_of(await come_in(site))
    owner = await come_in(site)
    heads = {
        "cookie": f"relatum_session={secret_of(owner)}",
        "x-relatum-csrf": owner.json()["csrf"],
    }
    changed = await site.client.post(
        "/api/v1/me/password", json={"old": PASSWORD, "new": OTHER_PASSWORD}, headers=heads
    )
    assert changed.status_code == 204, changed.text
    site.client.cookies.clear()
    assert not await is_in(site, thief)
    assert not await is_in(site, secret_of(owner)), "this one is given a new secret"
    assert await is_in(site, secret_of(changed))


async def test_ac_sec_06_signing_out_ends_the_session_for_good(site: Site) -> None:
    visitor = await site.signed_in("an")
    assert (await visitor.get("/api/v1/me")).status_code == 200
    assert (await visitor.ask("DELETE", "/api/v1/session")).status_code == 204
    assert (await visitor.get("/api/v1/me")).status_code == 401


async def test_the_cookie_is_for_this_server_and_no_script(site: Site) -> None:
    cookie = (await come_in(site)).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


async def test_a_session_is_taken_from_the_cookie_alone(site: Site) -> None:
    secret = secret_of(await come_in(site))
    for asked in (
        {"params": {"relatum_session": secret}},
        {"headers": {"authorization": f"Bearer {secret}"}},
        {"headers": {"x-relatum-session": secret}},
    ):
        answer = await site.client.get("/api/v1/me", **asked)
        assert answer.status_code == 401, asked
