"""Data that leaves: for whoever may, as they see it, with a second person, by a link that ends."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import msgspec
import pytest

from relatum.config.settings import Exports
from tests.security.canaries import leaks, told
from tests.security.people import PEOPLE
from tests.security.site import Site, Template, served

EXPORTERS = [
    name for name in PEOPLE if name in ("owner", "manager", "marketing", "analyst", "newcomer")
]
FORMATS = ("csv", "xlsx", "jsonl")


async def ask_for(site: Site, name: str, target: str, kind: str) -> dict[str, Any]:
    draft = {"target": target, "format": kind, "why": "kiểm thử"}
    answer = await site.visitor(name).ask("POST", "/api/v1/exports", json=draft)
    assert answer.status_code == 202, f"{name} {target}: {answer.text}"
    await site.house.worker.drain()
    shown = await site.visitor(name).json(f"/api/v1/exports/{answer.json()['id']}")
    return dict(shown)


async def link_to(site: Site, name: str, id: str) -> httpx.Response:
    return await site.visitor(name).ask("POST", f"/api/v1/exports/{id}/link")


async def fetched(site: Site, name: str, id: str) -> httpx.Response:
    link = await link_to(site, name, id)
    assert link.status_code == 200, link.text
    return await site.visitor(name).get(link.json()["url"])


def text_of(content: bytes) -> str:
    """The text of a file, of a workbook with all its parts."""
    if not content.startswith(b"PK"):
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as workbook:
        return "\n".join(workbook.read(name).decode() for name in workbook.namelist())


async def test_exports_hold_what_is_seen(template: Template, copied: Any) -> None:
    """Every kind of data in every format, for everybody who may take it out."""
    plenty = Exports(approval_above=100_000)
    async with served(*copied("plenty"), template, exports=plenty) as site:
        targets = sorted(site.house.registry.import_targets.ids())
        wrong, read = [], 0
        for name in EXPORTERS:
            for n, target in enumerate(targets):
                if not site.holds(name, site.house.registry.import_targets.get(target).permission):
                    continue
                kind = FORMATS[n % len(FORMATS)]
                export = await ask_for(site, name, target, kind)
                assert export["state"] == "ready", export
                text = text_of((await fetched(site, name, export["id"])).content)
                if export["records"]:
                    assert export["person"] in text, "no watermark"
                found = leaks(site.world.canaries, PEOPLE[name].eyes, text)
                read += len(site.world.canaries.found(text))
                if found:
                    wrong.append(f"{name}: {target} as {kind}:\n{told(found)}")
    assert not wrong, "\n".join(wrong)
    assert read > 500, "the files hold next to nothing"


async def test_who_may_not_export_may_not(site: Site) -> None:
    draft = {"target": "core.customers", "format": "csv", "why": "kiểm thử"}
    for name in PEOPLE:
        may = site.holds(name, "core.exports.write")
        answer = await site.visitor(name).ask("POST", "/api/v1/exports", json=draft)
        assert answer.status_code == (202 if may else 403), f"{name}: {answer.text}"


async def test_ac_sec_11_a_large_export_needs_two_people(site: Site) -> None:
    export = await ask_for(site, "owner", "core.interactions", "csv")
    assert export["state"] == "waiting"
    path = f"/api/v1/exports/{export['id']}"
    assert (await link_to(site, "owner", export["id"])).status_code == 409, "there is no file"
    own = await site.visitor("owner").ask("POST", f"{path}/approve", json={"why": "x"})
    assert own.status_code == 403, "nobody lets their own go"
    for name in ("an", "analyst", "care"):
        answer = await site.visitor(name).ask("POST", f"{path}/approve", json={"why": "x"})
        assert answer.status_code == 403, name
    second = await site.signed_in("owner")
    assert (await second.ask("POST", f"{path}/approve", json={"why": "x"})).status_code == 403
    let = await site.visitor("manager").ask("POST", f"{path}/approve", json={"why": "được"})
    assert let.status_code == 200, let.text
    await site.house.worker.drain()
    file = await fetched(site, "owner", export["id"])
    assert file.status_code == 200
    assert "Owner" in file.text, "the watermark names who took it out"
    await _events_tell(site, export["id"])


async def _events_tell(site: Site, id: str) -> None:
    items = (await site.visitor("owner").json("/api/v1/audit", params={"limit": "200"}))["items"]
    about = [each for each in items if id in msgspec.json.encode(each).decode()]
    assert len(about) >= 4, "asked, waits, let go, written, fetched"
    assert len({each["by"] if "by" in each else str(each["who"]) for each in about}) >= 2


async def test_ac_sec_11_slices_below_the_limit_are_counted_together(site: Site) -> None:
    """Forty records a day go out alone; asking four times for twelve is asking for more."""
    states = [(await ask_for(site, "analyst", "core.customers", "csv"))["state"] for _ in range(4)]
    assert states == ["ready", "ready", "ready", "waiting"]


async def test_ac_sec_11_a_robot_is_no_second_person(site: Site) -> None:
    export = await ask_for(site, "owner", "core.interactions", "csv")
    robot = await site.visitor("owner").ask(
        "POST", "/api/v1/service-accounts", json={"name": "Máy", "roles": ["manager"]}
    )
    token = await site.visitor("owner").ask(
        "POST", f"/api/v1/service-accounts/{robot.json()['id']}/tokens", json={"name": "x"}
    )
    answer = await site.client.post(
        f"/api/v1/exports/{export['id']}/approve",
        json={"why": "x"},
        headers={"authorization": f"Bearer {token.json()['secret']}"},
    )
    assert answer.status_code == 403, answer.text


async def test_ac_sec_10_a_link_is_for_one_file_one_person_and_a_quarter_of_an_hour(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await ask_for(site, "analyst", "core.customers", "csv")
    other = await ask_for(site, "analyst", "core.customers", "csv")
    url = (await link_to(site, "analyst", first["id"])).json()["url"]
    visitor = site.visitor("analyst")
    assert (await visitor.get(url)).status_code == 200
    assert (await visitor.get(url.replace(first["id"], other["id"]))).status_code == 403
    assert (await site.visitor("owner").get(url)).status_code in (403, 404)
    assert (await site.stranger.get(url)).status_code == 401
    for changed in _changed(url):
        answer = await visitor.get(changed)
        assert answer.status_code in (400, 403), f"{changed}: {answer.text}"
    later = time.time() + 15 * 60 + 5
    monkeypatch.setattr(site.house.exports._links, "_clock", lambda: later)
    assert (await visitor.get(url)).status_code == 403, "it has ended"


def _changed(url: str) -> list[str]:
    """The link with each part of its query made longer, left out, or changed by one letter."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    changed = [parts.path]
    for name, value in query.items():
        rest = {key: each for key, each in query.items() if key != name}
        last = "0" if value[-1] != "0" else "1"
        ones = (value + "0", value[:-1] + last, value[:-1])
        changed += [f"{parts.path}?{urlencode({**rest, name: one})}" for one in ones]
        changed.append(f"{parts.path}?{urlencode(rest)}")
    return changed
