"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.api import add_statements

ID = "2026-11-22T22:30:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Findings by state, days by day"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="data_quality", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE INDEX data_quality_finding_open ON data_quality_finding (state, rule, id)",
        "CREATE INDEX data_quality_day_once ON data_quality_day (day, dimension, part)",
        "CREATE INDEX data_quality_score_worst ON data_quality_score (quality, customer_id)",
    )
    return manager
