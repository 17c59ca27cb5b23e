"""The log of a process: one line, or one JSON object, an entry; no secrets in it.

Every entry says what it is about: the ids that :func:`about` was given around it (request, job and
run, handler and events, plugin), the process, and the trace when there is one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from relatum.config.redaction import redact_log
from relatum.telemetry.traces import ids_of_trace

if TYPE_CHECKING:
    from relatum.config.settings import Log
    from relatum.telemetry.process import Process

PLUGIN_LOGGER = "relatum.plugin."

_NOTHING: Mapping[str, str] = {}
_about: ContextVar[Mapping[str, str]] = ContextVar("relatum_log", default=_NOTHING)


@contextlib.contextmanager
def about(**ids: str) -> Iterator[None]:
    """What every log entry inside is about: ``about(job="core.seal", run="…", plugin="core")``.

    Added to what the surrounding block says; empty texts are left out.
    """
    outer = _about.get()
    reset = _about.set({**outer, **{name: text for name, text in ids.items() if text}})
    try:
        yield
    finally:
        _about.reset(reset)


#: For the edge, which cannot afford a generator for each request.
set_about = _about.set
reset_about = _about.reset


def about_now() -> Mapping[str, str]:
    """The ids of this moment."""
    return _about.get()


class AccessLog:
    """Whether and at which level a request gets a line of its own."""

    def __init__(self) -> None:
        self.log = logging.getLogger("relatum.access")
        self.level = 0

    def follow(self, settings: Log) -> None:
        """Take over what the settings say."""
        self.level = (
            0 if settings.access == "off" else logging.getLevelName(settings.access.upper())
        )

    @property
    def on(self) -> bool:
        """Whether a line would be written."""
        return bool(self.level) and self.log.isEnabledFor(self.level)


#: Of this process.
ACCESS = AccessLog()


def configure_logging(settings: Log, process: Process | None = None) -> None:
    """Send the log to standard error, in the form that the settings name."""
    redact_log()
    handler = logging.StreamHandler()
    handler.setFormatter((_Json if settings.format == "json" else _Text)(process))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    logging.getLogger("piccolo").setLevel(logging.WARNING)
    # it warns of every connection that it cannot reuse
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    ACCESS.follow(settings)


class _Text(logging.Formatter):
    """One line, with the ids in brackets at its end; a trace below."""

    def __init__(self, process: Process | None) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(about)s")
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        ids = _ids(record)
        text = " ".join(f"{name}={value}" for name, value in ids.items())
        record.about = f" [{text}]" if text else ""
        return super().format(record)


class _Json(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, process: Process | None) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        entry: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._process is not None:
            entry["role"] = self._process.role
            entry["process"] = self._process.id
        entry.update(_ids(record))
        entry.update(getattr(record, "fields", _NOTHING))
        if record.exc_info:
            entry["trace"] = record.exc_text or self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = record.stack_info
        return json.dumps(entry, ensure_ascii=False, default=str)


def _ids(record: logging.LogRecord) -> dict[str, str]:
    ids = dict(_about.get())
    if "plugin" not in ids and record.name.startswith(PLUGIN_LOGGER):
        ids["plugin"] = record.name.removeprefix(PLUGIN_LOGGER).partition(".")[0]
    return ids | ids_of_trace()
