"""The rules of the gate, in their order, as a pure function of what is known.

Erased or restricted, address of somebody else, lists of refusal, consent, what the text must show,
legal hours, legal caps, own caps, quiet hours, a hold. Rules that time mends say until when; when
nothing else stands against the contact, the earliest moment that all of them allow is looked for.
"""

from __future__ import annotations

import datetime as dt
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from relatum.contact.profile import ChannelRule, Profile, Purpose, minutes, next_opening
from relatum.contact.types import (
    ConsentEntry,
    ContactRequest,
    Hold,
    Objection,
    Outcome,
    Preference,
    Scope,
)
from relatum.contact.windows import blocked_until

#: A contact is put off by so much at most; beyond it, it is denied.
FURTHEST = dt.timedelta(days=30)
#: How often the next free moment is looked for before giving up.
MOST_TRIES = 200


class OwnCap(msgspec.Struct, frozen=True, kw_only=True):
    """What the company asks of itself, over all plugins and channels, by customer."""

    name: str
    most: int
    span: dt.timedelta


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    """The law and the company's own rules that a decision goes by."""

    profile: Profile
    own: tuple[OwnCap, ...] = ()

    @property
    def furthest_span(self) -> dt.timedelta:
        """The longest stretch that any cap looks at."""
        spans = [dt.timedelta(hours=rule.within_hours) for rule in self.profile.channels]
        return max([*spans, *(cap.span for cap in self.own)], default=dt.timedelta())


class Known(msgspec.Struct, kw_only=True):
    """What is known about one customer and one address when a request is decided.

    Attributes:
        there: the customer exists and is nobody's duplicate.
        address: as it is kept, or empty when the customer has none such.
        refusals: scopes of the lists this address is on.
        bounced: a provider said that this address does not exist.
        consent: the last word about this purpose and channel.
        to_address: advertising that was allowed to this address through this channel; sorted.
        to_customer: contacts that were allowed with this customer, but for transactional; sorted.
    """

    there: bool = True
    address: str = ""
    refusals: frozenset[Scope] = frozenset()
    bounced: bool = False
    consent: ConsentEntry | None = None
    preference: Preference = Preference()
    holds: Sequence[Hold] = ()
    to_address: list[dt.datetime] = []
    to_customer: list[dt.datetime] = []


