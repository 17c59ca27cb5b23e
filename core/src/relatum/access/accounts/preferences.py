"""How somebody likes the screens: the only writer of preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.values.problems import InvalidInput, Problem
from relatum.values.time import zone_of

if TYPE_CHECKING:
    from relatum.db.database import Database

LONGEST_SIGNATURE = 2_000
Theme = Literal["auto", "light", "dark"]
Signature = Annotated[str, Meta(max_length=LONGEST_SIGNATURE)]
#: ``language`` leaves it to the language of the page.
Dates = Literal["language", "day_month", "named", "iso"]
Clock = Literal["language", "24", "12"]
Numbers = Literal["language", "comma", "point"]
ZoneName = Annotated[str, Meta(max_length=60)]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody reads moments and numbers.

    Attributes:
        time_zone: by whose clock moments are shown, as IANA calls it; empty for the company's.
        dates: ``22/11/2026``, ``22 Nov 2026`` or ``2026-11-22``.
        clock: ``14:05`` or ``2:05 PM``.
        numbers: what stands before decimals: ``1.234,5`` or ``1,234.5``.
    """

    time_zone: ZoneName = ""
    dates: Dates = "language"
    clock: Clock = "language"
    numbers: Numbers = "language"


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody chose.

    Attributes:
        signature: stands below what they write to customers; may have several lines.
        keys: whether single keys do something.
        reading: how moments and numbers are written.
    """

    signature: Signature = ""
    theme: Theme = "auto"
    keys: bool = True
    reading: Reading = Reading()


_COLUMNS = ("id", "signature", "theme", "keys", *Reading.__struct_fields__)
_SELECT = f"SELECT {', '.join(_COLUMNS[1:])} FROM core_preferences WHERE id = ?"  # noqa: S608 - ours
_IN_PLACE = "ON CONFLICT (id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _COLUMNS[1:]
)


class PreferenceKeeper:
    """Reads and writes them; somebody who has chosen nothing has the defaults."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, account: UUID) -> Preferences:
        """What this account chose."""
        row = await self._db.fetch_one(_SELECT, account)
        if row is None:
            return Preferences()
        signature, theme, keys, *reading = row
        return Preferences(
            signature=signature,
            theme=theme,
            keys=bool(keys),
            reading=Reading(**dict(zip(Reading.__struct_fields__, reading, strict=True))),
        )

    async def keep(self, account: UUID, chosen: Preferences) -> None:
        """Put these in the place of the former ones.

        Raises:
            InvalidInput: the signature has characters that cannot be shown, or there is no such
                time zone.
        """
        if any(not char.isprintable() and char not in "\n\t" for char in chosen.signature):
            problem = Problem(
                code="bad-character",
                message="a character of the signature cannot be shown",
                where="/signature",
                mend="Remove it.",
            )
            raise InvalidInput("The signature cannot be kept.", problems=[problem])
        _check_zone(chosen.reading.time_zone)
        reading = msgspec.structs.astuple(chosen.reading)
        await self._db.insert(
            "core_preferences",
            _COLUMNS,
            [(account, chosen.signature.strip(), chosen.theme, chosen.keys, *reading)],
            on_conflict=_IN_PLACE,
        )

    async def change(self, account: UUID, **changes: object) -> Preferences:
        """Change some of them."""
        async with self._db.transaction():
            chosen = msgspec.structs.replace(await self.of(account), **changes)
            await self.keep(account, chosen)
        return chosen


def _check_zone(name: str) -> None:
    try:
        if name:
            zone_of(name)
    except InvalidInput as error:
        problems = [msgspec.structs.replace(each, where="/time_zone") for each in error.problems]
        raise InvalidInput(error.detail, problems=problems) from error
