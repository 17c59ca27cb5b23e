"""The page of one customer with six panels of plugins, as people ask for it: whole requests.

In the company of :mod:`benchmarks.lists`; one customer gets 5,000 interactions of six kinds.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from benchmarks.company import CUSTOMERS, INTERACTIONS
from benchmarks.houses import NO_LIMITS
from benchmarks.lists import VIEWERS, Asked, Times, _client, _databases, _of
from benchmarks.measures import Condition, Measure, Reading
from benchmarks.million import account
from benchmarks.rounds import percentile
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.app.serve import settle
from relatum.config.settings import Settings
from relatum.hooks.screens import Panel
from relatum.importing.acting import viewer_of
from relatum.interactions.types import InteractionDraft
from relatum.values.text import Text
from relatum.values.time import now

LIMIT = 150
PANELS = 6
LOOKED_AT = 40
MANY = 5_000
KINDS: dict[str, dict[str, Any]] = {
    "core.note": {"text": "Khách hỏi giá gói doanh nghiệp, hẹn gọi lại tuần sau."},
    "core.call": {"seconds": 281, "summary": "Báo giá"},
    "core.meeting": {"title": "Gặp tại văn phòng", "minutes": 45},
    "core.message": {"subject": "Báo giá tháng 11", "text": "Gửi anh chị báo giá."},
    "core.visit": {"place": "Cửa hàng Lê Lợi"},
    "core.purchase": {"item": "Bộ ấm chén", "quantity": "5", "unit_price": "640000"},
}


def customer_page() -> Reading:
    """Pages of many customers, and of one with whom very much happened."""
    times = [each for name, url in _databases() for each in asyncio.run(_times(name, url))]
    worst = max(times, key=lambda each: each.p95)
    busiest = max(percentile(each.busy, 0.95) for each in times)
    return Reading(
        value=worst.p95,
        heads=["database", "who, of whom", "p50 ms", "p95 ms", "busy p95 ms"],
        rows=[
            [
                *(each.database, each.viewer, percentile(each.clock, 0.5), each.p95),
                percentile(each.busy, 0.95),
            ]
            for each in times
        ],
        conditions=[Condition("processor time", busiest, "ms", LIMIT)],
        notes=[
            f"{CUSTOMERS:,} customers, {INTERACTIONS:,} interactions",
            f"{PANELS} panels that each ask the database; {LOOKED_AT} customers for each viewer",
            f"many: one with {MANY:,} interactions, also filtered and with words",
        ],
    )


async def _times(name: str, url: str) -> list[Times]:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as home:
        Path(home, "relatum.toml").write_text(NO_LIMITS, encoding="utf-8")  # noqa: ASYNC240
        settings = Settings(home=Path(home), database=url, durability="normal", safe_mode=True)
        async with await House.open(settings) as house:
            for number in range(PANELS):
                house.registry.panels.put(_panel(number))
            busy = await _busy_customer(house)
            app = create_app(house)
            settle()
            found = []
            for viewer, number in VIEWERS.items():
                client = await _client(house, app, number)
                ids = await _seen(house, number)
                asked: Asked = [(f"/customers/{id}?in=sort%3Ddisplay_name", {}) for id in ids]
                found.append(await _of(name, viewer, client, asked))
                if number == VIEWERS["owner"]:
                    many = [f"/customers/{busy}{end}" for end in ("", "?kind=core.call", "?q=gia")]
                    found.append(
                        await _of(name, f"{viewer}, many", client, [(path, {}) for path in many])
                    )
            return found


async def _seen(house: House, number: int) -> list[UUID]:
    """Some customers that a colleague sees."""
    viewer = await viewer_of(house, account(number), f"person:{account(number)}")
    async with house.sights.looking_as(viewer):
        rows = await house.db.fetch("SELECT id FROM core_customer LIMIT 2000")
    return Random(number).sample([id for (id,) in rows], min(LOOKED_AT, len(rows)))


async def _busy_customer(house: House) -> UUID:
    rows = await house.db.fetch("SELECT id FROM core_customer LIMIT 1")
    customer: UUID = rows[0][0]
    moment = now()
    drafts = [
        InteractionDraft(
            kind=kind,
            customer_id=customer,
            channel="phone" if kind == "core.call" else "web",
            occurred_at=moment - dt.timedelta(hours=5 * number),
            payload=payload,
        )
        for number in range(MANY)
        for kind, payload in [list(KINDS.items())[number % len(KINDS)]]
    ]
    await house.interactions.record(drafts, by="system")
    return customer


def _panel(number: int) -> Panel:
    async def load(plugin: Any, visit: Any) -> dict[str, Any]:
        rows = await visit.house.db.fetch(
            "SELECT kind, count(*) FROM core_interaction WHERE customer_id = ? GROUP BY kind",
            visit.subject.id,
        )
        return {"payload": {"text": ", ".join(f"{kind}: {count}" for kind, count in rows)}}

    return Panel(
        id=f"core.bench_{number}",
        slot="customer.side" if number % 2 else "customer.main",
        title=Text(en=f"Panel {number}", vi=f"Khung {number}"),
        permission="core.customers.read",
        template="relatum/kinds/note.html",
        load=load,
    )


MEASURES = [
    Measure(
        id="web.customer",
        title="the page of a customer with six panels of plugins, the whole request, p95",
        unit="ms",
        limit=LIMIT,
        goal="at most",
        run=customer_page,
    ),
]
