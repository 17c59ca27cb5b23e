"""The pages, one module for each noun; ``ROUTES`` is all of them."""

from __future__ import annotations

from relatum.web.pages import (
    account,
    audit,
    documentation,
    exports,
    files,
    home,
    links,
    openid,
    people,
    roles,
    rules,
    sign_in,
    teams,
)

ROUTES = [
    *home.ROUTES,
    *sign_in.ROUTES,
    *openid.ROUTES,
    *links.ROUTES,
    *account.ROUTES,
    *people.ROUTES,
    *teams.ROUTES,
    *roles.ROUTES,
    *rules.ROUTES,
    *audit.ROUTES,
    *exports.ROUTES,
    *documentation.ROUTES,
    *files.ROUTES,
]
