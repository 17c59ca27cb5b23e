"""The pages, one module for each noun; ``ROUTES`` is all of them."""

from __future__ import annotations

from relatum.web.pages import account, documentation, files, home, links, people, sign_in

ROUTES = [
    *home.ROUTES,
    *sign_in.ROUTES,
    *links.ROUTES,
    *account.ROUTES,
    *people.ROUTES,
    *documentation.ROUTES,
    *files.ROUTES,
]
