"""Forms that bring files: their fields as any form has them, their files piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from relatum.http.problems import UnsupportedMedia
from relatum.http.routes.session import refuse_key
from relatum.values.problems import MalformedRequest
from relatum.web.forms import CSRF_FIELD

if TYPE_CHECKING:
    from relatum.http.calls import Call

MEDIA_TYPE = "multipart/form-data"
_PIECE = 256 * 1024


async def sent_with_files(request: Call) -> tuple[list[tuple[str, str]], list[UploadFile]]:
    """The fields of a form, and the files that were chosen in it, in their order.

    Files larger than a mebibyte lie on disk meanwhile; what all of it may weigh is limited by
    ``server.max_body_bytes``. A field without a chosen file brings none.

    Raises:
        MalformedRequest: it cannot be read, or has an ``Idempotency-Key``.
        TooLarge: there is more of it than a request may have.
        UnsupportedMedia: it does not call itself a form with files.
    """
    refuse_key(request)
    media = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if media != MEDIA_TYPE:
        raise UnsupportedMedia(
            f"expected Content-Type: {MEDIA_TYPE}, got {media[:80]!r}; send the form as it is"
        )
    try:
        form = await request.form()
    except (ClientException, ValueError) as error:
        raise MalformedRequest(
            f"expected a form with files, got one that cannot be read: {error}; send it again"
        ) from error
    fields, files = [], []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if value.filename:
                files.append(value)
        elif name != CSRF_FIELD:
            fields.append((name, str(value).replace("\r\n", "\n")))
    return fields, files


async def pieces_of(file: UploadFile) -> AsyncIterator[bytes]:
    """The content of a file that came with a form."""
    while piece := await file.read(_PIECE):
        yield piece
