from __future__ import annotations

import sys
from pathlib import Path

import importlib_metadata
import pytest

from relatum.plugins.discovery import discover
from relatum_sdk.temporary import make_idle_plugins, make_plugin


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_made_plugin_is_an_installed_distribution(site: Path) -> None:
    folder = make_plugin(site, "hot_spring", version="2.0", manifest_extra='after = ["spa"]')
    assert folder == site / "relatum_hot_spring"
    assert importlib_metadata.version("relatum-hot-spring") == "2.0"
    [found] = [each for each in discover() if each.id == "hot_spring"]
    assert found.problems == ()
    assert found.manifest is not None
    assert found.manifest.after == ("spa",)


def test_files_and_names_can_be_chosen(site: Path) -> None:
    folder = make_plugin(
        site,
        "spa",
        distribution="other-spa",
        package="other_spa",
        plugin_py="X = 1\n",
        files={"inner/more.py": "Y = 2\n", "__init__.py": ""},
        manifest="id = 5",
    )
    assert folder == site / "other_spa"
    assert (folder / "plugin.py").read_text() == "X = 1\n"
    assert (folder / "inner" / "more.py").read_text() == "Y = 2\n"
    assert (folder / "plugin.toml").read_text() == "id = 5"
    assert importlib_metadata.version("other-spa") == "1.0"


def test_idle_plugins_are_sound_and_import_nothing(site: Path) -> None:
    ids = make_idle_plugins(site, 10)
    found = {each.id: each for each in discover() if each.id in ids}
    assert sorted(found) == ids
    assert len(ids) == 10
    assert not [problem for each in found.values() for problem in each.problems]
    assert not [name for name in sys.modules if name.startswith("relatum_idle")]