class Decision(NamedTuple):
    """What the rules say; ``until`` with ``defer`` alone."""

    outcome: Outcome
    reasons: list[Objection]
    until: dt.datetime | None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request at one moment, with all that the rules look at."""

    request: ContactRequest
    at: dt.datetime
    purpose: Purpose
    rule: ChannelRule | None
    known: Known
    book: Rulebook
    text: bool


def decide(
    request: ContactRequest,
    at: dt.datetime,
    known: Known,
    book: Rulebook,
    *,
    text_known: bool = True,
) -> Decision:
    """What the gate answers.

    Args:
        text_known: whether body and sender are at hand; they are not when an allowed contact is
            looked at again, and were found good before.
    """
    purpose = book.profile.purpose[request.purpose]
    rule = book.profile.rule.get(request.channel) if purpose.advertising else None
    question = Question(
        request=request, at=at, purpose=purpose, rule=rule, known=known, book=book, text=text_known
    )
    lasting = [found for check in LASTING for found in check(question)]
    passing = [found for check in PASSING for found in check(question)]
    if lasting:
        return Decision("deny", [*lasting, *passing], None)
    if not passing:
        return Decision("allow", [], None)
    until = _first_free(question, passing)
    if until is None:
        return Decision("deny", passing, None)
    return Decision("defer", passing, until)


def note(known: Known, purpose: Purpose, at: dt.datetime) -> None:
    """Count an allowed contact, for the requests that are decided after it."""
    if purpose.advertising:
        insort(known.to_address, at)
    if not purpose.transactional:
        insort(known.to_customer, at)


def _first_free(question: Question, passing: Sequence[Objection]) -> dt.datetime | None:
    """The earliest moment that found without an objection, or None within the horizon."""
    last = question.at + FURTHEST
    for _ in range(MOST_TRIES):
        moments = [each.until for each in passing]
        if any(moment is None for moment in moments):
            return None
        at = max(moment for moment in moments if moment is not None)
        if at > last:
            return None
        question = msgspec.structs.replace(question, at=at)
        if any(found for check in LASTING for found in check(question)):
            return None  # a consent that will have run out by then
        passing = [found for check in PASSING for found in check(question)]
        if not passing:
            return at
    return None


def _absent(question: Question) -> Iterator[Objection]:
    if not question.known.there:
        yield Objection(rule="gone", detail="there is no such customer (any more)")
    elif question.known.preference.restricted:
        yield Objection(rule="restricted", detail="the customer's data may be kept, not used")


def _address(question: Question) -> Iterator[Objection]:
    if question.known.there and not question.known.address:
        wanted = "the address" if question.request.address else "an address for this channel"
        yield Objection(rule="address", detail=f"the customer does not have {wanted}")


def _bounced(question: Question) -> Iterator[Objection]:
    if question.known.bounced:
        yield Objection(rule="bounced", detail="messages to this address came back")


def _refusals(question: Question) -> Iterator[Objection]:
    refusals = question.known.refusals
    if "everything" in refusals or ("advertising" in refusals and not _is_service(question)):
        yield Objection(rule="do_not_contact", detail="the address is on a list of refusal")


def _is_service(question: Question) -> bool:
    return question.purpose.transactional


def _consent(question: Question) -> Iterator[Objection]:
    if not question.purpose.consent:
        return
    last = question.known.consent
    if last is None:
        yield Objection(rule="consent", detail="the customer has not consented to this purpose")
    elif last.state == "withdrawn":
        day = last.given_at.date().isoformat()
        yield Objection(rule="consent", detail=f"the customer took the consent back on {day}")
    elif last.expires_at is not None and last.expires_at <= question.at:
        day = last.expires_at.date().isoformat()
        yield Objection(rule="consent", detail=f"the consent ran out on {day}")
    elif last.given_at > question.at:
        yield Objection(rule="consent", detail="the consent was given after this moment")


def _form(question: Question) -> Iterator[Objection]:
    rule = question.rule
    if rule is None or not question.text:
        return
    if rule.labels and not question.request.body.startswith(rule.labels):
        shown = " or ".join(rule.labels)
        detail = f"the text must begin with {shown}"
        yield Objection(rule="label", detail=detail, source=rule.source)
    if rule.named_sender and not any(sign.isalpha() for sign in question.request.sender):
        detail = "the sender must be a name, not a plain number"
        yield Objection(rule="sender", detail=detail, source=rule.source)


def _hours(question: Question) -> Iterator[Objection]:
    rule = question.rule
    if rule is None or rule.closes is None:
        return
    zone = question.book.profile.zone
    until = next_opening(question.at, minutes(rule.opens), minutes(rule.closes), zone)
    if until != question.at:
        detail = f"advertising through this channel is allowed from {rule.opens} to {rule.closes}"
        yield Objection(rule="legal_hours", detail=detail, until=until, source=rule.source)


def _legal_cap(question: Question) -> Iterator[Objection]:
    rule = question.rule
    if rule is None or not rule.most:
        return
    span = dt.timedelta(hours=rule.within_hours)
    until = blocked_until(question.known.to_address, question.at, most=rule.most, span=span)
    if until is not None:
        detail = f"at most {rule.most} to one address within {rule.within_hours:g} hours"
        yield Objection(rule="legal_cap", detail=detail, until=until, source=rule.source)


def _own_caps(question: Question) -> Iterator[Objection]:
    if question.purpose.transactional:
        return
    for cap in question.book.own:
        moments = question.known.to_customer
        until = blocked_until(moments, question.at, most=cap.most, span=cap.span)
        if until is not None:
            hours = cap.span.total_seconds() / 3600
            detail = f"at most {cap.most} to one customer within {hours:g} hours, of all plugins"
            yield Objection(rule=cap.name, detail=detail, until=until)


def _quiet(question: Question) -> Iterator[Objection]:
    wish = question.known.preference
    if question.purpose.transactional or wish.quiet_from is None or wish.quiet_until is None:
        return
    opens, closes = minutes(wish.quiet_until), minutes(wish.quiet_from)
    until = next_opening(question.at, opens, closes, question.book.profile.zone)
    if until != question.at:
        detail = f"the customer wants quiet from {wish.quiet_from} to {wish.quiet_until}"
        yield Objection(rule="quiet_hours", detail=detail, until=until)


def _holds(question: Question) -> Iterator[Objection]:
    if question.purpose.transactional:
        return
    for hold in question.known.holds:
        yield Objection(rule=f"hold_{hold.kind}", detail=hold.reason or "open with this customer")


Check = Callable[[Question], Iterator[Objection]]
#: Waiting does not help against these.
LASTING: tuple[Check, ...] = (_absent, _address, _bounced, _refusals, _consent, _form, _holds)
#: These say until when.
PASSING: tuple[Check, ...] = (_hours, _legal_cap, _own_caps, _quiet)
