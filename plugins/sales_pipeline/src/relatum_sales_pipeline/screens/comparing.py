"""Forms of settings: shares as people type them, and both versions where two changed one thing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from relatum.api import Form, InvalidInput, Problem, Visit
from relatum_sales_pipeline.screens.deal_form import Both

WHOLE = 10_000


def both_of(labels: Mapping[str, str], theirs: Mapping[str, object], form: Form) -> list[Both]:
    """The fields that differ between what is stored now and what was sent.

    Args:
        labels: field → what the page calls it.
        theirs: what is stored, as fields hold it.
    """
    found = []
    for field, label in labels.items():
        left, right = theirs.get(field, ""), form.value(field)
        if (left or "") != (right or ""):
            found.append(Both(label, str(left or ""), str(right or "")))
    return found


def percent(basis_points: int, visit: Visit) -> str:
    """Basis points as a field holds them: ``12.5``, or ``12,5`` in Vietnamese."""
    text = f"{Decimal(basis_points) / 100:f}"
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    return plain.replace(".", ",") if visit.language == "vi" else plain


def basis_points(text: str, where: str) -> int:
    """What somebody typed in per cent, with a point or a comma.

    Raises:
        InvalidInput: it is no number from 0 to 100 with at most two digits behind the point.
    """
    plain = text.strip().removesuffix("%").strip().replace(",", ".")
    try:
        share = Decimal(plain) * 100
    except InvalidOperation:
        share = Decimal(-1)
    if not share.is_finite() or share != share.to_integral_value() or not 0 <= share <= WHOLE:
        problem = Problem(
            code="wrong-value",
            message="this is no share in per cent",
            where=where,
            expected="a number from 0 to 100, at most two digits behind the point",
            got=text[:40],
            mend="Correct it.",
        )
        raise InvalidInput("A share cannot be read.", problems=[problem])
    return int(share)
