"""A regulation profile: what the law of a country asks of those who contact customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from relatum.values.problems import ConfigurationError
from relatum.values.text import Text
from relatum.values.time import zone_of

Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ClockTime = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Purpose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a customer is contacted for.

    Attributes:
        consent: without a consent that can be shown, the contact is refused.
        advertising: the caps and hours of the law count.
        transactional: it carries out what the customer ordered; own caps, quiet hours and the hold
            of an open complaint do not stop it.
    """

    id: Word
    title: Text
    consent: bool
    advertising: bool
    transactional: bool = False


class ChannelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the law asks of advertising through one channel.

    Attributes:
        opens: from this time of day on; ``closes`` is the first moment that is too late.
        most: so many to one address within any ``within_hours``; 0 is no cap.
        labels: one of them stands first in the text; none asks for nothing.
        named_sender: the sender is a name, not a plain number.
        source: the law and its article.
    """

    channel: Word
    opens: ClockTime = "00:00"
    closes: ClockTime | None = None
    most: int = 0
    within_hours: float = 24
    labels: tuple[str, ...] = ()
    named_sender: bool = False
    source: str = ""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One regulation profile, with the clock that its hours are read by."""

    id: str
    version: int
    time_zone: str
    purposes: tuple[Purpose, ...]
    channels: tuple[ChannelRule, ...] = ()

    @cached_property
    def purpose(self) -> Mapping[str, Purpose]:
        """Purposes by id."""
        return {each.id: each for each in self.purposes}

    @cached_property
    def rule(self) -> Mapping[str, ChannelRule]:
        """Rules of advertising by channel."""
        return {each.channel: each for each in self.channels}

    @cached_property
    def zone(self) -> ZoneInfo:
        """The clock of the law."""
        return zone_of(self.time_zone)

    @property
    def name(self) -> str:
        """As verdicts name it: id and version."""
        return f"{self.id}/{self.version}"


def load_profile(id: str) -> Profile:
    """One of the profiles that come with Relatum.

    Raises:
        ConfigurationError: there is none of this name.
    """
    folder = files("relatum.contact.profiles")
    known = sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )
    if id not in known:
        raise ConfigurationError(
            f"expected a regulation profile ({', '.join(known)}), got {id!r}; mend the setting "
            "contact.profile"
        )
    text = (folder / f"{id}.toml").read_bytes()
    return msgspec.toml.decode(text, type=Profile)


def minutes(clock_time: str) -> int:
    """Minutes since midnight of ``HH:MM``."""
    hour, _, minute = clock_time.partition(":")
    return int(hour) * 60 + int(minute)


def next_opening(moment: dt.datetime, opens: int, closes: int, zone: ZoneInfo) -> dt.datetime:
    """The first moment from ``moment`` on whose time of day lies in ``[opens, closes)``.

    Args:
        opens: minutes since midnight; with ``opens > closes`` the stretch goes over midnight.
    """
    local = moment.astimezone(zone)
    minute = local.hour * 60 + local.minute
    inside = opens <= minute < closes if opens <= closes else minute >= opens or minute < closes
    if inside:
        return moment
    day = local.date() if minute < opens else local.date() + dt.timedelta(days=1)
    start = dt.datetime.combine(day, dt.time(opens // 60, opens % 60), zone)
    return start.astimezone(dt.UTC)
