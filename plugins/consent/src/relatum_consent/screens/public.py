"""The preference page. Nobody signs in; looking changes nothing, whoever or whatever looks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from relatum.api import Form, InvalidInput, Plugin, Preference, Redirect, Visit
from relatum_consent.services.links import PATH, Links
from relatum_consent.services.preferences import Preferences
from relatum_consent.types import Link

ClockTime = Annotated[str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")]
Key = Annotated[str, Meta(max_length=90)]


class Act(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One of the buttons."""

    do: Literal["save", "stop", "access", "erase"]
    agreed: Annotated[list[Key], Meta(max_length=200)] = []
    quiet_from: ClockTime = ""
    quiet_until: ClockTime = ""


async def show(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """What they agreed to; writes nothing."""
    visit.call.refuse_query(("lang",))
    link = await Links(plugin).opened_by(visit.path["token"])
    return await _values(plugin, visit, link)


async def act(plugin: Plugin, visit: Visit) -> Any:
    """Save, stop everything, or ask for something."""
    link = await Links(plugin).opened_by(visit.path["token"])
    form, said = await visit.form("wish", Act)
    if said is not None:
        try:
            code = await _done(plugin, visit, link, said)
        except InvalidInput as error:
            form.refuse(error)
        else:
            return Redirect(PATH + visit.path["token"], flash=f"consent.{code}")
    return {**await _values(plugin, visit, link), "wish": form}


async def _done(plugin: Plugin, visit: Visit, link: Link, said: Act) -> str:
    preferences, address = Preferences(plugin), visit.call.address
    if said.do == "stop":
        await preferences.stop_everything(link, address=address)
        return "stopped"
    if said.do in ("access", "erase"):
        await preferences.ask(link, said.do, address=address)
        return "asked"
    wish = Preference(quiet_from=said.quiet_from or None, quiet_until=said.quiet_until or None)
    await preferences.choose(link, set(said.agreed), wish, language=visit.language, address=address)
    return "saved"


async def _values(plugin: Plugin, visit: Visit, link: Link) -> dict[str, Any]:
    shown = await Preferences(plugin).shown(link, visit.language)
    profile = plugin.house.contact.profile
    groups = [
        (visit.say(purpose.title), [each for each in shown.options if each.purpose == purpose.id])
        for purpose in profile.purposes
    ]
    agreed = [each.key for each in shown.options if each.agreed]
    held = {"quiet_from": shown.wish.quiet_from, "quiet_until": shown.wish.quiet_until}
    return {
        "shown": shown,
        "groups": [group for group in groups if group[1]],
        "company": plugin.house.settings.company.name,
        "asked": [each.kind for each in shown.requests],
        "expires_at": link.expires_at,
        "path": PATH + visit.path["token"],
        "wish": Form("wish", {**held, "agreed": agreed}),
        "bare": True,
    }
