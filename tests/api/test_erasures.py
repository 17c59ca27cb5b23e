"""The contract of ``/api/v1/customers/{id}/erasure`` and ``/api/v1/erasures``."""

from __future__ import annotations

from tests.api.conftest import Api

NOBODY = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


async def test_preview_erase_and_receipt(api: Api) -> None:
    one = await api.customer("Lan Anh", tags=["vip"])
    path = f"/customers/{one['id']}/erasure"
    preview = (await api.get(path)).json()
    assert (preview["holds"], preview["absorbed"]) == ([], [])
    assert {"table": "core_customer", "act": "delete", "rows": 1} in preview["tables"]
    body = {"reason": "yêu cầu 12/2026", "confirm": one["id"]}
    made = await api.post(path, body)
    assert made.status_code == 201
    receipt = made.json()
    assert made.headers["location"] == f"/api/v1/erasures/{receipt['id']}"
    assert (await api.get(f"/erasures/{receipt['id']}")).json() == receipt
    assert (await api.get("/erasures")).json() == {"items": [receipt]}
    assert (await api.get(f"/customers/{one['id']}")).status_code == 404
    assert (await api.get(path)).status_code == 404
    assert (await api.post(path, body)).json()["id"] == receipt["id"]


async def test_what_is_refused(api: Api) -> None:
    one = await api.customer("Lan")
    path = f"/customers/{one['id']}/erasure"
    for body in (
        {"reason": "", "confirm": one["id"]},
        {"reason": "x", "confirm": NOBODY},
        {"reason": "x"},
        {},
    ):
        assert (await api.post(path, body)).status_code == 422, body
    hold = {"kind": "legal", "reason": "vụ kiện"}
    assert (await api.post(f"/customers/{one['id']}/contact-holds", hold)).status_code < 300
    refused = await api.post(path, {"reason": "x", "confirm": one["id"]})
    assert refused.status_code == 409
    assert "vụ kiện" in refused.json()["detail"]
    missing = f"/customers/{NOBODY}/erasure"
    assert (await api.post(missing, {"reason": "x", "confirm": NOBODY})).status_code == 404
    assert (await api.get(f"/erasures/{NOBODY}")).status_code == 404
