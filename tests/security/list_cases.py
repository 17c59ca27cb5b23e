"""Cases of the routes about lists: saved views, cells, what is done with many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.importing.acting import viewer_of
from relatum.values.ids import new_id
from relatum.web.bulk_changes import JOB, BulkChanges, BulkWork
from relatum.web.saved_views import SavedViews, ViewDraft
from tests.security.bodies import Body, Known, just

if TYPE_CHECKING:
    from relatum.app.house import House

_VIEWS = "SELECT id FROM core_saved_view WHERE account_id = '{me}' AND deleted_at IS NULL"
_RUNS = f"SELECT run FROM core_job_done WHERE job = '{JOB}' AND args LIKE '%{{me}}%'"

LIST_VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/views/", "view_id"): _VIEWS,
    ("/customers/bulk/", "run_id"): _RUNS,
    ("/customers/bulk/", "bulk_id"): "SELECT bulk FROM core_bulk_change WHERE account_id = '{me}'",
    ("/customers/{customer_id}/cells/", "column"): ["name"],
}

_PAGE = (200, 302, 303)


def _chosen(known: Known) -> dict[str, str]:
    return {"action": "add_tag", "id": known.customer(), "listed": "q=a"}


LIST_BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/views"): Body(lambda known: {"title": known.new}, ok=_PAGE, kind="form"),
    ("POST", "/views/{view_id}"): Body(lambda known: {"title": known.new}, ok=_PAGE, kind="form"),
    ("POST", "/views/{view_id}/content"): just({"listed": "q=a"}, ok=_PAGE, kind="form"),
    ("POST", "/views/{view_id}/pin"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/views/{view_id}/unpin"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/views/{view_id}/default"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/views/{view_id}/plain"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/views/{view_id}/delete"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/views/{view_id}/restore"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/customers/bulk"): Body(_chosen, ok=_PAGE, kind="form"),
    ("POST", "/customers/bulk/do"): Body(
        lambda known: {**_chosen(known), "value": known.new}, ok=_PAGE, kind="form"
    ),
    ("POST", "/customers/bulk/{bulk_id}/undo"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/customers/{customer_id}/cells/{column}"): Body(
        # made from a version that is long gone: both are shown
        lambda known: {"version": "0", "value": known.new},
        ok=(409,),
        kind="form",
    ),
}


async def keep_views(house: House) -> None:
    """Everybody who sees customers has views of their own; the owner has changed many at once."""
    accounts = await house.db.fetch(
        "SELECT id, email FROM core_account WHERE kind = 'person' AND state = 'active'"
    )
    for account, email in accounts:
        viewer = await viewer_of(house, account, f"person:{account}")
        if not viewer.may("core.customers.read"):
            continue
        views = SavedViews(house.db, "customers")
        for number in range(3):
            await views.save(ViewDraft(title=f"Riêng {number}", query="role=customer"), viewer)
        if str(email).startswith("owner@"):
            for action in ("add_tag", "remove_tag"):
                work = BulkWork(
                    bulk=new_id(),
                    account=account,
                    actor=viewer.actor,
                    action=action,
                    value="một lúc",
                )
                await BulkChanges(house).start(work)
                await house.worker.drain()
