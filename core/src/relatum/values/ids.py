"""Identifiers: UUIDv7 (RFC 9562), so that keys of one process rise in the order of creation."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from relatum.values.problems import InvalidInput, Problem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS = (32, 36)


def new_id() -> UUID:
    """A new UUIDv7, larger than every id this process made before."""
    return uuid7()


def new_ids(n: int) -> list[UUID]:
    """``n`` new ids in rising order."""
    return [uuid7() for _ in range(n)]


def parse_id(text: object, what: str = "id", *, where: str = "") -> UUID:
    """Read an id in its usual form (``8-4-4-4-12`` or 32 hexadecimal digits).

    Looser spellings that :class:`uuid.UUID` takes (braces, ``urn:uuid:``) are refused.

    Raises:
        InvalidInput: ``text`` is not an id.
    """
    if isinstance(text, UUID):
        return text
    if isinstance(text, str) and len(text) in _LENGTHS and text.isascii():
        try:
            parsed = UUID(text)
        except ValueError:
            raise _not_an_id(text, what, where) from None
        if text.lower() in (str(parsed), parsed.hex):
            return parsed
    raise _not_an_id(text, what, where)


def id_time(identifier: UUID) -> datetime:
    """When a UUIDv7 was made: UTC, in milliseconds.

    Raises:
        InvalidInput: the id is of another version and carries no such time.
    """
    if identifier.version != 7:
        raise InvalidInput(
            f"The id {identifier} is not a UUIDv7 and does not say when it was made."
        )
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)


def _not_an_id(text: object, what: str, where: str) -> InvalidInput:
    got = repr(text)[:80]
    problem = Problem(
        code="not-an-id",
        message=f"The {what} is not an id",
        where=where,
        expected="32 hexadecimal digits such as 01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e",
        got=got,
        mend="Copy the id from the page or the answer that showed it.",
    )
    return InvalidInput(f"The {what} {got} is not an id.", problems=[problem])
