"""People and their tokens, for tests: made by the services, as the local shell would.

The fixtures `client`, `client_as` and `anonymous_client` are made of these.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx

if TYPE_CHECKING:
    from relatum.access.policies import Policy
    from relatum.app.house import House
    from relatum.config.settings import Settings

BY = "system"
BASE_URL = "http://127.0.0.1:8000"
_numbers = itertools.count(1)


class PersonClient(httpx.AsyncClient):
    """A client of an application in this process that acts as one account.

    `account` is its id; `None` for nobody in particular.
    """

    account: UUID | None = None
    token: str = ""


def client_of(app: Any, *, account: UUID | None = None, token: str = "") -> PersonClient:
    """A client of an ASGI application without a socket, with the token of somebody."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    # ASGI spelled by litestar and by httpx differs in types alone
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    made = PersonClient(transport=transport, base_url=BASE_URL, headers=headers)
    made.account, made.token = account, token
    return made


async def make_person(
    house: House,
    role: str = "owner",
    *,
    team: UUID | None = None,
    policy: Policy | None = None,
    permissions: Sequence[str] | None = None,
    name: str = "",
) -> UUID:
    """An active person with this role.

    Args:
        policy: what the person sees instead of what the role sees (a role of its own is made).
        permissions: all that the person may instead of what the role may.
        name: by default one that says the role.
    """
    from relatum.access.accounts.types import InvitationDraft
    from relatum.access.roles.types import RoleDraft

    number = next(_numbers)
    if policy is not None or permissions is not None:
        key = f"{role}_{number}"
        draft = RoleDraft(
            key=key,
            title_en=key,
            title_vi=key,
            based_on=role,
            policy=policy,
            permissions=None if permissions is None else list(permissions),
        )
        await house.roles.create(draft, by=BY)
        role = key
    account = await house.accounts.add(
        InvitationDraft(
            name=name or f"{role.capitalize()} {number}",
            email=f"{role}.{number}@example.com",
            roles=[role],
            team=team,
        ),
        by=BY,
    )
    return account.id


async def make_token(house: House, account: UUID, *, scopes: Iterable[str] = ()) -> str:
    """A token of an account; limited to `scopes` when there are any."""
    from relatum.access.accounts.types import TokenDraft

    draft = TokenDraft(name="test", scopes=list(scopes), days=1)
    return (await house.tokens.create(account, draft, by=BY)).secret


def token_in(settings: Settings, role: str = "owner") -> str:
    """A token of a new person of an installation that is migrated; works beside a running loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, _token_in(settings, role)).result()


async def _token_in(settings: Settings, role: str) -> str:
    from relatum.app.house import House

    async with await House.open(settings) as house:
        return await make_token(house, await make_person(house, role))
