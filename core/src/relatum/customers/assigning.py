"""Whom a customer belongs to, and who may say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET

from relatum.access.viewer import Viewer, current_viewer
from relatum.customers.types import Customer, CustomerChange, CustomerDraft
from relatum.db.guarding import as_the_house
from relatum.hooks.declarations import Refusal
from relatum.hooks.refusing import refuse
from relatum.values.problems import Problem, Refused

if TYPE_CHECKING:
    from relatum.db.database import Database

ASSIGN = "core.customers.assign"


class Belonging(Protocol):
    """Knows who is in which team."""

    async def of(self, account: UUID) -> Sequence[UUID]:
        """The teams of an account, the first one first."""
        ...

    async def first_of(self, accounts: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """Account → its first team; accounts without one are left out."""
        ...


class NoTeams:
    """Nobody is in any team."""

    async def of(self, account: UUID) -> Sequence[UUID]:
        return ()

    async def first_of(self, accounts: Sequence[UUID]) -> Mapping[UUID, UUID]:
        return {}


class Assigning:
    """Fills in owners and teams, and refuses what the acting one may not decide.

    Without ``core.customers.assign`` one may create customers of one's own, for a team one is in,
    and take a customer that belongs to nobody.
    """

    def __init__(self, db: Database, belonging: Belonging) -> None:
        self._db = db
        self._belonging = belonging

    async def new(self, drafts: Sequence[CustomerDraft]) -> list[CustomerDraft]:
        """The drafts with owner and team.

        Raises:
            Refused: one belongs to somebody else, without the permission.
            InvalidInput: there is no such account or team.
        """
        viewer = current_viewer()
        mine = viewer.account if viewer.kind == "person" else None
        given = [(n, draft.owner, draft.team) for n, draft in enumerate(drafts)]
        given = [each for each in given if each[1] is not None or each[2] is not None]
        if given:
            await self._refuse_unknown(given)
        if mine is None and not given:
            return list(drafts)
        if not viewer.may(ASSIGN):
            await self._refuse_foreign(viewer, [(owner, team) for _, owner, team in given])
        owners = {owner for _, owner, _ in given if owner is not None} | ({mine} if mine else set())
        first = await self._first_of(owners)
        return [_belonging_to(draft, draft.owner or mine, first) for draft in drafts]

    async def changed(
        self, changes: Sequence[tuple[Customer, CustomerChange]]
    ) -> list[CustomerChange]:
        """The changes, with the team of a new owner where none is given.

        Raises:
            Refused: a change gives a customer to somebody, without the permission.
            InvalidInput: there is no such account or team.
        """
        moved = [
            (n, current, change)
            for n, (current, change) in enumerate(changes)
            if _other(change.owner, current.owner) or _other(change.team, current.team)
        ]
        asked = [change for _, change in changes]
        if not moved:
            return asked
        await self._refuse_unknown(
            [(n, change.owner or None, change.team or None) for n, _, change in moved]
        )
        viewer = current_viewer()
        if not viewer.may(ASSIGN):
            await self._refuse_giving(viewer, [(current, change) for _, current, change in moved])
        first = await self._first_of({change.owner for _, _, change in moved if change.owner})
        for n, current, change in moved:
            if change.team is UNSET and _other(change.owner, current.owner):
                team = first.get(change.owner) if change.owner else None
                asked[n] = msgspec.structs.replace(change, team=team)
        return asked

    async def _first_of(self, owners: Iterable[UUID]) -> Mapping[UUID, UUID]:
        with as_the_house():
            return await self._belonging.first_of(list(owners))

    async def _own_teams(self, viewer: Viewer) -> set[UUID]:
        if viewer.account is None:
            return set()
        with as_the_house():
            return set(await self._belonging.of(viewer.account))

    async def _refuse_foreign(
        self, viewer: Viewer, given: Sequence[tuple[UUID | None, UUID | None]]
    ) -> None:
        mine = {None, viewer.account if viewer.kind == "person" else None}
        teams = {team for _, team in given if team is not None}
        if any(owner not in mine for owner, _ in given) or (
            teams and not teams <= await self._own_teams(viewer)
        ):
            raise _refused()

    async def _refuse_giving(
        self, viewer: Viewer, moved: Sequence[tuple[Customer, CustomerChange]]
    ) -> None:
        takes = all(
            current.owner is None and change.owner == viewer.account and viewer.account
            for current, change in moved
        )
        teams = {change.team for _, change in moved if change.team}
        if not takes or (teams and not teams <= await self._own_teams(viewer)):
            raise _refused()

    async def _refuse_unknown(self, given: Sequence[tuple[int, UUID | None, UUID | None]]) -> None:
        accounts = await self._known("core_account", {owner for _, owner, _ in given if owner})
        teams = await self._known("core_team", {team for _, _, team in given if team})
        refusals = [
            Refusal(n, _unknown(what, id))
            for n, owner, team in given
            for what, id, known in (("owner", owner, accounts), ("team", team, teams))
            if id and id not in known
        ]
        refuse(refusals, "customers")

    async def _known(self, table: str, ids: set[UUID]) -> set[UUID]:
        with as_the_house():
            found = await self._db.fetch_in(
                f"SELECT id FROM {table} WHERE id IN ({{}})",  # noqa: S608 - names of our own
                list(ids),
            )
        return {id for (id,) in found}


def _other(given: object, current: UUID | None) -> bool:
    return given is not UNSET and given != current


def _belonging_to(
    draft: CustomerDraft, owner: UUID | None, first: Mapping[UUID, UUID]
) -> CustomerDraft:
    team = draft.team or (first.get(owner) if owner else None)
    if owner == draft.owner and team == draft.team:
        return draft
    return msgspec.structs.replace(draft, owner=owner, team=team)


def _refused() -> Refused:
    return Refused(
        f"expected the permission {ASSIGN} to give customers to others, got an account without it; "
        "leave owner and team out, or ask somebody who may"
    )


def _unknown(what: str, id: UUID) -> Problem:
    noun = "account" if what == "owner" else "team"
    return Problem(
        code=f"no-such-{noun}",
        message=f"there is no {noun} with this id",
        where=f"/{what}",
        expected=f"the id of {'an' if noun == 'account' else 'a'} {noun}",
        got=str(id),
        mend=f"Choose one of the {noun}s, or leave it out.",
    )
