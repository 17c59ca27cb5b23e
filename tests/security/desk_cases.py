"""Cases of the routes that bring data in and take it out."""

from __future__ import annotations

from tests.security.bodies import Body, Known, just

_EXPORTS = "SELECT id FROM core_export WHERE account_id = '{me}'"
_FOREIGN = "SELECT id FROM core_export WHERE state = 'waiting' AND account_id <> '{me}'"
_READY = "SELECT id FROM core_export WHERE state = 'ready' AND account_id = '{me}'"
_REQUESTS = "SELECT id FROM core_import_request WHERE account_id = '{me}'"

DESK_VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/api/v1/exports/{export_id}/approve", "export_id"): _FOREIGN,
    ("/api/v1/exports/{export_id}/refuse", "export_id"): _FOREIGN,
    ("/api/v1/exports/{export_id}/link", "export_id"): _READY,
    ("/api/v1/exports/", "export_id"): _EXPORTS,
    ("/api/v1/imports/", "import_id"): _REQUESTS,
    ("/api/v1/imports/", "name"): ["khach.rejected.csv"],
    ("/api/v1/uploads/", "upload_id"): "SELECT id FROM core_upload WHERE account_id = '{me}'",
    ("/exports/{export_id}/approve", "export_id"): _FOREIGN,
    ("/exports/{export_id}/refuse", "export_id"): _FOREIGN,
    ("/exports/", "export_id"): _READY,
}

#: The file of an export needs a signed link; a file of rejected rows is only where there are some.
DESK_ANSWERS: dict[str, tuple[int, ...]] = {
    "/api/v1/exports/{export_id}/file": (403,),
    "/api/v1/imports/{import_id}/rejected/{name}": (200, 404),
}

_PAGE = (200, 302, 303)


def _import(known: Known) -> dict[str, object]:
    upload = known.ids["core_upload"]
    return {"files": [{"upload": upload, "target": "core.customers"}], "name": known.new}


def _export(known: Known) -> dict[str, object]:
    return {"target": "core.customers", "format": "csv", "why": known.new}


DESK_BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/api/v1/uploads"): Body(
        lambda known: f"ma,ten\n1,{known.new}\n".encode(), kind="raw"
    ),
    ("DELETE", "/api/v1/uploads/{upload_id}"): Body(None),
    ("POST", "/api/v1/imports"): Body(_import),
    ("POST", "/api/v1/imports/{import_id}/preview"): Body(None),
    ("POST", "/api/v1/imports/{import_id}/apply"): Body(None, ok=(202, 409)),
    ("POST", "/api/v1/imports/{import_id}/undo"): Body(None, ok=(202, 409)),
    ("POST", "/api/v1/exports"): Body(_export),
    ("POST", "/api/v1/exports/{export_id}/approve"): just({"why": "x"}),
    ("POST", "/api/v1/exports/{export_id}/refuse"): just({"why": "x"}, ok=(200, 409)),
    ("POST", "/api/v1/exports/{export_id}/link"): Body(None, ok=(200, 409)),
    ("DELETE", "/api/v1/exports/{export_id}"): Body(None, ok=(204, 409)),
    ("POST", "/exports"): Body(_export, ok=_PAGE, kind="form"),
    ("POST", "/exports/{export_id}/approve"): just({"why": "x"}, ok=(*_PAGE, 409), kind="form"),
    ("POST", "/exports/{export_id}/refuse"): just({"why": "x"}, ok=(*_PAGE, 409), kind="form"),
    ("POST", "/exports/{export_id}/fetch"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/exports/{export_id}/delete"): Body(None, ok=_PAGE, kind="form"),
}
