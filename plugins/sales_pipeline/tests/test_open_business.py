"""Open deals keep a schedule from erasing their customers."""

from __future__ import annotations

from relatum.api import CustomerDraft, Plugin
from relatum.app.house import House
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealDraft

BY = "system"


async def test_open_deals_are_told_and_closed_ones_are_not(house: House, plugin: Plugin) -> None:
    drafts = [CustomerDraft(display_name=name) for name in ("Lan", "Bình", "Mai")]
    lan, binh, mai = await house.customers.create(drafts, by=BY)
    deals = [
        DealDraft(name="A", customer_id=lan),
        DealDraft(name="B", customer_id=lan),
        DealDraft(name="C", customer_id=binh),
    ]
    ids = await Deals(plugin).create(deals, by=BY)
    [won] = await house.db.fetch(
        "SELECT s.id FROM sales_pipeline_stage s WHERE s.outcome = 'won' ORDER BY s.id LIMIT 1"
    )
    sql = "UPDATE sales_pipeline_deal SET stage_id = ? WHERE id = ?"
    await house.db.execute(sql, won[0], ids[2])
    found = await house.erasing.open_business([lan, binh, mai])
    assert {id: [text.en for text in texts] for id, texts in found.items()} == {
        lan: ["2 open deals"]
    }
    assert [text.vi for text in (await house.erasing.preview(lan)).business] == ["2 cơ hội đang mở"]
