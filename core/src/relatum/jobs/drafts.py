"""Files that jobs write: each attempt has a draft of its own, so that two never write into one."""

from __future__ import annotations

from pathlib import Path


def draft_of(file: Path, attempt: int) -> Path:
    """What an attempt writes; it takes the place of the file once it is whole."""
    return file.with_name(f"{file.name}.{attempt}.part")


def delete_drafts(file: Path, attempt: int) -> None:
    """The drafts of this attempt and of those before it, whose processes died or were overtaken."""
    for draft in file.parent.glob(f"{file.name}.*.part"):
        number = draft.name.removeprefix(f"{file.name}.").removesuffix(".part")
        if number.isdecimal() and int(number) <= attempt:
            draft.unlink(missing_ok=True)
