"""The audit trail as CSV: one line for each entry, with nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.access.audit.types import Changed
from relatum.importing.formulas import guard
from relatum.values.time import zone_of
from relatum.web.languages import marked, translations
from relatum.web.template_filters import plainly

if TYPE_CHECKING:
    from relatum.access.audit.types import AuditItem, Who
    from relatum.web.languages import Language

HEADINGS = (
    marked("Number"),
    marked("When"),
    marked("Who"),
    marked("Account"),
    marked("Asked by"),
    marked("What"),
    marked("Kind"),
    marked("Customer"),
    marked("Id of the customer"),
    marked("From and to"),
    marked("Why"),
    marked("Details"),
    marked("Request"),
    marked("Token"),
    marked("Session"),
)
#: So that spreadsheets read it as UTF-8.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


async def lines_of(
    entries: AsyncIterable[list[AuditItem]],
    language: Language,
    zone: str,
    names: Mapping[str, str],
) -> AsyncIterator[bytes]:
    """A file in pieces.

    Args:
        zone: by whose clock its moments are; each says how far that is from UTC.
        names: of what stands in values by its id.
    """
    text = translations(language).gettext
    yield _BYTE_ORDER_MARK + _written([[text(heading) for heading in HEADINGS]])
    async for some in entries:
        if some:
            yield _written(_cells(each, language, zone, names) for each in some)


def spread(changes: Iterable[Changed]) -> Iterator[Changed]:
    """The values that differ, also those inside of others; nothing for nothing again."""
    for each in changes:
        if isinstance(each.before, dict) and isinstance(each.after, dict):
            yield from spread(
                Changed(f"{each.field}.{name}", each.before.get(name), each.after.get(name))
                for name in {**each.before, **each.after}
            )
        elif plainly(each.before, longest=None) != plainly(each.after, longest=None):
            yield each


def _cells(
    entry: AuditItem, language: Language, zone: str, names: Mapping[str, str]
) -> Iterator[str]:
    yield str(entry.seq)
    yield entry.at.astimezone(zone_of(zone)).isoformat(" ", "seconds")
    yield entry.who.name or entry.who.actor
    yield entry.who.actor
    yield _asked_by(entry.asked_by)
    yield entry.what.in_language(language)
    yield entry.type
    yield entry.customer_name
    yield str(entry.customer or "")
    yield "\n".join(_changes(entry.changes, names))
    yield entry.why
    yield msgspec.json.encode(entry.details).decode() if entry.details else ""
    yield entry.request
    yield str(entry.token or "")
    yield str(entry.session or "")


def _asked_by(who: Who | None) -> str:
    return "" if who is None else who.name or who.actor


def _changes(changes: Iterable[Changed], names: Mapping[str, str]) -> Iterator[str]:
    for each in spread(changes):
        before, after = (_whole(value, names) for value in (each.before, each.after))
        yield f"{each.field}: {before} → {after}"


def _whole(value: Any, names: Mapping[str, str]) -> str:
    """A value in full: the page cuts long ones."""
    return plainly(value, names, longest=None)


def _written(rows: Iterable[Iterable[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([guard(cell) for cell in row] for row in rows)
    return stream.getvalue().encode()
