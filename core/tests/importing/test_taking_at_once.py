"""Lists that a page hands out: they count like exports of the account, and are noted like them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest

from relatum.access.viewer import Viewer
from relatum.config.settings import Exports as ExportSettings
from relatum.importing.exports.types import ExportDraft
from relatum.importing.watermark import Watermark
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, NotFound, Refused

LIMIT = 5
TARGET = "core.customers"


@pytest.fixture
def house_settings(house_settings: Any) -> Any:
    return msgspec.structs.replace(house_settings, exports=ExportSettings(approval_above=LIMIT))


def viewer(account: UUID, *permissions: str) -> Viewer:
    held = permissions or ("core.exports.write", "core.customers.read")
    return Viewer(
        kind="person",
        account=account,
        actor=f"person:{account}",
        permissions=frozenset(held),
    )


async def take(house: Any, who: Viewer, records: int, target: str = TARGET) -> Watermark:
    mark: Watermark = await house.exports.take_at_once(
        target, records, filters={"q": "an"}, why="gọi điện", viewer=who, person="Lan"
    )
    return mark


async def test_it_counts_with_what_went_out_before(house: Any) -> None:
    lan, minh = viewer(new_id()), viewer(new_id())
    first = await take(house, lan, 3)
    with pytest.raises(Refused, match="at most 2 records"):
        await take(house, lan, 3)
    await take(house, lan, 2)
    await take(house, minh, LIMIT)
    found = await house.exports.find(lan)
    assert [each.records for each in found] == [2, 3], "what was refused is no export"
    export = found[-1]
    assert (export.id, export.state, export.person) == (first.export, "deleted", "Lan")
    assert (export.filters, export.why) == ({"q": "an"}, "gọi điện")
    with pytest.raises(Conflict, match="ready"):
        await house.exports.link(export.id, lan, "/")


async def test_an_export_counts_what_a_page_handed_out(house: Any) -> None:
    lan = viewer(new_id())
    await take(house, lan, LIMIT)
    asked = await house.exports.request(
        ExportDraft(target=TARGET, format="csv", why="gọi điện"), viewer=lan, person="Lan"
    )
    with pytest.raises(Conflict, match="being written"):
        await take(house, lan, 0)
    await house.exports.give_up(asked.id, "test")
    await take(house, lan, 0)


async def test_who_may_not_takes_nothing(house: Any) -> None:
    for permission in ("core.exports.write", "core.customers.read"):
        with pytest.raises(Refused):
            await take(house, viewer(new_id(), permission), 1)
    with pytest.raises(NotFound):
        await take(house, viewer(new_id()), 1, "nobody.nothing")
    assert await house.db.fetch("SELECT id FROM core_export") == []
