"""What stands in for columns that somebody may not see, as SQL over the alias ``g``."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Sequence
from typing import Literal

import msgspec

from relatum.access.policies import MASK
from relatum.values.sensitivity import Sensitivity, is_concealed

Kind = Literal["sqlite", "postgresql"]

#: The event whose payload holds custom fields; declared in a room above.
CUSTOMER_UPDATED = "core.customer_updated"
#: Contact points that reach a person; a website or a device reaches nobody.
MASKED_CONTACTS = ("phone", "email", "address", "zalo", "facebook")
#: Shorter numbers would be given away by their last three digits.
SHORTEST_SHOWN = 7

_TYPES: dict[type, str] = {
    uuid.UUID: "UUID",
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE PRECISION",
    decimal.Decimal: "NUMERIC",
    dt.date: "DATE",
    dt.datetime: "TIMESTAMPTZ",
    dt.timedelta: "INTERVAL",
    bytes: "BYTEA",
}


class Masked(msgspec.Struct, frozen=True):
    """What is sensitive beyond the columns that tables name.

    Attributes:
        fields: key and class of each sensitive custom field.
        payloads: for each interaction kind that is on, the sensitive fields of its payload with
            their classes; a kind that is not here may hold anything.
        jsons: tables and columns that hold JSON.
    """

    fields: tuple[tuple[str, Sensitivity], ...] = ()
    payloads: tuple[tuple[str, tuple[tuple[str, Sensitivity], ...]], ...] = ()
    jsons: frozenset[tuple[str, str]] = frozenset()


def whole_column(column: str, type_: type) -> str:
    """Text becomes the mask (when there is any), a number or a day nothing at all."""
    name = f'g."{column}"'
    if type_ is not str:
        return f"CAST(NULL AS {_TYPES.get(type_, 'TEXT')})"
    return f"CASE WHEN {name} IS NULL OR {name} = '' THEN {name} ELSE '{MASK}' END"


def empty_json(kind: Kind) -> str:
    """An empty object; no braces, which mean tables in a shadow."""
    return "json_object()" if kind == "sqlite" else "json_build_object()"


def contact_point(column: str, kind: Kind) -> str:
    """A phone number keeps its last three digits, an e-mail address its domain."""
    name = f'g."{column}"'
    at = f"{'instr' if kind == 'sqlite' else 'strpos'}({name}, '@')"
    others = (each for each in MASKED_CONTACTS if each not in {"phone", "email"})
    return (
        f"CASE g.kind WHEN 'phone' THEN CASE WHEN length({name}) >= {SHORTEST_SHOWN} "
        f"THEN '{MASK}' || substr({name}, length({name}) - 2) ELSE '{MASK}' END "
        f"WHEN 'email' THEN CASE WHEN {at} > 0 THEN '{MASK}' || substr({name}, {at}) "
        f"ELSE '{MASK}' END "
        + " ".join(f"WHEN '{each}' THEN '{MASK}'" for each in others)
        + f" ELSE {name} END"
    )


def inside_json(column: str, keys: Sequence[str], kind: Kind) -> str:
    """The object with these keys masked, where it has them; ``keys`` are plain identifiers."""
    name = f'g."{column}"'
    if not keys:
        return name
    if kind == "sqlite":
        pairs = ", ".join(f"'$.{key}', '{MASK}'" for key in keys)
        return f"json_replace({name}, {pairs})"
    inner = f"{name}::jsonb"
    for key in keys:
        inner = f"""jsonb_set({inner}, ARRAY['{key}'], '"{MASK}"', false)"""
    return f"{inner}::json"


def without_keys(object_: str, keys: Sequence[str], kind: Kind) -> str:
    """An object (as SQL) without these keys, which are plain identifiers."""
    if not keys:
        return object_
    if kind == "sqlite":
        return f"json_remove({object_}, {', '.join(_quoted(f'$.{key}') for key in keys)})"
    return f"(({object_})::jsonb - ARRAY[{', '.join(map(_quoted, keys))}])::json"


def event_payload(keys: Sequence[str], kind: Kind) -> str:
    """The payload of an event, without these custom fields where it tells how a customer changed.

    ``changes.fields`` holds all of them as they were and as they are.
    """
    name = 'g."payload"'
    if kind == "sqlite":
        places = (f"$.changes.fields[{n}].{key}" for n in (0, 1) for key in keys)
        without = f"json_remove({name}, {', '.join(map(_quoted, places))})"
    else:
        without = f"{name}::jsonb"
        for n in (0, 1):
            there = f"({name}::jsonb -> 'changes' -> 'fields' -> {n})"
            left = f"{there} - ARRAY[{', '.join(map(_quoted, keys))}]"
            # coalesce: jsonb_set of NULL would be NULL as a whole
            without = (
                f"jsonb_set({without}, ARRAY['changes', 'fields', '{n}'], "
                f"coalesce({left}, 'null'::jsonb), false)"
            )
        without = f"{without}::json"
    return f"CASE WHEN g.type = '{CUSTOMER_UPDATED}' THEN {without} ELSE {name} END"


def _quoted(text: str) -> str:
    return f"'{text}'"


def payload(masked: Masked, hidden: frozenset[Sensitivity], kind: Kind) -> str:
    """The payload of an interaction; of a kind that nobody knows now, nothing is shown."""
    plain: list[str] = []
    cases: list[str] = []
    for interaction_kind, fields in masked.payloads:
        keys = [key for key, sensitivity in fields if is_concealed(sensitivity, hidden)]
        if keys:
            shown = inside_json("payload", keys, kind)
            cases.append(f"WHEN g.kind = '{interaction_kind}' THEN {shown}")
        else:
            plain.append(f"'{interaction_kind}'")
    if plain:
        cases.insert(0, f'WHEN g.kind IN ({", ".join(plain)}) THEN g."payload"')
    nothing = empty_json(kind)
    return f"CASE {' '.join(cases)} ELSE {nothing} END" if cases else nothing
