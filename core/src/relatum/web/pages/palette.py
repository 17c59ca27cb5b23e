"""The command palette and the keys, as pages and as the parts that scripts put into dialogs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from msgspec import Meta

from relatum.access.viewer import SIGNED_IN, current_viewer
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.web.entering import own_account
from relatum.web.filters import filtered
from relatum.web.finding import LONGEST_QUERY, groups_for
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, sent
from relatum.web.languages import language_of, marked
from relatum.web.layout import KEYS_COOKIE, PAGE, Redirect, cookie, page
from relatum.web.navigation import navigation_for

OPEN = {"permission": SIGNED_IN, **PAGE}
YEAR = 365 * 24 * 3600

declare_flashes(
    {
        "keys-on": marked("Keys work again."),
        "keys-off": marked("Keys are off; Ctrl K still opens the search."),
    }
)


class Sought(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is looked for."""

    q: Annotated[str, Meta(max_length=LONGEST_QUERY)] = ""


class KeysForm(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whether single keys do something."""

    on: bool


@get("/palette", opt={**OPEN, "query": Sought}, include_in_schema=False)
async def show_palette(request: Call) -> Html:
    """Everything to go to and to do, by a few letters."""
    form, sought = filtered(request, Sought)
    groups = await groups_for(request.house, current_viewer(), language_of(request), sought.q)
    return await page(
        request,
        "relatum/palette.html",
        here="palette",
        fragments={
            "palette": "relatum/palette_dialog.html",
            "palette-results": "relatum/palette_results.html",
        },
        form=form,
        q=sought.q,
        groups=groups,
        count=sum(len(group.items) for group in groups),
    )


@get("/palette/keys", opt=OPEN, include_in_schema=False)
async def show_keys(request: Call) -> Html:
    """Which keys there are, and whether they are on."""
    request.refuse_query(("lang",))
    house, language = request.house, language_of(request)
    navigation = navigation_for(current_viewer(), house.registry, language)
    places = [place for _, group in navigation.places for place in group if place.key]
    return await page(
        request,
        "relatum/keys.html",
        here="account",
        fragments={"keys": "relatum/keys_dialog.html"},
        places=places,
    )


@post("/palette/keys", opt=OPEN, include_in_schema=False)
async def switch_keys(request: Call) -> Redirect:
    """Switch single keys on or off: for the account, wherever it signs in."""
    request.refuse_query()
    wanted = Form("keys").take(await sent(request), KeysForm)
    await request.house.preferences.change(own_account(request), keys=wanted.on)
    value, flash = ("on", "keys-on") if wanted.on else ("off", "keys-off")
    remembered = cookie(KEYS_COOKIE, value, seconds=YEAR)
    return Redirect("/palette/keys", flash=flash, headers=[remembered])


ROUTES = [show_palette, show_keys, switch_keys]
