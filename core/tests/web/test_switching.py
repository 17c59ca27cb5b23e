"""Plugins switched on and off from a page: what is shown before, what happens, what stays."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from core.tests.plugins.conftest import Site
from core.tests.web.browsing import Browser, signed_in
from relatum.access.audit.types import AuditQuery
from relatum.app.house import House
from relatum.config.file import SettingsFile
from relatum.config.settings import Settings
from relatum.customers.types import ContactPointDraft, CustomerDraft
from relatum.values.problems import NotFound

SPA = """
from relatum.api import Entry, Permission, Text, WebPage, hookimpl

@hookimpl
def relatum_register_permissions(plugin):
    return [Permission(id="spa.rooms.read", title=Text(en="See rooms", vi="Xem phòng"))]

async def load(plugin, visit):
    return {}

@hookimpl
def relatum_register_pages(plugin):
    return [WebPage(id="spa.rooms", path="/rooms", title=Text(en="Rooms", vi="Phòng"),
        permission="spa.rooms.read", template="spa/rooms.html", load=load,
        entry=Entry(icon="door"))]
"""
SETTINGS = 'import msgspec\n\nclass Settings(msgspec.Struct):\n    api_token: str = ""\n'
ROOMS = '{% extends "relatum/base.html" %}{% block heading %}R{% endblock %}'
FILE = """\
# ours
[plugins]
disabled = [
  "other", # later
]

[plugins.spa]
api_token = "s3cr3t"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    site = Site(folder)
    files = {"settings.py": SETTINGS, "templates/rooms.html": ROOMS}
    settings = 'settings = "relatum_spa.settings:Settings"'
    site.install("spa", SPA, manifest_extra=settings, files=files)
    site.install("spa_extra", manifest_extra='requires = ["spa"]')
    yield site
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
async def spa_house(relatum_database_url: str, tmp_path: Path, site: Site) -> AsyncIterator[House]:
    """Core and two plugins, one of which needs the other."""
    file = tmp_path / "relatum.toml"
    file.write_text(FILE)
    blank = Settings(home=tmp_path, database=relatum_database_url, durability="normal")
    settings = SettingsFile(file, {}).load(blank)
    async with await House.open(settings, discover=site.discover) as house:
        yield house


