"""Bringing data in: the list of imports, and the steps of one from a file to its end."""

from __future__ import annotations

from relatum.web.pages.imports import listing, mapping, show, upload

ROUTES = [*listing.ROUTES, *upload.ROUTES, *mapping.ROUTES, *show.ROUTES]
