"""People and services on their pages."""

from __future__ import annotations

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.access.accounts.types import AccountQuery
from relatum.access.roles.types import TeamDraft
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.values.ids import new_id
from relatum_sdk.people import client_of, make_person


async def test_somebody_is_invited(browser: Browser) -> None:
    house = browser.house
    team = await house.roles.teams.create(TeamDraft(name="Hà Nội"), by="system")
    page = await browser.page("/people/invite")
    page = browser.shown(await browser.send(page, "/people/invite", email="no address"), 422)
    assert page.text.count("Vui lòng điền mục này.") == 2
    asked = {"name": EVIL, "email": "Lan@SaoMai.vn", "roles": ["sales"], "team": team.id}
    page = browser.shown(await browser.send(page, "/people/invite", **asked))
    (link,) = [text for text in page.texts if "/invitation?key=" in text]
    assert link.startswith("http://127.0.0.1:8000/invitation?key=")
    assert EVIL in page.text

    page = await browser.page("/people?q=lan@saomai.vn")
    for text in (EVIL, "lan@saomai.vn", "Kinh doanh", "Hà Nội", "đã mời"):
        assert text in page.text
    page = await browser.page("/people/invite")
    page = browser.shown(await browser.send(page, "/people/invite", **asked), 409)
    assert link not in page.source


async def test_the_list_is_filtered_and_goes_on(browser: Browser) -> None:
    for number in range(60):
        await make_person(browser.house, "care", name=f"Người {number:02}")
    page = await browser.page("/people?q=Người&kind=&state=active&lang=vi")
    names = [text for text in page.texts if text.startswith("Người ") and text[-1].isdigit()]
    assert len(names) == 50
    (more,) = [a["href"] for a in page.all("a") if a.get("rel") == "next"]
    page = await browser.page(f"/people{more}")
    names += [text for text in page.texts if text.startswith("Người ") and text[-1].isdigit()]
    assert len(set(names)) == 60
    assert "Không có ai phù hợp." in (await browser.page("/people?q=zzz")).text
    page = await browser.page("/people?kind=robot&state=x&page=2", status=422)
    assert page.text.count("Hãy chọn một mục trong danh sách.") >= 2


async def test_roles_and_teams_of_a_person(browser: Browser) -> None:
    house = browser.house
    teams = [
        await house.roles.teams.create(TeamDraft(name=name), by="system")
        for name in ("Miền Bắc", "Miền Nam")
    ]
    other = await make_person(house, "sales")
    path = f"/people/{other}"
    page = await browser.page(path)
    asked = {"roles": ["care", "analyst"], "first_team": teams[1].id, "teams": [teams[0].id]}
    page = await browser.follow(await browser.send(page, f"{path}/standing", **asked))
    standing = await house.roles.standing(other)
    assert standing.roles == ["analyst", "care"]
    assert standing.teams == [teams[1].id, teams[0].id]
    assert "Đã lưu." in page.text
    refused = {"roles": ["no_such_role"], "first_team": new_id(), "teams": []}
    page = browser.shown(await browser.send(page, f"{path}/standing", **refused), 422)
    assert "trong danh sách" in page.text


async def test_the_last_owner_stays(browser: Browser) -> None:
    path = f"/people/{browser.account}"
    page = await browser.page(path)
    assert f"{path}/suspend" not in {form.action for form in page.forms}
    answer = await browser.send(page, f"{path}/standing", roles=["sales"])
    assert browser.shown(answer, 409)


async def test_somebody_is_kept_out_and_let_in_again(browser: Browser) -> None:
    other = await signed_in(browser.house, "sales")
    path = f"/people/{other.account}"
    page = await browser.page(path)
    page = await browser.follow(await browser.send(page, f"{path}/suspend"))
    assert "Đã khoá" in page.text
    assert (await other.answer("/account")).status_code == 303
    page = await browser.follow(await browser.send(page, f"{path}/reactivate"))
    assert "Đã mở lại." in page.text
    assert browser.shown(await browser.post(f"{path}/reactivate", _csrf(page)), 409)
    await other.client.aclose()


async def test_a_service_acts_through_its_tokens(browser: Browser) -> None:
    page = await browser.page("/people/service")
    answer = await browser.send(page, "/people/service", name="Tổng đài", roles=["care"])
    page = await browser.follow(answer)
    path = answer.headers["location"]
    page = browser.shown(await browser.send(page, f"{path}/tokens", name=EVIL))
    (secret,) = [text for text in page.texts if text.startswith("rlt_")]
    async with client_of(create_app(browser.house), token=secret) as program:
        assert (await program.get("/api/v1/customers")).status_code == 200
        page = await browser.page(path)
        (revoke,) = [form.action for form in page.forms if form.action.endswith("/revoke")]
        await browser.follow(await browser.send(page, revoke))
        assert (await program.get("/api/v1/customers")).status_code == 401


async def test_who_may_not_manage_sees_no_buttons(core_house: House, browser: Browser) -> None:
    sales = await signed_in(core_house, "sales")
    page = await sales.page("/people")
    assert {a["href"] for a in page.all("a")} & {"/people/invite", "/people/service"} == set()
    page = await sales.page(f"/people/{browser.account}")
    frame = ["/sign-out", "/account/theme"]
    assert [form.action for form in page.forms if form.action != "/"] == frame
    csrf = _csrf(page)
    for path in ("standing", "link", "suspend", "reactivate", "second-factor/remove", "tokens"):
        answer = await sales.post(f"/people/{browser.account}/{path}", csrf)
        assert answer.status_code == 403, path
    for path in ("/people/invite", "/people/service"):
        assert (await sales.answer(path)).status_code == 403
        assert (await sales.post(path, csrf)).status_code == 403
    await sales.client.aclose()


async def test_nobody_gives_more_than_they_hold(core_house: House, browser: Browser) -> None:
    clerk = await signed_in(
        core_house,
        "care",
        permissions=["core.accounts.read", "core.accounts.write", "core.roles.write"],
    )
    page = await clerk.page("/people/invite")
    assert "owner" not in dict(page.form("/people/invite").fields).values()
    pairs = [*_csrf(page), ("name", "X"), ("email", "x@saomai.vn"), ("language", "vi")]
    for role in ("owner", "manager"):
        answer = await clerk.post("/people/invite", [*pairs, ("roles", role)])
        assert clerk.shown(answer, 403)
    found = await core_house.accounts.find(AccountQuery(q="x@saomai.vn"))
    assert found.items == []
    await clerk.client.aclose()


@pytest.mark.parametrize("id", ["1", "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e", "%3Cscript%3E"])
async def test_nobody_with_this_id(browser: Browser, id: str) -> None:
    await browser.page(f"/people/{id}", status=404)
    csrf = _csrf(await browser.page("/people"))
    for path in ("suspend", "link", "reactivate"):
        assert (await browser.post(f"/people/{id}/{path}", csrf)).status_code == 404


def _csrf(page: object) -> list[tuple[str, str]]:
    form = page.form("/sign-out")  # type: ignore[attr-defined]
    return [pair for pair in form.fields if pair[0] == "csrf"]
