"""The register: core's own entries, those of plugins whatever became of them, and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from piccolo.table import TABLE_REGISTRY

from relatum.app.house import House
from relatum.contact.profile import load_profile
from relatum.plugins.processing import Processing
from relatum.plugins.register import (
    Processor,
    Register,
    RegisterFinding,
    core_processing,
    core_processing_of,
    findings_of,
)
from relatum.plugins.table import PluginTable
from relatum.values.problems import ConfigurationError
from relatum.values.text import Text

ENTRY = """
[[processing]]
id = "bookings"
title = { en = "Bookings", vi = "Lịch hẹn" }
purpose = "service"
basis = "contract"
data = ["contact"]
subjects = ["customers"]
"""
APP = """
from pathlib import Path
from piccolo.columns import UUID
from piccolo.conf.apps import AppConfig
from piccolo.table import Table
from relatum.api import CustomerRef
class Stay(Table, tablename="{0}_stay"):
    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(null=False)
FOLDER = str(Path(__file__).parent / "piccolo_migrations")
APP_CONFIG = AppConfig(app_name="{0}", migrations_folder_path=FOLDER, table_classes=[Stay])
"""
PROFILE = load_profile("vn-2026")


def test_core_declares_what_it_does() -> None:
    core = core_processing()
    assert {each.id for each in core.processing} >= {
        *("customers", "interactions", "accounts", "audit", "consents", "imports", "backups"),
        *("erasures", "messages_ordered", "messages_agreed", "subject_exports"),
    }
    assert not core.purposes.keys() & PROFILE.purpose.keys()


def test_a_broken_file_of_core_says_so() -> None:
    with pytest.raises(ConfigurationError, match=r"processing\[0\]\.id"):
        core_processing_of({"purposes": [], "processing": [{}]})


def test_every_plugin_here_declares_what_it_does_with_customers(house: House) -> None:
    listed = {each.id: each for each in house.processing.processors()}
    assert listed.keys() >= {
        *(
            "core",
            "analytics",
            "consent",
            "data_quality",
            "email_channel",
            "identity",
            "sales_pipeline",
        ),
    }
    holding = {each.id for each in listed.values() if each.holds_customers}
    assert holding >= {"core", "consent", "data_quality", "identity", "sales_pipeline"}
    for each in listed.values():
        assert each.processing, each.id
        assert each.findings == (), each.id
        assert all(entry.retention for entry in each.processing), each.id


def entry(**changes: object) -> Processing:
    sound = Processing(
        id="x",
        title=Text(en="X", vi="X"),
        purpose="care",
        basis="consent",
        data=(),
        subjects=("customers",),
    )
    return msgspec.structs.replace(sound, **changes)


@pytest.mark.parametrize(
    ("holds", "entries", "codes"),
    [
        (True, [], ["nothing-declared"]),
        (False, [], []),
        (True, [entry()], []),
        (True, [entry(basis="contract")], ["consent-missing"]),
        (True, [entry(purpose="service", basis="contract")], []),
        (True, [entry(purpose="relations", basis="contract")], []),
        (False, [entry(purpose="astrology")], ["unknown-purpose"]),
    ],
)
def test_findings(holds: bool, entries: list[Processing], codes: list[str]) -> None:
    one = Processor(
        id="spa",
        title="",
        version="1",
        state="enabled",
        holds_customers=holds,
        processing=tuple(entries),
    )
    purposes = {**core_processing().purposes, "service": Text("S", "S"), "care": Text("C", "C")}
    assert [each.code for each in findings_of(one, purposes, PROFILE)] == codes


@pytest.fixture
def _tables_forgotten() -> Iterator[None]:
    """Whoever asks later for the tables of customers finds none of those made here."""
    before = list(TABLE_REGISTRY)
    yield
    TABLE_REGISTRY[:] = before


def with_table(plugin_id: str, entries: str = "") -> dict[str, Any]:
    return {
        "manifest_extra": f'piccolo_app = "relatum_{plugin_id}.piccolo_app"\n{entries}',
        "files": {"piccolo_app.py": APP.format(plugin_id)},
    }


@pytest.mark.usefixtures("_tables_forgotten")
def test_what_is_off_or_kept_out_stays_in_it(
    site: Any, open_table: Callable[..., PluginTable]
) -> None:
    site.install("off", **with_table("off", ENTRY))
    site.install("mute", **with_table("mute"))
    site.install("ahead", manifest=f'id = "ahead"\ncore_api = ">=9"\nkind = "trade"\n{ENTRY}')
    site.install("torn", manifest="id = ")
    table = open_table(disabled=["off"])
    table.apps()
    contact: Any = SimpleNamespace(profile=PROFILE)
    core, *listed = Register(table, contact, "1").processors()
    assert (core.id, core.state, core.holds_customers) == ("core", "enabled", True)
    shown = {
        each.id: (each.state, each.holds_customers, len(each.processing), *each.findings)
        for each in listed
    }
    assert shown == {
        "ahead": ("quarantined", False, 1),
        "mute": ("enabled", True, 0, RegisterFinding(code="nothing-declared")),
        "off": ("disabled", True, 1),
        "torn": ("quarantined", False, 0, RegisterFinding(code="unreadable")),
    }
