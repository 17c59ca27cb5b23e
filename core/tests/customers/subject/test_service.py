"""Asking for an archive, writing it, fetching it; and what of others stays out of it."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from relatum.access.accounts.types import Identity
from relatum.access.viewer import SYSTEM, Viewer
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.contact.types import ConsentDraft, Proof
from relatum.customers.subject.packing import _cell
from relatum.customers.subject.service import WRITE, SubjectWork
from relatum.customers.subject.types import Subject, SubjectRequest
from relatum.customers.types import ContactPointDraft, CustomerDraft, FieldDraft, LinkDraft
from relatum.interactions.types import InteractionDraft
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, NotFound, Refused
from relatum.values.time import now
from relatum_sdk.people import PersonClient, client_of, make_person, make_token

ASK = SubjectRequest(why="Khách yêu cầu")
NAME, OTHER = "Trần Thị Hồng Nhung", "Lê Văn Ẩn Danh"


@pytest.fixture
async def owner(core_house: House) -> UUID:
    return await make_person(core_house)


@pytest.fixture
async def viewer(core_house: House, owner: UUID) -> Viewer:
    return await viewer_of(core_house, owner)


async def viewer_of(house: House, account: UUID) -> Viewer:
    known = await house.accounts.get(account)
    identity = Identity(
        account=known.id,
        kind=known.kind,
        name=known.name,
        email=known.email,
        language=known.language,
        valid_until=now() + dt.timedelta(days=1),
    )
    return await house.roles.viewer_of(identity)


async def signed_in(house: House, account: UUID) -> PersonClient:
    token = await make_token(house, account)
    return client_of(create_app(house), account=account, token=token)


@pytest.fixture
async def person(core_house: House, viewer: Viewer) -> UUID:
    """Somebody with a secret, a link to somebody else, a staff member's note."""
    house = core_house
    await house.customers.declare_fields(
        [
            FieldDraft(key="pin", title_en="Pin", title_vi="Mã PIN", sensitivity="secret"),
            FieldDraft(key="size", title_en="Size", title_vi="Cỡ áo"),
        ]
    )
    drafts = [
        CustomerDraft(
            display_name=NAME,
            contact_points=[ContactPointDraft(kind="phone", raw="0901 234 567")],
            fields={"pin": "4711-bí-mật", "size": "=M"},
        ),
        CustomerDraft(
            display_name=OTHER,
            contact_points=[ContactPointDraft(kind="phone", raw="0987 654 321")],
        ),
    ]
    one, other = await house.customers.create(drafts, by=viewer.actor)
    await house.customers.links.create(
        [LinkDraft(source=one, target=other, kind="contact_of", role="Anh trai")], by=viewer.actor
    )
    note = InteractionDraft(
        kind="core.note", customer_id=one, payload={"text": "Gọi lại sau"}, actor=viewer.actor
    )
    await house.interactions.record([note], by=viewer.actor)
    return one


def rows(subject: Subject, table: str) -> list[dict[str, Any]]:
    return next(each.rows for each in subject.tables if each.name == table)


def texts(subject: Subject) -> str:
    held = [row for each in subject.tables for row in each.rows]
    return json.dumps(held, ensure_ascii=False)


async def test_what_is_of_others_is_left_out_and_said(
    core_house: House, viewer: Viewer, person: UUID
) -> None:
    subject = await core_house.subjects.collect(viewer, person)
    [customer] = rows(subject, "core_customer")
    assert customer["fields"]["pin"] == "4711-bí-mật"
    [link] = rows(subject, "core_customer_link")
    assert (link["source_id"], link["target_id"]) == (str(person), "[another customer]")
    assert link["kind"] == "contact_of"
    [note] = rows(subject, "core_interaction")
    assert note["actor"] == "[staff]"
    assert note["payload"]["text"] == "Gọi lại sau"
    held = texts(subject)
    assert OTHER not in held
    assert "654321" not in held
    assert str(viewer.account) not in held
    assert "enc:1:" not in held, "secrets of the person are in plain, in the log too"
    said = {(each.table, each.column, each.what): each.rows for each in subject.reduced}
    assert said["core_customer_link", "target_id", "other_customer"] == 1
    assert said["core_interaction", "actor", "staff"] == 1


