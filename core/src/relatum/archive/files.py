"""Parquet files of the archive: written in pieces, read back, told from what is none of ours.

Everything here blocks; call it in a thread. The library is imported when it is needed: it is an
extra of the distribution.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from relatum.archive.kinds import INTO, KINDS, OUT, Form, Kind, Row, digest_of
from relatum.values.problems import ConfigurationError, Conflict

#: Rows in one piece (a row group of the file); one transaction takes one piece out or in.
PIECE = 5_000
FORMAT = 1
_HEAD = b"relatum"


class Piece(msgspec.Struct, frozen=True):
    """A part of a file: keys from ``first`` to ``last``."""

    first: str
    last: str
    rows: int
    digest: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of itself, in its footer under ``relatum``."""

    format: int
    relatum: str
    kind: str
    month: str
    columns: list[str]
    pieces: list[Piece]

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)

    @property
    def digest(self) -> str:
        """Over all rows."""
        return hashlib.sha256("".join(piece.digest for piece in self.pieces).encode()).hexdigest()


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was written and read back."""

    about: About
    name: str
    bytes: int
    sha256: str


class ForeignFile(Conflict):
    """A file is not what it has to be; the detail says what it is instead."""


def pyarrow() -> Any:
    """The library.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigurationError(
            "expected the library that reads and writes archives (pyarrow), got none; "
            "pip install 'relatum[archive]'"
        ) from error
    return pyarrow


def _schema(kind: Kind) -> Any:
    arrow = pyarrow()
    types: dict[Form, Any] = {
        "whole": arrow.int64(),
        "small": arrow.int16(),
        "text": arrow.string(),
        "time": arrow.timestamp("us", tz="UTC"),
    }
    return arrow.schema([(column, types[form]) for column, form in kind.forms.items()])


def _table(kind: Kind, rows: Sequence[Row]) -> Any:
    arrow = pyarrow()
    schema = _schema(kind)
    columns = []
    for place, (name, form) in enumerate(kind.forms.items()):
        texts = [row[place] for row in rows]
        into = INTO.get(form)
        try:
            values = texts if into is None else [t if t is None else into(t) for t in texts]
            plain = arrow.array(
                values, arrow.int64() if form == "time" else schema.field(name).type
            )
        except (ValueError, OverflowError) as error:
            raise _no_place(kind, name, rows, place) from error
        columns.append(plain.cast(schema.field(name).type))
    return arrow.table(columns, schema=schema)


def _no_place(kind: Kind, name: str, rows: Sequence[Row], place: int) -> Conflict:
    into = INTO[kind.forms[name]]
    for row in rows:
        text = row[place]
        try:
            if text is not None:
                into(text)
        except ValueError:
            return Conflict(
                f"expected {name} of {kind.id} {row[0]} as Relatum writes it, got {text!r}; it "
                "cannot be archived to the byte, so nothing is: somebody else wrote it"
            )
    return Conflict(f"expected {name} of {kind.id} within its range, got one beyond it")


def _rows(kind: Kind, table: Any) -> list[Row]:
    arrow = pyarrow()
    columns = []
    for name, form in kind.forms.items():
        column = table.column(name)
        if form == "time":
            column = column.cast(arrow.int64())
        values = column.to_pylist()
        out = OUT.get(form)
        columns.append(values if out is None else [v if v is None else out(v) for v in values])
    return list(zip(*columns, strict=True))


