"""The same data for people: by where it comes from, without what only programs need.

One view for the screen and for the page inside the archive. The page opens without a server, loads
nothing and can be printed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Protocol
from uuid import UUID

import msgspec

from relatum.customers.subject.labels import COLUMNS, PARTS, PROGRAM, VALUES
from relatum.customers.subject.labels import CORE as CORE_TITLE
from relatum.customers.subject.reducing import MARKS
from relatum.customers.subject.types import Subject, TableHeld
from relatum.hooks.gate import CORE
from relatum.values.money import Money, format_money, is_currency
from relatum.values.text import Text
from relatum.values.time import zone_of

#: For sorting and searching, or numbers of versions and rows: what they say stands elsewhere in
#: full, and the tables for programs have them.
_DERIVED = frozenset(
    {
        *("sort_key", "search", "search_name", "version", "kind_version", "idempotency_key"),
        *("position", "seq", "source_id", "target_id", "subject", "context", "fingerprint"),
        *("address_hash", "rules_version", "reference"),
    }
)
#: Of a table, columns of these names that people are told all the same.
_TOLD = frozenset({("core_message", "subject")})
#: Whose values are ids of kinds and types that have titles.
_NAMED = frozenset({"kind", "type", "field"})
#: Who did something; a program is nobody.
_ACTORS = frozenset({"by", "actor"})
_PROGRAM = re.compile(r"system|(?:plugin|import|job|token):\S+")
_AMOUNTS = frozenset({"amount", "unit_price"})
#: What people declared themselves: an amount in it is not in minor units.
_OWN = "fields"
_DAY = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])")
_DIGITS = re.compile(r"-?\d{1,15}(?:\.\d+)?")
_SWAPPED = str.maketrans(",.", ".,")

_SAID: Mapping[str, Text] = {
    name: Text(en=en, vi=vi)
    for name, en, vi in (
        ("title", "The data we hold about you", "Dữ liệu chúng tôi lưu về quý khách"),
        ("for", "For", "Dành cho"),
        ("of", "As of", "Tính đến"),
        ("rows", "Records", "Số bản ghi"),
        ("yes", "yes", "có"),
        ("no", "no", "không"),
        ("reduced", "What was left out because it is of others", "Phần đã lược bớt"),
        ("staff", "our staff", "nhân viên của chúng tôi"),
        ("other_customer", "another customer", "khách hàng khác"),
        ("unreadable", "cannot be read", "không đọc được"),
        ("key", "never handed out", "không bao giờ cung cấp"),
        ("file", "lies beside as a file", "có trong tệp kèm theo"),
        ("left_out", "Tables that were not searched", "Các bảng không tra cứu"),
    )
}


class Hand(Protocol):
    """How numbers, amounts, days and moments are written down for whoever reads."""

    def number(self, value: float) -> str: ...

    def money(self, amount: Money) -> str: ...

    def day(self, day: dt.date) -> str: ...

    def moment(self, moment: dt.datetime) -> str: ...


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """How people are told.

    Attributes:
        titles: of custom fields, kinds and types, by key.
        values: of what stands in columns of plugins, by ``table.column=value``.
        plugins: what the installed plugins are called, by id.
        zone: in whose time moments are told.
    """

    titles: Mapping[str, Text]
    values: Mapping[str, Text]
    plugins: Mapping[str, Text]
    zone: str


class TableShown(msgspec.Struct, frozen=True, kw_only=True):
    """A table as people read it: columns that say something, values as text.

    ``rows`` is how many there are in all; ``lines`` may have fewer.
    """

    name: str
    title: str
    heads: list[str]
    lines: list[list[str]]
    rows: int


class PartShown(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of core, or of one plugin."""

    plugin: str
    title: str
    tables: list[TableShown]


