from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.structure.addresses import problems
from tests.structure.repository import ROOT, distributions, files, read_toml, report

INNOCENT = [
    "pip install relatum",
    "GET /api/v1/plugins/sales_pipeline/deals",
    "a work/life balance, see docs/home/index.md and ~/work/notes",
    "https://www.apache.org/licenses/LICENSE-2.0",
    "/homework/x /rooted /workspace/y",
    "../shared/data/crm_sales",
]


def test_no_file_names_a_registry_or_a_machine() -> None:
    read, found = problems(files())
    assert read > 50
    assert not found, report(found)


@pytest.mark.parametrize(
    "words",
    [
        ("https://py", "pi.org/simple"),
        ("https://files.python", "hosted.org/packages/x.whl"),
        ("https://registry.npm", "js.org/"),
        ("http://deb.deb", "ian.org/debian"),
        ("pip install --extra-index", "-url somewhere x"),
        ("open('/wo", "rk/main/README.md')"),
        ("HOME=/ro", "ot/.venv"),
        ("file:///ho", "me/ann/notes"),
        ("/Us", "ers/ann/notes"),
        ("/opt/whe", "els"),
        ("C:\\Us", "ers\\ann"),
    ],
)
def test_named_place_is_found(tmp_path: Path, words: tuple[str, str]) -> None:
    sample = tmp_path / "sample.txt"
    sample.write_text("first line\n" + "".join(words) + "\n", encoding="utf-8")
    read, found = problems([sample])
    assert read == 1
    assert [problem.place for problem in found] == [f"{sample}:2"]


def test_innocent_lines_are_not_reported(tmp_path: Path) -> None:
    sample = tmp_path / "sample.txt"
    sample.write_text("\n".join(INNOCENT), encoding="utf-8")
    assert problems([sample]) == (1, [])


def test_binary_file_is_not_read(tmp_path: Path) -> None:
    sample = tmp_path / "sample.png"
    sample.write_bytes(b"\x89PNG\0/wo" + b"rk/main")
    assert problems([sample]) == (0, [])


def test_new_file_is_read_before_it_is_committed() -> None:
    assert Path(__file__) in files()
    assert not [path for path in files() if ".venv" in path.parts]


def test_constraints_pin_every_direct_dependency_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", pin) for pin in pins)
    pinned = {normal(pin.partition("==")[0]) for pin in pins}
    wanted = {normal(name) for name in direct_dependencies()}
    assert len(wanted) > 20
    assert wanted <= pinned


def direct_dependencies() -> set[str]:
    """Names of what the distributions and the workspace ask for, without their own."""
    asked = (ROOT / "requirements-dev.in").read_text(encoding="utf-8").splitlines()
    for folder in distributions():
        asked += read_toml(folder / "pyproject.toml")["project"]["dependencies"]
    names = {found[0] for line in asked if (found := re.match(r"[\w.-]+", line))}
    return {name for name in names if not name.startswith("relatum")}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
