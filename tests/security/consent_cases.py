"""Cases of the routes about requests of data subjects and links to the preference page."""

from __future__ import annotations

from tests.security.bodies import Body, just

API = "/api/v1/plugins/consent"

CONSENT_ROWS: dict[tuple[str, str], str] = {
    (f"{API}/links/", "link_id"): "consent_link",
    (f"{API}/requests/", "request_id"): "consent_request",
    ("/p/consent/customers/", "customer_id"): "core_customer",
    ("/p/consent/requests/", "request_id"): "consent_request",
}
#: One that nobody signed; those that are good are tried in the plugin's own tests.
CONSENT_VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/p/consent/preferences/", "token"): ["AaIFWY2gdXOc6zmbXImi-w.k49fa3b27.AAAA"],
}
CONSENT_VALUES[f"{API}/breaches/", "breach_id"] = "SELECT id FROM consent_breach"
CONSENT_ANSWERS: dict[str, tuple[int, ...]] = {"/p/consent/preferences/{token}": (404,)}
CONSENT_BODIES: dict[tuple[str, str], Body] = {
    ("POST", f"{API}/links"): Body(lambda known: {"customer": known.customer()}),
    ("POST", API + "/links/{link_id}/revoke"): Body(None),
    ("POST", f"{API}/requests"): Body(
        lambda known: {"customer": known.customer(), "kind": "access", "words": known.new}
    ),
    # moved by who asked before
    ("POST", API + "/requests/{request_id}/moves"): Body(
        lambda known: {"do": "refuse", "words": known.new}, ok=(200, 409)
    ),
    ("POST", f"{API}/breaches"): Body(
        lambda known: {"title": known.new, "discovered_at": "2026-01-05T08:00:00+07:00"}
    ),
    ("POST", API + "/breaches/{breach_id}/moves"): just(
        {"do": "notify", "words": "xong"}, ok=(200, 409)
    ),
    ("POST", "/p/consent/breaches"): Body(
        lambda known: {"do": "record", "words": known.new}, ok=(303,), kind="form"
    ),
    # nobody is due where no rule is set; the plugin's own tests decide about those who are
    ("POST", "/p/consent/retention"): just(
        {"do": "keep", "until": "2027-01-05", "reason": "xong"}, ok=(409,), kind="form"
    ),
    ("POST", "/p/consent/customers/{customer_id}"): just({"do": "link"}, ok=(303,), kind="form"),
    ("POST", "/p/consent/requests/{request_id}"): Body(
        lambda known: {"do": "refuse", "words": known.new}, ok=(303, 409), kind="form"
    ),
    ("POST", "/p/consent/preferences/{token}"): just({"do": "stop"}, ok=(404,), kind="form"),
}
