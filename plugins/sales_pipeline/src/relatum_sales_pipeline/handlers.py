"""Durable subscriptions to the event log; each hands its events to a service."""

from __future__ import annotations

from collections.abc import Sequence

from relatum.api import Event, Handler, Plugin
from relatum_sales_pipeline.services import activity, engagement, purchases
from relatum_sales_pipeline.services.activity import Activities
from relatum_sales_pipeline.services.engagement import Engagement
from relatum_sales_pipeline.services.purchases import Purchases


async def record_purchases(plugin: Plugin, events: Sequence[Event]) -> None:
    """A won deal becomes a purchase of its customer."""
    await Purchases(plugin).follow(events)


async def follow_activity(plugin: Plugin, events: Sequence[Event]) -> None:
    """Interactions move the last activity of deals."""
    await Activities(plugin).follow(events)


async def reset_activity(plugin: Plugin) -> None:
    await Activities(plugin).reset()


async def follow_engagement(plugin: Plugin, events: Sequence[Event]) -> None:
    """Interactions count for the engagement of leads."""
    await Engagement(plugin).follow(events)


async def reset_engagement(plugin: Plugin) -> None:
    await Engagement(plugin).reset()


HANDLERS = [
    Handler(
        id="sales_pipeline.purchases",
        events=purchases.FOLLOWED,
        handle=record_purchases,
    ),
    Handler(
        id="sales_pipeline.last_activity",
        events=activity.FOLLOWED,
        handle=follow_activity,
        reset=reset_activity,
        batch=2000,
    ),
    Handler(
        id="sales_pipeline.engagement",
        events=engagement.FOLLOWED,
        handle=follow_engagement,
        reset=reset_engagement,
        batch=2000,
    ),
]
