"""From what one has to what one has not: rights of others, things of others, answers of others."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import msgspec

from relatum.access.accounts.types import InvitationDraft, TokenDraft
from relatum.access.policies import Policy
from relatum.access.roles.types import RoleDraft
from tests.security.canaries import leaks
from tests.security.matrix import NOWHERE, without_what_changes
from tests.security.people import PEOPLE
from tests.security.site import Site, Visitor

OFFICE = ["core.accounts.read", "core.accounts.write", "core.roles.write", "core.customers.read"]


async def clerk(site: Site) -> Visitor:
    """Somebody who manages accounts and roles, and holds little else."""
    draft = RoleDraft(
        key="office",
        title_en="Office",
        title_vi="Văn phòng",
        policy=Policy(scopes=["own"]),
        permissions=OFFICE,
    )
    await site.house.roles.create(draft, by="system")
    person = InvitationDraft(name="Clerk", email="clerk@example.com", roles=["office"])
    account = await site.house.accounts.add(person, by="system")
    made = await site.house.tokens.create(account.id, TokenDraft(name="x"), by="system")
    site.staff.people["clerk"] = account.id
    return Visitor(site.client, "clerk", {"authorization": f"Bearer {made.secret}"})


async def test_nobody_gives_more_than_they_hold(site: Site) -> None:
    visitor = await clerk(site)
    me, owner = site.staff.people["clerk"], site.staff.people["owner"]
    everything = Policy(scopes=["all"], unmasked=["contact", "secret"])
    attempts: list[tuple[str, str, Any]] = [
        ("PUT", f"/api/v1/standings/{me}", {"roles": ["owner"]}),
        ("PUT", f"/api/v1/standings/{me}", {"roles": ["office", "manager"]}),
        ("PUT", f"/api/v1/standings/{owner}", {"roles": ["office"]}),
        ("PATCH", "/api/v1/roles/office", {"permissions": [*OFFICE, "core.audit.read"]}),
        ("PATCH", "/api/v1/roles/office", {"policy": _plain(everything)}),
        ("POST", "/api/v1/roles", _role("stark", based_on="manager")),
        ("POST", "/api/v1/roles", _role("stark", permissions=["core.exports.write"])),
        ("POST", "/api/v1/roles", _role("stark", permissions=OFFICE, policy=_plain(everything))),
        ("DELETE", "/api/v1/roles/manager", None),
        ("POST", "/api/v1/accounts", _invited("owner")),
        ("POST", "/api/v1/accounts", _invited("manager")),
        ("POST", "/api/v1/service-accounts", {"name": "Máy", "roles": ["owner"]}),
        ("POST", f"/api/v1/accounts/{owner}/reset-link", None),
        ("POST", f"/api/v1/accounts/{owner}/suspend", None),
        ("DELETE", f"/api/v1/accounts/{owner}/sessions", None),
        ("DELETE", f"/api/v1/accounts/{owner}/second-factor", None),
    ]
    before = await _standing(site)
    for method, path, body in attempts:
        answer = await visitor.ask(method, path, **({"json": body} if body else {}))
        assert answer.status_code in (403, 409), f"{method} {path} {body}: {answer.text}"
    assert await _standing(site) == before
    assert (await site.visitor("owner").get("/api/v1/me")).status_code == 200
    weak = await visitor.ask("POST", "/api/v1/roles", json=_role("schwach", permissions=OFFICE[:1]))
    assert weak.status_code == 201, f"what one holds may be given: {weak.text}"


async def test_a_token_is_never_more_than_its_scopes(site: Site) -> None:
    draft = TokenDraft(name="chỉ đọc", scopes=["core.customers.read"])
    owner = site.staff.people["owner"]
    made = await site.house.tokens.create(owner, draft, by="system")
    token = Visitor(site.client, "token", {"authorization": f"Bearer {made.secret}"})
    assert (await token.get("/api/v1/customers")).status_code == 200
    for address in site.addresses:
        if address.permission in {"public", "signed-in", "core.customers.read"}:
            continue
        path = address.filled(dict.fromkeys(address.parameters, "1"))
        answer = await token.ask(address.method, path)
        assert answer.status_code == 403, f"{address}: {answer.status_code} {answer.text}"
    more = await token.ask("POST", "/api/v1/me/tokens", json={"name": "mehr"})
    assert more.status_code == 403, "a limited token would make an unlimited one"


async def test_what_belongs_to_somebody_else_is_not_there(site: Site) -> None:
    """Ids of tokens, sessions, files and exports that one has seen somewhere are of no use."""
    foreign = await _things_of(site, "owner")
    assert len(foreign) > 6
    browser = await site.signed_in("an")
    for name, method, path, id in foreign:
        visitor = browser if name == "an" else site.visitor(name)
        answer = await visitor.ask(method, path.format(id))
        nothing = await visitor.ask(method, path.format(NOWHERE))
        told = [without_what_changes(each.text) for each in (answer, nothing)]
        assert answer.status_code == nothing.status_code >= 400, f"{method} {path}: {answer.text}"
        assert told[0].replace(id, "") == told[1].replace(NOWHERE, ""), f"{method} {path}"


async def _things_of(site: Site, owner: str) -> list[tuple[str, str, str, str]]:
    """Who tries what with which id of somebody else's."""
    await site.signed_in(owner)
    me = site.staff.people[owner]

    async def one(sql: str) -> str:
        row = await site.house.db.fetch_one(sql, me)
        assert row is not None, sql
        return str(row[0])

    token = await one("SELECT id FROM core_api_token WHERE account_id = ? AND revoked_at IS NULL")
    session = await one("SELECT id FROM core_session WHERE account_id = ?")
    ready = await one("SELECT id FROM core_export WHERE account_id = ? AND state = 'ready'")
    upload = await one("SELECT id FROM core_upload WHERE account_id = ?")
    request = await one("SELECT id FROM core_import_request WHERE account_id = ?")
    return [
        ("an", "DELETE", "/api/v1/me/sessions/{}", session),
        ("an", "DELETE", "/api/v1/me/tokens/{}", token),
        ("analyst", "GET", "/api/v1/exports/{}", ready),
        ("analyst", "POST", "/api/v1/exports/{}/link", ready),
        ("analyst", "DELETE", "/api/v1/exports/{}", ready),
        ("manager", "POST", "/api/v1/exports/{}/link", ready),
        ("manager", "GET", "/api/v1/uploads/{}", upload),
        ("manager", "DELETE", "/api/v1/uploads/{}", upload),
        ("manager", "GET", "/api/v1/imports/{}", request),
        ("manager", "POST", "/api/v1/imports/{}/apply", request),
        ("manager", "POST", "/api/v1/imports/{}/undo", request),
    ]


