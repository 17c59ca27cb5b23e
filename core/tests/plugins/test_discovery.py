from __future__ import annotations

import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relatum.plugins.discovery import discover
from relatum_sdk.temporary import manifest_text

WRITES_A_FILE = "import pathlib\npathlib.Path(__file__).with_suffix('.ran').touch()\n"


def test_sound_plugin_is_found_with_its_metadata(site: Any) -> None:
    folder = site.install("spa", version="2.1", manifest_extra='requires = ["identity>=1"]')
    found = site.find("spa")
    assert found.problems == ()
    assert (found.id, found.module, found.distribution) == ("spa", "relatum_spa", "relatum-spa")
    assert (found.version, found.title, found.licence) == ("2.1", "Plugin spa", "Apache-2.0")
    assert found.folder == folder
    assert [str(each) for each in found.manifest.requires] == ["identity>=1"]


def test_nothing_of_a_plugin_is_imported(site: Any) -> None:
    ran = []
    for name in ("package.inner", "plain"):
        plugin_id = name.partition(".")[0]
        folder = site.install(plugin_id, WRITES_A_FILE, files={"__init__.py": WRITES_A_FILE})
        ran.append(folder / "__init__.ran")
        ran.append(folder / "plugin.ran")
    site.discover()
    assert not [path for path in ran if path.exists()]
    assert not {"relatum_package", "relatum_plain"} & set(sys.modules)


def test_package_inside_a_package_is_found_without_importing_the_outer(site: Any) -> None:
    site.install("inner", package="outer.inner".replace(".", "/"))
    (site.folder / "outer" / "__init__.py").write_text(WRITES_A_FILE)
    entry_points = site.folder / "relatum_inner-1.0.dist-info" / "entry_points.txt"
    entry_points.write_text("[relatum.plugins]\ninner = outer.inner\n")
    found = site.find("inner")
    assert found.problems == ()
    assert found.folder == site.folder / "outer" / "inner"
    assert not (site.folder / "outer" / "__init__.ran").exists()
    assert "outer" not in sys.modules


def twice(site: Any) -> None:
    site.install("spa", version="1.0")
    site.install("spa", version="2.0", distribution="other-spa", package="other_spa")


def no_package(site: Any) -> None:
    shutil.rmtree(site.install("spa"))


def a_file_instead_of_a_package(site: Any) -> None:
    shutil.rmtree(site.install("spa"))
    (site.folder / "relatum_spa.py").touch()


def no_manifest(site: Any) -> None:
    (site.install("spa") / "plugin.toml").unlink()


def broken_manifest(site: Any) -> None:
    site.install("spa", manifest="id = ")


def other_id(site: Any) -> None:
    site.install("spa", manifest=manifest_text("sauna"))


def no_plugin_module(site: Any) -> None:
    (site.install("spa") / "plugin.py").unlink()


def no_tables_module(site: Any) -> None:
    site.install("spa", manifest_extra='piccolo_app = "relatum_spa.piccolo_app"')


def no_settings_module(site: Any) -> None:
    site.install("spa", manifest_extra='settings = "relatum_spa.inner.settings:Settings"')


def strange_version(site: Any) -> None:
    site.install("spa", version="spring")


def no_metadata(site: Any) -> None:
    site.install("spa")
    (site.folder / "relatum_spa-1.0.dist-info" / "METADATA").unlink()


def broken_entry_point(site: Any) -> None:
    site.install("spa")
    path = site.folder / "relatum_spa-1.0.dist-info" / "entry_points.txt"
    path.write_text("[relatum.plugins]\nspa = = 5 [\n")


def unreadable_entry_points(site: Any) -> None:
    site.install("spa")
    path = site.folder / "relatum_spa-1.0.dist-info" / "entry_points.txt"
    path.write_bytes(b"[relatum.plugins]\nspa = \xff\n")


