"""Settings of consent, from ``[plugins.consent]``."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

Days = Annotated[int, Meta(ge=1, le=365)]


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
