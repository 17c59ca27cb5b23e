"""Indexes by which the outbox finds what is due, and one message for each reference."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T22:11:00:000003"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of outgoing messages"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_contact", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE INDEX core_message_due ON core_message (channel, due_at, id) WHERE state IN ('planned', 'deferred')",
        "CREATE INDEX core_message_sending ON core_message (started_at) WHERE state = 'sending'",
        "CREATE INDEX core_message_newest ON core_message (created_at, id)",
        "CREATE UNIQUE INDEX core_message_reference ON core_message (plugin, reference) WHERE reference IS NOT NULL",
    )
    return manager
