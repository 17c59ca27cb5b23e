"""Who one is here, and how one likes the screens."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import get, post

from relatum.access.accounts.preferences import (
    Clock,
    Dates,
    Numbers,
    Reading,
    Signature,
    Theme,
    ZoneName,
)
from relatum.access.accounts.types import AccountChange, Language, Name
from relatum.access.audit.types import AuditQuery
from relatum.access.viewer import SIGNED_IN
from relatum.http.answers import Answer, Headers, Html
from relatum.http.calls import Call
from relatum.values.problems import RelatumError
from relatum.values.time import now
from relatum.web.choosing import time_zones
from relatum.web.entering import own_account, preference_cookies
from relatum.web.formats import clock_words, day, decimal
from relatum.web.forms import Form, sent
from relatum.web.languages import language_of, translations
from relatum.web.layout import PAGE, Redirect, language_cookie, local_path, page
from relatum.web.reading import reading_as, zone_here

OWN = {"permission": SIGNED_IN, **PAGE}
HERE = "/account"
#: Entries about oneself that are shown.
MOST_ENTRIES = 30


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Name, language, signature."""

    name: Name
    language: Language
    signature: Signature = ""


class Display(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the screens look and hear."""

    theme: Theme
    keys: bool = False


class ReadingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How moments and numbers are written."""

    time_zone: ZoneName = ""
    dates: Dates
    clock: Clock
    numbers: Numbers


class ThemeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The switch in the frame."""

    theme: Theme


class LanguageForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another language."""

    language: Language


@get(HERE, opt=OWN, include_in_schema=False)
async def show_account(request: Call) -> Html:
    """Who one is, and how one likes the screens."""
    request.refuse_query(("lang",))
    return await _page(request)


@post("/account/profile", opt=OWN, include_in_schema=False)
async def change_profile(request: Call) -> Answer[Any]:
    """Change name, language and signature."""
    form = Form("profile")
    try:
        asked = form.take(await sent(request), Profile)
        change = AccountChange(name=asked.name, language=asked.language)
        id = own_account(request)
        async with request.house.db.transaction():
            await request.house.preferences.change(id, signature=asked.signature)
            account = await request.house.accounts.change(id, change, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return Redirect(HERE, flash="saved", headers=[language_cookie(account.language)])


@post("/account/display", opt=OWN, include_in_schema=False)
async def change_display(request: Call) -> Answer[Any]:
    """Change colours, and whether single keys do something."""
    form = Form("display")
    try:
        asked = form.take(await sent(request), Display)
        chosen = await request.house.preferences.change(
            own_account(request), theme=asked.theme, keys=asked.keys
        )
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return Redirect(HERE, flash="saved", headers=preference_cookies(chosen))


@post("/account/reading", opt=OWN, include_in_schema=False)
async def change_reading(request: Call) -> Answer[Any]:
    """Change by which clock moments are shown, and how days, hours and numbers are written."""
    form = Form("reading")
    try:
        asked = form.take(await sent(request), ReadingForm)
        given = msgspec.structs.asdict(asked) | {"time_zone": asked.time_zone.strip()}
        await request.house.preferences.change(own_account(request), reading=Reading(**given))
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return Redirect(HERE, flash="saved")


@post("/account/theme", opt=OWN, include_in_schema=False)
async def change_theme(request: Call) -> Answer[Any]:
    """Change the colours, from wherever one is."""
    asked = Form("theme").take(await sent(request), ThemeForm)
    chosen = await request.house.preferences.change(own_account(request), theme=asked.theme)
    return _back(request, preference_cookies(chosen))


@post("/account/language", opt=OWN, include_in_schema=False)
async def change_language(request: Call) -> Answer[Any]:
    """Change the language, from wherever one is."""
    asked = Form("language").take(await sent(request), LanguageForm)
    change = AccountChange(language=asked.language)
    account = await request.house.accounts.change(own_account(request), change, by=request.actor)
    return _back(request, [language_cookie(account.language)])


@get("/account/activity", opt=OWN, include_in_schema=False)
async def show_activity(request: Call) -> Html:
    """What one did lately about access: signing in, tokens, passwords."""
    request.refuse_query(("lang",))
    id = own_account(request)
    query = AuditQuery(actor=f"person:{id}", type="core.access.", limit=MOST_ENTRIES)
    found = await request.house.audit.entries(query)
    return await page(
        request,
        "relatum/account_activity.html",
        here="account",
        tab="activity",
        entries=found.items,
    )


def _back(request: Call, headers: Headers) -> Redirect:
    """To the page that sent the form, if it is one of ours."""
    try:
        said = urlsplit((request.header(b"referer") or "")[:2_000])
    except ValueError:
        return Redirect(HERE, headers=headers)
    path = f"{said.path}?{said.query}" if said.query else said.path
    return Redirect(local_path(path, otherwise=HERE), headers=headers)


async def _page(request: Call, refused: Form | None = None) -> Html:
    id = own_account(request)
    account = await request.house.accounts.get(id)
    chosen = await request.house.preferences.of(id)
    held = {"name": account.name, "language": account.language, "signature": chosen.signature}
    blank = (
        Form("profile", held),
        Form("display", {"theme": chosen.theme, "keys": chosen.keys}),
        Form("reading", msgspec.structs.asdict(chosen.reading)),
    )
    return await page(
        request,
        "relatum/account.html",
        here="account",
        forms=tuple(refused if refused and refused.name == each.name else each for each in blank),
        address=HERE,
        tab="profile",
        account=account,
        company_zone=request.house.settings.company.time_zone,
        time_zones=time_zones(),
        examples=_examples(request),
        roles=await _role_titles(request, id),
    )


def _examples(request: Call) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen, each with how this moment and a number look then."""
    language = language_of(request)
    text = translations(language).gettext
    zone, moment = zone_here(request.house), now()

    def shown(**choice: str) -> str:
        with reading_as(msgspec.convert({"time_zone": zone, **choice}, Reading)):
            if "numbers" in choice:
                return decimal(Decimal("1234.5"), language)
            write = clock_words if "clock" in choice else day
            return write(moment, language, zone)

    return {
        name: [
            (each, text("as the language has it: %(example)s") % {"example": shown(**{name: each})})
            if each == "language"
            else (each, shown(**{name: each}))
            for each in get_args(kind)
        ]
        for name, kind in (("dates", Dates), ("clock", Clock), ("numbers", Numbers))
    }


async def _role_titles(request: Call, account: UUID) -> list[Any]:
    roles = request.house.roles
    held = (await roles.standing(account)).roles
    return [role.title for role in await roles.every() if role.key in held]


ROUTES = [
    show_account,
    change_profile,
    change_display,
    change_reading,
    change_theme,
    change_language,
    show_activity,
]