FAULTS: dict[Callable[[Any], None], tuple[str, str]] = {
    twice: ("duplicate-plugin", "other-spa 2.0 and relatum-spa 1.0"),
    no_package: ("missing-package", "relatum_spa"),
    a_file_instead_of_a_package: ("missing-package", "a folder"),
    no_manifest: ("missing-manifest", "plugin.toml"),
    broken_manifest: ("unreadable-manifest", "valid TOML"),
    other_id: ("id-mismatch", "sauna"),
    no_plugin_module: ("missing-module", "relatum_spa.plugin"),
    no_tables_module: ("missing-module", "relatum_spa.piccolo_app"),
    no_settings_module: ("missing-module", "relatum_spa.inner.settings"),
    strange_version: ("bad-version", "spring"),
    no_metadata: ("damaged-distribution", "relatum_spa-1.0.dist-info"),
    broken_entry_point: ("missing-package", "= 5 ["),
    unreadable_entry_points: ("damaged-distribution", "UnicodeDecodeError"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_broken_plugin_is_found_with_its_fault(site: Any, fault: Callable[[Any], None]) -> None:
    code, word = FAULTS[fault]
    site.install("sound")
    fault(site)
    assert site.find("sound").problems == ()
    [problem] = site.find("spa").problems
    assert problem.code == code
    assert word in str(problem)
    assert problem.mend


def test_faults_are_many() -> None:
    assert len(FAULTS) == 13


def test_first_of_two_installations_of_one_distribution_counts(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python itself: what is earlier on sys.path hides what is later."""
    site.install("spa", version="1.0")
    site.folder, later = tmp_path / "later", site.folder
    site.install("spa", version="2.0")
    monkeypatch.setattr(sys, "path", [str(later), str(site.folder), *sys.path])
    found = site.find("spa")
    assert found.problems == ()
    assert found.version == "1.0"
    assert found.folder.parent == later


def test_plugin_installed_meanwhile_is_found(site: Any) -> None:
    site.install("one")
    assert [found.id for found in site.discover()] == ["one"]
    site.install("two")
    assert [found.id for found in site.discover()] == ["one", "two"]


def test_editable_installation_is_found() -> None:
    """The plugins of this repository are installed editable in its environment."""
    found = {each.id: each for each in discover()}
    assert "sales_pipeline" in found
    folder = found["sales_pipeline"].folder
    assert folder is not None
    assert (folder / "plugin.toml").is_file()
    assert "site-packages" not in folder.parts


@pytest.mark.long
def test_wheel_installation_is_found(tmp_path: Path) -> None:
    """A wheel built by the build backend of the repository and installed by pip."""
    project = tmp_path / "project"
    package = project / "src" / "relatum_spa"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(WRITES_A_FILE)
    (package / "plugin.py").write_text(WRITES_A_FILE)
    (package / "plugin.toml").write_text(manifest_text("spa"))
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "relatum-spa"\nversion = "3.0"\n'
        '[project.entry-points."relatum.plugins"]\nspa = "relatum_spa"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["src/relatum_spa"]\n'
    )
    environment = tmp_path / "environment"
    venv.create(environment, system_site_packages=False, with_pip=False, symlinks=True)
    site_packages = next(environment.glob("lib/python*/site-packages"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    options = ["--no-build-isolation", "--no-compile", "--disable-pip-version-check"]
    target = ["--target", str(site_packages), str(project)]
    subprocess.run([*pip, *options, *target], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(site_packages)!r})\n"
        "from relatum.plugins.discovery import discover\n"
        "[spa] = [each for each in discover() if each.id == 'spa']\n"
        "print(spa.version, len(spa.problems), spa.manifest.kind, 'relatum_spa' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["3.0", "0", "function", "False"]
    assert not list(site_packages.rglob("*.ran"))


def test_eleven_plugins_are_listed_quickly(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, not judged: a few milliseconds where this was written."""
    for number in range(11):
        site.install(f"many_{number:02}")
    started = time.perf_counter()
    found = site.discover()
    seconds = time.perf_counter() - started
    assert len(found) == 11
    assert not [problem for each in found for problem in each.problems]
    with capsys.disabled():
        sys.stdout.write(f"\n11 plugins listed in {seconds * 1000:.1f} ms\n")
