"""The page behind the address in a message: whoever got it takes the consent back."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from relatum.access.viewer import PUBLIC
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.web.layout import PAGE, page

OPEN = {"permission": PUBLIC, **PAGE}


@get("/unsubscribe/{token:str}", opt=OPEN, include_in_schema=False)
async def ask(request: Call, token: FromPath[str]) -> Html:
    """Ask once: programs that look at addresses in mail must not unsubscribe anybody."""
    request.refuse_query(("lang",))
    return await _shown(request, token, done=False)


@post("/unsubscribe/{token:str}", opt=OPEN, include_in_schema=False, status_code=200)
async def take_back(request: Call, token: FromPath[str]) -> Html:
    """Take the consent back; a bare POST of a mail program does it too (RFC 8058)."""
    await request.house.contact.outbox.unsubscribing.take_back(token)
    return await _shown(request, token, done=True)


async def _shown(request: Call, token: str, *, done: bool) -> Html:
    contact = request.house.contact
    way = contact.outbox.unsubscribing.read(token)
    purpose = contact.profile.purpose.get(way.purpose)
    return await page(
        request,
        "relatum/unsubscribe.html",
        address=f"/unsubscribe/{token}",
        token=token,
        done=done,
        purpose=purpose.title if purpose else None,
    )


ROUTES = [ask, take_back]
