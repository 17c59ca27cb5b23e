"""Migrations that have not run: which, why it matters, and the command that runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get, post

from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import marked
from relatum.web.layout import PAGE, Redirect, page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relatum.db.migrate import Step

READ = {"permission": "core.plugins.read", **PAGE}
WRITE = {"permission": "core.plugins.write", **PAGE}
HERE = "/settings/migrations"
COMMAND = "relatum migrate --apply"
#: How the names of core's own begin; others are called like their plugin.
CORE_APPS = "core_"

declare_flashes(
    {
        "migrations-waiting": marked("There are still migrations that have not run."),
        "migrations-done": marked("Everything is up to date."),
    }
)


class Waiting(msgspec.Struct, frozen=True):
    """Migrations of one owner that have not run; ``core`` when they are Relatum's own."""

    owner: str
    core: bool
    titles: list[str]


@get(HERE, opt=READ, include_in_schema=False)
async def show_migrations(request: Call) -> Html:
    """What has not run at this moment, as the files on the server say."""
    request.refuse_query(("lang",))
    house = request.house
    steps = await house.migrate_plan()
    return await page(
        request,
        "relatum/settings_migrations.html",
        here="plugins",
        waiting=_by_owner(steps),
        command=COMMAND,
        noted=sum(house.plugins.pending.values()),
    )


@post(HERE, opt=WRITE, include_in_schema=False)
async def look_again(request: Call) -> Answer[Any]:
    """Take note of what was migrated meanwhile: plugins that waited for it come in."""
    Form("look").take(await sent(request), Nothing)
    house = request.house
    steps = await house.migrate_plan()
    house.plugins.note_pending(steps)
    return Redirect(HERE, flash="migrations-waiting" if steps else "migrations-done")


def _by_owner(steps: Sequence[Step]) -> list[Waiting]:
    """Core first: while one of its own waits, nothing of this version can start."""
    found: dict[str, Waiting] = {}
    for step in steps:
        core = step.app.startswith(CORE_APPS)
        owner = "Relatum" if core else step.app
        one = found.setdefault(owner, Waiting(owner=owner, core=core, titles=[]))
        one.titles.append(step.description or step.migration)
    return sorted(found.values(), key=lambda each: (not each.core, each.owner))


ROUTES = [show_migrations, look_again]
