"""The log of a process: one line, or one JSON object, an entry; no secrets in it."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from relatum.config.redaction import redact_log

if TYPE_CHECKING:
    from relatum.config.settings import Log


def configure_logging(settings: Log) -> None:
    """Send the log to standard error, one line (or one JSON object) an entry; no secrets in it."""
    redact_log()
    handler = logging.StreamHandler()
    if settings.format == "json":
        handler.setFormatter(_JsonLines())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    logging.getLogger("piccolo").setLevel(logging.WARNING)


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["trace"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)
