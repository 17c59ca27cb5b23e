"""Whether somebody else has a database open: what they wrote meanwhile would stay behind."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path
from typing import Any

#: Where SQLite locks its file for readers: every open connection of a database in WAL holds one.
_SHARED_FIRST = 0x40000000 + 2
_SHARED_SIZE = 510


def users_of_file(path: Path) -> list[str]:
    """Processes (not this one) that have a SQLite database open.

    Call it before this process opens the database: closing the file lets go of its own locks.
    """
    if not path.exists() or not sys.platform.startswith("linux"):
        return []
    descriptor = os.open(path, os.O_RDWR)
    try:
        form = "hhqqi4x"
        asked = struct.pack(form, fcntl.F_WRLCK, os.SEEK_SET, _SHARED_FIRST, _SHARED_SIZE, 0)
        kind, _, _, _, pid = struct.unpack(form, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    finally:
        os.close(descriptor)
    return [] if kind == fcntl.F_UNLCK else [f"process {pid}"]


async def users_of_server(connection: Any) -> list[str]:
    """Connections of others to this PostgreSQL database."""
    rows = await connection.fetch(
        "SELECT pid, coalesce(application_name, ''), coalesce(client_addr::text, 'local') "
        "FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid() "
        "AND coalesce(application_name, '') <> 'relatum move' ORDER BY pid"
    )
    return [f"{name or 'a client'} from {address} ({pid})" for pid, name, address in rows]
