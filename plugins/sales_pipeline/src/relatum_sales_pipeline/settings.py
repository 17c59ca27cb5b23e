"""Settings of the sales pipeline, from ``[plugins.sales_pipeline]``."""

from typing import Annotated

import msgspec
from msgspec import Meta

Days = Annotated[int, Meta(ge=1, le=3650)]
Grades = tuple[float, float, float]

POINTS = {
    "core.call": 15,
    "core.message": 10,
    "core.visit": 20,
    "core.meeting": 25,
    "core.purchase": 30,
    "core.cancellation": -25,
    "sales_pipeline.activity": 10,
    "sales_pipeline.quote": 15,
    "sales_pipeline.refusal": -30,
}
SIZE_BANDS = {
    "VND": [10_000_000, 50_000_000, 200_000_000, 1_000_000_000],
    "USD": [500, 1_000, 5_000, 20_000],
}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this company sells. Every value has a default that works."""

    currency: Annotated[str, Meta(pattern="^([A-Z]{3})?$")] = ""
    """ISO 4217 code of deals that name none; the company's currency when empty."""
    rotting_days: Days = 30
    """Days without activity after which an open deal rots, in stages that name no days."""
    forecast_months: Annotated[int, Meta(ge=1, le=60)] = 6
    """Months the forecast lists one by one; what closes later is put together."""
    score_half_life_days: Annotated[float, Meta(gt=0, le=3650)] = 14.0
    """Days after which an interaction counts half in ``lead.engagement``."""
    score_horizon_days: Days = 180
    """Interactions older than this when the lead came in do not count at all."""
    fit_threshold: Annotated[int, Meta(ge=0, le=100)] = 60
    """Points from which a lead is like the target."""
    behaviour_threshold: Annotated[int, Meta(ge=0, le=100)] = 50
    """Points from which a lead behaves like the target."""
    fit_grades: Grades = (75.0, 50.0, 25.0)
    """Least ``lead.fit`` for the letters A, B and C; below is D."""
    engagement_grades: Grades = (50.0, 25.0, 10.0)
    """Least ``lead.engagement`` for the digits 1, 2 and 3; below is 4."""
    engagement_points: dict[str, Annotated[int, Meta(ge=-1000, le=1000)]] = msgspec.field(
        default_factory=POINTS.copy
    )
    """Points of an interaction by its kind; kinds that are not named count nothing."""
    probability_minimum: Annotated[int, Meta(ge=1)] = 200
    """Won and lost leads each that it takes before ``lead.p`` is shown."""
    size_bands: dict[str, list[int]] = msgspec.field(default_factory=SIZE_BANDS.copy)
    """Upper limits of deal sizes in whole units, by currency, for win/loss analysis."""
