"""``/api/v1/customers/{id}/erasure`` and ``/api/v1/erasures``: gone for good, and the receipts."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from relatum.customers.erasing.types import Erasure, ErasurePreview, ErasureRequest
from relatum.http.answers import Answer
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import InvalidInput, Problem

ERASE = "core.customers.erase"
TAGS = ["erasures"]


class ListedErasures(msgspec.Struct, frozen=True):
    """The newest receipts, at most 200."""

    items: list[Erasure]


@get("/customers/{customer_id:str}/erasure", opt={"permission": ERASE}, tags=TAGS)
async def preview_erasure(request: Call, customer_id: FromPath[str]) -> Answer[ErasurePreview]:
    """What erasing this customer would do: what goes, what stays without a name, what the law
    keeps, which backups still hold it, and what stands in the way. Nothing is written."""
    request.refuse_query()
    return Answer(await request.house.erasing.preview(id_in_path(customer_id, "customer")))


@post("/customers/{customer_id:str}/erasure", opt={"permission": ERASE}, tags=TAGS)
async def erase_customer(
    request: Call, customer_id: FromPath[str], data: JSONBody[ErasureRequest]
) -> Answer[Erasure]:
    """Erase this customer and everybody merged into it, for good. It cannot be taken back; asked
    again, it answers the same receipt."""
    request.refuse_query()
    id = id_in_path(customer_id, "customer")
    if data.confirm != id:
        message = f"expected the id {id} of the customer once more, got {data.confirm}"
        problem = Problem(code="not-confirmed", message=message, where="/confirm")
        raise InvalidInput(f"{message}; nothing was erased", problems=[problem])
    receipt = await request.house.erasing.erase(id, by=request.actor, reason=data.reason)
    location = (b"location", f"/api/v1/erasures/{receipt.id}".encode())
    return Answer(receipt, status=201, headers=[location])


@get("/erasures", opt={"permission": ERASE}, tags=TAGS)
async def list_erasures(request: Call) -> Answer[ListedErasures]:
    """Receipts of erasures, the newest first. None of them names anybody."""
    request.refuse_query()
    return Answer(ListedErasures(await request.house.erasing.receipts()))


@get("/erasures/{erasure_id:str}", opt={"permission": ERASE}, tags=TAGS)
async def read_erasure(request: Call, erasure_id: FromPath[str]) -> Answer[Erasure]:
    """One receipt."""
    request.refuse_query()
    return Answer(await request.house.erasing.receipt(id_in_path(erasure_id, "erasure")))


ROUTES = [preview_erasure, erase_customer, list_erasures, read_erasure]
