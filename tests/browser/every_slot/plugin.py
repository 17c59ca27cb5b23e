"""A plugin that uses every slot of the screens, in less than 70 lines and without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec

from relatum import api

MAY, PAGE = "slots.wishes.read", "slots/page.html"
WISHES = api.Text(en="Wishes", vi="Mong muốn")
NAMED: dict[str, Any] = {"title": WISHES, "permission": MAY}


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    wish: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


async def load(plugin: api.Plugin, visit: api.Visit) -> dict[str, Any]:
    return {"wish": api.Form("wish"), "whose": getattr(visit.subject, "display_name", "")}


BOX: dict[str, Any] = {"template": "slots/panel.html", "load": load, **NAMED}


async def fail(plugin: api.Plugin, visit: api.Visit) -> dict[str, Any]:
    raise RuntimeError("this panel fails on purpose")


async def act(plugin: api.Plugin, visit: api.Visit) -> Any:
    form, wish = await visit.form("wish", Wish)
    said = api.Redirect("/p/slots", flash="slots.said")
    return {"wish": form, "whose": ""} if wish is None else said


async def column(plugin: api.Plugin, visit: api.Visit, some: Any) -> Mapping[UUID, api.Cell]:
    return {each.id: api.Cell(text=each.display_name[::-1]) for each in some}


async def bulk(plugin: api.Plugin, visit: api.Visit, ids: Sequence[UUID], fields: Any) -> api.Done:
    return api.Done(count=len(ids))


async def points(plugin: api.Plugin, visit: api.Visit, query: api.MetricQuery) -> list[api.Point]:
    return [api.Point(value=2, rows=2, start=query.first if query.period else None)]


async def rows(plugin: Any, visit: Any, query: Any, after: str, limit: int) -> list[api.Row]:
    return [api.Row(id=each, title=f"Wish {each}") for each in "12" if each > after][:limit]


@api.hookimpl
def relatum_register_permissions(plugin: api.Plugin) -> list[api.Permission]:
    return [api.Permission(id=MAY, title=WISHES, roles=("sales",))]


@api.hookimpl
def relatum_register_pages(plugin: api.Plugin) -> list[api.WebPage]:
    said = {"slots.said": api.Text(en="Wished.", vi="Đã ước.")}
    shown: Any = {"load": load, "act": act, "says": said, "entry": api.Entry(icon="star", key="w")}
    return [api.WebPage(id="slots.wishes", path="/", template=PAGE, **shown, **NAMED)]


@api.hookimpl
def relatum_register_panels(plugin: api.Plugin) -> list[api.Panel]:
    slots = ("customer.side", "customer.main", "deal.side", "reports", "settings")
    named = {f"slots.in_{slot.replace('.', '_')}": slot for slot in slots}
    fine = [api.Panel(id=id, slot=slot, **BOX) for id, slot in named.items()]  # type: ignore[arg-type]
    lazy = msgspec.structs.replace(fine[0], id="slots.lazy", lazy=True, order=200)
    return [*fine, lazy, msgspec.structs.replace(fine[0], id="slots.broken", load=fail)]


@api.hookimpl
def relatum_register_widgets(plugin: api.Plugin) -> list[api.Widget]:
    figure = api.Widget(id="slots.figure", metric="slots.wished", shown=True, **NAMED)
    return [api.Widget(id="slots.box", shown=True, **BOX), figure]


@api.hookimpl
def relatum_register_commands(plugin: api.Plugin) -> list[api.Command]:
    of = {"path": "/p/slots?of={id}", "slot": "customer.actions"}
    return [
        api.Command(id="slots.go", path="/p/slots", **NAMED),
        api.Command(id="slots.of", **of, **NAMED),
    ]


@api.hookimpl
def relatum_register_columns(plugin: api.Plugin) -> list[api.Column]:
    return [api.Column(id="slots.turned", load=column, **NAMED)]


@api.hookimpl
def relatum_register_bulk_actions(plugin: api.Plugin) -> list[api.BulkAction]:
    return [api.BulkAction(id="slots.count", run=bulk, **NAMED)]


@api.hookimpl
def relatum_register_metrics(plugin: api.Plugin) -> list[api.Metric]:
    return [api.Metric(id="slots.wished", unit="count", points=points, rows=rows, **NAMED)]
