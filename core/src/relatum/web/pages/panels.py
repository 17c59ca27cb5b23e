"""One panel alone: for the browser that loads it after its page, or again."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath

from relatum.access.viewer import current_viewer
from relatum.http.answers import Html
from relatum.http.calls import Call, id_in_path
from relatum.http.permissions import refuse_without
from relatum.values.problems import NotFound
from relatum.web.boxes import PATH, element_of, loaded
from relatum.web.layout import PAGE, page

OF_CUSTOMERS = ("customer.side", "customer.main")


@get(
    PATH + "/{panel_id:str}/{customer_id:str}",
    opt={"permission": "core.customers.read", **PAGE},
    include_in_schema=False,
)
async def show_panel(request: Call, panel_id: FromPath[str], customer_id: FromPath[str]) -> Html:
    """The panel of a customer."""
    request.refuse_query(("lang",))
    panel = request.house.registry.panels.get(panel_id)
    if panel.slot not in OF_CUSTOMERS:
        raise NotFound(f"expected a panel of customers, got one of {panel.slot!r}")
    refuse_without(current_viewer(), panel.permission)
    customer = await request.house.customers.get(id_in_path(customer_id, "customer"))
    found = await loaded(request, [panel], subject=customer, at_once=True)
    return await page(
        request,
        "relatum/panel.html",
        here="customers",
        fragments={element_of(panel_id): "relatum/panel_box.html"},
        box=found[0] if found else None,
        customer=customer,
    )


ROUTES = [show_panel]
