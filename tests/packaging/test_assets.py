"""Front-end files of others: packed into the wheel, loaded by pages, built without npm as well."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging.conftest import run
from tests.packaging.test_installed import served
from tests.structure.repository import ROOT

pytestmark = pytest.mark.long

FILES = "relatum_assets/files/"


def test_wheel_holds_files_with_sums_and_licences(wheels: dict[str, Path]) -> None:
    wheel = ZipFile(wheels["assets"])
    packed = {name.removeprefix(FILES) for name in wheel.namelist() if name.startswith(FILES)}
    told = json.loads(wheel.read(f"{FILES}manifest.json"))
    wanted = {each["file"] for each in [*told["assets"].values(), *told["licences"]]}
    assert packed == wanted | {"manifest.json"}
    assert set(told["assets"]) == {"htmx.js", "sortable.js", "icons.svg"}
    assert all(
        re.fullmatch(r"\w+\.[0-9a-f]{10}\.\w+", told["assets"][n]["file"]) for n in told["assets"]
    )


def test_pages_load_them(installed: Path, tmp_path: Path) -> None:
    relatum = installed / "relatum"
    run([relatum, "migrate", "--apply"], tmp_path, RELATUM_HOME=str(tmp_path))
    with served(relatum, tmp_path) as client:
        page = client.get("/palette", headers={"accept": "text/html"}).text
        addresses = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
        assert any("/assets/htmx." in each for each in addresses)
        assert any("/assets/icons." in each for each in addresses)
        for each in addresses:
            assert client.get(each).status_code == 200, each


def test_an_sdist_is_built_without_npm_and_without_a_registry(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    (sdist,) = wheels["assets"].parent.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.glob("relatum_assets-*")
    nothing = tmp_path / "bin"
    nothing.mkdir()
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", tmp_path, folder]
    run([*command], PATH=str(nothing))
    (wheel,) = tmp_path.glob("*.whl")
    assert set(ZipFile(wheel).namelist()) == set(ZipFile(wheels["assets"]).namelist())


def test_packages_are_fetched_as_the_lock_file_says(tmp_path: Path) -> None:
    """The npm that is there fetches them anew; a file that is another than it was is refused."""
    if shutil.which("npm") is None and "RELATUM_TEST_POSTGRES" not in os.environ:
        pytest.skip("there is no npm on this machine")
    folder = tmp_path / "assets"
    ignored = shutil.ignore_patterns("files", "__pycache__", "dist")
    shutil.copytree(ROOT / "core" / "assets", folder, ignore=ignored)
    code = "import sys; from pathlib import Path; from relatum_assets import packing; "
    code += "print(packing.pack(Path(sys.argv[1])))"
    environment = {"PYTHONPATH": str(folder / "src")}
    assert run([sys.executable, "-c", code, folder], **environment).strip() == "True"
    built = ROOT / "core" / "assets" / "src" / "relatum_assets" / "files"
    fresh = folder / "src" / "relatum_assets" / "files"
    assert {path.name: path.read_bytes() for path in fresh.iterdir()} == {
        path.name: path.read_bytes() for path in built.iterdir()
    }
    lock = folder / "package-lock.json"
    forged = re.sub(r"sha512-....", "sha512-AAAA", lock.read_text(encoding="utf-8"), count=1)
    lock.write_text(forged, encoding="utf-8")
    with pytest.raises(AssertionError, match="EINTEGRITY"):
        run([sys.executable, "-c", code, folder], **environment)
