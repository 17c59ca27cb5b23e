"""PostgreSQL's own programs: ``pg_dump`` and ``pg_restore``, where they are and fit."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from relatum.values.problems import ConfigurationError, Unavailable


async def fitting(program: str, server: int) -> str | None:
    """The path of a program that is at least as new as the server; ``None``: there is none.

    Args:
        program: ``pg_dump`` or ``pg_restore``.
        server: its major version.
    """
    path = shutil.which(program)
    if path is None:
        return None
    process = await asyncio.create_subprocess_exec(
        path, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    found = re.search(rb"\) (\d+)", out)
    return path if found and int(found.group(1)) >= server else None


async def dump(url: str, file: Path, *, program: str, snapshot: str, compress: bool) -> None:
    """Write the database of a snapshot in the custom format.

    Raises:
        Unavailable: the program failed.
    """
    level = "1" if compress else "0"
    options = ("--format=custom", f"--compress={level}", "--no-owner", "--no-privileges")
    await _run(url, program, *options, f"--snapshot={snapshot}", f"--file={file}")


async def restore(url: str, file: Path, *, program: str) -> None:
    """Bring a dump into an empty database, whole or not at all.

    Raises:
        Unavailable: the program failed.
    """
    await _run(url, program, "--no-owner", "--no-privileges", "--single-transaction", str(file))


async def _run(url: str, program: str, *arguments: str) -> None:
    """Run a program on a database; the password does not show in the list of processes."""
    address, password = _without_password(url)
    environment = dict(os.environ)
    if password:
        environment["PGPASSWORD"] = password
    process = await asyncio.create_subprocess_exec(
        program,
        f"--dbname={address}",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, told = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        text = told.decode(errors="replace").strip()[-500:]
        raise Unavailable(f"expected {Path(program).name} to end well, got {text}")


def _without_password(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(
            "expected an address postgresql://…, got one that cannot be read"
        ) from error
    account, at, address = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    scheme = "postgresql"
    netloc = f"{user}{at}{address}"
    return urlunsplit((scheme, netloc, parts.path, parts.query, "")), unquote(password)
