"""``/api/v1/plugins/identity/…``: thin; every route calls a service."""

from __future__ import annotations

import functools
from uuid import UUID

import litestar
import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from relatum.api import Answer, Call, Page, Plugin, id_in_path, paged
from relatum_identity.jobs import WHOLE
from relatum_identity.permissions import CHECK, PAIRS_DECIDE, PAIRS_READ
from relatum_identity.services.checking import Checking
from relatum_identity.services.pairs import Pairs
from relatum_identity.types import Answered, Decision, Pair, PairQuery, Question

get = functools.partial(litestar.get, request_class=Call)
post = functools.partial(litestar.post, request_class=Call)


class Asked(msgspec.Struct, frozen=True):
    """The run of the job that will do it."""

    run: UUID


@get("/pairs", opt={"permission": PAIRS_READ, "query": PairQuery})
async def find_pairs(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Page[Pair]]:
    """Pairs of one state, the likeliest first, one page at a time."""
    return paged(request, await Pairs(plugin).find(request.query_as(PairQuery)))


@get("/pairs/{pair_id:str}", opt={"permission": PAIRS_READ})
async def read_pair(
    request: Call, plugin: NamedDependency[Plugin], pair_id: FromPath[str]
) -> Answer[Pair]:
    """One pair with its evidence."""
    request.refuse_query()
    return Answer(await Pairs(plugin).get(id_in_path(pair_id, "pair")))


@post("/pairs/{pair_id:str}/decision", opt={"permission": PAIRS_DECIDE}, status_code=200)
async def decide_pair(
    request: Call,
    plugin: NamedDependency[Plugin],
    pair_id: FromPath[str],
    data: JSONBody[Decision],
) -> Answer[Pair]:
    """Say that both are one (they are merged, which can be taken back) or distinct for good."""
    request.refuse_query()
    id = id_in_path(pair_id, "pair")
    return Answer(await Pairs(plugin).decide(id, data, by=request.actor))


@post("/check", opt={"permission": CHECK}, status_code=200)
async def check(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[Question]
) -> Answer[Answered]:
    """Who is likely the same as somebody that is not saved yet."""
    request.refuse_query()
    return Answer(Answered(items=await Checking(plugin).of(data.items)))


@post("/sweeps", opt={"permission": PAIRS_DECIDE}, status_code=202)
async def ask_for_sweep(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Asked]:
    """Look for doubles among everybody now."""
    request.refuse_query()
    return Answer(Asked(await plugin.house.jobs.enqueue(WHOLE, unique=WHOLE)), status=202)


ROUTES = [find_pairs, read_pair, decide_pair, check, ask_for_sweep]
