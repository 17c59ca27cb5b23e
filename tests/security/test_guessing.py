"""Whoever guesses passwords, codes, tokens or links is slowed down, also after a restart."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from relatum.access.accounts.types import InvitationDraft
from tests.security.site import Site, Template, served
from tests.security.staff_cases import PASSWORD

#: Far above what is free; whoever gets so far is not slowed down.
MANY = 60


async def guess(ask: Callable[[], Any], most: int = MANY) -> tuple[int, httpx.Response]:
    """How many attempts were looked at, and the answer that said to wait."""
    for n in range(most):
        answer = await ask()
        if answer.status_code == 429:
            return n, answer
        assert answer.status_code in (401, 404, 410, 422), answer.text
    raise AssertionError(f"{most} attempts were looked at: {answer.status_code} {answer.text}")


def assert_says_how_long(answer: httpx.Response) -> None:
    assert 1 <= int(answer.headers["retry-after"]) <= 900
    assert answer.json()["code"]


async def test_ac_sec_07_passwords_of_one_account(site: Site) -> None:
    tries, answer = await guess(lambda: site.sign_in("an", secrets.token_urlsafe(9)))
    assert tries <= 5
    assert_says_how_long(answer)
    right = await site.sign_in("an", PASSWORD)
    assert right.status_code == 429, "a guess that is right must not be told from a wrong one"
    assert (await site.sign_in("owner", PASSWORD)).status_code == 200, "others are let in"


async def test_ac_sec_07_nobody_learns_which_accounts_there_are(site: Site) -> None:
    known = await site.sign_in("an", "không phải mật khẩu này")
    unknown = await site.sign_in("khong-co-ai", "không phải mật khẩu này")
    assert known.status_code == unknown.status_code == 401
    told = [{**each.json(), "request_id": ""} for each in (known, unknown)]
    assert told[0] == told[1]
    tries, answer = await guess(lambda: site.sign_in("khong-co-ai", "không phải"))
    assert tries <= 5
    assert_says_how_long(answer)


async def test_ac_sec_07_passwords_of_many_accounts_from_one_address(site: Site) -> None:
    names = iter(f"nguoi{n}" for n in range(MANY))
    tries, answer = await guess(lambda: site.sign_in(next(names), "mật khẩu của ai đó"))
    assert tries <= 25
    assert_says_how_long(answer)


async def test_ac_sec_07_a_restart_forgets_nothing(
    template: Template, copied: Callable[[str], tuple[str, Path]]
) -> None:
    copy = copied("restarted")
    wrong = "không phải mật khẩu này"
    async with served(*copy, template) as site:
        await guess(lambda: site.sign_in("an", wrong))
    async with served(*copy, template) as site:
        # once the pause is over, each wrong attempt makes the next one longer; a busy machine may
        # use up the first ones, and whoever had forgotten would let all of these pass
        longest = 0
        for _ in range(3):
            for _ in range(50):
                if (await site.sign_in("an", wrong)).status_code == 401:
                    break
                await asyncio.sleep(0.2)
            answer = await site.sign_in("an", PASSWORD)
            assert answer.status_code == 429
            longest = max(longest, int(answer.headers["retry-after"]))
            if longest > 2:
                break
        assert longest > 2


async def test_ac_sec_07_api_tokens(site: Site) -> None:
    async def ask() -> httpx.Response:
        token = f"rlt_{secrets.token_urlsafe(32)}"
        return await site.client.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})

    tries, answer = await guess(ask)
    assert tries <= 25
    assert_says_how_long(answer)
    good = await site.visitor("an").get("/api/v1/me")
    assert good.status_code == 200, "whoever has a good token goes on"


@pytest.mark.parametrize("page", ["/invitation", "/password-reset", "/setup"])
async def test_ac_sec_07_one_time_links(site: Site, page: str) -> None:
    async def ask() -> httpx.Response:
        kept = await site.client.get(page, params={"key": secrets.token_urlsafe(32)})
        assert kept.status_code == 303, kept.text
        cookie = kept.headers["set-cookie"].partition(";")[0]
        site.client.cookies.clear()
        return await site.client.get(page, headers={"cookie": cookie})

    tries, answer = await guess(ask)
    assert tries <= 25
    assert_says_how_long(answer)


async def test_ac_sec_07_codes_of_the_second_factor(site: Site) -> None:
    """A password that somebody knows does not open the way to guessing six digits."""
    draft = InvitationDraft(name="Thu", email="thu@example.com", roles=["sales"])
    account = await site.house.accounts.add(draft, password=PASSWORD, by="system")
    await _second_factor(site, account.id)
    began = await site.sign_in("thu", PASSWORD)
    assert began.status_code == 200
    ticket = began.json()["ticket"]
    assert ticket
    assert "relatum_session" not in began.headers.get("set-cookie", "")
    codes = iter(f"{n:06}" for n in range(MANY))

    async def ask() -> httpx.Response:
        return await site.client.post(
            "/api/v1/session/second-factor", json={"ticket": ticket, "code": next(codes)}
        )

    tries, answer = await guess(ask)
    assert tries <= 6
    assert_says_how_long(answer)


async def _second_factor(site: Site, account: Any) -> None:
    import pyotp

    setup = await site.house.second_factor.begin(account)
    code = pyotp.TOTP(setup.secret).now()
    await site.house.second_factor.confirm(account, code, session=None)
