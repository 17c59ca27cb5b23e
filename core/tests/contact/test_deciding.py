"""The rules of the gate, one by one, against the table of the law; no database."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.contact.deciding import Decision, Known, OwnCap, Rulebook, decide, note
from relatum.contact.profile import load_profile, next_opening
from relatum.contact.types import ConsentEntry, ContactRequest, Hold, Preference
from relatum.contact.windows import blocked_until
from relatum.values.problems import ConfigurationError

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BOOK = Rulebook(profile=load_profile("vn-2026"))
NOON = dt.datetime(2026, 3, 4, 12, 0, tzinfo=HANOI).astimezone(dt.UTC)


def consent(**changes: object) -> ConsentEntry:
    entry = ConsentEntry(
        id=uuid4(),
        customer=uuid4(),
        purpose="advertising",
        channel="*",
        state="granted",
        given_at=NOON - dt.timedelta(days=100),
        recorded_at=NOON - dt.timedelta(days=100),
        recorded_by="test",
        method="form",
        wording="I want to hear of offers.",
        where="https://shop.example/form",
    )
    return msgspec.structs.replace(entry, **changes)


def known(**changes: object) -> Known:
    facts = Known(address="+84901234567", consent=consent(), to_address=[], to_customer=[])
    return msgspec.structs.replace(facts, **changes)


def request(**changes: object) -> ContactRequest:
    wanted = ContactRequest(
        customer=uuid4(), channel="sms", purpose="advertising", body="[QC] Sale", sender="SPA HOA"
    )
    return msgspec.structs.replace(wanted, **changes)


def local(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, minute, tzinfo=HANOI).astimezone(dt.UTC)


def rules(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


def test_a_consented_label_bearing_sms_at_noon_is_allowed() -> None:
    assert decide(request(), NOON, known(), BOOK) == ("allow", [], None)


#: The table of the law and of the order of the rules: what is asked, what is known, the answer.
#: (transactional contacts have a purpose of their own and are not stopped by advertising caps)
CASES: list[tuple[str, dict, dict, dt.datetime, str, str]] = [
    ("no such customer", {}, {"there": False}, NOON, "deny", "gone"),
    ("restricted", {}, {"preference": Preference(restricted=True)}, NOON, "deny", "restricted"),
    (
        *("restricted, a receipt too", {"purpose": "service"}),
        *({"preference": Preference(restricted=True)}, NOON, "deny", "restricted"),
    ),
    ("no number", {}, {"address": ""}, NOON, "deny", "address"),
    (
        *("on the register", {}, {"refusals": frozenset({"advertising"})}),
        *(NOON, "deny", "do_not_contact"),
    ),
    (
        *("on the register, a receipt", {"purpose": "service"}),
        *({"refusals": frozenset({"advertising"})}, NOON, "allow", ""),
    ),
    (
        *("refuses everything, a receipt", {"purpose": "service"}),
        *({"refusals": frozenset({"everything"})}, NOON, "deny", "do_not_contact"),
    ),
    ("silence is no consent", {}, {"consent": None}, NOON, "deny", "consent"),
    (
        *("taken back", {}, {"consent": consent(state="withdrawn")}),
        *(NOON, "deny", "consent"),
    ),
    ("ran out", {}, {"consent": consent(expires_at=NOON)}, NOON, "deny", "consent"),
    (
        *("runs out later", {}),
        *({"consent": consent(expires_at=NOON + dt.timedelta(seconds=1))}, NOON, "allow", ""),
    ),
    ("a receipt needs none", {"purpose": "service"}, {"consent": None}, NOON, "allow", ""),
    ("a survey needs one", {"purpose": "survey"}, {"consent": None}, NOON, "deny", "consent"),
    ("care needs one", {"purpose": "care"}, {"consent": None}, NOON, "deny", "consent"),
    ("no label", {"body": "Sale"}, {}, NOON, "deny", "label"),
    ("label not first", {"body": "Sale [QC]"}, {}, NOON, "deny", "label"),
    ("the English label", {"body": "[AD] Sale"}, {}, NOON, "allow", ""),
    ("plain number", {"sender": "0901234567"}, {}, NOON, "deny", "sender"),
    ("no sender", {"sender": ""}, {}, NOON, "deny", "sender"),
    (
        *("a receipt needs no label", {"purpose": "service", "body": "Paid", "sender": "1900"}),
        *({}, NOON, "allow", ""),
    ),
    ("SMS at 06:59", {}, {}, local(4, 6, 59), "defer", "legal_hours"),
    ("SMS at 07:00", {}, {}, local(4, 7), "allow", ""),
    ("SMS at 21:59", {}, {}, local(4, 21, 59), "allow", ""),
    ("SMS at 22:00", {}, {}, local(4, 22), "defer", "legal_hours"),
    ("receipt at 23:00", {"purpose": "service"}, {}, local(4, 23), "allow", ""),
    ("call at 07:59", {"channel": "call"}, {}, local(4, 7, 59), "defer", "legal_hours"),
    ("call at 08:00", {"channel": "call"}, {}, local(4, 8), "allow", ""),
    ("call at 16:59", {"channel": "call"}, {}, local(4, 16, 59), "allow", ""),
    ("call at 17:00", {"channel": "call"}, {}, local(4, 17), "defer", "legal_hours"),
    (
        "e-mail at night",
        {"channel": "email", "body": "", "sender": ""},
        {},
        local(4, 3),
        *("allow", ""),
    ),
    ("third SMS", {}, {"to_address": [local(4, 9), local(4, 10)]}, NOON, "allow", ""),
    (
        *("fourth SMS", {}, {"to_address": [local(4, 9), local(4, 10), local(4, 11)]}),
        *(NOON, "defer", "legal_cap"),
    ),
    (
        *("fourth e-mail", {"channel": "email"}),
        *({"to_address": [local(4, 9), local(4, 10), local(4, 11)]}, NOON, "defer", "legal_cap"),
    ),
    (
        *("second call", {"channel": "call"}, {"to_address": [local(3, 13)]}),
        *(NOON, "defer", "legal_cap"),
    ),
    (
        *("call a day later", {"channel": "call"}, {"to_address": [local(3, 12)]}),
        *(NOON, "allow", ""),
    ),
    (
        *("receipt after three offers", {"purpose": "service"}),
        *({"to_address": [local(4, 9), local(4, 10), local(4, 11)]}, NOON, "allow", ""),
    ),
    (
        *("quiet over noon", {}),
        *({"preference": Preference(quiet_from="11:30", quiet_until="13:00")}, NOON),
        *("defer", "quiet_hours"),
    ),
    (
        *("quiet over midnight", {}),
        *({"preference": Preference(quiet_from="20:00", quiet_until="09:00")}, local(4, 8)),
        *("defer", "quiet_hours"),
    ),
    (
        *("a receipt in quiet hours", {"purpose": "service"}),
        *({"preference": Preference(quiet_from="11:30", quiet_until="13:00")}, NOON),
        *("allow", ""),
    ),
    (
        *("an open complaint", {}),
        *(
            {
                "holds": [
                    Hold(
                        id=uuid4(),
                        customer=uuid4(),
                        kind="complaint",
                        reason="Broken on arrival",
                        placed_by="test",
                        since=NOON,
                    )
                ]
            },
            NOON,
        ),
        *("deny", "hold_complaint"),
    ),
]


@pytest.mark.parametrize(
    ("asked", "facts", "at", "outcome", "rule"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_forty_requests(asked: dict, facts: dict, at: dt.datetime, outcome: str, rule: str) -> None:
    decision = decide(request(**asked), at, known(**facts), BOOK)
    assert decision.outcome == outcome
    assert rules(decision)[:1] == ([rule] if rule else [])
    assert (decision.until is not None) == (outcome == "defer")


def test_there_are_forty() -> None:
    assert len(CASES) == 40


def test_three_in_the_evening_then_the_next_morning_waits_until_the_evening() -> None:
    sent = [local(4, 21), local(4, 21, 30), local(4, 21, 59)]
    decision = decide(request(), local(5, 7), known(to_address=sent), BOOK)
    assert decision.outcome == "defer"
    assert decision.until == local(5, 21)
    assert decision.reasons[0].source == "91/2020/NĐ-CP, art. 13"


def test_the_moment_to_wait_for_keeps_every_rule() -> None:
    # Full until 16:30 of the next day; the customer's quiet hours end at 18:00.
    sent = [local(4, 16, 10), local(4, 16, 20), local(4, 16, 30)]
    wish = Preference(quiet_from="16:00", quiet_until="18:00")
    decision = decide(request(), local(4, 17), known(to_address=sent, preference=wish), BOOK)
    assert rules(decision) == ["legal_cap", "quiet_hours"]
    assert decision.until == local(5, 18)


def test_a_consent_that_will_have_run_out_is_not_waited_for() -> None:
    facts = known(consent=consent(expires_at=local(5, 6)))
    assert decide(request(), local(4, 23), facts, BOOK).outcome == "deny"


def test_own_caps_count_all_channels_and_no_receipts() -> None:
    book = Rulebook(
        profile=BOOK.profile, own=(OwnCap(name="own_cap_day", most=2, span=dt.timedelta(days=1)),)
    )
    facts = known()
    for channel, purpose in (("email", "survey"), ("sms", "service"), ("zalo", "advertising")):
        note(facts, BOOK.profile.purpose[purpose], NOON)
        assert decide(request(channel=channel), NOON, known(), book).outcome == "allow"
    assert rules(decide(request(), NOON, facts, book)) == ["own_cap_day"]
    assert decide(request(purpose="service"), NOON, facts, book).outcome == "allow"


moments = st.integers(0, 400).map(lambda hours: NOON + dt.timedelta(hours=hours))


@given(st.lists(moments, max_size=12), moments, st.integers(1, 4), st.integers(1, 48))
def test_room_is_what_counting_every_stretch_says(
    others: list[dt.datetime], at: dt.datetime, most: int, hours: int
) -> None:
    others.sort()
    span = dt.timedelta(hours=hours)
    together = sorted([*others, at])
    # Only stretches that hold `at`: what was too many before is not its fault.
    full = any(
        sum(1 for each in together if start <= each < start + span) > most
        for start in together
        if start <= at < start + span
    )
    until = blocked_until(others, at, most=most, span=span)
    assert (until is not None) == full
    if until is not None:
        assert until > at


@given(
    st.integers(0, 10_000),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
def test_an_opening_is_open_and_the_first_one(minute: int, opens: int, closes: int) -> None:
    if opens == closes:
        return
    moment = NOON + dt.timedelta(minutes=minute)
    found = next_opening(moment, opens, closes, HANOI)

    def is_open(at: dt.datetime) -> bool:
        of_day = at.astimezone(HANOI).hour * 60 + at.astimezone(HANOI).minute
        return opens <= of_day < closes if opens < closes else not closes <= of_day < opens

    assert is_open(found)
    step = moment
    while step < found:
        assert not is_open(step)
        step += dt.timedelta(minutes=1)


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="vn-2026"):
        load_profile("xx-1999")
