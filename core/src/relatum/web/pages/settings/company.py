"""The company that this installation belongs to, as the settings file says it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import get, post
from msgspec import Meta

from relatum.access.accounts.types import Language
from relatum.config.settings import Company
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.values.problems import RelatumError
from relatum.web.choosing import countries, currencies, time_zones
from relatum.web.forms import Form, sent
from relatum.web.languages import language_of
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.settings.plugins import written

HERE = "/settings/company"
FIELDS = Company.__struct_fields__


class CompanyForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that an installation knows of its company."""

    name: Annotated[str, Meta(max_length=200)] = ""
    country: Annotated[str, Meta(max_length=2)]
    time_zone: Annotated[str, Meta(max_length=60)]
    currency: Annotated[str, Meta(max_length=3)]
    language: Language

    def company(self) -> Company:
        """As a setting."""
        return Company(
            name=" ".join(self.name.split()),
            country=self.country.strip().upper(),
            time_zone=self.time_zone.strip(),
            currency=self.currency.strip().upper(),
            language=self.language,
        )


@get(HERE, opt={"permission": "core.plugins.read", **PAGE}, include_in_schema=False)
async def show_company(request: Call) -> Html:
    """What the settings file says about the company."""
    request.refuse_query(("lang",))
    return await _page(request, company_form(request))


@post(HERE, opt={"permission": "core.company.write", **PAGE}, include_in_schema=False)
async def change_company(request: Call) -> Answer[Any]:
    """Write it into the settings file."""
    form = company_form(request)
    try:
        asked = form.take(await sent(request), CompanyForm)
        setting = request.house.steering.set_company(asked.company(), by=request.actor)
        await written(setting)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return Redirect(HERE, flash="saved")


def company_form(request: Call) -> Form:
    """The form, filled with what is in force."""
    return Form("company", msgspec.structs.asdict(request.house.settings.company))


def choices_for(request: Call) -> dict[str, Any]:
    """What can be chosen, in the language of the page; and what the environment decides."""
    language = language_of(request)
    steering = request.house.steering
    return {
        "countries": countries(language),
        "currencies": currencies(language),
        "time_zones": time_zones(),
        "decided": steering.file.decided("company", FIELDS),
        "refusal": steering.file.refusal(),
        "file": str(steering.file.path),
    }


async def _page(request: Call, form: Form) -> Html:
    server = request.house.settings.server
    return await page(
        request,
        "relatum/settings_company.html",
        here="company",
        forms=(form,),
        address=HERE,
        reached=server.public_url or f"http://{server.host}:{server.port}",
        **choices_for(request),
    )


ROUTES = [show_company, change_company]
