"""The pages, one module for each noun; ``ROUTES`` is all of them."""

from __future__ import annotations

from relatum.web.pages import documentation, files, home

ROUTES = [*home.ROUTES, *documentation.ROUTES, *files.ROUTES]
