"""Addresses of plugins that do not run say so, and to those who may how it is mended."""

from __future__ import annotations

from core.tests.web.browsing import Browser, signed_in
from core.tests.web.test_switching import owner, site, spa_house
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum_sdk.people import make_token

__all__ = ["owner", "site", "spa_house"]


async def switch_off(owner: Browser) -> None:
    page = await owner.page("/settings/plugins/spa/off")
    await owner.send(page, "/settings/plugins/spa/off")


async def test_who_may_is_led_to_where_it_is_switched_on(owner: Browser) -> None:
    await switch_off(owner)
    page = await owner.page("/p/spa/rooms?lang=vi", status=404)
    assert "Tiện ích spa đang tắt" in page.text
    (there,) = [a["href"] for a in page.all("a") if "/settings/plugins/spa" in a["href"]]
    assert there == "/settings/plugins/spa/on"
    await owner.page("/settings")  # the toast, whose button is the same, is said once
    page = await owner.page(there)
    await owner.send(page, "/settings/plugins/spa/on")
    await owner.page("/p/spa/rooms")


async def test_one_that_something_keeps_out_leads_to_why(owner: Browser) -> None:
    await switch_off(owner)  # the other one needs it
    page = await owner.page("/p/spa_extra/anything", status=404)
    assert "Tiện ích spa_extra không chạy" in page.text
    assert "/settings/plugins/spa_extra" in [a["href"] for a in page.all("a")]


async def test_others_hear_that_a_part_is_off_and_not_which(
    spa_house: House, owner: Browser
) -> None:
    await switch_off(owner)
    seller = await signed_in(spa_house, "sales")
    page = await seller.page("/p/spa/rooms", status=404)
    assert "Phần này đang tắt" in page.text
    assert "spa" not in page.text.replace("/p/spa", "")
    assert not [a for a in page.all("a") if "plugins" in a["href"]]
    page = await seller.page("/p/spa_extra/x", status=404)
    assert "Phần này đang không chạy" in page.text
    await seller.client.aclose()


async def test_who_only_sees_plugins_is_led_to_the_plugin(spa_house: House, owner: Browser) -> None:
    await switch_off(owner)
    assert owner.account is not None
    token = await make_token(spa_house, owner.account, scopes=["core.plugins.read"])
    looker = Browser(spa_house, create_app(spa_house))
    looker.client.headers["authorization"] = f"Bearer {token}"
    page = await looker.page("/p/spa/rooms", status=404)
    assert "Tiện ích spa đang tắt" in page.text
    (there,) = [a["href"] for a in page.all("a") if "/settings/plugins/spa" in a["href"]]
    assert there == "/settings/plugins/spa"
    await looker.client.aclose()


async def test_what_there_is_not_is_not_there(spa_house: House, owner: Browser) -> None:
    for path in ("/p/nothing", "/p/", "/p/spa/nothing", "/p/%3Cb%3E/x"):
        page = await owner.page(path, status=404)
        assert "Không có gì ở đây" in page.text, path
    await switch_off(owner)
    nobody = Browser(spa_house, create_app(spa_house))
    answer = await nobody.answer("/p/spa/rooms")
    assert answer.status_code == 303, "nobody in particular is told of no plugin"
    page = await nobody.page("/p/spa_extra/x", status=404)
    assert "Không có gì ở đây" in page.text
    await nobody.client.aclose()
