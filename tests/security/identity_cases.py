"""Cases of the routes about likely doubles."""

from __future__ import annotations

from tests.security.bodies import Body, just

API = "/api/v1/plugins/identity"

IDENTITY_ROWS: dict[tuple[str, str], str] = {
    (f"{API}/pairs/", "pair_id"): "identity_pair",
    ("/p/identity/pairs/", "pair"): "identity_pair",
}
IDENTITY_BODIES: dict[tuple[str, str], Body] = {
    # decided by who asked before
    ("POST", API + "/pairs/{pair_id}/decision"): just({"decision": "distinct"}, ok=(200, 409)),
    ("POST", f"{API}/check"): Body(lambda known: {"items": [{"display_name": known.new}]}),
    ("POST", f"{API}/sweeps"): Body(None),
    ("POST", "/p/identity"): Body(None, ok=(200, 303), kind="form"),
    ("POST", "/p/identity/pairs/{pair}"): just({"do": "distinct"}, ok=(303, 409), kind="form"),
}
