"""Imports that break off, targets that misbehave: nothing is lost, doubled or left unsaid."""

from collections.abc import Sequence

import msgspec
import pytest

from relatum.hooks.declarations import Finding, Numbered, Prepared, Proposed, Written
from relatum.importing.plan import parse_plan
from relatum.importing.service import Imports
from relatum.values.problems import Conflict, NotFound, PluginError, Problem, Refused
from relatum.values.text import Text


class StopHereError(Exception):
    """The process dies here, as far as the import can tell."""


def rows(count):
    """Every tenth row is bad, every seventh links to one that comes later."""
    lines = ["id,name,phone,email,parent"]
    for n in range(count):
        phone = "12" if n % 10 == 3 else f"09012{n:05}"
        parent = f"K{count - n - 1}" if n % 7 == 0 and n % 10 != 3 else ""
        lines.append(f"K{n},Name {n},{phone},,{parent}")
    return "\n".join(lines) + "\n"


PLAN = """
name = "shop"
[[files]]
path = "customers.csv"
target = "core.customers"
[files.columns]
external_id = "id"
display_name = "name"
phone = "phone"
linked_by.parent_of = "parent"
"""


def stop_after(batches):
    """A watcher that breaks the import off after so many batches."""
    left = [batches]

    def watch(_progress):
        left[0] -= 1
        if left[0] == 0:
            raise StopHereError

    return watch


@pytest.mark.parametrize("batches", [1, 2, 5, 10, 11])
async def test_an_import_that_broke_off_goes_on_and_doubles_nothing(
    core_house, write, state_of, batches
):
    """11 batches and the closing one; the result is that of an import in one go."""
    folder = write("customers.csv", rows(105))
    plan = parse_plan(PLAN)
    imports = Imports(core_house, batch=10)
    with pytest.raises(StopHereError):
        await imports.apply(plan, folder, watch=stop_after(batches))
    settled = await core_house.db.fetch_one("SELECT max(rows) FROM core_import_batch")
    assert settled[0] >= batches * 10 - 10
    [entry] = await imports.entries()
    assert entry.state == "running"
    # What was being written to the files beside the database when the process died.
    mend = imports.folder(entry.id) / "customers.csv"
    with mend.open("a", encoding="utf-8") as stream:
        stream.write("K1,torn")
    outcome = await imports.apply(plan, folder)
    assert outcome.continued
    assert outcome.id == entry.id
    assert (outcome.counts.rows, outcome.counts.created, outcome.counts.rejected) == (105, 94, 11)
    told = [(f.line, f.problem.code) for f in outcome.findings.first]
    assert len(told) == len(set(told)), "no finding is told twice"
    assert [line for line, code in told if code == "phone-too-short"] == list(range(5, 107, 10))
    assert len(mend.read_text("utf-8-sig").splitlines()) == 12
    broken = await state_of(core_house)
    assert len(broken["customers"]) == 94
    assert len(broken["links"]) == len({repr(link) for link in broken["links"]})

    await imports.undo(outcome.id)
    whole = await Imports(core_house, batch=1000).apply(plan, folder)
    assert whole.id != outcome.id
    assert not whole.continued
    assert whole.counts == outcome.counts
    assert await state_of(core_house) == broken


async def test_another_batch_size_goes_on_too(core_house, write, state_of):
    folder = write("customers.csv", rows(50))
    with pytest.raises(StopHereError):
        await Imports(core_house, batch=7).apply(parse_plan(PLAN), folder, watch=stop_after(3))
    outcome = await Imports(core_house, batch=12).apply(parse_plan(PLAN), folder)
    assert outcome.continued
    assert (outcome.counts.rows, outcome.counts.created) == (50, 45)


async def test_other_files_are_another_import(core_house, write):
    folder = write("customers.csv", rows(30))
    imports = Imports(core_house, batch=10)
    with pytest.raises(StopHereError):
        await imports.apply(parse_plan(PLAN), folder, watch=stop_after(1))
    write("customers.csv", rows(31))
    outcome = await imports.apply(parse_plan(PLAN), folder)
    assert not outcome.continued
    assert (outcome.counts.unchanged, outcome.counts.created) == (9, 19)


async def test_an_import_that_broke_off_can_be_taken_back(core_house, write, state_of):
    before = await state_of(core_house)
    imports = Imports(core_house, batch=10)
    with pytest.raises(StopHereError):
        await imports.apply(parse_plan(PLAN), write("customers.csv", rows(50)), watch=stop_after(3))
    [entry] = await imports.entries()
    assert (await state_of(core_house)) != before
    await imports.undo(entry.id)
    assert await state_of(core_house) == before
    with pytest.raises(Conflict, match="undone already"):
        await imports.undo(entry.id)


class Word(msgspec.Struct, forbid_unknown_fields=True):
    word: str


class Shelf:
    """A target of the tests: words are kept in memory, and it misbehaves on demand."""

    id = "core.words"
    title = Text(en="Words", vi="Từ")
    record = Word
    key = ("word",)
    aliases: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - as a plugin would write it

    def __init__(self):
        self.words: list[str] = []
        self.known = ["GTX Pro"]
        self.prepare_with = None
        self.write_with = None

    async def prepare(self, plugin, records: Sequence[Numbered], scope):
        if self.prepare_with is not None:
            return self.prepare_with(records, scope)
        return Prepared()

    async def write(self, plugin, records, scope):
        if self.write_with is not None:
            self.write_with(records, scope)
        self.words += [numbered.record.word for numbered in records]
        return Written(created_count=len(records))

    async def finish(self, plugin, scope):
        return []

    async def undo(self, plugin, written, scope):
        return []

    async def export(self, plugin):
        yield [Word(word) for word in self.words]


