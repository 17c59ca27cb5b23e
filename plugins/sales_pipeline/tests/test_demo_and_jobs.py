"""The demo company is believable, the same every time, and made once; jobs say things once."""

from __future__ import annotations

import datetime as dt
from typing import Any

from relatum.api import CustomerDraft, Plugin
from relatum.app.house import House
from relatum_sales_pipeline.reports import ageing, conversion, forecast, summary
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.services.rotting import Rotting
from relatum_sales_pipeline.types.deals import DealDraft, DealMove, DealQuery, Passage
from relatum_sales_pipeline.types.leads import LeadQuery
from relatum_sales_pipeline.types.pipelines import StageEdit

BY = "person:test"


async def seed(house: House, number: int = 7) -> None:
    drafts = [
        CustomerDraft(display_name=f"Khách {n}", kind="organisation" if n % 2 else "person")
        for n in range(30)
    ]
    page = await house.customers.create(drafts, by=BY)
    customers = await house.customers.get_many(page)
    async with house.db.transaction():
        await house.dispatcher.take_part("relatum_seed_demo", customers=customers, seed=number)
    while await house.handlers.run_once():
        pass


def said(deal: Any) -> tuple[Any, ...]:
    """What does not depend on the moment a demo is made."""
    return (deal.external_ref, deal.name, deal.stage, deal.owner, deal.value, deal.lost_reason)


async def all_deals(plugin: Plugin) -> list[Any]:
    return (await Deals(plugin).find(DealQuery(limit=200, sort="created_at"))).items


async def test_the_demo_is_a_team_at_work(house: House, plugin: Plugin) -> None:
    from relatum_sales_pipeline.services.leads import Leads

    await seed(house)
    deals = await all_deals(plugin)
    assert len(deals) == 60
    assert {deal.outcome for deal in deals} == {"open", "won", "lost"}
    assert {deal.stage for deal in deals} >= {"tiep_can", "dam_phan", "thang", "thua"}
    assert all(deal.owner and deal.team and deal.customer and deal.lines for deal in deals)
    assert any(deal.rotting for deal in deals)
    assert not all(deal.rotting for deal in deals if deal.outcome == "open")
    assert len((await Leads(plugin).find(LeadQuery(limit=50))).items) == 14
    told = await summary.run(plugin, summary.SummaryParams())
    assert set(told.won_value_by_region) <= {"Miền Bắc", "Miền Trung", "Miền Nam"}
    assert told.notes == []
    assert (await forecast.run(plugin, forecast.ForecastParams())).currencies[0].by_month
    params = conversion.ConversionParams(pipeline="doanh_nghiep")
    (way,) = (await conversion.run(plugin, params)).pipelines
    assert way.stages[0].entered == 60
    assert (await ageing.run(plugin, ageing.AgeingParams())).rotting_total > 0
    await seed(house)
    assert len(await all_deals(plugin)) == 60


async def test_the_same_seed_gives_the_same_demo(house: House, plugin: Plugin) -> None:
    await seed(house, 3)
    first = sorted(map(said, await all_deals(plugin)), key=str)
    await house.db.execute("DELETE FROM sales_pipeline_answer")
    await house.db.execute("DELETE FROM sales_pipeline_lead")
    await Deals(plugin).remove([deal.id for deal in await all_deals(plugin)], by=BY)
    for table in ("price", "price_list", "product", "member", "target", "team"):
        await house.db.execute(f"DELETE FROM sales_pipeline_{table}")
    for table in ("stage", "pipeline"):
        column = "pipeline_id" if table == "stage" else "id"
        await house.db.execute(
            f"DELETE FROM sales_pipeline_{table} WHERE {column} IN "
            "(SELECT id FROM sales_pipeline_pipeline WHERE key = 'doanh_nghiep')"
        )
    await seed(house, 3)
    assert sorted(map(said, await all_deals(plugin)), key=str) == first


async def test_a_rotting_deal_is_told_once_until_something_happens(
    house: House, plugin: Plugin
) -> None:
    deals = Deals(plugin)
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=50)
    draft = DealDraft(name="x", history=[Passage(stage="prospecting", at=old)])
    (id, _) = await deals.create([draft, DealDraft(name="fresh")], by=BY)
    assert await Rotting(plugin).tell() == 1
    assert await Rotting(plugin).tell() == 0
    (told,) = await house.events.read(
        0, until=10**9, types=["sales_pipeline.deal_rotting"], limit=10
    )
    assert (told.data()["deal_id"], told.data()["days"]) == (str(id), 50)
    await deals.move(id, DealMove(stage="engaging"), by=BY)
    assert await Rotting(plugin).tell() == 0
    assert await house.jobs.run_now("sales_pipeline.rotting_deals")


async def test_deals_that_rot_by_new_days_are_told_of_soon(house: House, plugin: Plugin) -> None:
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=10)
    draft = DealDraft(name="x", history=[Passage(stage="prospecting", at=old)])
    await Deals(plugin).create([draft], by=BY)
    pipelines = Pipelines(plugin)
    (pipeline, *_) = (await pipelines.book()).pipelines
    await pipelines.change_stage(pipeline.key, "prospecting", StageEdit(title="Prospects"))
    assert await house.worker.drain() == 0, "days have not changed"
    for days in (9, 8):
        await pipelines.change_stage(pipeline.key, "prospecting", StageEdit(rotting_days=days))
    assert await house.worker.drain() == 1, "one run is enough for both"
    (run,) = (await house.jobs.find(job="sales_pipeline.rotting_deals")).items
    assert (run.state, run.result) == ("succeeded", {"count": 1})
