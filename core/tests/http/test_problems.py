"""What each exception means for the caller."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import asyncpg
import msgspec
import pytest
from litestar import exceptions as litestar

from relatum.http.problems import MOST_PROBLEMS, body_of, every_kind, failure_of
from relatum.values.problems import Conflict, InvalidInput, PluginError, Problem, RelatumError


def document(error: BaseException, plugin: str = "") -> dict[str, object]:
    failure = failure_of(error, plugin=plugin)
    read: dict[str, object] = json.loads(
        body_of(failure.error, instance="/api/v1/x", request_id="r-1")
    )
    return read


def test_a_problem_document_has_all_its_parts() -> None:
    problem = Problem(code="wrong", message="m", where="/a", expected="e", got="g", mend="d")
    error = InvalidInput("Mend it.", problems=[problem], extra={"hint": 5, "status": "never"})
    assert document(error) == {
        "type": "/schema/problems#invalid-input",
        "title": "A value is not acceptable",
        "status": 422,
        "detail": "Mend it.",
        "code": "invalid-input",
        "instance": "/api/v1/x",
        "request_id": "r-1",
        "problems": [
            {
                "code": "wrong",
                "message": "m",
                "where": "/a",
                "expected": "e",
                "got": "g",
                "mend": "d",
            }
        ],
        "hint": 5,
    }


def test_very_many_findings_are_cut() -> None:
    error = InvalidInput("Bad.", problems=[Problem(code="x", message="m")] * (MOST_PROBLEMS + 7))
    told = document(error)
    assert len(told["problems"]) == MOST_PROBLEMS  # type: ignore[arg-type]
    assert "7 more" in str(told["detail"])


def sqlite_error(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("text of SQLite with SELECT in it")
    error.sqlite_errorname = name  # type: ignore[misc]
    return error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("c"), 409, "conflict"),
        (litestar.NotFoundException(), 404, "not-found"),
        (litestar.MethodNotAllowedException(headers={"allow": "GET"}), 405, "method-not-allowed"),
        (litestar.ClientException("x"), 400, "malformed-request"),
        (litestar.NotAuthorizedException(), 401, "sign-in-required"),
        (litestar.PermissionDeniedException(), 403, "refused"),
        (litestar.TooManyRequestsException(), 429, "too-many-requests"),
        (litestar.HTTPException(status_code=413), 413, "too-large"),
        (litestar.HTTPException(status_code=415), 415, "unsupported-media-type"),
        (litestar.HTTPException(status_code=418, detail="tea"), 418, "refused"),
        (litestar.ImproperlyConfiguredException("secret"), 500, "internal-error"),
        (litestar.HTTPException(status_code=503), 500, "internal-error"),
        (msgspec.ValidationError("Expected `int`, got `str` - at `$.a`"), 422, "invalid-input"),
        (msgspec.DecodeError("broken"), 400, "malformed-request"),
        (sqlite_error("SQLITE_BUSY"), 503, "unavailable"),
        (sqlite_error("SQLITE_BUSY_SNAPSHOT"), 503, "unavailable"),
        (sqlite_error("SQLITE_FULL"), 503, "unavailable"),
        (sqlite_error("SQLITE_IOERR_FSYNC"), 503, "unavailable"),
        (sqlite_error("SQLITE_ERROR"), 500, "internal-error"),
        (sqlite3.IntegrityError("UNIQUE constraint failed: secret"), 409, "conflict"),
        (sqlite3.ProgrammingError("Cannot operate on a closed database."), 503, "unavailable"),
        (asyncpg.UniqueViolationError("secret"), 409, "conflict"),
        (asyncpg.CannotConnectNowError("secret"), 503, "unavailable"),
        (asyncpg.DeadlockDetectedError("secret"), 503, "unavailable"),
        (asyncpg.AdminShutdownError("secret"), 503, "unavailable"),
        (asyncpg.TooManyConnectionsError("secret"), 503, "unavailable"),
        (asyncpg.InterfaceError("pool is closed"), 503, "unavailable"),
        (asyncpg.DataError("secret"), 422, "invalid-input"),
        (asyncpg.UndefinedTableError("secret"), 500, "internal-error"),
        (ConnectionRefusedError(), 503, "unavailable"),
        (OverflowError("Python int too large to convert to SQLite INTEGER"), 422, "invalid-input"),
        (OverflowError("something else"), 500, "internal-error"),
        (ZeroDivisionError("secret"), 500, "internal-error"),
    ],
)
def test_each_exception_has_its_status(error: Exception, status: int, code: str) -> None:
    told = document(error)
    assert (told["status"], told["code"]) == (status, code)
    assert "secret" not in json.dumps(told)
    assert "SELECT" not in json.dumps(told)
    assert told["detail"]


def test_an_unexpected_error_of_a_plugin_names_it() -> None:
    told = document(ZeroDivisionError(), plugin="spa 1.2")
    assert (told["status"], told["code"]) == (500, "plugin-error")
    assert "spa 1.2" in str(told["detail"])
    assert failure_of(PluginError("the plugin spa failed")).unexpected


def test_messages_of_litestar_become_findings() -> None:
    error = litestar.ValidationException(
        extra=[
            {"message": "Expected `int`, got `str`", "key": "limit", "source": "query"},
            {
                "message": "Object missing required field `name`",
                "key": "items[0].name",
                "source": "body",
            },
        ]
    )
    problems = document(error)["problems"]
    assert [problem["where"] for problem in problems] == ["limit", "/items/0/name"]  # type: ignore[attr-defined]


def test_a_locked_database_says_when_to_come_back(tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other = sqlite3.connect(tmp_path / "x.db", timeout=0)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as caught:
        other.execute("CREATE TABLE t (x)")
    failure = failure_of(caught.value)
    assert failure.error.status == 503
    assert (b"retry-after", b"1") in failure.headers
    for connection in (writer, other):
        connection.close()


def test_every_kind_is_listed_once() -> None:
    codes = [kind.code for kind in every_kind()]
    assert len(codes) == len(set(codes))
    assert {"invalid-input", "foreign-host", "idempotency-key-reused", "plugin-error"} <= set(codes)
    assert all(issubclass(kind, RelatumError) for kind in every_kind())
