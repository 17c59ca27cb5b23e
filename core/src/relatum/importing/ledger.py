"""What is found while a file runs: told by line and column, counted, and kept to be mended."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from relatum.hooks.declarations import Finding, ImportScope, Proposed
from relatum.importing.results import Decision, LineFinding, ProposalSummary
from relatum.importing.rows import Row
from relatum.importing.sources import Source
from relatum.values.problems import Problem

_SHOWN = 80
_MOST_LINES = 5


class Ledger:
    """Findings, rejected rows and proposals of one batch of one file."""

    def __init__(self, source: Source, scope: ImportScope) -> None:
        self._source = source
        self._scope = scope
        self.findings: list[LineFinding] = []
        self.rejected: list[tuple[Row, str]] = []
        self.proposals: dict[tuple[str, str], ProposalSummary] = {}

    def reject(self, row: Row, problems: Sequence[Problem]) -> None:
        """Keep a row out, for these reasons."""
        told = [self._located(row, problem, "error") for problem in problems]
        self.findings += told
        self.rejected.append((row, "; ".join(_reason(finding) for finding in told)))

    def note(self, row: Row, problem: Problem) -> None:
        """Say something about a row that goes in."""
        self.findings.append(self._located(row, problem, "note"))

    def late(self, finding: Finding) -> None:
        """Something about a row that is long settled."""
        self.findings.append(self._located(Row(finding.line, []), finding.problem, "note"))

    def decide(self, proposed: Proposed, row: Row) -> Problem | None:
        """Count a proposal; the problem is why its row is kept out, if it is."""
        decision = self._decision(proposed)
        summary = self.proposals.setdefault(
            (proposed.field, proposed.got),
            ProposalSummary(
                file=self._source.table.name,
                field=proposed.field,
                column=self._source.mapping.column(proposed.field),
                got=proposed.got,
                proposal=proposed.proposal,
                decision=decision,
            ),
        )
        summary.rows += 1
        if len(summary.lines) < _MOST_LINES:
            summary.lines.append(row.line)
        if decision != "kept out":
            return None
        return _unknown_value(proposed)

    def _decision(self, proposed: Proposed) -> Decision:
        if proposed.got in self._scope.confirmed.get(proposed.field, {}):
            return "confirmed"
        if proposed.proposal is not None and proposed.field in self._scope.accept_proposals:
            return "accepted"
        return "kept out"

    def _located(self, row: Row, problem: Problem, weight: str) -> LineFinding:
        """The problem with the line, the column and the cell it is about."""
        table, mapping = self._source.table, self._source.mapping
        column, value, field = "", problem.got, ""
        if problem.where.startswith("/"):
            field = ".".join(p for p in problem.where.strip("/").split("/") if not p.isdigit())
            column = mapping.column(field)
            value = mapping.cell(field, row) or value
            problem = msgspec.structs.replace(
                problem,
                where=f"line {row.line}" + (f", column {column}" if column else ""),
                got=problem.got or repr(value)[:_SHOWN],
            )
        elif not problem.where.startswith("line "):
            if row.line:
                rest = f", {problem.where}" if problem.where else ""
                problem = msgspec.structs.replace(problem, where=f"line {row.line}{rest}")
        else:
            column = problem.where.partition(", column ")[2]
            index = table.index_of(column)
            if index is not None and isinstance(row.cells, list) and index < len(row.cells):
                value = row.cells[index]
        finding = LineFinding(
            file=table.name,
            line=row.line,
            column=column,
            value=_shown(value),
            weight="error" if weight == "error" else "note",
            problem=problem,
        )
        concealer = self._source.concealer
        return concealer.told(finding, row, field) if concealer else finding


def merge_proposals(summaries: Sequence[ProposalSummary]) -> list[ProposalSummary]:
    """Those of all batches, one for each value of each field of each file."""
    merged: dict[tuple[str, str, str, str], ProposalSummary] = {}
    for one in summaries:
        key = (one.file, one.field, one.got, one.decision)
        known = merged.get(key)
        if known is None:
            merged[key] = msgspec.structs.replace(one)
        else:
            known.rows += one.rows
            known.lines = [*known.lines, *one.lines][:_MOST_LINES]
    return list(merged.values())


def _reason(finding: LineFinding) -> str:
    problem = finding.problem
    text = f"{finding.column}: {problem.message}" if finding.column else problem.message
    return f"{text} (expected {problem.expected})" if problem.expected else text


def _shown(value: str) -> str:
    """A value that can be written anywhere: no half characters, not too long."""
    return value.encode("utf-8", errors="replace").decode()[:_SHOWN]


def _unknown_value(proposed: Proposed) -> Problem:
    if proposed.proposal is None:
        mend = "Correct it, or create what it names first."
        expected = "a name that is known"
    else:
        expected = f"perhaps {proposed.proposal!r}"
        mend = (
            f"If that is meant, say so in the plan: [files.confirm.{proposed.field}] "
            f'"{proposed.got}" = "{proposed.proposal}".'
        )
    return Problem(
        code="unknown-value",
        message="Nothing known has this name",
        where=f"/{proposed.field.replace('.', '/')}",
        expected=expected,
        got=repr(proposed.got)[:_SHOWN],
        mend=mend,
    )
