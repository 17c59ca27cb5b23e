"""What the sales pipeline adds to the screens; thin: the services do the work."""

from relatum.api import WebPage
from relatum_sales_pipeline.screens import (
    analysis,
    board,
    customer,
    deal,
    deal_form,
    deals,
    deals_bulk,
    deals_csv,
    forecast,
    leads,
    metrics,
    moves,
    price_lists,
    products,
    questions,
    rows,
    setup,
    targets,
    widgets,
)

PAGES: list[WebPage] = [
    *leads.PAGES,
    *board.PAGES,
    *deals.PAGES,
    *deals_csv.PAGES,
    *deals_bulk.PAGES,
    *deal_form.PAGES,
    *deal.PAGES,
    *moves.PAGES,
    *forecast.PAGES,
    *targets.PAGES,
    *analysis.PAGES,
    *rows.PAGES,
    *setup.PAGES,
    *questions.PAGES,
    *price_lists.PAGES,
    *products.PAGES,
]
PANELS = customer.PANELS
COLUMNS = customer.COLUMNS
COMMANDS = customer.COMMANDS
BULK_ACTIONS = customer.BULK_ACTIONS
METRICS = metrics.METRICS
WIDGETS = widgets.WIDGETS
