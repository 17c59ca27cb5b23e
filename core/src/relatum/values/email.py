"""E-mail addresses: syntax only (RFC 5321, 5322, 6531), never asking the DNS."""

import re

import msgspec
from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

from relatum.values.problems import Problem


class Email(msgspec.Struct, frozen=True):
    """What an address was read as: ``address`` is None exactly when there is a ``problem``."""

    address: str | None
    problem: Problem | None = None


def normalise_email(raw: str, *, where: str = "") -> Email:
    """The address with its domain in small letters and IDNA form; the local part keeps its case.

    Mailbox names that RFC 2142 makes case-insensitive (``Sales@``, ``Info@``) become small. Names
    no mail can reach (``localhost``, ``.local``, ``.test``, ``.invalid``) are refused. Never
    raises.
    """
    raw = raw.strip()
    plain = _PLAIN.fullmatch(raw)
    if plain is not None and "--" not in plain[2]:
        local, domain = plain[1], plain[2].lower()
        if domain.rpartition(".")[2] not in _UNREACHABLE:
            return Email(f"{_mailbox(local)}@{domain}")
    return read_email(raw, where=where)


def read_email(raw: str, *, where: str = "") -> Email:
    """The same answer as :func:`normalise_email`, always by way of email_validator."""
    raw = raw.strip()
    try:
        read = validate_email(raw, check_deliverability=False)
    except EmailNotValidError as refusal:
        return Email(None, _problem(raw, str(refusal), where))
    return Email(f"{read.local_part}@{read.ascii_domain}")


# Common ASCII addresses. Length limits keep the whole far below the 254 octets of RFC 5321.
_PLAIN = re.compile(
    r"(?=.{1,200}\Z)([A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]{1,30}){0,6})"
    r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,20})"
)
_UNREACHABLE = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})
_LOWERED = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)


def _mailbox(local: str) -> str:
    lowered = local.lower()
    return lowered if lowered in _LOWERED else local


def _problem(raw: str, reason: str, where: str) -> Problem:
    return Problem(
        code="not-an-email",
        message=f"This is not an e-mail address: {reason.rstrip('.')}",
        where=where,
        expected="an address such as lan.nguyen@example.com",
        got=repr(raw)[:80],
        mend="Correct the address or leave the field empty.",
    )
