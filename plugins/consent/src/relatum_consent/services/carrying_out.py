"""What is done when a request is carried out: core does it, and keeps the proof."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import msgspec

from relatum.api import House, Refused, SubjectRequest, WithdrawalDraft
from relatum_consent.types import Request

Method = Literal["preference_page", "message", "signed_paper", "in_person"]
METHODS: dict[str, Method] = {
    "preference_page": "preference_page",
    "email": "message",
    "phone": "message",
    "letter": "signed_paper",
    "in_person": "in_person",
}

ERASE = "core.customers.erase"


class Actor(msgspec.Struct, frozen=True):
    """Who takes a step: as the event log writes it, and what they may and see."""

    name: str
    viewer: Any
    person: str = ""


async def carry_out(house: House, request: Request, actor: Actor) -> str:
    """Do what was asked, for the customer there is.

    Returns:
        The id of what came of it: of the receipt of an erasure, of the export; else nothing.

    Raises:
        Refused: erasing and exporting need the permissions that core has for them.
        Conflict: a legal hold keeps the customer from being erased.
    """
    if request.customer is None:
        return ""
    if request.kind == "erase":
        return await _erase(house, request, request.customer, actor)
    if request.kind in ("access", "portability"):
        draft = SubjectRequest(why=f"request {request.id}")
        export = await house.subjects.request(
            request.customer, draft, viewer=actor.viewer, person=actor.person
        )
        return str(export.id)
    if request.kind == "restrict":
        await _restrict(house, request.customer, actor.name)
    elif request.kind in ("withdraw", "object"):
        await _take_back(house, request, request.customer, actor.name)
    return ""


async def _erase(house: House, request: Request, customer: UUID, actor: Actor) -> str:
    if not actor.viewer.may(ERASE):
        raise Refused(
            f"expected the permission {ERASE}, which none of your roles gives; ask whoever has it",
            extra={"permission": ERASE},
        )
    receipt = await house.erasing.erase(customer, by=actor.name, reason=f"request {request.id}")
    return str(receipt.id)


async def _restrict(house: House, customer: UUID, by: str) -> None:
    wishes = house.contact.wishes
    wish = await wishes.preference_of(customer)
    if not wish.restricted:
        await wishes.prefer(customer, msgspec.structs.replace(wish, restricted=True), by=by)


async def _take_back(house: House, request: Request, customer: UUID, by: str) -> None:
    """Every consent for a withdrawal; those to advertising for an objection."""
    drafts = [
        WithdrawalDraft(
            customer=customer,
            purpose=purpose.id,
            method=METHODS.get(request.source, "message"),
            note=f"request {request.id}",
        )
        for purpose in house.contact.profile.purposes
        if purpose.consent and (request.kind == "withdraw" or purpose.advertising)
    ]
    await house.contact.consents.withdraw(drafts, by=by)