async def test_keys_are_never_handed_out_and_broken_secrets_are_said(
    core_house: House, viewer: Viewer, person: UUID
) -> None:
    db = core_house.db
    await db.engine.run_ddl(
        "CREATE TABLE zz_login (id UUID PRIMARY KEY, customer_id UUID REFERENCES "
        "core_customer (id), totp_secret TEXT, card TEXT, broken TEXT)"
    )
    id = new_id()
    card = core_house.secrets.encrypt("9704 0000", f"zz_login.card/{id}")
    foreign = core_house.secrets.encrypt("x", "zz_login.card/elsewhere")
    columns = ("id", "customer_id", "totp_secret", "card", "broken")
    await db.insert("zz_login", columns, [(id, person, "JBSWY3DPEHPK3PXP", card, foreign)])
    subject = await core_house.subjects.collect(viewer, person)
    [row] = rows(subject, "zz_login")
    assert row["totp_secret"] == "[not handed out]"
    assert row["card"] == "9704 0000"
    assert row["broken"] == "[unreadable]"
    whats = {each.column: each.what for each in subject.reduced if each.table == "zz_login"}
    assert whats == {"totp_secret": "key", "broken": "unreadable"}


async def test_it_needs_the_permission_and_sight_of_the_customer(
    core_house: House, viewer: Viewer, person: UUID
) -> None:
    seller = await viewer_of(core_house, await make_person(core_house, "sales"))
    with pytest.raises(Refused, match=r"core\.customers\.subject_export"):
        await core_house.subjects.collect(seller, person)
    with pytest.raises(NotFound):
        await core_house.subjects.collect(viewer, new_id())
    export = await core_house.subjects.request(person, ASK, viewer=viewer, person="An")
    with pytest.raises(Refused):
        await core_house.subjects.get(export.id, seller)
    colleague = await viewer_of(core_house, await make_person(core_house))
    assert (await core_house.subjects.get(export.id, colleague)).state == "queued"
    await core_house.worker.drain()
    with pytest.raises(NotFound):
        await core_house.subjects.link(export.id, colleague, "/x")
    with pytest.raises(NotFound):
        await core_house.subjects.get(export.id, viewer, new_id())


async def events_of(house: House, customer: UUID) -> list[str]:
    return [event.type for event in reversed(await house.events.of_customer(customer))]


async def test_from_asking_to_the_file_over_the_api(
    core_house: House, owner: UUID, person: UUID
) -> None:
    here = f"/api/v1/customers/{person}/subject-export"
    async with await signed_in(core_house, owner) as client:
        made = await client.post(here, json={"why": "Khách yêu cầu", "language": "en"})
        assert made.status_code == 202, made.text
        one = made.headers["location"]
        assert (await client.post(f"{one}/link")).status_code == 409
        await core_house.worker.drain()
        found = (await client.get(one)).json()
        assert found["state"] == "ready", found
        listed = (await client.get(f"{here}s")).json()["items"]
        assert [each["id"] for each in listed] == [found["id"]]
        assert (await client.get(f"{one}/file")).status_code == 403
        link = (await client.post(f"{one}/link")).json()["url"]
        file = await client.get(link)
        assert file.status_code == 200
        assert "attachment" in file.headers["content-disposition"]
        assert len(file.content) == found["size"]
        with zipfile.ZipFile(io.BytesIO(file.content)) as packed:
            manifest = json.loads(packed.read("manifest.json"))
            page = packed.read("index.html").decode()
        assert manifest["rows"] == found["rows"]
        assert 'lang="en"' in page
        assert NAME in page
        assert OTHER not in page
        assert (await client.delete(one)).status_code == 204
        assert (await client.get(link)).status_code == 409
        foreign = await client.get(f"/api/v1/customers/{new_id()}/subject-exports/{found['id']}")
        assert foreign.status_code == 404
    told = await events_of(core_house, person)
    assert [each for each in told if "subject_export" in each] == [
        "core.subject_export_requested",
        "core.subject_export_written",
        "core.subject_export_downloaded",
        "core.subject_export_deleted",
    ]
    assert "core.access.sensitive_read" in told
    assert not list((core_house.settings.home / "subject_exports").iterdir())


async def test_writing_twice_changes_nothing_the_second_time(
    core_house: House, viewer: Viewer, person: UUID
) -> None:
    export = await core_house.subjects.request(person, ASK, viewer=viewer, person="An")
    await core_house.worker.drain()
    first = await core_house.subjects.get(export.id, viewer)
    told = await events_of(core_house, person)
    await core_house.subjects.write(export.id)
    await core_house.jobs.enqueue(WRITE, SubjectWork(export=export.id))
    await core_house.worker.drain()
    assert await core_house.subjects.get(export.id, viewer) == first
    assert await events_of(core_house, person) == told


async def test_one_that_broke_off_is_written_by_the_next(
    core_house: House, viewer: Viewer, person: UUID
) -> None:
    """As after a kill: it was begun, and a part of a file lies there."""
    subjects = core_house.subjects
    export = await subjects.request(person, ASK, viewer=viewer, person="An")
    begun = await subjects._records.begin(export.id)
    folder = core_house.settings.home / "subject_exports"
    folder.mkdir()
    (folder / f"{export.id}.zip.1.part").write_bytes(b"half")
    await core_house.worker.drain()
    assert (await subjects.get(export.id, viewer)).state == "ready"
    assert begun is not None
    with pytest.raises(Conflict):
        await subjects._records.end(begun, "failed", error="too late")
    assert zipfile.is_zipfile(folder / f"{export.id}.zip")
    assert [path.name for path in folder.iterdir()] == [f"{export.id}.zip"]


