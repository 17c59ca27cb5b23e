"""What lies on the desks: files that were brought in, imports, and exports in several states.

Made over HTTP, by the owner and the manager, with words of many customers in every file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx

from tests.security.canaries import Canaries
from tests.security.list_cases import keep_views
from tests.security.report_cases import arrange

if TYPE_CHECKING:
    from relatum.app.house import House

#: Records that go out without a second person: more than there are customers, fewer than
#: interactions.
APPROVAL_ABOVE = 40

#: Who asks for what how often: what is ready is fetched and deleted, what waits is decided.
EXPORTS = (
    ("owner", "core.customers", 3),
    ("owner", "core.interactions", 1),
    ("manager", "core.interactions", 4),
)

#: Runs of a job that wait.
RUNS = 3

Ask = Callable[..., Awaitable[httpx.Response]]


async def lay_out(
    house: House, canaries: Canaries, labels: list[str], asks: dict[str, Ask]
) -> None:
    """Fill the desks.

    Args:
        asks: name of somebody → a function that asks as them.
    """
    await _imports(house, canaries, labels, asks["owner"])
    for name, target, count in EXPORTS:
        for _ in range(count):
            draft = {"target": target, "format": "csv", "why": f"kiểm thử của {name}"}
            await _made(asks[name]("POST", "/api/v1/exports", json=draft), 202)
    for _ in range(RUNS):
        await house.jobs.enqueue("core.audit_seal")
    await house.worker.drain()
    await arrange(house)
    await keep_views(house)
    items = (await asks["owner"]("GET", "/api/v1/exports")).json()["items"]
    states = Counter(each["state"] for each in items)
    assert states == {"ready": 3, "waiting": 5}, states


async def _imports(house: House, canaries: Canaries, labels: list[str], ask: Ask) -> None:
    """One that is applied and has rejected rows, and one that nobody has applied yet."""
    rows = ["ma;ten;dien thoai"]
    rows += [f";{canaries.word([label], 'rejected row')};123" for label in labels]
    content = "\n".join(rows).encode()
    for apply in (True, False):
        upload = await _made(
            ask("POST", "/api/v1/uploads", params={"name": "khach.csv"}, content=content), 201
        )
        draft = {
            "files": [{"upload": upload["id"], "target": "core.customers"}],
            "name": "desk" if apply else "desk2",
        }
        made = await _made(ask("POST", "/api/v1/imports", json=draft), 201)
        step = "apply" if apply else "preview"
        await _made(ask("POST", f"/api/v1/imports/{made['id']}/{step}"), 202)
        await house.worker.drain()


async def _made(answer: Awaitable[httpx.Response], status: int) -> Any:
    got = await answer
    assert got.status_code == status, got.text
    return got.json()
