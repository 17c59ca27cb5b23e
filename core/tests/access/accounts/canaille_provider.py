"""Runs Canaille, an identity provider, on this machine: ``python canaille_provider.py PORT``.

Configured by a line of JSON on standard input: ``{"client": {…}, "users": [{…}]}``. Prints
``ready``, and lives until its standard input is closed.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from typing import Any

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.oidc import provider
from canaille.oidc.userinfo import generate_user_claims
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

PORT = int(sys.argv[1])
CONFIG = {
    "SECRET_KEY": "only for tests on this machine",
    "SERVER_NAME": f"127.0.0.1:{PORT}",
    "PREFERRED_URL_SCHEME": "http",
    "SESSION_COOKIE_SECURE": False,
    "WTF_CSRF_ENABLED": True,
    "CANAILLE": {
        "DATABASE": "memory",
        "ENABLE_PASSWORD_COMPROMISSION_CHECK": False,
        "HTMX": False,
        "LOGGING": {
            "version": 1,
            "root": {"level": "ERROR", "handlers": []},
            "disable_existing_loggers": False,
        },
    },
    "CANAILLE_OIDC": {
        "ACTIVE_JWKS": [RSAKey.generate_key(2048).as_dict(private=True)],
    },
}


def claims_of(user: models.User, *rest: object) -> dict[str, object]:
    """Canaille says nothing of whether an e-mail is verified; here the title does."""
    claims: dict[str, object] = generate_user_claims(user, *rest)
    if user.title != "silent":
        claims["email_verified"] = user.title == "verified"
    return claims


def every_condition(query: Any) -> Any:
    """Its memory finds what fits any condition of a query; a code must fit all of them."""

    def do_query(model: Any, *args: object, **conditions: object) -> list[Any]:
        if not conditions:
            return list(query(model, *args))
        found = [
            {each.id: each for each in query(model, *args, **{name: value})}
            for name, value in conditions.items()
        ]
        return [each for id, each in found[0].items() if all(id in other for other in found)]

    return do_query


def main() -> None:
    """Serve until nobody needs it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    provider.generate_user_claims = claims_of
    wanted = json.loads(sys.stdin.readline())
    app = create_app(CONFIG)
    Backend.instance.do_query = every_condition(Backend.instance.do_query)
    with app.app_context():
        for user in wanted["users"]:
            Backend.instance.save(models.User(**user))
        client = models.Client(**wanted["client"])
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)
    server = make_server("127.0.0.1", PORT, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.shutdown()


main()
