import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.values.ids import id_time, new_id, new_ids, parse_id
from relatum.values.problems import InvalidInput


def test_ids_are_real_uuids_of_version_7_and_rise():
    ids = new_ids(20_000)
    assert type(ids[0]) is uuid.UUID
    assert ids[0].version == 7
    assert ids[0].variant == uuid.RFC_4122
    assert ids == sorted(set(ids))


def test_threads_never_get_the_same_id():
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(new_ids, [2_000] * 8))
    assert len({id_ for batch in batches for id_ in batch}) == 16_000


def test_the_time_of_an_id_is_the_time_it_was_made():
    before = datetime.now(UTC)
    made = id_time(new_id())
    assert before - timedelta(milliseconds=5) <= made <= datetime.now(UTC) + timedelta(seconds=1)


def test_an_id_of_another_version_has_no_time():
    with pytest.raises(InvalidInput, match="not a UUIDv7"):
        id_time(uuid.UUID("00000000-0000-4000-8000-000000000000"))


@given(st.uuids())
def test_both_spellings_are_read(value):
    assert parse_id(str(value)) == parse_id(value.hex.upper()) == parse_id(value) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "{01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e}",
        "urn:uuid:01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e",
        "01936f2c8a3e-7b51-9c0d-2f4a6b8c0d1e-",
        "0193-6f2c8a3e7b519c0d2f4a6b8c0d1e--0",
        "٠1936f2c8a3e7b519c0d2f4a6b8c0d1e",
        "g1936f2c8a3e7b519c0d2f4a6b8c0d1e",
        "' or 1=1 --",
        None,
        7,
        "x" * 100_000,
    ],
)
def test_anything_else_is_refused_and_named(text):
    with pytest.raises(InvalidInput, match="customer id") as refusal:
        parse_id(text, "customer id", where="/customer")
    assert refusal.value.problems[0].where == "/customer"
    assert len(str(refusal.value)) < 500
