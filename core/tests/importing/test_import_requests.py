"""Imports over HTTP: uploaded files, a plan, a preview, the import, and back again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.access.policies import Policy
from relatum.customers.types import ContactPointDraft, CustomerDraft, CustomerQuery
from relatum.importing.requests import service as requests_module
from relatum.importing.workbooks import SheetFile
from relatum.values.sensitivity import SENSITIVITIES

quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SEES_ALL = Policy(scopes=["all"], unmasked=list(SENSITIVITIES))
CONTACTS = "Mã KH;Họ và tên;SĐT;Ghi chú\nA;Nguyễn Thị Hoa;0901 234 567;x\nB;Lê Nam;12;y\n"


async def bring(client: Any, raw: bytes | str, name: str = "contacts.csv") -> str:
    content = raw.encode() if isinstance(raw, str) else raw
    answer = await client.post("/api/v1/uploads", params={"name": name}, content=content)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def make(client: Any, raw: bytes | str = CONTACTS, **draft: Any) -> Any:
    upload = await bring(client, raw, draft.pop("file", "contacts.csv"))
    target = {} if "plan" in draft else {"target": draft.pop("target", "core.customers")}
    body = {"files": [{"upload": upload, **target}], **draft}
    answer = await client.post("/api/v1/imports", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def order(house: Any, client: Any, id: str, what: str) -> Any:
    answer = await client.post(f"/api/v1/imports/{id}/{what}")
    assert answer.status_code == 202, answer.text
    assert await house.worker.drain() == 1
    return (await client.get(f"/api/v1/imports/{id}")).json()


async def names(house: Any) -> list[str]:
    page = await house.customers.find(CustomerQuery(sort="display_name"))
    return [one.display_name for one in page.items]


async def test_from_a_file_to_customers_and_back(house, client):
    made = await make(client)
    id = made["id"]
    assert (made["state"], made["files"], made["name"]) == ("ready", ["contacts.csv"], "contacts")
    assert 'display_name = "Họ và tên"' in made["plan"]
    tried = await order(house, client, id, "preview")
    assert tried["state"] == "ready"
    assert (tried["preview"]["counts"]["created"], tried["preview"]["counts"]["rejected"]) == (1, 1)
    assert tried["preview"]["files"][0]["unused"] == ["Ghi chú"]
    assert await names(house) == []
    done = await order(house, client, id, "apply")
    assert (done["state"], done["outcome"]["counts"]["created"]) == ("applied", 1)
    assert await names(house) == ["Nguyễn Thị Hoa"]
    assert done["outcome"]["folder"] == ""
    assert str(house.settings.home) not in msgspec.json.encode(done).decode()
    assert done["rejected"] == ["contacts.csv", "contacts.findings.jsonl", "plan.toml"]
    rejected = await client.get(f"/api/v1/imports/{id}/rejected/contacts.csv")
    assert "Lê Nam" in rejected.text
    assert rejected.headers["content-disposition"].startswith("attachment")
    undone = await order(house, client, id, "undo")
    assert (undone["state"], undone["undone"]["taken_back"]) == ("undone", 1)
    assert await names(house) == []


async def test_who_asked_stands_in_the_journal_and_the_log(house, client):
    id = (await make(client))["id"]
    await order(house, client, id, "apply")
    [entry] = (await client.get("/api/v1/imports")).json()["items"]
    assert (entry["id"], entry["state"], entry["by"]) == (id, "applied", f"person:{client.account}")
    rows = await house.db.fetch(
        "SELECT type, context FROM core_event WHERE by = ? ORDER BY seq", f"import:{id}"
    )
    assert {kind for kind, _ in rows} >= {"core.customer_created", "core.import_applied"}
    for _, context in rows:
        assert msgspec.json.decode(context)["actor"] == f"person:{client.account}"


async def test_a_plan_of_ones_own(house, client):
    plan = """
        name = "shop"
        [[files]]
        path = "mine.csv"
        target = "core.customers"
        [files.columns]
        display_name = "Họ và tên"
    """
    upload = await bring(client, CONTACTS)
    body = {"files": [{"upload": upload, "name": "mine.csv"}], "plan": plan}
    made = (await client.post("/api/v1/imports", json=body)).json()
    done = await order(house, client, made["id"], "apply")
    assert done["outcome"]["counts"]["created"] == 2
    again = {**body, "plan": made["plan"]}
    assert (await client.post("/api/v1/imports", json=again)).json()["plan"] == made["plan"]


async def test_a_workbook(house, client, tmp_path):
    sheet = SheetFile(tmp_path / "x.xlsx")
    for row in (["name", "phone"], ["An", "0901234567"], ["Bình", "12"]):
        sheet.write(row)
    sheet.close()
    made = await make(client, (tmp_path / "x.xlsx").read_bytes(), file="book.xlsx")
    done = await order(house, client, made["id"], "apply")
    counts = done["outcome"]["counts"]
    assert (counts["created"], counts["rejected"]) == (1, 1)
    assert done["outcome"]["findings"]["first"][0]["line"] == 3
    rejected = await client.get(f"/api/v1/imports/{made['id']}/rejected/book.xlsx.csv")
    assert "Bình" in rejected.text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"files": []}, 422),
        ({"files": [{"upload": "00000000-0000-7000-8000-000000000000"}]}, 404),
        ({"plan": "no toml ["}, 422),
        ({"plan": 'name = "x"'}, 422),
        ({"plan": 'name = "x"\n[[files]]\npath = "../x.csv"\ntarget = "core.customers"'}, 422),
        ({"plan": 'name = "x"\n[[files]]\npath = "a.csv"\ntarget = "core.nothing"'}, 404),
        ({"name": "Not A Name"}, 422),
    ],
)
async def test_what_cannot_be_imported_is_told(house, client, change, status):
    upload = await bring(client, CONTACTS)
    body = {"files": [{"upload": upload, "target": "core.customers"}], **change}
    answer = await client.post("/api/v1/imports", json=body)
    assert answer.status_code == status, answer.text
    assert list((house.settings.home / "imports").glob("*")) == [], "nothing is left behind"


async def test_without_plan_or_target_the_targets_are_named(client):
    upload = await bring(client, CONTACTS)
    answer = await client.post("/api/v1/imports", json={"files": [{"upload": upload}]})
    assert answer.status_code == 422
    assert "core.customers" in answer.json()["problems"][0]["expected"]


async def test_one_needs_the_right_to_write_what_the_plan_writes(house, client_as):
    some = await client_as("manager", permissions=["core.imports.write", "core.imports.read"])
    upload = await bring(some, CONTACTS)
    file = {"upload": upload, "target": "core.customers"}
    answer = await some.post("/api/v1/imports", json={"files": [file]})
    assert (answer.status_code, answer.json()["permission"]) == (403, "core.customers.write")
    rights = ["core.imports.write", "core.imports.read", "core.customers.write"]
    other = await client_as("manager", permissions=rights)
    upload = await bring(other, CONTACTS)
    plan = (
        'name = "x"\n[[fields]]\nkey = "level"\n[[files]]\npath = "contacts.csv"\n'
        'target = "core.customers"\n[files.columns]\ndisplay_name = "Họ và tên"\n'
    )
    answer = await other.post("/api/v1/imports", json={"files": [{"upload": upload}], "plan": plan})
    assert (answer.status_code, answer.json()["permission"]) == (403, "core.fields.write")


async def test_others_know_nothing_of_ones_imports(house, client, client_as):
    mine = await client_as("manager", policy=Policy(scopes=["own"]))
    other = await client_as("manager", policy=Policy(scopes=["own"]))
    made = await make(mine)
    for method, path in (
        ("GET", ""),
        ("POST", "/preview"),
        ("POST", "/apply"),
        ("POST", "/undo"),
        ("GET", "/rejected/contacts.csv"),
    ):
        answer = await other.request(method, f"/api/v1/imports/{made['id']}{path}")
        assert answer.status_code == 404, (method, path)
    assert (await other.get("/api/v1/imports")).json() == {"items": []}
    assert [e["id"] for e in (await mine.get("/api/v1/imports")).json()["items"]] == [made["id"]]
    seen = (await client.get("/api/v1/imports")).json()["items"]
    assert [e["id"] for e in seen] == [made["id"]], "an owner sees everybody's"


async def test_another_ones_upload_is_not_there(client, client_as):
    upload = await bring(client, CONTACTS)
    other = await client_as("manager")
    body = {"files": [{"upload": upload, "target": "core.customers"}]}
    assert (await other.post("/api/v1/imports", json=body)).status_code == 404


async def test_hidden_customers_are_not_changed(house, client_as):
    seller = await client_as("manager", policy=Policy(scopes=["own"]))
    await house.customers.create(
        [
            CustomerDraft(display_name="Hidden", external_ids={"shop": "A"}),
            CustomerDraft(display_name="Mine", external_ids={"shop": "B"}, owner=seller.account),
        ],
        by="system",
    )
    made = await make(seller, "id,name\nA,Renamed\nB,Changed\n", name="shop")
    done = await order(house, seller, made["id"], "apply")
    counts = done["outcome"]["counts"]
    assert (counts["updated"], counts["rejected"]) == (1, 1)
    assert await names(house) == ["Changed", "Hidden"]
    assert "Hidden" not in msgspec.json.encode(done).decode()


async def test_masked_values_are_kept_through_an_import_and_its_undoing(house, client_as):
    analyst = await client_as("manager", policy=Policy(scopes=["all"]))
    [id] = await house.customers.create(
        [
            CustomerDraft(
                display_name="An",
                external_ids={"shop": "A"},
                contact_points=[ContactPointDraft(kind="phone", raw="0901234567")],
            )
        ],
        by="system",
    )
    made = await make(analyst, "id,name,email\nA,Ân,an@example.com\n", name="shop")
    done = await order(house, analyst, made["id"], "apply")
    assert done["outcome"]["counts"]["updated"] == 1
    customer = await house.customers.get(id)
    assert [p.raw for p in customer.contact_points] == ["0901234567", "an@example.com"]
    assert "0901234567" not in msgspec.json.encode(done).decode()
    await order(house, analyst, made["id"], "undo")
    customer = await house.customers.get(id)
    assert (customer.display_name, [p.raw for p in customer.contact_points]) == (
        "An",
        ["0901234567"],
    )


# -- what breaks off -----------------------------------------------------------------------------


async def test_an_import_that_broke_off_goes_on_with_the_next_worker(house, client, monkeypatch):
    lines = "".join(f"K{n},Name {n}\n" for n in range(30))
    made = await make(client, f"id,name\n{lines}", name="shop")
    assert (await client.post(f"/api/v1/imports/{made['id']}/apply")).status_code == 202
    house.imports._batch = 10
    stands_still = asyncio.Event()

    def stops(self: Any, id: UUID, heard: list[Any]) -> Any:
        left = [2]

        def hear(progress: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                stands_still.set()
                raise asyncio.CancelledError

        return hear

    with monkeypatch.context() as patch:
        patch.setattr(requests_module.ImportRequests, "_watch", stops)
        working = asyncio.create_task(house.import_requests.work(UUID(made["id"]), nothing))
        await stands_still.wait()
        await asyncio.wait([working])
    assert (await client.get(f"/api/v1/imports/{made['id']}")).json()["state"] == "applying"
    assert 0 < len(await names(house)) < 30
    assert await house.worker.drain() == 1
    done = (await client.get(f"/api/v1/imports/{made['id']}")).json()
    assert (done["state"], done["outcome"]["counts"]["created"]) == ("applied", 30)
    assert done["outcome"]["continued"] is True
    assert len(await names(house)) == 30


async def nothing(done: int, total: int, note: str) -> None:
    """Nobody wants to know."""


async def test_how_far_an_import_is_can_be_seen_from_every_process(house, client, monkeypatch):
    """It is written down, beside the import and beside the run."""
    monkeypatch.setattr(requests_module, "TELL_SECONDS", 0.005)
    monkeypatch.setattr("relatum.jobs.running.REPORT_SECONDS", 0)
    lines = "".join(f"K{n},Name {n}\n" for n in range(400))
    made = await make(client, f"id,name\n{lines}", name="shop")
    assert (await client.post(f"/api/v1/imports/{made['id']}/apply")).status_code == 202
    house.imports._batch = 10
    seen: list[Any] = []
    working = asyncio.create_task(house.worker.drain())
    while not working.done():
        found = (await client.get(f"/api/v1/imports/{made['id']}")).json()
        (run,) = (await house.jobs.find(job="core.run_import")).items
        seen.append((found["progress"], run.progress))
        await asyncio.sleep(0)
    assert await working == 1
    rows = [progress["rows"] for progress, _ in seen if progress is not None]
    assert rows, "something was seen of it"
    assert rows == sorted(rows)
    assert any(progress is not None and progress.done for _, progress in seen)
    assert (await client.get(f"/api/v1/imports/{made['id']}")).json()["progress"] is None


async def test_an_import_that_always_breaks_off_or_is_called_off_is_given_up(house, client):
    for state, reason in (("failed", "It broke off 3 times."), ("cancelled", "It was called off.")):
        made = await make(client, name=state)
        assert (await client.post(f"/api/v1/imports/{made['id']}/apply")).status_code == 202
        if state == "failed":
            await house.db.execute(
                "UPDATE core_queue SET status = 'failed', attempts = 3, deliveries = 0"
            )
        else:
            (run,) = (await house.jobs.find(states=["waiting"])).items
            await house.jobs.cancel(run.id)
        assert await house.import_requests.take_up() == 1
        found = (await client.get(f"/api/v1/imports/{made['id']}")).json()
        assert (found["state"], found["error"]) == ("failed", reason)
        assert await house.import_requests.take_up() == 0


async def test_an_import_that_was_applied_but_not_noted_is_not_applied_twice(house, client):
    made = await make(client)
    await order(house, client, made["id"], "apply")
    await house.db.execute("UPDATE core_import_request SET state = 'applying', outcome = NULL")
    await house.import_requests._hand_on(UUID(made["id"]))
    assert await house.worker.drain() == 1
    done = (await client.get(f"/api/v1/imports/{made['id']}")).json()
    assert (done["state"], done["outcome"]["counts"]["created"]) == ("applied", 1)
    facts = await house.db.fetch("SELECT 1 FROM core_event WHERE type = 'core.import_applied'")
    assert len(facts) == 1


async def test_what_fails_is_told_and_can_be_tried_again(house, client, monkeypatch):
    made = await make(client)
    target = house.registry.import_targets.get("core.customers")
    with monkeypatch.context() as patch:

        async def broken(*_: Any) -> Any:
            raise RuntimeError("blue")

        patch.setattr(target, "write", broken)
        failed = await order(house, client, made["id"], "apply")
    assert failed["state"] == "failed"
    assert "core.customers" in failed["error"]
    assert (await order(house, client, made["id"], "preview"))["state"] == "ready"
    assert (await order(house, client, made["id"], "apply"))["state"] == "applied"
    again = await client.post(f"/api/v1/imports/{made['id']}/apply")
    assert again.status_code == 409


async def test_half_an_import_can_be_taken_back(house, client, monkeypatch):
    lines = "".join(f"K{n},Name {n}\n" for n in range(30))
    made = await make(client, f"id,name\n{lines}", name="shop")
    refused = await client.post(f"/api/v1/imports/{made['id']}/undo")
    assert refused.status_code == 409, "nothing was begun"
    house.imports._batch = 10
    target = house.registry.import_targets.get("core.customers")
    write, left = target.write, [1]

    async def breaks(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("blue")
        return await write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(target, "write", breaks)
        assert (await order(house, client, made["id"], "apply"))["state"] == "failed"
    assert len(await names(house)) == 10
    undone = await order(house, client, made["id"], "undo")
    assert (undone["state"], undone["undone"]["taken_back"]) == ("undone", 10)
    assert await names(house) == []


# -- hostile files -------------------------------------------------------------------------------

cells = st.sampled_from(
    [
        "",
        "An",
        "=1+1",
        '"',
        '""',
        "x" * 300,
        "'; DROP TABLE core_customer;--",
        "{{7*7}}",
        "🦄",
        "<script>alert(1)</script>",
        "0901234567",
        "12",
        "\u202e",
        "a\u0000b",
        "1e999",
        "[" * 60,
    ]
)
tables = st.lists(st.lists(cells, max_size=5).map(",".join), max_size=6).map("\n".join)
hostile = st.one_of(
    tables.map(lambda text: f"id,name,phone\n{text}".encode()),
    st.lists(st.dictionaries(cells, cells | st.integers() | st.none(), max_size=3), max_size=4).map(
        lambda rows: b"\n".join(msgspec.json.encode(row) for row in rows)
    ),
    st.binary(min_size=1, max_size=200),
)


@quick
@given(raw=hostile)
async def test_no_import_of_a_hostile_file_crashes(house, client, raw):
    answer = await client.post("/api/v1/uploads?name=x.csv", content=raw)
    assert answer.status_code in {201, 422}, answer.text
    if answer.status_code != 201:
        return
    file = {"upload": answer.json()["id"], "target": "core.customers"}
    made = await client.post("/api/v1/imports", json={"files": [file]})
    assert made.status_code in {201, 422}, made.text
    if made.status_code != 201:
        return
    id = made.json()["id"]
    tried = await order(house, client, id, "preview")
    assert tried["state"] in {"ready", "failed"}
    assert not tried["error"] or "log says more" not in tried["error"], tried["error"]
    done = await order(house, client, id, "apply")
    assert done["state"] in {"applied", "failed"}
    assert "log says more" not in done["error"], done["error"]


words = st.text(max_size=20) | st.sampled_from(
    [
        "utf-8",
        "undefined",
        "punycode",
        "zip",
        "dd/MM/yyyy",
        "%Q",
        "{",
        "{a!r:>999999999}",
        "\x00",
        "**",
        "[",
        "name",
        "x.csv",
        "core.customers",
        ",",
        '"',
        "VND",
    ]
)
forms = st.fixed_dictionaries(
    {},
    optional={
        "delimiter": words,
        "encoding": words,
        "date": words,
        "decimal": words,
        "skip_lines": st.integers(-5, 2**70),
        "sheet": words,
        "header": st.booleans(),
    },
)


@quick
@given(
    form=forms,
    path=st.just("x.csv") | words,
    template=words,
    heading=st.just("phone") | words,
)
async def test_no_plan_crashes(house, client, form, path, template, heading):
    import tomlkit

    entry = {
        "path": path,
        "target": "core.customers",
        "columns": {
            "display_name": {"template": template},
            "phone": heading,
            "fields.born": {"column": heading, "date": template},
        },
        "format": form,
    }
    try:
        plan = tomlkit.dumps({"name": "x", "files": [entry]})
    except ValueError:
        return
    upload = await bring(client, "name,phone\nAn,0901234567\n", "x.csv")
    body = {"files": [{"upload": upload}], "plan": plan}
    made = await client.post("/api/v1/imports", json=body)
    assert made.status_code in {201, 400, 422}, made.text
    if made.status_code != 201:
        return
    tried = await order(house, client, made.json()["id"], "preview")
    assert "log says more" not in tried["error"], tried["error"]


async def test_a_large_file_is_tried_out_in_parts(house, client, monkeypatch):
    monkeypatch.setattr(requests_module, "REHEARSED", 2)
    monkeypatch.setattr(house.imports, "_batch", 2)
    rows = "".join(f"K{n};Khách {n};{'12' if n == 4 else f'0901 234 56{n}'};x\n" for n in range(6))
    made = await make(client, CONTACTS.splitlines(keepends=True)[0] + rows)
    tried = await order(house, client, made["id"], "preview")
    (file,) = tried["preview"]["files"]
    assert (file["rehearsed"], file["in_parts"]) == (False, True)
    counts = tried["preview"]["counts"]
    assert (counts["rows"], counts["created"], counts["rejected"]) == (6, 5, 1)
    assert await names(house) == []
    done = await order(house, client, made["id"], "apply")
    assert done["outcome"]["counts"] == counts
    assert done["outcome"]["findings"] == tried["preview"]["findings"]
