"""What an import says, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from relatum.cli.printing import print_rows

if TYPE_CHECKING:
    from relatum.importing.results import (
        Entry,
        FileReport,
        Findings,
        Outcome,
        Preview,
        ProposalSummary,
        Undone,
    )

_MOST_FINDINGS = 20
_MOST_FIRST = 3


def print_preview(preview: Preview) -> None:
    """How the files were read, their first records, and every problem."""
    _say(f"Preview of {preview.name}: nothing was written.")
    for problem in preview.problems:
        _say(f"- {problem}")
    if preview.blocked:
        _say("It cannot be applied before this is mended.")
    for report in preview.files:
        _print_reading(report)
        _print_first(report.first)
        if not report.rehearsed:
            _say(
                "  Read and mapped only: there are too many records to try out against the "
                "database. --thorough tries them all."
            )
    _print_counts(preview.files)
    _print_proposals(preview.proposals)
    _print_findings(preview.findings)
    if not preview.blocked:
        _say("Apply it with --apply.")


def print_outcome(outcome: Outcome) -> None:
    """What was written, what was not and where that is kept."""
    again = ", continued where it was interrupted" if outcome.continued else ""
    _say(f"Import {outcome.name} applied{again} in {outcome.seconds:,.1f} s.")
    _print_counts(outcome.files)
    _print_proposals(outcome.proposals)
    _print_findings(outcome.findings)
    if any(report.mend for report in outcome.files):
        _say("Rejected rows, to be mended and imported again:")
        for report in outcome.files:
            if report.mend:
                _say(f"  {report.mend}")
        _say(f"  relatum import --plan {outcome.folder}/plan.toml {outcome.folder} --apply")
    _say(f"Take it back: relatum import --undo {outcome.id}")


def print_undone(undone: Undone) -> None:
    """What was taken back and what stays."""
    _say(f"Import {undone.name} undone: {undone.taken_back:,} rows are as they were before.")
    for problem in undone.kept[:_MOST_FINDINGS]:
        _say(f"- {problem}")
    if len(undone.kept) > _MOST_FINDINGS:
        _say(f"… and {len(undone.kept) - _MOST_FINDINGS:,} more that stay.")


def print_entries(entries: Sequence[Entry]) -> None:
    """The imports, the newest first."""
    rows = [
        [
            str(entry.id),
            entry.name,
            entry.state,
            f"{entry.started_at:%Y-%m-%d %H:%M}",
            entry.counts.created,
            entry.counts.updated,
            entry.counts.rejected,
        ]
        for entry in entries
    ]
    print_rows(["id", "name", "state", "started", "created", "updated", "rejected"], rows)


def _print_reading(report: FileReport) -> None:
    delimiter = f", delimiter {report.delimiter!r}" if report.delimiter else ""
    _say(f"{report.path} → {report.target}: {report.encoding or 'workbook'}{delimiter}")
    for heading, form in report.dates.items():
        _say(f"  dates below {heading!r}: {form}")
    if report.unused:
        _say(f"  not used: {', '.join(report.unused)}")


def _print_first(records: Sequence[dict[str, Any]]) -> None:
    shown = [_flat(record) for record in records[:_MOST_FIRST]]
    fields = list(dict.fromkeys(field for record in shown for field in record))
    if fields:
        print_rows(
            ["field", *(f"record {n}" for n in range(1, len(shown) + 1))],
            [[field, *(record.get(field, "") for record in shown)] for field in fields],
        )


def _flat(record: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Fields by their dotted names; amounts as people write them."""
    flat: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
            flat[f"{prefix}{name}"] = _amount(value)
        elif isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        elif isinstance(value, list):
            flat[f"{prefix}{name}"] = ", ".join(str(each) for each in value)
        else:
            flat[f"{prefix}{name}"] = str(value)
    return flat


def _amount(value: dict[str, Any]) -> str:
    from relatum.values.money import Money, format_money

    return format_money(Money(value["amount"], value["currency"]), "en")


def _print_counts(files: Sequence[FileReport]) -> None:
    for report in files:
        counts = report.counts
        parts = [f"{getattr(counts, name):,} {name}" for name in _COUNTS if getattr(counts, name)]
        said = ", ".join(parts) or "none of them written"
        _say(f"{report.path} → {report.target}: {counts.rows:,} rows: {said}")


_COUNTS = ("created", "updated", "unchanged", "rejected", "skipped", "repeated", "notes")


def _print_proposals(proposals: Sequence[ProposalSummary]) -> None:
    for one in proposals:
        meant = f"nearest is {one.proposal!r}" if one.proposal else "nothing is near"
        _say(f"{one.file}, {one.column}: {one.got!r} in {one.rows:,} rows; {meant}: {one.decision}")
        if one.decision == "kept out" and one.proposal:
            _say(f'  to accept it: [files.confirm.{one.field}] "{one.got}" = "{one.proposal}"')


def _print_findings(findings: Findings) -> None:
    """One of each sort in full, and how many there are."""
    if findings.total:
        _say(f"{findings.total:,} findings:")
    for group in findings.groups[:_MOST_FINDINGS]:
        more = f" (and {group.count - 1:,} alike)" if group.count > 1 else ""
        _say(f"- {group.first.weight}: {group.first}{more}")
    if len(findings.groups) > _MOST_FINDINGS:
        _say(f"… and {len(findings.groups) - _MOST_FINDINGS:,} other sorts.")


def _say(text: str) -> None:
    print(text)  # noqa: T201 - this is the command's voice
