"""Hostile input of every kind, at every address, as everybody; what is wrong with the answers.

Three sources: the OpenAPI document (schemathesis: what fits it and what does not), every text input
with every text of the corpora, and forms with anything in their fields.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from tests.security.addresses import UNSAFE, Address
from tests.security.cases import BODIES
from tests.security.matrix import Matrix, Tally
from tests.security.payloads import ALL
from tests.security.people import PEOPLE
from tests.security.site import Site, Template, served
from tests.security.verdicts import wrongs

#: Headers of requests that the house reads.
HEADERS = (
    "accept",
    "accept-language",
    "authorization",
    "cookie",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "origin",
    "user-agent",
    "x-forwarded-for",
    "x-relatum-reason",
    "x-request-id",
)
NAMES = tuple(PEOPLE)


class Quarry:
    """A served copy of the world that is asked from outside its event loop."""

    def __init__(self, site: Site, runner: asyncio.Runner) -> None:
        self.site = site
        self.tally = Tally()
        self._runner = runner
        self._told: set[tuple[str, str]] = set()

    def ask(
        self, name: str, address: Address, path: str, *, said: str = "", **options: Any
    ) -> httpx.Response | None:
        """One request as one of the people (``stranger``: nobody), and the judgement of it.

        Args:
            said: what was sent before and may be told back: the headings of a file.

        Returns:
            The answer; ``None`` when the client itself cannot send this.
        """
        visitor = self.site.stranger if name == "stranger" else self.site.visitor(name)
        try:
            answer = self._runner.run(visitor.ask(address.method, path, **options))
        except (UnicodeError, httpx.InvalidURL):
            return None
        self.tally.requests += 1
        self.tally.addresses.add(str(address))
        for wrong in wrongs(answer, asked=f"{path} {unquote(path)} {options} {said}"):
            if (str(address), wrong[:60]) not in self._told:
                self._told.add((str(address), wrong[:60]))
                self.tally.wrongs.append(f"{name}: {address}: {wrong}\n    {path} {options!r:.600}")
        return answer

    def run(self, work: Any) -> Any:
        """Something of the house, in its own event loop."""
        return self._runner.run(work)


@contextmanager
def quarry(url: str, home: Path, template: Template) -> Iterator[Quarry]:
    """Open a copy of the world for questions from outside."""
    with asyncio.Runner() as runner:
        opened = served(url, home, template)
        site = runner.run(opened.__aenter__())
        try:
            yield Quarry(site, runner)
        finally:
            runner.run(opened.__aexit__(None, None, None))


# -- every text input with every hostile text ------------------------------------------------------


@dataclass(frozen=True)
class Shot:
    """One hostile text in one place of one request."""

    address: Address
    place: str
    text: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)


def shots(plans: Sequence[Plan], texts: Sequence[str]) -> Iterator[Shot]:
    """All of them."""
    for plan in plans:
        for text in texts:
            yield from _shots_of(plan, text)


@dataclass(frozen=True)
class Plan:
    """A request that works, to be spoiled in one place after the other."""

    address: Address
    values: Mapping[str, str]
    options: Mapping[str, Any]


async def plans(site: Site) -> list[Plan]:
    """A request that works for every address, as the owner."""
    owner = Matrix(site, "owner", most=1)
    ids = await owner.visible_ids()
    found = []
    for address in site.addresses:
        fillings = await owner.fillings(address)
        values = fillings[0].values if fillings else dict.fromkeys(address.parameters, "x")
        options: dict[str, Any] = {}
        if address.method in UNSAFE:
            options = BODIES[address.method, address.path].sent(ids)
        found.append(Plan(address, values, options))
    return found


def _shots_of(plan: Plan, text: str) -> Iterator[Shot]:
    address, values = plan.address, plan.values
    whole = address.filled(values)
    for name in address.parameters:
        spoiled = address.filled({**values, name: _segment(text)})
        yield Shot(address, f"path {name}", text, spoiled, dict(plan.options))
    for query in [*address.query, "lang", "next"]:
        name = query.replace("<key>", "nickname")
        yield Shot(address, f"query {name}", text, whole, {**plan.options, "params": {name: text}})
    for name in HEADERS:
        heads = {name: _head(text)}
        yield Shot(address, f"header {name}", text, whole, {**plan.options, "headers": heads})
    for kind in ("json", "data"):
        if kind in plan.options:
            for place, spoiled_body in _spoiled(plan.options[kind], text):
                yield Shot(address, f"body {place}", text, whole, {kind: spoiled_body})


def _spoiled(body: Any, text: str) -> Iterator[tuple[str, Any]]:
    """The body with one of its texts, keys or whole values replaced by the hostile one."""
    for place in _places(body):
        spoiled = copy.deepcopy(body)
        inner = spoiled
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = text
        yield "/".join(map(str, place)), spoiled
    if isinstance(body, dict):
        yield "a key", {**body, text: text}


def _places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, each in inner:
        yield (*before, key)
        yield from _places(each, (*before, key))


def _segment(text: str) -> str:
    return quote(text, safe="%", errors="replace") or "x"


def _head(text: str) -> bytes:
    """What a client can send at all: bytes of one line."""
    return (
        text.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    )


def shoot(quarry: Quarry, chosen: Sequence[Shot], *, names: Sequence[str] = NAMES) -> None:
    """Send them, each as somebody else."""
    for n, shot in enumerate(chosen):
        quarry.ask(names[n % len(names)], shot.address, shot.path, **shot.options)


def choose(every: Iterator[Shot], count: int, *, seed: int) -> list[Shot]:
    """So many of them at random, each address with a fair share; all when there are not more."""
    listed = list(every)
    if len(listed) <= count:
        return listed
    return random.Random(seed).sample(listed, count)


# -- the OpenAPI document --------------------------------------------------------------------------


def schema_fuzz(quarry: Quarry, count: int, *, seed: int, names: Sequence[str] = NAMES) -> None:
    """About ``count`` requests that fit the document or just do not, spread over all operations."""
    document = quarry.run(quarry.site.app.description.document())
    known = {(each.method, each.path): each for each in quarry.site.addresses}
    found = {
        (plan.address.method, plan.address.path): plan for plan in quarry.run(plans(quarry.site))
    }
    operations = [
        each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()
    ]
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    each = max(1, count // (len(operations) * len(modes)))
    for operation in operations:
        key = (operation.method.upper(), operation.path)
        for mode in modes:
            strategy = operation.as_strategy(generation_mode=mode)
            with contextlib.suppress(Unsatisfiable):  # nothing to do wrong: no parameter, no body
                _drive(quarry, strategy, (known[key], found[key]), names, (each, seed))


def _drive(
    quarry: Quarry,
    strategy: Any,
    at: tuple[Address, Plan],
    names: Sequence[str],
    how_much: tuple[int, int],
) -> None:
    address, plan = at
    count, seed = how_much

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy, st.sampled_from(names), st.booleans())
    def fuzz(case: Any, name: str, real: bool) -> None:
        if real and address.parameters:
            case.path_parameters = dict(plan.values)
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
        heads = {
            key: value
            for key, value in sent["headers"].items()
            if key.lower() not in {"user-agent", "x-schemathesis-testcaseid", "accept-encoding"}
        }
        options = {key: sent[key] for key in ("params", "json") if key in sent}
        if "data" in sent:
            options["content"] = sent["data"]
        quarry.ask(name, address, sent["url"], headers=heads, **options)

    fuzz()


# -- forms -----------------------------------------------------------------------------------------

fields = st.text(max_size=30) | st.sampled_from(ALL)


def form_fuzz(quarry: Quarry, count: int, *, seed: int, names: Sequence[str] = NAMES) -> None:
    """About ``count`` forms with anything in their fields, with fields missing and doubled."""
    forms = [
        plan
        for plan in quarry.run(plans(quarry.site))
        if "data" in plan.options or plan.address.page
    ]
    if not forms:
        return
    for plan in forms:
        _drive_form(quarry, plan, names, (max(1, count // len(forms)), seed))


def _drive_form(
    quarry: Quarry, plan: Plan, names: Sequence[str], how_much: tuple[int, int]
) -> None:
    good: Mapping[str, str] = plan.options.get("data", {})
    filled = {name: st.just(str(value)) | fields for name, value in good.items()}
    count, seed = how_much
    kind = "data" if plan.address.method in UNSAFE else "params"

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.fixed_dictionaries({}, optional={**filled, "csrf": fields, "unknown": fields}),
        st.sampled_from(names),
    )
    def fuzz(form: dict[str, str], name: str) -> None:
        path = plan.address.filled(plan.values)
        quarry.ask(name, plan.address, path, **{kind: form})

    fuzz()
