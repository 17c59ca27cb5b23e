"""Jobs, runs, event handlers and backups by their pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from core.tests.web.browsing import EVIL, Browser, Page, signed_in
from relatum.app.house import House
from relatum.customers.types import CustomerDraft
from relatum.events.types import Event
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Handler, Job, Retry
from relatum.moving.backups import backup_folder
from relatum.values.text import Text

ONCE = Retry(attempts=1)


class Say(msgspec.Struct):
    word: str = ""


def declare(house: House, name: str, fail: str = "", **more: Any) -> str:
    """A job of core that ends well, or fails with a text."""

    async def run(plugin: Plugin, run: Any) -> None:
        await run.report(1, 4, "một phần")
        if fail:
            raise ValueError(fail)

    title = Text(en=f"Do {name}", vi=f"Làm {name}")
    house.registry.jobs.put(Job(id=f"core.{name}", title=title, run=run, retry=ONCE, **more))
    return f"core.{name}"


def csrf_of(page: Page) -> list[tuple[str, str]]:
    return [pair for pair in page.form("/sign-out").fields if pair[0] == "csrf"]


async def test_jobs_and_their_schedules_are_shown(browser: Browser) -> None:
    declare(browser.house, "often", every=dt.timedelta(hours=2))
    declare(browser.house, "nightly", daily_at="02:30")
    page = await browser.page("/settings/jobs")
    for text in ("Làm often", "mỗi 2 giờ", "hằng ngày lúc 02:30", "khi được yêu cầu"):
        assert text in page.text
    assert "/settings/jobs/core.run_import/run" not in [form.action for form in page.forms]
    assert "every 2 h" in (await browser.page("/settings/jobs?lang=en")).text


async def test_a_job_is_run_and_its_run_looked_at(browser: Browser) -> None:
    job = declare(browser.house, "well")
    page = await browser.page("/settings/jobs")
    answer = await browser.send(page, f"/settings/jobs/{job}/run")
    page = await browser.follow(answer)
    assert "đang chờ" in page.text
    await browser.house.worker.drain()
    page = await browser.page(answer.headers["location"])
    assert "đã xong" in page.text
    assert page.all("progress") == []
    csrf = csrf_of(page)
    refused = await browser.post(f"{answer.headers['location']}/retry", csrf)
    browser.shown(refused, 409)
    nothing = await browser.post(f"/settings/jobs/runs/{browser.account}/retry", csrf)
    browser.shown(nothing, 404)
    nothing = await browser.post("/settings/jobs/core.nothing/run", csrf)
    browser.shown(nothing, 404)


async def test_what_failed_is_tried_again_or_let_go_of(browser: Browser) -> None:
    house = browser.house
    job = declare(house, "badly", fail=EVIL, args=Say)
    first, second = [await house.jobs.enqueue(job, Say(word="tối mật")) for _ in range(2)]
    await house.worker.drain()
    page = await browser.page(f"/settings/jobs/runs?job={job}&state=failed")
    assert page.text.count(EVIL) == 2
    page = await browser.page(f"/settings/jobs/runs/{first}")
    assert EVIL in page.text
    assert "tối mật" in page.text
    page = await browser.follow(await browser.send(page, f"/settings/jobs/runs/{first}/retry"))
    assert "đang chờ" in page.text
    page = await browser.follow(await browser.send(page, f"/settings/jobs/runs/{first}/cancel"))
    assert "đã huỷ" in page.text
    page = await browser.page(f"/settings/jobs/runs/{second}")
    page = await browser.follow(await browser.send(page, f"/settings/jobs/runs/{second}/drop"))
    assert "đã huỷ" in page.text
    await house.jobs.enqueue(job)
    await house.worker.drain()
    page = await browser.page("/settings/jobs")
    page = await browser.follow(await browser.send(page, f"/settings/jobs/{job}/retry"))
    assert "Đang chạy lại 1 lượt." in page.text


async def test_runs_are_found_by_job_state_and_day(browser: Browser) -> None:
    house = browser.house
    well, badly = declare(house, "well"), declare(house, "badly", fail="x")
    for job in (well, well, badly):
        await house.jobs.enqueue(job)
    await house.worker.drain()

    async def rows(query: str) -> int:
        page = await browser.page(f"/settings/jobs/runs?{query}")
        return max(len(page.all("tr")) - 1, 0)

    assert await rows(f"job={well}") == 2
    assert await rows(f"job={badly}&state=failed") == 1
    assert await rows(f"job={badly}&state=succeeded") == 0
    assert await rows(f"job={well}&last=2020-01-01") == 0
    assert await rows(f"job={well}&first=2020-01-01") == 2
    assert await rows(f"job={well}&first=2999-01-01") == 0
    page = await browser.page("/settings/jobs/runs?state=nonsense&first=gestern", status=422)
    assert "Hãy nhập một ngày." in page.text
    for _ in range(60):
        await house.jobs.enqueue(well)
    page = await browser.page(f"/settings/jobs/runs?job={well}")
    following = next(a["href"] for a in page.all("a") if a.get("rel") == "next")
    assert len((await browser.page(f"/settings/jobs/runs{following}")).all("tr")) - 1 == 12


async def test_who_only_looks_is_told_the_kind_of_an_error(
    core_house: House, browser: Browser
) -> None:
    job = declare(core_house, "badly", fail="khách Lan", args=Say)
    run = await core_house.jobs.enqueue(job, Say(word="tối mật"))
    await core_house.worker.drain()
    manager = await signed_in(core_house, "manager")
    for path in (f"/settings/jobs/runs/{run}", "/settings/jobs/runs", "/settings/jobs"):
        page = await manager.page(path)
        assert "Lan" not in page.text
        assert "mật" not in page.text
        assert [form.action for form in page.forms if form.action.startswith("/settings/")] in (
            [],
            ["/settings/jobs/runs"],
        )
    assert "ValueError" in (await manager.page(f"/settings/jobs/runs/{run}")).text
    csrf = csrf_of(page)
    manager.shown(await manager.post(f"/settings/jobs/runs/{run}/retry", csrf), 403)
    await manager.client.aclose()
    sales = await signed_in(core_house, "sales")
    for path in ("/settings/jobs", "/settings/handlers", "/settings/backups"):
        assert (await sales.answer(path)).status_code == 403
    await sales.client.aclose()


class Follower:
    """A handler of core that fails for some customers."""

    def __init__(self, house: House) -> None:
        self.bad: set[UUID | None] = set()
        house.registry.handlers.put(
            Handler(
                id="core.probe",
                events=("core.customer_created",),
                handle=self.handle,
                reset=self.reset,
            )
        )

    async def handle(self, plugin: Plugin, events: Sequence[Event]) -> None:
        if any(event.customer in self.bad for event in events):
            raise ValueError(f"Lan {EVIL}")

    async def reset(self, plugin: Plugin) -> None:
        pass


@pytest.fixture
def follower(browser: Browser) -> Follower:
    return Follower(browser.house)


async def test_handlers_their_position_and_what_they_could_not_take(
    browser: Browser, follower: Follower
) -> None:
    house = browser.house
    drafts = [CustomerDraft(display_name=name) for name in ("Minh", "Lan", "Hoa")]
    ids = await house.customers.create(drafts, by="system")
    follower.bad = {ids[1]}
    page = await browser.page("/settings/handlers")
    assert "đang đuổi kịp" in page.text
    await house.handlers.run_once()
    page = await browser.page("/settings/handlers")
    assert EVIL in page.text
    page = await browser.page("/settings/handlers/core.probe")
    assert "Lan" in page.text
    assert "sẽ thử lại" in page.text
    assert EVIL in page.text
    assert f"/customers/{ids[1]}" in {a["href"] for a in page.all("a")}
    assert "Nội dung" in page.text

    page = await browser.follow(await browser.send(page, "/settings/handlers/core.probe/retry"))
    assert "Đã xử lý được 0 sự kiện." in page.text
    follower.bad = set()
    page = await browser.follow(await browser.send(page, "/settings/handlers/core.probe/retry"))
    assert "Đã xử lý được 1 sự kiện." in page.text
    assert "Mọi sự kiện đều đã được xử lý." in page.text
    page = await browser.follow(await browser.send(page, "/settings/handlers/core.probe/pause"))
    assert "Đang tạm dừng." in page.text
    page = await browser.follow(await browser.send(page, "/settings/handlers/core.probe/resume"))
    page = await browser.follow(await browser.send(page, "/settings/handlers/core.probe/replay"))
    assert "Đang chạy lại từ đầu nhật ký" in page.text
    await house.handlers.run_once()
    page = await browser.page("/settings/handlers/core.probe")
    assert "Đang chạy lại từ đầu nhật ký" not in page.text
    csrf = csrf_of(page)
    browser.shown(await browser.post("/settings/handlers/core.nothing/retry", csrf), 404)


async def test_a_parked_event_tells_nothing_of_whom_one_does_not_see(
    core_house: House, browser: Browser, follower: Follower
) -> None:
    draft = CustomerDraft(display_name="Lan Bí Mật")
    follower.bad = set(await core_house.customers.create([draft], by="system"))
    await core_house.handlers.run_once()
    manager = await signed_in(core_house, "manager")
    page = await manager.page("/settings/handlers/core.probe")
    assert "Bí Mật" not in page.source
    assert "Lan" not in page.text
    assert "ValueError" in page.text
    assert not [form for form in page.forms if form.action.startswith("/settings/")]
    await manager.client.aclose()


async def test_backups_are_made_and_shown(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = browser.house
    page = await browser.page("/settings/backups")
    assert "Chưa đặt sao lưu tự động." in page.text
    assert "Chưa có bản sao lưu nào đọc được." in page.text
    page = await browser.follow(await browser.send(page, "/settings/backups/run"))
    assert "Đang sao lưu" in page.text
    await house.worker.drain()
    page = await browser.page("/settings/backups")
    (made,) = backup_folder(house.settings).glob("*.tar")
    assert made.name in page.text
    assert "Chưa có bản sao lưu nào đọc được." not in page.text
    assert "cùng ổ đĩa" in page.text

    (backup_folder(house.settings) / "relatum-20200101T000000Z.tar").write_bytes(b"broken")
    page = await browser.page("/settings/backups")
    assert "không đọc được" in page.text
    assert str(house.settings.home) not in page.source


async def test_a_part_of_each_page_is_answered_to_htmx(browser: Browser) -> None:
    run = await browser.house.jobs.enqueue(declare(browser.house, "well"))
    for path, part in (
        ("/settings/jobs", "jobs"),
        (f"/settings/jobs/runs/{run}", "run"),
        ("/settings/handlers", "handlers"),
        ("/settings/backups", "backups"),
    ):
        asked = {"hx-request": "true", "hx-request-type": "partial", "hx-target": f"div#{part}"}
        answer = await browser.answer(path, **asked)
        assert answer.text.lstrip().startswith(f'<div id="{part}"'), path
    assert 'hx-trigger="every 1s"' in (await browser.answer(f"/settings/jobs/runs/{run}")).text
