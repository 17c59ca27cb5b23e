"""What nobody may find: in a log, in a copied database, in an answer to somebody else."""

from __future__ import annotations

import io
import logging
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from relatum.config.redaction import redact_log
from relatum.config.settings import Log
from relatum.telemetry.access import ACCESS
from tests.security.site import Site, Template, served
from tests.security.staff_cases import OTHER_PASSWORD, PASSWORD

#: A piece of every password, so that a quoted or cut one is found too.
PIECES = (PASSWORD[:12], OTHER_PASSWORD[:12])


class Kept(logging.Handler):
    """Keeps what would be written, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines: list[str] = []
        #: one for each request; these do not go through the log proper
        self.requests: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def logged() -> Iterator[Kept]:
    """Everything that is logged at any level, through what the server puts in front of its log."""
    root, kept = logging.getLogger(), Kept()
    level, handlers, factory = root.level, root.handlers[:], logging.getLogRecordFactory()
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    redact_log()
    requests = io.StringIO()
    ACCESS.follow(Log(format="json"), None)
    try:
        with redirect_stderr(requests):
            yield kept
            ACCESS.flush()
        kept.requests = requests.getvalue().splitlines()
    finally:
        ACCESS.on = False
        root.setLevel(level)
        root.handlers[:] = handlers
        logging.setLogRecordFactory(factory)


async def test_ac_sec_08_secrets_are_in_no_log_and_no_event(site: Site) -> None:
    """A day in the house: coming in, failing, tokens, links, with everything logged."""
    secrets = []
    with logged() as kept:
        visitor = await site.signed_in("an")
        secrets.append(visitor.headers["cookie"].partition("=")[2])
        await site.sign_in("an", OTHER_PASSWORD)
        made = await visitor.ask("POST", "/api/v1/me/tokens", json={"name": "máy"})
        secrets.append(made.json()["secret"])
        bearer = {"authorization": f"Bearer {made.json()['secret']}"}
        await site.client.get("/api/v1/me", headers=bearer)
        await site.client.get(
            "/api/v1/me", headers={"authorization": bearer["authorization"] + "x"}
        )
        await visitor.ask(
            "POST", "/api/v1/me/password", json={"old": PASSWORD, "new": OTHER_PASSWORD}
        )
        owner = site.visitor("owner")
        account = site.staff.people["newcomer"]
        link = await owner.ask("POST", f"/api/v1/accounts/{account}/reset-link")
        secrets.append(link.json()["secret"])
        page = await site.client.get(link.json()["url"].removeprefix("http://127.0.0.1:8000"))
        assert page.status_code < 500
        logging.getLogger("relatum.plugin.x").error(
            "a plugin tells %s and %s", bearer, f"Cookie: relatum_session={secrets[0]}"
        )
    assert len(secrets) == 3
    assert kept.lines, "nothing was logged at all"
    assert len(kept.requests) >= 7, "requests were not logged"
    events = repr(await site.house.db.fetch("SELECT * FROM core_event"))
    for place, text in (
        ("log", "\n".join(kept.lines + kept.requests)),
        ("event", events),
    ):
        for secret in (*secrets, *PIECES):
            assert secret not in text, f"in the {place}: {secret}"


async def test_ac_sec_09_a_copied_database_does_not_tell_secrets(
    template: Template, copied: Callable[[str], tuple[str, Path]]
) -> None:
    """Neither the fields of class `secret`, nor what people come in with."""
    url, home = copied("stolen")
    async with served(url, home, template) as site:
        world = site.world
        visitor = await site.signed_in("an")
        seen = await site.visitor("owner").json(f"/api/v1/customers/{world.customers['an_one']}")
        setup = await visitor.ask("POST", "/api/v1/me/second-factor")
        told = [
            *template.staff.tokens.values(),
            visitor.headers["cookie"].partition("=")[2],
            setup.json()["secret"],
            PASSWORD,
        ]
        held = await _everything(url)
    pins = [word for word, each in world.canaries.words.items() if each.sensitivity == "secret"]
    assert len(pins) == len(world.customers)
    assert seen["fields"]["pin"] in pins, "the owner reads what nobody finds in the copy"
    for secret in (*pins, *told):
        for form in (secret.encode(), secret.encode("utf-16-le"), secret.encode().hex().encode()):
            assert form not in held, f"{secret} is in the database"
    known = next(word for word, each in world.canaries.words.items() if each.place == "name")
    assert known.encode() in held, "the search looked at nothing"


async def test_the_keys_are_beside_the_database_and_for_nobody_else(site: Site) -> None:
    path = site.house.settings.home / "keys.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    values = re.findall(r'"([A-Za-z0-9+/=_-]{32,})"', path.read_text(encoding="utf-8"))
    assert values
    held = await _everything(site.house.db.url)
    assert not [each for each in values if each.encode() in held]


async def test_a_secret_is_not_even_in_the_answer_to_who_may_not_see_it(site: Site) -> None:
    """Not enciphered either: a stolen answer is nothing to work on."""
    id = site.world.customers["an_one"]
    for name in ("an", "manager", "care", "reader"):
        answer = await site.visitor(name).get(f"/api/v1/customers/{id}")
        assert answer.status_code == 200
        assert "enc:1:" not in answer.text
        assert answer.json()["fields"].get("pin") in (None, "•••")


async def _everything(url: str) -> bytes:
    """All bytes of a database: the file with its write-ahead log, or every row of every table."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        files = [path, *path.parent.glob(f"{path.name}-*")]
        return b"".join(file.read_bytes() for file in files) + _dump(path)
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        )
        rows: list[Any] = []
        for (name,) in names:
            rows += await connection.fetch(f'SELECT t::text FROM "{name}" t')
        return "\n".join(row[0] for row in rows).encode()
    finally:
        await connection.close()


def _dump(path: Path) -> bytes:
    with sqlite3.connect(path) as connection:
        return "\n".join(connection.iterdump()).encode()


def test_the_search_of_a_database_finds_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES ('zqabcdefabcdef')")
    assert b"zqabcdefabcdef" in _dump(path)


@pytest.mark.parametrize("path", ["/keys.toml", "/static/../keys.toml", "/static/..%2fkeys.toml"])
async def test_files_of_the_house_are_not_served(site: Site, path: str) -> None:
    answer = await site.visitor("owner").get(path)
    assert answer.status_code in (400, 404)
    assert "secret" not in answer.text.lower()
