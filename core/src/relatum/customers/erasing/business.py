"""What keeps a schedule from erasing somebody: plugins say what is not over yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from relatum.customers.erasing.types import Erasure, NotErased
from relatum.values.problems import PluginError
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.dispatcher import Dispatcher

HOOK = "relatum_open_business"


class Schedule(Protocol):
    """Whoever has customers erased without a person that decides it at that moment."""

    async def staying(self, customers: Sequence[UUID]) -> Mapping[UUID, str]:
        """Who of them is not to be erased after all, and why in words.

        Asked before anything happens, and again inside the transaction that erases, when nobody
        else can change these customers any more.
        """
        ...

    async def erased(self, receipts: Sequence[Erasure]) -> None:
        """They are erased: called inside that transaction, so that it is noted with it."""
        ...


class Business:
    """Asks the plugins (``relatum_open_business``). Call it as the house."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def of(self, customers: Sequence[UUID]) -> dict[UUID, list[Text]]:
        """What is open, by customer.

        Raises:
            PluginError: a plugin did not say.
        """
        found: dict[UUID, list[Text]] = {}
        for _, some in await self._dispatcher.take_part(HOOK, customers=customers):
            for one in some:
                found.setdefault(one.customer, []).append(one.text)
        return found

    async def of_one(self, customer: UUID) -> list[Text]:
        """What is open with one customer, to be shown; also that a plugin did not say."""
        try:
            return (await self.of([customer])).get(customer, [])
        except PluginError as error:
            return [
                Text(
                    en=f"nobody knows, because a plugin failed ({error.detail})",
                    vi=f"không rõ, vì một phần mở rộng gặp lỗi ({error.detail})",
                )
            ]

    async def staying(self, customers: Sequence[UUID]) -> list[NotErased]:
        """Who stays because something is open; everybody while a plugin does not say."""
        try:
            found = await self.of(customers)
        except PluginError as error:
            return [
                NotErased(
                    customer=id,
                    code="not-told",
                    why=f"nobody knows whether {id} has open business: {error.detail}",
                )
                for id in customers
            ]
        return [
            NotErased(
                customer=id,
                code="open-business",
                why=(
                    f"expected a customer with whom everything is over, got {id} with "
                    f"{'; '.join(text.en for text in texts)}; a schedule waits until it is over"
                ),
            )
            for id, texts in found.items()
        ]


def not_due(staying: Mapping[UUID, str]) -> list[NotErased]:
    """Those whom the schedule itself lets stay."""
    return [NotErased(customer=id, code="not-due", why=why) for id, why in staying.items()]
