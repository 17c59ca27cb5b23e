from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.plugins.manifest import LARGEST_FILE, Requirement, manifest_of, read_manifest

SOUND = """
id = "call_center"
core_api = ">=1.0,<2"
kind = "channel"
requires = ["identity >= 1.2, <2", "sales_pipeline"]
after = ["omni"]
piccolo_app = "relatum_call_center.piccolo_app"
settings = "relatum_call_center.settings:Settings"
"""


def read(text: str, package: str = "relatum_call_center") -> Any:
    return manifest_of(tomllib.loads(text), package)


def test_everything_is_read() -> None:
    manifest, problems = read(SOUND)
    assert problems == []
    assert manifest.id == "call_center"
    assert manifest.kind == "channel"
    assert manifest.requires == (Requirement("identity", ">=1.2,<2"), Requirement("sales_pipeline"))
    assert manifest.after == ("omni",)
    assert manifest.piccolo_app == "relatum_call_center.piccolo_app"
    assert manifest.settings == "relatum_call_center.settings:Settings"
    assert manifest.fits("1.0")
    assert manifest.fits("1.7")
    assert not manifest.fits("2.0")


def test_the_least_is_enough() -> None:
    manifest, problems = read('id = "spa"\ncore_api = ">=1"\nkind = "trade"')
    assert problems == []
    assert (manifest.requires, manifest.after) == ((), ())
    assert (manifest.piccolo_app, manifest.settings) == ("", "")


def test_settings_may_be_written_with_a_dot() -> None:
    manifest, _ = read(SOUND.replace("settings:Settings", "settings.Settings"))
    assert manifest.settings == "relatum_call_center.settings:Settings"


def test_requirement_accepts_versions_of_its_range() -> None:
    requirement = Requirement("identity", ">=1.2,<2")
    assert [v for v in ("1.1", "1.2", "1.9.4", "1.3rc1", "2.0") if requirement.accepts(v)] == [
        "1.2",
        "1.9.4",
        "1.3rc1",
    ]
    assert Requirement("identity").accepts("0.0.1.dev3")


FAULTS = {
    "id missing": ('id = "call_center"\n', "", "missing-key", "add id"),
    "kind missing": ('kind = "channel"\n', "", "missing-key", "add kind"),
    "core_api missing": ('core_api = ">=1.0,<2"\n', "", "missing-key", "add core_api"),
    "unknown key": ("after =", "afer =", "unknown-key", "did you mean after?"),
    "title": ("after =", "title =", "unknown-key", "the distribution's metadata"),
    "version": ("after =", "version =", "unknown-key", "the distribution's metadata"),
    "id with hyphen": ("call_center", "call-center", "bad-id", "choose another id"),
    "id with capitals": ('"call_center"', '"CallCenter"', "bad-id", "choose another id"),
    "id not text": ('"call_center"', "5", "bad-id", "choose another id"),
    "id too long": ('"call_center"', f'"{"a" * 41}"', "bad-id", "choose another id"),
    "id of core": ('"call_center"', '"core"', "reserved-id", "choose another id"),
    "id of a room": ('"call_center"', '"customers"', "reserved-id", "choose another id"),
    "id of a core table": ('"call_center"', '"core_customers"', "reserved-id", "another id"),
    "id of a setting": ('"call_center"', '"enabled"', "reserved-id", "choose another id"),
    "core_api bare": (">=1.0,<2", "1.0", "bad-range", 'core_api = ">=1.0,<2"'),
    "core_api empty": (">=1.0,<2", "", "bad-range", 'core_api = ">=1.0,<2"'),
    "core_api number": ('">=1.0,<2"', "1.0", "bad-range", 'core_api = ">=1.0,<2"'),
    "kind misspelt": ('"channel"', '"chanel"', "bad-kind", "did you mean channel?"),
    "kind of another sort": ('"channel"', "true", "bad-kind", "write one of"),
    "requires text": ('["identity >= 1.2, <2", "sales_pipeline"]', '"identity"', "bad-list", "["),
    "requires numbers": ('"sales_pipeline"]', "7]", "bad-list", "["),
    "requires distribution": (
        '"sales_pipeline"]',
        '"relatum-Sales"]',
        "bad-requirement",
        "write relatum_sales",
    ),
    "requires nonsense": ('"sales_pipeline"]', '"!"]', "bad-requirement", "the id of a plugin"),
    "requires bad range": ('"sales_pipeline"]', '"x 1.2"]', "bad-requirement", "x>=1.2"),
    "after with version": ('["omni"]', '["omni>=1"]', "bad-requirement", "belong into requires"),
    "foreign tables": (
        "relatum_call_center.piccolo_app",
        "relatum.db.piccolo_app",
        "foreign-module",
        "write relatum_call_center.piccolo_app",
    ),
    "tables no module": ("relatum_call_center.piccolo_app", "a b", "bad-module", "leave it out"),
    "foreign settings": (
        "relatum_call_center.settings",
        "relatum_call_center_x.settings",
        "foreign-module",
        "relatum_call_center.settings:Settings",
    ),
    "settings without a name": ("settings:Settings", "settings:", "bad-module", "leave it out"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str) -> None:
    before, after, code, mend = FAULTS[fault]
    assert before in SOUND
    manifest, problems = read(SOUND.replace(before, after, 1))
    assert manifest is None
    [problem] = problems
    assert problem.code == code
    assert mend in problem.mend
    assert problem.where == "plugin.toml"
    assert problem.expected


def test_faults_are_many() -> None:
    assert len(FAULTS) == 29


def test_all_faults_are_reported_at_once() -> None:
    text = 'id = "core"\nkind = "chanel"\nafer = []\nrequires = ["A", "b>"]\nsettings = 5'
    _, problems = read(text)
    assert sorted(problem.code for problem in problems) == [
        "bad-kind",
        "bad-module",
        "bad-requirement",
        "bad-requirement",
        "missing-key",
        "reserved-id",
        "unknown-key",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'id = "a', "it is not valid TOML"),
        (b'id = "\xff"', "it is not UTF-8 at byte 6"),
        (b"#" * (LARGEST_FILE + 1), "it is larger than"),
        (None, "No such file"),
    ],
)
def test_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "plugin.toml"
    if content is not None:
        path.write_bytes(content)
    manifest, [problem] = read_manifest(path, "relatum_a")
    assert manifest is None
    assert problem.code == "unreadable-manifest"
    assert why in problem.message


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(
    [
        "id",
        "core_api",
        "kind",
        "requires",
        "after",
        "piccolo_app",
        "settings",
        "title",
        "processing",
    ]
)


@given(st.dictionaries(names | st.text(), values))
def test_whatever_is_written_is_read_or_refused(table: dict[str, Any]) -> None:
    manifest, problems = manifest_of(table, "relatum_a")
    assert (manifest is None) == bool(problems)
    for problem in problems:
        assert problem.message
        assert problem.mend
