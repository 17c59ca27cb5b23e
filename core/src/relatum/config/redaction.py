"""What must not stand in a log: passwords, tokens, cookies, keys in addresses, one-time links.

Secrets are kept out of messages where they are written. This is the net under that: it looks at
every finished message and traceback, whoever wrote it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

HIDDEN = "***"

_SENSITIVE = r"[\w-]*(?:password|passwd|passphrase|secret|api[_-]?key|csrf|totp|otp|token)"
#: Parameters of addresses whose values open something.
_KEYS_IN_ADDRESSES = (
    r"(?:[\w-]*token|code|state|nonce|ticket|secret|signature|sig|signed|key|link|password|csrf)"
)
_QUOTED = r"""b?(?:"[^"]*"|'[^']*')"""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # postgresql://user:password@host; a port with a path behind it is none
    (
        re.compile(r"([a-z][a-z0-9+.-]*://[^\s/:@'\"]*):(?!\d{1,5}(?:[/?#\s'\"]|$))[^\s@'\"]*@"),
        rf"\1:{HIDDEN}@",
    ),
    # rlt_…, wherever it stands
    (re.compile(r"\brlt_[\w-]{6,}"), f"rlt_{HIDDEN}"),
    # Authorization: Bearer …, also as a pair of bytes or of texts
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization)(['\"]?\s*[:=,]\s*(?:b?['\"])?)"
            r"(?:(?:bearer|basic|digest|token)\s+)?[^\s'\",;)]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    # a Cookie header, with everything in it
    (
        re.compile(r"(?i)\b((?:set-)?cookie)(['\"]?\s*[:,]\s*(?:b?['\"])?)[^'\"\r\n)]+"),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"\b(relatum_[a-z_]+)=[^\s;&'\",)]+"), rf"\1={HIDDEN}"),
    # /invitation/…, /password-reset/…, /setup?…
    (
        re.compile(r"(/(?:setup|invitation|password-reset)[/?](?:[a-z]+=)?)[\w.~%-]{8,}"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(rf"(?i)([?&]{_KEYS_IN_ADDRESSES}=)[^&\s'\"#]+"), rf"\1{HIDDEN}"),
    # password='…', "password": "…", password=…
    (re.compile(rf"(?i)\b({_SENSITIVE})(['\"]?\s*[=:]\s*){_QUOTED}"), rf"\1\2'{HIDDEN}'"),
    (re.compile(rf"(?i)\b({_SENSITIVE})=(?!'\*)[^\s,;&'\")\]}}]+"), rf"\1={HIDDEN}"),
)


def redacted(text: str) -> str:
    """``text`` with ``***`` for every secret that can be told by how or where it stands."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_log() -> None:
    """From now on no log record of this process carries secrets, whoever handles it."""
    current = logging.getLogRecordFactory()
    if not isinstance(current, _Redacting):
        logging.setLogRecordFactory(_Redacting(current))


class _Redacting:
    """Makes log records, with their message and traceback finished and looked through."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self.make = make
        self._formatter = logging.Formatter()

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.make(*args, **kwargs)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments that do not fit; logging must not raise
            message = f"{record.msg} {record.args}"
        clean = redacted(message)
        if clean != message or not _fits(record):
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0] is not None:
            # Formatters take the text that is there already.
            record.exc_text = redacted(self._formatter.formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        return record


def _fits(record: logging.LogRecord) -> bool:
    try:
        record.getMessage()
    except Exception:  # noqa: BLE001 - as above
        return False
    return True
