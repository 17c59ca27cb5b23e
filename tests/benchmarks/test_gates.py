"""The judge of the gate finds what a broken gate lets through."""

from __future__ import annotations

import datetime as dt

import pytest

from benchmarks import gates
from relatum.contact import deciding


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"REQUESTS": 2_500, "CUSTOMERS": 60, "DAYS": 2, "SINGLES": 5}
    for name, value in sizes.items():
        monkeypatch.setattr(gates, name, value)


def test_a_whole_gate_lets_nothing_through() -> None:
    reading = gates.gate_violations()
    assert reading.value == 0
    assert reading.conditions[0].value == 0


#: A rule that is taken out of the gate, and what the judge then says of it.
BROKEN = [
    ("_consent", "no consent to"),
    ("_legal_cap", "cap of"),
    *(
        pytest.param(rule, said, marks=pytest.mark.thorough)
        for rule, said in (
            ("_form", "label"),
            ("_hours", "hours of SMS"),
            ("_own_caps", "own cap of a day"),
            ("_quiet", "quiet hours"),
            ("_holds", "open complaint"),
            ("_refusals", "list of refusal"),
        )
    ),
]


@pytest.mark.parametrize(("rule", "said"), BROKEN)
def test_a_gate_without_a_rule_is_found(
    rule: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LASTING", "PASSING"):
        kept = tuple(each for each in getattr(deciding, name) if each.__name__ != rule)
        monkeypatch.setattr(deciding, name, kept)
    if rule != "_own_caps":
        # Wide enough that the law is what stops a contact.
        monkeypatch.setattr(gates, "PER_DAY", 40)
        monkeypatch.setattr(gates, "PER_WEEK", 200)
        monkeypatch.setattr(gates, "GAP", dt.timedelta())
    reading = gates.gate_violations()
    assert reading.value > 0
    assert any(said in note for note in reading.notes), reading.notes
