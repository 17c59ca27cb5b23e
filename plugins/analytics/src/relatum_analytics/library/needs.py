"""What customers need: beliefs over groups, the next question worth asking, trust."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, not_negative, positive, shares


def posterior(
    prior: npt.ArrayLike,
    likelihoods: npt.ArrayLike,
    *,
    ages: npt.ArrayLike | None = None,
    half_lives: npt.ArrayLike | None = None,
) -> Floats:
    """The belief in each group of needs after some evidence, by Bayes.

    Evidence fades: of age equal to its half-life it counts as half a piece, as ``likelihood^½``.

    Args:
        prior: of each group, adding up to 1; one row for all customers or one for each.
        likelihoods: customers × pieces of evidence × groups, the chance of what was seen if the
            customer were of the group. A row of ones is "nothing known".
        ages, half_lives: days, customers × pieces of evidence, or what broadcasts to that.

    Returns:
        Customers × groups; each row adds up to 1.

    Raises:
        ValueError: the evidence is impossible for every group.
    """
    seen = shares(likelihoods, "likelihoods")
    before = _distribution(prior, "prior")
    if seen.ndim != 3 or before.shape[-1] != seen.shape[2]:
        raise ValueError(
            f"expected customers × evidence × groups and {before.shape[-1]} groups, "
            f"got {seen.shape}; add an axis"
        )
    weight = np.ones(seen.shape[:2])
    if ages is not None and half_lives is not None:
        weight = weight * 0.5 ** (not_negative(ages, "ages") / positive(half_lives, "half-lives"))
    with np.errstate(divide="ignore"):
        logs = np.log(before) + (np.log(seen) * weight[:, :, None]).sum(axis=1)
    most = logs.max(axis=1, keepdims=True)
    if not np.isfinite(most).all():
        raise ValueError(
            "expected evidence that some group explains, got 0 for all; "
            "give every likelihood a little more than 0"
        )
    likely = np.exp(logs - most)
    made: Floats = likely / likely.sum(axis=1, keepdims=True)
    return made


def entropy(belief: npt.ArrayLike) -> Floats:
    """Bits of doubt in each belief (the last axis)."""
    p = _distribution(belief, "belief")
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = np.where(p > 0, p * np.log2(p), 0.0)
    doubt: Floats = np.maximum(-bits.sum(axis=-1), 0.0)
    return doubt


def information_gain(belief: npt.ArrayLike, answers: npt.ArrayLike) -> Floats:
    """Bits of doubt that a question is expected to remove, for each belief.

    Args:
        belief: groups, or customers × groups.
        answers: groups × answers, the chance of each answer in each group; rows add up to 1.
    """
    p, table = _distribution(belief, "belief"), _distribution(answers, "answers")
    if table.ndim != 2 or p.shape[-1] != table.shape[0]:
        raise ValueError(f"expected a row for each of {p.shape[-1]} groups, got {table.shape}")
    gained = entropy(p @ table) - p @ entropy(table)
    return np.maximum(gained, 0.0)


def trust(
    credibility: npt.ArrayLike,
    reliability: npt.ArrayLike,
    intimacy: npt.ArrayLike,
    self_orientation: npt.ArrayLike,
) -> Floats:
    """``(C + R + I) ÷ S``, each from 1 to 10 (Maister, Green & Galford 2000)."""
    items = [
        _item(values, name)
        for name, values in (
            ("credibility", credibility),
            ("reliability", reliability),
            ("intimacy", intimacy),
            ("self-orientation", self_orientation),
        )
    ]
    made: Floats = (items[0] + items[1] + items[2]) / items[3]
    return made


def _item(values: npt.ArrayLike, name: str) -> Floats:
    given = positive(values, name)
    if (given < 1).any() or (given > 10).any():
        raise ValueError(f"expected {name} from 1 to 10, got {given.min()} to {given.max()}")
    return given


def _distribution(values: npt.ArrayLike, name: str) -> Floats:
    p = shares(values, name)
    if p.ndim == 0 or not np.allclose(p.sum(axis=-1), 1, rtol=0, atol=1e-9):
        raise ValueError(f"expected {name} that adds up to 1, got {p.sum(axis=-1)}; normalise it")
    return p
