"""The register of processing: what every part of the house does with personal data, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from relatum.api import (
    CsvDownload,
    Plugin,
    Processing,
    Processor,
    RegisterFinding,
    Text,
    Visit,
    local_day,
    now,
)

HERE = "/p/consent/register"


class Line(msgspec.Struct, kw_only=True):
    """One entry in the words of the page."""

    id: str
    title: str
    purpose: str
    basis: str
    data: str
    subjects: str
    recipients: str
    abroad: bool
    retention: str


class Part(msgspec.Struct, kw_only=True):
    """Core or a plugin in the words of the page; ``place`` is where on it."""

    place: str
    id: str
    version: str
    on: bool
    state: str
    lines: list[Line]
    findings: list[str]


async def show_register(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """Every part with its entries, and what is to be mended."""
    parts = _parts(plugin, visit)
    return {
        "parts": parts,
        "found": [(part, text) for part in parts for text in part.findings],
        "file": f"{HERE}/file",
    }


async def download_register(plugin: Plugin, visit: Visit) -> Any:
    """The same as CSV, a line for each entry; nobody's data is in it."""
    heads = [
        visit.text("Part"),
        visit.text("Version"),
        visit.text("State"),
        visit.text("Processing"),
        visit.text("Purpose"),
        visit.text("Legal basis"),
        visit.text("Sensitive data"),
        visit.text("Whose data"),
        visit.text("Recipients"),
        visit.text("Leaves the country"),
        visit.text("Kept for how long"),
        visit.text("To be mended"),
    ]
    name = f"{visit.text('Register of processing')} {local_day(now(), visit.time_zone)}"
    return CsvDownload(name, heads, _rows(_parts(plugin, visit), visit), None)


async def _rows(parts: Sequence[Part], visit: Visit) -> AsyncIterator[list[list[str]]]:
    for part in parts:
        first = [part.id, part.version, part.state]
        findings = "\n".join(part.findings)
        cells = [_cells(line, visit) for line in part.lines] or [[""] * 8]
        yield [[*first, *some, findings if n == 0 else ""] for n, some in enumerate(cells)]


def _cells(line: Line, visit: Visit) -> list[str]:
    abroad = visit.text("yes") if line.abroad else visit.text("no")
    return [
        *(line.title, line.purpose, line.basis, line.data, line.subjects),
        *(line.recipients, abroad, line.retention),
    ]


def _parts(plugin: Plugin, visit: Visit) -> list[Part]:
    processing = plugin.house.processing
    words = _Words(visit, processing.purposes)
    return [words.part(n, each) for n, each in enumerate(processing.processors(), start=1)]


class _Words:
    """The register in the language of a visit."""

    def __init__(self, visit: Visit, purposes: Mapping[str, Text]) -> None:
        self._visit = visit
        self._purposes = {key: visit.say(title) for key, title in purposes.items()}
        self._bases, self._classes = _bases(visit), _classes(visit)
        self._subjects, self._states = _subjects(visit), _states(visit)

    def part(self, number: int, one: Processor) -> Part:
        titles = {each.id: self._visit.say(each.title) for each in one.processing}
        return Part(
            place=f"part-{number}",
            id=one.id,
            version=one.version,
            on=one.state == "enabled",
            state=self._states[one.state],
            lines=[self._line(each) for each in one.processing],
            findings=[_finding(self._visit, each, titles) for each in one.findings],
        )

    def _line(self, each: Processing) -> Line:
        say = self._visit.say
        return Line(
            id=each.id,
            title=say(each.title),
            purpose=self._purposes.get(each.purpose, each.purpose),
            basis=self._bases[each.basis],
            data=", ".join(self._classes[one] for one in each.data),
            subjects=", ".join(self._subjects[one] for one in each.subjects),
            recipients="; ".join(say(one) for one in each.recipients),
            abroad=each.abroad,
            retention=say(each.retention) if each.retention else "",
        )


def _finding(visit: Visit, finding: RegisterFinding, titles: Mapping[str, str]) -> str:
    title = titles.get(finding.processing, "")
    if finding.code == "unknown-purpose":
        return visit.text("%(title)s: nobody declares its purpose.", title=title)
    if finding.code == "consent-missing":
        return visit.text(
            "%(title)s: its purpose demands consent, its basis is another one.", title=title
        )
    if finding.code == "nothing-declared":
        return visit.text("It keeps data of customers and declares no processing.")
    return visit.text("Its manifest cannot be read.")


def _bases(visit: Visit) -> dict[str, str]:
    return {
        "consent": visit.text("consent"),
        "contract": visit.text("contract"),
        "legal-obligation": visit.text("duty of the law"),
        "legitimate-interest": visit.text("legitimate interest"),
        "vital-interest": visit.text("vital interest"),
        "public-task": visit.text("public task"),
    }


def _classes(visit: Visit) -> dict[str, str]:
    return {
        "contact": visit.text("contact"),
        "identity": visit.text("identity"),
        "finance": visit.text("finance"),
        "health": visit.text("health"),
        "secret": visit.text("secret"),
    }


def _subjects(visit: Visit) -> dict[str, str]:
    return {
        "customers": visit.text("customers"),
        "prospects": visit.text("prospects"),
        "contacts": visit.text("contact persons"),
        "staff": visit.text("staff"),
        "visitors": visit.text("visitors"),
    }


def _states(visit: Visit) -> dict[str, str]:
    return {
        "enabled": visit.text("on"),
        "disabled": visit.text("off, keeps its data"),
        "installed": visit.text("waits for its tables"),
        "quarantined": visit.text("kept out"),
    }
