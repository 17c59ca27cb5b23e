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
from relatum.telemetry.access import ACCESS
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


def configure_logging(settings: Log, process: Process | None = None) -> None:
    """Send the log to standard error, in the form that the settings name."""
    redact_log()
    handler = logging.StreamHandler()
    handler.setFormatter(_Json(process) if settings.format == "json" else _Text())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    logging.getLogger("piccolo").setLevel(logging.WARNING)
    # it warns of every connection that it cannot reuse
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    ACCESS.follow(settings, process)


class _Text(logging.Formatter):
    """One line, with the ids in brackets at its end; a trace below."""

    def __init__(self) -> None:
        super().__init__("%(moment)s %(levelname)s %(name)s: %(message)s%(about)s")

    def format(self, record: logging.LogRecord) -> str:
        ids = _ids(record)
        text = " ".join(f"{name}={value}" for name, value in ids.items())
        record.about = f" [{text}]" if text else ""
        record.moment = _moment(record)
        return super().format(record)


class _Json(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, process: Process | None) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": _moment(record),
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


def _moment(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return moment.isoformat(timespec="milliseconds")


def _ids(record: logging.LogRecord) -> dict[str, str]:
    ids = dict(_about.get())
    if "plugin" not in ids and record.name.startswith(PLUGIN_LOGGER):
        ids["plugin"] = record.name.removeprefix(PLUGIN_LOGGER).partition(".")[0]
    return ids | ids_of_trace()
