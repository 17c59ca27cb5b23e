"""The twin: what somebody sees of the whole database is what the owner sees of a copy from which
the customers that are hidden from them were deleted. Lists, counts, reports, charts, searches.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relatum.access.policies import Policy
from relatum.access.roles.builtin import POLICIES
from relatum.access.roles.types import RoleDraft, StandingChange
from relatum.app.house import House
from relatum.values.sensitivity import SENSITIVITIES
from tests.security.addresses import Address
from tests.security.hiring import RULE
from tests.security.matrix import Matrix, without_what_changes
from tests.security.ownership import OWNERS, delete, doomed, owners_of_rows
from tests.security.people import CUSTOMERS, PEOPLE
from tests.security.site import Site, Template, Visitor, served

#: About who asks and what lies on their desk; everything else has to be the same.
OF_THE_VISITOR = (
    "/api/v1/me",
    "/api/v1/session",
    "/api/v1/exports",
    "/api/v1/imports",
    "/api/v1/uploads",
    "/reports/files/",
)
#: What was done on one side only, so that somebody could see unmasked; and figures of the process,
#: which are of no customer and different each time.
#: How far handlers have come is of the house. What a merge would move is counted in full, because
#: all of it is moved, also what the viewer does not see. What is held about somebody is theirs as a
#: whole: what tells who others are is taken out of it, the matrix looks that it is.
ELSEWHERE = (
    *("/api/v1/audit", "/api/v1/accounts", "/api/v1/roles", "/api/v1/standings", "/metrics"),
    *("/api/v1/handlers", "/api/v1/customers/{customer_id}/merge-preview/"),
    *("/customers/{customer_id}/merge/", "/customers/{customer_id}/merges/"),
    *("/customers/{customer_id}/data", "/api/v1/customers/{customer_id}/subject-export"),
    # and so is what erasing one would take
    *("/api/v1/customers/{customer_id}/erasure", "/customers/{customer_id}/erase"),
)
#: Pages about people, roles and the house, and those that are only for whoever sees everything.
OF_PEOPLE = (
    "/account",
    "/audit",
    "/charts/new",
    "/customers/{customer_id}/archived",
    "/exports",
    "/imports",
    "/people",
    "/reports/schedules",
    "/roles",
    "/rules",
    "/settings",
    "/views",
)
#: Whom somebody may choose in a list: never themselves.
NAMES = {name.title() for name in PEOPLE}
#: Of one account, and the same for each: everybody is asked for their own, figures are compared.
KEPT = ("/charts/", "/dashboards/")
POLICY_OF = {
    "manager": POLICIES["manager"],
    "chi": POLICIES["sales"],
    "reader": POLICIES["read_only"],
    "khanh": Policy(scopes=["own"], rules=[RULE]),
    "newcomer": Policy(scopes=["own"]),
}


@pytest.mark.parametrize("name", POLICY_OF)
async def test_a_restricted_view_is_the_owners_view_of_the_rest(
    template: Template, copied: Callable[[str], tuple[str, Path]], name: str
) -> None:
    whole, twin = copied("whole"), copied("twin")
    hidden = CUSTOMERS.keys() - PEOPLE[name].sees
    assert hidden
    await _delete(twin, template, hidden)
    async with served(*whole, template) as site:
        await _unmask(site, name)
        seen = await _everything(site, site.visitor(name), name)
    async with served(*twin, template) as site:
        rest = await _everything(site, site.visitor("owner"), name)
    assert seen.keys() == rest.keys()
    assert len(seen) > 60
    wrong = [
        "\n  ".join([key, *_apart(seen[key], rest[key])])
        for key in seen
        if not _same(seen[key], rest[key])
    ]
    assert not wrong, f"{len(wrong)} of {len(seen)}:\n" + "\n".join(wrong[:20])


async def test_the_twin_lacks_what_is_hidden_and_nothing_else(
    template: Template, copied: Callable[[str], tuple[str, Path]]
) -> None:
    twin = copied("twin")
    async with served(*twin, template) as site:
        whole = await owners_of_rows(site.house.db)
    await _delete(twin, template, {"chi_one"})
    async with served(*twin, template) as site:
        left = await owners_of_rows(site.house.db)
    gone = str(template.world.customers["chi_one"])
    for table, rows in whole.items():
        assert left[table].keys() == {key for key, of in rows.items() if gone not in of}, table
    assert left["core_customer"].keys() == whole["core_customer"].keys() - {gone}
    assert set(left) == set(OWNERS)


async def _delete(copy: tuple[str, Path], template: Template, hidden: set[str]) -> None:
    async with served(*copy, template) as site:
        rows = await owners_of_rows(site.house.db)
    gone = {str(template.world.customers[label]) for label in hidden}
    await delete(copy[0], doomed(rows, gone))


async def _unmask(site: Site, name: str) -> None:
    """Let somebody see unmasked and call everything; which rows they see stays as it is."""
    house: House = site.house
    policy = POLICY_OF[name]
    draft = RoleDraft(
        key="twin",
        title_en="Twin",
        title_vi="Song sinh",
        policy=Policy(scopes=policy.scopes, rules=policy.rules, unmasked=list(SENSITIVITIES)),
        permissions=sorted(house.registry.permissions.ids()),
    )
    await house.roles.create(draft, by="system")
    await house.roles.place(site.staff.people[name], StandingChange(roles=["twin"]), by="system")


async def _everything(site: Site, visitor: Visitor, name: str) -> dict[str, Any]:
    """Every answer to a GET, of lists in several orders and by several parameters."""
    asking, own = Matrix(site, name, most=2), Matrix(site, visitor.name, most=2)
    answers: dict[str, Any] = {}
    for address in site.addresses:
        if address.method != "GET" or address.path.startswith((*OF_THE_VISITOR, *ELSEWHERE)):
            continue
        kept = address.path.startswith(KEPT)
        for number, filling in enumerate(await (own if kept else asking).fillings(address)):
            if filling.what == "hidden":
                continue
            path = address.filled(filling.values)
            for query in _queries(address):
                answer = await visitor.get(path, params=query)
                key = f"{f'{address.path} {number}' if kept else path} {query}"
                if not answer.headers.get("content-type", "").startswith("text/html"):
                    answers[key] = (answer.status_code, _read(answer.text))
                elif not address.path.startswith(OF_PEOPLE):
                    answers[key] = (answer.status_code, _words(answer.text))
    return answers


def _queries(address: Address) -> list[dict[str, str]]:
    # With its boxes: those that take long come later by themselves otherwise.
    whole = address.path in ("/", "/dashboards/{board_id}")
    queries: list[dict[str, str]] = [{"whole": "1"} if whole else {}]
    if "limit" in address.query:
        queries += [{"limit": "3"}, {"limit": "200"}]
    if "q" in address.query:
        queries += [{"q": "khách"}, {"q": "zq"}, {"q": "0912"}]
    if "sort" in address.query:
        queries += [{"sort": "created_at"}, {"sort": "display_name", "limit": "5"}]
    if "tag" in address.query:
        queries.append({"tag": "hạng nhất"})
    if "outcome" in address.query:
        queries += [{"outcome": "won"}, {"rotting": "true"}, {"minimum": "735000000000"}]
    return queries


def _words(text: str) -> list[str]:
    """What a page says in its middle, figures above all, without its frame and how long ago."""
    text = without_what_changes(text)
    (middle,) = re.findall(r"<main\b.*?</main>", text, re.S) or [text]
    bare = re.sub(r"<(script|style|svg|time)\b.*?</\1>|<[^>]+>", "\n", middle, flags=re.S)
    return [word for line in bare.splitlines() if (word := line.strip()) and word not in NAMES]


def _read(text: str) -> Any:
    text = without_what_changes(text)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _same(one: Any, other: Any) -> bool:
    """Equal, but for figures that fall as time goes by (the engagement of a lead)."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-3)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _apart(one: Any, other: Any) -> list[str]:
    """Both answers in short; of pages where they part."""
    (status, said), (status_, said_) = one, other
    if isinstance(said, list) and isinstance(said_, list):
        pairs = enumerate(zip(said, said_, strict=False))
        shared = min(len(said), len(said_))
        at = max(0, next((n for n, (a, b) in pairs if a != b), shared) - 3)
        said, said_ = said[at : at + 12], said_[at : at + 12]
    return [f"seen {status} {said!r:.400}", f"rest {status_} {said_!r:.400}"]


def test_figures_that_are_a_little_apart_are_the_same() -> None:
    assert _same({"a": [1.0001, 2]}, {"a": [1.0002, 2]})
    assert not _same({"a": [1.01]}, {"a": [1.02]})
    assert not _same({"a": 1}, {"a": 2})
    assert not _same([1], [1, 1])
    assert not _same({"a": 1}, {"b": 1})


@pytest.mark.parametrize("name", ["manager", "an", "khanh", "newcomer"])
async def test_the_first_page_counts_what_is_seen(site: Site, name: str) -> None:
    """Figures on a page are counts of what is seen, too."""
    page = (await site.visitor(name).get("/", params={"lang": "en", "whole": "1"})).text
    (box,) = re.findall(
        r"<section[^>]*>(?:(?!</section>).)*New customers</a>.*?</section>", page, re.S
    )
    shown = re.findall(r">([\d,.]+)<", box)
    assert shown[:1] == [str(len(PEOPLE[name].sees))], box
    assert str(len(CUSTOMERS)) not in shown
