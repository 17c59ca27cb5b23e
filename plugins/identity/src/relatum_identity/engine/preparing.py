"""Records as columns of codes and texts: each value read once, equal values with equal codes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from relatum_identity.engine import firms, names, values
from relatum_identity.engine.schema import Columns, Field, Schema, Value, as_list

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Texts = npt.NDArray[np.object_]

#: Values of one field and record that are compared; more are left out.
MOST_VALUES = 4
#: Words of a text that are compared.
MOST_WORDS = 10
_READ: dict[str, Callable[[str], str]] = {
    "word": values.read_plain,
    "phone": values.read_phone,
    "email": values.read_email,
    "identifier": values.read_identifier,
    "date": values.read_date,
    "address": values.read_address,
    "text": values.read_text,
    "category": values.read_plain,
    "firm": lambda raw: firms.read_firm(raw).text,
    "tax": firms.read_tax_code,
    "domain": firms.read_domain,
}


#: Kinds whose words are counted.
_WORDED = frozenset({"text", "firm"})


class Statistics(msgspec.Struct):
    """How frequent values are. What is not in ``counts`` was met once or never.

    ``counts`` is keyed by field and part: ``"name.given"``; so is ``means``, the probability that
    two records have one value by chance, taken over all records that were counted.
    """

    records: int = 0
    counts: dict[str, dict[str, int]] = {}
    means: dict[str, float] = {}

    def count(self, part: str, value: str) -> int:
        return self.counts.get(part, {}).get(value, 1)

    def of(self, part: str) -> dict[str, int]:
        return self.counts.get(part, {})


@dataclass
class Column:
    """One field of all records.

    Attributes:
        texts: the value as it is compared, empty where nothing is known (the first of several).
        codes: one row a record, one column a value; equal values have equal codes, -1 is none.
        frequency: of each of the values, the probability that somebody else has it.
        mean_frequency: the probability that two people have one value by chance.
        mean_of_ends: the same of family and given name together.
        parts: codes of parts, by name.
        part_frequency: for parts that are compared by frequency.
    """

    field: Field
    texts: Texts
    codes: Ints
    frequency: Floats
    mean_frequency: float
    mean_of_ends: float = 0.001
    parts: dict[str, Ints] = dataclasses.field(default_factory=dict)
    part_texts: dict[str, Texts] = dataclasses.field(default_factory=dict)
    part_frequency: dict[str, Floats] = dataclasses.field(default_factory=dict)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.codes[:, 0] >= 0)


@dataclass
class Prepared:
    """All records, ready to be blocked and compared."""

    schema: Schema
    columns: dict[str, Column]
    statistics: Statistics
    size: int


def statistics_of(columns: Columns, schema: Schema) -> Statistics:
    """Counts of values and parts of names; what was met once is left out."""
    counts: dict[str, dict[str, int]] = {}
    size = 0
    for each in schema.fields:
        size = len(columns[each.name])
        counts |= _counted(each, columns[each.name])
    return Statistics(records=size, counts=counts)


def prepare(columns: Columns, schema: Schema, statistics: Statistics | None = None) -> Prepared:
    """Read all values.

    Args:
        statistics: of the whole that the records belong to; counted from the records when left
            out.

    Raises:
        ValueError: a column of the schema is missing, or columns differ in length.
    """
    _check(columns, schema)
    statistics = statistics or statistics_of(columns, schema)
    prepared = {each.name: _column(each, columns[each.name], statistics) for each in schema.fields}
    size = len(columns[schema.fields[0].name])
    for name, column in prepared.items():
        column.mean_frequency = statistics.means.get(name, column.mean_frequency)
        column.mean_of_ends = statistics.means.get(f"{name}.ends", column.mean_of_ends)
    return Prepared(schema, prepared, statistics, size)


def with_means(prepared: Prepared) -> Statistics:
    """The statistics with the means of these records, so that a few of them are judged alike."""
    means = {name: column.mean_frequency for name, column in prepared.columns.items()}
    means |= {f"{name}.ends": column.mean_of_ends for name, column in prepared.columns.items()}
    return msgspec.structs.replace(prepared.statistics, means=means)


def _check(columns: Columns, schema: Schema) -> None:
    missing = [each.name for each in schema.fields if each.name not in columns]
    if missing:
        raise ValueError(f"expected the columns of the schema, missing are {', '.join(missing)}")
    lengths = {each.name: len(columns[each.name]) for each in schema.fields}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"expected columns of one length, got {lengths}")


def _counted(each: Field, column: Sequence[Value]) -> dict[str, dict[str, int]]:
    if each.kind == "name":
        return _counted_names(each, column)
    seen: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for value in column:
        read = {text for raw in as_list(value) if (text := _READ[each.kind](raw))}
        seen.update(read)
        if each.kind in _WORDED:
            words.update({word for text in read for word in text.split()})
    found = {each.name: _repeated(seen)}
    if each.kind in _WORDED:
        found[f"{each.name}.word"] = _repeated(words)
    return found


def _counted_names(each: Field, column: Sequence[Value]) -> dict[str, dict[str, int]]:
    plain = [
        [names.plain_word(word) for word in names.words_of(raw)]
        for value in column
        for raw in as_list(value)[:1]
    ]
    places = names.places_of(plain)
    counts: dict[str, Counter[str]] = {
        part: Counter() for part in ("whole", "family", "middle", "given")
    }
    for words in plain:
        ordered = names.in_order(words, places)
        if ordered:
            counts["whole"][" ".join(sorted(words))] += 1
            counts["given"][ordered[-1]] += 1
            counts["family"][ordered[0] if len(ordered) > 1 else ""] += 1
            counts["middle"][" ".join(ordered[1:-1])] += 1
    found = {f"{each.name}.{part}": _repeated(count) for part, count in counts.items()}
    found[f"{each.name}.first"] = dict(places.first)
    found[f"{each.name}.last"] = dict(places.last)
    return found


def _repeated(counts: Counter[str]) -> dict[str, int]:
    return {value: count for value, count in counts.items() if count > 1}


def _column(each: Field, column: Sequence[Value], statistics: Statistics) -> Column:
    if each.kind == "name":
        return _name_column(each, column, statistics)
    read = _READ[each.kind]
    lists = [
        list(dict.fromkeys(text for raw in as_list(value) if (text := read(raw))))[:MOST_VALUES]
        for value in column
    ]
    width = max(1, max(map(len, lists), default=1))
    codes, frequency = _matrix(each.name, lists, width, statistics)
    texts = objects(some[0] if some else "" for some in lists)
    found = Column(each, texts, codes, frequency, _mean(frequency, codes))
    for place in range(1, width):
        found.part_texts[f"value_{place}"] = objects(
            some[place] if len(some) > place else "" for some in lists
        )
    if each.kind == "address":
        found.part_texts["number"] = objects(map(values.house_number, texts))
        found.parts["number"] = encode(found.part_texts["number"])
        found.parts["area"] = encode(objects(text.rpartition(" ")[2] for text in texts))
    elif each.kind in _WORDED:
        _add_words(found, statistics)
    if each.kind == "firm":
        read_names = [firms.read_firm(some[0]) if (some := as_list(v)) else None for v in column]
        for part in ("own", "form"):
            found.part_texts[part] = objects(getattr(n, part) if n else "" for n in read_names)
            found.parts[part] = encode(found.part_texts[part])
        found.parts["branch"] = np.array([bool(n and n.branch) for n in read_names], np.int32)
    return found


def _matrix(
    part: str, lists: Sequence[Sequence[str]], width: int, statistics: Statistics
) -> tuple[Ints, Floats]:
    known: dict[str, int] = {}
    codes = np.full((len(lists), width), -1, dtype=np.int32)
    frequency = np.ones((len(lists), width), dtype=np.float32)
    counts = statistics.of(part)
    records = max(statistics.records, 2)
    for row, some in enumerate(lists):
        for place, text in enumerate(some):
            codes[row, place] = known.setdefault(text, len(known))
            frequency[row, place] = others(counts.get(text, 1), records)
    return codes, frequency


def others(count: int, records: int) -> float:
    """The probability that somebody else has a value that ``count`` of ``records`` have.

    The pair that is looked at does not count; a value is never thought rarer than one more in all.
    """
    return max(count - 1, 1) / records


def _mean(frequency: Floats, codes: Ints) -> float:
    some = frequency[codes >= 0]
    return float(some.mean()) if some.size else 0.001


_NO_NAMES = names.Places({}, {}, 1)


def _name_column(each: Field, column: Sequence[Value], statistics: Statistics) -> Column:
    first, last = statistics.of(f"{each.name}.first"), statistics.of(f"{each.name}.last")
    places = names.Places(first, last, max(sum(first.values()), 1))
    nothing = names.Name("", (), "", "", "")
    read = [
        names.read_name(some[0], places) if (some := as_list(value)) else nothing
        for value in column
    ]
    shares = [_name_frequency(each, name, statistics) for name in read]
    frequency = np.array(shares, np.float32).reshape(-1, 2)
    whole = encode(objects(name.whole for name in read))
    found = Column(
        each,
        objects(name.text for name in read),
        whole.reshape(-1, 1),
        frequency[:, :1],
        _mean(frequency[:, 0], whole) if read else 0.001,
    )
    found.parts = {
        "marked": encode(objects(name.marked for name in read)),
        "family": encode(objects(name.family for name in read)),
        "given": encode(objects(name.given for name in read)),
    }
    found.part_texts = {
        "family": objects(name.family for name in read),
        "given": objects(name.given for name in read),
        "ends": objects(_ends(name) for name in read),
    }
    found.part_frequency = {"family_given": frequency[:, 1]}
    ends = frequency[:, 1][found.known]
    found.mean_of_ends = float(ends.mean()) if ends.size else 0.001
    for part in ("family", "given"):
        counts = statistics.of(f"{each.name}.{part}")
        found.parts[f"{part}_count"] = np.array(
            [counts.get(text, 1) for text in found.part_texts[part]], dtype=np.int32
        )
    found.parts |= _word_matrix("middle", [name.middle for name in read], 4)
    return found


def _ends(name: names.Name) -> str:
    """First and last word, in whichever order; nothing that was learned decides which they are."""
    words = names.in_order(name.plain, _NO_NAMES)
    return " ".join(sorted((words[0], words[-1]))) if len(words) > 1 else ""


def _name_frequency(each: Field, name: names.Name, statistics: Statistics) -> tuple[float, float]:
    """Of the whole name, and of family and given name together.

    Half what was counted, half what independent parts would give: namesakes that are there count,
    and so do those that are not there yet.
    """
    records = max(statistics.records, 2)

    def share(part: str, value: str) -> float:
        return statistics.count(f"{each.name}.{part}", value) / records

    ends = share("family", name.family) * share("given", name.given)
    product = ends * share("middle", " ".join(name.middle))
    counted = max(statistics.count(f"{each.name}.whole", name.whole) - 2, 0) / records
    least = 0.2 / records
    return max((product + counted) / 2, least), max(ends, least)


def _word_matrix(part: str, lists: Sequence[Sequence[str]], width: int) -> dict[str, Ints]:
    known: dict[str, int] = {}
    codes = np.full((len(lists), width), -1, dtype=np.int32)
    for row, some in enumerate(lists):
        for place, text in enumerate(some[:width]):
            codes[row, place] = known.setdefault(text, len(known))
    return {part: codes}


def _add_words(column: Column, statistics: Statistics) -> None:
    """The words of texts with their inverse document frequency (Spärck Jones 1972)."""
    lists = [list(dict.fromkeys(text.split()))[:MOST_WORDS] for text in column.texts]
    column.parts |= _word_matrix("words", lists, MOST_WORDS)
    counts = statistics.of(f"{column.field.name}.word")
    records = max(statistics.records, 2)
    weights = np.zeros((len(lists), MOST_WORDS), dtype=np.float32)
    for row, some in enumerate(lists):
        weights[row, : len(some)] = [np.log(records / counts.get(word, 1)) + 0.1 for word in some]
    length = np.sqrt((weights**2).sum(axis=1, keepdims=True))
    column.part_frequency["words"] = (weights / np.maximum(length, 1e-6)).astype(np.float32)


def objects(texts: Iterable[Any]) -> Texts:
    """A column of texts that can be indexed by many places at once."""
    some = list(texts)
    column = np.empty(len(some), dtype=object)
    column[:] = some
    return column


def encode(texts: Texts) -> Ints:
    """Equal texts with equal codes; -1 for empty ones."""
    known: dict[str, int] = {"": -1}
    return np.array([known.setdefault(text, len(known) - 1) for text in texts], dtype=np.int32)
