"""Whose rows the rows of each table are, said by hand for every table.

It is the other opinion: core derives the same from the types of columns. A table that is not named
here fails the tests, so that nobody forgets to say.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing

import asyncpg

from relatum.db.database import Database
from relatum.db.guarding import as_the_house

_DEAL = "sales_pipeline_deal d ON d.id = t.deal_id"
_LEAD = "sales_pipeline_lead l ON l.id = t.lead_id"

#: By table: statements that answer (key, id of a customer). A row is hidden with any of its
#: customers; one that no statement answers belongs to nobody in particular and is seen by all.
OWNERS: dict[str, tuple[str, ...]] = {
    "core_customer": ("SELECT id, id FROM core_customer",),
    "core_contact_point": ("SELECT id, customer_id FROM core_contact_point",),
    "core_customer_role": ("SELECT id, customer_id FROM core_customer_role",),
    "core_customer_tag": ("SELECT id, customer_id FROM core_customer_tag",),
    "core_external_id": ("SELECT id, customer_id FROM core_external_id",),
    "core_rule_member": ("SELECT id, customer_id FROM core_rule_member",),
    "core_customer_link": (
        "SELECT id, source_id FROM core_customer_link",
        "SELECT id, target_id FROM core_customer_link",
    ),
    "core_merge": ("SELECT id, customer_id FROM core_merge",),
    "core_subject_export": ("SELECT id, customer_id FROM core_subject_export",),
    "core_interaction": ("SELECT id, customer_id FROM core_interaction",),
    "core_consent": ("SELECT id, customer_id FROM core_consent",),
    "core_contact_hold": ("SELECT id, customer_id FROM core_contact_hold",),
    "core_contact_preference": ("SELECT id, customer_id FROM core_contact_preference",),
    "core_contact_verdict": ("SELECT id, customer_id FROM core_contact_verdict",),
    "core_message": ("SELECT id, customer_id FROM core_message",),
    "core_archived_key": ("SELECT key, customer_id FROM core_archived_key",),
    # what is told of somebody who was merged is told of the survivor
    "core_event": (
        (
            "SELECT e.seq, coalesce(m.customer_id, e.customer_id) FROM core_event e "
            "LEFT JOIN core_merge m ON m.absorbed_id = e.customer_id AND m.undone_at IS NULL"
        ),
    ),
    "core_parked_event": ("SELECT id, customer_id FROM core_parked_event",),
    "consent_link": ("SELECT id, customer_id FROM consent_link",),
    "consent_request": ("SELECT id, customer_id FROM consent_request",),
    "consent_retention": ("SELECT id, customer_id FROM consent_retention",),
    "consent_step": (
        "SELECT id, customer_id FROM consent_step",
        (
            "SELECT t.id, r.customer_id FROM consent_step t "
            "JOIN consent_request r ON r.id = t.request_id"
        ),
    ),
    "data_quality_finding": ("SELECT id, customer_id FROM data_quality_finding",),
    "data_quality_proposal": ("SELECT id, customer_id FROM data_quality_proposal",),
    "data_quality_score": ("SELECT id, customer_id FROM data_quality_score",),
    "data_quality_verification": ("SELECT id, customer_id FROM data_quality_verification",),
    "identity_pair": (
        "SELECT id, first_id FROM identity_pair",
        "SELECT id, second_id FROM identity_pair",
    ),
    "identity_key": ("SELECT id, customer_id FROM identity_key",),
    "identity_waiting": ("SELECT id, customer_id FROM identity_waiting",),
    "sales_pipeline_deal": ("SELECT id, customer_id FROM sales_pipeline_deal",),
    "sales_pipeline_deal_line": (
        f"SELECT t.id, d.customer_id FROM sales_pipeline_deal_line t JOIN {_DEAL}",
    ),
    "sales_pipeline_stage_change": (
        f"SELECT t.id, d.customer_id FROM sales_pipeline_stage_change t JOIN {_DEAL}",
    ),
    "sales_pipeline_buying_role": (
        "SELECT id, customer_id FROM sales_pipeline_buying_role",
        f"SELECT t.id, d.customer_id FROM sales_pipeline_buying_role t JOIN {_DEAL}",
    ),
    "sales_pipeline_account_plan": ("SELECT id, customer_id FROM sales_pipeline_account_plan",),
    "sales_pipeline_lead": (
        "SELECT id, customer_id FROM sales_pipeline_lead",
        f"SELECT t.id, d.customer_id FROM sales_pipeline_lead t JOIN {_DEAL}",
    ),
    "sales_pipeline_answer": (
        f"SELECT t.id, l.customer_id FROM sales_pipeline_answer t JOIN {_LEAD}",
    ),
    "sales_pipeline_lead_signal": (
        f"SELECT t.id, l.customer_id FROM sales_pipeline_lead_signal t JOIN {_LEAD}",
    ),
    "sales_pipeline_watched_deal": (
        "SELECT deal_id, customer_id FROM sales_pipeline_watched_deal",
    ),
    "sales_pipeline_deal_activity": (
        f"SELECT t.id, d.customer_id FROM sales_pipeline_deal_activity t JOIN {_DEAL}",
    ),
    "sales_pipeline_rotting_note": (
        f"SELECT t.deal_id, d.customer_id FROM sales_pipeline_rotting_note t JOIN {_DEAL}",
    ),
}
#: Totals and copies over many customers: for those alone who see all of them.
ACROSS = {
    "core_bulk_change",
    "core_erased_kept",
    "core_idempotency",
    "core_import_batch",
    "core_import_request",
    "core_merge_row",
    "data_quality_day",
    "sales_pipeline_forecast_snapshot",
}
#: The house's own: what it is made of, who works in it, what it is doing.
HOUSE = {
    "consent_breach",
    "core_account",
    "core_account_role",
    "core_admin_change",
    "core_admin_load",
    "core_admin_unit",
    "core_api_token",
    "core_archive",
    "core_attempt",
    "core_chart",
    "core_customer_field",
    "core_dashboard",
    "core_do_not_contact",
    "core_bounced_address",
    "core_erasure",
    "core_event_redaction",
    "core_event_seal",
    "core_export",
    "core_handler",
    "core_identity",
    "core_import",
    "core_job",
    "core_job_done",
    "core_one_time_link",
    "core_preferences",
    "core_queue",
    "core_rate",
    "core_recovery_code",
    "core_report_file",
    "core_report_schedule",
    "core_role",
    "core_role_permission",
    "core_rule",
    "core_saved_view",
    "core_session",
    "core_team",
    "core_team_member",
    "core_upload",
    "core_view_choice",
    "data_quality_own_rule",
    "identity_model",
    "migration",
    "sales_pipeline_lost_reason",
    "sales_pipeline_member",
    "sales_pipeline_pipeline",
    "sales_pipeline_price",
    "sales_pipeline_price_list",
    "sales_pipeline_product",
    "sales_pipeline_question",
    "sales_pipeline_stage",
    "sales_pipeline_target",
    "sales_pipeline_team",
}
_KEYS = {
    "core_archived_key": "key",
    "core_event": "seq",
    "sales_pipeline_watched_deal": "deal_id",
    "sales_pipeline_rotting_note": "deal_id",
}


async def tables(db: Database) -> set[str]:
    """The names of all tables of a database."""
    sql = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        if db.kind == "sqlite"
        else "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    )
    return {str(name) for (name,) in await db.fetch(sql)}


async def owners_of_rows(db: Database) -> dict[str, dict[str, set[str]]]:
    """By table: the keys of its rows as text, each with the ids of its customers."""
    found: dict[str, dict[str, set[str]]] = {}
    with as_the_house():
        there = await tables(db)
        for table, statements in OWNERS.items():
            if table not in there:
                continue
            rows: dict[str, set[str]] = defaultdict(set)
            for (key,) in await db.fetch(f"SELECT {_key(table)} FROM {table}"):
                rows[str(key)] = set()
            for statement in statements:
                for key, customer in await db.fetch(statement):
                    if customer is not None:
                        rows[str(key)].add(str(customer))
            found[table] = rows
    return found


def doomed(rows: dict[str, dict[str, set[str]]], hidden: Iterable[str]) -> dict[str, list[str]]:
    """By table: the keys of rows that belong to any of the hidden customers."""
    gone = set(hidden)
    return {
        table: [key for key, owners in keyed.items() if owners & gone]
        for table, keyed in rows.items()
    }


async def delete(url: str, rows: dict[str, list[str]]) -> None:
    """Delete rows behind the back of the house, with the tables across customers emptied."""
    emptied = [f'DELETE FROM "{table}"' for table in sorted(ACROSS)]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            for statement in emptied:
                connection.execute(statement)
            for table, keys in rows.items():
                sql = f'DELETE FROM "{table}" WHERE CAST({_key(table)} AS TEXT) = ?'
                connection.executemany(sql, [(key,) for key in keys])
        return
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in emptied:
            await connection.execute(statement)
        for table, keys in rows.items():
            await connection.execute(
                f'DELETE FROM "{table}" WHERE {_key(table)}::text = ANY($1)', keys
            )
    finally:
        await connection.close()


def _key(table: str) -> str:
    return _KEYS.get(table, "id")
