"""Load on a server, from a process of its own: wrk where it is installed, else our client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.houses import TOKEN
from benchmarks.results import ROOT

CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """What came of one burst: requests, requests a second, times in milliseconds."""

    requests: int
    rate: float
    p50: float
    p95: float
    p99: float


def tool() -> str:
    """What the load is made with."""
    return "wrk" if shutil.which("wrk") else "benchmarks.client"


def press(
    port: int,
    paths: Path,
    body: Path | None = None,
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    token: str = "",
) -> Load:
    """Ask for the paths of a file as fast as answers come, over keep-alive connections.

    Raises:
        RuntimeError: a request failed or was not answered with 2xx (or 3xx); nothing of such a
            burst may be compared.
    """
    files = [str(paths), *([str(body)] if body else [])]
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{_whole(seconds)}s"]
        command += ["-s", str(ROOT / "benchmarks" / "press.lua")]
        command += [f"http://127.0.0.1:{port}", "--", *files]
    else:
        command = [sys.executable, "-m", "benchmarks.client", str(port), *files]
        command += ["--seconds", str(seconds), "--connections", str(connections)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, TOKEN: token},
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return load_of(done.stdout)


def load_of(printed: str) -> Load:
    """The load that a tool reports in its last line.

    Raises:
        RuntimeError: something went wrong on the way.
    """
    result = json.loads(printed.strip().splitlines()[-1])
    if result["bad"] or not result["requests"]:
        raise RuntimeError(f"expected only good answers, got {result}")
    return Load(
        requests=result["requests"],
        rate=result["requests"] / result["seconds"],
        p50=result["p50"],
        p95=result["p95"],
        p99=result["p99"],
    )


def _whole(seconds: float) -> int:
    """wrk takes whole seconds only."""
    return max(1, round(seconds))
