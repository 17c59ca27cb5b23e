"""Charts that people keep. What one shows is read anew for whoever looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.db.database import to_json
from relatum.reports.sharing import account_of, nothing, refuse_sharing, seen_by
from relatum.reports.types import Chart, ChartDraft, ChartSpec
from relatum.values.ids import new_id
from relatum.values.problems import Refused
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.reports.sharing import House

_COLUMNS = "id, account_id, title, spec, shared, role, updated_at"
_read_spec = msgspec.json.Decoder(ChartSpec).decode


class Charts:
    """Keeps, finds and deletes charts."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def keep(self, draft: ChartDraft, *, viewer: Viewer) -> UUID:
        """Keep a chart.

        Raises:
            Refused: the viewer may not share, or has no account.
            NotFound: there is no such metric.
            InvalidInput: there is no such role.
        """
        self._house.registry.metrics.get(draft.spec.metric)
        role = await refuse_sharing(self._house, viewer, draft.shared, draft.role)
        id, moment = new_id(), now()
        await self._house.db.insert(
            "core_chart",
            ("id", "account_id", "title", "spec", "shared", "role", "created_at", "updated_at"),
            [
                (
                    *(id, account_of(viewer), draft.title, to_json(draft.spec)),
                    *(draft.shared, role, moment, moment),
                )
            ],
        )
        return id

    async def change(self, id: UUID, draft: ChartDraft, *, viewer: Viewer) -> None:
        """Keep another in its place.

        Raises:
            NotFound: there is none.
            Refused: it is somebody else's; otherwise as :meth:`keep`.
        """
        self._house.registry.metrics.get(draft.spec.metric)
        await self._own(id, viewer)
        role = await refuse_sharing(self._house, viewer, draft.shared, draft.role)
        await self._house.db.execute(
            "UPDATE core_chart SET title = ?, spec = ?, shared = ?, role = ?, updated_at = ? "
            "WHERE id = ?",
            *(draft.title, to_json(draft.spec), draft.shared, role, now(), id),
        )

    async def delete(self, id: UUID, *, viewer: Viewer) -> None:
        """Delete one's own chart; :meth:`restore` takes it back.

        Raises:
            NotFound: there is none.
            Refused: it is somebody else's.
        """
        await self._own(id, viewer)
        await self._house.db.execute("UPDATE core_chart SET deleted_at = ? WHERE id = ?", now(), id)

    async def restore(self, id: UUID, *, viewer: Viewer) -> None:
        """Take the deletion of one's own chart back."""
        touched = await self._house.db.execute(
            "UPDATE core_chart SET deleted_at = NULL WHERE id = ? AND account_id = ?",
            *(id, account_of(viewer)),
        )
        if not touched:
            raise nothing("chart", id)

    async def get(self, id: UUID, *, viewer: Viewer) -> Chart:
        """One that the viewer sees.

        Raises:
            NotFound: there is none.
        """
        return next(iter(await self.get_many([id], viewer=viewer)), None) or _none(id)

    async def get_many(self, ids: list[UUID], *, viewer: Viewer) -> list[Chart]:
        """Those of them that the viewer sees."""
        condition, params = await seen_by(self._house, viewer)
        found = await self._house.db.fetch_in(
            f"SELECT {_COLUMNS} FROM core_chart WHERE id IN ({{}}) AND deleted_at IS NULL "  # noqa: S608
            f"AND {condition}",
            ids,
            *params,
        )
        return [_chart(row) for row in found]

    async def find(self, *, viewer: Viewer) -> list[Chart]:
        """All that the viewer sees, by title."""
        condition, params = await seen_by(self._house, viewer)
        found = await self._house.db.fetch(
            f"SELECT {_COLUMNS} FROM core_chart WHERE deleted_at IS NULL AND {condition} "  # noqa: S608
            "ORDER BY title, id LIMIT 500",
            *params,
        )
        return [_chart(row) for row in found]

    async def _own(self, id: UUID, viewer: Viewer) -> Chart:
        chart = await self.get(id, viewer=viewer)
        if chart.account != viewer.account:
            raise Refused("expected one of your own charts, got somebody else's; keep a copy")
        return chart


def _none(id: UUID) -> Chart:
    raise nothing("chart", id)


def _chart(row: tuple[Any, ...]) -> Chart:
    id, account, title, spec, shared, role, updated = row
    return Chart(
        id=id,
        account=account,
        title=title,
        spec=_read_spec(spec),
        shared=shared,
        role=role,
        updated_at=updated,
    )
