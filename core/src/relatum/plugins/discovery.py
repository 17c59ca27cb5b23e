"""Which plugins are installed. Reads metadata and manifests; imports no code of a plugin."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import importlib_metadata
import msgspec
from packaging.version import InvalidVersion, Version

from relatum.hooks.isolation import describe
from relatum.plugins.manifest import FILE_NAME, Manifest, read_manifest
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from importlib_metadata import PackageMetadata
    from importlib_metadata._meta import IDistribution

GROUP = "relatum.plugins"
_ENTRY_POINTS = "entry_points.txt"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin that is installed, sound or broken.

    Attributes:
        id: the name of its entry point.
        module: its package, the value of the entry point.
        distribution: the name of what pip installed.
        title: the distribution's summary.
        folder: of the package; ``None`` when it cannot be found.
        manifest: ``None`` when it cannot be read; ``problems`` then say why.
    """

    id: str
    module: str
    distribution: str
    version: str
    title: str = ""
    licence: str = ""
    folder: Path | None = None
    manifest: Manifest | None = None
    problems: tuple[Problem, ...] = ()


class _Place(NamedTuple):
    """One entry point of one distribution, with what the distribution says about itself."""

    plugin_id: str
    module: str
    distribution: IDistribution
    metadata: PackageMetadata

    @property
    def name(self) -> str:
        return self.metadata.get("Name") or "unnamed"

    @property
    def version(self) -> str:
        return self.metadata.get("Version") or ""


def discover() -> list[Found]:
    """Every installed plugin, by id; broken ones too, each with everything that is wrong with it.

    Looks at the installed distributions each time, so that a plugin installed since is found.
    """
    places: dict[str, list[_Place]] = {}
    found: list[Found] = []
    for distribution in _distributions():
        try:
            for place in _places(distribution):
                places.setdefault(place.plugin_id, []).append(place)
        except Exception as error:  # noqa: BLE001 - one damaged distribution must not hide the others
            found.append(_damaged(distribution, error))
    found += [_found(some) for some in places.values()]
    return sorted(found, key=lambda each: each.id)


def _distributions() -> Iterator[IDistribution]:
    """Installed distributions that may hold plugins, the first of each name on ``sys.path``.

    Reading one small file of each is cheap; parsing the metadata of all is not.
    """
    seen: set[str] = set()
    for distribution in importlib_metadata.distributions():
        stem = _stem(distribution)
        try:
            text = distribution.read_text(_ENTRY_POINTS) or ""
        except (OSError, UnicodeDecodeError):
            text = GROUP if stem.startswith("relatum_") else ""
        if GROUP in text and stem not in seen:
            seen.add(stem)
            yield distribution


def _stem(distribution: IDistribution) -> str:
    """The normalised name from the name of the metadata folder, ``relatum_spa-1.0.dist-info``."""
    return Path(str(distribution)).name.partition("-")[0].lower().replace(".", "_")


def _places(distribution: IDistribution) -> list[_Place]:
    entry_points = distribution.entry_points.select(group=GROUP)
    metadata = distribution.metadata
    return [_Place(each.name, each.value, distribution, metadata) for each in entry_points]


def _damaged(distribution: IDistribution, error: Exception) -> Found:
    stem = _stem(distribution)
    problem = Problem(
        code="damaged-distribution",
        message=f"the metadata of {Path(str(distribution)).name} cannot be read",
        expected="a complete distribution",
        got=describe(error),
        mend="install it anew with pip install --force-reinstall",
    )
    plugin_id = stem.removeprefix("relatum_")
    return Found(id=plugin_id, module=stem, distribution=stem, version="", problems=(problem,))


def _found(places: list[_Place]) -> Found:
    place = places[0]
    if len(places) > 1:
        return _installed_twice(places)
    folder, problems = _package_folder(place)
    manifest = None
    if folder is not None:
        manifest, problems = read_manifest(folder / FILE_NAME, place.module)
    problems += _version_problems(place.version)
    if folder is not None and manifest is not None:
        problems += _agreement_problems(place, folder, manifest)
    return Found(
        id=place.plugin_id,
        module=place.module,
        distribution=place.name,
        version=place.version,
        title=place.metadata.get("Summary") or "",
        licence=place.metadata.get("License-Expression") or place.metadata.get("License") or "",
        folder=folder,
        manifest=manifest,
        problems=tuple(problems),
    )


def _installed_twice(places: list[_Place]) -> Found:
    place = places[0]
    names = " and ".join(sorted(f"{each.name} {each.version}" for each in places))
    problem = Problem(
        code="duplicate-plugin",
        message=f"two distributions bring a plugin {place.plugin_id!r}: {names}",
        expected="one distribution for each id",
        got=names,
        mend="uninstall one of them with pip",
    )
    return Found(
        id=place.plugin_id,
        module=place.module,
        distribution=names,
        version=place.version,
        problems=(problem,),
    )


def _package_folder(place: _Place) -> tuple[Path | None, list[Problem]]:
    """The folder of the package, found without importing it or a package it lies in."""
    module = place.module
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except Exception as error:  # noqa: BLE001 - finders of other projects may raise anything
        return None, [_no_package(module, describe(error))]
    roots = [*_search_locations(spec), place.distribution.locate_file(top)]
    folders = [Path(str(root)).joinpath(*inner) for root in roots]
    for folder in folders:
        if (folder / FILE_NAME).is_file():
            return folder, []
    if not any(folder.is_dir() for folder in folders):
        return None, [_no_package(module, "no such folder")]
    problem = Problem(
        code="missing-manifest",
        message=f"the package {module} has no {FILE_NAME}",
        where=FILE_NAME,
        expected=f"{FILE_NAME} inside the package",
        got="none",
        mend="add it, and make sure that the wheel contains it",
    )
    return None, [problem]


def _search_locations(spec: ModuleSpec | None) -> Iterable[str]:
    return () if spec is None else spec.submodule_search_locations or ()


def _no_package(module: str, got: str) -> Problem:
    return Problem(
        code="missing-package",
        message=f"the package {module} of the entry point cannot be found",
        expected="a package (a folder) that can be imported",
        got=got,
        mend="correct the entry point in pyproject.toml, or install the plugin anew",
    )


def _version_problems(version: str) -> list[Problem]:
    try:
        Version(version)
    except InvalidVersion:
        problem = Problem(
            code="bad-version",
            message="the version of the distribution cannot be compared",
            expected="a version such as 1.4.0",
            got=version,
            mend="correct `version` in pyproject.toml and install the plugin anew",
        )
        return [problem]
    return []


def _agreement_problems(place: _Place, folder: Path, manifest: Manifest) -> Iterator[Problem]:
    """Where entry point, manifest and files contradict each other."""
    if manifest.id != place.plugin_id:
        yield Problem(
            code="id-mismatch",
            message="entry point and manifest name different ids",
            where=FILE_NAME,
            expected=place.plugin_id,
            got=manifest.id,
            mend="write the same id in pyproject.toml and plugin.toml",
        )
    named = (f"{place.module}.plugin", manifest.piccolo_app, manifest.settings.partition(":")[0])
    for module in filter(None, named):
        path = folder.joinpath(*module.removeprefix(f"{place.module}.").split("."))
        if not path.with_suffix(".py").is_file() and not (path / "__init__.py").is_file():
            yield Problem(
                code="missing-module",
                message=f"the package has no module {module}",
                where=FILE_NAME,
                expected=f"{path.name}.py inside the package",
                got="none",
                mend="add it, or correct plugin.toml",
            )
