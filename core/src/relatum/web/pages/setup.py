"""The first set-up: company, administrator, second factor, plugins, data; one page each.

The first two belong to whoever has the link that the server prints while nobody owns it, the others
to the owner that came of it. Every page does its part at once: somebody who stops half-way loses
nothing, and finds the rest among the settings.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from litestar import get, post
from msgspec import Meta

from relatum.access.accounts.types import AccountDraft, EmailText, Language, Name, SecondFactorSetup
from relatum.access.viewer import PUBLIC, SIGNED_IN, current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.http.permissions import SIGN_IN
from relatum.plugins.effects import Brought, brought_by
from relatum.values.problems import RelatumError
from relatum.web.entering import own_account
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked
from relatum.web.layout import PAGE, Redirect, language_cookie, page
from relatum.web.pages.account.forms import CodeForm
from relatum.web.pages.links import NewPassword, begin, link_of, secret_of, typed_twice
from relatum.web.pages.settings.company import CompanyForm, choices_for, company_form
from relatum.web.pages.settings.plugins import written

OPEN = {"permission": PUBLIC, **PAGE}
COMING_IN = {**OPEN, "limit": SIGN_IN}
OWN = {"permission": SIGNED_IN, **PAGE}
PLUGINS = {"permission": "core.plugins.write", **PAGE}
DATA = {"permission": "core.company.write", **PAGE}
HERE = "/setup"
STEPS = (
    ("company", marked("Company")),
    ("owner", marked("Administrator")),
    ("protect", marked("Second factor")),
    ("plugins", marked("Plugins")),
    ("data", marked("Data")),
)

declare_flashes(
    {
        "set-up": marked("Everything is set up. Invite your people next."),
        "demo-filled": marked("The demo company is in. Look around; nothing here is real."),
    }
)


class FirstOwner(NewPassword, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first owner's account."""

    name: Name
    email: EmailText
    language: Annotated[Language, Meta()] = "vi"


class PluginChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ids of the plugins that shall run."""

    on: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=500)] = []


class DataChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With which data to begin."""

    way: Literal["empty", "import", "demo"]


@get(HERE, opt=OPEN, include_in_schema=False)
async def show_company(request: Call) -> Answer[Any]:
    """Whose installation this is: for the bearer of the link alone."""
    link = await link_of(request, "first_owner", HERE)
    return link if isinstance(link, Answer) else await _company_page(request, company_form(request))


@post(HERE, opt=COMING_IN, include_in_schema=False)
async def set_company(request: Call) -> Answer[Any]:
    """Write the company into the settings file."""
    await _bearer(request)
    form = company_form(request)
    try:
        asked = form.take(await sent(request), CompanyForm)
        setting = request.house.steering.set_company(asked.company(), by=request.actor)
        await written(setting)
    except RelatumError as error:
        form.refuse(error)
        return await _company_page(request, form)
    return Redirect(f"{HERE}/owner", headers=[language_cookie(asked.language)])


@get("/setup/owner", opt=OPEN, include_in_schema=False)
async def show_owner(request: Call) -> Answer[Any]:
    """The form with which the first owner makes an account."""
    request.refuse_query(("lang",))
    await _bearer(request)
    return await _page(request, "owner", Form("owner", {"language": language_of(request)}))


@post("/setup/owner", opt=COMING_IN, include_in_schema=False)
async def make_owner(request: Call) -> Answer[Any]:
    """Make the first owner and sign them in; the link is spent."""
    form = Form("owner")
    try:
        asked = typed_twice(form.take(await sent(request), FirstOwner))
        draft = AccountDraft(
            name=asked.name, email=asked.email, password=asked.password, language=asked.language
        )
        account = await request.house.accounts.claim_first(
            secret_of(request), draft, address=request.address
        )
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, "owner", form)
    return await begin(request, account, HERE, flash="", then=f"{HERE}/protect")


@get("/setup/protect", opt=OWN, include_in_schema=False)
async def show_protection(request: Call) -> Html:
    """The offer of a second factor."""
    request.refuse_query(("lang",))
    account = await request.house.accounts.get(own_account(request))
    return await _protect_page(request, Form("confirm"), None, on=account.second_factor)


@post("/setup/protect", opt=OWN, include_in_schema=False)
async def begin_protection(request: Call) -> Html:
    """A secret for the app."""
    Form("begin").take(await sent(request), Nothing)
    setup = await request.house.second_factor.begin(own_account(request))
    return await _protect_page(request, Form("confirm"), setup, on=False)


