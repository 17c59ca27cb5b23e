"""Links between documents, and commands that documents name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.structure.repository import ROOT, Problem, files, report

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
TITLE = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def test_links_between_documents_lead_somewhere() -> None:
    links = [(path, target) for path in documents() for target in links_of(path)]
    assert len(links) > 10
    problems = [problem for path, target in links for problem in broken(path, target)]
    assert not problems, report(problems)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("missing.md", "leads to no file"),
        ("#no-such-title", "no title"),
        ("other.md#no-such-title", "no title"),
    ],
)
def test_broken_link_is_told(tmp_path: Path, target: str, told: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\nSee [that]({target}).\n", encoding="utf-8")
    (tmp_path / "other.md").write_text("# Other\n", encoding="utf-8")
    (found,) = links_of(page)
    assert told in report(list(broken(page, found)))


def test_sound_links_are_not_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = (
        "# A page: of `code`\n\n[a](#a-page-of-code) [b](other.md#other) [c](https://a.example)\n"
    )
    page.write_text(text + "```\n[no link](nowhere.md)\n```\n", encoding="utf-8")
    (tmp_path / "other.md").write_text("# Other\n", encoding="utf-8")
    targets = list(links_of(page))
    assert len(targets) == 3
    assert not [problem for target in targets for problem in broken(page, target)]


def test_make_targets_that_documents_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents())
    named = set(re.findall(r"(?:`|^|\b[A-Z_]+=\S+ )make ([a-z]+)", text, re.MULTILINE))
    assert {"run", "test", "check"} <= named
    assert named <= targets


def test_the_two_commands_come_first() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line.split("  ")[0] for line in lines[3:5]] == ["make run", "make test"]


def test_every_decision_is_listed_and_dated() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    decisions = [path for path in folder.glob("*.md") if path.name != "README.md"]
    assert len(decisions) > 1
    for decision in decisions:
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}-[a-z0-9-]+\.md", decision.name)
        assert f"({decision.name})" in listed, f"{decision.name} is missing from the list"


def links_of(page: Path) -> Iterator[str]:
    yield from LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))


def broken(page: Path, target: str) -> Iterator[Problem]:
    """Why a link of a page leads nowhere; addresses of other hosts are not tried."""
    if re.match(r"[a-z]+:", target):
        return
    name, _, anchor = target.partition("#")
    goal = (page.parent / name).resolve() if name else page
    if not goal.exists():
        yield Problem(str(page), f"the link {target} leads to no file")
    elif anchor and anchor not in anchors(goal):
        yield Problem(str(page), f"the link {target} names no title of {goal.name}")


def anchors(page: Path) -> set[str]:
    titles = TITLE.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
