"""The world of the security tests on each kind of database: built once, copied for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from relatum_sdk.databases import Databases
from tests.security.site import Site, Template, served


@pytest.fixture(scope="session")
def _templates() -> Iterator[dict[str, tuple[Databases, Template]]]:
    made: dict[str, tuple[Databases, Template]] = {}
    yield made
    for databases, template in made.values():
        databases.drop(template.url)


@pytest.fixture
def template(
    relatum_database_kind: str,
    relatum_databases: Databases,
    _templates: dict[str, tuple[Databases, Template]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Template:
    """The world, built when the first test asks for it."""
    kind = relatum_database_kind
    if kind not in _templates:
        built = Template.build(relatum_databases, tmp_path_factory.mktemp(kind))
        _templates[kind] = (relatum_databases, built)
    return _templates[kind][1]


@pytest.fixture
def copied(
    template: Template, relatum_databases: Databases, tmp_path: Path
) -> Iterator[Callable[[str], tuple[str, Path]]]:
    """A function that makes a copy of the world in a folder of this name."""
    urls = []

    def copy(name: str) -> tuple[str, Path]:
        folder = tmp_path / name
        folder.mkdir()
        url, home = template.copy(folder)
        urls.append(url)
        return url, home

    yield copy
    for url in urls:
        relatum_databases.drop(url)


@pytest.fixture
async def site(
    template: Template, copied: Callable[[str], tuple[str, Path]]
) -> AsyncIterator[Site]:
    """A copy of the world, served."""
    url, home = copied("world")
    async with served(url, home, template) as opened:
        yield opened
