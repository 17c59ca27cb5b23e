"""Calling handlers and jobs of plugins: whatever they do comes out as an ordinary exception."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from relatum.hooks.isolation import describe, within

T = TypeVar("T")


class EscapeError(Exception):
    """A plugin's code tried to end the process or the task that runs it."""


async def call(seconds: float, work: Callable[..., Awaitable[T]], *args: Any) -> T:
    """The result of a plugin's ``work(*args)``, in the caller's transaction if there is one.

    Raises:
        NoAnswerError: it took longer than ``seconds``.
        EscapeError: it raised ``SystemExit``, or cancelled itself.
    """

    async def run() -> T:
        return await work(*args)

    try:
        return await within(seconds, run())
    except SystemExit as error:
        raise EscapeError(describe(error)) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise EscapeError(describe(error)) from error
