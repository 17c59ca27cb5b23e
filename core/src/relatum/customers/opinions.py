"""What plugins say of drafts that may be there already (``relatum_find_duplicates``)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.customers.types import CustomerDraft
from relatum.hooks.declarations import LikelyDuplicate
from relatum.values.problems import PluginError

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.dispatcher import Dispatcher

HOOK = "relatum_find_duplicates"
_LOG = logging.getLogger(__name__)


class Opinions:
    """Asks the plugins; what one of them cannot answer keeps nobody from saving.

    Args:
        dispatcher: ``None`` when there are no plugins.
    """

    def __init__(self, db: Database, dispatcher: Dispatcher | None) -> None:
        self._db = db
        self._dispatcher = dispatcher

    async def of(self, drafts: Sequence[CustomerDraft]) -> list[LikelyDuplicate] | None:
        """What they say, each pair once; ``None`` when no plugin answers."""
        if self._dispatcher is None or not self._dispatcher.participants(HOOK):
            return None
        try:
            if not self._db.in_transaction():
                return united(await self._asked(self._dispatcher, drafts))
            # A statement that failed would spoil the whole transaction on PostgreSQL.
            async with self._db.savepoint():
                return united(await self._asked(self._dispatcher, drafts))
        except PluginError as error:
            _LOG.warning("%s The plain check is used instead.", error.detail)
            return None

    async def _asked(
        self, dispatcher: Dispatcher, drafts: Sequence[CustomerDraft]
    ) -> list[LikelyDuplicate]:
        answers = await dispatcher.take_part(HOOK, drafts=drafts)
        return [one for _, some in answers for one in some]


def united(said: Iterable[LikelyDuplicate]) -> list[LikelyDuplicate]:
    """Each pair once, with the highest probability and all reasons; the likeliest first."""
    found: dict[tuple[int, UUID | None, int | None], LikelyDuplicate] = {}
    for one in said:
        key = (one.index, one.customer, one.draft)
        other = found.get(key, one)
        first, second = (one, other) if _known(one) > _known(other) else (other, one)
        found[key] = msgspec.structs.replace(
            first,
            sure=first.sure or second.sure,
            reasons=tuple(dict.fromkeys([*first.reasons, *second.reasons])),
        )
    return sorted(found.values(), key=lambda one: (one.index, not one.sure, -_known(one)))


def _known(one: LikelyDuplicate) -> float:
    return -1.0 if one.probability is None else one.probability
