"""Installations of Relatum to measure: folders with a configuration, a database, idle plugins."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import ROOT
from relatum_sdk.temporary import make_idle_plugins

#: Databases that take long to make are kept here, by everything they depend on.
CACHE = ROOT / "build" / "benchmarks"
RELATUM = (sys.executable, "-m", "relatum.cli.main")
SALES = "sales_pipeline"
#: The environment variable with the token that requests are sent with.
TOKEN = "RELATUM_BENCH_TOKEN"  # noqa: S105 - its name
NO_LIMITS = "[limits]\ntoken = 0\naccount = 0\naddress = 0\nsign_in = 0\n"


@dataclass(frozen=True)
class Installation:
    """A data folder and the environment in which commands on it run."""

    home: Path
    environment: dict[str, str]

    @property
    def database(self) -> Path:
        return self.home / "relatum.sqlite3"

    @property
    def token(self) -> str:
        """An owner's; empty where nothing is served."""
        return self.environment.get(TOKEN, "")

    def run(self, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run ``relatum …`` to its end; raises with what it printed when it failed."""
        done = subprocess.run(
            [*RELATUM, *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"relatum {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done


@contextmanager
def installation(
    *,
    sales: bool = True,
    idle_plugins: int = 0,
    port: int | None = None,
    database: Path | None = None,
) -> Iterator[Installation]:
    """A fresh, migrated installation with the sales pipeline and idle plugins switched on.

    Args:
        sales: whether the sales pipeline is on.
        database: a file to begin with (copied) instead of an empty database.
    """
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        plugins = Path(folder) / "plugins"
        plugins.mkdir()
        enabled = [*([SALES] if sales else []), *make_idle_plugins(plugins, idle_plugins)]
        listed = ", ".join(f'"{each}"' for each in enabled)
        settings = f"[plugins]\nenabled = [{listed}]\n{NO_LIMITS}"
        (home / "relatum.toml").write_text(settings, encoding="utf-8")
        made = Installation(home, _environment(home, plugins, port))
        if database is not None:
            shutil.copyfile(database, made.database)
        made.run("migrate", "--apply", "--no-backup")
        if port is not None:
            made.environment[TOKEN] = _owner_token(made)
        yield made


def _environment(home: Path, plugins: Path, port: int | None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RELATUM_", "PYTHON"))}
    kept |= {"RELATUM_HOME": str(home), "PYTHONPATH": os.pathsep.join([str(plugins), str(ROOT)])}
    return kept if port is None else kept | {"RELATUM_PORT": str(port)}


def _owner_token(made: Installation) -> str:
    arguments = ("Owner", "owner@example.com", "--role", "owner", "--token", "--json")
    token: str = json.loads(made.run("accounts", "add", *arguments).stdout)["token"]
    return token


def populated(count: int) -> Path:
    """A database file with ``count`` customers, each with a phone number and an e-mail address.

    Made once (a minute or so for 100,000) through the customers' service, then kept in
    ``build/benchmarks`` until something that it depends on changes.
    """
    kept = CACHE / f"customers-{count}-{_key()}.sqlite3"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with installation() as made:
            subprocess.run(
                [sys.executable, "-m", "benchmarks.fill", str(count)],
                cwd=made.home,
                env=made.environment,
                check=True,
            )
            settle(made.database)
            shutil.copyfile(made.database, kept.with_suffix(".new"))
            for outdated in CACHE.glob(f"customers-{count}-*.sqlite3"):
                outdated.unlink()
            kept.with_suffix(".new").replace(kept)
    return kept


def settle(database: Path) -> None:
    """Move everything from the write-ahead log into the file."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _key() -> str:
    """A name for everything that decides what is in a populated database."""
    rooms = [ROOT / "core" / "src" / "relatum" / room for room in ("customers", "events")]
    sources = [file for room in rooms for file in sorted(room.rglob("*.py"))]
    sources += sorted(ROOT.glob("*/*/src/*/piccolo_migrations/*.py"))
    sources += sorted(ROOT.glob("core/src/*/*/piccolo_migrations/*.py"))
    sources += [ROOT / "benchmarks" / "people.py", ROOT / "benchmarks" / "fill.py"]
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
