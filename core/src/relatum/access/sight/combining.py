"""From the policies of somebody's roles to one sight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from relatum.access.policies import Policy
from relatum.access.viewer import Sight
from relatum.values.sensitivity import SENSITIVITIES


def sight_of(
    policies: Sequence[Policy],
    *,
    account: UUID,
    teams: Iterable[UUID] = (),
    below: Iterable[UUID] = (),
    rules: Mapping[str, int] | None = None,
) -> Sight:
    """What the policies show together: a customer or a class of fields that any of them shows.

    Args:
        policies: of the account's roles.
        account: sees the customers that belong to it, whatever the policies say.
        teams: that the account is in.
        below: teams under those, at any depth.
        rules: number of each stored rule by key; a rule that is gone shows nothing.
    """
    scopes = {scope for policy in policies for scope in policy.scopes}
    unmasked = {kind for policy in policies for kind in policy.unmasked}
    masked = frozenset(SENSITIVITIES) - unmasked
    if "all" in scopes:
        return Sight(everything=True, masked=masked)
    seen: set[UUID] = set(teams) if scopes & {"team", "subteams"} else set()
    if "subteams" in scopes:
        seen |= set(below)
    numbers = rules or {}
    keys = {key for policy in policies for key in policy.rules}
    return Sight(
        owners=(account,),
        teams=tuple(sorted(seen)),
        rules=tuple(sorted(numbers[key] for key in keys if key in numbers)),
        masked=masked,
    )