async def test_files_go_in_time_and_with_their_customer(
    core_house: House, viewer: Viewer, person: UUID
) -> None:
    subjects, db = core_house.subjects, core_house.db
    export = await subjects.request(person, ASK, viewer=viewer, person="An")
    other = await subjects.request(person, ASK, viewer=viewer, person="An")
    await core_house.worker.drain()
    folder = core_house.settings.home / "subject_exports"
    assert len(list(folder.iterdir())) == 2
    # the row goes with the customer, as erasing does it; nobody knows the file any more
    await db.execute("DELETE FROM core_subject_export WHERE id = ?", other.id)
    await subjects.sweep()
    assert [path.name for path in folder.iterdir()] == [f"{export.id}.zip"]
    past = now() - dt.timedelta(minutes=1)
    await db.execute("UPDATE core_subject_export SET expires_at = ?", past)
    assert await subjects.sweep() == 1
    assert not list(folder.iterdir())
    assert (await subjects.get(export.id, viewer)).state == "deleted"
    assert await subjects.sweep() == 0


class Outside(HTMLParser):
    """Everything that a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        names = {"src", "href", "srcset", "action", "data"}
        self.found += [f"{tag} {n}" for n, _ in attrs if n in names or n.startswith("on")]


async def test_the_page_opens_by_itself_and_runs_nothing(
    core_house: House, viewer: Viewer, person: UUID, tmp_path: Path
) -> None:
    evil = "<script>alert(1)</script><img src=//x>"
    note = InteractionDraft(kind="core.note", customer_id=person, payload={"text": evil})
    await core_house.interactions.record([note], by=viewer.actor)
    path = tmp_path / "data.zip"
    await core_house.subjects.write_to(SYSTEM, person, path, "vi")
    with zipfile.ZipFile(path) as packed:
        page = packed.read("index.html").decode()
        data = packed.read("tables/core_customer.csv").decode("utf-8-sig")
    parser = Outside()
    parser.feed(page)
    assert parser.found == []
    assert not parser.tags & {"script", "img", "link", "iframe", "object"}
    for text in (NAME, "Thông tin liên hệ", "Mã PIN: 4711-bí-mật", "khách hàng khác", "&lt;script"):
        assert text in page
    assert "4711-bí-mật" in data
    assert _cell("=1+1") == "'=1+1"


async def test_a_file_at_once_is_noted_and_never_written_over(
    core_house: House, person: UUID, tmp_path: Path
) -> None:
    path = tmp_path / "data.zip"
    await core_house.subjects.write_to(SYSTEM, person, path, "vi")
    assert "core.access.sensitive_read" in await events_of(core_house, person)
    with pytest.raises(Conflict, match="a new file"):
        await core_house.subjects.write_to(SYSTEM, person, path, "vi")


async def test_the_page_on_the_screen(core_house: House, owner: UUID, person: UUID) -> None:
    here = f"/customers/{person}/data"
    async with await signed_in(core_house, owner) as client:
        page = await client.get(here, params={"lang": "vi"})
        assert page.status_code == 200
        for text in (NAME, "Thông tin liên hệ", "4711-bí-mật", "nhân viên của chúng tôi"):
            assert text in page.text
        assert OTHER not in page.text
        linked = await client.get(f"/customers/{person}")
        assert here in linked.text


async def test_merged_customers_and_consents_are_in_it(
    core_house: House, viewer: Viewer, person: UUID
) -> None:
    [double] = await core_house.customers.create(
        [CustomerDraft(display_name="Hồng Nhung", fields={"pin": "cũ-99"})], by=viewer.actor
    )
    proof = Proof(method="form", wording="Tôi đồng ý nhận tin khuyến mãi", where="/form")
    consent = ConsentDraft(customer=double, purpose="advertising", proof=proof)
    await core_house.contact.consents.grant([consent], by=viewer.actor)
    await core_house.merging.merge(person, double, by=viewer.actor)
    subject = await core_house.subjects.collect(viewer, person)
    assert subject.ids == [person, double]
    assert len(rows(subject, "core_consent")) == 1
    assert rows(subject, "core_merge")[0]["name"] == "Hồng Nhung"
    named = {row["customer_id"] for row in rows(subject, "core_event")}
    assert named == {str(person), str(double)}
    assert "cũ-99" in texts(subject)
    assert "enc:1:" not in texts(subject)
