"""Dashboards: the one that everybody has, those of roles, and those that people arranged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from relatum.db.database import to_json
from relatum.reports.sharing import account_of, nothing, refuse_sharing, seen_by
from relatum.reports.types import MOST_TILES, Dashboard, Shared, Tile
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, NotFound, Refused
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.reports.periods import Compare, Range
    from relatum.reports.sharing import House

ARRANGE_ROLES = "core.dashboards.write"
Move = Literal["earlier", "later", "wider", "narrower", "remove"]
_COLUMNS = "id, account_id, title, tiles, range, compare, shared, role, is_default"
_read_tiles = msgspec.json.Decoder(list[Tile]).decode


class Dashboards:
    """Finds, arranges and shares dashboards."""

    def __init__(self, house: House) -> None:
        self._house = house

    def standard(self, viewer: Viewer) -> Dashboard:
        """What everybody begins with: the widgets that their plugins want shown."""
        shown = [
            widget
            for widget in self._house.registry.widgets
            if widget.shown and viewer.may(widget.permission)
        ]
        shown.sort(key=lambda widget: (widget.order, widget.id))
        return Dashboard(
            id=None,
            account=None,
            title="",
            tiles=[
                Tile(id=f"t{number}", widget=widget.id, width=widget.width)
                for number, widget in enumerate(shown[:MOST_TILES])
            ],
            range="this_month",
            compare="before",
        )

    async def find(self, viewer: Viewer) -> list[Dashboard]:
        """Those that the viewer sees: own ones first, then those of roles, then others."""
        condition, params = await seen_by(self._house, viewer)
        found = await self._house.db.fetch(
            f"SELECT {_COLUMNS} FROM core_dashboard WHERE deleted_at IS NULL AND {condition} "  # noqa: S608
            "ORDER BY position, created_at, id LIMIT 100",
            *params,
        )
        boards = [_dashboard(row) for row in found]
        return sorted(
            boards, key=lambda each: (each.account != viewer.account, not each.is_default)
        )

    async def first(self, viewer: Viewer) -> Dashboard:
        """What the viewer begins with: an own one, the one of the role, or the standard."""
        if viewer.account is None:
            return self.standard(viewer)
        for each in await self.find(viewer):
            if each.account == viewer.account or each.is_default:
                return each
        return self.standard(viewer)

    async def get(self, id: UUID, viewer: Viewer) -> Dashboard:
        """One that the viewer sees.

        Raises:
            NotFound: there is none.
        """
        condition, params = await seen_by(self._house, viewer)
        row = await self._house.db.fetch_one(
            f"SELECT {_COLUMNS} FROM core_dashboard WHERE id = ? AND deleted_at IS NULL "  # noqa: S608
            f"AND {condition}",
            id,
            *params,
        )
        if row is None:
            raise nothing("dashboard", id)
        return _dashboard(row)

    async def create(self, title: str, *, viewer: Viewer, like: Dashboard) -> UUID:
        """A dashboard of one's own, with the boxes of another to begin with."""
        id, moment = new_id(), now()
        await self._house.db.insert(
            "core_dashboard",
            (
                *("id", "account_id", "title", "tiles", "range", "compare", "shared", "role"),
                *("position", "created_at", "updated_at"),
            ),
            [
                (
                    *(id, account_of(viewer), title, to_json(like.tiles), like.range),
                    *(like.compare, "private", "", 0, moment, moment),
                )
            ],
        )
        return id

    async def rename(
        self, id: UUID, title: str, *, opens: Range, compare: Compare, viewer: Viewer
    ) -> None:
        """Another title, and other days that it opens with; raises as :meth:`share`."""
        await self._own(id, viewer)
        await self._house.db.execute(
            "UPDATE core_dashboard SET title = ?, range = ?, compare = ?, updated_at = ? "
            "WHERE id = ?",
            *(title, opens, compare, now(), id),
        )

    async def share(
        self, id: UUID, *, viewer: Viewer, shared: Shared, role: str, default: bool = False
    ) -> None:
        """Let others see it, or nobody any more.

        Args:
            default: people of the role begin with it.

        Raises:
            NotFound: there is none.
            Refused: it is somebody else's, or the viewer may not share.
            InvalidInput: there is no such role.
        """
        await self._own(id, viewer)
        role = await refuse_sharing(self._house, viewer, shared, role)
        default = default and shared == "role"
        if default and not viewer.may(ARRANGE_ROLES):
            raise Refused(f"expected the permission {ARRANGE_ROLES}, got somebody without it")
        async with self._house.db.transaction():
            if default:
                await self._house.db.execute(
                    "UPDATE core_dashboard SET is_default = ? WHERE role = ?", False, role
                )
            await self._house.db.execute(
                "UPDATE core_dashboard SET shared = ?, role = ?, is_default = ?, updated_at = ? "
                "WHERE id = ?",
                *(shared, role, default, now(), id),
            )

    async def add(
        self, id: UUID, *, viewer: Viewer, widget: str = "", chart: UUID | None = None
    ) -> str:
        """Put a widget or a chart at the end; returns the id of its tile.

        Raises:
            NotFound: there is no such dashboard, widget or chart.
            Refused: the dashboard is somebody else's.
            Conflict: it is full.
        """
        if chart is not None:
            kept = await self._house.charts.get(chart, viewer=viewer)
            width = 1 if kept.spec.kind == "number" else 2
        else:
            width = self._widget(widget, viewer)
        async with self._house.db.transaction():
            board = await self._own(id, viewer)
            if len(board.tiles) >= MOST_TILES:
                raise Conflict(f"expected at most {MOST_TILES} boxes, got one more; remove one")
            used = {each.id for each in board.tiles}
            name = next(f"t{n}" for n in range(MOST_TILES + 1) if f"t{n}" not in used)
            tile = Tile(id=name, widget=widget, chart=chart, width=width)
            await self._save(id, [*board.tiles, tile])
        return name

    async def move(self, id: UUID, tile: str, move: Move, *, viewer: Viewer) -> None:
        """One step with one box; raises as :meth:`add`."""
        async with self._house.db.transaction():
            board = await self._own(id, viewer)
            await self._save(id, moved(board.tiles, tile, move))

    async def order(self, id: UUID, tiles: Sequence[str], *, viewer: Viewer) -> None:
        """The boxes in another order; those that are not named stay at the end."""
        async with self._house.db.transaction():
            board = await self._own(id, viewer)
            place = {tile: number for number, tile in enumerate(tiles)}
            await self._save(
                id, sorted(board.tiles, key=lambda each: place.get(each.id, len(place)))
            )

    async def put_back(self, id: UUID, tiles: list[Tile], *, viewer: Viewer) -> None:
        """The boxes as they were before."""
        await self._own(id, viewer)
        await self._save(id, tiles)

    async def delete(self, id: UUID, *, viewer: Viewer) -> None:
        """Delete one's own; :meth:`restore` takes it back."""
        await self._own(id, viewer)
        await self._house.db.execute(
            "UPDATE core_dashboard SET deleted_at = ? WHERE id = ?", now(), id
        )

    async def restore(self, id: UUID, *, viewer: Viewer) -> None:
        """Take the deletion of one's own dashboard back."""
        touched = await self._house.db.execute(
            "UPDATE core_dashboard SET deleted_at = NULL WHERE id = ? AND account_id = ?",
            *(id, account_of(viewer)),
        )
        if not touched:
            raise nothing("dashboard", id)

    def _widget(self, id: str, viewer: Viewer) -> int:
        widget = self._house.registry.widgets.get(id)
        if not viewer.may(widget.permission):
            raise nothing("widget", id)
        return widget.width

    async def _own(self, id: UUID, viewer: Viewer) -> Dashboard:
        board = await self.get(id, viewer)
        if board.account != viewer.account:
            raise Refused("expected one of your own dashboards, got somebody else's; make a copy")
        return board

    async def _save(self, id: UUID, tiles: list[Tile]) -> None:
        await self._house.db.execute(
            "UPDATE core_dashboard SET tiles = ?, updated_at = ? WHERE id = ?",
            *(to_json(tiles), now(), id),
        )


def moved(tiles: Sequence[Tile], id: str, move: Move) -> list[Tile]:
    """The boxes after one step with one of them.

    Raises:
        NotFound: there is no such box.
    """
    place = next((number for number, each in enumerate(tiles) if each.id == id), None)
    if place is None:
        raise NotFound(f"expected a box of this dashboard, got {id[:40]!r}")
    left = list(tiles)
    tile = left.pop(place)
    if move == "remove":
        return left
    if move in ("earlier", "later"):
        place += 1 if move == "later" else -1
    else:
        width = tile.width + (1 if move == "wider" else -1)
        tile = replace(tile, width=min(max(width, 1), 4))
    left.insert(max(place, 0), tile)
    return left


def _dashboard(row: tuple[Any, ...]) -> Dashboard:
    id, account, title, tiles, opens, compare, shared, role, is_default = row
    return Dashboard(
        id=id,
        account=account,
        title=title,
        tiles=_read_tiles(tiles),
        range=opens,
        compare=compare,
        shared=shared,
        role=role,
        is_default=is_default,
    )
