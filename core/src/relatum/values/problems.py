"""What can go wrong, in words a person can act on.

A :class:`Problem` is one finding; a :class:`RelatumError` stops an operation and carries every
finding that led to it. The HTTP room turns an error into a problem document (RFC 9457) with
``status``, ``code``, ``title`` and ``detail``; the command line prints ``str(error)``.
"""

# The classes are named for what they say to a person, as in the problem documents.

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One finding: what is wrong, where, what was expected, what came, and how to mend it.

    ``where`` is a JSON pointer (``"/contact_points/0/raw"``) or a place a person can find
    (``"line 12, column product"``).
    """

    code: str
    message: str
    where: str = ""
    expected: str = ""
    got: str = ""
    mend: str = ""

    def __str__(self) -> str:
        """Everything the finding knows, on one line."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        if self.expected:
            text += f"; expected {self.expected}"
        if self.got:
            text += f"; got {self.got}"
        return f"{text}. {self.mend}" if self.mend else text


class RelatumError(Exception):
    """An operation did not happen. Subclasses fix the HTTP status, the code and the title."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        detail: str,
        *,
        problems: Sequence[Problem] = (),
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.extra: dict[str, object] = dict(extra or {})

    def __str__(self) -> str:
        """The detail, then the problems, one a line."""
        return "\n".join([self.detail, *(f"- {problem}" for problem in self.problems)])

    def __reduce__(self) -> tuple[object, ...]:
        """Keep problems and extra when an error crosses a process border."""
        return (_rebuild, (type(self), self.detail, self.problems, self.extra))


class InvalidInput(RelatumError):
    """The request was understood, but a value in it is not acceptable."""

    status = 422
    code = "invalid-input"
    title = "A value is not acceptable"


class MalformedRequest(RelatumError):
    """The request could not be read at all (broken JSON, wrong content type)."""

    status = 400
    code = "malformed-request"
    title = "The request cannot be read"


class Unauthenticated(RelatumError):
    """Whoever asks has not said who they are, or cannot prove it (any more)."""

    status = 401
    code = "sign-in-required"
    title = "Sign in first"


class NotFound(RelatumError):
    """What was asked for does not exist, or the asker may not know that it does."""

    status = 404
    code = "not-found"
    title = "Not found"


class Conflict(RelatumError):
    """The state of the data does not allow this now (edited meanwhile, duplicate)."""

    status = 409
    code = "conflict"
    title = "The data has changed or already exists"


class PreconditionRequired(RelatumError):
    """The operation needs to know which version it changes (``If-Match``)."""

    status = 428
    code = "precondition-required"
    title = "Say which version you are changing"


class Refused(RelatumError):
    """A rule of the house or a missing permission forbids this."""

    status = 403
    code = "refused"
    title = "Not allowed"


class TooLarge(RelatumError):
    """The input is larger than this installation accepts."""

    status = 413
    code = "too-large"
    title = "Too large"


class TooMany(RelatumError):
    """The same caller asks too often; ``extra["retry_after"]`` says how many seconds to wait."""

    status = 429
    code = "too-many-requests"
    title = "Too many requests"

    @classmethod
    def wait(cls, seconds: float, what: str = "requests") -> "TooMany":
        """Come back in so many seconds, rounded up."""
        whole = max(1, math.ceil(seconds))
        return cls(
            f"expected fewer {what}, got too many; wait {whole} s, then go on more slowly",
            extra={"retry_after": whole},
        )


class Unavailable(RelatumError):
    """Something this operation needs is not reachable now; trying again may help."""

    status = 503
    code = "unavailable"
    title = "Not available at the moment"


class ConfigurationError(RelatumError):
    """The installation is set up wrongly; the operator must change its configuration."""

    code = "configuration"
    title = "The configuration is wrong"


class PluginError(RelatumError):
    """A plugin broke its contract or failed; the detail names it."""

    code = "plugin-error"
    title = "A plugin failed"


def _rebuild(
    kind: type[RelatumError],
    detail: str,
    problems: tuple[Problem, ...],
    extra: dict[str, object],
) -> RelatumError:
    error = kind.__new__(kind)
    RelatumError.__init__(error, detail, problems=problems, extra=extra)
    return error
