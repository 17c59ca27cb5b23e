"""Secrets do not reach the log, however they get into a message."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from relatum.config.redaction import redact_log, redacted
from relatum.config.settings import Log
from relatum.telemetry.logs import configure_logging

CANARY = "Qm9ndXNTZWNyZXQ"

TEXTS = [
    f"Authorization: Bearer {CANARY}",
    f"authorization: Basic {CANARY}==",
    f"[(b'host', b'x'), (b'authorization', b'Bearer {CANARY}'), (b'accept', b'*/*')]",
    f"{{'Authorization': 'Bearer {CANARY}', 'accept': '*/*'}}",
    f"sent bearer {CANARY} and failed",
    f"token rlt_{CANARY}abc was refused",
    f"Cookie: relatum_session={CANARY}; theme=dark",
    f"(b'cookie', b'relatum_session={CANARY}; a=b')",
    f"set-cookie: relatum_session={CANARY}; HttpOnly",
    f"relatum_ticket={CANARY}",
    f"cannot reach postgresql://relatum:{CANARY}@db.example/crm",
    f"cannot reach postgresql://relatum:a/b{CANARY}@db.example/crm",
    f"redis://:{CANARY}@cache:6379/0",
    f"GET /setup?key={CANARY} 200",
    f"GET /invitation/{CANARY} 200",
    f"https://crm.example/password-reset/{CANARY}",
    f"GET /api/v1/exports/7/file?expires=1&signature={CANARY}",
    f"GET /sign-in/oidc/callback?state=x&code={CANARY}",
    f"otpauth://totp/Relatum:lan@example.com?secret={CANARY}&issuer=Relatum",
    f'{{"email": "lan@example.com", "password": "{CANARY} {CANARY}"}}',
    f"SignInDraft(email='lan@example.com', password='{CANARY}')",
    f"password={CANARY}&email=lan%40example.com",
    f"new_password={CANARY}",
    f"client_secret = '{CANARY}'",
    f"X-Relatum-CSRF: '{CANARY}'",
]

#: What has to stay readable.
HARMLESS = [
    "Relatum at http://127.0.0.1:8000",
    "GET http://127.0.0.1:8000/api/v1/customers?q=a@b.vn 200",
    "handler sales_pipeline.last_activity failed on event 12",
    "expected a password: at least 10 characters, got 4",
    "code='bad-setting', where='relatum.toml, server.port'",
    "postgresql://relatum@db.example/crm answers",
    "GET /setup 200",
    "a cookie is a small cake",
    "RELATUM_HOME=/var/lib/relatum",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_secret_stays(text: str) -> None:
    clean = redacted(text)
    assert CANARY not in clean
    assert "***" in clean
    assert redacted(clean) == clean


@pytest.mark.parametrize("text", HARMLESS)
def test_the_rest_stays(text: str) -> None:
    assert redacted(text) == text


def test_what_stands_beside_a_secret_stays() -> None:
    text = redacted(f"cannot reach postgresql://relatum:{CANARY}@db.example/crm: refused")
    assert text == "cannot reach postgresql://relatum:***@db.example/crm: refused"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the server's log writes."""
    root = logging.getLogger()
    handlers, level, factory = root.handlers, root.level, logging.getLogRecordFactory()
    stream = io.StringIO()
    yield stream
    root.handlers, root.level = handlers, level
    logging.setLogRecordFactory(factory)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_servers_log(stream: io.StringIO, form: str) -> None:
    configure_logging(Log(format=form, level="debug"))  # type: ignore[arg-type]
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    log = logging.getLogger("relatum.plugin.careless")
    for text in TEXTS:
        log.info(text)
        log.info("got %s", text)
        log.info("got %r", {"headers": text})
        log.warning("%s", ValueError(text))
    try:
        raise ConnectionError(f"postgresql://relatum:{CANARY}@db.example/crm")
    except ConnectionError:
        log.exception("it failed")
        log.info("and the stack", stack_info=True)
    log.info("%d and %s", "arguments that do not fit", f"rlt_{CANARY}")
    log.info("finished with %d", 7)
    written = stream.getvalue()
    assert CANARY not in written
    assert "ConnectionError" in written
    assert "finished with 7" in written
    assert len(written.splitlines()) >= 4 * len(TEXTS)


def test_is_installed_once() -> None:
    before = logging.getLogRecordFactory()
    try:
        redact_log()
        once = logging.getLogRecordFactory()
        redact_log()
        assert logging.getLogRecordFactory() is once
    finally:
        logging.setLogRecordFactory(before)
