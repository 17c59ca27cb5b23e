"""Roles, teams and rules on their pages."""

from __future__ import annotations

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.access.policies import Condition, Policy, Rule
from relatum.access.roles.types import TeamDraft
from relatum.access.sight.types import RuleDraft
from relatum.app.house import House
from relatum.customers.types import CustomerDraft
from relatum_sdk.people import make_person


async def test_an_own_role_is_made_changed_and_removed(browser: Browser) -> None:
    house = browser.house
    page = await browser.page("/roles/new")
    bad = {"title_en": "", "title_vi": "Hỗ trợ", "key": "Hỗ trợ"}
    page = browser.shown(await browser.send(page, "/roles/new", **bad), 422)
    assert "Vui lòng điền mục này." in page.text
    good = {"title_en": EVIL, "title_vi": EVIL, "key": "support", "based_on": "care"}
    page = await browser.follow(await browser.send(page, "/roles/new", **good))
    assert EVIL in page.text
    role = await house.roles.get("support")
    assert role.permissions == (await house.roles.get("care")).permissions

    asked = {
        "title_vi": "Hỗ trợ",
        "scopes": ["own", "subteams"],
        "unmasked": ["contact", "health"],
        "permissions": ["core.customers.read", "core.reports.read"],
    }
    page = await browser.follow(await browser.send(page, "/roles/support", **asked))
    role = await house.roles.get("support")
    assert role.title.vi == "Hỗ trợ"
    assert role.permissions == ["core.customers.read", "core.reports.read"]
    assert role.policy == Policy(scopes=["own", "subteams"], unmasked=["contact", "health"])

    await make_person(house, "support")
    page = browser.shown(await browser.send(page, "/roles/support/remove"), 409)
    assert len(await house.roles.every()) == 8


async def test_a_built_in_role_is_put_back(browser: Browser) -> None:
    page = await browser.page("/roles/sales")
    assert "/roles/sales/remove" not in {form.action for form in page.forms}
    page = await browser.follow(await browser.send(page, "/roles/sales", permissions=[]))
    assert "đã sửa" in page.text
    assert (await browser.house.roles.get("sales")).permissions == []
    await browser.follow(await browser.send(page, "/roles/sales/remove"))
    assert "core.customers.read" in (await browser.house.roles.get("sales")).permissions


async def test_two_people_who_change_a_role_notice(browser: Browser) -> None:
    page = await browser.page("/roles/sales")
    await browser.follow(await browser.send(page, "/roles/sales", title_vi="Bán hàng"))
    page = browser.shown(await browser.send(page, "/roles/sales", title_vi="Bán lẻ"), 409)
    assert (await browser.house.roles.get("sales")).title.vi == "Bán hàng"
    assert any(each.get("value") == "Bán lẻ" for each in page.all("input"))


async def test_what_a_role_has_not_is_refused(browser: Browser) -> None:
    page = await browser.page("/roles/sales")
    asked = {"scopes": ["planet"], "permissions": ["core.no.such"], "unmasked": ["soul"]}
    page = browser.shown(await browser.send(page, "/roles/sales", **asked), 422)
    assert not (await browser.house.roles.get("sales")).changed
    asked = {"scopes": ["own"], "permissions": ["core.no.such"], "unmasked": []}
    page = browser.shown(await browser.send(page, "/roles/sales", **asked), 422)
    assert "Hãy chọn quyền trong danh sách." in page.text


async def test_owners_stay_as_they_are(browser: Browser) -> None:
    page = await browser.page("/roles/owner")
    assert [field for field in page.all("fieldset") if "disabled" in field]
    assert browser.shown(await browser.send(page, "/roles/owner", title_vi="Sếp"), 409)
    await browser.page("/roles/nobody", status=404)


async def test_teams(browser: Browser) -> None:
    house = browser.house
    page = await browser.page("/teams")
    page = await browser.follow(await browser.send(page, "/teams", name=EVIL))
    (top,) = await house.roles.teams.every()
    page = await browser.follow(await browser.send(page, "/teams", name="Hà Nội", parent=top.id))
    assert page.text.index(EVIL) < page.text.index("Hà Nội")
    page = browser.shown(await browser.send(page, "/teams", name="Hà Nội"), 422)
    below = next(team for team in await house.roles.teams.every() if team.parent == top.id)
    page = await browser.page(f"/teams/{top.id}")
    circle = await browser.send(page, f"/teams/{top.id}", name="Bắc", parent=below.id)
    page = browser.shown(circle, 422)
    page = browser.shown(await browser.send(page, f"/teams/{top.id}/remove"), 409)
    page = await browser.page(f"/teams/{below.id}")
    page = await browser.follow(await browser.send(page, f"/teams/{below.id}/remove"))
    assert len(await house.roles.teams.every()) == 1


