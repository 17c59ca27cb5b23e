"""The guide says what is true: its routes, settings, reports, fields and rights exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import httpx
import msgspec
import pytest

from relatum_sales_pipeline.import_targets import DealsTarget, ProductsTarget, TeamsTarget
from relatum_sales_pipeline.permissions import PERMISSIONS
from relatum_sales_pipeline.reports import REPORTS
from relatum_sales_pipeline.settings import Settings

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "sales_pipeline.md"
pytestmark = pytest.mark.skipif(
    not GUIDE.exists(), reason=f"the guide is not at {GUIDE}: the plugin was taken out alone"
)
ROOT = "/api/v1/plugins/sales_pipeline"
ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)`")


def text() -> str:
    return GUIDE.read_text(encoding="utf-8")


async def test_every_route_is_in_the_guide_and_no_other(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/schema/openapi.json")).json()["paths"]
    there = {
        (method.upper(), path.removeprefix(ROOT))
        for path, methods in paths.items()
        if path.startswith(ROOT)
        for method in methods
    }
    told = {route for route in ROUTE.findall(text()) if not route[1].startswith("/api/")}
    assert told == there


def test_the_settings_of_the_guide_are_settings() -> None:
    block = re.search(r"```toml\n(\[plugins\..*?)```", text(), re.DOTALL)
    assert block is not None
    table = tomllib.loads(block[1])["plugins"]["sales_pipeline"]
    assert msgspec.convert(table, Settings).currency == "VND"


def test_reports_targets_fields_and_rights_are_named() -> None:
    told = text()
    for named in (*REPORTS, *PERMISSIONS):
        assert f"`{named.id}`" in told, named.id
    for target in (ProductsTarget(), TeamsTarget(), DealsTarget()):
        (row,) = [line for line in told.splitlines() if line.startswith(f"| `{target.id}`")]
        fields = set(re.findall(r"`([a-z_]+)`", row.rsplit("|", 2)[1]))
        known = {field.name for field in msgspec.structs.fields(target.record)}
        assert fields <= known, fields - known
        assert set(target.key) <= fields
        assert set(target.aliases) <= known
