"""What stands behind one-time links for people: invitations, forgotten passwords.

The secret comes once in the address (``?key=``), moves into a cookie for that page alone, and the
address bar shows it no longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from litestar import get, post

from relatum.access.accounts.types import (
    Account,
    LinkPurpose,
    LinkShown,
    PasswordText,
)
from relatum.access.viewer import PUBLIC
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.http.permissions import SIGN_IN
from relatum.http.routes.session import user_agent
from relatum.values.problems import InvalidInput, RelatumError
from relatum.web.entering import LINK_COOKIE, come_in, forget, keep_link
from relatum.web.forms import Form, sent
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.account.forms import NOT_THE_SAME

OPEN = {"permission": PUBLIC, **PAGE}
COMING_IN = {**OPEN, "limit": SIGN_IN}


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A password, typed twice."""

    password: PasswordText
    again_password: PasswordText


@get("/invitation", opt=OPEN, include_in_schema=False)
async def show_invitation(request: Call) -> Answer[Any]:
    """The form with which somebody accepts an invitation."""
    link = await link_of(request, "invitation", "/invitation")
    return link if isinstance(link, Answer) else await _invitation_page(request, Form("own"), link)


@post("/invitation", opt=COMING_IN, include_in_schema=False)
async def accept_invitation(request: Call) -> Answer[Any]:
    """Set the password and sign in."""
    accept = request.house.accounts.accept
    return await _set_password(request, "invitation", "/invitation", accept, _invitation_page)


@get("/password-reset", opt=OPEN, include_in_schema=False)
async def show_reset(request: Call) -> Answer[Any]:
    """The form for a new password."""
    link = await link_of(request, "password_reset", "/password-reset")
    return link if isinstance(link, Answer) else await _reset_page(request, Form("own"), link)


@post("/password-reset", opt=COMING_IN, include_in_schema=False)
async def reset_password(request: Call) -> Answer[Any]:
    """Set the new password."""
    reset = request.house.accounts.reset_password
    return await _set_password(request, "password_reset", "/password-reset", reset, _reset_page)


async def link_of(request: Call, purpose: LinkPurpose, path: str) -> LinkShown | Answer[Any]:
    """What may be shown before the link is used; first of all the secret leaves the address."""
    request.refuse_query(("lang", "key"))
    key = request.query_params.get("key")
    if key is not None:
        return keep_link(request, key, path)
    return await request.house.accounts.look_at_link(
        purpose, secret_of(request), address=request.address
    )


async def _set_password(
    request: Call,
    purpose: LinkPurpose,
    path: str,
    use: Callable[..., Awaitable[Account]],
    shown: Callable[[Call, Form, LinkShown], Awaitable[Html]],
) -> Answer[Any]:
    form = Form("own")
    try:
        asked = typed_twice(form.take(await sent(request), NewPassword))
        account = await use(secret_of(request), asked.password, address=request.address)
    except RelatumError as error:
        form.refuse(error)
        link = await request.house.accounts.look_at_link(
            purpose, secret_of(request), address=request.address
        )
        return await shown(request, form, link)
    return await begin(request, account, path, flash="password-set")


async def begin(
    request: Call, account: Account, path: str, *, flash: str, then: str = "/"
) -> Answer[Any]:
    """Sign in whoever has just shown who they are; with a second factor they show that first."""
    used = forget(LINK_COOKIE, path)
    if account.second_factor:
        return Redirect("/sign-in", flash=flash, headers=[used])
    signed_in = await request.house.sign_in.at_once(
        account.id,
        address=request.address,
        user_agent=user_agent(request),
    )
    answer = await come_in(request, signed_in, then=then, flash=flash)
    answer.raw.append(used)
    return answer


def secret_of(request: Call) -> str:
    return request.cookies.get(LINK_COOKIE, "")


Twice = TypeVar("Twice", bound=NewPassword)


def typed_twice(asked: Twice) -> Twice:
    if asked.password != asked.again_password:
        raise InvalidInput("The passwords differ.", problems=[NOT_THE_SAME])
    return asked


async def _invitation_page(request: Call, form: Form, link: LinkShown) -> Html:
    return await page(request, "relatum/invitation.html", forms=(form,), link=link)


async def _reset_page(request: Call, form: Form, link: LinkShown) -> Html:
    return await page(request, "relatum/password_reset.html", forms=(form,), link=link)


ROUTES = [
    show_invitation,
    accept_invitation,
    show_reset,
    reset_password,
]
