"""What a demo company lacks so that every page has something to show, made through the forms."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from relatum.access.accounts.types import InvitationDraft
from relatum.app.house import House
from relatum.customers.types import CustomerDraft
from relatum.values.ids import new_id
from relatum_consent.api import link_for
from tests.browser.site import OWNER, PASSWORD, Site

_CSRF = re.compile(r'<input type="hidden" name="csrf" value="([^"]+)"')
_CHART = "metric=core.new_customers&range=last_12_months&by=kind&kind=stacked"
_FILE = ("khach moi.csv", "Mã KH;Họ và tên;Liên lạc\nM1;Lê Thị Mùa;0912 000 111\n".encode())

#: A rule of retention, for the settings of the site: without one nobody is listed.
RETENTION = '[[plugins.consent.retention]]\nid = "idle_people"\nidle_days = 1095\n'
_LONG_AGO = dt.datetime(2020, 1, 5, tzinfo=dt.UTC)


class Hands:
    """Somebody who fills in forms without a browser.

    Attributes:
        site: where.
        state: the cookies, as a browser takes them.
    """

    def __init__(self, site: Site, email: str = OWNER) -> None:
        self.site = site
        self._client = httpx.Client(base_url=site.url, timeout=30)
        self._proof: dict[str, str] = {}
        self.send("/sign-in", email=email, password=PASSWORD, next="/")
        host = str(urlsplit(site.url).hostname)
        self.state: Any = {
            "cookies": [
                {"name": each.name, "value": each.value, "domain": host, "path": each.path}
                for each in self._client.cookies.jar
            ],
            "origins": [],
        }
        account = self._client.get("/account")
        assert account.status_code == 200, site.said()
        found = _CSRF.search(account.text)
        assert found is not None, "forms carry a proof of their origin"
        self._proof = {"csrf": found[1]}

    def __enter__(self) -> Hands:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def send(self, path: str, files: Any = None, **fields: Any) -> str:
        """Send a form; where it leads."""
        answer = self._client.post(path, data={**self._proof, **fields}, files=files)
        assert answer.status_code in (302, 303), f"{path}: {answer.status_code}"
        return urlsplit(answer.headers["location"]).path

    def first(self, path: str, pattern: str, *, seconds: float = 0) -> str:
        """What a pattern finds first on a page, looked at again for so long."""
        until = time.monotonic() + seconds
        while (found := re.search(pattern, self._client.get(path).text)) is None:
            assert time.monotonic() < until, f"{path}: nothing like {pattern}"
            time.sleep(0.2)
        return found[1]


def furnish(hands: Hands) -> None:
    """A kept chart and its schedule, an own dashboard, a view, a rule, an import, a run."""
    chart = hands.send("/charts", title="Khách mới theo loại", query=_CHART)
    hands.send("/reports/schedules", what=f"chart:{chart.rpartition('/')[2]}")
    hands.send("/dashboards", title="Của tôi")
    hands.send("/views", title="Khách quen")
    condition = {"attribute1": "tag", "sense1": "is", "values1": "vip"}
    hands.send("/rules/new", key="vip", title_en="Regulars", title_vi="Khách quen", **condition)
    hands.send("/imports/new", files={"file": _FILE})
    hands.send("/settings/jobs/core.access_sweep/run")
    customer = hands.first("/customers?sort=name", r"/customers/([0-9a-f-]{36})")
    hands.send(f"/p/consent/customers/{customer}", do="link")
    hands.send(f"/p/consent/customers/{customer}", do="request", kind="restrict")
    hands.send("/p/consent/breaches", do="record", words="Mất máy tính xách tay")
    lose_sight_of(hands.site)
    hands.send("/settings/jobs/consent.retention/run")
    hands.send("/settings/jobs/data_quality.evaluate/run")
    hands.first("/p/data_quality/queue", r"(/p/data_quality/findings/[0-9a-f-]{36})", seconds=60)
    wanted = {"kind": "required", "field": "point:zalo", "do": "save"}
    hands.send("/p/data_quality/rules/new", title_vi="Chưa có Zalo", title_en="No Zalo", **wanted)
    hands.first("/p/consent/retention", r'name="entries" value="([0-9a-f-]{36})"', seconds=60)


def lose_sight_of(site: Site) -> None:
    """Two with whom nobody has had anything to do for years."""
    people = [CustomerDraft(display_name=name) for name in ("Đỗ Văn Xưa", "Phạm Thị Cũ")]

    async def make(house: House) -> None:
        for id in await house.customers.create(people, by="system"):
            await house.db.execute(
                "UPDATE core_customer SET created_at = ?, updated_at = ? WHERE id = ?",
                *(_LONG_AGO, _LONG_AGO, id),
            )

    site.inside(make)


def doors(site: Site) -> list[str]:
    """Where those begin who have not signed in: three of them by links that only they have."""

    async def make(house: House) -> list[str]:
        name = f"new-{new_id()}"
        draft = InvitationDraft(name=name, email=f"{name}@example.com", roles=["sales"])
        invited = await house.accounts.invite(draft, by="system")
        found = await house.db.fetch_one("SELECT id FROM core_account WHERE email = ?", OWNER)
        assert found is not None
        reset = await house.accounts.reset_link(found[0], by="system")
        links = ("/invitation", invited), ("/password-reset", reset)
        person = await house.db.fetch_one("SELECT id FROM core_customer ORDER BY id LIMIT 1")
        assert person is not None
        own = urlsplit(await link_for(house, person[0], by="system")).path
        return ["/sign-in", own, *(f"{path}?key={link.secret}" for path, link in links)]

    made: list[str] = site.inside(make)
    return made
