"""The preference page by a browser that nobody has signed in with, and the pages of staff."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.api import Plugin
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Limits, Settings
from relatum_consent.services.links import PATH, Links
from relatum_consent.services.preferences import Preferences
from relatum_consent.services.requests import Requests
from relatum_consent.types import RequestDraft

ROOT = "/p/consent"


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Browser]:
    """Somebody with a telephone, and no account."""
    browser = Browser(house, create_app(house))
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


async def sent(browser: Browser, path: str, fields: list[tuple[str, str]]) -> Any:
    """Fields with the proof that a page of ours sent them."""
    page = await browser.page(path)
    proof = next(field for form in page.forms for field in form.fields if field[0] == "csrf")
    return await browser.post(path, [proof, *fields])


@pytest.fixture
async def path(plugin: Plugin, customer: UUID) -> str:
    return (await Links(plugin).make(customer, by="system")).address


async def counts(house: House) -> Any:
    """How many rows the plugin and the ledger have."""
    tables = ("core_consent", "core_contact_preference", "consent_request", "consent_link")
    return [await house.db.fetch(f"SELECT count(*) FROM {table}") for table in tables]


async def test_looking_changes_nothing_and_names_little(
    house: House, stranger: Browser, path: str
) -> None:
    before = await counts(house)
    page = await stranger.page(path)
    assert "checked" not in str([each for each in page.all("input") if "checked" in each])
    assert "•••• 567" in page.text
    for secret in ("Thị", "0901234", "0901 234", "234 567", "lan.nguyen"):
        assert secret not in page.source
    vietnamese = await stranger.page(f"{path}?lang=vi")
    assert "Tôi đồng ý để" in vietnamese.text
    # what scans links asks by HEAD as well, and may ask often
    for method in ("GET", "HEAD", "OPTIONS"):
        await stranger.client.request(method, path)
    assert await counts(house) == before
    assert page.form, "without scripts"


async def test_choosing_without_scripts(
    house: House, plugin: Plugin, stranger: Browser, path: str
) -> None:
    page = await stranger.page(path)
    (form,) = [each for each in page.forms if "agreed" in each.names]
    fields = [*form.filled(quiet_from="21:00", quiet_until="07:00"), ("do", "save")]
    answer = await stranger.post(path, [*fields, ("agreed", "care:email")])
    after = await stranger.follow(answer)
    assert "Saved. It counts from now on." in after.text
    ticked = [each["value"] for each in after.all("input") if "checked" in each]
    assert ticked == ["care:email"]
    lines = await house.db.fetch("SELECT method, wording, place FROM core_consent")
    ((method, wording, place),) = lines
    assert method == "preference_page"
    assert wording.startswith("I agree that ")
    assert "127.0.0.1" not in place
    # the form as it stands now, sent back: nothing is written
    (form,) = [each for each in after.forms if "agreed" in each.names]
    await stranger.follow(await stranger.post(path, [*form.filled(), ("do", "save")]))
    assert len(await house.db.fetch("SELECT id FROM core_consent")) == 1
    stopped = await stranger.follow(await stranger.post(path, [("do", "stop")]))
    assert not [each for each in stopped.all("input") if "checked" in each]


async def test_asking_from_the_page(plugin: Plugin, stranger: Browser, path: str) -> None:
    asked = await stranger.follow(await stranger.post(path, [("do", "access")]))
    assert "You asked for a copy of your data" in asked.text
    await stranger.follow(await stranger.post(path, [("do", "erase")]))
    link = await Links(plugin).opened_by(path.removeprefix(PATH))
    kinds = {each.kind for each in await Requests(plugin).open_of(link.customer)}
    assert kinds == {"access", "erase"}


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [("do", "burn")],
        [("do", "save"), ("quiet_from", "25:00")],
        [("do", "save"), ("quiet_from", "21:00")],
        [("do", "save"), ("customer", "x")],
    ],
)
async def test_bad_forms_change_nothing(
    house: House, stranger: Browser, path: str, bad: list[Any]
) -> None:
    before = await counts(house)
    assert (await stranger.post(path, bad)).status_code == 422
    assert await counts(house) == before


async def test_an_unknown_purpose_is_not_agreed_to(
    house: House, stranger: Browser, path: str
) -> None:
    answer = await stranger.post(path, [("do", "save"), ("agreed", f"burn:{EVIL}")])
    await stranger.follow(answer)
    assert not await house.db.fetch("SELECT id FROM core_consent")


async def test_a_link_that_is_no_good_tells_nothing(
    house: House, plugin: Plugin, stranger: Browser, customer: UUID, path: str
) -> None:
    links = Links(plugin)
    revoked = await links.make(customer, by="system")
    await links.revoke(revoked.id, by="system")
    said = set()
    for wrong in (revoked.address, path[:-1], f"{PATH}nothing", f"{PATH}a.b.c"):
        page = await stranger.page(wrong, status=404)
        said.add(re.sub(r"[0-9a-f]{12}-\w+", "", page.text).replace(wrong, ""))
        assert "Thị" not in page.text
        assert (await stranger.post(wrong, [("do", "stop")])).status_code == 404
    assert len(said) == 1
    assert not await house.db.fetch("SELECT id FROM core_consent")


async def test_one_link_shows_one_customer_whoever_is_signed_in(house: House, path: str) -> None:
    """A member of staff who sees no customers opens it like anybody else."""
    reader = await signed_in(house, "read_only")
    page = await reader.page(path)
    assert "•••• 567" in page.text
    assert (await reader.answer(ROOT)).status_code == 403
    await reader.client.aclose()


class TestLimit:
    @pytest.fixture
    def house_settings(self, house_settings: Settings) -> Settings:
        limits = Limits(token=0, account=0, address=0, sign_in=4)
        return msgspec.structs.replace(house_settings, limits=limits)

    async def test_guessing_is_slow(self, stranger: Browser, path: str) -> None:
        statuses = [(await stranger.answer(f"{PATH}guess{n}")).status_code for n in range(6)]
        assert statuses == [404] * 4 + [429] * 2
        assert (await stranger.answer(path)).status_code == 429


async def test_staff_make_and_revoke_links(
    browser: Browser, stranger: Browser, customer: UUID
) -> None:
    here = f"{ROOT}/customers/{customer}"
    panel = await browser.page(f"/customers/{customer}")
    assert {"href": here} in panel.all("a")
    page = await browser.follow(await sent(browser, here, [("do", "link")]))
    assert "There is a new link." in page.text
    (address,) = [text.strip() for text in page.texts if text.strip().startswith(PATH)]
    await stranger.page(urlsplit(address).path)
    (form,) = [each for each in page.forms if ("do", "revoke") in each.fields]
    page = await browser.follow(await browser.post(here, form.filled()))
    assert "The link is no longer good." in page.text
    await stranger.page(urlsplit(address).path, status=404)


async def test_a_request_by_forms_alone(browser: Browser, customer: UUID) -> None:
    assert "No request is here" in (await browser.page(ROOT)).text
    here = f"{ROOT}/customers/{customer}"
    page = await browser.page(here)
    (form,) = [each for each in page.forms if ("do", "request") in each.fields]
    fields = form.filled(kind="restrict", received_on="2025-03-10", words=EVIL)
    page = await browser.follow(await browser.post(here, fields))
    assert "its clocks run" in page.text
    queue = await browser.page(ROOT)
    assert "Overdue" in queue.text
    (link,) = [a["href"] for a in queue.all("a") if a["href"].startswith(f"{ROOT}/requests/")]
    page = await browser.page(link)
    check = [("do", "check_identity"), ("method", "document"), ("words", "CCCD")]
    assert (await sent(browser, link, check[:1])).status_code == 422
    for step in (
        check,
        [("do", "start")],
        [("do", "extend"), ("days", "5"), ("words", "Chờ bên xử lý.")],
        [("do", "carry_out")],
        [("do", "answer"), ("words", "Đã hạn chế.")],
    ):
        page = await browser.follow(await sent(browser, link, step))
    assert "Answered" in page.text
    assert (await sent(browser, link, [("do", "start")])).status_code == 409
    assert "No request is here" in (await browser.page(ROOT)).text
    assert {"href": link} in (await browser.page(f"{ROOT}?state=answered")).all("a")
    assert "đến hết ngày" in (await browser.page(f"{link}?lang=vi")).text


async def test_who_may_not_handle_requests(house: House, plugin: Plugin, customer: UUID) -> None:
    draft = RequestDraft(customer=customer, kind="access")
    request = await Requests(plugin).receive(draft, by="system")
    sales = await signed_in(house, "sales", policy=None)
    assert (await sales.answer(f"{ROOT}/requests/{request.id}")).status_code in (403, 404)
    here = f"{ROOT}/customers/{customer}"
    answer = await sales.post(here, [("do", "request"), ("kind", "erase")])
    assert answer.status_code in (403, 404)
    assert len(await Requests(plugin).open_of(customer)) == 1
    await sales.client.aclose()


async def test_over_http(client: Any, plugin: Plugin, customer: UUID) -> None:
    api = "/api/v1/plugins/consent"
    made = await client.post(f"{api}/links", json={"customer": str(customer)})
    assert made.status_code == 201, made.text
    revoked = await client.post(f"{api}/links/{made.json()['id']}/revoke")
    assert (revoked.status_code, revoked.json()["address"]) == (200, "")
    body = {"customer": str(customer), "kind": "access", "received_on": "2025-03-10"}
    request = (await client.post(f"{api}/requests", json=body)).json()
    assert request["answer_on"] == "2025-03-12"
    found = (await client.get(f"{api}/requests?state=open")).json()
    assert [each["id"] for each in found["items"]] == [request["id"]]
    move = {"do": "refuse", "words": "Không phải là khách hàng này."}
    moved = await client.post(f"{api}/requests/{request['id']}/moves", json=move)
    assert moved.json()["state"] == "refused"
    assert (await client.get(f"{api}/requests/{request['id']}")).json() == moved.json()
    again = await client.post(f"{api}/requests/{request['id']}/moves", json=move)
    assert again.status_code == 409
    assert not (
        await Preferences(plugin).shown(await Links(plugin).make(customer, by="x"), "vi")
    ).requests
