"""Running code that is not ours: an exception, an exit and a hang all come back as an outcome."""

from __future__ import annotations

import asyncio
import threading
import traceback
import types
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")

_LONGEST = 300


class Outcome(NamedTuple, Generic[T]):
    """What became of an attempt: a value, an error, or neither because it did not come back."""

    value: T | None = None
    error: BaseException | None = None
    hung: bool = False


def attempt(work: Callable[[], T], *, seconds: float, name: str) -> Outcome[T]:
    """Run ``work`` in a thread of its own and wait at most ``seconds`` for it.

    Everything it raises is caught, also ``SystemExit``. A thread cannot be ended from outside, so
    work that hangs keeps its (daemon) thread until the process ends; its result is thrown away.
    """
    outcomes: list[Outcome[T]] = []

    def run() -> None:
        try:
            outcomes.append(Outcome(value=work()))
        except BaseException as error:  # noqa: BLE001 - nothing of it may reach the house
            outcomes.append(Outcome(error=error))

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcomes[0] if outcomes else Outcome(hung=True)


async def within(seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of ``coroutine``, which is cancelled when it takes longer than ``seconds``.

    It runs in the task of the caller: a task of its own would not be inside the caller's
    transaction. No clock is set before it first waits for something, because most hooks answer at
    once and the clock would cost ten times as much as the call.

    Raises:
        NoAnswerError: it took longer, also if it caught its cancellation.
    """
    try:
        awaited = coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    clock = asyncio.timeout(seconds)
    try:
        async with clock:
            result: T = await _rest(coroutine, awaited)
    except Exception as error:
        if clock.expired():
            raise NoAnswerError(f"no answer within {seconds:g} s") from error
        raise
    if clock.expired():
        raise NoAnswerError(f"no answer within {seconds:g} s")
    return result


class NoAnswerError(Exception):
    """Somebody else's code did not come back in time."""


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, T], awaited: Any) -> Generator[Any, Any, T]:
    """What is left of a coroutine that was started by hand and waits for ``awaited``."""
    step: Callable[..., Any]
    while True:
        try:
            sent = yield awaited
            step = coroutine.send
        except BaseException as error:  # noqa: BLE001 - handed on to whom it belongs
            sent, step = error, coroutine.throw
        try:
            awaited = step(sent)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def describe(error: BaseException) -> str:
    """One line about an error of somebody else's code: type, text, and the place it came from."""
    text = " ".join(_text(error).split())[:_LONGEST]
    name = type(error).__name__
    return f"{name}: {text}{_place(error)}" if text else f"{name}{_place(error)}"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error's own __str__ may fail too
        return ""


def _place(error: BaseException) -> str:
    """The innermost frame, as ``(folder/file.py, line 7)``; a syntax error knows its own."""
    if isinstance(error, SyntaxError):
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    path = Path(frames[-1].filename)
    return f" ({path.parent.name}/{path.name}, line {frames[-1].lineno})"
