"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.api import add_statements

ID = "2026-11-22T05:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="sales_pipeline", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE UNIQUE INDEX sales_pipeline_stage_once ON sales_pipeline_stage (pipeline_id, key)",
        "CREATE INDEX sales_pipeline_price_by_product ON sales_pipeline_price (product_id, currency)",
        "CREATE UNIQUE INDEX sales_pipeline_deal_once ON sales_pipeline_deal (external_ref, external_source)",
        "CREATE INDEX sales_pipeline_deal_by_stage ON sales_pipeline_deal (stage_id, id)",
        "CREATE INDEX sales_pipeline_deal_by_pipeline ON sales_pipeline_deal (pipeline_id)",
        "CREATE INDEX sales_pipeline_deal_by_created ON sales_pipeline_deal (created_at, id)",
        "CREATE INDEX sales_pipeline_deal_by_updated ON sales_pipeline_deal (updated_at, id)",
        "CREATE INDEX sales_pipeline_deal_by_closed ON sales_pipeline_deal (closed_on)",
        "CREATE UNIQUE INDEX sales_pipeline_change_once ON sales_pipeline_stage_change (deal_id, position)",
        "CREATE UNIQUE INDEX sales_pipeline_role_once ON sales_pipeline_buying_role (deal_id, customer_id, role)",
        "CREATE UNIQUE INDEX sales_pipeline_plan_once ON sales_pipeline_account_plan (customer_id, year)",
        "CREATE INDEX sales_pipeline_lead_by_created ON sales_pipeline_lead (created_at, id)",
        "CREATE UNIQUE INDEX sales_pipeline_answer_once ON sales_pipeline_answer (lead_id, question_id)",
        "CREATE UNIQUE INDEX sales_pipeline_signal_once ON sales_pipeline_lead_signal (lead_id, interaction_id)",
        "CREATE UNIQUE INDEX sales_pipeline_activity_once ON sales_pipeline_deal_activity (deal_id, interaction_id)",
        "CREATE INDEX sales_pipeline_snapshot_by_day ON sales_pipeline_forecast_snapshot (taken_on)",
    )
    return manager
