"""Secret fields of an import: encrypted in what is kept of it, and told to nobody.

Rejected rows are kept to be mended and imported again. Their secret cells are encrypted there, and
read as they were when the mended file is imported; whoever mends the rest leaves them as they are,
or writes a new value in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.access.policies import MASK
from relatum.access.secrets import is_encrypted, place_of
from relatum.values.problems import Problem, RelatumError

if TYPE_CHECKING:
    from relatum.access.secrets import Secrets
    from relatum.importing.mapping import RowMapping
    from relatum.importing.reading import Table
    from relatum.importing.results import LineFinding
    from relatum.importing.rows import Row

#: A finding that quotes an earlier line.
DIFFERS = "differs-from-first"
#: Of a JSON line that is a record itself.
CONTAINER = "fields"


class Concealer:
    """Knows the secret cells of one file.

    Args:
        fields: secret fields of the target: ``fields.pin``.
    """

    def __init__(
        self, secrets: Secrets, table: Table, mapping: RowMapping, fields: frozenset[str]
    ) -> None:
        self._secrets = secrets
        self._fields = fields
        self._identity = mapping.identity
        self._headings = {
            heading for field in fields for heading in mapping.headings.get(field, ())
        }
        self._places = {
            index
            for heading in self._headings
            if table.kind != "jsonl" and (index := table.index_of(heading)) is not None
        }

    @property
    def needed(self) -> bool:
        """Whether the file has anything secret."""
        return self._identity or bool(self._headings)

    def concealed(self, row: Row) -> Row:
        """A row as it may be kept."""
        if row.raw is not None:
            # nobody can say which part of it is which
            return msgspec.structs.replace(row, raw=self._encrypted(row.raw))
        return msgspec.structs.replace(row, cells=self._each(row.cells, self._encrypted))

    def revealed(self, row: Row) -> Row:
        """A row as it was before it was kept; one that cannot be read has a problem."""
        if row.raw is not None:
            return row
        try:
            row.cells = self._each(row.cells, self._decrypted)
        except RelatumError as error:
            row.problem = Problem(
                code="unreadable-secret",
                message="An encrypted cell cannot be read here",
                where=f"line {row.line}",
                expected="a cell as it was kept, in the same column of the same installation",
                mend=f"Write the value itself. {error.title}.",
            )
        return row

    def masked(self, values: dict[str, Any]) -> dict[str, Any]:
        """The fields of a record as a preview shows and keeps them."""
        inner = values.get(CONTAINER)
        if not isinstance(inner, dict):
            return values
        names = {field.removeprefix(f"{CONTAINER}.") for field in self._fields}
        return {**values, CONTAINER: {k: MASK if k in names else v for k, v in inner.items()}}

    def told(self, finding: LineFinding, row: Row, field: str) -> LineFinding:
        """A finding without the value, when it may be secret."""
        if row.raw is None and not self._is_secret(field, finding.column):
            return finding
        problem = msgspec.structs.replace(finding.problem, got="")
        if problem.code == DIFFERS:
            problem = msgspec.structs.replace(problem, expected="the values of the first line")
        return msgspec.structs.replace(finding, value="", problem=problem)

    def _is_secret(self, field: str, column: str) -> bool:
        if self._identity and field.partition(".")[0] == CONTAINER:
            return True
        return field in self._fields or any(
            part in self._headings for part in column.split(" and ")
        )

    def _each(self, cells: Any, change: Callable[[Any], Any]) -> Any:
        if isinstance(cells, list):
            return [
                change(cell) if place in self._places else cell for place, cell in enumerate(cells)
            ]
        if not isinstance(cells, dict):
            return cells
        inner = cells.get(CONTAINER)
        changed = {key: change(cells[key]) for key in self._headings & cells.keys()}
        if self._identity and isinstance(inner, dict):
            names = {field.removeprefix(f"{CONTAINER}.") for field in self._fields}
            hidden = {key: change(inner[key]) for key in names & inner.keys()}
            changed[CONTAINER] = {**inner, **hidden}
        return {**cells, **changed}

    def _encrypted(self, value: Any) -> Any:
        if value in ("", None) or is_encrypted(value):
            return value
        return self._secrets.encrypt(msgspec.json.encode(value).decode(), _PLACE)

    def _decrypted(self, value: Any) -> Any:
        if not is_encrypted(value):
            return value
        return msgspec.json.decode(self._secrets.decrypt(value, _PLACE))


#: A mended file may name its columns otherwise: the place is that of all kept rows.
_PLACE = place_of("core_import", "rejected", "cell")
