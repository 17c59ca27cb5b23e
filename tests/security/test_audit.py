"""AC-SEC-12: the audit trail tells what was done to itself."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.security.site import Site

TAMPERINGS = {
    "payload": "UPDATE core_event SET payload = '{{}}' WHERE seq = {seq}",
    "actor": "UPDATE core_event SET by = 'person:ai-do' WHERE seq = {seq}",
    "time": "UPDATE core_event SET recorded_at = (SELECT min(recorded_at) FROM core_event) "
    "WHERE seq = {seq}",
    "type": "UPDATE core_event SET type = 'core.customer_updated_' WHERE seq = {seq}",
    "customer": "UPDATE core_event SET customer_id = NULL WHERE seq = {seq}",
    "removed": "DELETE FROM core_event WHERE seq = {seq}",
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_ac_sec_12_one_changed_row_is_named_and_no_other(site: Site, what: str) -> None:
    house = site.house
    await house.seals.seal()
    assert (await house.audit.check()).sound
    rows = await house.db.fetch(
        "SELECT seq FROM core_event WHERE customer_id IS NOT NULL "
        "AND CAST(payload AS TEXT) <> '{}' ORDER BY seq"
    )
    seq = random.Random(what).choice(rows[10:-10])[0]
    await house.db.execute(TAMPERINGS[what].format(seq=seq))
    found = await house.audit.check()
    assert not found.sound
    assert [each.seq for each in found.accused] == [seq]
    told: Any = await site.visitor("owner").json("/api/v1/audit/check")
    assert not told["sound"]
    assert [each["seq"] for each in told["accused"]] == [seq]


async def test_ac_sec_12_reading_sensitive_fields_is_noted(site: Site) -> None:
    id = site.world.customers["an_one"]
    for name in ("manager", "an"):
        assert (await site.visitor(name).get(f"/api/v1/customers/{id}")).status_code == 200
    rows = await site.house.db.fetch(
        "SELECT by, payload FROM core_event WHERE type = 'core.access.sensitive_read' ORDER BY seq"
    )
    readers = [by for by, payload in rows if str(id) in payload]
    assert f"person:{site.staff.people['manager']}" in readers
    assert f"person:{site.staff.people['an']}" not in readers, "saw contact data only"


async def test_the_trail_is_for_those_who_hold_the_permission(site: Site) -> None:
    for name in ("manager", "an", "analyst", "reader"):
        assert (await site.visitor(name).get("/api/v1/audit")).status_code == 403
    assert (await site.visitor("owner").get("/api/v1/audit")).status_code == 200
