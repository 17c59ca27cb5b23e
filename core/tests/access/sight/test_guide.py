"""What the guide writes down is what the program takes."""

import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from relatum.access.sight.types import RuleDraft
from relatum.customers.types import CustomerDraft
from relatum.values.sensitivity import sensitive_fields

GUIDE = Path(__file__).parents[4] / "docs" / "guides" / "visibility.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def test_rules_are_rules():
    customer, rule = blocks("json")
    draft = msgspec.json.decode(rule, type=RuleDraft)
    assert [condition.attribute for condition in draft.rule.all_of] == ["field.region"]
    assert set(msgspec.json.decode(customer)) <= set(CustomerDraft.__struct_fields__)


def test_a_payload_says_what_is_sensitive():
    [source] = blocks("python")
    names = {"msgspec": msgspec, "Annotated": Annotated, "Meta": Meta}
    exec(source, names)  # noqa: S102 - the guide's own code
    assert sensitive_fields(names["Call"]) == {"number": "contact"}
