"""How much of what customers spend on a category they spend here."""

from __future__ import annotations

import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, counts, floats, positive
from relatum_analytics.library.results import NotEnough, Ratio, ratio


def share_of_wallet(own: npt.ArrayLike, category: npt.ArrayLike) -> Ratio | NotEnough:
    """Own sales ÷ what the customers say they spend on the category, minor units of each.

    Raises:
        ValueError: somebody spends more here than altogether; ask again.
    """
    here, altogether = counts(own, "own sales"), counts(category, "category spend")
    if here.shape == altogether.shape and (here > altogether).any():
        raise ValueError("expected own sales within the category spend, got more; ask anew")
    return ratio(here, altogether, of="customers")


def rank_based(rank: npt.ArrayLike, brands: npt.ArrayLike) -> Floats:
    """Rank-based share of wallet: ``(1 − rank/(n+1)) · 2/n`` (Keiningham et al. 2011).

    Args:
        rank: of the own brand among those a customer uses; ties share the average of theirs.
        brands: how many the customer uses.
    """
    place, n = positive(rank, "rank"), positive(counts(brands, "brands"), "brands")
    if (place < 1).any() or (place > n).any():
        raise ValueError(f"expected ranks from 1 to the number of brands, got {place.max()}")
    found: Floats = (1 - place / (n + 1)) * 2 / n
    return found


def ranks(scores: npt.ArrayLike) -> Floats:
    """Ranks from what customers think of each brand, a row for each customer; best is 1.

    Ties share the average: two brands at the top are both 1.5.
    """
    given = floats(scores, "scores")
    if given.ndim != 2:
        raise ValueError(f"expected a row for each customer, got {given.shape}; add an axis")
    better = (given[:, None, :] > given[:, :, None]).sum(axis=2)
    alike = (given[:, None, :] == given[:, :, None]).sum(axis=2)
    found: Floats = better + (alike + 1) / 2
    return found
