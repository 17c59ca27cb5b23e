"""Cases of the routes and pages of consent and contact."""

from __future__ import annotations

from tests.security.bodies import Body, Known, just

CONTACT_ROWS: dict[tuple[str, str], str] = {
    ("/api/v1/contact-holds/", "hold_id"): "core_contact_hold",
    ("/api/v1/contact-verdicts/", "verdict_id"): "core_contact_verdict",
    ("/customers/", "hold_id"): "core_contact_hold",
}

CONTACT_PAIRS: dict[tuple[str, ...], str] = {
    ("customer_id", "hold_id"): "SELECT customer_id, id FROM core_contact_hold",
}


def _proof(known: Known) -> dict[str, object]:
    return {"method": "form", "wording": f"Tôi đồng ý: {known.new}", "where": known.new}


def _consent(known: Known) -> dict[str, object]:
    return {"purpose": "advertising", "proof": _proof(known)}


def _wanted(known: Known) -> dict[str, object]:
    wanted = {"customer": known.customer(), "channel": "email", "purpose": "service"}
    return {"items": [{**wanted, "reference": known.new}]}


def _consent_form(known: Known) -> dict[str, object]:
    return {"purpose": "advertising", **_proof(known)}


_PAGE = (200, 303)
_CUSTOMER = "/api/v1/customers/{customer_id}"

CONTACT_BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/customers/{customer_id}/contact/consent"): Body(
        _consent_form, ok=_PAGE, kind="form"
    ),
    ("POST", "/customers/{customer_id}/contact/withdraw"): just(
        {"purpose": "advertising"}, ok=_PAGE, kind="form"
    ),
    ("POST", "/customers/{customer_id}/contact/wishes"): just(
        {"quiet_from": "21:00", "quiet_until": "08:00"}, ok=_PAGE, kind="form"
    ),
    ("POST", "/customers/{customer_id}/contact/hold"): Body(
        lambda known: {"kind": "complaint", "reason": known.new}, ok=_PAGE, kind="form"
    ),
    ("POST", "/customers/{customer_id}/contact/holds/{hold_id}/lift"): Body(
        None, ok=(303,), kind="form"
    ),
    ("POST", f"{_CUSTOMER}/consents"): Body(_consent),
    ("POST", f"{_CUSTOMER}/withdrawals"): Body(
        lambda known: {"purpose": "advertising", "note": known.new}
    ),
    ("PUT", f"{_CUSTOMER}/contact-preference"): just(
        {"quiet_from": "21:00", "quiet_until": "08:00"}
    ),
    ("POST", f"{_CUSTOMER}/contact-holds"): Body(
        lambda known: {"kind": "complaint", "reason": known.new}
    ),
    ("DELETE", "/api/v1/contact-holds/{hold_id}"): Body(None),
    ("POST", "/api/v1/contact-verdicts"): Body(_wanted),
    ("DELETE", "/api/v1/contact-verdicts/{verdict_id}"): Body(None),
    ("POST", "/api/v1/contact-refusals"): just(
        {"items": [{"kind": "email", "address": "nobody@example.com"}]}
    ),
    ("POST", "/api/v1/contact-refusals/lifted"): just(
        {"kind": "email", "address": "nobody@example.com"}
    ),
}
