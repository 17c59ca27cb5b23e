"""How each route is filled in: values for the parameters of its path, and bodies that work.

A route that is missing here fails the matrix. What names a row of customers takes the rows of the
world, seen and hidden; everything else takes what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relatum.values.time import now
from tests.security.bodies import Body, Known, just
from tests.security.consent_cases import (
    CONSENT_ANSWERS,
    CONSENT_BODIES,
    CONSENT_ROWS,
    CONSENT_VALUES,
)
from tests.security.contact_cases import CONTACT_BODIES, CONTACT_PAIRS, CONTACT_ROWS
from tests.security.customer_cases import (
    CUSTOMER_ANSWERS,
    CUSTOMER_BODIES,
    CUSTOMER_PAIRS,
    CUSTOMER_ROWS,
    CUSTOMER_VALUES,
)
from tests.security.desk_cases import DESK_ANSWERS, DESK_BODIES, DESK_VALUES
from tests.security.frame_cases import FRAME_BODIES, FRAME_VALUES
from tests.security.identity_cases import IDENTITY_BODIES, IDENTITY_ROWS
from tests.security.list_cases import LIST_BODIES, LIST_VALUES
from tests.security.message_cases import (
    MESSAGE_ANSWERS,
    MESSAGE_BODIES,
    MESSAGE_ROWS,
    MESSAGE_VALUES,
)
from tests.security.quality_cases import QUALITY_BODIES, QUALITY_ROWS, QUALITY_VALUES
from tests.security.report_cases import REPORT_BODIES, REPORT_VALUES
from tests.security.sales_cases import SALES_BODIES, SALES_ROWS, SALES_VALUES
from tests.security.staff_cases import STAFF_ANSWERS, STAFF_BODIES, STAFF_VALUES

SALES = "/api/v1/plugins/sales_pipeline"

#: (prefix of the path, parameter) → the table whose rows it names.
ROWS: dict[tuple[str, str], str] = {
    ("/api/v1/customers/", "customer_id"): "core_customer",
    ("/customers/", "customer_id"): "core_customer",
    ("/panels/", "customer_id"): "core_customer",
    ("/api/v1/customers/", "link_id"): "core_customer_link",
    ("/api/v1/interactions/", "interaction_id"): "core_interaction",
    (f"{SALES}/accounts/", "customer_id"): "core_customer",
    (f"{SALES}/deals/", "deal_id"): "sales_pipeline_deal",
    (f"{SALES}/leads/", "lead_id"): "sales_pipeline_lead",
    **CONSENT_ROWS,
    **CONTACT_ROWS,
    **CUSTOMER_ROWS,
    **IDENTITY_ROWS,
    **MESSAGE_ROWS,
    **QUALITY_ROWS,
    **SALES_ROWS,
}

#: Parameters that name rows which belong together → a statement that finds such rows.
PAIRS: dict[tuple[str, ...], str] = {
    ("customer_id", "link_id"): (
        "SELECT source_id, id FROM core_customer_link UNION "
        "SELECT target_id, id FROM core_customer_link"
    ),
    **CONTACT_PAIRS,
    **CUSTOMER_PAIRS,
}

#: (prefix of the path, parameter) → values that are there: texts, or a statement that finds them,
#: in which ``{me}`` is the account of whoever asks. The first prefix that fits counts.
VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/api/v1/handlers/", "handler_id"): ["sales_pipeline.last_activity"],
    ("/api/v1/jobs/", "job_id"): ["core.audit_seal"],
    ("/panels/", "panel_id"): ["sales_pipeline.deals_of", "sales_pipeline.leads_of"],
    ("/api/v1/runs/", "run_id"): "SELECT run FROM core_queue",
    ("/api/v1/reports/", "report_id"): [],  # every declared one
    (f"{SALES}/accounts/", "year"): [str(now().year)],
    (f"{SALES}/teams/", "team_id"): "SELECT id FROM sales_pipeline_team",
    (f"{SALES}/members/", "member_id"): "SELECT id FROM sales_pipeline_member",
    (f"{SALES}/products/", "product_id"): "SELECT id FROM sales_pipeline_product",
    (f"{SALES}/price-lists/", "list_id"): "SELECT id FROM sales_pipeline_price_list",
    (f"{SALES}/prices/", "price_id"): "SELECT id FROM sales_pipeline_price",
    (f"{SALES}/pipelines/", "key"): "SELECT key FROM sales_pipeline_pipeline",
    (f"{SALES}/pipelines/", "stage"): ["engaging"],
    (f"{SALES}/lost-reasons/", "key"): ["price"],
    (f"{SALES}/questions/", "key"): ["asked_price"],
    **CONSENT_VALUES,
    **CUSTOMER_VALUES,
    **DESK_VALUES,
    **FRAME_VALUES,
    **LIST_VALUES,
    **MESSAGE_VALUES,
    **QUALITY_VALUES,
    **REPORT_VALUES,
    **SALES_VALUES,
    **STAFF_VALUES,
}


BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/api/v1/customers"): Body(lambda known: {"display_name": known.new}),
    ("POST", "/api/v1/customers/batch"): Body(
        lambda known: {"items": [{"display_name": known.new}]}
    ),
    ("PATCH", "/api/v1/customers/{customer_id}"): Body(
        lambda known: {"display_name": known.new, "fields": {"nickname": known.new}}
    ),
    ("POST", "/api/v1/customers/{customer_id}/links"): Body(
        lambda known: {"kind": "manages", "target": known.customer(), "role": known.new}
    ),
    ("DELETE", "/api/v1/customers/{customer_id}/links/{link_id}"): Body(None),
    ("POST", "/api/v1/customer-fields"): Body(lambda known: {"key": known.new}),
    ("POST", "/api/v1/interactions"): Body(
        lambda known: {
            "kind": "core.note",
            "payload": {"text": known.new},
            "customer_id": known.customer(),
        }
    ),
    ("POST", "/api/v1/interactions/batch"): Body(
        lambda known: {
            "items": [
                {
                    "kind": "core.note",
                    "payload": {"text": known.new},
                    "customer_id": known.customer(),
                }
            ]
        }
    ),
    ("POST", "/api/v1/handlers/{handler_id}/retry"): Body(None),
    ("POST", "/api/v1/handlers/{handler_id}/replay"): Body(None),
    ("POST", "/api/v1/handlers/{handler_id}/pause"): Body(None),
    ("POST", "/api/v1/handlers/{handler_id}/resume"): Body(None),
    ("POST", "/api/v1/jobs/{job_id}/run"): Body(None),
    ("POST", "/api/v1/jobs/{job_id}/retry"): Body(None),
    ("POST", "/api/v1/runs/{run_id}/cancel"): Body(None, ok=(200, 404, 409)),
    ("POST", "/api/v1/runs/{run_id}/retry"): Body(None, ok=(200, 404, 409)),
    ("DELETE", "/api/v1/runs/{run_id}"): Body(None, ok=(204, 404, 409)),
    ("PUT", SALES + "/accounts/{customer_id}/plans/{year}"): Body(
        lambda known: {"goal": known.new}
    ),
    ("PUT", SALES + "/deals/{deal_id}/buyers"): Body(
        lambda known: {"items": [{"customer_id": known.customer(), "role": "user"}]}
    ),
    ("POST", SALES + "/deals"): Body(
        lambda known: {"name": known.new, "customer_id": known.customer()}
    ),
    ("POST", SALES + "/deals/batch"): Body(
        lambda known: {"items": [{"name": known.new, "customer_id": known.customer()}]}
    ),
    ("POST", SALES + "/deals/moves"): Body(
        lambda known: {
            "items": [{"deal_id": known.ids["sales_pipeline_deal"], "stage": "engaging"}]
        }
    ),
    ("PATCH", SALES + "/deals/{deal_id}"): Body(lambda known: {"name": known.new}),
    ("POST", SALES + "/deals/{deal_id}/move"): just({"stage": "engaging", "note": "x"}),
    ("POST", SALES + "/deals/{deal_id}/activities"): Body(lambda known: {"summary": known.new}),
    ("POST", SALES + "/leads"): Body(
        lambda known: {"customer_id": known.customer(), "source": known.new}
    ),
    ("PATCH", SALES + "/leads/{lead_id}"): Body(lambda known: {"source": known.new}),
    ("POST", SALES + "/leads/{lead_id}/qualify"): just({"answers": {"asked_price": "no"}}),
    ("POST", SALES + "/leads/{lead_id}/convert"): Body(lambda known: {"name": known.new}),
    ("POST", SALES + "/questions"): Body(
        lambda known: {
            "key": known.new,
            "test": "fit",
            "title": known.new,
            "weight": 100,
            "choices": [
                {"key": "a", "title": "A", "title_vi": "A", "match": 0},
                {"key": "b", "title": "B", "title_vi": "B", "match": 10_000},
            ],
        }
    ),
    ("PATCH", SALES + "/questions/{key}"): Body(lambda known: {"title": known.new}),
    ("POST", SALES + "/teams"): Body(lambda known: {"name": known.new}),
    ("PATCH", SALES + "/teams/{team_id}"): Body(lambda known: {"name": known.new}),
    ("POST", SALES + "/members"): Body(lambda known: {"name": known.new}),
    ("PATCH", SALES + "/members/{member_id}"): Body(lambda known: {"name": known.new}),
    ("POST", SALES + "/products"): Body(lambda known: {"name": known.new}),
    ("PATCH", SALES + "/products/{product_id}"): Body(lambda known: {"name": known.new}),
    ("POST", SALES + "/price-lists"): Body(lambda known: {"name": known.new}),
    ("PATCH", SALES + "/price-lists/{list_id}"): Body(lambda known: {"name": known.new}),
    ("POST", SALES + "/price-lists/{list_id}/prices"): Body(
        lambda known: {
            "items": [
                {
                    "product_id": known.ids["sales_pipeline_product"],
                    "price": {"amount": 1000, "currency": "VND"},
                }
            ]
        }
    ),
    ("PUT", SALES + "/prices/{price_id}"): just({"price": {"amount": 2000, "currency": "VND"}}),
    ("DELETE", SALES + "/prices/{price_id}"): Body(None),
    ("POST", SALES + "/pipelines"): Body(
        lambda known: {
            "key": known.new,
            "title": known.new,
            "stages": [
                {"key": "a", "title": "A", "probability": 10},
                {"key": "w", "title": "W", "outcome": "won"},
                {"key": "l", "title": "L", "outcome": "lost"},
            ],
        }
    ),
    ("PATCH", SALES + "/pipelines/{key}"): Body(lambda known: {"title": known.new}),
    ("POST", SALES + "/pipelines/{key}/stages"): Body(
        lambda known: {"key": known.new, "title": known.new, "probability": 10}
    ),
    ("PATCH", SALES + "/pipelines/{key}/stages/{stage}"): Body(lambda known: {"title": known.new}),
    ("POST", SALES + "/lost-reasons"): Body(lambda known: {"key": known.new, "title": known.new}),
    ("PATCH", SALES + "/lost-reasons/{key}"): Body(lambda known: {"title": known.new}),
    **CONSENT_BODIES,
    **CONTACT_BODIES,
    **CUSTOMER_BODIES,
    **DESK_BODIES,
    **FRAME_BODIES,
    **IDENTITY_BODIES,
    **QUALITY_BODIES,
    **LIST_BODIES,
    **MESSAGE_BODIES,
    **REPORT_BODIES,
    **SALES_BODIES,
    **STAFF_BODIES,
}


#: What those are answered who may ask, where it is not 200.
ANSWERS: dict[str, tuple[int, ...]] = {
    **CONSENT_ANSWERS,
    **MESSAGE_ANSWERS,
    **CUSTOMER_ANSWERS,
    **DESK_ANSWERS,
    **STAFF_ANSWERS,
}


@dataclass(frozen=True)
class Reference:
    """A write whose body names a row: a hidden one has to be as one that is not there."""

    method: str
    path: str
    table: str
    make: Callable[[str, Known], Any]


REFERENCES = [
    Reference(
        "POST",
        "/api/v1/interactions",
        "core_customer",
        lambda id, known: {"kind": "core.note", "payload": {"text": "x"}, "customer_id": id},
    ),
    Reference(
        "POST",
        "/api/v1/interactions/batch",
        "core_customer",
        lambda id, known: {
            "items": [{"kind": "core.note", "payload": {"text": "x"}, "customer_id": id}]
        },
    ),
    Reference(
        "POST",
        "/api/v1/customers/{customer_id}/links",
        "core_customer",
        lambda id, known: {"kind": "manages", "target": id},
    ),
    Reference(
        "POST",
        "/api/v1/customers/{customer_id}/links",
        "core_customer",
        lambda id, known: {"kind": "manages", "source": id},
    ),
    Reference(
        "POST",
        SALES + "/deals",
        "core_customer",
        lambda id, known: {"name": "x", "customer_id": id},
    ),
    Reference(
        "POST",
        SALES + "/deals/batch",
        "core_customer",
        lambda id, known: {"items": [{"name": "x", "customer_id": id}]},
    ),
    Reference(
        "POST",
        SALES + "/deals/moves",
        "sales_pipeline_deal",
        lambda id, known: {"items": [{"deal_id": id, "stage": "engaging"}]},
    ),
    Reference(
        "PATCH",
        SALES + "/deals/{deal_id}",
        "core_customer",
        lambda id, known: {"customer_id": id},
    ),
    Reference(
        "PUT",
        SALES + "/deals/{deal_id}/buyers",
        "core_customer",
        lambda id, known: {"items": [{"customer_id": id, "role": "user"}]},
    ),
    Reference("POST", SALES + "/leads", "core_customer", lambda id, known: {"customer_id": id}),
]
