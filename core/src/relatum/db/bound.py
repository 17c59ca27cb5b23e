"""The engine that Piccolo finds: the one of the database that is open in this process.

Piccolo looks for a module with a variable ``DB``; :func:`bind` points ``PICCOLO_CONF`` at this one
and re-binds every table class that is already imported, so that one process can open one database
after another (tests, moving house).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from piccolo.table import TABLE_REGISTRY

if TYPE_CHECKING:
    from piccolo.engine.base import Engine

DB: Engine[Any] | None = None


def bind(engine: Engine[Any] | None) -> None:
    """Make ``engine`` the one all table classes use; ``None`` lets go of the current one."""
    global DB  # noqa: PLW0603 - Piccolo reads the engine from a module variable
    DB = engine
    os.environ["PICCOLO_CONF"] = __name__
    for table in TABLE_REGISTRY:
        table._meta._db = engine