@pytest.fixture
def shelf(core_house):
    target = Shelf()
    core_house.registry.import_targets.put(target)
    return target


def words_plan(rest=""):
    return parse_plan(
        'name = "w"\n[[files]]\npath = "words.csv"\ntarget = "core.words"\n'
        f'{rest}\n[files.columns]\nword = "word"\n'
    )


WORDS = "word\na\nGTXPro\nb\nxyz\nGTXPro\n"


def propose(records, scope):
    return Prepared(
        proposals=[
            Proposed(
                line=n.line,
                field="word",
                got=n.record.word,
                proposal="GTX Pro" if n.record.word == "GTXPro" else None,
            )
            for n in records
            if len(n.record.word) > 1
        ]
    )


@pytest.mark.parametrize(
    ("rest", "kept_in", "decision"),
    [
        ("", ["a", "b"], "kept out"),
        ('confirm = {word = {GTXPro = "GTX Pro"}}', ["a", "GTXPro", "b", "GTXPro"], "confirmed"),
        ('accept_proposals = ["word"]', ["a", "GTXPro", "b", "GTXPro"], "accepted"),
    ],
)
async def test_unknown_values_are_proposed_and_go_in_only_when_somebody_said_so(
    core_house, write, shelf, rest, kept_in, decision
):
    shelf.prepare_with = propose
    outcome = await core_house.imports.apply(words_plan(rest), write("words.csv", WORDS))
    assert shelf.words == kept_in
    by_value = {summary.got: summary for summary in outcome.proposals}
    known, unknown = by_value["GTXPro"], by_value["xyz"]
    assert (known.decision, known.rows, known.lines) == (decision, 2, [3, 6])
    assert (unknown.decision, unknown.rows) == ("kept out", 1)
    rejected = {f.line: f.problem for f in outcome.findings.first}
    assert set(rejected) == ({3, 5, 6} if decision == "kept out" else {5})
    if decision == "kept out":
        assert '[files.confirm.word] "GTXPro" = "GTX Pro"' in rejected[3].mend


@pytest.mark.parametrize("error", [Refused("no b"), NotFound("no b"), Conflict("no b")])
async def test_a_refusal_that_names_no_row_costs_only_the_row_it_is_about(
    core_house, write, shelf, error
):
    def write_with(records, scope):
        if any(n.record.word == "b" for n in records):
            raise error

    shelf.write_with = write_with
    content = "word\n" + "\n".join("aabaaaaba") + "\n"
    outcome = await core_house.imports.apply(words_plan(), write("words.csv", content))
    assert shelf.words == list("aaaaaaa")
    assert [(f.line, f.problem.message) for f in outcome.findings.first] == [
        (4, "no b"),
        (9, "no b"),
    ]
    assert (outcome.counts.created, outcome.counts.rejected) == (7, 2)


@pytest.mark.parametrize("step", ["prepare", "write", "finish", "wrong line"])
async def test_a_target_that_fails_is_named_and_what_was_settled_stays(
    core_house, write, shelf, step
):
    def fail(records, scope):
        if any(n.record.word == "d" for n in records):
            raise KeyError("oh")
        return Prepared()

    def wrong(records, scope):
        return Prepared(findings=[Finding(line=999, problem=Problem(code="x", message="y"))])

    async def finish(plugin, scope):
        raise KeyError("oh")

    good = (shelf.prepare_with, shelf.write_with, shelf.finish)
    if step == "prepare":
        shelf.prepare_with = fail
    elif step == "write":
        shelf.write_with = fail
    elif step == "finish":
        shelf.finish = finish
    else:
        shelf.prepare_with = wrong
    folder = write("words.csv", "word\n" + "\n".join("abcdef") + "\n")
    imports = Imports(core_house, batch=2)
    with pytest.raises(PluginError) as failure:
        await imports.apply(words_plan(), folder)
    assert "core" in str(failure.value) or "999" in str(failure.value)
    settled = {"prepare": "ab", "write": "ab", "finish": "abcdef", "wrong line": ""}[step]
    assert "".join(shelf.words) == settled
    shelf.prepare_with, shelf.write_with, shelf.finish = good
    outcome = await imports.apply(words_plan(), folder)
    assert outcome.continued
    assert "".join(shelf.words) == "abcdef"


async def test_the_same_import_run_twice_at_once_doubles_nothing(core_house, write):
    """The second process meets the journal of the first and stops."""
    folder = write("customers.csv", rows(40))
    plan = parse_plan(PLAN)
    first, second = Imports(core_house, batch=10), Imports(core_house, batch=10)

    async def both():
        with pytest.raises(StopHereError):
            await first.apply(plan, folder, watch=stop_after(2))
        [entry] = await first.entries()
        states = await second.journal.states(entry.id, 1)
        await second.apply(plan, folder)
        return entry, states

    entry, states = await both()
    assert states[0].rows == 20
    counts = (await first.journal.counts(entry.id))[0]
    assert counts.rows == 40
