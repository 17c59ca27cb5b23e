"""Every failure as a problem document (RFC 9457).

An exception of any library becomes a :class:`Failure`; a failure becomes the body of an answer
with ``type``, ``title``, ``status``, ``detail``, ``code``, ``instance``, ``request_id`` and, where
there are findings, ``problems``. No stack trace, statement or path of this machine gets out.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
from litestar.exceptions import HTTPException

from relatum.http.findings import findings_of_message
from relatum.values.problems import (
    Conflict,
    InvalidInput,
    MalformedRequest,
    NotFound,
    PluginError,
    Problem,
    Refused,
    RelatumError,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("relatum.http")

MEDIA_TYPE = "application/problem+json"
#: Where the page that explains the codes is; a problem's ``type`` points into it.
TYPES_PATH = "/schema/problems"
MOST_PROBLEMS = 200
RETRY_SECONDS = 1

Headers = list[tuple[bytes, bytes]]

#: How to say who one is, for programs; people sign in at a page.
CHALLENGE = (b"www-authenticate", b'Bearer realm="relatum"')


class UnknownParameter(MalformedRequest):
    """The query string names something that the route does not know."""

    code = "unknown-parameter"
    title = "A query parameter is not known"


class MethodNotAllowed(RelatumError):
    """The address exists, but not for this method."""

    status = 405
    code = "method-not-allowed"
    title = "This method is not allowed here"


class TimedOut(RelatumError):
    """The request was not there in time."""

    status = 408
    code = "request-timeout"
    title = "The request took too long to arrive"


class ForeignHost(RelatumError):
    """The request was meant for another host (DNS rebinding looks like this)."""

    status = 421
    code = "foreign-host"
    title = "This is not the host that was asked for"


class UnsupportedMedia(RelatumError):
    """The body is of a form that nobody here reads."""

    status = 415
    code = "unsupported-media-type"
    title = "The body is not JSON"


class KeyReused(InvalidInput):
    """An ``Idempotency-Key`` came back with another request."""

    code = "idempotency-key-reused"
    title = "This Idempotency-Key belongs to another request"


class InternalError(RelatumError):
    """Nobody expected this; the log knows more under the request id."""


class Failure(msgspec.Struct, kw_only=True, frozen=True):
    """An error on its way out."""

    error: RelatumError
    headers: Headers = []
    #: worth a line in the log with the trace of the original exception
    unexpected: bool = False


def failure_of(error: BaseException, *, plugin: str = "") -> Failure:
    """Find out what an exception means for the caller.

    Args:
        error: whatever came out of the application.
        plugin: the plugin (with its version) whose route was running, if any.
    """
    for kinds, translate in _TRANSLATIONS:
        if isinstance(error, kinds):
            known: Failure | None = translate(error)
            if known is not None:
                return known
    if plugin:
        detail = (
            f"The plugin {plugin} failed while it answered. The log of the server says more under "
            "the request id; nothing was written."
        )
        return Failure(error=PluginError(detail), unexpected=True)
    return Failure(error=InternalError(_NOBODY_EXPECTED), unexpected=True)


def body_of(error: RelatumError, *, instance: str, request_id: str) -> bytes:
    """The problem document of an error as JSON."""
    kept = error.problems[:MOST_PROBLEMS]
    document: dict[str, Any] = {
        "type": f"{TYPES_PATH}#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": _detail(error, len(kept)),
        "code": error.code,
        "instance": instance,
        "request_id": request_id,
    }
    if kept:
        document["problems"] = kept
    for name, value in error.extra.items():
        document.setdefault(name, value)
    return _ENCODER.encode(document)


def record(failure: Failure, error: BaseException, *, request_id: str, place: str) -> None:
    """Write to the log what the operator should know; nothing for a mistake of the caller."""
    if failure.unexpected:
        log.error("request %s failed: %s", request_id, place, exc_info=error)
    elif failure.error.status >= 500:
        log.warning("request %s: %s: %s", request_id, place, failure.error.detail)


def every_kind() -> Iterator[type[RelatumError]]:
    """Every kind of problem this room can answer, for the page that explains them."""
    seen: set[str] = set()
    waiting: list[type[RelatumError]] = [RelatumError]
    while waiting:
        kind = waiting.pop(0)
        waiting += kind.__subclasses__()
        if kind.code not in seen:
            seen.add(kind.code)
            yield kind


def _detail(error: RelatumError, kept: int) -> str:
    left_out = len(error.problems) - kept
    return error.detail + (f" ({left_out} more findings are left out.)" if left_out else "")


def _plain(value: object) -> object:
    """What JSON has no form for, in an answer that must not fail."""
    return str(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)


_NOBODY_EXPECTED = (
    "Something went wrong that nobody expected; nothing was written. Try again, and give the "
    "request id to whoever runs this installation: the log says more under it."
)


def _from_relatum(error: RelatumError) -> Failure:
    if error.status == 503:
        return Failure(error=error, headers=_retry())
    if error.status == 401:
        return Failure(error=error, headers=[CHALLENGE])
    if error.status == 429 and isinstance(wait := error.extra.get("retry_after"), int):
        return Failure(error=error, headers=[(b"retry-after", b"%d" % wait)])
    return Failure(error=error, unexpected=error.status >= 500)


def _from_msgspec(error: msgspec.ValidationError) -> Failure:
    problems = [findings_of_message(str(error))]
    return Failure(error=InvalidInput("A value is not acceptable.", problems=problems))


def _from_undecodable(error: msgspec.DecodeError) -> Failure:
    return Failure(error=MalformedRequest(f"The request cannot be read: {error}."))


def _from_litestar(error: HTTPException) -> Failure | None:
    if error.status_code >= 500:
        return None
    headers = _encoded(error.headers or {})
    translate = _BY_STATUS.get(error.status_code)
    if translate is not None:
        return Failure(error=translate(error), headers=headers)
    return Failure(error=_chosen(error.status_code)(str(error.detail)), headers=headers)


@functools.cache
def _chosen(status: int) -> type[RelatumError]:
    """A status that a plugin chose and core never does keeps its number."""
    return type(f"_Status{status}", (Refused,), {"status": status})


def _bad_request(error: HTTPException) -> RelatumError:
    extra = error.extra
    if not isinstance(extra, list) or not extra:
        return MalformedRequest(f"The request cannot be read: {error.detail}.")
    problems = [_parameter_problem(item) for item in extra if isinstance(item, Mapping)]
    return InvalidInput("A value is not acceptable.", problems=problems)


def _parameter_problem(item: Mapping[str, Any]) -> Problem:
    """One of Litestar's messages about a parameter or a part of the body."""
    found = findings_of_message(str(item.get("message", "")))
    key = str(item.get("key", "")).strip(".")
    if item.get("source") != "body":
        return msgspec.structs.replace(found, where=key)
    pointer = "/" + key.replace("].", "/").replace("[", "/").replace("]", "").replace(".", "/")
    return msgspec.structs.replace(found, where="" if key in ("", "data") else pointer)