class TakenShown(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was not handed over as it is stored."""

    where: str
    what: str
    rows: int


class Readable(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, in one language."""

    name: str
    as_of: str
    rows: int
    parts: list[PartShown]
    reduced: list[TakenShown]
    left_out: list[tuple[str, str]]


def readable_of(
    subject: Subject,
    language: str,
    saying: Saying,
    *,
    most: int | None = None,
    hand: Hand | None = None,
) -> Readable:
    """What people read; of each table at most so many rows, the newest.

    Args:
        hand: of whoever reads; without it numbers and times are as the language has them.
    """
    view = _View(language, saying, hand, currencies_of(subject))
    parts: dict[str, list[TableShown]] = {}
    for table in subject.tables:
        parts.setdefault(table.plugin, []).append(view.table(table, most))
    named = {table.name: table for table in subject.tables}
    return Readable(
        name=subject.name,
        as_of=view.hand.moment(subject.ended_at),
        rows=subject.rows,
        parts=[
            PartShown(plugin=plugin, title=view.plugin(plugin), tables=tables)
            for plugin, tables in sorted(parts.items(), key=lambda each: (each[0] != CORE, each[0]))
        ],
        reduced=[
            TakenShown(
                where=view.place(named[each.table], each.column),
                what=view.say(each.what),
                rows=each.rows,
            )
            for each in subject.reduced
        ],
        left_out=[(each.table, each.why.in_language(language)) for each in subject.left_out],
    )


class _ByLanguage:
    """Numbers with at most two decimals, moments by the clock of one zone."""

    def __init__(self, language: str, zone: str) -> None:
        self._language = language
        self._zone = zone_of(zone)

    def number(self, value: float) -> str:
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
        return text.translate(_SWAPPED) if self._language == "vi" else text

    def money(self, amount: Money) -> str:
        return format_money(amount, self._language)

    def day(self, day: dt.date) -> str:
        return f"{day:%d/%m/%Y}" if self._language == "vi" else f"{day:%d %b %Y}"

    def moment(self, moment: dt.datetime) -> str:
        here = moment.astimezone(self._zone)
        return f"{self.day(here)} {here:%H:%M}"


def currencies_of(subject: Subject) -> dict[str, str]:
    """Id → currency of each row that has one: other rows have amounts in the currency of a row that
    they name, as the lines of a deal have."""
    return {
        str(row["id"]): row["currency"]
        for table in subject.tables
        for row in table.rows
        if "id" in row and isinstance(row.get("currency"), str) and is_currency(row["currency"])
    }


class _View:
    """One way of reading.

    Args:
        currencies: of rows that others may name, by id.
    """

    def __init__(
        self,
        language: str,
        saying: Saying,
        hand: Hand | None = None,
        currencies: Mapping[str, str] | None = None,
    ) -> None:
        self._language = language
        self._currencies = currencies or {}
        self._titles = saying.titles
        self._values = saying.values
        self._plugins = saying.plugins
        self.hand: Hand = hand or _ByLanguage(language, saying.zone)
        self._marks = {mark: f"({self.say(what)})" for what, mark in MARKS.items()}

    def say(self, name: str) -> str:
        return _SAID[name].in_language(self._language)

    def plugin(self, plugin: str) -> str:
        if plugin == CORE:
            return CORE_TITLE.in_language(self._language)
        named = self._plugins.get(plugin)
        return named.in_language(self._language) if named else plugin

    def title(self, table: TableHeld) -> str:
        return table.title.in_language(self._language)

    def place(self, table: TableHeld, column: str) -> str:
        titles = {each.name: each.title.in_language(self._language) for each in table.columns}
        return f"{self.title(table)} · {titles[column]}"

    def table(self, table: TableHeld, most: int | None) -> TableShown:
        names = [
            each
            for each in table.columns
            if each.title.en and self._says_something(table, each.name)
        ]
        rows = table.rows if most is None else table.rows[-most:]
        return TableShown(
            name=table.name,
            title=self.title(table),
            heads=[each.title.in_language(self._language) for each in names],
            lines=[
                [
                    self._amount(row, each.name)
                    or self._cell(each.name, row[each.name], table.name)
                    for each in names
                ]
                for row in rows
            ],
            rows=len(table.rows),
        )

    def _says_something(self, table: TableHeld, name: str) -> bool:
        if name in _DERIVED and (table.name, name) not in _TOLD:
            return False
        return any(not _is_technical(row[name]) for row in table.rows)

    def _amount(self, holder: Mapping[str, Any], name: str) -> str:
        """An amount with the currency beside it; empty when this is none."""
        value = holder[name]
        if not (name == "amount" or name.endswith("_amount")) or type(value) is not int:
            return ""
        currency = holder["currency"] if "currency" in holder else self._named_currency(holder)
        if not isinstance(currency, str) or not is_currency(currency):
            return ""
        return self.hand.money(Money(value, currency))

    def _named_currency(self, row: Mapping[str, Any]) -> str:
        """That of the rows which a row names, when it is one."""
        named = {
            self._currencies[str(value)]
            for name, value in row.items()
            if name.endswith("_id") and str(value) in self._currencies
        }
        return named.pop() if len(named) == 1 else ""

    def _cell(self, name: str, value: Any, table: str = "") -> str:
        if isinstance(value, str):
            named = self._values.get(f"{table}.{name}={value}")
            return named.in_language(self._language) if named else self._word(name, value)
        return "\n".join(self._text(value, name))

    def _word(self, name: str, value: str) -> str:
        """A value of a column or a part of this name: the title it has, or what it is."""
        named = self._titles.get(value) if name in _NAMED else None
        named = named or VALUES.get(name, {}).get(value)
        if named:
            return named.in_language(self._language)
        if name in _AMOUNTS and _DIGITS.fullmatch(value):
            return self.hand.number(float(value))
        if (name in _ACTORS or name.endswith("_by")) and _PROGRAM.fullmatch(value):
            return PROGRAM.in_language(self._language)
        return "" if _is_technical(value) else self._plain(value)

    def _title(self, key: str) -> str:
        named = self._titles.get(key) or COLUMNS.get(key) or PARTS.get(key)
        return named.in_language(self._language) if named else key.replace("_", " ")

    def _text(self, value: Any, name: str = "") -> Iterator[str]:
        """A value in lines: what holds others has one for each."""
        if isinstance(value, dict):
            yield from self._parts(value, own=name == _OWN)
        elif isinstance(value, list):
            said = (self._cell(name, each).replace("\n", "; ") for each in value)
            yield from (each for each in said if each)
        elif isinstance(value, bool):
            yield self.say("yes" if value else "no")
        elif isinstance(value, int | float):
            yield self.hand.number(value)
        elif value is not None:
            yield self._plain(str(value))

    def _parts(self, value: Mapping[str, Any], *, own: bool) -> Iterator[str]:
        for key, each in value.items():
            said = "" if own else self._amount(value, key)
            if not said and key not in _DERIVED:
                said = self._cell(key, each).replace("\n", "; ")
            if said:
                yield f"{self._title(key)}: {said}"

    def _plain(self, text: str) -> str:
        if text in self._marks:
            return self._marks[text]
        for mark, said in self._marks.items():
            text = text.replace(mark, said)
        if _DAY.fullmatch(text):
            return self.hand.day(dt.date.fromisoformat(text))
        moment = _moment(text)
        return text if moment is None else self.hand.moment(moment)


def _is_technical(value: Any) -> bool:
    """Empty, or an id that says nothing to people."""
    if value is None or value in ("", {}, []):
        return True
    if not isinstance(value, str) or len(value) != 36:
        return False
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def _moment(text: str) -> dt.datetime | None:
    if len(text) < 19 or text[4:5] != "-" or text[10:11] not in ("T", " "):
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


# -- the page inside the archive -----------------------------------------------------------------

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.875rem}
caption{text-align:left;font-weight:600;padding:.75rem 0 .25rem}
th,td{border:1px solid #767676;padding:.25rem .5rem;text-align:left;vertical-align:top}
td{white-space:pre-wrap;overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}.scroll{overflow:visible}}
"""


def html_of(subject: Subject, language: str, saying: Saying) -> str:
    """The whole page, with every row."""
    shown = readable_of(subject, language, saying)
    return "".join(_html(shown, _View(language, saying), language))


def _html(shown: Readable, view: _View, language: str) -> Iterator[str]:
    title = escape(view.say("title"))
    yield (
        f'<!doctype html>\n<html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f"<p>{escape(view.say('for'))}: <strong>{escape(shown.name)}</strong><br>"
        f"{escape(view.say('of'))}: {escape(shown.as_of)}<br>"
        f"{escape(view.say('rows'))}: {shown.rows}</p>"
    )
    for part in shown.parts:
        yield f"<h2>{escape(part.title)}</h2>"
        for table in part.tables:
            yield from _html_table(table)
    if shown.reduced:
        yield f"<h2>{escape(view.say('reduced'))}</h2><ul>"
        for taken in shown.reduced:
            yield f"<li>{escape(taken.where)}: {escape(taken.what)} ({taken.rows})</li>"
        yield "</ul>"
    if shown.left_out:
        yield f"<h2>{escape(view.say('left_out'))}</h2><ul>"
        for name, why in shown.left_out:
            yield f"<li><code>{escape(name)}</code>: {escape(why)}</li>"
        yield "</ul>"
    yield "</main></body></html>\n"


def _html_table(table: TableShown) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    # a table wider than the screen is moved by the keyboard too
    yield (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(table.title)}">'
        f"<table><caption>{escape(table.title)} ({table.rows})</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>"
    )
    for line in table.lines:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>"
    yield "</tbody></table></div>\n"
