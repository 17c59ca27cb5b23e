"""Arguments of a run that come from outside, as the job declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.values.problems import InvalidInput, Problem

if TYPE_CHECKING:
    from relatum.hooks.declarations import Job


def arguments_of(job: Job, given: Mapping[str, Any] | None) -> msgspec.Struct | None:
    """Plain data as the arguments of a job; its defaults where nothing is given.

    Raises:
        InvalidInput: the job takes none, or others.
    """
    if given is None:
        return None
    if job.args is None:
        raise _refused(job, "no arguments", "arguments", "Leave args out.")
    unknown = sorted(given.keys() - {each.encode_name for each in msgspec.structs.fields(job.args)})
    if unknown:
        known = ", ".join(each.encode_name for each in msgspec.structs.fields(job.args))
        raise _refused(job, f"arguments among {known or 'none'}", unknown[0], "Leave it out.")
    try:
        made: msgspec.Struct = msgspec.convert(given, job.args, strict=False)
    except msgspec.ValidationError as error:
        raise _refused(job, str(error), "something else", "Correct it.") from error
    return made


def _refused(job: Job, expected: str, got: str, mend: str) -> InvalidInput:
    return InvalidInput(
        f"The arguments of {job.id} cannot be used: {expected}.",
        problems=[
            Problem(
                code="wrong-arguments",
                message="the job does not take these arguments",
                where="args",
                expected=expected,
                got=got[:80],
                mend=mend,
            )
        ],
    )
