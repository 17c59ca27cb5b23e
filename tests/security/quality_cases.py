"""Cases of the routes about the quality of data."""

from __future__ import annotations

from tests.security.bodies import Body, just
from tests.security.quality_world import OWN_RULE

API = "/api/v1/plugins/data_quality"
_RULE = {
    "kind": "required",
    "do": "save",
    "field": "point:zalo",
    "title_vi": "Chưa có Zalo",
    "title_en": "No Zalo",
}

QUALITY_ROWS: dict[tuple[str, str], str] = {
    (f"{API}/findings/", "finding_id"): "data_quality_finding",
    (f"{API}/proposals/", "proposal_id"): "data_quality_proposal",
    ("/p/data_quality/findings/", "finding"): "data_quality_finding",
}
QUALITY_VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/p/data_quality/rules/", "rule"): [str(OWN_RULE)],
}
QUALITY_BODIES: dict[tuple[str, str], Body] = {
    # whoever asked before has changed what they are asked about
    ("POST", API + "/findings/{finding_id}/mend"): just(None, ok=(200, 409)),
    ("POST", API + "/findings/{finding_id}/undo"): just(None, ok=(200, 409)),
    ("POST", API + "/findings/{finding_id}/accept"): just({"reason": "right"}, ok=(200, 409)),
    ("POST", API + "/findings/{finding_id}/verify"): just(None, ok=(200, 409)),
    ("POST", f"{API}/mends"): Body(lambda known: {"findings": [known.ids["data_quality_finding"]]}),
    ("POST", f"{API}/evaluations"): Body(None),
    ("POST", f"{API}/enrichments"): Body(
        lambda known: {
            "source": "list",
            "records": [
                {"record": {"display_name": known.new}, "handled": ["distinct", "incomplete"]}
            ],
        }
    ),
    ("POST", API + "/proposals/{proposal_id}"): just({"take": False}, ok=(200, 409)),
    ("POST", "/p/data_quality"): Body(None, ok=(200, 303), kind="form"),
    ("POST", "/p/data_quality/queue"): Body(
        lambda known: {"findings": known.ids["data_quality_finding"]}, ok=(303,), kind="form"
    ),
    ("POST", "/p/data_quality/findings/{finding}"): just(
        {"do": "accept", "reason": "right"}, ok=(303, 409), kind="form"
    ),
    ("POST", "/p/data_quality/proposals"): Body(
        lambda known: {"proposal": known.ids["data_quality_proposal"], "do": "leave"},
        ok=(303, 409),
        kind="form",
    ),
    ("POST", "/p/data_quality/rules"): just(
        {"rule": str(OWN_RULE), "do": "off"}, ok=(303,), kind="form"
    ),
    ("POST", "/p/data_quality/rules/new"): just(_RULE, ok=(303,), kind="form"),
    ("POST", "/p/data_quality/rules/{rule}"): just(_RULE, ok=(303,), kind="form"),
}
