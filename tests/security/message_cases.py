"""Cases of the routes and pages of messages to customers."""

from __future__ import annotations

from tests.security.bodies import Body, Known, just

MESSAGE_ROWS: dict[tuple[str, str], str] = {
    ("/api/v1/messages/", "message_id"): "core_message",
    ("/messages/", "message_id"): "core_message",
}

#: A token that nobody gave out: what it opens is tested with the pages.
MESSAGE_VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/unsubscribe/", "token"): ["none.of.our"]
}

MESSAGE_ANSWERS: dict[str, tuple[int, ...]] = {"/unsubscribe/{token}": (404,)}


def _wanted(known: Known) -> dict[str, object]:
    content = {"subject": known.new, "text": known.new}
    wanted = {"customer": known.customer(), "channel": "email", "purpose": "service"}
    return {"items": [{**wanted, "content": content, "reference": known.new}]}


def _letter(known: Known) -> dict[str, object]:
    return {"purpose": "service", "subject": known.new, "text": known.new, "go": "send"}


MESSAGE_BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/api/v1/messages"): Body(_wanted),
    ("POST", "/api/v1/messages/{message_id}/cancellation"): Body(None, ok=(200, 409)),
    ("POST", "/api/v1/messages/{message_id}/settlement"): just({"was": "sent"}, ok=(200, 409)),
    ("POST", "/customers/{customer_id}/write"): Body(_letter, ok=(303,), kind="form"),
    ("POST", "/messages/{message_id}/cancel"): Body(None, ok=(303, 409), kind="form"),
    ("POST", "/messages/{message_id}/settle"): just({"was": "sent"}, ok=(303, 409), kind="form"),
    ("POST", "/unsubscribe/{token}"): Body(None, ok=(200, 404), kind="form"),
}
