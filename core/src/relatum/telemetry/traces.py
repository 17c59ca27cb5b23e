"""Traces: which request, statement, job and batch of a handler took how long, and came from what.

They need the extra ``relatum[otel]`` and are off unless the settings or the standard ``OTEL_…``
variables of the environment switch them on. While they are off nothing of OpenTelemetry is
imported, and :func:`span` gives back one and the same empty block.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

from relatum.values.problems import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

    from relatum.config.settings import Traces
    from relatum.telemetry.process import Process

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool

NAME = "relatum"
#: Exporting goes over HTTP; this is the variable that says where to.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

#: For sending the last spans when the process ends.
LAST_SECONDS = 3.0

_NOTHING: AbstractContextManager[None] = contextlib.nullcontext()
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class _State:
    tracer: Tracer | None = None
    provider: TracerProvider | None = None
    #: ends the tries to send what nobody takes
    give_up: Callable[[], None] = staticmethod(lambda: None)


def are_wanted(settings: Traces, env: Mapping[str, str]) -> bool:
    """Whether the settings, or the environment where they say nothing, switch traces on."""
    if settings.on is not None:
        return settings.on
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = env.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter:
        return exporter != "none"
    return any(env.get(name, "").strip() for name in ENDPOINTS)


def switch_on(process: Process, version: str) -> None:
    """Send traces to where the ``OTEL_EXPORTER_OTLP_…`` variables say (this machine otherwise).

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            "expected the libraries of OpenTelemetry, because traces are switched on, got none; "
            "install them with `pip install 'relatum[otel]'`, or set traces.on = false"
        ) from error
    resource = Resource.create(
        {
            "service.version": version,
            "service.instance.id": process.id,
            "relatum.role": process.role,
        }
        | ({} if _is_named() else {"service.name": NAME})
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    use(provider)
    _State.give_up = exporter.shutdown


def _is_named() -> bool:
    import os

    said = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return bool(os.environ.get("OTEL_SERVICE_NAME", "").strip()) or "service.name=" in said


def use(provider: TracerProvider | None) -> None:
    """Make spans with this provider from now on; ``None`` switches traces off."""
    _State.provider = provider
    _State.tracer = None if provider is None else provider.get_tracer(NAME)


def switch_off() -> None:
    """Send what is there and end; blocks for :data:`LAST_SECONDS` when nobody listens."""
    provider, give_up = _State.provider, _State.give_up
    use(None)
    if provider is None:
        return
    timer = threading.Timer(LAST_SECONDS, give_up)
    timer.daemon = True
    timer.start()
    try:
        provider.shutdown()
    finally:
        timer.cancel()


def is_on() -> bool:
    """Whether spans are made."""
    return _State.tracer is not None


def span(
    name: str, *, parent: str = "", kind: Kind = "internal", **attributes: Value
) -> AbstractContextManager[Any]:
    """A block that takes time; an exception that leaves it is noted by its type.

    Args:
        name: of few kinds (a job's id, a route's template), never with ids.
        parent: a ``traceparent`` from elsewhere; the surrounding span when it is empty.
        attributes: without anything of people; ``__`` in a name becomes ``.``.
    """
    if _State.tracer is None:
        return _NOTHING
    return _span(name, parent, kind, attributes)


@contextlib.contextmanager
def _span(name: str, parent: str, kind: Kind, attributes: Mapping[str, Value]) -> Iterator[Any]:
    from opentelemetry import trace

    tracer = _State.tracer
    if tracer is None:  # switched off in between
        yield None
        return
    with tracer.start_as_current_span(
        name,
        context=_context_of(parent),
        kind=trace.SpanKind[kind.upper()],
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        # its text may tell of people; the log has it, with the id of this trace
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as error:
            made.set_status(trace.StatusCode.ERROR)
            made.set_attribute("error.type", type(error).__name__)
            raise


def past(name: str, seconds: float, *, kind: Kind = "internal", **attributes: Value) -> None:
    """Add a span that has just ended, below that of this moment; for what is measured anyway."""
    tracer = _State.tracer
    if tracer is None:
        return
    from opentelemetry import trace

    if not trace.get_current_span().is_recording():
        return  # nobody asked for it: a poll, or a request that is not sampled
    end = time.time_ns()
    made = tracer.start_span(
        name,
        kind=trace.SpanKind[kind.upper()],
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        start_time=end - int(seconds * 1e9),
    )
    made.end(end_time=end)


def note(**attributes: Value) -> None:
    """Add to the span of this moment what is known only now."""
    if _State.tracer is None:
        return
    from opentelemetry import trace

    made = trace.get_current_span()
    made.set_attributes({key.replace("__", "."): value for key, value in attributes.items()})


def rename(name: str, *, failed: bool) -> None:
    """Give the span of this moment the name that is known only now, and say whether it failed."""
    if _State.tracer is None:
        return
    from opentelemetry import trace

    made = trace.get_current_span()
    made.update_name(name)
    if failed:
        made.set_status(trace.StatusCode.ERROR)


def current_trace() -> str:
    """The span of this moment as a W3C ``traceparent``, for carrying it elsewhere; ``""`` when
    there is none."""
    if _State.tracer is None:
        return ""
    from opentelemetry import trace

    made = trace.get_current_span().get_span_context()
    if not made.is_valid:
        return ""
    return f"00-{made.trace_id:032x}-{made.span_id:016x}-{int(made.trace_flags):02x}"


def ids_of_trace() -> dict[str, str]:
    """The trace and span of this moment as a log entry carries them."""
    _, _, rest = current_trace().partition("-")
    trace_id, _, rest = rest.partition("-")
    return {"trace_id": trace_id, "span_id": rest.partition("-")[0]} if trace_id else {}


def _context_of(parent: str) -> Any:
    if not _TRACEPARENT.fullmatch(parent):
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})
