"""Many drafts in one request: all of them or, when the caller says so, the good ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.http.answers import Answer
from relatum.http.bodies import LARGE, check_content_type, read_json
from relatum.http.findings import findings, findings_of_message
from relatum.http.queries import pairs_of, refuse_parameters
from relatum.values.problems import InvalidInput, MalformedRequest, Problem, TooLarge

if TYPE_CHECKING:
    from relatum.hooks.declarations import Refusal
    from relatum.http.calls import Call

D = TypeVar("D")

MOST_ITEMS = 10_000
#: Drafts whose every mistake is looked for; of more than that, the first mistake is told.
MOST_EXPLAINED = 500


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one draft: its id, or every reason why it was refused."""

    index: int
    status: Literal["created", "refused"]
    id: UUID | None = None
    problems: list[Problem] = []


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch, in the order of its drafts."""

    created: int
    refused: int
    items: list[BatchItem]


RawItems = Annotated[list[msgspec.Raw], Meta(min_length=1)]


class RawBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch whose drafts are still text, so that each can fail for itself."""

    items: RawItems


class Drafts(msgspec.Struct, frozen=True):
    """The drafts that could be read, with their places below ``root``; why the others could not."""

    root: str
    good: list[tuple[int, Any]]
    bad: dict[int, list[Problem]]


async def take_batch(
    request: Call,
    kind: type[D],
    check: Callable[[Sequence[D]], Awaitable[Sequence[Refusal]]],
    write: Callable[[Sequence[D]], Awaitable[Sequence[UUID]]],
) -> Answer[BatchResult]:
    """Read a batch of drafts (a list, or ``{"items": […]}``), write it, say what became of each.

    201 when all were created; with ``?partial=true`` 207 when some were refused.

    Raises:
        InvalidInput: a draft is refused and ``partial`` is not asked for, or all are refused;
            nothing is written, every problem of every draft is listed with its index.
    """
    partial = _partial(request)
    drafts = await _read(request, kind)
    ids: Sequence[UUID] = ()
    async with request.house.db.transaction():
        if drafts.bad or partial:
            drafts = await _checked(drafts, check)
        if drafts.bad and not (partial and drafts.good):
            raise _refused(drafts)
        try:
            ids = await write([draft for _, draft in drafts.good])
        except InvalidInput as error:
            raise _below(drafts.root, error) from error
    return _result(drafts, ids)


def _partial(request: Call) -> bool:
    query = request.scope["query_string"]
    if not query:
        return False
    refuse_parameters(query, known=("partial",))
    text = dict(pairs_of(query))["partial"].lower()
    if text not in ("true", "false"):
        raise MalformedRequest(f"expected partial=true or partial=false, got {text[:40]!r}")
    return text == "true"


async def _read(request: Call, kind: type[D]) -> Drafts:
    body = await request.body()
    check_content_type(request.header(b"content-type") or "")
    if len(body) < LARGE:
        return _drafts(body, kind)
    return await asyncio.to_thread(_drafts, body, kind)


def _drafts(body: bytes, kind: type[Any]) -> Drafts:
    # A bare list is the shortest way to say the same.
    bare = body.lstrip()[:1] == b"["
    raw = read_json(body, RawItems) if bare else read_json(body, RawBatch).items
    if len(raw) > MOST_ITEMS:
        raise TooLarge(
            f"expected at most {MOST_ITEMS} items in one batch, got {len(raw)}; send several"
        )
    decoder = msgspec.json.Decoder(kind)
    drafts = Drafts("" if bare else "/items", [], {})
    for index, item in enumerate(raw):
        try:
            drafts.good.append((index, decoder.decode(item)))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            explained = len(drafts.bad) < MOST_EXPLAINED
            drafts.bad[index] = _problems(item, kind, error) if explained else _briefly(error)
    return drafts


def _problems(item: msgspec.Raw, kind: type[Any], error: Exception) -> list[Problem]:
    try:
        found = findings(msgspec.json.decode(item), kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        return [Problem(code="malformed", message=f"this is no JSON ({unreadable})")]
    return found or [findings_of_message(str(error))]


def _briefly(error: Exception) -> list[Problem]:
    return [findings_of_message(str(error))]


async def _checked(
    drafts: Drafts, check: Callable[[Sequence[Any]], Awaitable[Sequence[Refusal]]]
) -> Drafts:
    """The same drafts after the services have looked at the readable ones."""
    places = [index for index, _ in drafts.good]
    bad = {index: list(problems) for index, problems in drafts.bad.items()}
    for refusal in await check([draft for _, draft in drafts.good]) if places else ():
        bad.setdefault(places[refusal.index], []).append(refusal.problem)
    return Drafts(drafts.root, [each for each in drafts.good if each[0] not in bad], bad)


def _refused(drafts: Drafts) -> InvalidInput:
    problems = [
        msgspec.structs.replace(problem, where=f"{drafts.root}/{index}{problem.where}")
        for index in sorted(drafts.bad)
        for problem in drafts.bad[index]
    ]
    count = len(drafts.bad)
    total = count + len(drafts.good)
    return InvalidInput(
        f"{count} of {total} items cannot be accepted; nothing was written. Mend them, or send "
        "?partial=true to let the others in.",
        problems=problems,
    )


def _result(drafts: Drafts, ids: Sequence[UUID]) -> Answer[BatchResult]:
    items = {
        index: BatchItem(index=index, status="created", id=id)
        for (index, _), id in zip(drafts.good, ids, strict=True)
    }
    for index, problems in drafts.bad.items():
        items[index] = BatchItem(index=index, status="refused", problems=problems)
    result = BatchResult(
        created=len(ids), refused=len(drafts.bad), items=[items[index] for index in sorted(items)]
    )
    return Answer(result, status=207 if drafts.bad else 201)


def under_items(error: InvalidInput) -> InvalidInput:
    """A service's error about a batch, its places (``/0/…``) as they are in the body."""
    return _below("/items", error)


def _below(root: str, error: InvalidInput) -> InvalidInput:
    problems = [
        msgspec.structs.replace(problem, where=f"{root}{problem.where}")
        for problem in error.problems
    ]
    return InvalidInput(error.detail, problems=problems, extra=error.extra)


def of_one(error: InvalidInput) -> InvalidInput:
    """A service's error about a batch of one, its places as they are in the body."""
    problems = [
        msgspec.structs.replace(problem, where=problem.where.removeprefix("/0"))
        for problem in error.problems
    ]
    return InvalidInput("A value is not acceptable.", problems=problems, extra=error.extra)