async def test_whoever_is_out_is_out_at_once(site: Site) -> None:
    browser, token = await site.signed_in("an"), site.visitor("an")
    owner, account = site.visitor("owner"), site.staff.people["an"]
    assert (await token.get("/api/v1/customers")).status_code == 200
    path = f"/api/v1/standings/{account}"
    assert (await owner.ask("PUT", path, json={"roles": ["read_only"]})).status_code == 200
    written = await token.ask("POST", "/api/v1/customers", json={"display_name": "X"})
    assert written.status_code == 403
    assert (await owner.ask("POST", f"/api/v1/accounts/{account}/suspend")).status_code == 200
    for visitor in (browser, token):
        assert (await visitor.get("/api/v1/customers")).status_code == 401


async def test_answers_that_are_kept_are_for_who_asked(site: Site) -> None:
    """The same idempotency key of two people is two keys; one's own works under a guard too."""
    key = {"idempotency-key": str(uuid4())}
    body = {"display_name": "Khách của An"}
    first = await site.visitor("an").ask("POST", "/api/v1/customers", json=body, headers=key)
    again = await site.visitor("an").ask("POST", "/api/v1/customers", json=body, headers=key)
    other = await site.visitor("chi").ask("POST", "/api/v1/customers", json=body, headers=key)
    assert first.status_code == again.status_code == other.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["id"] != other.json()["id"]


async def test_answers_to_writes_are_masked_as_reads_are(site: Site) -> None:
    """Also the version that somebody else wrote meanwhile."""
    visitor, eyes = site.visitor("khanh"), PEOPLE["khanh"].eyes
    path = f"/api/v1/customers/{site.world.customers['chi_vip']}"
    answers: list[httpx.Response] = []
    for heads in ({}, {"if-match": '"1"'}):
        body = {"fields": {"nickname": f"mới {len(answers)}"}}
        answers.append(await visitor.ask("PATCH", path, json=body, headers=heads))
    assert [each.status_code for each in answers] == [200, 409], answers[1].text
    for answer in answers:
        found = leaks(site.world.canaries, eyes, answer.text, asked=path)
        assert not found, f"{answer.status_code}: {found}"


async def _standing(site: Site) -> list[Any]:
    roles = await site.house.db.fetch("SELECT account_id, role FROM core_account_role")
    return [sorted(map(str, roles)), await site.house.roles.every()]


def _role(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title_en": key, "title_vi": key, **more}


def _invited(role: str) -> dict[str, Any]:
    return {"name": "X", "email": f"{role}.x@example.com", "roles": [role]}


def _plain(policy: Policy) -> Any:
    return msgspec.to_builtins(policy)
