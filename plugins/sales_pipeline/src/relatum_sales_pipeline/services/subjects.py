"""What an interaction is about: ``sales_pipeline.deal:<id>`` and ``sales_pipeline.lead:<id>``."""

from __future__ import annotations

from uuid import UUID

from relatum.api import InvalidInput, parse_id

DEAL = "sales_pipeline.deal:"
LEAD = "sales_pipeline.lead:"


def deal_subject(id: UUID) -> str:
    """The subject of interactions about a deal."""
    return f"{DEAL}{id}"


def lead_subject(id: UUID) -> str:
    """The subject of interactions about a lead."""
    return f"{LEAD}{id}"


def deal_of(subject: str | None) -> UUID | None:
    """The deal that a subject names; ``None`` when it is about something else."""
    return _id_of(subject, DEAL)


def lead_of(subject: str | None) -> UUID | None:
    """The lead that a subject names; ``None`` when it is about something else."""
    return _id_of(subject, LEAD)


def _id_of(subject: str | None, prefix: str) -> UUID | None:
    if subject is None or not subject.startswith(prefix):
        return None
    try:
        return parse_id(subject.removeprefix(prefix))
    except InvalidInput:
        return None
