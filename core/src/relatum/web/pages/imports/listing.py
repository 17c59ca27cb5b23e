"""The imports so far: what became of each, and how far those are that run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from litestar import get

from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.web.layout import page
from relatum.web.pages.imports.names import BUSY, HERE, READ, STATES, names_of, share_done

if TYPE_CHECKING:
    from relatum.importing.results import Entry

MOST_SHOWN = 100


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One import in the list.

    Attributes:
        done: in per cent while it runs, if that is known.
    """

    entry: Entry
    who: str
    busy: bool
    done: int | None


@get(HERE, opt=READ, include_in_schema=False)
async def show_imports(request: Call) -> Html:
    """One's own imports, the newest first; everybody's for those who see everything."""
    request.refuse_query(("lang",))
    found = await request.house.import_requests.find(request.viewer, limit=MOST_SHOWN)
    names = await names_of(request.house, {entry.by for entry in found})
    lines = [
        Line(
            entry=entry,
            who=names.get(entry.by, ""),
            busy=entry.state in BUSY,
            done=share_done(entry.progress),
        )
        for entry in found
    ]
    return await page(
        request,
        "relatum/imports.html",
        here="imports",
        fragments={"imports": "relatum/imports_list.html"},
        lines=lines,
        busy=any(line.busy for line in lines),
        states=STATES,
    )


ROUTES = [show_imports]
