"""The pages of customers: the list with its views and actions, and the page of one."""

from __future__ import annotations

from relatum.web.pages.customers import (
    archived,
    bulk,
    cells,
    contact,
    data,
    edit,
    erasing,
    links,
    merges,
    notes,
    show,
    views,
)
from relatum.web.pages.customers import list as listing

ROUTES = [
    *listing.ROUTES,
    *views.ROUTES,
    *cells.ROUTES,
    *bulk.ROUTES,
    *show.ROUTES,
    *notes.ROUTES,
    *edit.ROUTES,
    *archived.ROUTES,
    *links.ROUTES,
    *merges.ROUTES,
    *contact.ROUTES,
    *erasing.ROUTES,
    *data.ROUTES,
]
