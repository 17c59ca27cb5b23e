"""Cases of the pages of the sales pipeline."""

from __future__ import annotations

from tests.security.bodies import Body, just

PAGES = "/p/sales_pipeline"
API = "/api/v1/plugins/sales_pipeline"

SALES_ROWS: dict[tuple[str, str], str] = {
    (f"{PAGES}/deals/", "id"): "sales_pipeline_deal",
    (f"{PAGES}/leads/", "id"): "sales_pipeline_lead",
}
#: A deal that nobody has touched is in its version; others say so (409).
SALES_VALUES: dict[tuple[str, str], list[str] | str] = {
    (f"{PAGES}/deals/", "version"): ["1"],
    (f"{API}/targets/", "team_id"): "SELECT id FROM sales_pipeline_team",
    (f"{API}/targets/", "month"): ["2026-11"],
    (f"{API}/targets/", "currency"): ["VND"],
    (f"{PAGES}/deals/", "stage"): ["engaging"],
    (f"{PAGES}/deals/undo/", "after"): ["0"],
    (f"{PAGES}/deals/undo/", "until"): ["1"],
    (f"{PAGES}/setup/questions/", "key"): "SELECT key FROM sales_pipeline_question",
    (f"{PAGES}/setup/prices/", "id"): "SELECT id FROM sales_pipeline_price_list",
    (f"{PAGES}/setup/price/", "id"): "SELECT id FROM sales_pipeline_price",
    (f"{PAGES}/setup/products/", "id"): "SELECT id FROM sales_pipeline_product",
}
_PAGE = (200, 302, 303)
_TITLE = Body(lambda known: {"title": known.new}, ok=_PAGE, kind="form")
_NAME = Body(lambda known: {"name": known.new}, ok=_PAGE, kind="form")
_QUESTION = Body(
    lambda known: {"title": known.new, "weight": "10", "c0_title": "Có", "c1_title": "Không"},
    ok=_PAGE,
    kind="form",
)

SALES_BODIES: dict[tuple[str, str], Body] = {
    ("POST", f"{PAGES}/deals/bulk"): Body(
        lambda known: {"action": "owner", "ids": known.ids["sales_pipeline_deal"]},
        ok=_PAGE,
        kind="form",
    ),
    ("POST", f"{PAGES}/deals/bulk/do"): Body(
        lambda known: {
            "action": "stage",
            "stage": "engaging",
            "ids": known.ids["sales_pipeline_deal"],
        },
        # a deal that is hidden is not there: nothing is chosen
        ok=(*_PAGE, 422),
        kind="form",
    ),
    # numbers of the log between which nothing of this person happened
    ("POST", PAGES + "/deals/undo/{after}/{until}"): Body(None, ok=(*_PAGE, 404), kind="form"),
    ("POST", f"{PAGES}/deals/csv"): just({"why": "kiểm thử"}, ok=(*_PAGE, 403, 409), kind="form"),
    ("POST", f"{PAGES}/deals/new"): _NAME,
    ("POST", PAGES + "/deals/{id}/edit"): _NAME,
    ("POST", PAGES + "/deals/{id}/move"): just({"stage": "engaging"}, ok=_PAGE, kind="form"),
    ("POST", PAGES + "/deals/{id}/back/{version}/{stage}"): Body(
        None, ok=(*_PAGE, 409, 422), kind="form"
    ),
    ("POST", PAGES + "/deals/{id}/activities"): Body(
        lambda known: {"summary": known.new}, ok=_PAGE, kind="form"
    ),
    ("POST", PAGES + "/deals/{id}/lines"): Body(
        lambda known: {"product": known.ids["sales_pipeline_product"], "quantity": "2"},
        ok=_PAGE,
        kind="form",
    ),
    ("POST", f"{PAGES}/leads/new"): Body(
        lambda known: {"customer": known.new, "fresh": "on"}, ok=_PAGE, kind="form"
    ),
    ("POST", PAGES + "/leads/{id}"): Body(
        lambda known: {"source": known.new}, ok=(*_PAGE, 409), kind="form"
    ),
    ("POST", PAGES + "/leads/{id}/qualify"): just(
        {"q_asked_price": "no"}, ok=(*_PAGE, 409), kind="form"
    ),
    ("POST", PAGES + "/leads/{id}/convert"): Body(
        lambda known: {"name": known.new}, ok=(*_PAGE, 409), kind="form"
    ),
    ("PUT", API + "/targets/{team_id}/{month}/{currency}"): Body(lambda known: {"amount": 1}),
    ("POST", f"{PAGES}/targets"): Body(lambda known: {"base": "{}"}, ok=_PAGE, kind="form"),
    ("POST", f"{PAGES}/setup/stage"): Body(
        lambda known: {"pipeline": "sales", "title": known.new}, ok=_PAGE, kind="form"
    ),
    ("POST", f"{PAGES}/setup/pipeline"): _TITLE,
    ("POST", f"{PAGES}/setup/reason"): _TITLE,
    ("POST", f"{PAGES}/setup/product"): _NAME,
    ("POST", f"{PAGES}/setup/questions/new"): _QUESTION,
    ("POST", PAGES + "/setup/questions/{key}"): _QUESTION,
    ("POST", PAGES + "/setup/questions/{key}/earlier"): Body(None, ok=_PAGE, kind="form"),
    ("POST", PAGES + "/setup/questions/{key}/later"): Body(None, ok=_PAGE, kind="form"),
    ("POST", f"{PAGES}/setup/prices"): _NAME,
    ("POST", PAGES + "/setup/prices/{id}"): _NAME,
    ("POST", PAGES + "/setup/prices/{id}/earlier"): Body(None, ok=_PAGE, kind="form"),
    ("POST", PAGES + "/setup/prices/{id}/later"): Body(None, ok=_PAGE, kind="form"),
    ("POST", PAGES + "/setup/prices/{id}/add"): Body(
        lambda known: {"product": known.ids["sales_pipeline_product"], "amount": "12"},
        # the product has a price for these days already
        ok=(*_PAGE, 422),
        kind="form",
    ),
    ("POST", PAGES + "/setup/price/{id}"): just({"amount": "12"}, ok=_PAGE, kind="form"),
    ("POST", PAGES + "/setup/price/{id}/remove"): Body(None, ok=(*_PAGE, 404), kind="form"),
    ("POST", PAGES + "/setup/products/{id}"): _NAME,
    ("POST", f"{PAGES}/setup/team"): _NAME,
    ("POST", f"{PAGES}/setup/member"): _NAME,
}