def _nothing_here(error: HTTPException) -> RelatumError:
    said = str(error.detail)
    if said and said != "Not Found":
        return NotFound(said)
    return NotFound("There is nothing at this address; /schema lists what there is.")


def _wrong_method(error: HTTPException) -> RelatumError:
    allowed = (error.headers or {}).get("allow", "")
    return MethodNotAllowed(f"This address takes {allowed or 'other methods'} only.")


def _too_large(error: HTTPException) -> RelatumError:
    return TooLarge("The body is larger than this installation accepts; send it in parts.")


_BY_STATUS: dict[int, Callable[[HTTPException], RelatumError]] = {
    400: _bad_request,
    401: lambda error: Unauthenticated(str(error.detail)),
    403: lambda error: Refused(str(error.detail)),
    404: _nothing_here,
    405: _wrong_method,
    409: lambda error: Conflict(str(error.detail)),
    413: _too_large,
    415: lambda error: UnsupportedMedia(str(error.detail)),
    422: _bad_request,
    429: lambda error: TooMany(str(error.detail)),
}


def _from_sqlite(error: sqlite3.Error) -> Failure | None:
    if isinstance(error, sqlite3.IntegrityError):
        return _broken_rule()
    if isinstance(error, sqlite3.OperationalError | sqlite3.InterfaceError):
        return _no_database(_sqlite_reason(error))
    if "closed" in str(error):
        return _no_database("it is closed")
    return None


def _sqlite_reason(error: sqlite3.Error) -> str:
    name = str(getattr(error, "sqlite_errorname", ""))
    for begin, reason in _SQLITE_REASONS.items():
        if name.startswith(begin):
            return reason
    return ""


_SQLITE_REASONS = {
    "SQLITE_BUSY": "another process is writing to it",
    "SQLITE_LOCKED": "it is locked",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "it cannot be written to",
    "SQLITE_IOERR": "the disk does not answer as it should",
    "SQLITE_CANTOPEN": "its file cannot be opened",
}


def _no_database(reason: str) -> Failure | None:
    if not reason:
        return None
    detail = f"The database is not available at the moment ({reason}). Try again in a little while."
    return Failure(error=Unavailable(detail), headers=_retry())


def _broken_rule() -> Failure:
    return Failure(
        error=Conflict(
            "The database refused this: it would break a rule between rows (something that must "
            "be unique is there already, or something that is pointed at is not there). Read the "
            "data again and send the request anew."
        )
    )


def _from_postgres(error: Exception) -> Failure | None:
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return _broken_rule()
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return _no_database("the server takes no writes: it follows another one")
    if isinstance(error, _POSTGRES_AWAY):
        return _no_database("the server does not answer or is busy")
    if isinstance(error, asyncpg.DataError):
        return Failure(
            error=InvalidInput(
                "A value does not fit into the database: a number is too large, or a text holds "
                "a character that cannot be stored."
            )
        )
    return None


_POSTGRES_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
)


def _from_connection(_: Exception) -> Failure | None:
    return _no_database("the server cannot be reached")


def _from_overflow(error: Exception) -> Failure | None:
    if "SQLite" not in str(error):
        return None
    return Failure(error=InvalidInput("A number is larger than this installation can store."))


def _retry() -> Headers:
    return [(b"retry-after", b"%d" % RETRY_SECONDS)]


def _encoded(headers: Mapping[str, str]) -> Headers:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]


_TRANSLATIONS: Sequence[tuple[Any, Any]] = (
    (RelatumError, _from_relatum),
    (HTTPException, _from_litestar),
    (msgspec.ValidationError, _from_msgspec),
    (msgspec.DecodeError, _from_undecodable),
    (sqlite3.Error, _from_sqlite),
    ((asyncpg.PostgresError, asyncpg.InterfaceError), _from_postgres),
    (ConnectionError, _from_connection),
    (OverflowError, _from_overflow),
)
