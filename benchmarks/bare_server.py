"""``python -m benchmarks.bare_server DATABASE PORT``: the reference for reading over HTTP.

What somebody would write who needs these two routes and nothing else: Litestar, ``sqlite3`` in the
process, the statements of Relatum, plain dictionaries. No checks, no services, no threads. It runs
under granian exactly as ``relatum serve`` does (``relatum/app/serve.py``).
"""

from __future__ import annotations

import asyncio
import base64
import sqlite3
import sys
from typing import Any

import msgspec
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from litestar import Litestar, get
from litestar.exceptions import NotFoundException

from relatum.customers.reading import SELECT, page_query
from relatum.customers.types import CustomerQuery

ONE = f"{SELECT['sqlite']} WHERE id = ?"
PAGE = page_query(CustomerQuery(), country="VN", kind="sqlite")

decode = msgspec.json.decode


def routes(database: str) -> list[Any]:
    """One customer by id, and the first page of the list."""
    connection = sqlite3.connect(database, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cache_size = -8192")

    @get("/customers/{customer_id:str}", sync_to_thread=False)
    def read_customer(customer_id: str) -> dict[str, Any]:
        row = connection.execute(ONE, (customer_id,)).fetchone()
        if row is None:
            raise NotFoundException
        return customer_of(row)

    @get("/customers", sync_to_thread=False)
    def find_customers() -> dict[str, Any]:
        rows = connection.execute(PAGE.sql, PAGE.params).fetchall()
        if len(rows) <= PAGE.limit:
            return {"items": [customer_of(row) for row in rows], "next": None}
        kept = rows[: PAGE.limit]
        return {"items": [customer_of(row) for row in kept], "next": cursor_of(kept[-1])}

    return [read_customer, find_customers]


def customer_of(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row in the JSON shape of the API."""
    id, kind, name, fields, version, created, updated, _, owner, team, *children = row
    points, roles, tags, external = children
    contact_points = decode(points)
    for point in contact_points:
        point["primary"] = bool(point["primary"])  # SQLite writes 0 and 1 into JSON
    return {
        "id": id,
        "kind": kind,
        "display_name": name,
        "roles": decode(roles),
        "tags": decode(tags),
        "contact_points": contact_points,
        "fields": decode(fields),
        "external_ids": decode(external),
        "version": version,
        "created_at": created,
        "updated_at": updated,
        "owner": owner,
        "team": team,
    }


def cursor_of(row: tuple[Any, ...]) -> str:
    """The last row's sort value and id."""
    packed = msgspec.json.encode([f"{PAGE.sort.column}-", row[5], row[0]])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


async def serve(database: str, port: int) -> None:
    app = Litestar(routes(database), openapi_config=None, logging_config=None)
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        backlog=1024,
        log_enabled=False,
    )
    await server.serve()


def main(database: str, port: int) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(database, port))
    else:
        uvloop.run(serve(database, port))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
