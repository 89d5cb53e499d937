"""Starts tasks that belong to an owner, and ends them with it.

A task that is *started* ends by itself: one that fails is logged, and the others go on. A task that is *supervised* runs for as
long as its owner: if it ends earlier, by an error or by returning, the event loop's exception handler is called, which in the
server ends the process (`app.task_supervision`), since a process without its hub or its publisher would look healthy and deliver
nothing.

Rejected: `asyncio.TaskGroup` as the owner. Wrapped around a `yield` it turns every error of the caller's block into an
`ExceptionGroup`, and one failed task ends all the others.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

DEAD_TASK: Final = "dead_task"
"""Key in the context of the event loop's exception handler: the name of a supervised task that ended before its owner."""

logger = logging.getLogger(__name__)


class BackgroundTasks:
    """The running tasks of one owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._supervised: set[asyncio.Task[None]] = set()
        self._closing = False

    def start(
        self, coroutine: Coroutine[Any, Any, None], name: str, *, on_done: Callable[[], None] | None = None
    ) -> Callable[[], object]:
        """Run a coroutine until it is done, its owner ends, or the returned function is called; `on_done` is called in any
        case."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._on_done)
        if on_done is not None:
            task.add_done_callback(lambda _: on_done())
        return task.cancel

    def supervise(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Run a coroutine that must not end before its owner does."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        self._supervised.add(task)
        task.add_done_callback(self._on_done)

    async def cancel_all(self) -> None:
        """Cancel everything that still runs and wait until it has stopped."""
        self._closing = True
        while running := tuple(self._running):
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if task in self._supervised:
            self._supervised.discard(task)
            if not self._closing:
                report_dead_task(task.get_name(), error)
        elif error is not None:
            logger.error("The task %s failed.", task.get_name(), exc_info=error)


def report_dead_task(name: str, error: BaseException | None = None) -> None:
    """Report to the event loop's exception handler that something which must not end has ended."""
    context: dict[str, Any] = {"message": f"{name} has ended before its owner.", DEAD_TASK: name}
    asyncio.get_running_loop().call_exception_handler(context if error is None else {**context, "exception": error})
