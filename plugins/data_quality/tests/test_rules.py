"""The rules against errors made by other code, and the published vectors of the index."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from benchmarks import errors
from relatum.api import Customer
from relatum_data_quality.rules.catalogue import BY_ID, RULES
from relatum_data_quality.rules.legacy import mojibake, tcvn3, vni
from relatum_data_quality.rules.types import MASK, Known, change_of, evaluate
from relatum_data_quality.scoring import HALF_LIVES, WEIGHTS, Score, completeness, freshness

KNOWN = Known(today=errors.TODAY, half_lives=HALF_LIVES)
#: Rules that need other customers, or a field that the made-up errors leave alone.
ELSEWHERE = {"phone_shared", "email_shared", "tax_shared", "need_stale"}


def names(customer: Customer, known: Known = KNOWN) -> set[str]:
    [found] = evaluate(RULES, [customer], known)
    return {rule.id.partition(".")[2] for rule, _ in found}


@pytest.fixture(scope="module")
def clean() -> list[Customer]:
    return errors.clean(800, 11)


def test_there_are_at_least_forty_rules_each_with_its_texts() -> None:
    assert len(RULES) == len(BY_ID) >= 40
    for rule in RULES:
        assert rule.id.startswith("data_quality.")
        for text in (rule.title, rule.why):
            assert text.en != text.vi
            assert text.en.strip()
            assert text.vi.strip()
    assert {rule.dimension for rule in RULES} == {
        "completeness",
        "validity",
        "uniqueness",
        "freshness",
        "consistency",
    }


def test_clean_customers_raise_no_alarm(clean: list[Customer]) -> None:
    alarms = Counter(name for each in clean for name in names(each))
    assert sum(1 for each in clean if names(each)) / len(clean) <= 0.01, alarms


def test_every_error_is_found_by_its_rule(clean: list[Customer]) -> None:
    """AC-DQ-1 in small; the benchmark does it with many."""
    made: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for name, customer in errors.spoiled(clean, 3, 8):
        made[name] += 1
        if name not in names(customer):
            missed[name] += 1
    assert len(made) >= 40
    assert set(made) | ELSEWHERE == {each.partition(".")[2] for each in BY_ID}
    assert 1 - sum(missed.values()) / sum(made.values()) >= 0.98, missed


def test_a_blind_rule_would_be_noticed(clean: list[Customer]) -> None:
    blind = [rule for rule in RULES if rule.field != "name"]
    missed = 0
    for name, customer in errors.spoiled(clean, 3, 2):
        [found] = evaluate(blind, [customer], KNOWN)
        missed += name not in {rule.id.partition(".")[2] for rule, _ in found}
    assert missed > 20


def test_shared_values_and_old_needs(clean: list[Customer]) -> None:
    customer = clean[0]
    phone = next(p for p in customer.contact_points if p.kind == "phone")
    known = msgspec.structs.replace(KNOWN, shared={("phone", phone.normalised): 2})
    assert names(customer, known) == {"phone_shared"}
    company = next(each for each in clean if each.kind == "organisation")
    known = msgspec.structs.replace(KNOWN, shared={("tax_code", company.fields["tax_code"]): 2})
    assert names(company, known) == {"tax_shared"}
    old = errors.old(customer, "none", random.Random(1))
    assert "need_stale" in names(old)


def test_certain_mends_are_gone_after_mending(clean: list[Customer]) -> None:
    """What a rule proposes, it does not find any more; and says nothing else of it."""
    tried = 0
    for name, customer in errors.spoiled(clean, 5, 4):
        rule = BY_ID[f"data_quality.{name}"]
        fixes = [fix for flaw in rule.check(customer, KNOWN) for fix in flaw.fixes]
        if not fixes:
            continue
        change = change_of(customer, fixes)
        assert change is not None, name
        mended = applied(customer, change)
        assert list(rule.check(mended, KNOWN)) == [], (name, change)
        assert change_of(mended, fixes) is None or name in {"name_blanks"}, name
        tried += 1
    assert tried > 60


def applied(customer: Customer, change: object) -> Customer:
    values = {
        name: value
        for name in ("display_name", "kind", "tags", "fields", "contact_points")
        if (value := getattr(change, name)) is not msgspec.UNSET
    }
    if "fields" in values:
        merged = {**customer.fields, **values["fields"]}
        values["fields"] = {key: value for key, value in merged.items() if value is not None}
    if "contact_points" in values:
        values["contact_points"] = [errors.point(p.kind, p.raw) for p in values["contact_points"]]
    return msgspec.structs.replace(customer, **values)


def test_masked_values_say_nothing(clean: list[Customer]) -> None:
    customer = clean[0]
    masked = msgspec.structs.replace(
        customer,
        contact_points=[
            msgspec.structs.replace(p, raw=MASK, normalised=MASK) for p in customer.contact_points
        ],
        fields={**customer.fields, "birth_date": MASK},
    )
    assert names(masked) == set()


@pytest.mark.parametrize(
    ("broken", "meant"),
    [
        ("Nguyá»…n VÄƒn HÃ¹ng", "Nguyễn Văn Hùng"),
        ("Traàn Thò Thuùy", "Trần Thị Thúy"),
        ("NguyÔn V¨n Hïng", "Nguyễn Văn Hùng"),
        ("§ç ThÞ H¹nh", "Đỗ Thị Hạnh"),
    ],
)
def test_old_encodings_are_read(broken: str, meant: str) -> None:
    assert meant in {mojibake(broken), vni(broken), tcvn3(broken)}


@pytest.mark.parametrize("name", ["José Müller", "François Noël", "Đặng Thị Ỷ", "Trần Quý Đôn"])
def test_names_of_others_are_left_alone(name: str) -> None:
    assert (mojibake(name), vni(name), tcvn3(name)) == (None, None, None)


def test_dq_1() -> None:
    assert completeness({"phone", "email", "name", "need"}, WEIGHTS) == pytest.approx(0.80)


def test_dq_2() -> None:
    assert freshness(180, 365) == pytest.approx(0.710472, abs=1e-6)


def test_dq_3() -> None:
    made = Score(
        completeness=0.80, validity=0.97, uniqueness=0.95, freshness=0.72, consistency=0.99
    )
    assert made.index() == pytest.approx(86.7)
