"""The import plan: which files go where, how their columns map, and the rules for dirt."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from relatum.customers.types import FieldDraft, SourceName
from relatum.importing.columns import (
    Condition,
    Source,
    Spec,
    check_condition,
    read_columns,
)
from relatum.importing.strict import Problems, read_struct
from relatum.values.money import is_currency
from relatum.values.problems import InvalidInput
from relatum.values.time import zone_of

#: The forms of files: CSV with any delimiter, JSON lines, one sheet of a workbook.
FileKind = Literal["csv", "jsonl", "xlsx"]
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".xlsx", ".jsonl", ".jsonl.gz")


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is written, where it should not be detected.

    Attributes:
        date: ``dd/MM/yyyy``, ``yyyy-MM-dd HH:mm`` …, or a ``strptime`` pattern.
        decimal: the mark before decimals; the other one then groups thousands.
        skip_lines: lines above the headings that are no data.
        guarded: cells carry the apostrophe that ``relatum export`` puts before formulas.
        sheet: of a workbook; its first one otherwise.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool = True
    skip_lines: Annotated[int, Meta(ge=0, le=10_000)] = 0
    date: str | None = None
    decimal: Literal[".", ","] | None = None
    guarded: bool = False
    sheet: str | None = None


class FilePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One ``[[files]]`` entry: the files it names, all mapped alike.

    Attributes:
        path: name or pattern inside the folder.
        target: id of the import target.
        columns: dotted field name → source.
        distinct: heading; of the rows that share its value only the first becomes a record.
        number_by: heading; rows that share its value are numbered 1, 2, 3 … in ``{number}``.
        skip_when: rows for which one of these holds are left out, and counted.
        options: for the target.
        confirm: field → value as it comes → value that is meant.
        accept_proposals: fields whose proposals are taken unseen.
    """

    path: str
    target: str
    columns: dict[str, Source] = {}
    distinct: str | None = None
    number_by: str | None = None
    skip_when: list[Condition] = []
    options: dict[str, Any] = {}
    confirm: dict[str, dict[str, str]] = {}
    accept_proposals: list[str] = []
    currency: str | None = None
    time_zone: str | None = None
    format: Format = Format()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole plan. ``name`` is the source that external ids belong to."""

    name: SourceName
    title: str = ""
    currency: str | None = None
    time_zone: str | None = None
    fields: list[FieldDraft] = []
    files: list[FilePlan]

    @property
    def digest(self) -> str:
        """The same for plans that mean the same, however they are written (SHA-256)."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


def load_plan(path: Path) -> Plan:
    """Read a plan file.

    Raises:
        InvalidInput: it cannot be read, or with every problem in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InvalidInput(f"There is no plan {path}; name a TOML file that is there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The plan {path} cannot be read: {error}.") from None
    return parse_plan(text, source=path.name)


def parse_plan(text: str, *, source: str = "plan") -> Plan:
    """Read the text of a plan.

    Raises:
        InvalidInput: with every problem in it, each with its place.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The plan {source} is not valid TOML: {error}.") from None
    problems = Problems(source)
    plan = _read_plan(table, problems)
    if problems.found or plan is None:
        raise InvalidInput(
            f"The plan {source} cannot be used: {len(problems.found)} to mend.",
            problems=problems.found,
        )
    return plan


def _read_plan(table: dict[str, Any], problems: Problems) -> Plan | None:
    entries = table.get("files")
    _check_place(table, "", problems)
    columns: list[dict[str, Source]] = []
    if isinstance(entries, list):
        table = {**table, "files": [_without(entry, "columns") for entry in entries]}
        for number, entry in enumerate(entries, start=1):
            if isinstance(entry, dict):
                path = f"files[{number}]"
                columns.append(read_columns(entry.get("columns", {}), f"{path}.columns", problems))
                _check_entry(entry, path, problems)
    plan = read_struct(table, Plan, "", problems)
    if plan is None:
        return None
    _check_conditions(plan, problems)
    files = [
        msgspec.structs.replace(entry, columns=mapped)
        for entry, mapped in zip(plan.files, columns, strict=True)
    ]
    return msgspec.structs.replace(plan, files=files)


def _without(table: Any, key: str) -> Any:
    if not isinstance(table, dict):
        return table
    return {name: value for name, value in table.items() if name != key}


def _check_conditions(plan: Plan, problems: Problems) -> None:
    if not plan.files:
        problems.add("files", "missing", "The plan names no file", mend="Add [[files]].")
    for number, entry in enumerate(plan.files, start=1):
        for place, condition in enumerate(entry.skip_when, start=1):
            check_condition(condition, f"files[{number}].skip_when[{place}]", problems)


def _check_entry(entry: dict[str, Any], path: str, problems: Problems) -> None:
    _check_place(entry, f"{path}.", problems)
    if isinstance(entry.get("path"), str):
        _check_path(entry["path"], f"{path}.path", problems)
    form = entry.get("format")
    delimiter = form.get("delimiter") if isinstance(form, dict) else None
    if isinstance(delimiter, str) and len(delimiter) != 1:
        problems.add(
            f"{path}.format.delimiter",
            "bad-value",
            "A delimiter is one character",
            got=repr(delimiter),
            mend='Write "," or ";" or "\\t".',
        )


def _check_place(table: dict[str, Any], path: str, problems: Problems) -> None:
    currency, time_zone = table.get("currency"), table.get("time_zone")
    if isinstance(currency, str) and not is_currency(currency):
        problems.add(
            f"{path}currency",
            "unknown-currency",
            "There is no such currency",
            expected="an ISO 4217 code such as VND",
            got=currency,
        )
    if isinstance(time_zone, str):
        try:
            zone_of(time_zone)
        except InvalidInput as refusal:
            problems.add(f"{path}time_zone", "unknown-time-zone", refusal.detail, got=time_zone)


def _check_path(name: str, path: str, problems: Problems) -> None:
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts or not parts:
        problems.add(
            path,
            "outside",
            "Files of a plan lie inside its folder",
            expected="a name or pattern such as customers.csv or 2024/*.csv.gz",
            got=name,
            mend="Give the folder on the command line and the name here.",
        )
    elif not name.endswith(SUFFIXES):
        problems.add(
            path,
            "unknown-format",
            "Files of this kind cannot be read",
            expected=" or ".join(SUFFIXES),
            got=name,
            mend="Save it as CSV (UTF-8) or XLSX.",
        )


def dump_plan(plan: Plan) -> str:
    """The plan as TOML that :func:`parse_plan` reads back as the same plan."""
    import tomlkit

    table = _without_defaults(plan)
    table["files"] = [
        {**_without_defaults(entry), "columns": _dump_columns(entry.columns)}
        for entry in plan.files
    ]
    for entry in table["files"]:
        if not entry["columns"]:
            del entry["columns"]
    return tomlkit.dumps(table)


def _without_defaults(struct: msgspec.Struct) -> dict[str, Any]:
    """What differs from the defaults, as plain data, in the order of declaration."""
    plain: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if field.required or value != default:
            plain[field.encode_name] = _plain(value)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Spec) and value.is_plain:
        return value.column
    if isinstance(value, msgspec.Struct):
        return _without_defaults(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _dump_columns(columns: dict[str, Source]) -> dict[str, Any]:
    return {name: _plain(source) for name, source in columns.items()}
