"""Settings of consent, from ``[plugins.consent]``."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Days = Annotated[int, Meta(ge=1, le=365)]


class RetentionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is erased once the business has had nothing to do with them for long."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    """A short name, as it stands on the page and in receipts."""
    idle_days: Annotated[int, Meta(ge=30, le=36_500)]
    """Days without an interaction, a message, a consent or a change by people."""
    applies_to: Literal["person", "organisation", "any"] = "any"
    """Which customers."""
    notice_days: Annotated[int, Meta(ge=1, le=365)] = 30
    """Days that somebody stands on the list before they are erased."""
    mode: Literal["propose", "erase"] = "propose"
    """``propose``: a person approves each; ``erase``: by itself after the notice."""

    def fits(self, kind: str) -> bool:
        """Whether it is about customers of this kind."""
        return self.applies_to in ("any", kind)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clocks (of Decree 356/2025/NĐ-CP; have counsel confirm them) and links."""

    link_days: Days = 90
    """Days for which a link to the preference page is good."""
    answer_working_days: Days = 2
    """Working days within which a request is answered."""
    stop_days: Days = 15
    """Days within which processing stops where somebody asks for that."""
    stop_days_with_processors: Days = 20
    """The same where processors or third parties must act too."""
    longest_extension: Days = 15
    """Days of the one extension, at most."""
    breach_hours: Annotated[int, Meta(ge=1, le=720)] = 72
    """Hours after its discovery within which a breach is reported to the authority."""
    swapped_days: bool = True
    """Whether days that the government swaps (a Friday off, a Saturday worked) are swapped here."""
    days_off: list[dt.date] = []
    """Further days on which nobody works, also of years that no list comes with."""
    work_days: list[dt.date] = []
    """Days that are worked although the list or the week says otherwise."""
    retention: list[RetentionRule] = []
    """Schedules by which customers are erased; nobody is without one. The first that fits wins."""

    def __post_init__(self) -> None:
        ids = [rule.id for rule in self.retention]
        if twice := sorted({id for id in ids if ids.count(id) > 1}):
            raise ValueError(
                f"expected every rule of `retention` once, got {', '.join(twice)} twice; "
                "rename or remove one"
            )
