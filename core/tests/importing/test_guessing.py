"""Guessing a plan from headings, in English and Vietnamese."""

import json

import pytest

from relatum.importing.columns import Spec
from relatum.importing.guessing import guess_plan, source_name
from relatum.importing.plan import Format, dump_plan, parse_plan
from relatum.importing.reading import open_table
from relatum.importing.targets.customers import CustomersTarget
from relatum.importing.targets.interactions import InteractionsTarget


def guess(write, headings, *, country="VN", target=None):
    folder = write("contacts.csv", (";".join(headings) + "\n").encode())
    table = open_table(folder / "contacts.csv", Format(delimiter=";", encoding="utf-8"))
    return guess_plan(table, target or CustomersTarget(), name="contacts", country=country)


def columns(write, headings, **rest):
    return guess(write, headings, **rest).plan.files[0].columns


def used(source):
    specs = source if isinstance(source, list) else [source]
    return [name for spec in specs for name in (spec.columns or [spec.column])]


def test_vietnamese_headings(write):
    found = columns(
        write, ["Mã KH", "Họ và tên", "Số điện thoại", "Email", "Địa chỉ", "Nhóm", "Ghi chú"]
    )
    assert {field: used(source) for field, source in found.items()} == {
        "external_id": ["Mã KH"],
        "display_name": ["Họ và tên"],
        "phone": ["Số điện thoại"],
        "email": ["Email"],
        "address": ["Địa chỉ"],
        "tags": ["Nhóm"],
    }


def test_vietnamese_names_in_parts_are_joined_family_first(write):
    found = columns(write, ["Họ", "Tên đệm", "Tên", "SĐT"])
    assert found["display_name"] == Spec(columns=["Họ", "Tên đệm", "Tên"])
    assert used(found["phone"]) == ["SĐT"]


def test_what_is_not_known_is_told_and_left_out(write):
    guessed = guess(write, ["Name", "Shoe size"])
    assert guessed.unused == ["Shoe size"]


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        (
            "google_contacts_legacy",
            {"display_name": ["Name"], "email": ["E-mail 1 - Value"], "tags": ["Group Membership"]},
        ),
        (
            "google_contacts_2024",
            {
                "display_name": ["First Name", "Middle Name", "Last Name"],
                "phone": ["Phone 1 - Value", "Phone 2 - Value", "Phone 3 - Value"],
                "email": ["E-mail 1 - Value", "E-mail 2 - Value", "E-mail 3 - Value"],
                "tags": ["Labels"],
            },
        ),
        (
            "outlook_classic",
            {
                "display_name": ["First Name", "Middle Name", "Last Name"],
                "phone": [
                    "Mobile Phone",
                    "Business Phone",
                    "Business Phone 2",
                    "Home Phone",
                    "Home Phone 2",
                    "Primary Phone",
                    "Company Main Phone",
                    "Other Phone",
                ],
                "email": ["E-mail Address", "E-mail 2 Address", "E-mail 3 Address"],
                "website": ["Web Page"],
                "tags": ["Categories"],
            },
        ),
        (
            "hubspot_contacts_short",
            {
                "external_id": ["Record ID"],
                "display_name": ["First Name", "Last Name"],
                "phone": ["Phone Number"],
                "email": ["Email"],
            },
        ),
        (
            "hubspot_companies",
            {
                "external_id": ["Record ID"],
                "display_name": ["Company name"],
                "website": ["Website URL"],
                "kind": [None],
            },
        ),
    ],
)
def test_exports_of_well_known_programs(write, data, export, expected):
    headers = json.loads((data / "crm_exports" / "headers.json").read_text(encoding="utf-8"))
    found = columns(write, headers[export], country="US")
    mapped = {field: used(source) for field, source in found.items() if field != "address"}
    assert mapped == expected


def test_addresses_in_parts_are_joined(write, data):
    headers = json.loads((data / "crm_exports" / "headers.json").read_text(encoding="utf-8"))
    [business, home, other] = columns(write, headers["outlook_classic"])["address"]
    assert business.columns == [
        "Business Street",
        "Business Street 2",
        "Business Street 3",
        "Business City",
        "Business State",
        "Business Postal Code",
        "Business Country/Region",
    ]
    assert home.columns[0] == "Home Street"
    assert other.columns[0] == "Other Street"
    assert business.join == ", "


def test_companies_are_organisations(write):
    assert columns(write, ["Tên công ty", "Điện thoại"])["kind"] == Spec(value="organisation")
    assert "kind" not in columns(write, ["Name", "Company"])


def test_a_salesforce_export_is_recognised(data):
    table = open_table(data / "crm_exports" / "salesforce_amaxa" / "Contact.csv", Format())
    plan = guess_plan(table, CustomersTarget(), name="salesforce", country="US").plan
    found = plan.files[0].columns
    assert used(found["external_id"]) == ["Id"]
    assert used(found["display_name"]) == ["Name"]
    assert used(found["email"]) == ["Email"]
    assert used(found["phone"]) == ["Phone", "MobilePhone", "HomePhone", "OtherPhone"]


def test_other_targets_are_guessed_by_their_own_names(write):
    found = columns(
        write, ["Ngày giờ", "Mã khách hàng", "Số tiền", "kind"], target=InteractionsTarget()
    )
    assert {field: used(source) for field, source in found.items()} == {
        "occurred_at": ["Ngày giờ"],
        "customer": ["Mã khách hàng"],
        "money": ["Số tiền"],
        "kind": ["kind"],
    }


def test_a_guessed_plan_can_be_written_and_read(write):
    plan = guess(write, ["Họ", "Tên", "SĐT", "SĐT 2", "Địa chỉ"]).plan
    assert parse_plan(dump_plan(plan)) == plan


@pytest.mark.parametrize(
    ("text", "name"),
    [("Khách hàng 2024", "khach_hang_2024"), ("2024", "source_2024"), ("***", "source")],
)
def test_names_of_sources(text, name):
    assert source_name(text) == name
