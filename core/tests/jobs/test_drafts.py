"""Files that jobs write, and what earlier attempts leave behind."""

from __future__ import annotations

from pathlib import Path

from relatum.jobs.drafts import delete_drafts, draft_of


def test_an_attempt_deletes_what_it_and_those_before_left(tmp_path: Path) -> None:
    file, other = tmp_path / "list.csv", tmp_path / "list.csv2"
    kept = [file, other, draft_of(file, 11), draft_of(other, 1), tmp_path / "list.csv.x.part"]
    gone = [draft_of(file, 1), draft_of(file, 2), draft_of(file, 10)]
    for each in (*kept, *gone):
        each.touch()
    delete_drafts(file, 10)
    assert set(tmp_path.iterdir()) == set(kept)


def test_there_may_be_nothing(tmp_path: Path) -> None:
    delete_drafts(tmp_path / "nowhere" / "list.csv", 1)
    assert not (tmp_path / "nowhere").exists()