async def test_members_of_a_team_are_named(browser: Browser) -> None:
    team = await browser.house.roles.teams.create(TeamDraft(name="Bắc"), by="system")
    await make_person(browser.house, "sales", team=team.id, name=EVIL)
    for path in ("/teams", f"/teams/{team.id}"):
        assert EVIL in (await browser.page(path)).text


async def test_a_rule_is_made_changed_and_removed(browser: Browser) -> None:
    house = browser.house
    drafts = [
        CustomerDraft(display_name="Lan", tags=["VIP"]),
        CustomerDraft(display_name="Công ty An", kind="organisation", tags=["VIP"]),
        CustomerDraft(display_name="Minh"),
    ]
    await house.customers.create(drafts, by="system")
    page = await browser.page("/rules/new")
    asked = {
        "key": "vip",
        "title_vi": EVIL,
        "title_en": EVIL,
        "attribute1": "tag",
        "values1": "VIP\r\n vàng \r\n\r\nVIP",
        "attribute2": "kind",
        "sense2": "is_not",
        "values2": "organisation",
    }
    page = await browser.follow(await browser.send(page, "/rules/new", **asked))
    rule = await house.rules.get("vip")
    assert rule.rule == Rule(
        all_of=[Condition(attribute="tag", is_one_of=["VIP", "vàng"])],
        none_of=[Condition(attribute="kind", is_one_of=["organisation"])],
    )
    assert "Số khách hàng phù hợp: 1" in page.text
    asked = {"attribute2": "", "values2": ""}
    page = await browser.follow(await browser.send(page, "/rules/vip", **asked))
    assert "Số khách hàng phù hợp: 2" in page.text
    assert EVIL in (await browser.page("/rules")).text
    await browser.follow(await browser.send(page, "/rules/vip/remove"))
    assert await house.rules.all() == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "Vui lòng điền mục này."),
        ({"attribute1": "tag"}, "Vui lòng điền mục này."),
        ({"values1": "VIP"}, "Vui lòng điền mục này."),
        ({"attribute1": "soul", "values1": "VIP"}, "Mục này chưa đúng dạng"),
        ({"attribute1": "field.nothing", "values1": "VIP"}, ""),
        ({"attribute1": "tag", "values1": "x" * 201}, "Hãy nhập tối đa 200 ký tự."),
        ({"attribute1": "tag", "sense1": "maybe", "values1": "VIP"}, "Hãy chọn một mục"),
    ],
)
async def test_a_rule_that_is_not_whole_is_refused(
    browser: Browser, row: dict[str, str], message: str
) -> None:
    page = await browser.page("/rules/new")
    asked = {"key": "vip", "title_vi": "VIP", "title_en": "VIP", **row}
    page = browser.shown(await browser.send(page, "/rules/new", **asked), 422)
    assert message in page.text
    assert await browser.house.rules.all() == []


async def test_a_rule_with_more_conditions_than_rows_is_left_alone(browser: Browser) -> None:
    conditions = [Condition(attribute="tag", is_one_of=[f"t{n}"]) for n in range(12)]
    draft = RuleDraft(key="long", rule=Rule(all_of=conditions), title_vi="Dài", title_en="Long")
    await browser.house.rules.create(draft, by="system")
    page = await browser.page("/rules/long")
    assert [field for field in page.all("fieldset") if "disabled" in field]
    assert "Hãy sửa qua API." in page.text


async def test_who_may_not_manage_only_looks(core_house: House) -> None:
    sales = await signed_in(core_house, "sales")
    page = await sales.page("/roles/sales")
    csrf = [pair for pair in page.form("/sign-out").fields if pair[0] == "csrf"]
    assert [field for field in page.all("fieldset") if "disabled" in field]
    for path in ("/roles/new", "/roles/sales", "/roles/sales/remove", "/teams", "/rules/new"):
        assert (await sales.post(path, csrf)).status_code == 403, path
    await sales.client.aclose()
