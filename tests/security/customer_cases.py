"""Cases of the page of one customer and its forms."""

from __future__ import annotations

from uuid import uuid4

from tests.security.bodies import Body, Known, just

CUSTOMER_ROWS: dict[tuple[str, str], str] = {
    ("/api/v1/merges/", "merge_id"): "core_merge",
    ("/customers/", "merge_id"): "core_merge",
    ("/api/v1/customers/", "subject_export_id"): "core_subject_export",
    ("/customers/", "subject_export_id"): "core_subject_export",
    ("/api/v1/customers/", "other_id"): "core_customer",
    ("/customers/", "other_id"): "core_customer",
    ("/customers/", "link_id"): "core_customer_link",
    ("/customers/", "note_id"): "core_interaction",
    ("/customers/", "point_id"): "core_contact_point",
}

CUSTOMER_PAIRS: dict[tuple[str, ...], str] = {
    ("customer_id", "merge_id"): "SELECT customer_id, id FROM core_merge WHERE undone_at IS NULL",
    ("customer_id", "subject_export_id"): "SELECT customer_id, id FROM core_subject_export",
    ("customer_id", "other_id"): (
        "SELECT a.id, b.id FROM core_customer a JOIN core_customer b ON a.id < b.id"
    ),
    ("customer_id", "note_id"): (
        "SELECT customer_id, id FROM core_interaction WHERE customer_id IS NOT NULL"
    ),
    ("customer_id", "point_id"): "SELECT customer_id, id FROM core_contact_point",
}

CUSTOMER_VALUES: dict[tuple[str, str], list[str] | str] = {
    # a link between two customers who are not there, as an address holds it
    ("/customers/", "packed"): [
        (
            "eyJzb3VyY2UiOiI2ZjI0ZmM0ZS0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJ0YXJnZXQiOiI2ZjI0"
            "ZmM0ZS0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDIiLCJraW5kIjoibWFuYWdlcyJ9"
        )
    ],
    ("/customers/", "version"): ["1"],
    ("/api/v1/erasures/", "erasure_id"): "SELECT id FROM core_erasure",
    ("/erasures/", "erasure_id"): "SELECT id FROM core_erasure",
}

_PAGE = (200, 303)
#: The version of the world's customers is another one after the first write.
_MAYBE = (303, 409)


def _form(known: Known) -> dict[str, object]:
    return {"display_name": known.new, "kind": "person", "version": "1", "do": "anyway"}


def _link(known: Known) -> dict[str, object]:
    return {"relation": ">manages", "other": "x", "chosen": known.customer(), "role": known.new}


#: The archive of a person needs a signed link.
CUSTOMER_ANSWERS: dict[str, tuple[int, ...]] = {
    "/api/v1/customers/{customer_id}/subject-exports/{subject_export_id}/file": (403,),
}

_EXPORTS = "/api/v1/customers/{customer_id}/subject-exports/{subject_export_id}"
_DATA = "/customers/{customer_id}/data"

CUSTOMER_BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/api/v1/customers/{customer_id}/subject-export"): Body(
        lambda known: {"why": known.new}, ok=(202,)
    ),
    # who did not ask for it does not fetch or delete it
    ("POST", f"{_EXPORTS}/link"): Body(None, ok=(200, 404, 409)),
    ("DELETE", _EXPORTS): Body(None, ok=(204, 404, 409)),
    ("POST", _DATA): Body(
        lambda known: {"why": known.new, "language": "vi"}, ok=(303,), kind="form"
    ),
    ("POST", f"{_DATA}/{{subject_export_id}}/fetch"): Body(None, ok=(303, 404, 409), kind="form"),
    ("POST", f"{_DATA}/{{subject_export_id}}/delete"): Body(None, ok=(303, 404, 409), kind="form"),
    # the company of the tests stays as it is: nobody is merged with somebody who is not there
    ("POST", "/api/v1/customers/{customer_id}/merges"): Body(
        lambda known: {"absorbed": str(uuid4()), "reason": known.new}, ok=(404,)
    ),
    ("POST", "/api/v1/merges/{merge_id}/undo"): Body(
        lambda known: {"reason": known.new}, ok=(200, 409)
    ),
    ("POST", "/customers/{customer_id}/merge/{other_id}"): Body(
        lambda known: {"keep.display_name": "nobody's"}, ok=(422,), kind="form"
    ),
    ("POST", "/customers/{customer_id}/merges/{merge_id}/undo"): Body(
        None, ok=(303, 409), kind="form"
    ),
    # and nobody is erased: the name or the id typed is another one
    ("POST", "/api/v1/customers/{customer_id}/erasure"): Body(
        lambda known: {"reason": known.new, "confirm": str(uuid4())}, ok=(422,)
    ),
    ("POST", "/customers/{customer_id}/erase"): Body(
        lambda known: {"reason": known.new, "confirm": "nobody's name"}, ok=(422,), kind="form"
    ),
    ("POST", "/customers/new"): Body(_form, ok=_PAGE, kind="form"),
    ("POST", "/customers/duplicates"): Body(_form, ok=_PAGE, kind="form"),
    ("POST", "/customers/{customer_id}/edit"): Body(_form, ok=_MAYBE, kind="form"),
    ("POST", "/customers/{customer_id}/undo/{version}"): Body(None, ok=_MAYBE, kind="form"),
    ("POST", "/customers/{customer_id}/notes"): Body(
        lambda known: {"kind": "note", "text": known.new}, ok=_PAGE, kind="form"
    ),
    # what others wrote down stays
    ("POST", "/customers/{customer_id}/notes/{note_id}/undo"): Body(None, ok=_MAYBE, kind="form"),
    # a customer is not linked with itself
    ("POST", "/customers/{customer_id}/links"): Body(_link, ok=(303, 422), kind="form"),
    ("POST", "/customers/{customer_id}/links/{link_id}/remove"): Body(
        None, ok=(303, 404), kind="form"
    ),
    ("POST", "/customers/{customer_id}/links/again/{packed}"): Body(None, ok=(404,), kind="form"),
    ("POST", "/customers/{customer_id}/points/{point_id}/remove"): just(
        {"version": "1"}, ok=(303, 404, 409), kind="form"
    ),
}
