"""Saved views of lists: the only writer of their tables.

A view is seen by whoever made it, by the people of a team or by everybody; only who made it changes
it (and who manages roles, for views that everybody sees).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.db.database import to_json
from relatum.values.ids import new_id
from relatum.values.problems import NotFound, Refused
from relatum.values.text import clean_line
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.db.database import Database

Shared = Literal["private", "team", "everybody"]
Title = Annotated[str, Meta(min_length=1, max_length=60)]
MANAGE = "core.roles.write"
LONGEST_QUERY = 4000
MOST_TABS = 8


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A view as somebody sees it.

    Attributes:
        query: filters and order as the address has them, without ``?``.
        columns: ids in their order; none for those of the list.
        mine: whether the viewer made it.
        pinned, is_default: what the viewer made of it.
    """

    id: UUID
    title: str
    query: str
    columns: list[str]
    account: UUID
    shared: Shared
    team: UUID | None
    mine: bool
    pinned: bool
    is_default: bool


class ViewDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A view to be kept."""

    title: Title
    query: Annotated[str, Meta(max_length=LONGEST_QUERY)] = ""
    columns: list[str] = []
    shared: Shared = "private"
    team: UUID | None = None


_SELECT = (
    "SELECT v.id, v.title, v.query, v.columns, v.account_id, v.shared, v.team_id, c.pinned, "
    "c.is_default FROM core_saved_view v "
    "LEFT JOIN core_view_choice c ON c.view_id = v.id AND c.account_id = ? "
)
_SEEN = (
    "v.deleted_at IS NULL AND (v.account_id = ? OR v.shared = 'everybody' OR (v.shared = 'team' "
    "AND v.team_id IN (SELECT team_id FROM core_team_member WHERE account_id = ?)))"
)


class SavedViews:
    """Views of one list."""

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._list = name

    async def of(self, viewer: Viewer) -> Sequence[View]:
        """The views that somebody sees, their own first, then by title."""
        me = viewer.account
        if me is None:
            return []
        rows = await self._db.fetch(
            f"{_SELECT} WHERE v.list = ? AND {_SEEN} ORDER BY v.created_at, v.id",
            *(me, self._list, me, me),
        )
        found = [_view(row, me) for row in rows]
        return sorted(found, key=lambda view: (not view.mine, view.title.casefold()))

    async def get(self, id: UUID, viewer: Viewer) -> View:
        """One view.

        Raises:
            NotFound: there is none, or it is not for this viewer.
        """
        found = next((view for view in await self.of(viewer) if view.id == id), None)
        if found is None:
            raise NotFound(f"expected the id of a saved view, got {id}; there is none")
        return found

    async def save(self, draft: ViewDraft, viewer: Viewer) -> UUID:
        """Keep a new view; it is pinned for whoever makes it.

        Raises:
            InvalidInput: the title has characters that cannot be stored.
            Refused: nobody in particular asks, or the team is not one of the viewer's.
        """
        account = _somebody(viewer)
        await self._refuse_team(draft, account)
        id = new_id()
        async with self._db.transaction():
            await self._db.insert(
                "core_saved_view",
                (
                    *("id", "list", "title", "query", "columns", "account_id", "shared"),
                    *("team_id", "created_at", "deleted_at"),
                ),
                [
                    (
                        *(id, self._list, _title(draft.title), draft.query),
                        *(to_json(draft.columns), account, draft.shared, _team(draft)),
                        *(now(), None),
                    )
                ],
            )
            await self._choose(id, account, pinned=True)
        return id

    async def change(self, id: UUID, draft: ViewDraft, viewer: Viewer) -> None:
        """Give a view another title, other filters, other people.

        Raises:
            NotFound: as :meth:`get`.
            Refused: it is somebody else's.
        """
        view = await self._own(id, viewer)
        if (draft.shared, _team(draft)) != (view.shared, view.team):
            await self._refuse_team(draft, _somebody(viewer))
        await self._db.execute(
            "UPDATE core_saved_view SET title = ?, query = ?, columns = ?, shared = ?, team_id = ? "
            "WHERE id = ?",
            *(_title(draft.title), draft.query, to_json(draft.columns), draft.shared),
            *(_team(draft), id),
        )

    async def delete(self, id: UUID, viewer: Viewer) -> None:
        """Take a view away from everybody; raises as :meth:`change`."""
        await self._own(id, viewer)
        await self._mark(id, now())

    async def restore(self, id: UUID, viewer: Viewer) -> None:
        """Take a deletion back.

        Raises:
            NotFound: it was not this viewer's view.
        """
        row = await self._db.fetch_one(
            "SELECT 1 FROM core_saved_view WHERE id = ? AND account_id = ? AND list = ?",
            *(id, _somebody(viewer), self._list),
        )
        if row is None:
            raise NotFound(f"expected the id of a saved view, got {id}; there is none")
        await self._mark(id, None)

    async def pin(self, id: UUID, viewer: Viewer, *, pinned: bool) -> None:
        """Put a view among the viewer's tabs, or take it from there."""
        await self.get(id, viewer)
        await self._choose(id, _somebody(viewer), pinned=pinned)

    async def open_with(self, id: UUID | None, viewer: Viewer) -> None:
        """The view that the list opens with for this viewer; ``None`` for the whole list."""
        account = _somebody(viewer)
        async with self._db.transaction():
            await self._db.execute(
                "UPDATE core_view_choice SET is_default = ? WHERE account_id = ? AND view_id IN "
                "(SELECT id FROM core_saved_view WHERE list = ?)",
                *(False, account, self._list),
            )
            if id is not None:
                await self.get(id, viewer)
                await self._choose(id, account, is_default=True)

    async def _own(self, id: UUID, viewer: Viewer) -> View:
        view = await self.get(id, viewer)
        if not view.mine and not (view.shared == "everybody" and viewer.may(MANAGE)):
            raise Refused(
                "expected a view of your own, got one of somebody else; save it under another name"
            )
        return view

    async def _mark(self, id: UUID, deleted: dt.datetime | None) -> None:
        await self._db.execute(
            "UPDATE core_saved_view SET deleted_at = ? WHERE id = ?", deleted, id
        )

    async def _choose(self, id: UUID, account: UUID, **chosen: bool) -> None:
        values = {"pinned": True, "is_default": False, **chosen}
        changed = ", ".join(f"{name} = excluded.{name}" for name in chosen)
        await self._db.insert(
            "core_view_choice",
            ("id", "account_id", "view_id", *values),
            [(new_id(), account, id, *values.values())],
            on_conflict=f"ON CONFLICT (account_id, view_id) DO UPDATE SET {changed}",
        )

    async def _refuse_team(self, draft: ViewDraft, account: UUID) -> None:
        if draft.shared != "team":
            return
        row = await self._db.fetch_one(
            "SELECT 1 FROM core_team_member WHERE account_id = ? AND team_id = ?",
            *(account, draft.team),
        )
        if row is None:
            raise Refused("expected one of your own teams, got another; choose one of them")


def _somebody(viewer: Viewer) -> UUID:
    if viewer.account is None:
        raise Refused("expected somebody with an account, got none; sign in")
    return viewer.account


def _title(text: str) -> str:
    return clean_line(text, what="title", max_length=60, where="/title")


def _team(draft: ViewDraft) -> UUID | None:
    return draft.team if draft.shared == "team" else None


def _view(row: Sequence[object], me: UUID) -> View:
    id, title, query, columns, account, shared, team, pinned, is_default = row
    mine = account == me
    return msgspec.convert(
        {
            "id": id,
            "title": title,
            "query": query,
            "columns": msgspec.json.decode(str(columns)),
            "account": account,
            "shared": shared,
            "team": team,
            "mine": mine,
            "pinned": True if pinned is None else bool(pinned),
            "is_default": bool(is_default),
        },
        View,
    )
