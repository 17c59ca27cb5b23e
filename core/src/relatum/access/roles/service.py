"""Roles: what each may do and see, who has which. The only writer of their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from relatum.access.policies import BUILTIN_ROLES, Policy
from relatum.access.roles import events as facts
from relatum.access.roles import reading
from relatum.access.roles.builtin import OWNER, TITLES
from relatum.access.roles.granting import refuse_permissions, refuse_policy, refuse_role
from relatum.access.roles.rights import Definition, below, definition_of, viewer_with
from relatum.access.roles.teams import Teams
from relatum.access.roles.types import Role, RoleChange, RoleDraft, Standing, StandingChange
from relatum.access.sight.combining import sight_of
from relatum.access.viewer import Viewer, current_viewer
from relatum.db.database import to_json
from relatum.events.types import NewEvent
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem
from relatum.values.text import Text, clean_line
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.accounts.types import Identity
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.registry import Registry

#: ``owner`` is :data:`relatum.access.roles.builtin.OWNER`.
ACTIVE_OWNERS = (
    "SELECT r.account_id FROM core_account_role r JOIN core_account a ON a.id = r.account_id "
    "WHERE r.role = 'owner' AND a.state = 'active'"
)
COLUMNS = (
    "key",
    "title_en",
    "title_vi",
    "based_on",
    "policy",
    "version",
    "created_at",
    "updated_at",
)


class Roles:
    """What people and services may do and see. ``by`` is the actor, as the event log writes it.

    Whoever gives something must hold it; the current viewer is asked.
    """

    def __init__(self, db: Database, events: EventLog, registry: Registry) -> None:
        self._db = db
        self._events = events
        self._registry = registry
        self._listeners: list[Callable[[], None]] = []
        self.teams = Teams(db, events, self._changed)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each commit that changed what somebody may do or see."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    # -- who may what ----------------------------------------------------------------------------

    async def viewer_of(self, identity: Identity) -> Viewer:
        """What an identity may do and see at this moment, through its roles, teams and scopes."""
        known = await reading.snapshot(self._db, identity.account)
        named = reading.rules_named(known.held)
        sight = sight_of(
            [role.policy for role in known.held],
            account=identity.account,
            teams=known.teams,
            below=below(known.teams, known.parents),
            rules=await reading.rule_numbers(self._db, named) if named else {},
        )
        return viewer_with(identity, known.held, sight, self._registry.permissions)

    async def standing(self, account: UUID) -> Standing:
        """The roles and teams of an account."""
        known = await reading.snapshot(self._db, account)
        return Standing(account=account, roles=known.roles, teams=known.teams)

    async def assign(self, account: UUID, roles: Sequence[str], *, by: str) -> None:
        """Let the account have exactly these roles.

        Raises:
            InvalidInput: there is no such role.
            Refused: the viewer holds less than they would give or take.
            Conflict: the last active owner would be no owner any more.
        """
        wanted = sorted(set(roles))
        async with self._db.transaction():
            known = await reading.snapshot(self._db, account)
            before = known.roles
            if wanted == before:
                return
            _refuse_unknown_roles(wanted, known.definitions)
            await self._refuse_assigning(account, before, wanted, known.definitions)
            await self._db.execute("DELETE FROM core_account_role WHERE account_id = ?", account)
            await self._db.insert(
                "core_account_role",
                ("id", "account_id", "role"),
                [(new_id(), account, role) for role in wanted],
            )
            payload = facts.RolesAssigned(account, (before, wanted))
            await self._append(NewEvent(type=facts.ROLES_ASSIGNED, payload=payload), by)

    async def place(self, account: UUID, change: StandingChange, *, by: str) -> Standing:
        """Give an account other roles or teams.

        Raises:
            NotFound: there is no such account.
            InvalidInput, Refused, Conflict: as :meth:`assign`, and for teams that do not exist.
        """
        async with self._db.transaction():
            found = await self._db.fetch_one("SELECT 1 FROM core_account WHERE id = ?", account)
            if found is None:
                raise NotFound(f"expected the id of an account, got {account}; there is none")
            if change.teams is not UNSET:
                await self.refuse_stronger(account)
                await self.teams.assign(account, change.teams, by=by)
            if change.roles is not UNSET:
                await self.assign(account, change.roles, by=by)
            return await self.standing(account)

    async def join_team(self, account: UUID, team: UUID, *, by: str) -> None:
        """Put the account into one more team.

        Raises:
            InvalidInput: there is no such team.
        """
        async with self._db.transaction():
            await self.teams.assign(account, [*await self.teams.of(account), team], by=by)

    async def has_active_owner(self) -> bool:
        """Whether some active person is an owner."""
        return await self._db.fetch_one(f"{ACTIVE_OWNERS} LIMIT 1") is not None

    async def is_last_owner(self, account: UUID) -> bool:
        """Whether this account is the only active owner; nobody else can change that meanwhile."""
        lock = " FOR UPDATE OF r" if self._db.kind == "postgresql" else ""
        owners = {id for (id,) in await self._db.fetch(f"{ACTIVE_OWNERS}{lock}")}
        return owners == {account}

    async def refuse_stronger(self, account: UUID) -> None:
        """Refuse to act on an account that holds more than the viewer (reset its password …).

        Raises:
            Refused: naming what the viewer does not hold.
        """
        for role in (await reading.snapshot(self._db, account)).held:
            refuse_role(current_viewer(), role, self._registry.permissions)

    async def _refuse_assigning(
        self,
        account: UUID,
        before: Sequence[str],
        wanted: Sequence[str],
        known: Mapping[str, Definition],
    ) -> None:
        first = OWNER in wanted and not await self.has_active_owner()
        if not first:
            for key in sorted(set(before).symmetric_difference(wanted) & known.keys()):
                refuse_role(current_viewer(), known[key], self._registry.permissions)
        if OWNER in before and OWNER not in wanted and await self.is_last_owner(account):
            raise Conflict(
                "expected another active owner, got none; make somebody else an owner first"
            )

    # -- what a role is --------------------------------------------------------------------------

    async def every(self) -> list[Role]:
        """Every role: the built-in ones first, then own ones by key."""
        known = await reading.every_role(self._db)
        own = sorted(known.keys() - set(BUILTIN_ROLES))
        return [self._shown(known[key]) for key in [*BUILTIN_ROLES, *own]]

    async def get(self, key: str) -> Role:
        """One role.

        Raises:
            NotFound: there is none with this key.
        """
        return self._shown(_known(await reading.every_role(self._db), key))

    async def create(self, draft: RoleDraft, *, by: str) -> Role:
        """Make an own role.

        Raises:
            InvalidInput: the key is taken; a permission or rule does not exist.
            Refused: it would hold more than the viewer.
        """
        async with self._db.transaction():
            known = await reading.every_role(self._db)
            if draft.key in known:
                raise _bad("/key", "a key that no other role has", draft.key)
            base = known[draft.based_on]
            made = Definition(
                key=draft.key,
                title=_title(draft.title_en, draft.title_vi),
                based_on=base.based_on,
                policy=base.policy if draft.policy is None else draft.policy,
                given=base.given,
            )
            if draft.permissions is not None:
                made = self._with_permissions(made, draft.permissions)
            await self._refuse_unknown_rules(made.policy)
            refuse_role(current_viewer(), made, self._registry.permissions)
            return await self._save(None, made, by)

    async def change(
        self, key: str, change: RoleChange, *, by: str, version: int | None = None
    ) -> Role:
        """Change what a role is called, may do or sees.

        Raises:
            NotFound: there is none with this key.
            InvalidInput: a permission or rule does not exist.
            Conflict: it is the owner, or another version than ``version``.
            Refused: the viewer holds less than the role, before or after.
        """
        async with self._db.transaction():
            before = _known(await reading.every_role(self._db), key)
            if key == OWNER:
                raise Conflict("expected a role that can be changed; owners may always everything")
            _refuse_version(before, version)
            refuse_role(current_viewer(), before, self._registry.permissions)
            after = msgspec.structs.replace(before, **_named(change, before))
            if change.permissions is not UNSET:
                after = self._with_permissions(after, change.permissions)
            if change.policy is not UNSET:
                await self._refuse_unknown_rules(after.policy)
            refuse_policy(current_viewer(), after.policy)
            refuse_permissions(current_viewer(), after.permissions(self._registry.permissions))
            return await self._save(before, after, by)

    async def remove(self, key: str, *, by: str) -> None:
        """Take an own role away, or put a built-in one back to how it came.

        Raises:
            NotFound: there is none with this key.
            Conflict: somebody has this own role.
            Refused: the viewer holds less than the role.
        """
        async with self._db.transaction():
            before = _known(await reading.every_role(self._db), key)
            refuse_role(current_viewer(), before, self._registry.permissions)
            after = definition_of(before.based_on) if key in BUILTIN_ROLES else None
            if after is not None:
                refuse_role(current_viewer(), after, self._registry.permissions)
            else:
                await self._refuse_held(key)
            await self._db.execute("DELETE FROM core_role_permission WHERE role = ?", key)
            await self._db.execute("DELETE FROM core_role WHERE key = ?", key)
            await self._tell(before, after, by)

    async def _refuse_held(self, key: str) -> None:
        row = await self._db.fetch_one("SELECT count(*) FROM core_account_role WHERE role = ?", key)
        count = row[0] if row else 0
        if count:
            raise Conflict(
                f"expected a role that nobody has, got one that {count} accounts have; give them "
                "another one first"
            )

    async def _save(self, before: Definition | None, after: Definition, by: str) -> Role:
        after = msgspec.structs.replace(after, stored=True, version=after.version + 1)
        await self._write(before, after)
        await self._tell(before, after, by)
        return self._shown(after)

    async def _write(self, before: Definition | None, after: Definition) -> None:
        moment = now()
        title, policy = after.title, to_json(after.policy)
        if before is not None and before.stored:
            await self._db.execute(
                "UPDATE core_role SET title_en = ?, title_vi = ?, policy = ?, version = ?, "
                "updated_at = ? WHERE key = ?",
                *(title.en, title.vi, policy, after.version, moment, after.key),
            )
        else:
            await self._db.insert(
                "core_role",
                COLUMNS,
                [(after.key, title.en, title.vi, after.based_on, policy, 1, moment, moment)],
            )
        await self._db.execute("DELETE FROM core_role_permission WHERE role = ?", after.key)
        await self._db.insert(
            "core_role_permission",
            ("id", "role", "permission", "granted"),
            [(new_id(), after.key, each, given) for each, given in sorted(after.given.items())],
        )

    async def _tell(self, before: Definition | None, after: Definition | None, by: str) -> None:
        was, is_ = self._told(before), self._told(after)
        changes = {
            field: (was.get(field), is_.get(field))
            for field in (was or is_)
            if was.get(field) != is_.get(field)
        }
        key = (before or after).key  # type: ignore[union-attr] # one of them is there
        if changes:
            payload = facts.RoleChanged(key, changes)
            await self._append(NewEvent(type=facts.ROLE_CHANGED, payload=payload), by)

    def _told(self, role: Definition | None) -> dict[str, Any]:
        if role is None:
            return {}
        return {
            "title": msgspec.to_builtins(role.title),
            "based_on": role.based_on,
            "policy": msgspec.to_builtins(role.policy),
            "permissions": sorted(role.permissions(self._registry.permissions)),
        }

    async def _append(self, event: NewEvent, by: str) -> None:
        await self._events.append([event], by=by)
        self._db.after_commit(self._changed)

    def _shown(self, role: Definition) -> Role:
        builtin = role.key in BUILTIN_ROLES
        return Role(
            key=role.key,
            title=role.title,
            builtin=builtin,
            based_on=role.based_on,
            policy=role.policy,
            permissions=sorted(role.permissions(self._registry.permissions)),
            changed=builtin and role.stored,
            version=role.version,
        )

    def _with_permissions(self, role: Definition, wanted: Iterable[str]) -> Definition:
        """The role with exactly these of the declared permissions; about others nothing changes."""
        declared = {each.id: role.based_on in each.roles for each in self._registry.permissions}
        chosen = set(wanted)
        _refuse_unknown_permissions(chosen - declared.keys())
        given = {each: granted for each, granted in role.given.items() if each not in declared}
        given |= {each: each in chosen for each in declared if (each in chosen) != declared[each]}
        return msgspec.structs.replace(role, given=given)

    async def _refuse_unknown_rules(self, policy: Policy) -> None:
        known = await reading.rule_numbers(self._db, policy.rules) if policy.rules else {}
        for key in policy.rules:
            if key not in known:
                raise _bad("/policy/rules", "keys of stored rules", key)


def _known(roles: Mapping[str, Definition], key: str) -> Definition:
    role = roles.get(key)
    if role is None:
        raise NotFound(
            f"expected the key of a role, got {key[:80]!r}; there are {', '.join(sorted(roles))}"
        )
    return role


def _refuse_version(role: Definition, version: int | None) -> None:
    if version is not None and version != role.version:
        raise Conflict(
            f"expected version {version} of the role, got {role.version}: somebody changed it "
            "meanwhile; read it again"
        )


def _named(change: RoleChange, before: Definition) -> dict[str, Any]:
    en = before.title.en if change.title_en is UNSET else change.title_en
    vi = before.title.vi if change.title_vi is UNSET else change.title_vi
    policy = before.policy if change.policy is UNSET else change.policy
    return {"title": _title(en, vi), "policy": policy}


def _title(en: str, vi: str) -> Text:
    return Text(
        en=clean_line(en, what="title", max_length=100, where="/title_en"),
        vi=clean_line(vi, what="title", max_length=100, where="/title_vi"),
    )


def _refuse_unknown_roles(wanted: Iterable[str], known: Mapping[str, Definition]) -> None:
    for key in wanted:
        if key not in known:
            raise _bad("/roles", f"roles such as {', '.join(TITLES)}", key)


def _refuse_unknown_permissions(unknown: set[str]) -> None:
    if unknown:
        expected = "permissions that core or a running plugin declares"
        raise InvalidInput(
            "A permission is not known.",
            problems=[
                Problem(
                    code="unknown-permission",
                    message="there is no such permission",
                    where="/permissions",
                    expected=expected,
                    got=each[:120],
                    mend="See /api/v1/permissions.",
                )
                for each in sorted(unknown)
            ],
        )


def _bad(where: str, expected: str, got: str) -> InvalidInput:
    problem = Problem(
        code="bad-role",
        message="the role cannot be so",
        where=where,
        expected=expected,
        got=got[:120],
        mend="Mend it and send it again.",
    )
    return InvalidInput("A value is not acceptable.", problems=[problem])
