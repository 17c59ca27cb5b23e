"""The first set-up: for the bearer of the link alone, each page doing its part at once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from core.tests.web.browsing import EVIL, Browser
from relatum.app.house import House
from relatum_sdk.people import make_person

PASSWORD = "Bánh chưng xanh 2026!"
COMPANY = {
    "name": "Hoa Sen",
    "country": "VN",
    "time_zone": "Asia/Bangkok",
    "currency": "USD",
    "language": "vi",
}
OWNER = {
    "name": "Hương",
    "email": "h@saomai.vn",
    "password": PASSWORD,
    "again_password": PASSWORD,
    "language": "vi",
}
PAGES = ("/setup", "/setup/owner")


def written(house: House) -> dict[str, object]:
    file = house.steering.file.path
    return tomllib.loads(file.read_text()) if file.exists() else {}


async def opened(nobody: Browser) -> None:
    """The link is followed: its secret has moved into a cookie."""
    link = await nobody.house.accounts.first_link()
    assert link is not None
    answer = await nobody.answer(f"/setup?key={link.secret}")
    assert answer.headers["location"] == "/setup"
    page = await nobody.follow(answer)
    assert link.secret not in page.source


async def test_from_the_link_to_the_first_page(nobody: Browser) -> None:
    house = nobody.house
    await opened(nobody)
    page = await nobody.follow(await nobody.send(await nobody.page("/setup"), "/setup", **COMPANY))
    assert written(house)["company"]["name"] == "Hoa Sen"  # type: ignore[index]
    assert house.settings.company.time_zone == "Asia/Bangkok"

    page = await nobody.follow(await nobody.send(page, "/setup/owner", **OWNER))
    assert "relatum_link" not in nobody.cookies
    assert await house.roles.has_active_owner()

    page = await nobody.follow(
        await nobody.send(await nobody.page("/setup/plugins"), "/setup/plugins")
    )
    page = await nobody.follow(await nobody.send(page, "/setup/data", way="empty"))
    assert "Đã thiết lập xong." in page.text
    await nobody.page("/people/invite")


async def test_wrong_answers_are_said_at_their_fields(nobody: Browser) -> None:
    await opened(nobody)
    page = await nobody.page("/setup")
    wrong = {**COMPANY, "time_zone": EVIL[:60], "currency": "XXQ"}
    page = nobody.shown(await nobody.send(page, "/setup", **wrong), 422)
    assert {"#company-time_zone", "#company-currency"} <= {
        each.get("href") for each in page.all("a")
    }
    assert "company" not in written(nobody.house)

    page = await nobody.page("/setup/owner")
    short = {**OWNER, "password": "ngắn!", "again_password": "x"}
    page = nobody.shown(await nobody.send(page, "/setup/owner", **short), 422)
    assert "Hai lần nhập không giống nhau." in page.text
    short["again_password"] = "ngắn!"
    page = nobody.shown(await nobody.send(page, "/setup/owner", **short), 422)
    assert "Hãy nhập ít nhất 10 ký tự." in page.text
    assert "ngắn!" not in page.source
    assert not await nobody.house.roles.has_active_owner()


async def test_nothing_without_the_link(nobody: Browser) -> None:
    for path in PAGES:
        assert "không còn dùng được" in (await nobody.page(path, status=410)).text
    for path, form in (("/setup", COMPANY), ("/setup/owner", OWNER)):
        nobody.shown(await nobody.post(path, list(form.items())), 410)
    assert written(nobody.house) == {}
    for path in ("/setup/protect", "/setup/plugins", "/setup/data"):
        assert (await nobody.answer(path)).headers["location"].startswith("/sign-in")


async def test_the_link_opens_nothing_once_there_is_an_owner(nobody: Browser) -> None:
    await opened(nobody)
    await make_person(nobody.house, "owner")
    for path in PAGES:
        await nobody.page(path, status=410)
    for path, form in (("/setup", COMPANY), ("/setup/owner", OWNER)):
        nobody.shown(await nobody.post(path, list(form.items())), 410)
    assert written(nobody.house) == {}


async def test_the_link_of_an_invitation_is_none(core_house: House, nobody: Browser) -> None:
    account = await make_person(core_house)
    link = await core_house.accounts.reset_link(account, by="system")
    answer = await nobody.answer(f"/setup?key={link.secret}")
    assert nobody.shown(await nobody.answer(answer.headers["location"]), 410)


async def test_a_file_that_is_broken_stays_as_it_is(nobody: Browser) -> None:
    await opened(nobody)
    file = nobody.house.steering.file.path
    file.write_text("[company\nname =")
    page = nobody.shown(await nobody.send(await nobody.page("/setup"), "/setup", **COMPANY), 409)
    assert "Không sửa được tệp cài đặt từ đây." in page.text
    assert file.read_text() == "[company\nname ="


async def test_the_demo_company_comes_once(browser: Browser) -> None:
    page = await browser.page("/setup/data")
    answer = await browser.send(page, "/setup/data", way="demo")
    assert answer.headers["location"] == "/"
    assert "Đã thêm doanh nghiệp mẫu." in (await browser.answer("/")).text
    assert "Ở đây đã có dữ liệu." in (await browser.page("/setup/data")).text
    browser.shown(await browser.send(page, "/setup/data", way="demo"), 409)


@pytest.mark.parametrize("role", ["sales", "manager"])
async def test_only_owners_choose_plugins_and_data(
    core_house: House, nobody: Browser, role: str, tmp_path: Path
) -> None:
    account = await make_person(core_house, role)
    session = await core_house.sign_in.at_once(account, address="127.0.0.1", user_agent="")
    nobody.cookies.set("relatum_session", session.secret, domain="127.0.0.1")
    for path in ("/setup/plugins", "/setup/data"):
        page = await nobody.page(path, status=403)
        assert "Bạn không có quyền" in page.text
        assert [form.action for form in page.forms if "/setup" in form.action] == []
    events = await core_house.events.last()
    proof = (await nobody.page("/account")).form("/sign-out").fields
    for path, sent in (("/setup/plugins", []), ("/setup/data", [("way", "demo")])):
        answer = await nobody.post(path, [*proof, *sent])
        assert answer.status_code == 403, path
    assert await core_house.events.last() == events, "nothing was written"
