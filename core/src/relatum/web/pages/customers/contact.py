"""May we contact this customer? What they agreed to, what they wish, and what the gate said."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.contact.deciding import Decision
from relatum.contact.types import (
    ConsentDraft,
    ConsentEntry,
    ContactRequest,
    HoldDraft,
    HoldKind,
    Method,
    Preference,
    Proof,
    WithdrawalDraft,
)
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import InvalidInput, NotFound, Problem, RelatumError
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked, translations
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.customers.sentences import one

READS = {"permission": "core.contact.read", **PAGE}
WRITES = {"permission": "core.contact.write", **PAGE}
HOLDS = {"permission": "core.contact.hold", **PAGE}

CHANNELS = {
    "call": marked("Call"),
    "sms": marked("SMS"),
    "email": marked("E-mail"),
    "zalo": marked("Zalo"),
}
METHODS: dict[str, str] = {
    "form": marked("Ticked a box in a form"),
    "preference_page": marked("Chose it on the preference page"),
    "signed_paper": marked("Signed a paper"),
    "recorded_call": marked("Said so in a recorded call"),
    "message": marked("Wrote it in a message"),
    "in_person": marked("Said so in person"),
}
KINDS_OF_HOLD: dict[str, str] = {
    "complaint": marked("Open complaint"),
    "dispute": marked("Dispute"),
    "legal": marked("Legal matter"),
    "other": marked("Other reason"),
}
#: What each rule of the gate means to whoever wants to call.
RULES = {
    "gone": marked("no such customer"),
    "restricted": marked("their data may be kept, not used"),
    "address": marked("no address for this channel"),
    "bounced": marked("messages came back from this address"),
    "do_not_contact": marked("on the list of refusal"),
    "consent": marked("no consent"),
    "label": marked("the text lacks its label"),
    "sender": marked("the sender is no name"),
    "legal_hours": marked("outside the hours of the law"),
    "legal_cap": marked("as often as the law allows"),
    "own_cap_day": marked("often enough today"),
    "own_cap_week": marked("often enough this week"),
    "gap": marked("contacted a moment ago"),
    "quiet_hours": marked("they want quiet now"),
    "hold_complaint": marked("open complaint"),
    "hold_dispute": marked("dispute"),
    "hold_legal": marked("legal matter"),
    "hold_other": marked("held"),
}

declare_flashes(
    {
        "consent-given": marked("The consent is recorded."),
        "consent-taken-back": marked("Recorded: the consent is taken back."),
        "contact-wished": marked("How they want to be contacted is recorded."),
        "contact-held": marked("Held: nothing but what they ordered."),
        "contact-lifted": marked("The hold is lifted."),
    }
)

LongText = Annotated[str, Meta(max_length=2_000)]


class ConsentForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A consent with its proof; an empty channel means every channel."""

    purpose: Annotated[str, Meta(max_length=40)]
    method: Method
    wording: Annotated[str, Meta(min_length=10, max_length=2_000)]
    where: Annotated[str, Meta(min_length=1, max_length=500)]
    channel: Literal["", "call", "sms", "email", "zalo"] = ""


class WithdrawalForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is taken back."""

    purpose: Annotated[str, Meta(max_length=40)]


class WishForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Quiet hours, and whether the data may be used at all."""

    quiet_from: Annotated[str, Meta(max_length=5)] = ""
    quiet_until: Annotated[str, Meta(max_length=5)] = ""
    restricted: bool = False


class HoldForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why nobody offers this customer anything for now."""

    kind: HoldKind = "complaint"
    reason: Annotated[str, Meta(max_length=500)] = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate says about one purpose and one channel."""

    outcome: str
    why: str
    until: dt.datetime | None


@get("/customers/{customer_id:str}/contact", opt=READS, include_in_schema=False)
async def show_contact(request: Call, customer_id: FromPath[str]) -> Html:
    """The page."""
    request.refuse_query(("lang",))
    return await _page(request, customer_id)


@post("/customers/{customer_id:str}/contact/consent", opt=WRITES, include_in_schema=False)
async def give_consent(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Record a consent."""
    id, form = await _seen(request, customer_id), Form("consent")
    try:
        asked = form.take(await sent(request), ConsentForm)
        proof = Proof(method=asked.method, wording=asked.wording, where=asked.where)
        draft = ConsentDraft(
            customer=id, purpose=asked.purpose, channel=asked.channel or "*", proof=proof
        )
        await one(request.house.contact.consents.grant([draft], by=request.actor))
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, customer_id, form)
    return Redirect(f"/customers/{id}/contact", flash="consent-given")


@post("/customers/{customer_id:str}/contact/withdraw", opt=WRITES, include_in_schema=False)
async def take_back(request: Call, customer_id: FromPath[str]) -> Redirect:
    """Record that a consent is taken back, for every channel."""
    id = await _seen(request, customer_id)
    asked = Form("action").take(await sent(request), WithdrawalForm)
    draft = WithdrawalDraft(customer=id, purpose=asked.purpose)
    await one(request.house.contact.consents.withdraw([draft], by=request.actor))
    return Redirect(f"/customers/{id}/contact", flash="consent-taken-back")


@post("/customers/{customer_id:str}/contact/wishes", opt=WRITES, include_in_schema=False)
async def wish(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Record how the customer wants to be contacted."""
    id, form = await _seen(request, customer_id), Form("wish")
    try:
        asked = form.take(await sent(request), WishForm)
        wished = msgspec.convert(
            {
                "restricted": asked.restricted,
                "quiet_from": asked.quiet_from or None,
                "quiet_until": asked.quiet_until or None,
            },
            Preference,
        )
        await request.house.contact.wishes.prefer(id, wished, by=request.actor)
    except msgspec.ValidationError as error:
        form.refuse(_no_time(error))
        return await _page(request, customer_id, form)
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, customer_id, form)
    return Redirect(f"/customers/{id}/contact", flash="contact-wished")


