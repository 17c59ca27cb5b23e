"""The plugin is tried from outside: each test runs a small pytest session of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SERVER_URL = os.environ.get("RELATUM_TEST_POSTGRES", "")

ON_A_KIND = """
def test_kind(relatum_database_kind):
    print("ran on", relatum_database_kind)
"""
NEEDS_SERVER = """
import pytest

@pytest.mark.postgres
def test_server():
    pass
"""
HOME = """
import os

def test_home(relatum_home):
    assert os.environ["RELATUM_HOME"] == str(relatum_home)
    assert list(relatum_home.iterdir()) == []
    assert not os.environ.keys() & {"RELATUM_PORT", "RELATUM_DATABASE"}
"""


def session(folder: Path, source: str, **environment: str) -> str:
    """Run pytest on one file; what it printed."""
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    (folder / "test_sample.py").write_text(source)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RELATUM_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-v", "-s", "-rs", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def test_without_server_postgres_is_skipped_and_named(tmp_path: Path) -> None:
    printed = session(tmp_path, ON_A_KIND)
    assert "PostgreSQL skipped (RELATUM_TEST_POSTGRES is not set)" in printed
    assert "ran on sqlite" in printed
    assert "1 passed" in printed


def test_with_server_both_kinds_run(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"  # not connected to: no database is asked for
    printed = session(tmp_path, ON_A_KIND, RELATUM_TEST_POSTGRES=url)
    assert "databases SQLite and PostgreSQL" in printed
    assert "ran on sqlite" in printed
    assert "ran on postgresql" in printed
    assert "2 passed" in printed


def test_marked_test_is_skipped_with_its_reason(tmp_path: Path) -> None:
    printed = session(tmp_path, NEEDS_SERVER)
    assert "1 skipped" in printed
    assert "SKIPPED [1]" in printed
    assert "RELATUM_TEST_POSTGRES is not set" in printed.partition("SKIPPED [1]")[2]


def test_home_hides_the_settings_of_the_shell(tmp_path: Path) -> None:
    printed = session(
        tmp_path, HOME, RELATUM_PORT="99", RELATUM_DATABASE="sqlite:///x", RELATUM_HOME="elsewhere"
    )
    assert "1 passed" in printed, printed


@pytest.mark.postgres
def test_server_that_does_not_answer_is_an_error_not_a_skip(tmp_path: Path) -> None:
    source = "def test_database(relatum_empty_database_url):\n    pass\n"
    url = "postgresql://nobody@127.0.0.1:1/none"
    printed = session(tmp_path, source, RELATUM_TEST_POSTGRES=url)
    assert "1 passed, 1 error" in printed
    assert "No PostgreSQL server answered" in printed
