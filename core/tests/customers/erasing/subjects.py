"""People with unlikely names and everything that can hang on them, and a search for what is left.

The search knows nothing of how erasing works: it spells each identifier in the ways people do, and
looks for them in every value of every table, in the bytes of the database, and in files.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from core.tests.customers.merging.world import TABLES
from relatum.app.house import House
from relatum.contact.types import ConsentDraft, Proof
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    FieldDraft,
    LinkDraft,
)
from relatum.interactions.types import Amount, InteractionDraft
from relatum.values.ids import new_id

BY = "person:tester"
UNSEEN = (
    *TABLES,
    "CREATE TABLE zz_text (id INTEGER PRIMARY KEY, said TEXT NOT NULL)",
    "CREATE TABLE zz_twin (a INTEGER NOT NULL, b INTEGER NOT NULL, said TEXT, PRIMARY KEY (a, b))",
    "CREATE TABLE zz_once (id INTEGER PRIMARY KEY, said VARCHAR(60) NOT NULL UNIQUE)",
)
_FAMILY = ("Quách", "Triệu", "Khổng", "Thẩm", "Nghiêm", "Lữ", "Mạc", "Vưu", "Giang", "Từ")
_MIDDLE = ("Thuý", "Hoàng", "Khải", "Diệu", "Bảo", "Ngọc", "Trúc", "Phương", "Quỳnh", "Đăng")
_GIVEN = ("Uyển", "Khuê", "Nghĩa", "Tuệ", "Dưỡng", "Vỹ", "Thảnh", "Lượng", "Ẩn", "Đoàn")


class Subject(NamedTuple):
    """Somebody, and what they are known by."""

    name: str
    old_name: str
    phone: str
    email: str
    address: str

    def spellings(self) -> list[str]:
        """How people write these: the ways that a search looks for."""
        national = self.phone[1:]
        a, b, c = self.phone[:4], self.phone[4:7], self.phone[7:]
        numbers = [
            *(self.phone, f"+84{national}", f"84{national}", f"{a} {b} {c}", f"{a}.{b}.{c}"),
            *(f"{a}-{b}-{c}", f"+84 {national[:3]} {b} {c}", f"(+84){national[:3]}.{b}.{c}"),
        ]
        names = [
            form
            for name in (self.name, self.old_name)
            for form in (name, name.upper(), bare(name), bare(name).upper(), bare(name).lower())
        ]
        return [*numbers, *names, self.email, self.email.upper(), self.address]


def bare(text: str) -> str:
    """Without diacritics, otherwise than the house does it."""
    marked = unicodedata.normalize("NFD", text)
    return "".join(c for c in marked if not unicodedata.combining(c)).translate(
        str.maketrans("đĐ", "dD")
    )


def subject(number: int) -> Subject:
    one, two, three = number % 10, number // 10 % 10, (number * 7 + number // 10) % 10
    name = f"{_FAMILY[one]} {_MIDDLE[two]} {_GIVEN[three]}"
    return Subject(
        name=name,
        old_name=f"{_FAMILY[two]} Xuyến {_GIVEN[one]} {_MIDDLE[three]}",
        phone=f"0973{number:03d}{(number * 37) % 1000:03d}",
        email=f"subject{number}.qx@example.com",
        address=f"{number + 11}/7 Hẻm Rạch Bùng Binh số {number}",
    )


class Stage:
    """A house with unseen tables, subjects, and others who quote them."""

    def __init__(self, house: House, number: int) -> None:
        self.house = house
        self.db = house.db
        self.subjects = [subject(n) for n in range(number)]
        self.chance = random.Random(7)
        self.ids: list[UUID] = []
        self.twins: list[UUID] = []

    async def build(self) -> None:
        for sql in UNSEEN:
            await self.db.engine.run_ddl(sql)
        fields = [FieldDraft(key="city"), FieldDraft(key="remark")]
        await self.house.customers.declare_fields(fields)
        create = self.house.customers.create
        drafts = [self._draft(each) for each in self.subjects]
        self.ids = await create(drafts, by=BY)
        plain = [CustomerDraft(display_name=each.old_name) for each in self.subjects[::5]]
        self.twins = await create(plain, by=BY)
        [self.other] = await create(
            [
                CustomerDraft(
                    display_name="Lê Văn Khách",
                    contact_points=[ContactPointDraft(kind="phone", raw="0911222333")],
                    fields={"remark": self._quote(self.subjects[0]), "city": "Huế"},
                )
            ],
            by=BY,
        )
        for id, each in zip(self.ids, self.subjects, strict=True):
            await self._fill(id, each)
        for id, twin in zip(self.ids[::5], self.twins, strict=True):
            await self.house.merging.merge(id, twin, by=BY, reason="same")

    def _draft(self, each: Subject) -> CustomerDraft:
        return CustomerDraft(
            display_name=each.old_name,
            contact_points=[
                ContactPointDraft(kind="phone", raw=each.phone),
                ContactPointDraft(kind="email", raw=each.email),
                ContactPointDraft(kind="address", raw=each.address),
            ],
            tags=[f"bạn {each.name}"[:60]],
            roles=["customer"],
            fields={"city": "Huế", "remark": f"tên là {each.name}"},
            external_ids={"erp": f"KH-{each.phone}"},
        )

    def _quote(self, each: Subject) -> str:
        way = self.chance.choice(each.spellings())
        return f"Có gọi cho {way}, hẹn tuần sau; {each.name}, {each.phone}, {each.email}"

    async def _fill(self, id: UUID, each: Subject) -> None:
        house = self.house
        await house.customers.change(id, CustomerChange(display_name=each.name), by=BY)
        note, call, sale = (
            InteractionDraft(
                kind="core.note",
                customer_id=id,
                payload={"text": self._quote(each)},
                idempotency_key=f"note:{each.phone}",
            ),
            InteractionDraft(
                kind="core.call",
                customer_id=id,
                handle=each.phone,
                payload={"number": each.phone, "summary": self._quote(each)},
            ),
            InteractionDraft(
                kind="core.purchase",
                customer_id=id,
                money=Amount(125_000, "VND"),
                payload={"item": f"Thẻ của {each.name}"},
            ),
        )
        quoting = InteractionDraft(
            kind="core.note", customer_id=self.other, payload={"text": self._quote(each)}
        )
        await house.interactions.record([note, call, sale, quoting], by=BY)
        await house.contact.consents.grant([consent_of(id, each)], by=BY)
        if id != self.ids[0]:
            link = LinkDraft(source=id, target=self.other, kind="contact_of")
            await house.customers.links.create([link], by=BY)
        await self._unseen(id, each)

    async def _unseen(self, id: UUID, each: Subject) -> None:
        db, number = self.db, self.subjects.index(each)
        card = new_id()
        await db.insert(
            "zz_card", ("id", "customer_id", "programme", "points"), [(card, id, "gold", 5)]
        )
        await db.insert(
            "zz_stamp", ("id", "card_id", "word"), [(number, card, each.name.split()[-1])]
        )
        await db.insert("zz_note", ("id", "customer_id", "word"), [(new_id(), id, each.phone)])
        await db.insert("zz_state", ("customer_id", "mark"), [(id, each.email[:20])])
        await db.insert("zz_text", ("id", "said"), [(number, self._quote(each))])
        twin = json.dumps({"w": [each.name, {"p": each.phone}], "n": 1})
        await db.insert("zz_twin", ("a", "b", "said"), [(number, 1, twin)])
        await db.insert("zz_once", ("id", "said"), [(number, f"gọi {each.phone}")])


def consent_of(id: UUID, each: Subject) -> ConsentDraft:
    return ConsentDraft(
        customer=id,
        purpose="advertising",
        proof=Proof(method="form", wording="Tôi đồng ý nhận tin", where=f"Phiếu của {each.name}"),
    )


# -- the search -----------------------------------------------------------------------------------


def spellings_of(subjects: Sequence[Subject]) -> list[str]:
    """All of them, in small letters."""
    return sorted({form.lower() for each in subjects for form in each.spellings()})


async def left_in_tables(url: str, wanted: Sequence[str]) -> list[str]:
    """Where any of these stands in any value of any table, asked without the house."""
    found = []
    async for table, row in _every_row(url):
        text = " ".join(_text(value) for value in row).lower()
        found += [f"{table}: {form}" for form in wanted if form in text]
    return found


def _text(value: Any) -> str:
    if isinstance(value, memoryview | bytes):
        return readable(bytes(value))
    text = str(value)
    if "\\u" in text:
        text += text.encode().decode("unicode_escape", "ignore")
    return unicodedata.normalize("NFC", text)


async def _every_row(url: str) -> Any:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in names.fetchall():
            for row in connection.execute(f'SELECT * FROM "{name}"').fetchall():
                yield name, row
        connection.close()
        return
    server = await asyncpg.connect(url)
    names = await server.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (name,) in names:
        for row in await server.fetch(f'SELECT * FROM "{name}"'):
            yield name, tuple(row)
    await server.close()


def left_in_files(home: Path, wanted: Sequence[str], but: Sequence[str] = ()) -> list[str]:
    """The same in the bytes of every file below a folder."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file() and not any(part in but for part in path.relative_to(home).parts):
            text = unicodedata.normalize("NFC", readable(path.read_bytes())).lower()
            found += [f"{path.name}: {form}" for form in wanted if form in text]
    return found


def readable(content: bytes) -> str:
    if content[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join(readable(archive.read(name)) for name in archive.namelist())
    if content[:2] == b"\x1f\x8b":
        return readable(gzip.decompress(content))
    return content.decode("utf-8", "replace")


def parquet_rows(folder: Path) -> Iterator[str]:
    """Every value of every archive file, as text."""
    import pyarrow.parquet

    for path in folder.glob("*.parquet"):
        for row in pyarrow.parquet.read_table(path).to_pylist():
            yield " ".join(str(value) for value in row.values())
