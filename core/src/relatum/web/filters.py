"""Filters of lists: forms that are sent in the address, so that a filtered list can be shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from relatum.http.queries import pairs_of
from relatum.values.problems import InvalidInput
from relatum.web.forms import Form

if TYPE_CHECKING:
    from relatum.http.calls import Call

T = TypeVar("T")


def filtered(request: Call, kind: type[T]) -> tuple[Form, T]:
    """The filter that the address holds; without any when something in it cannot be read.

    Args:
        kind: a Struct whose fields all have defaults.
    """
    form = Form("filter")
    pairs = [pair for pair in pairs_of(request.scope["query_string"]) if pair[0] != "lang"]
    try:
        return form, form.take(pairs, kind)
    except InvalidInput as error:
        form.refuse(error)
        return form, kind()


def next_page(request: Call, cursor: str | None) -> str | None:
    """Where the list goes on, with the same filter."""
    if cursor is None:
        return None
    pairs = pairs_of(request.scope["query_string"])
    kept = [pair for pair in pairs if pair[0] not in ("cursor", "lang") and pair[1]]
    return f"?{urlencode([*kept, ('cursor', cursor)])}"
