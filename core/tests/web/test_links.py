"""One-time links: the first owner, invitations, forgotten passwords."""

from __future__ import annotations

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.access.accounts.types import InvitationDraft
from relatum.app.house import House
from relatum_sdk.people import make_person

PASSWORD = "Bánh chưng xanh 2026!"


@pytest.mark.parametrize("path", ["/setup", "/invitation", "/password-reset"])
async def test_a_link_that_is_no_good_says_so(nobody: Browser, path: str) -> None:
    assert "không còn dùng được" in (await nobody.page(path, status=410)).text
    for key in ("guessed", EVIL, "a; b", "", "x" * 500, "Lê"):
        answer = await nobody.client.get(path, params={"key": key})
        assert answer.headers["location"] == path
        assert nobody.shown(await nobody.answer(path), 410)


async def test_an_invited_person_comes_in_once(browser: Browser, nobody: Browser) -> None:
    house = nobody.house
    draft = InvitationDraft(name=EVIL, email="lan@saomai.vn", roles=["sales"])
    link = await house.accounts.invite(draft, by="system")
    page = await nobody.follow(await nobody.answer(f"/invitation?key={link.secret}"))
    assert EVIL in page.text
    answer = await nobody.send(page, "/invitation", password=PASSWORD, again_password=PASSWORD)
    page = await nobody.follow(answer)
    assert "Đã đặt mật khẩu." in page.text
    again = await nobody.answer(f"/invitation?key={link.secret}")
    assert nobody.shown(await nobody.answer(again.headers["location"]), 410)


async def test_a_forgotten_password_is_set_anew(core_house: House, nobody: Browser) -> None:
    account = await make_person(core_house)
    link = await core_house.accounts.reset_link(account, by="system")
    page = await nobody.follow(await nobody.answer(f"/password-reset?key={link.secret}"))
    answer = await nobody.send(page, "/password-reset", password=PASSWORD, again_password=PASSWORD)
    assert "relatum_session" in nobody.cookies
    assert "Đã đặt mật khẩu." in (await nobody.follow(answer)).text


async def test_the_link_of_another_purpose_opens_nothing(
    core_house: House, nobody: Browser
) -> None:
    account = await make_person(core_house)
    link = await core_house.accounts.reset_link(account, by="system")
    answer = await nobody.answer(f"/invitation?key={link.secret}")
    assert nobody.shown(await nobody.answer(answer.headers["location"]), 410)


async def test_links_are_made_on_the_page_of_a_person(core_house: House, nobody: Browser) -> None:
    owner = await signed_in(core_house)
    other = await make_person(core_house, "sales")
    page = await owner.page(f"/people/{other}")
    page = owner.shown(await owner.send(page, f"/people/{other}/link"))
    (link,) = [text for text in page.texts if "/password-reset?key=" in text]
    assert link.startswith("http://127.0.0.1:8000/password-reset?key=")
    opened = await nobody.answer(link.removeprefix("http://127.0.0.1:8000"))
    assert (await nobody.follow(opened)).form("/password-reset")
    await owner.client.aclose()
