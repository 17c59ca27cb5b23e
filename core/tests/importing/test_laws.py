"""Laws: batch size and order change nothing, undo restores, export and import are inverse."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import ContactPointDraft, CustomerDraft, FieldDraft, LinkDraft
from relatum.importing.export import export_all
from relatum.importing.plan import load_plan, parse_plan
from relatum.importing.service import Imports
from relatum.interactions.types import Amount, InteractionDraft

law = settings(
    max_examples=15,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # a house for each step of shrinking costs minutes
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

PLAN = parse_plan(
    """
    name = "shop"
    currency = "VND"
    [[fields]]
    key = "level"
    type = "integer"
    [[files]]
    path = "customers.csv"
    target = "core.customers"
    [files.columns]
    external_id = "id"
    display_name = "name"
    phone = "phone"
    email = "email"
    tags = {column = "tags", split = " "}
    linked_by.parent_of = "parent"
    fields.level = "level"
    [[files]]
    path = "lines.csv"
    target = "core.interactions"
    number_by = "invoice"
    [files.columns]
    idempotency_key = {template = "{invoice}/{number}"}
    kind = {value = "core.purchase"}
    customer = "who"
    occurred_at = "at"
    money = "total"
    payload.item = "item"
    """
)
HEADINGS = ["id", "name", "phone", "email", "tags", "parent", "level"]
LINES = ["invoice", "who", "at", "total", "item"]

ids = st.sampled_from(["A", "B", "C", "D", "E"])
customer_rows = st.tuples(
    ids,
    st.sampled_from(["An", "Bình", "Chi Lê", "", "=1+1", "'quoted"]),
    st.sampled_from(["", "0901234567", "+84 90 123 4568", "12"]),
    st.sampled_from(["", "an@example.com", "b@example.com", "no address"]),
    st.sampled_from(["", "vip", "vip spa"]),
    st.one_of(st.just(""), ids),
    st.sampled_from(["", "1", "2", "many"]),
)
line_rows = st.tuples(
    st.sampled_from(["1", "2", "3"]),
    st.one_of(st.just(""), ids),
    st.sampled_from(["2024-01-02", "2024-05-06 07:08", "yesterday"]),
    st.sampled_from(["", "100", "-5"]),
    st.sampled_from(["", "tea", "coffee, milk", 'a "b"\nc']),
)
files = st.tuples(st.lists(customer_rows, max_size=8), st.lists(line_rows, max_size=8))


@pytest.fixture
def open_house(relatum_databases, tmp_path):
    """Open a house on a new database, as often as is wanted."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[House]:
        url = relatum_databases.migrated()
        home = Settings(home=tmp_path / "home", database=url, safe_mode=True, durability="normal")
        try:
            async with await House.open(home) as house:
                yield house
        finally:
            relatum_databases.drop(url)
            shutil.rmtree(home.home, ignore_errors=True)

    return opened


