"""What the plugin says about interactions before they are recorded."""

from __future__ import annotations

from collections.abc import Sequence

from relatum.api import InteractionDraft, Plugin, Problem, Refusal
from relatum_sales_pipeline.services.deal_reading import DealReader
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.services.subjects import DEAL, LEAD, deal_of, lead_of


async def refuse_unknown_subjects(
    plugin: Plugin, drafts: Sequence[InteractionDraft]
) -> list[Refusal]:
    """Refuse interactions about a deal or lead that is not there."""
    about = [
        (index, draft.subject)
        for index, draft in enumerate(drafts)
        if draft.subject is not None and draft.subject.startswith((DEAL, LEAD))
    ]
    if not about:
        return []
    deals = {subject: deal_of(subject) for _, subject in about}
    leads = {subject: lead_of(subject) for _, subject in about}
    known_deals = await DealReader(plugin).existing([id for id in deals.values() if id])
    known_leads = await Leads(plugin).existing([id for id in leads.values() if id])
    return [
        Refusal(index, _nothing_there(subject))
        for index, subject in about
        if deals[subject] not in known_deals and leads[subject] not in known_leads
    ]


def _nothing_there(subject: str) -> Problem:
    noun = "deal" if subject.startswith(DEAL) else "lead"
    return Problem(
        code=f"unknown-{noun}",
        message=f"the interaction is about a {noun} that is not there",
        where="/subject",
        expected=f"sales_pipeline.{noun}: and the id of a {noun}",
        got=subject[:100],
        mend=f"Mend the id, or create the {noun} first.",
    )
