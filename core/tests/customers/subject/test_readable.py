"""The page for people: words of their language, nothing that only programs need."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import msgspec
import pytest

from relatum.customers.subject.labels import COLUMNS, TABLES
from relatum.customers.subject.readable import Saying, html_of, readable_of
from relatum.customers.subject.types import ColumnHeld, Subject, TableHeld
from relatum.values.text import Text

ID = "01a20583-ad17-72b9-ba19-3a7727a28749"
MOMENT = dt.datetime(2026, 11, 22, 3, 4, tzinfo=dt.UTC)
SAYING = Saying(
    titles={"core.note": Text(en="Note", vi="Ghi chú"), "city": Text(en="City", vi="Thành phố")},
    values={"spa_visit.room=quiet": Text(en="the quiet room", vi="phòng yên tĩnh")},
    plugins={"spa": Text(en="Spa", vi="Chăm sóc")},
    zone="Asia/Ho_Chi_Minh",
)
ROWS: dict[str, dict[str, Any]] = {
    "core_customer": {"kind": "organisation", "fields": {"city": "Huế"}, "search": "xyz"},
    "core_contact_point": {"kind": "phone", "raw": "0912 000 111"},
    "core_customer_role": {"role": "prospect", "since": "2026-11-22T03:04:00+00:00"},
    "core_customer_link": {"source_id": "[another customer]", "kind": "contact_of"},
    "core_event": {
        "seq": 54,
        "by": "plugin:sales_pipeline",
        "payload": {"interaction_id": ID, "kind": "core.note", "closed_on": "2026-05-12"},
        "context": {"request": "e7e4ac29a136"},
    },
    "core_interaction": {
        "channel": "store",
        "direction": "in",
        "amount": 1_450_000,
        "payload": {"item": "Trà", "unit_price": "145000.5", "fields": ["core.note", "*"]},
    },
    "spa_visit": {"room": "quiet", "score": 0.75, "tool": "x1"},
}
OWN = {"room": Text(en="Room", vi="Phòng"), "tool": Text(en="", vi="")}


def held(name: str) -> TableHeld:
    columns = [
        ColumnHeld(
            name=each, type="text", title=OWN.get(each) or COLUMNS.get(each) or Text(each, "")
        )
        for each in ROWS[name]
    ]
    return TableHeld(
        name=name,
        plugin=name.partition("_")[0],
        title=TABLES.get(name) or Text(en="Visits", vi="Lượt ghé"),
        columns=columns,
        rows=[ROWS[name]],
    )


@pytest.fixture
def subject() -> Subject:
    return Subject(
        customer=UUID(ID),
        name="Lan",
        ids=[UUID(ID)],
        began_at=MOMENT,
        ended_at=MOMENT,
        tables=[held(name) for name in ROWS],
        reduced=[],
        left_out=[],
        files=[],
    )


def cells(subject: Subject, language: str) -> dict[str, list[str]]:
    parts = readable_of(subject, language, SAYING).parts
    return {table.name: table.lines[0] for part in parts for table in part.tables}


def test_codes_are_said_in_vietnamese(subject: Subject) -> None:
    assert cells(subject, "vi") == {
        "core_customer": ["Tổ chức", "Thành phố: Huế"],
        "core_contact_point": ["Điện thoại", "0912 000 111"],
        "core_customer_role": ["Tiềm năng", "22/11/2026 10:04"],
        "core_customer_link": ["Người liên hệ của"],
        "core_event": ["hệ thống", "Loại: Ghi chú\nNgày chốt: 12/05/2026"],
        "core_interaction": [
            "cửa hàng",
            "từ quý khách",
            "1.450.000",
            "Mặt hàng: Trà\nĐơn giá: 145.000,5\nThông tin khác: core.note; tất cả",
        ],
        "spa_visit": ["phòng yên tĩnh", "0,75"],
    }


def test_and_in_english(subject: Subject) -> None:
    said = cells(subject, "en")
    assert said["core_customer"] == ["Organisation", "City: Huế"]
    assert said["core_event"] == ["the system", "Kind: Note\nClosed: 12 May 2026"]
    assert said["core_interaction"][2] == "1,450,000"
    assert said["spa_visit"] == ["the quiet room", "0.75"]


def money(subject: Subject, language: str, row: dict[str, Any]) -> list[str]:
    columns = [ColumnHeld(name=each, type="", title=Text(each, each)) for each in row]
    title = Text("Sales", "Bán")
    table = TableHeld(name="spa_sale", plugin="spa", title=title, columns=columns, rows=[row])
    return cells(msgspec.structs.replace(subject, tables=[table]), language)["spa_sale"]


@pytest.mark.parametrize(
    ("language", "currency", "said"),
    [
        ("vi", "VND", "1.450.000 ₫"),
        ("en", "VND", "₫1,450,000"),
        ("vi", "USD", "14.500,00 US$"),
        ("en", "USD", "$14,500.00"),
    ],
)
def test_amounts_beside_their_currency_are_money(
    subject: Subject, language: str, currency: str, said: str
) -> None:
    row = {
        "amount": 1_450_000,
        "target_amount": 1_450_000,
        "currency": currency,
        "payload": {"value": {"amount": 1_450_000, "currency": currency}},
    }
    first, second, _, nested = [
        each.replace("\u00a0", " ") for each in money(subject, language, row)
    ]
    assert first == second == said
    assert said in nested


@pytest.mark.parametrize(
    "row",
    [
        {"amount": 1450, "currency": ""},
        {"amount": 1450, "currency": "none"},
        {"amount": 1450},
        {"score": 1450, "currency": "USD"},
        {"amount": "1450", "currency": "USD"},
    ],
)
def test_without_a_currency_they_stay_numbers(subject: Subject, row: dict[str, Any]) -> None:
    assert money(subject, "en", row)[0] == "1,450"


def linked(subject: Subject, *deals: dict[str, Any], **line: Any) -> list[str]:
    """A line of a sale whose currency stands in other rows."""
    tables = [
        TableHeld(
            name=name,
            plugin="spa",
            title=Text(name, name),
            columns=[ColumnHeld(name=each, type="", title=Text(each, each)) for each in rows[0]],
            rows=rows,
        )
        for name, rows in (("spa_sale", list(deals)), ("spa_line", [line]))
    ]
    return cells(msgspec.structs.replace(subject, tables=tables), "en")["spa_line"]


def test_the_currency_may_stand_in_the_row_that_a_row_names(subject: Subject) -> None:
    first, second = f"{ID[:-1]}1", f"{ID[:-1]}2"
    dollars, dong = {"id": first, "currency": "USD"}, {"id": second, "currency": "VND"}
    said = linked(subject, dollars, dong, sale_id=first, unit_amount=1_450, amount=2_900)
    assert [each for each in said if each] == ["$14.50", "$29.00"]
    both = linked(subject, dollars, dong, sale_id=first, other_id=second, amount=2_900)
    assert both[-1] == "2,900", "which of both is meant nobody knows"
    nobody = linked(subject, dollars, sale_id=second, amount=2_900)
    assert nobody[-1] == "2,900"


def test_what_people_declared_themselves_is_in_units_of_theirs(subject: Subject) -> None:
    row = {"fields": {"amount": 1450, "currency": "USD"}, "deposit": True}
    assert money(subject, "en", row)[0].startswith("Amount: 1,450\n")


def test_the_page_of_the_archive_says_the_same(subject: Subject) -> None:
    page = html_of(subject, "vi", SAYING)
    assert "Tổ chức" in page
    assert "<h2>Chăm sóc</h2>" in page
    for code in (ID, "organisation", "contact_of", "core.note<", "source_id", "seq", "e7e4ac29"):
        assert code not in page
