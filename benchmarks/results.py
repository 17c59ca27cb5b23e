"""``benchmarks/results.json``: the last reading of every measure."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.measures import Measure, Reading

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "benchmarks" / "results.json"


def entry_of(measure: Measure, reading: Reading) -> dict[str, Any]:
    """The result of a measure that ran."""
    entry = {
        "value": round(reading.value, 4),
        "unit": measure.unit,
        "limit": measure.limit,
        "goal": measure.goal,
        "ok": measure.ok(reading),
        "commit": commit(),
        "machine": machine(),
    }
    if reading.conditions:
        entry["conditions"] = [
            {
                "what": each.what,
                "value": round(each.value, 4),
                "unit": each.unit,
                "limit": each.limit,
                "goal": each.goal,
                "ok": each.ok,
            }
            for each in reading.conditions
        ]
    return entry


def entry_of_not_run(measure: Measure, reason: str) -> dict[str, Any]:
    """The result of a measure that could not run: no value, no ``ok``, but why."""
    return {
        "unit": measure.unit,
        "limit": measure.limit,
        "goal": measure.goal,
        "not_run": reason,
        "commit": commit(),
        "machine": machine(),
    }


def merge(entries: dict[str, dict[str, Any]], file: Path = FILE) -> None:
    """Write the entries, keeping those of measures that were not taken now."""
    before: dict[str, Any] = {}
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
    whole = dict(sorted({**before, **entries}.items()))
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(file)


def commit() -> str:
    """The commit that was measured, with ``+`` when the tree has changes; empty outside of git."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{name}+" if changed else name


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def machine() -> str:
    """The machine in one line: processor, cores, memory, system, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        return platform.machine()
    return platform.machine()
