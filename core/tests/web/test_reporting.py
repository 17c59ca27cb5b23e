"""Dashboards, charts, the rows behind figures and schedules, as people use them without scripts."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.app.house import House
from relatum.customers.types import CustomerDraft
from relatum.hooks.screens import Point
from relatum.interactions.types import Amount, InteractionDraft
from relatum.values.time import now

PAGES = (
    "/",
    "/?arrange=1",
    "/?range=last_3_years&compare=none&whole=1",
    "/dashboards/standard",
    "/dashboards/standard/boxes/t0",
    "/charts",
    "/charts/new",
    "/charts/new?metric=core.revenue&range=days&first=2026-01-01&last=2026-02-01&kind=table",
    "/charts/new?metric=core.interactions&by=channel&kind=stacked&compare=before&most=2",
    "/charts/new?metric=core.new_customers&kind=number&compare=year_before",
    "/figures/core.new_customers/rows",
    "/reports",
    "/reports/schedules",
)


@pytest.fixture
async def busy(browser: Browser) -> Browser:
    """A house in which something has happened."""
    house = browser.house
    drafts = [CustomerDraft(display_name=f"Khách {n} {EVIL}", tags=[EVIL[:60]]) for n in range(3)]
    ids = await house.customers.create(drafts, by="system")
    said = [
        InteractionDraft(
            kind="core.purchase",
            customer_id=id,
            channel="zalo",
            direction="in",
            occurred_at=now(),
            payload={},
            money=Amount(1_500_000 * (n + 1), "VND" if n else "USD"),
        )
        for n, id in enumerate(ids)
    ]
    await house.interactions.record(said, by="system")
    return browser


def boxes(page: Any) -> list[str]:
    """The ids of the boxes in their order."""
    return [each["data-tile"] for each in page.all("section") if "data-tile" in each]


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_pages_are_clean_and_escaped(busy: Browser, path: str, language: str) -> None:
    page = await busy.page(f"{path}{'&' if '?' in path else '?'}lang={language}")
    assert page.planted == []


async def test_an_empty_house_says_where_to_begin(browser: Browser) -> None:
    page = await browser.page("/")
    assert "Bạn muốn bắt đầu từ đâu?" in page.text
    assert {"/customers/new", "/imports/new"} <= {a["href"] for a in page.all("a")}
    await browser.house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    assert "Bạn muốn bắt đầu từ đâu?" not in (await browser.page("/")).text


async def test_a_figure_leads_to_exactly_its_rows(busy: Browser) -> None:
    page = await busy.page("/")
    (href,) = {
        a["href"] for a in page.all("a") if a["href"].startswith("/figures/core.new_customers/")
    }
    rows = await busy.page(href)
    assert "Con số này gồm 3 dòng." in rows.text
    assert len([a for a in rows.all("a") if re.match(r"/customers/[0-9a-f-]{36}", a["href"])]) == 3
    assert EVIL in rows.text


async def test_other_currencies_are_not_added_up(busy: Browser) -> None:
    page = await busy.page("/charts/new?metric=core.revenue&kind=number&range=today")
    assert "7,5 Tr ₫" in page.text.replace("\xa0", " ")
    assert "15.000,00" in page.text


async def moved(busy: Browser, board: str, box: str, move: str) -> Any:
    """The page after one step with a box."""
    return await busy.follow(await press(busy, f"/dashboards/{board}/boxes/{box}", move=move))


async def press(busy: Browser, path: str, **fields: Any) -> Any:
    """Send a form with the proof that a page of ours sent it."""
    page = await busy.page("/account")
    proof = next(m["content"] for m in page.all("meta") if m.get("name") == "csrf")
    pairs = [("csrf", proof)]
    for name, value in fields.items():
        pairs += [(name, each) for each in (value if isinstance(value, list) else [value])]
    return await busy.post(path, pairs)


def id_of(page: Any) -> str:
    """The id of the dashboard that is being arranged."""
    (action,) = [f.action for f in page.forms if f.action.endswith("/boxes")]
    return str(action.split("/")[2])


async def test_a_dashboard_is_arranged_step_by_step(busy: Browser) -> None:
    first = boxes(await busy.page("/?arrange=1"))
    page = await moved(busy, "standard", first[0], "later")
    id = id_of(page)
    assert id != "standard", "the first change makes a copy"
    assert boxes(page) == [first[1], first[0], *first[2:]]
    page = await moved(busy, id, first[1], "wider")
    assert [s["class"] for s in page.all("section") if s.get("data-tile") == first[1]] == [
        "card w2 arranging"
    ]
    page = await moved(busy, id, first[0], "remove")
    assert first[0] not in boxes(page)
    (undo,) = [f.action for f in page.forms if "/back/" in f.action]
    page = await busy.follow(await busy.send(page, undo))
    assert boxes(page) == [first[1], first[0], *first[2:]]
    page = await busy.follow(
        await busy.send(page, f"/dashboards/{id}/boxes", what="widget:core.customers")
    )
    assert len(boxes(page)) == len(first) + 1
    assert boxes(await busy.page("/")) == boxes(page), "one begins with it from now on"
    order = list(reversed(boxes(page)))
    page = await busy.follow(await press(busy, f"/dashboards/{id}/order", order=order))
    assert boxes(page) == order


async def test_a_dashboard_goes_and_comes_back(busy: Browser) -> None:
    page = await busy.page("/?arrange=1")
    page = await busy.follow(await busy.send(page, "/dashboards", title=EVIL[:60]))
    id = id_of(page)
    assert EVIL[:60] in page.text
    page = await busy.follow(await busy.send(page, f"/dashboards/{id}/delete"))
    await busy.page(f"/dashboards/{id}", status=404)
    page = await busy.follow(await busy.send(page, f"/dashboards/{id}/restore"))
    assert EVIL[:60] in page.text
    page = await busy.page(f"/dashboards/{id}?arrange=1")
    refused = busy.shown(await busy.send(page, f"/dashboards/{id}/settings", title=""), 422)
    assert "Vui lòng điền mục này." in refused.text


async def test_a_role_begins_with_its_dashboard(core_house: House, busy: Browser) -> None:
    page = await busy.page("/?arrange=1")
    page = await busy.follow(await busy.send(page, "/dashboards", title="Của bán hàng"))
    id = id_of(page)
    sent = {"title": "Của bán hàng", "shared": "role", "role": "sales", "is_default": "on"}
    await busy.follow(await busy.send(page, f"/dashboards/{id}/settings", **sent))
    seller = await signed_in(core_house, "sales")
    assert "Của bán hàng" in (await seller.page("/")).text
    answer = await press(seller, f"/dashboards/{id}/delete")
    assert answer.status_code == 403, "it is shown, not given"
    page = await moved(seller, id, "t0", "remove")
    assert id_of(page) != id
    await seller.client.aclose()
    stranger = await signed_in(core_house, "care")
    await stranger.page(f"/dashboards/{id}", status=404)
    assert "Của bán hàng" not in (await stranger.page("/")).text
    await stranger.client.aclose()


async def kept_chart(busy: Browser, **more: str) -> str:
    """The path of a chart that is kept through the builder."""
    page = await busy.page("/charts/new?metric=core.interactions&by=channel&range=today")
    answer = await busy.send(page, "/charts", title=f"Theo kênh {EVIL}", **more)
    await busy.follow(answer)
    return str(answer.headers["location"])


async def test_a_chart_is_kept_changed_shared_and_deleted(core_house: House, busy: Browser) -> None:
    path = await kept_chart(busy)
    page = await busy.page(path)
    assert EVIL in page.text
    (edit,) = {a["href"] for a in page.all("a") if a["href"].startswith("/charts/new?")}
    other = await signed_in(core_house, "care")
    await other.page(path, status=404)
    builder = await busy.page(edit)
    answer = await busy.send(builder, "/charts", title="Khác", shared="everybody")
    assert answer.headers["location"] == path, "the same chart, not another one"
    page = await other.page(path)
    assert "Khác" in page.text
    assert (await press(other, f"{path}/delete")).status_code == 403
    await other.client.aclose()
    page = await busy.page(path)
    page = await busy.follow(await busy.send(page, f"{path}/delete"))
    await busy.page(path, status=404)
    page = await busy.follow(await busy.send(page, f"{path}/restore"))
    assert "Khác" in page.text


async def test_a_chart_stands_on_a_dashboard_and_says_when_it_is_gone(busy: Browser) -> None:
    page = await busy.page("/?arrange=1")
    page = await busy.follow(await busy.send(page, "/dashboards", title="Kênh"))
    id = id_of(page)
    path = await kept_chart(busy, board=id)
    assert f"Theo kênh {EVIL}" in (await busy.page(f"/dashboards/{id}")).text
    await press(busy, f"{path}/delete")
    assert "Nội dung ở đây không còn" in (await busy.page(f"/dashboards/{id}")).text


async def test_figures_leave_as_files_that_run_nothing(busy: Browser) -> None:
    path = await kept_chart(busy)
    answer = await busy.answer(f"{path}/file?format=csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [line[-1] for line in lines[3:]] == ["3"]
    answer = await busy.answer(
        "/figures/core.revenue/file?metric=core.revenue&range=today&format=csv"
    )
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert sorted(lines[-1][2:]) == ["15000.00", "7500000"]
    answer = await busy.answer(f"{path}/file?format=xlsx")
    assert answer.content[:2] == b"PK"


async def test_one_metric_that_fails_takes_nothing_with_it(busy: Browser, monkeypatch: Any) -> None:
    from msgspec.structs import replace

    registry = busy.house.registry
    metric = registry.metrics.get("core.revenue")

    async def broken(*_: Any) -> list[Point]:
        raise RuntimeError("deliberate")

    monkeypatch.setitem(registry.metrics._items, metric.id, replace(metric, points=broken))
    page = await busy.page("/")
    assert page.text.count("Không tính được số liệu này") == 2
    assert "Khách hàng mới" in page.text


async def test_a_slow_box_comes_after_the_page(busy: Browser, monkeypatch: Any) -> None:
    import asyncio

    from msgspec.structs import replace

    registry = busy.house.registry
    metric = registry.metrics.get("core.revenue")

    async def slow(*asked: Any) -> Any:
        await asyncio.sleep(1)
        return await metric.points(*asked)

    monkeypatch.setitem(registry.metrics._items, metric.id, replace(metric, points=slow))
    page = await busy.page("/")
    later = [s for s in page.all("section") if "hx-get" in s]
    assert len(later) == 2
    part = await busy.answer(
        later[0]["hx-get"],
        **{
            "hx-request": "true",
            "hx-request-type": "partial",
            "hx-target": f"section#{later[0]['id']}",
        },
    )
    assert part.status_code == 200
    assert part.text.lstrip().startswith("<section")
    assert "7,5" in part.text


async def test_questions_that_cannot_be_are_refused(busy: Browser) -> None:
    await busy.page("/figures/core.nothing/rows", status=404)
    await busy.page("/figures/core.revenue/rows?only=nothing:1", status=422)
    await busy.page("/figures/core.revenue/rows?first=2026-02-30&last=2026-03-01", status=422)
    await busy.page("/figures/core.new_customers/rows?only=owner:nobody", status=422)
    page = await busy.page("/charts/new?metric=core.revenue&range=days&first=x&last=y")
    assert "Hãy chọn ngày đầu" in page.text
    page = await busy.page(
        "/charts/new?metric=core.revenue&range=days&first=2020-01-01&last=2026-01-01&period=day"
    )
    assert "Hãy chọn kỳ dài hơn" in page.text


async def test_a_file_is_made_on_its_schedule(core_house: House, busy: Browser) -> None:
    path = await kept_chart(busy)
    page = await busy.page(f"/reports/schedules?what=chart:{path.rpartition('/')[2]}")
    assert "Chưa gửi qua email" in page.text
    page = await busy.follow(await busy.send(page, "/reports/schedules", format="csv", every="day"))
    (order,) = [f.action for f in page.forms if f.action.endswith("/now")]
    await busy.follow(await busy.send(page, order))
    await core_house.worker.drain()
    page = await busy.page("/reports/schedules")
    (file,) = [a["href"] for a in page.all("a") if a["href"].startswith("/reports/files/")]
    answer = await busy.answer(file)
    assert answer.content.decode("utf-8-sig").lstrip('"').startswith("Theo kênh")
    other = await signed_in(core_house, "manager")
    await other.page(file, status=404)
    await other.client.aclose()
    (end,) = [f.action for f in page.forms if f.action.endswith("/end")]
    await busy.follow(await busy.send(page, end))
    await busy.page(file, status=404)
