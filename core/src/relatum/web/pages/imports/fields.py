"""Fields of import targets as a person chooses them: their names in a language, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from relatum.importing.choosing import key_of
from relatum.importing.shapes import shapes_of
from relatum.web.languages import Language, marked, translations

if TYPE_CHECKING:
    from relatum.customers.types import FieldDraft
    from relatum.hooks.declarations import ImportTarget

_CORE = {
    "external_id": marked("Number of their own"),
    "display_name": marked("Name"),
    "kind": marked("Kind"),
    "phone": marked("Phone"),
    "email": marked("E-mail"),
    "address": marked("Address"),
    "website": marked("Website"),
    "zalo": marked("Zalo"),
    "facebook": marked("Facebook"),
    "roles": marked("Roles towards us"),
    "tags": marked("Tags"),
    "linked_by.parent_of": marked("Number of the parent company"),
    "source": marked("From (number)"),
    "target": marked("To (number)"),
    "role": marked("In which role"),
    "since": marked("Since"),
    "until": marked("Until"),
    "occurred_at": marked("When it happened"),
    "idempotency_key": marked("Number of what happened"),
    "customer": marked("Customer (number)"),
    "customer_id": marked("Customer (id of this house)"),
    "channel": marked("Channel"),
    "direction": marked("Direction"),
    "money": marked("Amount"),
    "handle": marked("Handle"),
    "subject": marked("Subject"),
    "actor": marked("Who did it"),
}
#: Values that a field may be limited to, in words.
VALUES = {
    "person": marked("Person"),
    "organisation": marked("Organisation"),
    "inbound": marked("from them"),
    "outbound": marked("to them"),
    "internal": marked("among us"),
    "observed": marked("observed"),
}
CUSTOMERS = "core.customers"
FIELDS = "fields."


class FieldOption(msgspec.Struct, frozen=True, kw_only=True):
    """A field that a column can go to.

    Attributes:
        many: several columns may go there, each a value of its own.
        choices: the values it may have; empty for any.
    """

    name: str
    title: str
    required: bool = False
    many: bool = False
    choices: list[str] = []


def options_of(
    target: ImportTarget, declared: Sequence[FieldDraft], language: Language
) -> list[FieldOption]:
    """What columns of a file can go to, without the field by which records are recognised."""
    key = key_of(target)
    found = [
        FieldOption(
            name=name,
            title=title_of(target, name, language),
            required=shape.required,
            many=shape.many,
            choices=[] if shape.many else list(shape.choices),
        )
        for name, shape in shapes_of(target.record).items()
        if shape.container is None and name != key and not (shape.many and shape.sort == "any")
    ]
    if target.id == CUSTOMERS:
        parent = "linked_by.parent_of"
        found.append(FieldOption(name=parent, title=title_of(target, parent, language)))
        found += [
            FieldOption(name=f"{FIELDS}{field.key}", title=title_of_field(field, language))
            for field in declared
        ]
    return found


def title_of_field(field: FieldDraft, language: Language) -> str:
    """What a custom field is called."""
    titles = {"vi": field.title_vi, "en": field.title_en}
    return titles[language] or field.title_vi or field.title_en or field.key


def title_of(target: ImportTarget, name: str, language: Language) -> str:
    """What a field of a target is called: by core, or as people head such columns."""
    if target.id.startswith("core.") and name in _CORE:
        return translations(language).gettext(_CORE[name])
    plain = name.rpartition(".")[2].replace("_", " ")
    if language == "vi":
        own = [alias for alias in target.aliases.get(name, ()) if not alias.isascii()]
        plain = own[0] if own else plain
    return plain[:1].upper() + plain[1:]


def value_title(value: str, language: Language) -> str:
    """A value that a field may be limited to, in words where there are some."""
    known = VALUES.get(value)
    return translations(language).gettext(known) if known is not None else value
