"""The plugin's part of the demo company: a Vietnamese sales team with its deals and leads.

The same seed gives the same names, values and lengths; days are counted back from today, so that
the demo never looks old.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import (
    Amount,
    Customer,
    InteractionDraft,
    Plugin,
    exponent,
    local_day,
    now,
)
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.subjects import deal_subject
from relatum_sales_pipeline.services.targets import Targets
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealDraft, DealQuery, LineDraft, Passage
from relatum_sales_pipeline.types.leads import LeadDraft
from relatum_sales_pipeline.types.pipelines import PipelineDraft, StageDraft
from relatum_sales_pipeline.types.products import PriceDraft, PriceListDraft, ProductDraft
from relatum_sales_pipeline.types.targets import TargetEdit
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft

SOURCE = "demo"
BY = "plugin:sales_pipeline"
DEALS = 60
LEADS = 14

TEAMS = (
    ("Đội Hà Nội", "Miền Bắc", "Phạm Thu Hà", ("Nguyễn Minh Quân", "Lê Thị Hồng Nhung")),
    ("Đội Đà Nẵng", "Miền Trung", "Hồ Viết Thành", ("Trần Quốc Bảo", "Võ Ngọc Ánh")),
    (
        "Đội Sài Gòn",
        "Miền Nam",
        "Đặng Hoàng Yến",
        ("Huỳnh Gia Huy", "Bùi Thanh Trúc", "Phan Đức Thịnh"),
    ),
)
#: What each team is to win in a month, in thousands of đồng.
TARGETS = (150_000, 90_000, 180_000)
#: Name, code, series, price in thousands of đồng.
PRODUCTS = (
    ("Gói Khởi đầu", "KD-01", "Phần mềm", 12_000),
    ("Gói Chuyên nghiệp", "CN-01", "Phần mềm", 36_000),
    ("Gói Doanh nghiệp", "DN-01", "Phần mềm", 120_000),
    ("Triển khai tại chỗ", "TK-01", "Dịch vụ", 25_000),
    ("Đào tạo một ngày", "DT-01", "Dịch vụ", 8_000),
    ("Bảo trì năm", "BT-01", "Dịch vụ", 15_000),
)
STAGES = (
    ("tiep_can", "First contact", "Tiếp cận", 1_000, 14),
    ("tu_van", "Advice", "Tư vấn", 3_000, 21),
    ("bao_gia", "Quotation", "Báo giá", 5_500, 14),
    ("dam_phan", "Negotiation", "Đàm phán", 7_500, 10),
)
COMPETITORS = ("", "", "Phần mềm An Phát", "Bizline", "Sao Khuê CRM")
SOURCES = ("website", "hội chợ", "giới thiệu", "Zalo", "unknown")
ANSWERS = {
    "organisation": ("org_industry", "org_size", "org_area", "org_decider"),
    "person": ("person_need", "person_means", "person_area"),
}
NOTES = (
    ("Gọi giới thiệu, khách quan tâm gói chuyên nghiệp", "Gửi tài liệu"),
    ("Demo trực tuyến 45 phút, có kế toán trưởng tham dự", "Gửi báo giá"),
    ("Khách hỏi thêm về bảo trì và thời gian triển khai", "Hẹn gặp trực tiếp"),
    ("Khách chờ ban giám đốc duyệt ngân sách", "Gọi lại đầu tuần sau"),
)


class Setting(msgspec.Struct):
    """Where the demo deals happen."""

    members: list[UUID]
    products: list[tuple[UUID, str, int]]
    customers: Sequence[Customer]
    currency: str
    today: dt.date
    moment: dt.datetime


async def seed_demo(plugin: Plugin, customers: Sequence[Any], seed: int) -> None:
    """Make the team, the catalogue, about sixty deals and some leads; once."""
    query = DealQuery(external_ref="D-001", limit=1)
    if not customers or (await Deals(plugin).find(query)).items:
        return
    random = Random(seed)
    setting = await _setting(plugin, customers)
    drafts = [_deal(random, setting, n) for n in range(1, DEALS + 1)]
    ids = await Deals(plugin).create(drafts, by=BY)
    await plugin.house.interactions.record(
        [note for id, draft in zip(ids, drafts, strict=True) for note in _notes(random, id, draft)],
        by=BY,
    )
    chosen = random.sample(list(customers), min(LEADS, len(customers)))
    await Leads(plugin).create([_lead(random, each, setting) for each in chosen], by=BY)


async def _setting(plugin: Plugin, customers: Sequence[Customer]) -> Setting:
    company = plugin.house.settings.company
    currency = plugin.settings.currency or company.currency
    moment = now()
    await Pipelines(plugin).create(_pipeline())
    return Setting(
        members=await _people(plugin, currency, local_day(moment, company.time_zone)),
        products=await _catalogue(plugin, currency),
        customers=customers,
        currency=currency,
        today=local_day(moment, company.time_zone),
        moment=moment,
    )


def _pipeline() -> PipelineDraft:
    stages = [
        StageDraft(key=key, title=title, title_vi=vi, probability=chance, rotting_days=days)
        for key, title, vi, chance, days in STAGES
    ]
    closing = [
        StageDraft(key="thang", title="Won", title_vi="Thắng", outcome="won"),
        StageDraft(key="thua", title="Lost", title_vi="Thua", outcome="lost"),
    ]
    return PipelineDraft(
        key="doanh_nghiep",
        title="Companies",
        title_vi="Khách doanh nghiệp",
        stages=[*stages, *closing],
    )


async def _people(plugin: Plugin, currency: str, today: dt.date) -> list[UUID]:
    """Teams with what they are to win, and who sells in them."""
    teams = await Teams(plugin).create_teams(
        [TeamDraft(name=name, region=region, manager=head) for name, region, head, _ in TEAMS]
    )
    await Targets(plugin).save(currency, _targets(teams, currency, today))
    drafts = [
        MemberDraft(name=member, team_id=id)
        for id, (_, _, _, members) in zip(teams, TEAMS, strict=True)
        for member in members
    ]
    return await Teams(plugin).create_members(drafts)


def _targets(teams: Sequence[UUID], currency: str, today: dt.date) -> list[TargetEdit]:
    """The last two months, this one and the next three, each a little more than the one before."""
    start = today.year * 12 + today.month - 3
    months = [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(start, start + 6)]
    return [
        TargetEdit(
            team_id=id, month=month, amount=thousands * _unit(currency) * (100 + 2 * place) // 100
        )
        for id, thousands in zip(teams, TARGETS, strict=True)
        for place, month in enumerate(months)
    ]


def _unit(currency: str) -> int:
    """Amounts are meant in đồng; in a currency with cents the same digits stay believable."""
    return 1000 if exponent(currency) == 0 else 1


async def _catalogue(plugin: Plugin, currency: str) -> list[tuple[UUID, str, int]]:
    """Products with their names and prices in minor units."""
    products = Products(plugin)
    ids = await products.create(
        [ProductDraft(name=name, code=code, series=series) for name, code, series, _ in PRODUCTS]
    )
    prices = [thousands * _unit(currency) for _, _, _, thousands in PRODUCTS]
    price_list = await products.create_list(PriceListDraft(name="Bảng giá chuẩn", position=1))
    await products.set_prices(
        price_list.id,
        [
            PriceDraft(product_id=id, price=Amount(price, currency))
            for id, price in zip(ids, prices, strict=True)
        ],
    )
    names = [name for name, _, _, _ in PRODUCTS]
    return list(zip(ids, names, prices, strict=True))


def _deal(random: Random, setting: Setting, number: int) -> DealDraft:
    """One deal somewhere on its way, with the history that brought it there."""
    customer = random.choice(setting.customers)
    chosen = random.sample(setting.products, random.choice((1, 1, 2, 3)))
    lines = [(id, random.choice((1, 1, 1, 2, 5)), price) for id, _, price in chosen]
    worth = sum(quantity * price for _, quantity, price in lines)
    steps, ending = _way(random, setting.moment)
    lost = ending == "thua"
    value = worth * random.randint(80, 100) // 100 if ending or random.random() < 0.7 else None
    last = steps[-1].at
    return DealDraft(
        name=f"{chosen[0][1]} – {customer.display_name}"[:300],
        customer_id=customer.id,
        pipeline="doanh_nghiep",
        stage=steps[-1].stage,
        owner_id=random.choice(setting.members),
        lines=[
            LineDraft(product_id=id, quantity=Decimal(quantity), unit_amount=price)
            for id, quantity, price in lines
        ],
        value=None if value is None else Amount(value, setting.currency),
        currency=setting.currency if value is None else None,
        expected_close=None
        if ending
        else setting.today + dt.timedelta(days=random.randint(-10, 120)),
        engaged_on=_day(steps[1].at, setting) if len(steps) > 1 else None,
        closed_on=_day(last, setting) if ending else None,
        lost_reason=random.choice(("price", "competitor", "no_budget", "timing")) if lost else None,
        competitor=random.choice(COMPETITORS) if lost else "",
        external_source=SOURCE,
        external_ref=f"D-{number:03}",
        history=steps,
    )


def _way(random: Random, moment: dt.datetime) -> tuple[list[Passage], str | None]:
    """Stages with the moments a deal came into them, and how it ended, if it did."""
    reached = random.randint(1, len(STAGES))
    ending = random.choices(("thang", "thua", None), weights=(35, 25, 40))[0]
    if ending == "thang":
        reached = len(STAGES)
    keys = [key for key, *_ in STAGES[:reached]] + ([ending] if ending else [])
    pauses = [random.randint(3, 18) * 1440 + random.randint(0, 600) for _ in keys]
    since = random.randint(1, 240 if ending else 45) * 1440
    start = moment - dt.timedelta(minutes=since + sum(pauses[1:]))
    at, steps = start, []
    for key, pause in zip(keys, [0, *pauses[1:]], strict=True):
        at += dt.timedelta(minutes=pause)
        steps.append(Passage(stage=key, at=at))
    return steps, ending


def _day(at: dt.datetime, setting: Setting) -> dt.date:
    return min(at.date(), setting.today)


def _notes(random: Random, id: UUID, draft: DealDraft) -> list[InteractionDraft]:
    """What the seller did on the way; one deal in six was left alone."""
    if random.random() < 1 / 6:
        return []
    notes = []
    for step in draft.history[: len(NOTES)]:
        summary, next_step = random.choice(NOTES)
        notes.append(
            InteractionDraft(
                kind="sales_pipeline.activity",
                customer_id=draft.customer_id,
                channel="sales",
                direction="out",
                occurred_at=step.at,
                payload={"summary": summary, "next_step": next_step},
                subject=deal_subject(id),
                actor=BY,
            )
        )
    return notes


def _lead(random: Random, customer: Customer, setting: Setting) -> LeadDraft:
    answers = {
        question: random.choice(("yes", "yes", "no"))
        for question in (*ANSWERS[customer.kind], "asked_price", "answers_soon")
        if random.random() < 0.8
    }
    return LeadDraft(
        customer_id=customer.id,
        source=random.choice(SOURCES),
        owner_id=random.choice(setting.members),
        answers=answers,
    )
