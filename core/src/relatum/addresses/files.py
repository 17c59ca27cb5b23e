"""Reading the public tables of administrative units from a folder, whatever the files are called.

Known by their contents: a CSV of the former units (a row for each ward, with its district and its
province), a JSON of the present ones (provinces, with their wards inside), a CSV of which former
ward went into which present one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from relatum.addresses.gazetteer import Change, name_key
from relatum.values.address import TWO_LEVELS_SINCE, AdminUnit, Level, Share
from relatum.values.problems import InvalidInput, Problem
from relatum.values.text import fold

#: A national table is under 2 MB.
MOST_BYTES = 50_000_000
_TYPES = (*("Thành phố", "Thị trấn", "Thị xã", "Đặc khu", "Phường", "Huyện", "Quận", "Tỉnh", "Xã"),)
_CODE = re.compile(r"\((\d+)\)")


class Units(NamedTuple):
    """What the files of a folder say.

    Attributes:
        notes: rows that could not be used, and why; never silently left out.
    """

    units: list[AdminUnit]
    changes: list[Change]
    notes: list[str]


class _Ward(msgspec.Struct, rename="pascal"):
    code: str
    full_name: str


class _Province(msgspec.Struct, rename="pascal"):
    code: str
    full_name: str
    wards: list[_Ward]


def read_folder(folder: Path) -> Units:
    """All tables of a folder.

    Raises:
        InvalidInput: there is no folder, or none of its files is such a table.
    """
    if not folder.is_dir():
        raise _refused(folder, f"expected a folder with tables of units, got {folder}")
    present: dict[str, AdminUnit] = {}
    former: dict[str, AdminUnit] = {}
    tables: list[list[list[str]]] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == ".json" and not present:
            present = _present_units(path)
        elif path.suffix.lower() == ".csv":
            rows = _csv_rows(path)
            if _column(rows, "ma px") is not None:
                former |= _former_units(rows)
            elif _column(rows, "ma xa cu") is not None:
                tables.append(rows)
    if not present and not former:
        raise _refused(folder, "expected a JSON of provinces or a CSV of wards, got neither")
    notes: list[str] = []
    changes = [change for rows in tables for change in _changes(rows, former, present, notes)]
    return Units([*former.values(), *present.values()], list(dict.fromkeys(changes)), notes)


def _refused(folder: Path, message: str) -> InvalidInput:
    problem = Problem(
        code="no-unit-tables",
        message=message,
        where=str(folder),
        mend="Give the folder that holds the tables; the guide on addresses says which they are.",
    )
    return InvalidInput(message, problems=[problem])


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise _refused(path, f"expected a table of at most {MOST_BYTES} bytes, got {path.name}")
    return path.read_bytes()


# -- present units -------------------------------------------------------------------------------


def _present_units(path: Path) -> dict[str, AdminUnit]:
    try:
        provinces = msgspec.json.decode(_bytes(path), type=list[_Province])
    except msgspec.ValidationError:
        return {}  # another JSON that happens to lie there
    except msgspec.DecodeError as error:
        raise _refused(path, f"expected JSON, got {error}") from error
    units = {}
    for province in provinces:
        above = _unit("province", province.code, province.full_name, "", former=False)
        units[above.key] = above
        for ward in province.wards:
            unit = _unit("ward", ward.code, ward.full_name, above.key, former=False)
            units[unit.key] = unit
    return units


def _unit(level: Level, code: str, full_name: str, parent: str, *, former: bool) -> AdminUnit:
    full_name = " ".join(full_name.split())
    type_, name = _parted(full_name)
    return AdminUnit(
        key=_key(level, code, former=former),
        level=level,
        code=code,
        name=name,
        full_name=full_name,
        type=type_,
        parent=parent,
        valid_from=None if former else TWO_LEVELS_SINCE,
        valid_until=TWO_LEVELS_SINCE if former else None,
    )


def _key(level: Level, code: str, *, former: bool) -> str:
    return f"{level}:{code}" if former else f"{level}:{code}@{TWO_LEVELS_SINCE}"


def _parted(full_name: str) -> tuple[str, str]:
    """Type without marks, and name: ``("thi tran", "Lim")``."""
    for type_ in _TYPES:
        if fold(full_name).startswith(fold(type_) + " "):
            return fold(type_), full_name[len(type_) :].strip()
    return "", full_name


# -- former units --------------------------------------------------------------------------------


def _csv_rows(path: Path) -> list[list[str]]:
    text = _bytes(path).decode("utf-8-sig", errors="replace")
    return [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(keepends=True))]


def _column(rows: list[list[str]], title: str) -> int | None:
    """The place of a column that one of the first rows names so, without marks."""
    for row in rows[:3]:
        for n, cell in enumerate(row):
            if fold(cell) == title:
                return n
    return None


def _cells(row: list[str], columns: Iterable[int | None]) -> list[str]:
    return [row[n] if n is not None and n < len(row) else "" for n in columns]


def _former_units(rows: list[list[str]]) -> dict[str, AdminUnit]:
    titles = ("tinh thanh pho", "ma tp", "quan huyen", "ma qh", "phuong xa", "ma px")
    columns = [_column(rows, title) for title in titles]
    units: dict[str, AdminUnit] = {}
    for row in rows[1:]:
        province, province_code, district, district_code, ward, ward_code = _cells(row, columns)
        above = ""
        steps: tuple[tuple[Level, str, str], ...] = (
            ("province", province_code, province),
            ("district", district_code, district),
            ("ward", ward_code, ward),
        )
        for level, code, name in steps:
            if not code or not name:
                break
            unit = _unit(level, code, name, above, former=True)
            above = units.setdefault(unit.key, unit).key
    return units


# -- changes -------------------------------------------------------------------------------------


def _changes(
    rows: list[list[str]],
    former: dict[str, AdminUnit],
    present: dict[str, AdminUnit],
    notes: list[str],
) -> Iterator[Change]:
    titles = ("ma xa moi", "ten xa moi", "ten xa cu", "ma xa cu", "ghi chu", "quan/huyen")
    columns = [_column(rows, title) for title in titles]
    columns += [0]  # the province of today, in the first column
    by_name = _by_name([*former.values(), *present.values()])
    for number, row in enumerate(rows, start=1):
        code, name, old, old_code, note, district, province = _cells(row, columns)
        if not code.isdigit():
            continue  # a heading
        new = present.get(_key("ward", code, former=False))
        if new is None:
            above = _key("province", _code_in(province), former=False)
            new = by_name.get((above, name_key(_parted(name)[1])))
        below = _key("district", _code_in(district), former=True)
        unit = _former_unit(old, old_code, below, former, by_name)
        if new is None or unit is None:
            notes.append(f"line {number}: {old or district} ({old_code}) → {name} ({code})")
            continue
        yield Change(unit.key, new.key, _share(note), " ".join(note.split()))


def _former_unit(
    name: str,
    code: str,
    district: str,
    former: dict[str, AdminUnit],
    by_name: dict[tuple[str, str], AdminUnit],
) -> AdminUnit | None:
    if not code and not name:
        return former.get(district)
    unit = former.get(_key("ward", code, former=True))
    key = name_key(_parted(" ".join(name.split()))[1])
    if unit is not None and (unit.parent == district or name_key(unit.name) == key):
        return unit
    found = by_name.get((district, key))
    if found is None and code and unit is None and district in former:
        # Made after the table of former units was: the table of changes says all that is needed.
        found = _unit("ward", code, name, district, former=True)
        former[found.key] = found
    return found


def _by_name(units: Iterable[AdminUnit]) -> dict[tuple[str, str], AdminUnit]:
    """By the unit above and the name; names that occur twice there are left out."""
    found: dict[tuple[str, str], AdminUnit] = {}
    twice = set()
    for unit in units:
        key = (unit.parent, name_key(unit.name))
        if key in found:
            twice.add(key)
        found[key] = unit
    return {key: unit for key, unit in found.items() if key not in twice}


def _code_in(text: str) -> str:
    found = _CODE.search(text)
    return found[1] if found else ""


def _share(note: str) -> Share:
    plain = " ".join(fold(note).split())
    if "toan bo dan so" in plain:
        return "area-with-everybody"
    if "mot phan dan so" in plain:
        return "people"
    if "mot phan dien tich" in plain:
        return "area"
    if "mot phan" in plain or "phan con lai" in plain:
        return "part"
    return "whole"
