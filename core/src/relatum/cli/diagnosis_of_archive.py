"""What is wrong with the archive, at a glance; ``relatum archive verify`` reads it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.cli.findings import Finding, note, ok, wrong

if TYPE_CHECKING:
    from relatum.app.house import House


async def archive(house: House) -> list[Finding]:
    """Whether every file is there in its size, and whether something was interrupted."""
    files = await house.archive.files()
    findings = [
        wrong(
            "archive",
            f"{entry.file} is missing or of another size in {house.archive.folder}",
            "put it back from a backup; relatum archive verify tells more",
        )
        for entry in await house.archive.damaged()
    ]
    findings += [
        note("archive", f"{entry.id} is {entry.state}", _GO_ON[entry.state].format(entry.month))
        for entry in files
        if entry.state in _GO_ON
    ]
    if files and not findings:
        size = sum(entry.bytes for entry in files) / 1e6
        rows = sum(entry.rows for entry in files)
        findings.append(ok("archive", f"{len(files)} files, {rows:,} rows, {size:,.1f} MB"))
    return findings or [ok("archive", "nothing is archived")]


_GO_ON = {
    "leaving": "relatum archive run, or wait for the schedule",
    "restoring": "relatum archive restore {}",
}
