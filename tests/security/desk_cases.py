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
    ("/imports/", "import_id"): _REQUESTS,
    ("/settings/handlers/", "handler_id"): ["sales_pipeline.last_activity"],
    ("/settings/jobs/runs/", "run_id"): "SELECT run FROM core_job_done",
    ("/settings/jobs/", "job_id"): ["core.audit_seal"],
}

#: The file of an export needs a signed link; a file of rejected rows is only where there are some.
DESK_ANSWERS: dict[str, tuple[int, ...]] = {
    "/api/v1/exports/{export_id}/file": (403,),
    "/api/v1/imports/{import_id}/rejected/{name}": (200, 404),
    # the columns of an import that is done are not to be chosen any more
    "/imports/{import_id}/mapping": (200, 303),
}

_PAGE = (200, 302, 303)


def _import(known: Known) -> dict[str, object]:
    upload = known.ids["core_upload"]
    return {"files": [{"upload": upload, "target": "core.customers"}], "name": known.new}


def _export(known: Known) -> dict[str, object]:
    return {"target": "core.customers", "format": "csv", "why": known.new}


_HAS_MOVED_ON = (*_PAGE, 409)
_CHOSEN = {"name": "desk", "to": ["0.1=display_name"]}
_READING = {"file": "0", "target": "core.customers"}

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
    ("POST", "/audit/file"): just({"type": "core.access."}, ok=(200,), kind="form"),
    ("POST", "/exports"): Body(_export, ok=_PAGE, kind="form"),
    ("POST", "/exports/{export_id}/approve"): just({"why": "x"}, ok=(*_PAGE, 409), kind="form"),
    ("POST", "/exports/{export_id}/refuse"): just({"why": "x"}, ok=(*_PAGE, 409), kind="form"),
    ("POST", "/exports/{export_id}/fetch"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/exports/{export_id}/delete"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/imports/new"): Body(
        lambda known: f"ma,ten\n1,{known.new}\n".encode(), ok=_PAGE, kind="file"
    ),
    # nothing was kept out of one that was never applied
    ("POST", "/imports/{import_id}/mended"): Body(
        lambda known: f"ma,ten\n1,{known.new}\n".encode(), ok=(*_PAGE, 404), kind="file"
    ),
    ("POST", "/imports/{import_id}/mapping"): just(_CHOSEN, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/imports/{import_id}/reading"): just(_READING, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/imports/{import_id}/confirm"): Body(None, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/imports/{import_id}/preview"): Body(None, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/imports/{import_id}/apply"): Body(None, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/imports/{import_id}/undo"): Body(None, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/imports/{import_id}/stop"): Body(None, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/settings/jobs/{job_id}/run"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/settings/jobs/{job_id}/retry"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/settings/jobs/runs/{run_id}/cancel"): Body(None, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/settings/jobs/runs/{run_id}/retry"): Body(None, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/settings/jobs/runs/{run_id}/drop"): Body(None, ok=_HAS_MOVED_ON, kind="form"),
    ("POST", "/settings/handlers/{handler_id}/retry"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/settings/handlers/{handler_id}/pause"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/settings/handlers/{handler_id}/resume"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/settings/handlers/{handler_id}/replay"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/settings/backups/run"): Body(None, ok=_PAGE, kind="form"),
}
