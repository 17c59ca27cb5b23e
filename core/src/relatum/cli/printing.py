"""Showing results to a person: any Struct as tables, or as JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


def print_json(value: Any) -> None:
    """Indented JSON on standard output."""
    encoded = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(encoded.decode() + "\n")


def print_tables(title: str, value: Any) -> None:
    """A Struct as tables: plain values first, then one table for each list or mapping."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(Text(title, style="bold"))
    data = msgspec.to_builtins(value)
    if not isinstance(data, dict):
        data = {"result": data}
    plain = {key: item for key, item in data.items() if not isinstance(item, dict | list)}
    if plain:
        console.print(_of_mapping("", plain))
    for key, item in data.items():
        if isinstance(item, dict | list):
            _print_part(console, key, item)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under headings."""
    from rich.console import Console

    Console().print(_table("", columns, rows))


def _print_part(console: Any, name: str, item: Any) -> None:
    if not item:
        console.print(_table(name, ["none"], []))
    elif isinstance(item, dict):
        if any(isinstance(each, Mapping) for each in item.values()):
            rows = [{"": key, **_flat(each)} for key, each in item.items()]
            console.print(_of_records(name, rows))
        else:
            console.print(_of_mapping(name, item))
    elif isinstance(item[0], dict):
        console.print(_of_records(name, [_flat(each) for each in item]))
    else:
        console.print(_table(name, [name], [[each] for each in item]))


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {"value": value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            flat.update(_flat(item, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = item
    return flat


def _of_mapping(title: str, mapping: Mapping[str, Any]) -> Any:
    return _table(title, ["", ""], [[key, item] for key, item in mapping.items()])


def _of_records(title: str, records: Sequence[Mapping[str, Any]]) -> Any:
    columns = list(dict.fromkeys(key for record in records for key in record))
    return _table(title, columns, [[record.get(key, "") for key in columns] for record in records])


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title.replace("_", " ") or None, title_justify="left", box=box.SIMPLE)
    numeric = [
        bool(rows) and all(isinstance(row[n], int | float) for row in rows)
        for n in range(len(columns))
    ]
    for column, right in zip(columns, numeric, strict=True):
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        # Text, not markup: names may hold brackets.
        table.add_row(*(Text(_shown(cell)) for cell in row))
    table.show_header = any(columns)
    return table


def _shown(cell: object) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.4f}".rstrip("0").rstrip(".")
    if isinstance(cell, list):
        return ", ".join(_shown(each) for each in cell)
    return str(cell)
