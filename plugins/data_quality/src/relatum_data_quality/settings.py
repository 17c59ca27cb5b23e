"""Settings of data quality, from ``[plugins.data_quality]``."""

from typing import Annotated

import msgspec
from msgspec import Meta

from relatum_data_quality.scoring import HALF_LIVES, SHARES, WEIGHTS

Key = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,59}$")]
Weight = Annotated[float, Meta(ge=0, le=1000)]
Days = Annotated[float, Meta(gt=0, le=36500)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wanted of a record, and how fast it ages. Every value has a default that works."""

    birth_field: Key = "birth_date"
    """Key of the customers' field that holds the date of birth."""
    tax_field: Key = "tax_code"
    """Key of the customers' field that holds the tax code."""
    gender_field: Key = "gender"
    """Key of the customers' field that holds the gender."""
    need_field: Key = "need"
    """Key of the customers' field that holds what they need."""
    weights: dict[Key, Weight] = msgspec.field(default_factory=lambda: dict(WEIGHTS))
    """How much each field counts for completeness."""
    half_lives: dict[Key, Days] = msgspec.field(default_factory=lambda: dict(HALF_LIVES))
    """Days after which trust in a value that nobody verified is half."""
    expired_below: Share = 0.25
    """Freshness below which a value counts as expired, and is asked for again."""
    shares: dict[Key, Share] = msgspec.field(default_factory=lambda: dict(SHARES))
    """How much each dimension counts for the index; together 1."""
    incomplete_below: Share = 0.6
    """Completeness below which a record counts as incomplete; outside data of it is refused."""
    off: list[str] = []
    """Ids of rules that are not applied."""

    def __post_init__(self) -> None:
        """Refuses shares that do not come to 1, and dimensions that do not exist."""
        if set(self.shares) != set(SHARES) or abs(sum(self.shares.values()) - 1) > 1e-6:
            raise ValueError(
                f"expected shares of {', '.join(SHARES)} that come to 1, got {self.shares}; "
                "write all five"
            )
