"""Settings of one plugin: from ``[plugins.<id>]`` to the Struct that its manifest names.

Values are never shown in a problem: settings of plugins hold access tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from relatum.values.problems import Problem
from relatum.values.text import nearest

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`")
_QUOTED = re.compile(r"'[^']*'")


def read_settings(
    plugin_id: str, struct: type[msgspec.Struct] | None, table: Mapping[str, object]
) -> tuple[Any, list[Problem]]:
    """The settings as an instance of ``struct``, and everything that is wrong with them.

    Unknown names are refused also where the Struct itself would let them pass.
    """
    if struct is None:
        problems = [_no_settings(plugin_id, key) for key in table]
        return None, problems
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    problems = [_unknown(plugin_id, key, fields) for key in table if key not in fields]
    for name, field in fields.items():
        if name in table:
            problems += _value_problems(plugin_id, name, field.type, table[name])
        elif field.required:
            problems.append(_missing(plugin_id, name))
    if problems:
        return None, problems
    try:
        return msgspec.convert(dict(table), struct), []
    except (msgspec.ValidationError, ValueError, TypeError) as refusal:
        return None, [_bad(plugin_id, "", str(refusal))]


def _value_problems(plugin_id: str, name: str, kind: Any, value: object) -> Iterator[Problem]:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, ValueError, TypeError) as refusal:
        yield _bad(plugin_id, name, _QUOTED.sub("…", str(refusal)))


def _bad(plugin_id: str, name: str, refusal: str) -> Problem:
    place = _PLACE.search(refusal)
    inner = place["path"] if place else ""
    where = f"[plugins.{plugin_id}] {name}{inner}".strip()
    return Problem(
        code="bad-setting",
        message="a setting of the plugin cannot be used",
        where=where,
        expected=_PLACE.sub("", refusal).removeprefix("Expected "),
        mend=f"correct it; `relatum plugins show {plugin_id}` lists the settings",
    )


def _unknown(plugin_id: str, key: str, fields: Mapping[str, Any]) -> Problem:
    near = nearest(key, fields)
    known = ", ".join(sorted(fields)) or "none"
    return Problem(
        code="unknown-setting",
        message=f"the plugin has no setting {key}",
        where=f"[plugins.{plugin_id}]",
        expected="the name of a setting",
        got=key,
        mend=f"did you mean {near}?" if near else f"there are: {known}",
    )


def _missing(plugin_id: str, name: str) -> Problem:
    return Problem(
        code="missing-setting",
        message=f"the plugin needs the setting {name}",
        where=f"[plugins.{plugin_id}]",
        expected=name,
        got="nothing",
        mend=f"add {name} to [plugins.{plugin_id}] in relatum.toml",
    )


def _no_settings(plugin_id: str, key: str) -> Problem:
    return Problem(
        code="unknown-setting",
        message="the plugin has no settings",
        where=f"[plugins.{plugin_id}]",
        expected="nothing",
        got=key,
        mend=f"remove [plugins.{plugin_id}] from relatum.toml",
    )
