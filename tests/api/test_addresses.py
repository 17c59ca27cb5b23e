"""The contract of ``/api/v1/addresses`` and of the addresses of a customer."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.tests.addresses.country import write_tables
from tests.api.conftest import Api


@pytest.fixture
async def country(api: Api, tmp_path: Path) -> Api:
    """The API of a house that knows the units of a small country."""
    await api.house.addresses.load(write_tables(tmp_path / "units"), by="tests")
    return api


async def test_a_split_ward_has_all_its_answers(country: Api) -> None:
    answer = await country.get("/addresses", params={"text": "5 Lê Lợi, P. Liễu Hạ, Q Đông Đô"})
    read = answer.json()
    assert read["text"] == "5 Lê Lợi, Phường Liễu Hạ, Quận Đông Đô, Thành phố Sông Lớn"
    reading = read["reading"]
    assert (reading["certainty"], reading["address"]["ward"]) == ("exact", "00002")
    assert reading["present"]["outcome"] == "several"
    assert [(a["unit"]["code"], a["share"]) for a in reading["present"]["answers"]] == [
        ("00001", "part"),
        ("00004", "area-with-everybody"),
    ]


async def test_a_date_decides(country: Api) -> None:
    text = "Phường Bến Cũ, Sông Lớn"
    for day, district in (("2025-06-30", "002"), ("2025-07-01", "")):
        answer = await country.get("/addresses", params={"text": text, "as_of": day})
        assert answer.json()["reading"]["address"]["district"] == district


async def test_a_question_that_makes_no_sense(country: Api) -> None:
    for params in ({"text": "x" * 501}, {"text": "x", "as_of": "soon"}, {"text": "x", "day": "1"}):
        answer = await country.get("/addresses", params=params)
        assert answer.status_code in {400, 422}


async def test_nothing_is_read_as_nothing(country: Api) -> None:
    answer = await country.get("/addresses")
    assert (answer.status_code, answer.json()["text"]) == (200, "")
    assert answer.json()["reading"]["certainty"] == "none"


async def test_addresses_of_a_customer(country: Api) -> None:
    customer = await country.customer(
        contact_points=[
            {"kind": "phone", "raw": "0901234567"},
            {"kind": "address", "raw": "xa may trang, nui da"},
            {"kind": "address", "raw": "Behind the market"},
        ]
    )
    answer = await country.get(f"/customers/{customer['id']}/addresses")
    first, second = answer.json()["items"]
    assert first["contact_point"] == customer["contact_points"][1]["id"]
    assert first["text"] == "Xã Mây Trắng, Huyện Tân Lập, Tỉnh Núi Đá"
    assert first["reading"]["present"]["answers"][0]["unit"]["full_name"] == "Xã Tân Lập"
    assert (second["text"], second["reading"]["certainty"]) == ("Behind the market", "none")


async def test_without_units_addresses_are_text(api: Api) -> None:
    answer = await api.get("/addresses", params={"text": "P. Liễu Hạ, Sông Lớn"})
    assert answer.json()["text"] == "P. Liễu Hạ, Sông Lớn"
    assert answer.json()["reading"]["certainty"] == "none"
