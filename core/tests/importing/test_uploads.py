"""Files that people bring: told by their content, kept for a while, nobody else's business."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import os
import stat
import time
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.config.settings import Server, Uploads
from relatum.importing.uploads.inspecting import kind_of, name_of
from relatum.values.problems import InvalidInput
from relatum.values.time import now

quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["name"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/workbook.xml", b" " * 64 * 1024 * 1024)
    return out.getvalue()


GOOD = {
    "csv": b"name,phone\nAn,1\n",
    "semicolons": "tên;sđt\nÂn;1\n".encode(),
    "windows-1252": "name;city\nJosé;Málaga\nZoë;Orléans\nÑuñez;Cádiz\n".encode("cp1252"),
    "utf-16": "name,phone\nAn,1\n".encode("utf-16"),
    "json": b'{"name": "An"}\n{"name": "B"}\n',
    "one object": b'{"name": "An"}',
    "workbook": workbook(),
    "a brace in csv": b"{name},phone\nAn,1\n",
}
KINDS = {"json": "jsonl", "one object": "jsonl", "workbook": "xlsx"}
BAD = {
    "empty": b"",
    "blank": b"\xef\xbb\xbf \r\n\t",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01",
    "gzip": gzip.compress(b"name\nAn\n"),
    "elf": b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    "zip": b"PK\x03\x04 no workbook",
    "bomb": bomb(),
    "old excel": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600,
}


@pytest.mark.parametrize("name", GOOD)
def test_the_kind_is_told_by_the_content(tmp_path, name):
    path = tmp_path / "evil.exe"
    path.write_bytes(GOOD[name])
    assert kind_of(path) == KINDS.get(name, "csv")


@pytest.mark.parametrize("name", BAD)
def test_what_no_import_reads_is_refused(tmp_path, name):
    path = tmp_path / "fine.csv"
    path.write_bytes(BAD[name])
    with pytest.raises(InvalidInput) as refusal:
        kind_of(path)
    assert refusal.value.problems


@pytest.mark.parametrize(
    ("said", "kind", "name"),
    [
        ("customers.csv", "csv", "customers.csv"),
        ("khách hàng.xlsx", "xlsx", "khách hàng.xlsx"),
        ("data.txt", "csv", "data.csv"),
        ("data.TSV", "csv", "data.tsv"),
        ("data.csv", "xlsx", "data.xlsx"),
        ("../../etc/passwd", "csv", "passwd.csv"),
        ("C:\\Users\\lan\\kh.csv", "csv", "kh.csv"),
        ("..", "csv", "upload.csv"),
        ("", "jsonl", "upload.jsonl"),
        ("a\x00b\nc.csv", "csv", "a_b_c.csv"),
        ("[a-z]*.csv", "csv", "_a-z__.csv"),
    ],
)
def test_names_are_harmless(said, kind, name):
    assert name_of(said, kind) == name


@given(st.text(max_size=300), st.sampled_from(["csv", "jsonl", "xlsx"]))
def test_any_name_can_stand_in_a_folder(said, kind):
    name = name_of(said, kind)
    assert name.endswith((f".{kind}", ".tsv"))
    assert Path(name).name == name
    assert not set(name) & set('/\\\x00\n\r"*?[]<>:|')
    assert len(name.encode()) < 250
    assert not name.startswith(".")


# -- over HTTP -----------------------------------------------------------------------------------


@pytest.fixture
def house_settings(house_settings: Any) -> Any:
    return msgspec.structs.replace(
        house_settings,
        uploads=Uploads(most_bytes=200_000),
        server=Server(max_body_bytes=120_000),
    )


def files_of(house: Any) -> list[Path]:
    return sorted((house.settings.home / "uploads").glob("*"))


async def test_a_file_as_the_body_itself(house, client):
    answer = await client.post("/api/v1/uploads?name=kh%C3%A1ch.csv", content=GOOD["semicolons"])
    assert answer.status_code == 201, answer.text
    upload = answer.json()
    assert (upload["name"], upload["kind"]) == ("khách.csv", "csv")
    assert upload["size"] == len(GOOD["semicolons"])
    assert answer.headers["location"] == f"/api/v1/uploads/{upload['id']}"
    [path] = files_of(house)
    assert path.name == upload["id"]
    assert path.read_bytes() == GOOD["semicolons"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (await client.get(answer.headers["location"])).json() == upload


async def test_a_file_in_a_form(house, client):
    form = {"file": ("contacts.xlsx", GOOD["workbook"], "text/html")}
    answer = await client.post("/api/v1/uploads", files=form)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["name"], answer.json()["kind"]) == ("contacts.xlsx", "xlsx")
    assert (await client.post("/api/v1/uploads", files={"other": ("x", b"x")})).status_code == 400


async def test_what_is_refused_leaves_nothing_behind(house, client):
    for raw in BAD.values():
        answer = await client.post("/api/v1/uploads?name=x.csv", content=raw)
        assert answer.status_code == 422, answer.text
    assert files_of(house) == []
    assert (await client.get("/api/v1/uploads")).json() == {"items": []}


async def test_too_large_a_file_and_too_many_of_them(house, client, client_as):
    large = b"name\n" + b"x" * 119_000
    assert (await client.post("/api/v1/uploads", content=large + b"x" * 2_000)).status_code == 413
    assert (await client.post("/api/v1/uploads", content=large)).status_code == 201
    second = await client.post("/api/v1/uploads", content=large)
    assert second.status_code == 413
    assert "delete some" in second.json()["detail"]
    assert len(files_of(house)) == 1
    other = await client_as("manager")
    assert (await other.post("/api/v1/uploads", content=large)).status_code == 201


async def test_everybody_knows_their_own_files_only(house, client, client_as):
    made = (await client.post("/api/v1/uploads", content=GOOD["csv"])).json()
    other = await client_as("manager")
    assert (await other.get("/api/v1/uploads")).json() == {"items": []}
    assert (await other.get(f"/api/v1/uploads/{made['id']}")).status_code == 404
    assert (await other.delete(f"/api/v1/uploads/{made['id']}")).status_code == 404
    assert (await (await client_as("sales")).get("/api/v1/uploads")).status_code == 403
    assert (await client.delete(f"/api/v1/uploads/{made['id']}")).status_code == 204
    assert files_of(house) == []


async def test_files_are_deleted_when_their_time_is_over(house, client):
    made = (await client.post("/api/v1/uploads", content=GOOD["csv"])).json()
    folder = house.settings.home / "uploads"
    coming, left = folder / "coming", folder / "left"
    coming.touch()
    left.touch()
    os.utime(left, (time.time() - 90_000,) * 2)
    assert await house.uploads.sweep() == 0
    assert [path.name for path in files_of(house)] == sorted([made["id"], "coming"])
    await house.db.execute("UPDATE core_upload SET expires_at = ?", now() - dt.timedelta(seconds=1))
    assert (await client.get(f"/api/v1/uploads/{made['id']}")).status_code == 404
    assert await house.uploads.sweep() == 1
    assert [path.name for path in files_of(house)] == ["coming"]


pieces = st.sampled_from(
    [
        *GOOD.values(),
        *BAD.values(),
        b"\xff\xfe",
        b"\x00",
        b'{"a":',
        b'"',
        b"\r",
        b"=1+1",
        b"[" * 999,
    ]
)
hostile = st.binary(max_size=300) | st.lists(pieces, max_size=4).map(b"".join)


@quick
@given(
    raw=hostile,
    name=st.text(max_size=60),
    kind=st.sampled_from(
        ["text/csv", "multipart/form-data", "multipart/form-data; boundary=x", ""]
    ),
)
async def test_no_upload_is_answered_with_a_crash(house, client, raw, name, kind):
    headers = {"content-type": kind} if kind else {}
    query = {"name": name.encode("utf-8", "replace").decode()}
    answer = await client.post("/api/v1/uploads", content=raw, params=query, headers=headers)
    assert answer.status_code in {201, 400, 413, 422}, answer.text
    await house.db.execute("DELETE FROM core_upload")