@post("/setup/protect/confirm", opt=OWN, include_in_schema=False)
async def confirm_protection(request: Call) -> Html:
    """Switch the second factor on with a code of the app; the recovery codes are the answer."""
    form = Form("confirm")
    try:
        asked = form.take(await sent(request), CodeForm)
        codes = await request.house.second_factor.confirm(
            own_account(request), asked.code, session=current_viewer().session
        )
    except RelatumError as error:
        form.refuse(error)
        return await _protect_page(request, form, None, on=False)
    return await _page(request, "protect", form, codes=codes.codes, setup=None, on=True)


@get("/setup/plugins", opt=PLUGINS, include_in_schema=False)
async def show_plugins(request: Call) -> Html:
    """The installed plugins, with what they bring."""
    request.refuse_query(("lang",))
    plugins = request.house.settings.plugins
    on = [each.id for each in request.house.plugins.states() if plugins.allows(each.id)]
    return await _plugins_page(request, Form("chosen", {"on": on}))


@post("/setup/plugins", opt=PLUGINS, include_in_schema=False)
async def choose_plugins(request: Call) -> Answer[Any]:
    """Switch those that are to run on, and the others off."""
    form = Form("chosen")
    house = request.house
    try:
        asked = form.take(await sent(request), PluginChoice)
        # what others need comes on first and goes off last
        order = [each.id for each in house.plugins.found]
        wanted = [(each, True) for each in order if each in asked.on]
        unwanted = [(each, False) for each in reversed(order) if each not in asked.on]
        for plugin, on in [*unwanted, *wanted]:
            if house.settings.plugins.allows(plugin) != on:
                await written(house.steering.switch(plugin, on=on, by=request.actor))
    except RelatumError as error:
        form.refuse(error)
        return await _plugins_page(request, form)
    return Redirect(f"{HERE}/data")


@get("/setup/data", opt=DATA, include_in_schema=False)
async def show_data(request: Call) -> Html:
    """With which data to begin."""
    request.refuse_query(("lang",))
    return await _data_page(request, Form("data", {"way": "empty"}))


@post("/setup/data", opt=DATA, include_in_schema=False)
async def choose_data(request: Call) -> Answer[Any]:
    """Begin with nothing, with the demo company, or with files of one's own."""
    form = Form("data")
    try:
        asked = form.take(await sent(request), DataChoice)
        if asked.way == "demo":
            await request.house.steering.fill_with_demo()
    except RelatumError as error:
        form.refuse(error)
        return await _data_page(request, form)
    if asked.way == "import":
        return Redirect("/imports/new")
    return Redirect("/", flash="demo-filled" if asked.way == "demo" else "set-up")


async def _bearer(request: Call) -> None:
    """Refuse everybody without a link that is good.

    Raises:
        LinkSpent: it is not, or there is an owner already.
    """
    await request.house.accounts.look_at_link(
        "first_owner", secret_of(request), address=request.address
    )


async def _company_page(request: Call, form: Form) -> Html:
    return await _page(request, "company", form, **choices_for(request))


async def _protect_page(
    request: Call, form: Form, setup: SecondFactorSetup | None, *, on: bool
) -> Html:
    return await _page(request, "protect", form, setup=setup, on=on, codes=[])


async def _plugins_page(request: Call, form: Form) -> Html:
    house = request.house
    states = house.plugins.states()
    brings: dict[str, list[Brought]] = {
        each.id: brought_by(house.registry, each.id) for each in states
    }
    refusal = await asyncio.to_thread(house.steering.file.refusal)
    return await _page(request, "plugins", form, plugins=states, brings=brings, refusal=refusal)


async def _data_page(request: Call, form: Form) -> Html:
    return await _page(request, "data", form, empty=await request.house.steering.is_empty())


async def _page(request: Call, step: str, form: Form, **values: Any) -> Html:
    path = HERE if step == "company" else f"{HERE}/{step}"
    return await page(
        request,
        f"relatum/setup_{step}.html",
        forms=(form,),
        address=path,
        bare=True,
        step=step,
        steps=STEPS,
        **values,
    )


ROUTES = [
    show_company,
    set_company,
    show_owner,
    make_owner,
    show_protection,
    begin_protection,
    confirm_protection,
    show_plugins,
    choose_plugins,
    show_data,
    choose_data,
]
