"""Everybody at every address: what may not be told is not told, and what is hidden is not there.

An answer about a hidden row has to be the answer about a row that does not exist, to the letter;
only so does nobody learn that there is something to hide.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import httpx

from relatum.db.guarding import as_the_house
from tests.security.addresses import UNSAFE, Address
from tests.security.bodies import Body, fresh
from tests.security.canaries import Canary, Eyes, leaks, plain, told
from tests.security.cases import ANSWERS, BODIES, PAIRS, REFERENCES, ROWS, VALUES, Reference
from tests.security.ownership import OWNERS, tables
from tests.security.people import PEOPLE
from tests.security.site import Site, Visitor

#: An id that nothing has.
NOWHERE = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"
#: Rows that are one account's; bodies name those of whoever asks.
_OF_ACCOUNTS = {
    "core_chart": "WHERE account_id = '{me}' AND deleted_at IS NULL",
    "core_upload": "WHERE account_id = '{me}'",
}
#: The answer to a request is another each time in these.
_VOLATILE = re.compile(
    r'"request_id":"[^"]*"|<code>req[^<]*</code>|name="csrf" (?:content|value)="[0-9a-f]+"'
)

#: A mark of the log is encrypted, so another one each time.
_MARK = re.compile(r"\bk[0-9a-f]{8}:[\w=-]{20,}")


@dataclass
class Tally:
    """What was asked, and everything that was wrong with an answer."""

    requests: int = 0
    addresses: set[str] = field(default_factory=set)
    wrongs: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.requests += other.requests
        self.addresses |= other.addresses
        self.wrongs += other.wrongs

    def report(self) -> str:
        shown = self.wrongs[:40]
        more = len(self.wrongs) - len(shown)
        return "\n".join([*shown, f"… and {more} more"] if more else shown)


@dataclass(frozen=True)
class Filling:
    """Values for the parameters of one path, and what they are to somebody."""

    values: Mapping[str, str]
    what: str  # visible, hidden, there (nobody's), nowhere


class Matrix:
    """One visitor at a site.

    Args:
        most: rows of each sort to try at each address.
    """

    def __init__(self, site: Site, name: str, *, most: int = 3) -> None:
        self.site = site
        self.visitor: Visitor = site.visitor(name)
        self.eyes: Eyes = self.visitor.person.eyes
        self.tally = Tally()
        self._most = most
        self._random = random.Random(f"matrix {name}")

    # -- reading ---------------------------------------------------------------------------------

    async def read_everything(self) -> Tally:
        """Every GET that the visitor may call, with everything it can be asked about."""
        for address in self._held("GET"):
            for filling in await self.fillings(address):
                answer = await self._ask(address, filling)
                if filling.what == "hidden":
                    nowhere = self._nowhere(address, filling)
                    self._compare(address, filling, answer, await self._ask(address, nowhere))
                elif answer.status_code not in ANSWERS.get(address.path, (200,)):
                    self._wrong(
                        address, filling, f"answered {answer.status_code}: {answer.text[:300]}"
                    )
        return self.tally

    # -- searching -------------------------------------------------------------------------------

    async def search_everything(self, *, values: int = 2) -> Tally:
        """Every list by every parameter with what is hidden or masked, against nonsense."""
        sought = self._sought()
        for address in self._held("GET"):
            names = [name for name in _parameters(address) if sought]
            if not names:
                continue
            filling = next(
                (each for each in await self.fillings(address) if each.what != "hidden"), None
            )
            if filling is None:
                continue
            for name in names:
                for value, canary in self._random.sample(sought, min(values, len(sought))):
                    await self._search(address, filling, name, value, canary)
        return self.tally

    async def _search(
        self, address: Address, filling: Filling, name: str, value: str, canary: Canary
    ) -> None:
        found = await self._ask(address, filling, params={name: value})
        nonsense = _nonsense(value)
        nothing = await self._ask(address, filling, params={name: nonsense})
        if _stripped(found, [value]) != _stripped(nothing, [nonsense]):
            self._wrong(
                address,
                filling,
                f"?{name}={value} ({canary.place}) is not answered as ?{name}={nonsense}:\n"
                f"    {found.text[:600]}\n    {nothing.text[:600]}",
            )

    def _sought(self) -> list[tuple[str, Canary]]:
        canaries = self.site.world.canaries
        every = {**canaries.words, **canaries.texts}
        hidden = [(text, each) for text, each in every.items() if not self.eyes.may_see(each)]
        for label, phone in self.site.world.phones.items():
            canary = Canary(frozenset({label}), "phone", "contact")
            if not self.eyes.may_see(canary):
                hidden.append((phone, canary))
        return hidden

    # -- writing ---------------------------------------------------------------------------------

    async def write_hidden(self) -> Tally:
        """Every write on hidden rows: it fails as if there were none, and changes nothing."""
        before = await rows_of(self.site)
        for address in self._held(*UNSAFE):
            body = BODIES[address.method, address.path]
            hidden = [each for each in await self.fillings(address) if each.what == "hidden"]
            for filling in hidden:
                sent = await self._sent(body)
                answer = await self._ask(address, filling, **sent)
                nothing = await self._ask(address, self._nowhere(address, filling), **sent)
                self._refused(address, filling, answer)
                self._compare(address, filling, answer, nothing)
        for reference in REFERENCES:
            await self._refer(reference)
        self.tally.wrongs += [
            f"{self.visitor.name}: {line}" for line in differences(before, await rows_of(self.site))
        ]
        return self.tally

    async def _refer(self, reference: Reference) -> None:
        """A body that names a hidden row."""
        address = next(
            (each for each in self._held(reference.method) if each.path == reference.path),
            None,
        )
        if address is None:
            return
        seen = [each for each in await self.fillings(address) if each.what in ("visible", "there")]
        hidden = self._rows(reference.table, visible=False)
        if not seen or not hidden:
            return
        known = fresh(await self.visible_ids())
        for id in hidden:
            other = str(uuid4())
            answer = await self._ask(address, seen[0], json=reference.make(id, known))
            nothing = await self._ask(address, seen[0], json=reference.make(other, known))
            self._refused(address, seen[0], answer)
            if _stripped(answer, [id]) != _stripped(nothing, [other]):
                self._wrong(
                    address,
                    seen[0],
                    f"a body that names a hidden row of {reference.table} is not answered as one "
                    f"that names none:\n    {answer.text[:600]}\n    {nothing.text[:600]}",
                )

    async def _sent(self, body: Body) -> dict[str, Any]:
        return body.sent(await self.visible_ids())

    async def visible_ids(self) -> dict[str, str]:
        """One row of each table that the visitor sees, or an id of none."""
        me = self.site.staff.people[self.visitor.name]
        with as_the_house():
            there = await tables(self.site.house.db)
            ids = {}
            for table in there - OWNERS.keys():
                if table.startswith("sales_pipeline_") or table in _OF_ACCOUNTS:
                    whose = _OF_ACCOUNTS.get(table, "").replace("{me}", str(me))
                    row = await self.site.house.db.fetch_one(
                        f"SELECT id FROM {table} {whose} LIMIT 1"
                    )
                    ids[table] = str(row[0] if row else absent(table))
        for table in OWNERS.keys() & there:
            ids[table] = next(iter(self._rows(table, visible=True)), absent(table))
        return ids

    # -- filling in ------------------------------------------------------------------------------

    async def fillings(self, address: Address) -> list[Filling]:
        """Rows that are seen, rows that are hidden, and what belongs to nobody."""
        fixed = await self._fixed(address)
        if fixed is None:
            return []
        rows = {name: table for name in address.parameters if (table := _table(address, name))}
        if not rows:
            return [Filling(each, "there") for each in fixed]
        return [
            Filling({**fixed[0], **some}, what)
            for what in ("visible", "hidden")
            for some in await self._chosen(rows, visible=what == "visible")
        ]

    async def _chosen(self, rows: dict[str, str], *, visible: bool) -> list[dict[str, str]]:
        if len(rows) == 1:
            ((name, table),) = rows.items()
            return [{name: id} for id in self._rows(table, visible=visible)]
        statement = PAIRS[tuple(sorted(rows))]
        with as_the_house():
            pairs = await self.site.house.db.fetch(statement)
        named = [dict(zip(sorted(rows), map(str, pair), strict=True)) for pair in pairs]
        seen = {
            name: set(self.site.world.ids(table, self.eyes.customers, visible=True))
            for name, table in rows.items()
        }
        chosen = [
            each for each in named if all(id in seen[name] for name, id in each.items()) is visible
        ]
        return chosen[: self._most]

    def _rows(self, table: str, *, visible: bool) -> list[str]:
        """Some rows of a table, of as many customers as can be."""
        ids = self.site.world.ids(table, self.eyes.customers, visible=visible)
        owned = self.site.world.rows[table]
        by_owner = {owned[id]: id for id in ids}
        chosen = list(by_owner.values())
        self._random.shuffle(chosen)
        return chosen[: self._most]

    async def _fixed(self, address: Address) -> list[dict[str, str]] | None:
        """Values for what names no row of a customer; ``None`` when there is nothing to name."""
        found: list[dict[str, str]] = [{}]
        for name in address.parameters:
            if _table(address, name):
                continue
            values = await self._values(address, name)
            found = [{**each, name: value} for each in found for value in values]
        return found or None

    async def _values(self, address: Address, name: str) -> list[str]:
        if name == "report_id":
            return [
                report.id
                for report in self.site.house.registry.reports
                if self.site.holds(self.visitor.name, report.permission)
            ]
        # A route without values is told by the test that every route has a case.
        named = [key for key in VALUES if key[1] == name and address.path.startswith(key[0])]
        source = VALUES[named[0]] if named else []
        if isinstance(source, list):
            return source
        with as_the_house():
            me = self.site.staff.people[self.visitor.name]
            rows = await self.site.house.db.fetch(source.replace("{me}", str(me)))
        return [str(row[0]) for row in rows][: self._most]

    def _nowhere(self, address: Address, filling: Filling) -> Filling:
        """The same with an id that nothing has in the place of each that is hidden."""
        values = dict(filling.values)
        for name in address.parameters:
            table = _table(address, name)
            if table:
                owners = self.site.world.rows[table].get(values[name])
                if owners is None or not owners <= self.eyes.customers:
                    values[name] = NOWHERE
        return Filling(values, "nowhere")

    # -- asking ----------------------------------------------------------------------------------

    def _held(self, *methods: str) -> Iterator[Address]:
        for address in self.site.addresses:
            if address.method in methods and self.site.holds(self.visitor.name, address.permission):
                yield address

    async def _ask(self, address: Address, filling: Filling, **options: Any) -> httpx.Response:
        path = address.filled(filling.values)
        if "limit" in address.query and "params" not in options and address.method == "GET":
            options["params"] = {"limit": "200"}
        answer = await self.visitor.ask(address.method, path, **options)
        self.tally.requests += 1
        self.tally.addresses.add(str(address))
        asked = f"{path} {plain(options)}"
        found = leaks(self.site.world.canaries, self.eyes, _whole(answer), asked=asked)
        if found:
            self._wrong(address, filling, f"tells what is not for them:\n{told(found)}")
        if answer.status_code >= 500:
            self._wrong(address, filling, f"answered {answer.status_code}: {answer.text[:500]}")
        return answer

    def _compare(
        self, address: Address, filling: Filling, one: httpx.Response, nothing: httpx.Response
    ) -> None:
        named = [NOWHERE, *map(absent, OWNERS), *filling.values.values()]
        if _stripped(one, named) != _stripped(nothing, named):
            self._wrong(
                address,
                filling,
                "a hidden row is not answered as one that is not there:\n"
                f"    {one.status_code} {one.text[:600]}\n"
                f"    {nothing.status_code} {nothing.text[:600]}",
            )

    def _refused(self, address: Address, filling: Filling, answer: httpx.Response) -> None:
        if answer.status_code < 400:
            self._wrong(address, filling, f"wrote on a hidden row: {answer.status_code}")

    def _wrong(self, address: Address, filling: Filling, what: str) -> None:
        values = " ".join(f"{name}={value}" for name, value in filling.values.items())
        self.tally.wrongs.append(f"{self.visitor.name}: {address} {values}: {what}")


async def refused(site: Site) -> Tally:
    """Everybody asks at every address and for every report that they hold no permission for."""
    tally = Tally()

    def judge(name: str, what: str, answer: httpx.Response, right: bool) -> None:
        tally.requests += 1
        if not right:
            tally.wrongs.append(f"{name}: {what}: {answer.status_code} {answer.text[:300]}")

    for address in site.addresses:
        path = address.filled(dict.fromkeys(address.parameters, "1"))
        for name in PEOPLE:
            if not site.holds(name, address.permission):
                answer = await site.visitor(name).ask(address.method, path)
                tally.addresses.add(str(address))
                right = answer.status_code == 403 and address.permission in answer.text
                judge(name, str(address), answer, right)
        if address.permission != "public":
            answer = await site.stranger.ask(address.method, path)
            tally.addresses.add(str(address))
            judge("stranger", str(address), answer, _asks_who(address, answer))
    for name in PEOPLE:
        for report in site.house.registry.reports:
            may = site.holds(name, report.permission) and site.holds(name, "core.reports.read")
            answer = await site.visitor(name).get(f"/api/v1/reports/{report.id}")
            judge(name, report.id, answer, answer.status_code == (200 if may else 403))
    return tally


def _asks_who(address: Address, answer: httpx.Response) -> bool:
    if address.page and address.method == "GET" and answer.is_redirect:
        return answer.headers["location"].startswith("/sign-in")
    challenged = answer.headers.get("www-authenticate", "").startswith("Bearer")
    return answer.status_code == 401 and (challenged or address.page)


async def rows_of(site: Site) -> dict[str, dict[str, str]]:
    """Every row that may belong to a customer, by table and key, as text.

    The log may grow by facts about those who ask, not about customers.
    """
    found: dict[str, dict[str, str]] = {}
    with as_the_house():
        there = await tables(site.house.db)
        for table in sorted(OWNERS.keys() & there):
            where = " WHERE type NOT LIKE 'core.access.%'" if table == "core_event" else ""
            rows = await site.house.db.fetch(f"SELECT * FROM {table}{where}")
            found[table] = {str(row[0]): repr(row) for row in rows}
    return found


def differences(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """What is not as it was."""
    return [
        f"{table} {key} is not as it was:\n    {was}\n    {now_}"
        for table in before
        for key in before[table].keys() | after[table].keys()
        if (was := before[table].get(key)) != (now_ := after[table].get(key))
    ]


def without_what_changes(text: str) -> str:
    """A text without what is another in each answer."""
    return _MARK.sub("mark", _VOLATILE.sub('"request_id":""', text))


def absent(table: str) -> str:
    """An id that no row of a table has, another one for each table."""
    return str(uuid5(NAMESPACE_URL, table))


def _table(address: Address, name: str) -> str | None:
    return next(
        (
            table
            for (prefix, one), table in ROWS.items()
            if one == name and address.path.startswith(prefix)
        ),
        None,
    )


def _parameters(address: Address) -> Iterator[str]:
    for name in address.query:
        if name.endswith(".<key>"):
            yield from (name.replace("<key>", key) for key in ("nickname", "paper", "illness"))
        elif name not in {"limit", "cursor", "sort"}:
            yield name


def _nonsense(value: str) -> str:
    """A value of the same shape that occurs nowhere."""
    if re.fullmatch(r"[0-9a-f-]{36}", value):
        return NOWHERE
    if value.isdigit():
        return "0" + "9" * (len(value) - 1)
    return "zq" + "q" * (len(value) - 2)


def _whole(answer: httpx.Response) -> str:
    heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{heads}\n{answer.text}"


def _stripped(answer: httpx.Response, named: Iterable[str]) -> tuple[int, str]:
    """Status and text without what the request itself named and what changes each time."""
    text = without_what_changes(answer.text)
    for value in sorted(named, key=len, reverse=True):
        text = text.replace(value, "…")
    return answer.status_code, text
