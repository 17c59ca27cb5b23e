"""The benchmarks measure what they say, and cannot pass by accident."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import __main__ as command
from benchmarks import measures, results
from benchmarks.measures import Condition, Measure, NotRunError, Reading, all_measures
from benchmarks.people import people, write_csv
from benchmarks.rounds import in_turns, percentile, ratio
from benchmarks.tables import table
from relatum.values.email import normalise_email
from relatum.values.phone import normalise_phone

LIMITS = {
    "http.read_one": ("at least", 0.50),
    "http.list_100k": ("at least", 0.50),
    "hooks.idle_ten": ("at most", 1.10),
    "merge.laws": ("at most", 0),
    "merge.large": ("at most", 2.0),
    "privacy.erasure": ("at most", 0),
    "privacy.subject_export": ("at most", 60),
    "import.customers_100k": ("at most", 60),
    "import.purchases_541k": ("at most", 90),
    "start.cold": ("at most", 2.0),
    "start.idle_memory": ("at most", 150),
    "audit.tamper": ("at least", 1.0),
    "access.list_cost_1m": ("at most", 1.10),
    "access.policies": ("at least", 100_000),
    "access.matrix": ("at most", 0),
    "security.fuzz": ("at most", 0),
    "jobs.rate": ("at least", 2_000),
    "jobs.behind_future": ("at most", 100),
    "jobs.enqueue_cost": ("at most", 1),
    "jobs.kill": ("at most", 0),
    "events.latency": ("at most", 200),
    "events.replay": ("at least", 20_000),
    "archive.month": ("at least", 5_000),
    "archive.partitions": ("at least", 1),
    "scale.two_processes": ("at least", 1.6),
    "move.checksum_1m": ("at most", 0),
    "backup.restore_1m": ("at most", 30),
    "web.customer": ("at most", 150),
    "reports.dashboard": ("at most", 2),
    "web.axe": ("at most", 0),
    "web.weight": ("at most", 50),
    "web.list": ("at most", 100),
    "web.search": ("at most", 60),
    "web.board": ("at most", 200),
    "gate.violations": ("at most", 0),
    "identity.generated": ("at least", 0.995),
    "identity.febrl": ("at least", 0.98),
    "identity.organisations": ("at least", 0.99),
    "identity.sweep_100k": ("at most", 300),
    "identity.check_one": ("at most", 100),
    "quality.rules": ("at least", 0.98),
    "quality.nightly": ("at most", 600),
    "metrics.vectors": ("at most", 0),
    "clv.cdnow": ("at most", 5),
    "rfm.online_retail": ("at most", 2),
}


def test_every_measure_is_there_with_its_limit() -> None:
    assert {id: (each.goal, each.limit) for id, each in all_measures().items()} == LIMITS


# -- verdicts ------------------------------------------------------------------------------------


def measure(reading: Reading | Exception, *, goal: measures.Goal = "at most") -> Measure:
    def run() -> Reading:
        if isinstance(reading, Exception):
            raise reading
        return reading

    return Measure(id="probe.one", title="probe", unit="s", limit=10, goal=goal, run=run)


def reading(value: float, *conditions: Condition) -> Reading:
    return Reading(value=value, heads=["what", "s"], rows=[["it", value]], conditions=conditions)


@pytest.mark.parametrize(
    ("goal", "value", "ok"),
    [
        ("at most", 9.9, True),
        ("at most", 10, True),
        ("at most", 10.1, False),
        ("at least", 9.9, False),
        ("at least", 10, True),
        ("at least", 10.1, True),
    ],
)
def test_both_sides_of_a_limit(goal: measures.Goal, value: float, ok: bool) -> None:
    found = reading(value)
    assert measure(found, goal=goal).ok(found) is ok


def test_a_further_condition_counts() -> None:
    too_much = Condition("peak memory", 301, "MB", 300)
    found = reading(5, too_much)
    assert not too_much.ok
    assert not measure(found).ok(found)
    assert measure(found).ok(reading(5, Condition("peak memory", 299, "MB", 300)))


# -- the command ---------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "results.json"
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "FILE", file)
    monkeypatch.setattr(command, "merge", lambda entries: results.merge(entries, file))
    return file


def only(monkeypatch: pytest.MonkeyPatch, *some: Measure) -> None:
    monkeypatch.setattr(command, "all_measures", lambda: {each.id: each for each in some})


def test_a_reading_is_printed_and_kept(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, measure(reading(3.25, Condition("memory", 7, "MB", 8))))
    assert command.main(["--only", "probe.one"]) == 0
    printed = capsys.readouterr().out
    assert "probe.one = 3.250 s, at most 10: ok" in printed
    assert "memory: 7.0 MB, at most 8: ok" in printed
    entry = json.loads(file.read_text())["probe.one"]
    assert {"value": 3.25, "unit": "s", "limit": 10, "goal": "at most", "ok": True}.items() <= (
        entry.items()
    )
    assert entry["machine"]
    assert set(entry) >= {"commit", "machine"}


def test_beyond_the_limit_is_said_and_is_an_error(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, measure(reading(11)))
    assert command.main([]) == 1
    assert "NOT REACHED" in capsys.readouterr().out
    assert json.loads(file.read_text())["probe.one"]["ok"] is False


def test_what_could_not_run_has_no_verdict(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, measure(NotRunError("the data folder is not here")))
    assert command.main(["probe.one"]) == 0
    assert "not run: the data folder is not here" in capsys.readouterr().out
    entry = json.loads(file.read_text())["probe.one"]
    assert "ok" not in entry
    assert "value" not in entry
    assert entry["not_run"] == "the data folder is not here"


def test_a_measure_that_breaks_leaves_no_result(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, measure(RuntimeError("the server did not start")))
    with pytest.raises(RuntimeError):
        command.main([])
    assert not file.exists()


def test_results_of_other_measures_stay(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(json.dumps({"probe.other": {"ok": True}, "probe.one": {"ok": False}}))
    only(monkeypatch, measure(reading(1)))
    command.main([])
    kept = json.loads(file.read_text())
    assert kept["probe.other"] == {"ok": True}
    assert kept["probe.one"]["ok"] is True


def test_an_unknown_id_is_refused_with_those_there_are(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--only", "http.red_one"]) == 2
    assert "http.read_one" in capsys.readouterr().err
    assert not file.exists()


def test_the_list_names_every_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(id in printed for id in LIMITS)


def test_columns_are_as_wide_as_their_cells() -> None:
    lines = table(["name", "n"], [["a", 1], ["longer", 12_345]]).splitlines()
    assert lines == ["name         n", "------  ------", "a            1", "longer  12,345"]


# -- rounds --------------------------------------------------------------------------------------


def test_both_are_warmed_up_and_take_turns() -> None:
    order: list[str] = []
    count = itertools.count()

    def noted(name: str) -> int:
        order.append(name)
        return next(count)

    first, second = in_turns(lambda: noted("a"), lambda: noted("b"), rounds=4)
    assert "".join(order) == "ab" + "abbaabba"
    assert (first, second) == ([2, 5, 6, 9], [3, 4, 7, 8])


def test_a_machine_that_gets_slower_changes_no_ratio() -> None:
    reference = [1.0, 2.0, 4.0, 8.0, 16.0]
    assert ratio([1.5 * each for each in reference], reference) == pytest.approx(1.5)


numbers = st.lists(st.integers(0, 1_000), min_size=1, max_size=60)


@given(values=numbers, share=st.floats(0.01, 1.0))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(
    values: list[int], share: float
) -> None:
    found = percentile(values, share)

    def enough(value: float) -> bool:
        return sum(each <= value for each in values) >= share * len(values)

    assert found in values
    assert enough(found)
    assert not any(enough(each) for each in values if each < found)


# -- people --------------------------------------------------------------------------------------


def test_people_are_the_same_for_the_same_seed_only() -> None:
    some = list(people(200))
    assert some == list(people(200))
    assert some != list(people(200, seed=1))
    assert some[:50] == list(people(50))


def test_everybody_can_be_reached_and_told_apart() -> None:
    some = list(itertools.islice(people(3_000), 3_000))
    phones = {normalise_phone(each.phone).e164 for each in some}
    emails = {normalise_email(each.email).address for each in some}
    assert None not in phones | emails
    assert (len(phones), len(emails)) == (3_000, 3_000)


def test_the_file_has_a_line_for_everybody(tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", 25)
    lines = (tmp_path / "people.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,name,phone,email,tags"
    assert len(lines) == 26
