"""The import target ``sales_pipeline.teams``: one row for each agent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from relatum.api import (
    Finding,
    ImportScope,
    Numbered,
    Plugin,
    Prepared,
    Problem,
    Text,
    Written,
    new_id,
)
from relatum_sales_pipeline.import_targets.taking_back import image, take_back
from relatum_sales_pipeline.matching import name_key
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.services.catalogue_rows import MEMBER, TEAM, CatalogueRows
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.wording import AGENT_GIVEN_TWICE, SENTENCES

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Region = Annotated[str, Meta(max_length=100)]
Row = dict[str, Any]

EXPORTED_AT_ONCE = 1000


class TeamRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """An agent with the team. A team without a name is called after region and manager."""

    agent: Name
    team: Name | None = None
    manager: Name | None = None
    region: Region | None = None
    active: bool | None = None

    @property
    def team_name(self) -> str | None:
        """The team's name, given or made."""
        if self.team is not None:
            return self.team.strip()
        parts = [part.strip() for part in (self.region, self.manager) if part and part.strip()]
        return " – ".join(parts) or None


class TeamsTarget:
    """Teams and their members; a member that is known moves to the team of the row."""

    id = "sales_pipeline.teams"
    title = Text(en="Sales teams", vi="Đội bán hàng")
    record: type[msgspec.Struct] = TeamRecord
    key: tuple[str, ...] = ("agent",)
    permission = SETUP_READ
    write_permission = SETUP_WRITE
    sentences: Mapping[str, Text] = {**SENTENCES, "given-twice": AGENT_GIVEN_TWICE}
    aliases: Mapping[str, tuple[str, ...]] = {
        "agent": ("sales_agent", "sales agent", "salesperson", "nhân viên", "nhân viên bán hàng"),
        "team": ("team name", "đội", "nhóm"),
        "manager": ("sales manager", "quản lý", "trưởng nhóm"),
        "region": ("regional_office", "regional office", "office", "khu vực", "vùng", "miền"),
        "active": ("đang làm",),
    }

    async def prepare(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Prepared:
        seen: dict[str, int] = scope.memory.setdefault("agents", {})
        prepared = Prepared()
        for numbered in records:
            problems = _problems(numbered.record)
            key = name_key(numbered.record.agent)
            if seen.setdefault(key, numbered.line) != numbered.line:
                problems.append(_given_twice(numbered.record.agent, seen[key]))
            prepared.findings += [Finding(line=numbered.line, problem=p) for p in problems]
        return prepared

    async def write(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Written:
        wanted: list[TeamRecord] = [numbered.record for numbered in records]
        rows = CatalogueRows(plugin)
        written = Written()
        teams = await _save_teams(rows, wanted, written)
        await _save_members(rows, wanted, teams, written)
        return written

    async def finish(self, plugin: Plugin, scope: ImportScope) -> list[Finding]:
        return []

    async def undo(self, plugin: Plugin, written: Written, scope: ImportScope) -> list[Problem]:
        return await take_back(plugin, written)

    async def export(self, plugin: Plugin) -> AsyncIterator[list[TeamRecord]]:
        teams = {team.id: team for team in await Teams(plugin).all_teams()}
        members = await Teams(plugin).all_members()
        for start in range(0, len(members), EXPORTED_AT_ONCE):
            records = []
            for member in members[start : start + EXPORTED_AT_ONCE]:
                team = teams[member.team_id] if member.team_id else None
                records.append(
                    TeamRecord(
                        agent=member.name,
                        team=team.name if team else None,
                        manager=(team.manager or None) if team else None,
                        region=(team.region or None) if team else None,
                        active=member.active,
                    )
                )
            yield records


async def _save_teams(
    rows: CatalogueRows, wanted: Sequence[TeamRecord], written: Written
) -> dict[str, Row]:
    """Teams of the records by the key of their name, made or changed as the records say."""
    named = {name_key(name): (name, r) for r in wanted if (name := r.team_name)}
    found = await rows.where(TEAM, "name_key", list(named))
    teams = {row["name_key"]: row for row in found}
    new, changed = [], []
    for key, (name, record) in named.items():
        given = _given(region=record.region, manager=record.manager)
        if key not in teams:
            empty = {"region": "", "manager": "", "active": True}
            teams[key] = {"id": new_id(), "name": name, "name_key": key, **empty, **given}
            new.append(teams[key])
        elif (after := {**teams[key], **given}) != teams[key]:
            changed.append((teams[key], after))
            teams[key] = after
    await rows.insert(TEAM, new)
    await rows.update(TEAM, [after for _, after in changed])
    _note(written, TEAM.name, new, changed)
    return teams


async def _save_members(
    rows: CatalogueRows, wanted: Sequence[TeamRecord], teams: Mapping[str, Row], written: Written
) -> None:
    found = await rows.where(MEMBER, "name_key", [name_key(record.agent) for record in wanted])
    members = {row["name_key"]: row for row in found}
    new, changed = [], []
    for record in wanted:
        key = name_key(record.agent)
        name = record.team_name
        given: Row = {"team_id": teams[name_key(name)]["id"]} if name else {}
        if record.active is not None:
            given["active"] = record.active
        if key not in members:
            empty = {"team_id": None, "active": True}
            agent = record.agent.strip()
            new.append({"id": new_id(), "name": agent, "name_key": key, **empty, **given})
        elif (after := {**members[key], **given}) != members[key]:
            changed.append((members[key], after))
    await rows.insert(MEMBER, new)
    await rows.update(MEMBER, [after for _, after in changed])
    _note(written, MEMBER.name, new, changed)
    written.created_count += len(new)
    written.updated_count += len(changed)
    written.unchanged_count += len(wanted) - len(new) - len(changed)


def _note(
    written: Written, table: str, new: Sequence[Row], changed: Sequence[tuple[Row, Row]]
) -> None:
    written.created.setdefault(table, []).extend(row["id"] for row in new)
    written.before.setdefault(table, []).extend(image(*pair) for pair in changed)


def _given(**values: str | None) -> Row:
    return {name: value.strip() for name, value in values.items() if value is not None}


def _problems(record: TeamRecord) -> list[Problem]:
    found = Findings()
    found.line(record.agent, what="name of the agent", most=200, where="/agent", needed=True)
    for field in ("team", "manager", "region"):
        value = getattr(record, field)
        if value is not None:
            found.line(value, what=field, most=200, where=f"/{field}")
    team = record.team_name
    if team is not None and len(team) > 200:
        found.line(team, what="name of the team", most=200, where="/team")
    return found.problems


def _given_twice(agent: str, line: int) -> Problem:
    return Problem(
        code="given-twice",
        message=f"this agent came in line {line} already",
        where="/agent",
        expected="each agent once",
        got=agent[:80],
        mend="Remove one of the lines, or tell the two people apart.",
    )
