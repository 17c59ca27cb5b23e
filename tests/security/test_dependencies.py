"""The checker of dependencies, tried on examples that are broken, each for a reason of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.security import dependencies
from tests.security.dependencies import (
    CONSTRAINTS,
    Installed,
    conflicts,
    environment,
    environment_problems,
    is_allowed,
    licence_of,
    read_pins,
    vulnerable,
    yanked,
)
from tests.structure.repository import report

GOOD = Installed(name="good", version="1.0", licence="MIT")
BAD_IDNA = {"name": "idna", "version": "3.4", "vulns": [{"id": "CVE-2024-3651"}]}


def test_pins_of_this_repository_are_pins() -> None:
    pins, problems = read_pins(CONSTRAINTS.read_text(encoding="utf-8"))
    assert not problems, report(problems)
    assert len(pins) > 60
    assert pins["pip-audit"]


def test_licences_of_this_environment_are_on_the_list() -> None:
    installed = environment()
    assert {"relatum", "litestar", "pytest"} <= {each.name for each in installed if each.licence}
    assert {each.name for each in installed if each.ours} >= {"relatum", "relatum-sdk"}
    assert not [each for each in installed if not is_allowed(each.licence)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("good", "one exact version"),
        ("good>=1", "one exact version"),
        ("good==1.*", "one exact version"),
        ("good==1,<2", "one exact version"),
        ("good @ https://example.com/good.whl", "one exact version"),
        ("good==1.0rc1", "not a pre-release"),
        ("good==1.0.dev3", "not a pre-release"),
        ("-e ./good", "expected name==version"),
        ("Good==1.0\ngood==1.0", "pinned twice"),
    ],
)
def test_lines_that_are_no_pin(line: str, told: str) -> None:
    assert told in report(read_pins(f"# pins\n\n{line}\n")[1])


def test_pins_are_read_by_canonical_name() -> None:
    assert read_pins("Good_Thing==1.0\n") == ({"good-thing": "1.0"}, [])


@pytest.mark.parametrize(
    ("pins", "installed", "told"),
    [
        ({}, [GOOD], "good: is not pinned"),
        ({"good": "1.1"}, [GOOD], "good: expected 1.1, got 1.0"),
        ({"good": "1.0", "left": "1"}, [GOOD], "left: is pinned"),
        ({"bad": "1"}, [Installed("bad", "1", "GPL-3.0-only")], "got 'GPL-3.0-only'"),
        ({"bad": "1"}, [Installed("bad", "1", "")], "got 'none'"),
    ],
)
def test_environments_that_are_wrong(
    pins: dict[str, str], installed: list[Installed], told: str
) -> None:
    assert told in report(list(environment_problems(pins, installed)))


def test_what_is_right_and_what_needs_no_pin() -> None:
    needs = Installed("user", "2", "MIT", requires=('win; sys_platform == "nowhere"', "good>=1"))
    ours = Installed("relatum", "0.1.0", "Apache-2.0", ours=True)
    pip = Installed("pip", "23", "MIT")
    pins = {"good": "1.0", "user": "2", "win": "1"}
    assert not list(environment_problems(pins, [GOOD, needs, ours, pip]))


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("GPL-2.0-only OR MIT", True),
        ("MIT AND LGPL-3.0-or-later", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR Apache-2.0) AND SSPL-1.0", False),
        ("MIT WITH Nothing-exception", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_licence_expressions(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ([("License-Expression", "MIT"), ("License", "GPL")], "MIT"),
        ([("License", "BSD-3-Clause")], "BSD-3-Clause"),
        ([("License", "MIT License\n\nCopyright …")], "MIT"),
        ([("Classifier", "License :: OSI Approved :: MIT License")], "MIT"),
        ([("License", "All rights reserved")], "All rights reserved"),
        (
            [
                ("Classifier", "License :: OSI Approved"),
                ("Classifier", "License :: OSI Approved :: GNU General Public License (GPL)"),
                ("Classifier", "License :: OSI Approved :: MIT License"),
            ],
            "GNU General Public License (GPL) AND MIT",
        ),
        ([], ""),
    ],
)
def test_licences_as_authors_write_them(fields: list[tuple[str, str]], licence: str) -> None:
    metadata = Message()
    for name, value in fields:
        metadata[name] = value
    assert licence_of(metadata) == licence


def answering(*answers: Any) -> dependencies.Run:
    """A command line that answers in turn: an exit code with texts, or pip-audit's list."""
    left = list(answers)

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        answer = left.pop(0)
        if isinstance(answer, list):
            answer = (1 if answer else 0, json.dumps({"dependencies": answer}), "")
        return subprocess.CompletedProcess(command, *answer)

    return run


def test_requirements_that_conflict_are_told() -> None:
    said = "user 2 has requirement good>=2, but you have good 1.0.\n"
    assert said.strip() in report(conflicts(answering((1, said, ""))).problems)
    assert not conflicts(answering((0, "No broken requirements found.", ""))).problems


def test_a_yanked_release_is_told() -> None:
    said = "WARNING: The candidate selected for download or install is a yanked version: 'good'\n"
    assert "'good'" in report(yanked(answering((0, "", said))).problems)


def test_an_absent_registry_is_said() -> None:
    outcome = yanked(answering((1, "", "WARNING: Retrying\nERROR: No matching distribution\n")))
    assert outcome.unasked == [
        "the registry, about yanked releases: ERROR: No matching distribution"
    ]
    assert not outcome.problems


def test_a_vulnerable_pin_is_told() -> None:
    bad = {"name": "bad", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
    outcome = vulnerable(answering([BAD_IDNA], [bad]), {"bad": "1"})
    assert report(outcome.problems) == "bad 1: is vulnerable: PYSEC-1; mended in 1.1"


def test_pins_without_a_known_vulnerability_pass() -> None:
    fine = {"name": "good", "version": "1.0", "vulns": []}
    assert vulnerable(answering([BAD_IDNA], [fine]), {"good": "1.0"}) == dependencies.Outcome()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((1, "", "Traceback …\nConnectionError: no route\n"), "ConnectionError: no route"),
        ((0, "not json", ""), "it said nothing"),
        ([{"name": "idna", "skip_reason": "not found"}], "knows none"),
        ([], "knows none"),
    ],
)
def test_a_source_that_knows_nothing_is_said(answer: Any, told: str) -> None:
    outcome = vulnerable(answering(answer), {"good": "1.0"})
    assert told in outcome.unasked[0]
    assert not outcome.problems


def test_names_that_the_source_skips_are_said() -> None:
    skipped = {"name": "good", "skip_reason": "not found"}
    outcome = vulnerable(answering([BAD_IDNA], [skipped]), {"good": "1.0"})
    assert outcome.unasked == ["known vulnerabilities of good: not found"]


def test_the_command_ends_with_1_when_something_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("good>=1\n")
    monkeypatch.setattr(dependencies, "CONSTRAINTS", constraints)
    monkeypatch.setattr(dependencies, "environment", list)
    monkeypatch.setattr(dependencies, "_command", answering(*[(1, "", "away")] * 3))
    assert dependencies.main() == 1
    told = capsys.readouterr().out
    assert "expected one exact version" in told
    assert "NOT CHECKED: known vulnerabilities: away" in told