def put(folder: Path, customers: list[Any], lines: list[Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, headings, rows in (
        ("customers.csv", HEADINGS, customers),
        ("lines.csv", LINES, lines),
    ):
        out = io.StringIO(newline="")
        csv.writer(out).writerows([headings, *rows])
        (folder / name).write_text(out.getvalue(), encoding="utf-8", newline="")
    return folder


@law
@given(files=files, size=st.integers(1, 5))
async def test_the_size_of_batches_changes_nothing(open_house, tmp_path, state_of, files, size):
    folder = put(tmp_path / "files", *files)
    async with open_house() as house:
        whole = await Imports(house, batch=1000).apply(PLAN, folder)
        expected = await state_of(house)
    async with open_house() as house:
        pieces = await Imports(house, batch=size).apply(PLAN, folder)
        assert await state_of(house) == expected
    assert pieces.counts == whole.counts
    assert sorted(map(str, pieces.findings.first)) == sorted(map(str, whole.findings.first))


@law
@given(
    customers=st.lists(customer_rows, max_size=5, unique_by=lambda row: row[0]),
    lines=st.lists(line_rows, max_size=8, unique_by=lambda row: row[0]),
    order=st.randoms(use_true_random=False),
)
async def test_the_order_of_rows_changes_nothing(
    open_house, tmp_path, state_of, customers, lines, order
):
    """Rows that name different things; those that name the same are told apart by their order."""
    async with open_house() as house:
        await house.imports.apply(PLAN, put(tmp_path / "files", customers, lines))
        expected = await state_of(house)
    order.shuffle(customers)
    order.shuffle(lines)
    async with open_house() as house:
        await house.imports.apply(PLAN, put(tmp_path / "files", customers, lines))
        assert await state_of(house) == expected


@law
@given(first=files, second=files, size=st.integers(1, 4))
async def test_an_import_undone_is_the_state_before(
    open_house, tmp_path, state_of, first, second, size
):
    async with open_house() as house:
        imports = Imports(house, batch=size)
        await imports.apply(PLAN, put(tmp_path / "first", *first))
        before = await state_of(house, ids=True)
        outcome = await imports.apply(PLAN, put(tmp_path / "second", *second))
        undone = await imports.undo(outcome.id)
        assert undone.kept == []
        assert await state_of(house, ids=True) == before


@law
@given(files=files, size=st.integers(1, 4))
async def test_a_preview_is_what_applying_does_and_writes_nothing(
    open_house, tmp_path, state_of, files, size
):
    folder = put(tmp_path / "files", *files)
    async with open_house() as house:
        imports = Imports(house, batch=size)
        preview = await imports.preview(PLAN, folder)
        assert await state_of(house) == {"customers": [], "links": [], "interactions": []}
        outcome = await imports.apply(PLAN, folder)
    alike = leave_out_likenesses(preview)
    assert alike <= len(files[0])
    assert preview.counts == outcome.counts
    assert preview.findings == outcome.findings
    parts = ("created", "updated", "unchanged", "rejected", "skipped", "repeated")
    assert outcome.counts.rows == sum(getattr(outcome.counts, part) for part in parts)
    assert outcome.counts.rows == len(files[0]) + len(files[1])


def leave_out_likenesses(preview):
    """Rows that look like somebody are told before anything is written, not after; how many."""
    groups = preview.findings.groups
    told = [group for group in groups if group.first.problem.code.endswith("-duplicate")]
    preview.findings.groups = [group for group in groups if group not in told]
    first = preview.findings.first
    kept = [one for one in first if not one.problem.code.endswith("-duplicate")]
    preview.findings.first = kept
    count = sum(group.count for group in told)
    assert count == len(first) - len(kept)
    preview.findings.total -= count
    preview.counts.notes -= count
    return count


# -- export and import ---------------------------------------------------------------------------

texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12
).filter(lambda text: text.strip())
risky = st.sampled_from(["=1+1", "+84", "-x", "@sum", "'quoted", "''", '"', ",", ";"])
names = texts | risky
points = st.one_of(
    st.builds(
        ContactPointDraft,
        kind=st.just("phone"),
        raw=st.sampled_from(["0901234567", "+84 90 123 4568", "0283 822 1234"]),
        label=st.sampled_from(["", "home", "=cell"]),
        primary=st.booleans(),
    ),
    st.builds(
        ContactPointDraft,
        kind=st.sampled_from(["address", "zalo", "other"]),
        raw=names,
        primary=st.booleans(),
    ),
)
people = st.builds(
    CustomerDraft,
    display_name=names,
    kind=st.sampled_from(["person", "organisation"]),
    contact_points=st.lists(points, max_size=3),
    roles=st.lists(st.sampled_from(["prospect", "customer", "partner"]), unique=True),
    tags=st.lists(names, max_size=3),
    fields=st.fixed_dictionaries(
        {},
        optional={
            "note": names,
            "level": st.integers(-5, 5),
            "share": st.decimals(-9, 9, places=2).map(str),
            "active": st.booleans(),
            "born": st.dates().map(str),
        },
    ),
)
happenings = st.tuples(
    st.integers(-1, 3),
    st.builds(
        InteractionDraft,
        kind=st.just("core.note"),
        channel=st.sampled_from(["other", "web"]),
        direction=st.sampled_from(["in", "out", "observed"]),
        occurred_at=st.datetimes(
            min_value=dt.datetime(1950, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
            max_value=dt.datetime(2024, 1, 1),  # noqa: DTZ001
            timezones=st.timezones(),
        ),
        payload=st.fixed_dictionaries({"text": texts.map(lambda text: f"{text}\nline")}),
        money=st.none() | st.builds(Amount, st.integers(-(10**9), 10**9), st.just("VND")),
        handle=st.none() | names,
        subject=st.none() | names,
        actor=st.none() | names,
    ),
)
FIELDS = [
    FieldDraft(key="note"),
    FieldDraft(key="level", type="integer"),
    FieldDraft(key="share", type="decimal"),
    FieldDraft(key="active", type="boolean"),
    FieldDraft(key="born", type="date"),
]


async def furnish(house, drafts, happened, links):
    """Fill a house as people do who never import: some customers have ids of other systems."""
    await house.customers.declare_fields(FIELDS)
    drafts = [
        msgspec.structs.replace(draft, external_ids={"pos": f"={n}"} if n % 2 else {})
        for n, draft in enumerate(drafts)
    ]
    made = await house.customers.create(drafts, by="person:t")
    await house.interactions.record(
        [
            msgspec.structs.replace(
                draft,
                customer_id=made[place] if 0 <= place < len(made) else None,
                idempotency_key=f"k{n}" if n % 2 else None,
            )
            for n, (place, draft) in enumerate(happened)
        ],
        by="person:t",
    )
    ends = [(made[a], made[b]) for a, b in links if a < len(made) and b < len(made) and a != b]
    await house.customers.links.create(
        [LinkDraft(source=a, target=b, kind="parent_of", role="x") for a, b in ends], by="person:t"
    )


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@law
@given(
    drafts=st.lists(people, max_size=4),
    happened=st.lists(happenings, max_size=4),
    links=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3),
    form=st.sampled_from(["jsonl", "csv", "xlsx"]),
    size=st.integers(1, 3),
)
async def test_an_export_imported_elsewhere_and_exported_again_is_the_same(
    open_house, tmp_path, state_of, drafts, happened, links, form, size
):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        shutil.rmtree(folder, ignore_errors=True)
    async with open_house() as house:
        await furnish(house, drafts, happened, links)
        await export_all(house, first, form=form)
    if not drafts and not happened:
        assert read_all(first) == {}
        return
    async with open_house() as house:
        outcome = await Imports(house, batch=size).apply(load_plan(first / "plan.toml"), first)
        assert outcome.counts.rejected == 0
        assert outcome.findings.total == 0
        await export_all(house, second, form=form)
    assert read_all(second) == read_all(first)
