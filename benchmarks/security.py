"""What leaks and what breaks: everybody at every address, and hostile input at all of them.

The world, its people and the judge of answers are those of ``tests/security``; this runs more of
them than the tests do, and counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measures import Condition, Measure, Reading
from tests.security.fuzzing import (
    Quarry,
    choose,
    form_fuzz,
    plans,
    quarry,
    schema_fuzz,
    shoot,
    shots,
)
from tests.security.hostile_files import file_fuzz
from tests.security.matrix import Matrix, Tally, refused
from tests.security.payloads import ALL
from tests.security.people import PEOPLE
from tests.security.site import Site, Template, apart, served

SEED = 20_261_122
#: Inputs of each kind.
INPUTS = 10_000
#: Rows of each sort that everybody tries at each address.
ROWS = 12


def access_matrix() -> Reading:
    """Everybody reads, searches and writes wherever they may."""
    with tempfile.TemporaryDirectory() as folder:
        template = Template.alone(Path(folder))
        return apart(_matrix(template, Path(folder)))


async def _matrix(template: Template, folder: Path) -> Reading:
    url, home = template.copy(_made(folder / "matrix"))
    async with served(url, home, template) as site:
        tallies = {name: await _everything(site, name) for name in PEOPLE}
        tallies["whoever may not"] = await refused(site)
        there = {str(each) for each in site.addresses if each.permission != "public"}
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    missed = there - whole.addresses
    return Reading(
        value=len(whole.wrongs),
        heads=["person", "role", "requests", "leaks"],
        rows=[
            [name, PEOPLE[name].role if name in PEOPLE else "", tally.requests, len(tally.wrongs)]
            for name, tally in tallies.items()
        ],
        conditions=[Condition("addresses nobody came to", len(missed), "addresses", 0)],
        notes=[
            f"{whole.requests} requests to {len(whole.addresses)} addresses",
            *whole.wrongs[:20],
        ],
    )


async def _everything(site: Site, name: str) -> Tally:
    matrix = Matrix(site, name, most=ROWS)
    await matrix.read_everything()
    if name != "owner":
        await matrix.search_everything(values=4)
        await matrix.write_hidden()
    return matrix.tally


def security_fuzz() -> Reading:
    """Ten thousand hostile inputs of every kind, each kind on a copy of the world of its own."""
    rows, wrongs, least = [], 0, INPUTS
    with tempfile.TemporaryDirectory() as folder:
        template = Template.alone(Path(folder))
        for kind, hunt in KINDS.items():
            with _hunting(template, Path(folder) / kind) as opened:
                hunt(opened)
                tally = opened.tally
            rows.append([kind, tally.requests, len(tally.addresses), len(tally.wrongs)])
            wrongs, least = wrongs + len(tally.wrongs), min(least, tally.requests)
            for line in tally.wrongs[:10]:
                print(line)
    return Reading(
        value=wrongs,
        heads=["kind", "inputs", "addresses", "wrong answers"],
        rows=rows,
        conditions=[
            Condition("inputs of the kind with fewest", least, "", INPUTS * 0.9, "at least")
        ],
        notes=[
            "wrong: a 5xx, a word of the inside, a text that was run, a page that would run one"
        ],
    )


def _texts(opened: Quarry) -> None:
    every = shots(opened.run(plans(opened.site)), ALL)
    shoot(opened, choose(every, INPUTS, seed=SEED))


KINDS: dict[str, Callable[[Quarry], None]] = {
    "texts in every input": _texts,
    "the OpenAPI document": lambda opened: schema_fuzz(opened, INPUTS, seed=SEED),
    "forms": lambda opened: form_fuzz(opened, INPUTS, seed=SEED),
    "files": lambda opened: file_fuzz(opened, INPUTS, seed=SEED),
}


@contextmanager
def _hunting(template: Template, folder: Path) -> Iterator[Quarry]:
    url, home = template.copy(_made(folder))
    with quarry(url, home, template) as opened:
        yield opened


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


MEASURES = [
    Measure(
        id="access.matrix",
        title="Everybody at every address: answers that tell what is hidden or masked",
        unit="leaks",
        limit=0,
        goal="at most",
        run=access_matrix,
    ),
    Measure(
        id="security.fuzz",
        title="Hostile input of every kind at every address: answers that are wrong",
        unit="answers",
        limit=0,
        goal="at most",
        run=security_fuzz,
    ),
]
