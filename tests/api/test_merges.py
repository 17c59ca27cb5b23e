"""The contract of ``/api/v1/customers/{id}/merges`` and ``/api/v1/merges``."""

from __future__ import annotations

from tests.api.conftest import Api

NOBODY = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


async def test_there_and_back(api: Api) -> None:
    one = await api.customer("Lan", tags=["vip"])
    other = await api.customer("Lan Anh", external_ids={"erp": "7"})
    path = f"/customers/{one['id']}"
    preview = (await api.get(f"{path}/merge-preview/{other['id']}")).json()
    name = next(each for each in preview["fields"] if each["name"] == "display_name")
    assert (name["side"], name["rule"]) == ("absorbed", "recent")
    assert {each["table"]: each["moved"] for each in preview["rows"]}["core_external_id"] == 1
    body = {"absorbed": other["id"], "choices": {"display_name": "survivor"}, "reason": "một số"}
    made = await api.post(f"{path}/merges", body)
    assert made.status_code == 201
    merge = made.json()
    assert made.headers["location"] == f"/api/v1/merges/{merge['id']}"
    assert (await api.get(f"{path}/merges")).json() == {"items": [merge]}
    survivor = (await api.get(path)).json()
    assert (survivor["display_name"], survivor["external_ids"]) == ("Lan", {"erp": "7"})
    assert (await api.names()) == ["Lan"]
    gone = await api.get(f"/customers/{other['id']}")
    assert (gone.status_code, gone.json()) == (301, {"merged_into": one["id"]})
    assert gone.headers["location"] == f"/api/v1{path}"
    changed = await api.patch(f"/customers/{other['id']}", {"display_name": "x"})
    assert (changed.status_code, changed.json()["merged_into"]) == (404, one["id"])
    undo = f"/merges/{merge['id']}/undo"
    assert (await api.get(undo)).json()["again"] == []
    undone = await api.post(undo, {"reason": "hai người"})
    assert (undone.status_code, undone.json()["undone_because"]) == (200, "hai người")
    back = (await api.get(f"/customers/{other['id']}")).json()
    assert {**back, "version": 1} == other
    assert (await api.post(undo, {})).status_code == 409


async def test_what_is_refused(api: Api) -> None:
    one = await api.customer("Lan")
    path = f"/customers/{one['id']}/merges"
    for body, status in (
        ({"absorbed": NOBODY}, 404),
        ({"absorbed": one["id"]}, 422),
        ({"absorbed": "x"}, 422),
        ({}, 422),
        ({"absorbed": NOBODY, "choices": {"display_name": "both"}}, 422),
    ):
        assert (await api.post(path, body)).status_code == status, body
    assert (await api.get(f"/merges/{NOBODY}")).status_code == 404
    assert (await api.get(f"/customers/{NOBODY}/merges")).status_code == 404
    assert (await api.get(f"/customers/{one['id']}/merge-preview/{NOBODY}")).status_code == 404
