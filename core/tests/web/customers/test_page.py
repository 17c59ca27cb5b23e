"""The page of one customer: what is said, what is written down, what fails alone."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.access.policies import Policy
from relatum.app.house import House
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    FieldDraft,
    LinkDraft,
)
from relatum.hooks.screens import Command, Panel
from relatum.interactions.types import Amount, InteractionDraft, InteractionQuery
from relatum.values.text import Text
from relatum.values.time import now
from relatum.web import boxes

BY = "system"


async def made(house: House, name: str = "Nguyễn Thị Hương", **more: object) -> UUID:
    (id,) = await house.customers.create([CustomerDraft(display_name=name, **more)], by=BY)  # type: ignore[arg-type]
    return id


async def happened(house: House, customer: UUID, count: int = 1, **more: object) -> list[UUID]:
    values = {"kind": "core.note", "payload": {"text": EVIL}, **more}
    moment = now()
    drafts = [
        InteractionDraft(
            customer_id=customer,
            occurred_at=moment - dt.timedelta(hours=7 * number),
            **values,  # type: ignore[arg-type]
        )
        for number in range(count)
    ]
    return await house.interactions.record(drafts, by=BY)


async def test_who_they_are(browser: Browser) -> None:
    house = browser.house
    await house.customers.declare_fields(
        [
            FieldDraft(key="since", type="date", title_vi="Khách từ"),
            FieldDraft(key="size", type="integer", title_vi="Số nhân viên"),
            FieldDraft(key="rate", type="decimal"),
            FieldDraft(key="member", type="boolean", title_vi="Hội viên"),
            FieldDraft(key="empty", title_vi="Để trống"),
        ]
    )
    firm = await made(house, "Công ty Sao Mai", kind="organisation")
    id = await made(
        house,
        EVIL,
        contact_points=[
            ContactPointDraft(kind="phone", raw="+84912345678", label="cơ quan"),
            ContactPointDraft(kind="email", raw="Huong@SaoMai.vn"),
            ContactPointDraft(kind="website", raw="javascript:alert(1)"),
            ContactPointDraft(kind="website", raw="https://saomai.vn"),
        ],
        roles=["customer", "partner"],
        tags=["vip"],
        fields={"since": "2024-02-29", "size": 12500, "rate": "1234.50", "member": True},
        external_ids={"erp": "K-17"},
    )
    link = LinkDraft(source=id, target=firm, kind="contact_of", role="Kế toán")
    await house.customers.links.create([link], by=BY)
    page = await browser.page(f"/customers/{id}")
    said = (EVIL, "0912 345 678", "cơ quan", "Huong@SaoMai.vn", "Khách hàng", "Đối tác", "vip")
    fields = ("29/02/2024", "12.500", "1.234,50", "Hội viên Có", "K-17", "Cá nhân")
    links = ("Công ty Sao Mai", "Liên hệ tại", "Kế toán")
    for text in (*said, *fields, *links):
        assert text in page.text, text
    assert "Để trống" not in page.text
    hrefs = {a["href"] for a in page.all("a")}
    assert {"tel:+84912345678", "mailto:huong@saomai.vn", "https://saomai.vn"} <= hrefs
    assert not any("javascript" in href for href in hrefs)
    assert f"/customers/{firm}" in hrefs
    assert "Người liên hệ" in (await browser.page(f"/customers/{firm}")).text


async def test_nobody_else_is_there(browser: Browser) -> None:
    house = browser.house
    id = await made(house, owner=browser.account)
    outsider = await signed_in(house, "sales", policy=Policy(scopes=["own"]))
    for path in (f"/customers/{id}", f"/customers/{id}/edit", "/customers/none"):
        assert (await outsider.answer(path)).status_code == 404
    page = await outsider.page("/customers/new")
    answer = await outsider.send(page, "/customers/new", display_name="Nguyễn Thị Hương")
    assert answer.status_code == 303, "a duplicate that is hidden does not tell of itself"


async def test_a_timeline_goes_on_and_is_filtered(browser: Browser) -> None:
    house = browser.house
    id = await made(house)
    await happened(house, id, 70)
    bought = {"kind": "core.purchase", "payload": {"item": "Chén"}, "channel": "shop"}
    await happened(house, id, 3, **bought, money=Amount(12_500_000, "VND"), direction="in")
    path = f"/customers/{id}"
    page = await browser.page(path)
    assert page.text.count("Ghi chú") >= 28
    assert "12.500.000 ₫" in page.text
    assert "cửa hàng" in page.text
    days = [text for text in page.texts if text.count("/") == 2 and len(text) == 10]
    assert len(days) == len(set(days)), "each day has one heading"

    seen: list[str] = []
    more = path
    while more:
        page = await browser.page(more)
        entries = [each["id"] for each in page.all("li") if each.get("id", "").startswith("e-")]
        assert entries
        seen += entries
        found = [a["href"] for a in page.all("a") if a.get("hx-target") == "#older"]
        more = found[0] if found else ""
    assert len(seen) == len(set(seen)) == 73

    page = await browser.page(f"{path}?kind=core.purchase")
    assert len([each for each in page.all("li") if each.get("id", "").startswith("e-")]) == 3
    assert page.text.count("Chén") == 3
    assert "Không có gì phù hợp" in (await browser.page(f"{path}?channel=zalo")).text
    for query, count in (("q=chen", 3), ("q=alert(1)", 30), ("direction=in", 3), ("q=zzz", 0)):
        page = await browser.page(f"{path}?{query}")
        entries = [each for each in page.all("li") if each.get("id", "").startswith("e-")]
        assert len(entries) == count, query
    day = (now() - dt.timedelta(days=400)).date()
    assert "Không có gì phù hợp" in (await browser.page(f"{path}?last={day}")).text
    assert (await browser.answer(f"{path}?direction=up")).status_code == 422


async def test_a_fragment_is_the_timeline_alone(browser: Browser) -> None:
    id = await made(browser.house)
    await happened(browser.house, id, 40)
    part = {"hx-request": "true", "hx-request-type": "partial"}
    for target, inside, outside in (
        ("div#timeline", "timeline", "<html"),
        ("div#who", "Cá nhân", "timeline"),
        ("p#older", "timeline", "<form"),
    ):
        answer = await browser.answer(f"/customers/{id}", **part, **{"hx-target": target})
        assert answer.status_code == 200
        assert inside in answer.text
        assert outside not in answer.text


async def test_kinds_of_plugins_that_are_gone_are_shown(browser: Browser) -> None:
    house = browser.house
    id = await made(house)
    (note,) = await happened(house, id)
    await house.db.execute(
        "UPDATE core_interaction SET kind = ?, payload = ? WHERE id = ?",
        "spa.massage_done",
        '{"room": "3 & 4", "minutes": 90, "staff": ["Lan", "Mai"], "oil": {"kind": "sả"}}',
        note,
    )
    page = await browser.page(f"/customers/{id}")
    for text in ("Massage done", "tiện ích đã gỡ", "3 & 4", "90", "Lan, Mai", "Oil / Kind", "sả"):
        assert text in page.text, text


async def test_a_template_of_a_kind_that_fails_is_left_out(browser: Browser) -> None:
    house = browser.house
    id = await made(house)
    (call,) = await happened(house, id, kind="core.call", payload={"seconds": 61})
    await house.db.execute(
        "UPDATE core_interaction SET payload = ? WHERE id = ?", '{"seconds": "long"}', call
    )
    page = await browser.page(f"/customers/{id}")
    assert "Cuộc gọi" in page.text
    assert "long" in page.text


@pytest.mark.parametrize("kind", ["note", "call", "meeting"])
async def test_what_happened_is_written_down_and_taken_back(browser: Browser, kind: str) -> None:
    house = browser.house
    id = await made(house)
    path = f"/customers/{id}"
    page = await browser.page(path)
    refused = browser.shown(await browser.send(page, f"{path}/notes", kind=kind, text=""), 422)
    assert "Vui lòng điền mục này." in refused.text
    typed = {"kind": kind, "text": f"Gọi lại\n{EVIL}", "happened": "2026-01-02T08:30"}
    typed |= {"minutes": "3", "direction": "in", "title": "Báo giá"}
    answer = await browser.send(page, f"{path}/notes", **typed)
    page = await browser.follow(answer)
    assert "Đã ghi lại." in page.text
    (one,) = (await house.interactions.find(InteractionQuery(customer_id=id))).items
    assert one.kind == f"core.{kind}"
    assert one.occurred_at == dt.datetime(2026, 1, 2, 1, 30, tzinfo=dt.UTC)
    assert one.actor == f"person:{browser.account}"
    assert "02/01/2026" in page.text
    assert "08:30" in page.text
    (undo,) = [form.action for form in page.forms if form.action.endswith("/undo")]
    other = await signed_in(house, "owner")
    token = (await other.page(path)).form("/sign-out").fields
    assert (await other.post(undo, token)).status_code == 409, "it is somebody else's"
    page = await browser.follow(await browser.send(page, undo))
    assert "Đã rút lại" in page.text
    assert (await house.interactions.find(InteractionQuery(customer_id=id))).items == []


async def test_a_time_to_come_is_refused_and_the_text_stays(browser: Browser) -> None:
    id = await made(browser.house)
    page = await browser.page(f"/customers/{id}")
    for happened_at in ("2999-01-01T08:00", "yesterday"):
        typed = {"text": "đã gặp", "happened": happened_at}
        answer = await browser.send(page, f"/customers/{id}/notes", **typed)
        refused = browser.shown(answer, 422)
        assert "Thời điểm này không đúng" in refused.text
        assert dict(refused.form(f"/customers/{id}/notes").fields)["text"] == "đã gặp"


async def test_links_are_made_taken_away_and_put_back(browser: Browser) -> None:
    house = browser.house
    id = await made(house, "Công ty Sao Mai", kind="organisation")
    phone = [ContactPointDraft(kind="phone", raw="0912345678")]
    lan = await made(house, "Lê Thị Lan", contact_points=phone)
    await made(house, "Trần Thị Lan")
    path = f"/customers/{id}"
    page = await browser.page(path)
    asked = {"relation": "<contact_of", "other": "thi lan"}
    page = browser.shown(await browser.send(page, f"{path}/links", **asked), 422)
    assert "Có nhiều khách hàng phù hợp" in page.text
    answer = await browser.send(page, f"{path}/links", **asked, chosen=str(lan))
    page = await browser.follow(answer)
    (link,) = await house.customers.links.of(id)
    assert (link.source, link.target, link.kind) == (lan, id, "contact_of")
    assert "Người liên hệ" in page.text

    page = await browser.page(path)
    page = await browser.follow(await browser.send(page, f"{path}/links/{link.id}/remove"))
    assert await house.customers.links.of(id) == []
    (undo,) = [form.action for form in page.forms if "/links/again/" in form.action]
    await browser.follow(await browser.send(page, undo))
    (again,) = await house.customers.links.of(id)
    assert (again.source, again.target, again.kind, again.role) == (lan, id, "contact_of", "")

    page = await browser.page(path)
    for other, said in (("nobody at all", "Không tìm thấy ai"), ("sao mai", "với chính nó")):
        answer = await browser.send(page, f"{path}/links", relation=">parent_of", other=other)
        assert said in browser.shown(answer, 422).text
    options = await browser.page("/customers/named?other=0912345678")
    assert "Lê Thị Lan" in options.text


async def test_a_link_of_others_cannot_be_put_in(browser: Browser) -> None:
    house = browser.house
    one, two, three = [await made(house, name) for name in ("Một", "Hai", "Ba")]
    from relatum.customers.types import Link
    from relatum.web.pages.customers.links import _packed

    link = Link(id=one, source=two, source_name="", target=three, target_name="", kind="manages",
                role="", since=None, until=None)  # fmt: skip
    token = (await browser.page("/account")).form("/sign-out").fields
    answer = await browser.post(f"/customers/{one}/links/again/{_packed(link)}", token)
    assert answer.status_code == 404
    for packed in ("x", "bm90IGpzb24", "e30"):
        answer = await browser.post(f"/customers/{one}/links/again/{packed}", token)
        assert answer.status_code == 400


async def test_a_contact_point_is_removed_and_put_back(browser: Browser) -> None:
    house = browser.house
    raws = ["0912345678", "0987654321"]
    points = [ContactPointDraft(kind="phone", raw=raw) for raw in raws]
    id = await made(house, contact_points=points)
    first, _ = (await house.customers.get(id)).contact_points
    page = await browser.page(f"/customers/{id}")
    action = f"/customers/{id}/points/{first.id}/remove"
    page = await browser.follow(await browser.send(page, action))
    assert [p.raw for p in (await house.customers.get(id)).contact_points] == raws[1:]
    page = await browser.follow(await browser.send(page, f"/customers/{id}/undo/2"))
    assert "Đã khôi phục như trước." in page.text
    assert [p.raw for p in (await house.customers.get(id)).contact_points] == raws


async def test_a_contact_point_that_is_put_back_is_as_verified_as_before(browser: Browser) -> None:
    house = browser.house
    points = [ContactPointDraft(kind="phone", raw=raw) for raw in ("0912345678", "0987654321")]
    id = await made(house, contact_points=points)
    verified = dt.datetime(2026, 3, 1, 8, 30, tzinfo=dt.UTC)
    await house.db.execute("UPDATE core_contact_point SET verified_at = ?", verified)
    before = (await house.customers.get(id)).contact_points
    page = await browser.page(f"/customers/{id}")
    action = f"/customers/{id}/points/{before[0].id}/remove"
    page = await browser.follow(await browser.send(page, action))
    await browser.follow(await browser.send(page, f"/customers/{id}/undo/2"))
    after = (await house.customers.get(id)).contact_points
    assert after == before, "the same ones, verified when they were"
    # and so it is when the form took it away, among other things
    change = CustomerChange(tags=["x"], contact_points=[])
    by = f"person:{browser.account}"
    await house.customers.change(id, change, by=by)
    await house.customers.take_back(id, version=4, by=by)
    assert (await house.customers.get(id)).contact_points == before
    # a point that was typed meanwhile keeps what it was
    keep = [ContactPointDraft(kind="phone", raw="0912 345 678", primary=True)]
    await house.customers.change(id, CustomerChange(contact_points=keep), by=by)
    (kept,) = (await house.customers.get(id)).contact_points
    assert (kept.id, kept.verified_at) == (before[0].id, verified)
    await house.customers.take_back(id, version=6, by=by)
    assert (await house.customers.get(id)).contact_points == before


async def test_undoing_what_was_changed_since_is_refused(browser: Browser) -> None:
    house = browser.house
    id = await made(house)
    await house.customers.change(id, CustomerChange(tags=["a"]), by=f"person:{browser.account}")
    await house.customers.change(id, CustomerChange(tags=["b"]), by=f"person:{browser.account}")
    token = (await browser.page("/account")).form("/sign-out").fields
    page = browser.shown(await browser.post(f"/customers/{id}/undo/2", token), 409)
    assert "Dữ liệu đã thay đổi trong lúc đó" in page.text
    assert (await house.customers.get(id)).tags == ["b"]


async def test_who_sees_contact_data_masked_gets_no_way_to_call(browser: Browser) -> None:
    house = browser.house
    points = [ContactPointDraft(kind="phone", raw="0912345678")]
    id = await made(house, contact_points=points)
    policy = Policy(scopes=["all"], unmasked=[])
    masked = await signed_in(house, "sales", policy=policy)
    page = await masked.page(f"/customers/{id}")
    assert "•••678" in page.text
    assert "0912345" not in page.source
    assert "tel:" not in page.source


async def test_the_history_has_values_for_those_who_may_see_them(browser: Browser) -> None:
    house = browser.house
    id = await made(house)
    await house.customers.change(id, CustomerChange(display_name="Hương Mới"), by=BY)
    page = await browser.page(f"/customers/{id}")
    assert "Đã sửa khách hàng" in page.text
    assert "Nguyễn Thị Hương → Hương Mới" in page.text
    seller = await signed_in(house, "sales", policy=Policy(scopes=["all"], unmasked=["contact"]))
    page = await seller.page(f"/customers/{id}")
    assert "Nguyễn Thị Hương" not in page.text


async def test_a_panel_that_fails_or_hangs_changes_nothing_else(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "LIMIT", 1.0)
    house = browser.house
    id = await made(house)
    await happened(house, id)
    path = f"/customers/{id}"

    def panel(name: str, load: object) -> Panel:
        return Panel(
            id=f"core.{name}",
            slot="customer.side",
            title=Text(en=name, vi=name),
            permission="core.customers.read",
            template="relatum/kinds/note.html",
            load=load,  # type: ignore[arg-type]
        )

    async def raises(*_: object) -> object:
        raise RuntimeError("secret inside")

    async def hangs(*_: object) -> object:
        await asyncio.sleep(60)

    async def works(*_: object) -> object:
        return {"payload": {"text": "phòng 204"}}

    for name, load in (("raises", raises), ("hangs", hangs), ("works", works)):
        house.registry.panels.put(panel(name, load))
    before = asyncio.get_running_loop().time()
    page = await browser.page(path)
    assert asyncio.get_running_loop().time() - before < 5
    assert page.text.count("Không thể hiển thị") + page.text.count("không bị ảnh hưởng") >= 2
    assert "secret inside" not in page.source
    for text in ("phòng 204", "Nguyễn Thị Hương", "Dòng thời gian", EVIL):
        assert text in page.text


async def test_what_plugins_offer_to_do(browser: Browser) -> None:
    house = browser.house
    id = await made(house)
    for number in range(4):
        command = Command(
            id=f"core.do_{number}",
            title=Text(en=f"Do {number}", vi=f"Làm {number}"),
            permission="core.customers.write" if number else "core.audit.read",
            path=f"/customers/{{id}}?q={number}",
            slot="customer.actions",
            post=number == 3,
            order=number,
        )
        house.registry.commands.put(command)
    page = await browser.page(f"/customers/{id}")
    assert {f"/customers/{id}?q={n}" for n in range(3)} <= {a["href"] for a in page.all("a")}
    assert page.form(f"/customers/{id}?q=3").method == "post"
    seller = await signed_in(house, "sales", policy=Policy(scopes=["all"], unmasked=["contact"]))
    page = await seller.page(f"/customers/{id}")
    assert "Làm 0" not in page.text
    assert "Làm 1" in page.text


async def test_the_list_that_one_came_from(browser: Browser) -> None:
    house = browser.house
    ids = [await made(house, name, tags=["vip"]) for name in ("An", "Bình", "Chi")]
    await made(house, "Ban")
    page = await browser.page(f"/customers/{ids[1]}?in=tag%3Dvip%26sort%3Ddisplay_name")
    beside = {a["rel"]: a["href"] for a in page.all("a") if a.get("rel") in ("prev", "next")}
    assert beside["prev"].startswith(f"/customers/{ids[0]}?in=")
    assert beside["next"].startswith(f"/customers/{ids[2]}?in=")
    assert "tag%3Dvip" in beside["next"]
    last = await browser.page(beside["next"])
    assert [a["rel"] for a in last.all("a") if a.get("rel") in ("prev", "next")] == ["prev"]
    for broken in ("%ZZ", "sort%3Dxyz", "tag", "a" * 3000):
        answer = await browser.answer(f"/customers/{ids[1]}?in={broken}")
        assert answer.status_code in (200, 422), broken
