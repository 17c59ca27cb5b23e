"""Tokens with which programs act as oneself."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from relatum.access.accounts.types import NewToken, TokenDraft
from relatum.access.viewer import SIGNED_IN, current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import RelatumError
from relatum.web.entering import own_account
from relatum.web.forms import Form, Nothing, sent
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.account.forms import TokenForm
from relatum.web.permissions import groups_of

OWN = {"permission": SIGNED_IN, **PAGE}
HERE = "/account/tokens"


@get(HERE, opt=OWN, include_in_schema=False)
async def show_tokens(request: Call) -> Html:
    """The tokens, without their secrets."""
    request.refuse_query(("lang",))
    return await _page(request)


@post("/account/tokens", opt=OWN, include_in_schema=False)
async def create_token(request: Call) -> Answer[Any]:
    """Make a token; its secret is on the answer and nowhere else."""
    form = Form("token")
    try:
        asked = form.take(await sent(request), TokenForm)
        draft = TokenDraft(name=asked.name, days=asked.days, scopes=asked.scopes)
        made = await request.house.tokens.create(own_account(request), draft, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return await token_page(request, made, back=HERE)


@post("/account/tokens/{token_id:str}/revoke", opt=OWN, include_in_schema=False)
async def revoke_token(request: Call, token_id: FromPath[str]) -> Redirect:
    """End a token."""
    Form("revoking").take(await sent(request), Nothing)
    id = id_in_path(token_id, "token")
    await request.house.tokens.revoke(own_account(request), id, by=request.actor)
    return Redirect(HERE, flash="token-revoked")


async def token_page(request: Call, made: NewToken, *, back: str) -> Html:
    """The secret of a new token, this once."""
    return await page(
        request, "relatum/token.html", here="account", address=back, made=made, back=back
    )


async def _page(request: Call, refused: Form | None = None) -> Html:
    viewer = current_viewer()
    held = [each for each in request.house.registry.permissions if viewer.may(each.id)]
    return await page(
        request,
        "relatum/account_tokens.html",
        here="account",
        forms=(refused or Form("token", {"days": 90}),),
        address=HERE,
        tab="tokens",
        tokens=await request.house.tokens.of(own_account(request)),
        permissions=groups_of(held),
    )


ROUTES = [show_tokens, create_token, revoke_token]
