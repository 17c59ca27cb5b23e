"""Everything that is held about one person, as the person reads it, and the archive of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath

from relatum.access.viewer import current_viewer
from relatum.customers.subject.service import MOST_SHOWN, WRITE
from relatum.customers.subject.types import SubjectRequest
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import RelatumError
from relatum.web import formats
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked
from relatum.web.layout import PAGE, Redirect, page, target_of
from relatum.web.reading import zone_here

if TYPE_CHECKING:
    from relatum.values.money import Money
    from relatum.web.languages import Language

DATA = {"permission": "core.customers.subject_export", **PAGE}
#: What is fetched again while an archive is written.
LIST = "subject-exports"
STATES: dict[str, tuple[str, str]] = {
    "queued": (marked("queued"), ""),
    "running": (marked("running"), "info"),
    "ready": (marked("ready"), "good"),
    "failed": (marked("failed"), "bad"),
    "deleted": (marked("deleted"), ""),
}
TONGUES = [("vi", "Tiếng Việt"), ("en", "English")]

declare_flashes({"subject-requested": marked("The archive is being written.")})


@get("/customers/{customer_id:str}/data", opt=DATA, include_in_schema=False)
async def show_data(request: Call, customer_id: FromPath[str]) -> Html:
    """What is held, and the archives that were asked for."""
    request.refuse_query(("lang",))
    return await _page(request, id_in_path(customer_id, "customer"), _blank(request))


@post("/customers/{customer_id:str}/data", opt=DATA, include_in_schema=False)
async def request_archive(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Ask for the archive."""
    customer = id_in_path(customer_id, "customer")
    form = Form("archive")
    identity = request.identity
    try:
        asked = form.take(await sent(request), SubjectRequest)
        await request.house.subjects.request(
            customer,
            asked,
            viewer=current_viewer(),
            person=identity.name if identity is not None else request.actor,
        )
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, customer, form)
    return Redirect(f"/customers/{customer}/data", flash="subject-requested")


@post(
    "/customers/{customer_id:str}/data/{subject_export_id:str}/fetch",
    opt=DATA,
    include_in_schema=False,
)
async def fetch_archive(
    request: Call, customer_id: FromPath[str], subject_export_id: FromPath[str]
) -> Answer[Any]:
    """On to the file, by a link that is good for a quarter of an hour."""
    customer = id_in_path(customer_id, "customer")
    id = id_in_path(subject_export_id, "subject export")
    Form("action").take(await sent(request), Nothing)
    subjects = request.house.subjects
    await subjects.get(id, current_viewer(), customer)
    path = f"/api/v1/customers/{customer}/subject-exports/{id}/file"
    return Redirect(await subjects.link(id, current_viewer(), path))


@post(
    "/customers/{customer_id:str}/data/{subject_export_id:str}/delete",
    opt=DATA,
    include_in_schema=False,
)
async def delete_archive(
    request: Call, customer_id: FromPath[str], subject_export_id: FromPath[str]
) -> Answer[Any]:
    """Delete the file before its time."""
    customer = id_in_path(customer_id, "customer")
    id = id_in_path(subject_export_id, "subject export")
    Form("action").take(await sent(request), Nothing)
    await request.house.subjects.get(id, current_viewer(), customer)
    await request.house.subjects.delete(id, current_viewer())
    return Redirect(f"/customers/{customer}/data", flash="removed")


class _Hand:
    """Numbers, amounts and times as whoever looks reads them."""

    def __init__(self, language: Language, zone: str) -> None:
        self._language = language
        self._zone = zone

    def number(self, value: float) -> str:
        return formats.decimal(value, self._language, 2)

    def money(self, amount: Money) -> str:
        return formats.money(amount, amount.currency, self._language)

    def day(self, day: dt.date) -> str:
        return formats.day(day, self._language, self._zone)

    def moment(self, moment: dt.datetime) -> str:
        return formats.moment_text(moment, self._language, self._zone)


def _blank(request: Call) -> Form:
    return Form("archive", {"language": language_of(request)})


async def _page(request: Call, id: UUID, form: Form) -> Html:
    house, viewer = request.house, current_viewer()
    customer = await house.customers.get(id)
    exports = await house.subjects.of(id, viewer)
    runs = await house.jobs.latest(WRITE, [str(each.id) for each in exports])
    # looking again how far it is reads nothing of the customer
    whole = target_of(request) != LIST
    language = language_of(request)
    hand = _Hand(language, zone_here(house))
    shown = await house.subjects.read(viewer, id, language, hand) if whole else None
    return await page(
        request,
        "relatum/customer_data.html",
        here="customers",
        address=f"/customers/{id}/data",
        forms=(form,),
        fragments={LIST: "relatum/customer_data_exports.html"},
        customer=customer,
        exports=exports,
        busy=any(each.state in ("queued", "running") for each in exports),
        progress={id: run.progress for id, run in runs.items()},
        shown=shown,
        most=MOST_SHOWN,
        states=STATES,
        tongues=TONGUES,
    )


ROUTES = [show_data, request_archive, fetch_archive, delete_archive]