@pytest.fixture
async def owner(spa_house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(spa_house)
    yield browser
    await browser.client.aclose()


def states(house: House) -> dict[str, str]:
    return {each.id: each.state for each in house.plugins.states()}


async def test_off_and_on_again(spa_house: House, owner: Browser) -> None:
    assert states(spa_house) == {"spa": "enabled", "spa_extra": "enabled"}
    await owner.page("/p/spa/rooms")
    page = await owner.page("/settings/plugins/spa/off")
    assert "Phòng" in page.text
    assert "spa_extra" in page.text  # it needs the other one

    answer = await owner.send(page, "/settings/plugins/spa/off")
    page = await owner.follow(answer)
    assert "Đã tắt tiện ích." in page.text
    assert states(spa_house) == {"spa": "disabled", "spa_extra": "quarantined"}
    assert (await owner.answer("/p/spa/rooms")).status_code == 404
    assert "Phòng" not in (await owner.page("/")).text

    answer = await owner.send(page, "/settings/plugins/spa/on")  # the toast takes it back
    await owner.follow(answer)
    assert states(spa_house) == {"spa": "enabled", "spa_extra": "enabled"}
    await owner.page("/p/spa/rooms")


async def test_only_the_lists_of_the_file_change(spa_house: House, owner: Browser) -> None:
    file = spa_house.steering.file.path
    page = await owner.page("/settings/plugins/spa/off")
    await owner.send(page, "/settings/plugins/spa/off")
    text = file.read_text()
    assert text.startswith("# ours\n")
    assert '"other", # later' in text
    tree = tomllib.loads(text)
    assert tree["plugins"].pop("disabled") == ["other", "spa"]
    before = tomllib.loads(FILE)
    before["plugins"].pop("disabled")
    assert tree == before
    await owner.page("/settings")  # the toast, whose button is the same, is said once
    page = await owner.page("/settings/plugins/spa/on")
    await owner.send(page, "/settings/plugins/spa/on")
    assert tomllib.loads(file.read_text()) == tomllib.loads(FILE)


async def test_the_log_says_who_did_it(spa_house: House, owner: Browser) -> None:
    page = await owner.page("/settings/plugins/spa/off")
    await owner.send(page, "/settings/plugins/spa/off")
    page = await owner.page("/audit?type=core.settings.plugin_switched")
    assert "Đã bật hoặc tắt tiện ích" in page.text
    assert "spa" in page.text


@pytest.mark.parametrize("text", ["[plugins\n", "plugins = 3\n", "\xff"])
async def test_a_broken_file_is_refused(spa_house: House, owner: Browser, text: str) -> None:
    file = spa_house.steering.file.path
    page = await owner.page("/settings/plugins/spa/off")
    file.write_bytes(text.encode("latin-1"))
    page = owner.shown(await owner.send(page, "/settings/plugins/spa/off"), 409)
    assert "Không sửa được tệp cài đặt từ đây." in page.text
    assert file.read_bytes() == text.encode("latin-1")
    assert states(spa_house)["spa"] == "enabled"
    told = await spa_house.audit.entries(AuditQuery(type="core.settings."))
    assert told.items == []


async def test_what_cannot_run_is_not_switched_on(spa_house: House, owner: Browser) -> None:
    steering = spa_house.steering
    await steering.switch("spa", on=False, by="system")
    await steering.switch("spa_extra", on=False, by="system")
    page = await owner.page("/settings/plugins/spa_extra/on")
    assert "Nó cần một tiện ích khác đang không chạy." in page.text
    assert "Bật" not in [each.get("value") for each in page.all("button")]
    before = steering.file.path.read_text()
    form = page.form("/settings/plugins/spa_extra/on")
    owner.shown(await owner.post(form.action, form.filled()), 409)
    assert steering.file.path.read_text() == before


async def test_the_environment_may_decide(spa_house: House, owner: Browser) -> None:
    steering = spa_house.steering
    steering.file = SettingsFile(steering.file.path, {"RELATUM_PLUGINS__DISABLED": "other"})
    page = await owner.page("/settings/plugins/spa/off")
    page = owner.shown(await owner.send(page, "/settings/plugins/spa/off"), 409)
    assert "RELATUM_PLUGINS__DISABLED" in page.text
    assert steering.file.path.read_text() == FILE


async def test_secrets_are_not_shown(owner: Browser) -> None:
    page = await owner.page("/settings/plugins/spa")
    assert "api_token" in page.text
    assert "s3cr3t" not in page.source


async def test_who_may_look_and_who_may_switch(spa_house: House) -> None:
    manager = await signed_in(spa_house, "manager")
    page = await manager.page("/settings/plugins/spa")
    assert "/settings/plugins/spa/off" not in {each.get("href") for each in page.all("a")}
    await manager.page("/settings/plugins/spa/off", status=403)
    sales = await signed_in(spa_house, "sales")
    await sales.page("/settings/plugins", status=403)
    for each in (manager, sales):
        await each.client.aclose()


async def test_nobody_switches_what_is_not_there(spa_house: House, owner: Browser) -> None:
    await owner.page("/settings/plugins/spaa", status=404)
    with pytest.raises(NotFound):
        await spa_house.steering.switch("spaa", on=False, by="system")


async def test_the_company_changes_and_is_followed(spa_house: House, owner: Browser) -> None:
    page = await owner.page("/settings/company")
    answer = await owner.send(page, "/settings/company", name="Sao Mai", currency="USD")
    page = await owner.follow(answer)
    assert page.text.count("Sao Mai") >= 1
    company = spa_house.settings.company
    assert (company.name, company.currency, company.country) == ("Sao Mai", "USD", "VN")
    tree = tomllib.loads(spa_house.steering.file.path.read_text())
    assert tree["company"] == {"name": "Sao Mai", "currency": "USD"}
    assert "# ours" in spa_house.steering.file.path.read_text()
    same = msgspec.structs.replace(company)
    assert not await spa_house.steering.set_company(same, by="system")


async def test_phone_numbers_are_read_as_those_of_the_new_country(
    spa_house: House, owner: Browser
) -> None:
    page = await owner.page("/settings/company")
    await owner.send(page, "/settings/company", country="TH", time_zone="Asia/Bangkok")
    point = ContactPointDraft(kind="phone", raw="081 234 5678")
    draft = CustomerDraft(display_name="Somchai", contact_points=[point])
    [id] = await spa_house.customers.create([draft], by="system")
    customer = await spa_house.customers.get(id)
    assert customer.contact_points[0].normalised == "+66812345678"
