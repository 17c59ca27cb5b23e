"""The settings a plugin has, read from the source of its Struct without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from relatum.plugins.discovery import Found

_SECRET = re.compile(r"token|secret|password|passphrase|key|credential", re.IGNORECASE)


class SettingState(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a plugin: what its source says, and what the configuration says.

    Attributes:
        type: as it stands in the source.
        default: as it stands in the source, ``…`` when it is made by a call; empty when the
            setting is required.
        value: from the configuration; ``None`` when it is not set, ``"***"`` when its name says
            that it is secret.
    """

    name: str
    type: str
    default: str
    description: str
    value: object = None


def setting_states(found: Found, configured: Mapping[str, object]) -> list[SettingState]:
    """The settings of a plugin in the order of its source, then those it does not know.

    A class that inherits its fields, or is made in another way than by a ``class`` statement,
    shows only what is configured.
    """
    declared = {} if found.manifest is None else _declared(found, found.manifest.settings)
    states = [
        msgspec.structs.replace(state, value=_shown(name, configured[name]))
        if name in configured
        else state
        for name, state in declared.items()
    ]
    return states + [
        SettingState(name=name, type="", default="", description="", value=_shown(name, value))
        for name, value in configured.items()
        if name not in declared
    ]


def _shown(name: str, value: object) -> object:
    if _SECRET.search(name):
        return "***"
    if isinstance(value, Mapping):
        return {key: _shown(str(key), inner) for key, inner in value.items()}
    return value


def _declared(found: Found, settings: str) -> dict[str, SettingState]:
    module, _, name = settings.partition(":")
    if found.folder is None or not name:
        return {}
    inner = module.removeprefix(f"{found.module}.").split(".")
    path = found.folder.joinpath(*inner)
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _fields(node)
    return {}


def _fields(node: ast.ClassDef) -> dict[str, SettingState]:
    fields: dict[str, SettingState] = {}
    for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            fields[name] = SettingState(
                name=name,
                type=_type(statement.annotation),
                default=_default(statement.value),
                description=_text(following),
            )
    return fields


def _type(annotation: ast.expr) -> str:
    """The type without what ``Annotated`` adds to it."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        inner = annotation.slice
        if isinstance(inner, ast.Tuple) and inner.elts:
            return ast.unparse(inner.elts[0])
    return ast.unparse(annotation)


def _default(value: ast.expr | None) -> str:
    if value is None:
        return ""
    return "…" if isinstance(value, ast.Call) else ast.unparse(value)


def _text(statement: ast.stmt | None) -> str:
    """The text of a string that stands alone below a field, on one line."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        value = statement.value.value
        return " ".join(value.split()) if isinstance(value, str) else ""
    return ""
