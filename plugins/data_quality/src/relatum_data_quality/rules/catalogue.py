"""All rules of this plugin, by id."""

from __future__ import annotations

from relatum_data_quality.rules import keeping, naming, reaching
from relatum_data_quality.rules.types import Rule

#: Grows when a rule changes what it finds.
VERSION = "1"
RULES: tuple[Rule, ...] = (*naming.RULES, *reaching.RULES, *keeping.RULES)
BY_ID: dict[str, Rule] = {each.id: each for each in RULES}
