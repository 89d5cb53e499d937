"""Questions that many ask in the same breath, put to the database as one.

Unlike a loader this belongs to the process, not to an operation, and remembers nothing: an answer is read after the question was
asked, so whoever asks because something happened is told of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")

AT_ONCE: Final = 1_000


class _Round(Generic[Q, A]):
    """What is asked together; `found` is None when who went to ask was called off."""

    def __init__(self) -> None:
        self.questions: set[Q] = set()
        self.found: asyncio.Future[Mapping[Q, A] | None] = asyncio.get_running_loop().create_future()


class AskedTogether(Generic[Q, A]):
    """`answer` must hold an answer to each question."""

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Mapping[Q, A]]]) -> None:
        self._answer = answer
        self._open: _Round[Q, A] | None = None

    async def ask(self, question: Q) -> A:
        """The answer, read from now on; raises what the answering raises."""
        while True:
            now = self._open
            if now is None or len(now.questions) >= AT_ONCE:
                return (await self._lead(question))[question]
            now.questions.add(question)
            found = await asyncio.shield(now.found)
            if found is not None:
                return found[question]

    async def _lead(self, question: Q) -> Mapping[Q, A]:
        """Let others join for one turn of the loop, then ask for all of them."""
        mine = self._open = _Round[Q, A]()
        mine.questions.add(question)
        try:
            await asyncio.sleep(0)
            if self._open is mine:
                self._open = None
            found = await self._answer(list(mine.questions))
        except asyncio.CancelledError:
            mine.found.set_result(None)
            raise
        except BaseException as error:
            mine.found.set_exception(error)
            mine.found.exception()  # counts as seen, also when nobody else asked
            raise
        finally:
            if self._open is mine:
                self._open = None
        mine.found.set_result(found)
        return found
