"""One's own account: who one is, what keeps others out, tokens, what happened lately."""

from __future__ import annotations

from relatum.web.pages.account import profile, security, tokens

ROUTES = [*profile.ROUTES, *security.ROUTES, *tokens.ROUTES]
