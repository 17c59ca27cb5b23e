"""Settings of identity, from ``[plugins.identity]``."""

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(gt=0, lt=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How doubles are found. Every value has a default that works."""

    birth_field: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,59}$")] = "birth_date"
    """Key of the customers' field that holds the date of birth."""
    tax_field: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,59}$")] = "tax_code"
    """Key of the customers' field that holds an organisation's tax code."""
    auto_merge: bool = False
    """Whether the nightly sweep merges what it is sure of; else it proposes."""
    auto_from: Share = 0.99
    """Probability from which a pair is sure, unless a rule forbids."""
    review_from: Share = 0.10
    """Probability from which a pair is shown to a person."""
