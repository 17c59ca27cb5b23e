import pickle

import msgspec
import pytest

from relatum.values import problems
from relatum.values.problems import InvalidInput, Problem, RelatumError


def test_an_error_says_everything_a_person_needs():
    error = InvalidInput(
        "Two fields cannot be saved.",
        problems=[
            Problem(
                code="too-long",
                message="The name is too long",
                where="/name",
                expected="at most 5",
                got="9",
                mend="Shorten it.",
            ),
            Problem(code="missing", message="The phone is missing"),
        ],
    )
    assert str(error).splitlines() == [
        "Two fields cannot be saved.",
        "- /name: The name is too long; expected at most 5; got 9. Shorten it.",
        "- The phone is missing",
    ]
    assert (error.status, error.code) == (422, "invalid-input")


def test_a_problem_leaves_out_what_it_does_not_know():
    assert msgspec.to_builtins(Problem(code="c", message="m")) == {"code": "c", "message": "m"}


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("InvalidInput", 422, "invalid-input"),
        ("MalformedRequest", 400, "malformed-request"),
        ("NotFound", 404, "not-found"),
        ("Conflict", 409, "conflict"),
        ("PreconditionRequired", 428, "precondition-required"),
        ("Refused", 403, "refused"),
        ("Unauthenticated", 401, "sign-in-required"),
        ("TooLarge", 413, "too-large"),
        ("TooMany", 429, "too-many-requests"),
        ("Unavailable", 503, "unavailable"),
        ("ConfigurationError", 500, "configuration"),
        ("PluginError", 500, "plugin-error"),
    ],
)
def test_every_kind_has_its_status_and_code(name, status, code):
    kind = getattr(problems, name)
    assert issubclass(kind, RelatumError)
    assert (kind.status, kind.code) == (status, code)
    assert kind.title != RelatumError.title


def test_codes_are_unique():
    kinds = RelatumError.__subclasses__()
    assert len({kind.code for kind in kinds}) == len(kinds) >= 10


def test_an_error_survives_a_process_border():
    error = InvalidInput("No.", problems=[Problem(code="c", message="m")], extra={"a": 1})
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is InvalidInput
    assert (copy.detail, copy.problems, copy.extra) == ("No.", error.problems, {"a": 1})