@post("/customers/{customer_id:str}/contact/hold", opt=HOLDS, include_in_schema=False)
async def hold(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Hold everything but what the customer ordered."""
    id, form = await _seen(request, customer_id), Form("hold")
    try:
        asked = form.take(await sent(request), HoldForm)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, customer_id, form)
    draft = HoldDraft(customer=id, kind=asked.kind, reason=asked.reason)
    made = await request.house.contact.wishes.hold(draft, by=request.actor)
    return Redirect(
        f"/customers/{id}/contact",
        flash="contact-held",
        undo=f"/customers/{id}/contact/holds/{made}/lift",
    )


@post(
    "/customers/{customer_id:str}/contact/holds/{hold_id:str}/lift",
    opt=HOLDS,
    include_in_schema=False,
)
async def lift(request: Call, customer_id: FromPath[str], hold_id: FromPath[str]) -> Redirect:
    """Lift a hold of this customer."""
    id, held = await _seen(request, customer_id), id_in_path(hold_id, "hold")
    Form("action").take(await sent(request), Nothing)
    wishes = request.house.contact.wishes
    if held in {each.id for each in await wishes.holds_of(id)}:
        await wishes.lift(held, by=request.actor)
    return Redirect(f"/customers/{id}/contact", flash="contact-lifted")


async def _page(request: Call, customer_id: str, refused: Form | None = None) -> Html:
    house, language = request.house, language_of(request)
    say = translations(language).gettext
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    contact = house.contact
    wishes = await contact.wishes.preference_of(customer.id)
    lines = await contact.consents.of(customer.id)
    forms = {form.name: form for form in (Form("consent"), _wish_form(wishes), Form("hold"))}
    if refused is not None:
        forms[refused.name] = refused
    return await page(
        request,
        "relatum/customer_contact.html",
        here="customers",
        address=f"/customers/{customer.id}/contact",
        customer=customer,
        forms=tuple(forms.values()),
        table=await _table(request, customer.id, say),
        purposes={each.id: each.title for each in contact.profile.purposes},
        asked_for=[
            (each.id, each.title.in_language(language))
            for each in contact.profile.purposes
            if each.consent
        ],
        channels={name: say(title) for name, title in CHANNELS.items()},
        methods={name: say(title) for name, title in METHODS.items()},
        hold_kinds={name: say(title) for name, title in KINDS_OF_HOLD.items()},
        why={rule: say(text) for rule, text in RULES.items()},
        lines=lines,
        granted=_granted(lines),
        holds=await contact.wishes.holds_of(customer.id),
        verdicts=await contact.gate.of(customer.id),
        policy=contact.profile,
    )


async def _table(request: Call, customer: Any, say: Any) -> list[tuple[str, list[Cell]]]:
    """For every purpose what the gate says about each channel."""
    contact = request.house.contact
    pairs = [(each.id, channel) for each in contact.profile.purposes for channel in CHANNELS]
    decisions = await contact.gate.look(
        [
            ContactRequest(customer=customer, channel=channel, purpose=purpose)
            for purpose, channel in pairs
        ],
        text_known=False,
    )
    rows: dict[str, list[Cell]] = {}
    for (purpose, _), decision in zip(pairs, decisions, strict=True):
        rows.setdefault(purpose, []).append(_cell(decision, say))
    return list(rows.items())


def _cell(decision: Decision, say: Any) -> Cell:
    rule = decision.reasons[0].rule if decision.reasons else ""
    why = say(RULES[rule]) if rule in RULES else rule
    return Cell(outcome=decision.outcome, why=why, until=decision.until)


def _granted(lines: list[ConsentEntry]) -> list[str]:
    """Purposes of which some channel is still agreed to, by the ledger's newest-first lines."""
    last: dict[tuple[str, str], str] = {}
    for line in reversed(lines):
        if line.channel == "*":
            for purpose, channel in list(last):
                if purpose == line.purpose:
                    last[purpose, channel] = line.state
        last[line.purpose, line.channel] = line.state
    return sorted({purpose for (purpose, _), state in last.items() if state == "granted"})


def _wish_form(wishes: Preference) -> Form:
    return Form(
        "wish",
        {
            "quiet_from": wishes.quiet_from or "",
            "quiet_until": wishes.quiet_until or "",
            "restricted": wishes.restricted,
        },
    )


def _no_time(error: msgspec.ValidationError) -> RelatumError:
    field = "quiet_until" if "quiet_until" in str(error) else "quiet_from"
    problem = Problem(
        code="no-time-of-day",
        message="this is no time of day",
        where=f"/{field}",
        expected="hours and minutes, such as 21:30",
        mend="Mend it, or leave both empty.",
    )
    return InvalidInput("The quiet hours cannot be kept.", problems=[problem])


async def _seen(request: Call, customer_id: str) -> Any:
    return (await request.house.customers.get(id_in_path(customer_id, "customer"))).id


ROUTES = [show_contact, give_consent, take_back, wish, hold, lift]
