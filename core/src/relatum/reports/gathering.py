"""Questions about the same rows, asked within one moment, are answered by one look at them.

A dashboard asks for this month by days, for all of it and for the month before, and several of its
boxes count the same thing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from relatum.db.guarding import current_guard

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")

#: Seconds that the first question waits for others.
MOMENT = 0.002


class Gathering:
    """Collects questions by what they are about."""

    def __init__(self) -> None:
        self._open: dict[Hashable, _Together[Any, Any]] = {}

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Questions inside the block are asked together with others of this gathering."""
        token = _gathering.set(self)
        try:
            yield
        finally:
            _gathering.reset(token)

    async def ask(
        self,
        about: Hashable,
        questions: Iterable[Q],
        answer: Callable[[list[Q]], Awaitable[A]],
    ) -> A:
        """The answer to these and to what others ask about the same.

        It sees what the first one saw, so only those ask together who look through the same guard.

        Args:
            answer: answers all of the questions at once.
        """
        key = (about, id(current_guard()))
        together = self._open.get(key)
        if together is None:
            together = self._open[key] = _Together(lambda: self._open.pop(key), answer)
        together.questions.update(dict.fromkeys(questions))
        return await asyncio.shield(together.task)


class _Together(Generic[Q, A]):
    def __init__(
        self, close: Callable[[], object], answer: Callable[[list[Q]], Awaitable[A]]
    ) -> None:
        self.questions: dict[Q, None] = {}
        # it keeps the guard, whose id is therefore nobody else's
        self.guard = current_guard()
        self._close = close
        self._answer = answer
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(_noticed)

    async def _run(self) -> A:
        try:
            await asyncio.sleep(MOMENT)
        finally:
            self._close()
        return await self._answer(list(self.questions))


def _noticed(task: asyncio.Task[Any]) -> None:
    """Those who asked may all have stopped waiting."""
    if not task.cancelled():
        task.exception()


async def ask(
    about: Hashable, questions: Iterable[Q], answer: Callable[[list[Q]], Awaitable[A]]
) -> A:
    """Ask in the gathering of the moment; alone where there is none."""
    gathering = _gathering.get()
    if gathering is None:
        return await answer(list(dict.fromkeys(questions)))
    return await gathering.ask(about, questions, answer)


_gathering: ContextVar[Gathering | None] = ContextVar("relatum_gathering", default=None)