class Draft:
    """A file that is being written beside its place; it is moved there by :meth:`finish`."""

    def __init__(self, folder: Path, kind: Kind, month: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._kind = kind
        self._month = month
        self._path = folder / f".{kind.id}-{month}.{os.getpid()}.draft"
        self._pieces: list[Piece] = []
        self._file = self._path.open("wb")
        self._path.chmod(0o600)
        parquet = pyarrow().parquet
        self._writer = parquet.ParquetWriter(
            self._file, _schema(kind), compression="zstd", compression_level=6, version="2.6"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer.is_open:  # before its file: it writes its end there
            self._writer.close()
        self._file.close()
        self._path.unlink(missing_ok=True)

    def add(self, rows: Sequence[Row]) -> None:
        """One piece.

        Raises:
            Conflict: a value could not be given back as it is; nothing was written of the piece.
        """
        self._writer.write_table(_table(self._kind, rows), row_group_size=len(rows))
        first, last = rows[0][0] or "", rows[-1][0] or ""
        self._pieces.append(Piece(first, last, len(rows), digest_of(rows)))

    def finish(self) -> Made:
        """Put it on the disk, read all of it back, then move it to its place.

        Raises:
            Conflict: what can be read is not what was written.
        """
        about = About(
            format=FORMAT,
            relatum=version("relatum"),
            kind=self._kind.id,
            month=self._month,
            columns=list(self._kind.columns),
            pieces=self._pieces,
        )
        self._writer.add_key_value_metadata({_HEAD: msgspec.json.encode(about)})
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        with Reader(self._path) as reader:
            reader.check(about)
        name = f"{self._kind.id}-{self._month}-{about.digest[:12]}.parquet"
        made = Made(
            about=about, name=name, bytes=self._path.stat().st_size, sha256=sha256_of(self._path)
        )
        self._path.replace(self._folder / name)
        sync_folder(self._folder)
        return made


class Reader:
    """An archive file, piece by piece.

    Raises:
        ForeignFile: it is not one of ours, or is damaged.
        FileNotFoundError: there is none.
    """

    def __init__(self, path: Path) -> None:
        arrow = pyarrow()
        self._path = path
        try:
            self._file = arrow.parquet.ParquetFile(path)
        except FileNotFoundError:
            raise
        except (arrow.ArrowException, OSError) as error:
            raise _foreign(path, f"one that cannot be read ({_first_line(error)})") from error
        head = (self._file.metadata.metadata or {}).get(_HEAD)
        try:
            self.about = msgspec.json.decode(head or b"", type=About)
            self.kind = KINDS[self.about.kind]
        except (msgspec.DecodeError, KeyError) as error:
            self.close()
            raise _foreign(path, "one that Relatum has not written") from error
        if self.about.format != FORMAT or self.about.columns != list(self.kind.columns):
            self.close()
            raise _foreign(path, f"one of another format (Relatum {self.about.relatum})")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def piece(self, number: int) -> list[Row]:
        """The rows of one piece, held against its digest.

        Raises:
            ForeignFile: they are not those that were written.
        """
        expected = self.about.pieces[number]
        arrow = pyarrow()
        try:
            rows = _rows(self.kind, self._file.read_row_group(number))
        except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
            raise _foreign(self._path, f"a damaged one ({_first_line(error)})") from error
        if len(rows) != expected.rows or digest_of(rows) != expected.digest:
            raise _foreign(self._path, f"one whose piece {number + 1} holds other rows")
        return rows

    def pieces(self) -> Iterator[list[Row]]:
        """All of them."""
        for number in range(len(self.about.pieces)):
            yield self.piece(number)

    def check(self, about: About) -> None:
        """Read everything and compare it with what should be there.

        Raises:
            ForeignFile: it differs.
        """
        if self.about != about or self._file.metadata.num_rows != about.rows:
            raise _foreign(self._path, "one that says something else of itself")
        for _ in self.pieces():
            pass

    def count(self, types: Sequence[str], pieces: int) -> int:
        """Events of these types in the first pieces; only one column is unpacked."""
        arrow = pyarrow()
        wanted = arrow.array(list(types), arrow.string())
        total = 0
        for number in range(pieces):
            try:
                column = self._file.read_row_group(number, columns=["type"]).column(0)
            except (arrow.ArrowException, OSError) as error:
                raise _foreign(self._path, f"a damaged one ({_first_line(error)})") from error
            total += int(arrow.compute.sum(arrow.compute.is_in(column, wanted)).as_py() or 0)
        return total

    def customers(self, pieces: int) -> set[str]:
        """Whom the first pieces are about: of events, those alone that people caused."""
        arrow, events = pyarrow(), "by" in self.kind.forms
        found: set[str] = set()
        for number in range(pieces):
            try:
                wanted = ["customer_id", "by"] if events else ["customer_id"]
                table = self._file.read_row_group(number, columns=wanted)
                if events:
                    by = table.column("by")
                    table = table.filter(arrow.compute.starts_with(by, pattern="account:"))
                ids = table.column("customer_id").unique().to_pylist()
            except (arrow.ArrowException, OSError) as error:
                raise _foreign(self._path, f"a damaged one ({_first_line(error)})") from error
            found.update(id for id in ids if id)
        return found

    def of_customer(self, customer: str) -> list[Row]:
        """The rows of one customer; pieces without any are not even unpacked."""
        found = self._file.metadata
        rows: list[Row] = []
        place = self.kind.place("customer_id")
        for number in range(found.num_row_groups):
            ids = self._file.read_row_group(number, columns=["customer_id"]).column(0)
            if pyarrow().compute.any(pyarrow().compute.equal(ids, customer)).as_py():
                rows += [row for row in self.piece(number) if row[place] == customer]
        return rows


def _foreign(path: Path, got: str) -> ForeignFile:
    return ForeignFile(
        f"expected an archive file of this house at {path.name}, got {got}; put the right file "
        "back from a backup"
    )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def sha256_of(path: Path) -> str:
    """Of a whole file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
