"""``relatum import`` and ``relatum export`` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from relatum.cli.main import main
from relatum.importing.plan import load_plan


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Relatum = Callable[..., Ran]


@pytest.fixture
def relatum(
    relatum_home: Path,
    relatum_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Relatum:
    """Run the command on a migrated database, in this process."""
    monkeypatch.setenv("RELATUM_DATABASE", relatum_database_url)
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    monkeypatch.chdir(relatum_home)
    monkeypatch.setenv("COLUMNS", "200")

    def relatum(*words: str) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return relatum


CUSTOMERS = "Mã KH;Họ và tên;SĐT;Ghi chú\nA;Nguyễn Thị Hoa;0901 234 567;x\nB;;0912345678;y\n"


@pytest.fixture
def contacts(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "contacts.csv").write_text(CUSTOMERS, encoding="utf-8")
    return folder / "contacts.csv"


def test_a_file_is_guessed_previewed_saved_and_applied(relatum, contacts, tmp_path):
    preview = relatum("import", contacts, "--target", "core.customers")
    assert preview.code == 0
    assert "nothing was written" in preview.out
    assert "utf-8, delimiter ';'" in preview.out
    assert "not used: Ghi chú" in preview.out
    assert "Nguyễn Thị Hoa" in preview.out
    assert "line 3, column Họ và tên" in preview.out
    assert relatum("import", "--list", "--json").json == []

    plan = tmp_path / "contacts.toml"
    saved = relatum("import", contacts, "--target", "core.customers", "--save-plan", plan)
    assert saved.code == 0
    assert load_plan(plan).files[0].path == "contacts.csv"
    again = relatum("import", contacts, "--target", "core.customers", "--save-plan", plan)
    assert again.code == 1
    assert "already" in again.err

    applied = relatum("import", "--plan", plan, contacts.parent, "--apply", "--json")
    assert applied.code == 0
    outcome = applied.json
    assert (outcome["counts"]["created"], outcome["counts"]["rejected"]) == (1, 1)
    assert outcome["state"] == "applied"
    [finding] = outcome["findings"]["first"]
    assert (finding["line"], finding["column"]) == (3, "Họ và tên")
    assert Path(outcome["files"][0]["mend"]).is_file()

    listed = relatum("import", "--list")
    assert outcome["id"][:8] in listed.out
    undone = relatum("import", "--undo", outcome["id"], "--json")
    assert undone.json["taken_back"] == 1
    assert relatum("import", "--undo", outcome["id"]).code == 1


def test_an_outcome_for_people_says_how_to_mend_and_how_to_take_back(relatum, contacts):
    applied = relatum("import", contacts, "--target", "core.customers", "--apply")
    assert applied.code == 0
    assert "1 created, 1 rejected" in applied.out
    assert "plan.toml" in applied.out
    assert "relatum import --undo " in applied.out


def test_a_plan_that_does_not_fit_is_told_with_everything_wrong(relatum, contacts, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'name = "x"\n[[files]]\npath = "contacts.csv"\ntarget = "core.customers"\n'
        '[files.columns]\ndisplay_name = "Họ tên"\nphnoe = "SĐT"\n',
        encoding="utf-8",
    )
    preview = relatum("import", "--plan", plan, contacts.parent)
    assert preview.code == 1
    assert "Write Họ và tên if that is meant" in preview.out
    assert "Write phone if that is meant" in preview.out
    applied = relatum("import", "--plan", plan, contacts.parent, "--apply")
    assert applied.code == 1
    assert "2 to mend" in applied.err
    assert relatum("import", "--list", "--json").json == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["somewhere"],
        ["--plan", "p.toml"],
        ["x.csv", "--plan", "p.toml", "--target", "core.customers"],
    ],
)
def test_options_that_do_not_fit_together_are_usage_errors(relatum, words):
    ran = relatum("import", *words)
    assert ran.code == 2
    assert "usage: relatum import" in ran.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.csv", "--target", "core.customers"], "nowhere.csv"),
        (["--plan", "nowhere.toml", "."], "nowhere.toml"),
        (["--undo", "not-an-id"], "not-an-id"),
    ],
)
def test_what_is_not_there_is_told(relatum, words, told):
    ran = relatum("import", *words)
    assert ran.code == 1
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_an_export_is_imported_back(relatum, contacts, tmp_path):
    relatum("import", contacts, "--target", "core.customers", "--apply")
    out = tmp_path / "out"
    exported = relatum("export", out, "--json")
    assert exported.code == 0
    assert [file["target"] for file in exported.json["files"]] == ["core.customers"]
    preview = relatum("import", "--plan", out / "plan.toml", out, "--json")
    assert preview.json["counts"]["rows"] == 1
    assert not preview.json["blocked"]
    assert relatum("export", out).code == 1


def test_a_workbook_goes_out_and_comes_back(relatum, contacts, tmp_path):
    relatum("import", contacts, "--target", "core.customers", "--apply")
    out = tmp_path / "out"
    exported = relatum("export", out, "--format", "xlsx", "--json")
    assert [file["path"] for file in exported.json["files"]] == ["core.customers.xlsx"]
    preview = relatum("import", "--plan", out / "plan.toml", out)
    assert "core.customers.xlsx → core.customers: workbook" in preview.out
    assert "1 unchanged" in preview.out, "the same house knows its customers"
    alone = relatum("import", out / "core.customers.xlsx", "--target", "core.customers", "--json")
    assert alone.json["counts"]["rows"] == 1


def test_without_migrations_the_command_says_what_to_do(
    relatum, relatum_empty_database_url, monkeypatch, contacts
):
    monkeypatch.setenv("RELATUM_DATABASE", relatum_empty_database_url)
    ran = relatum("import", contacts, "--target", "core.customers")
    assert ran.code == 1
    assert "relatum migrate --apply" in ran.err


def test_help_has_examples(relatum):
    for command in ("import", "export"):
        ran = relatum(command, "--help")
        assert ran.code == 0
        assert "examples:" in ran.out
