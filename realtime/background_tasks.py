"""Tasks that belong to somebody: started in one place, ended with their owner.

Rejected: `asyncio.TaskGroup` as the owner. Wrapped around a `yield` it turns every error of the caller's block into an
`ExceptionGroup`, and one failed task ends all the others; here a task that fails is logged and the rest go on.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class BackgroundTasks:
    """The running tasks of one owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(
        self, coroutine: Coroutine[Any, Any, None], name: str, *, on_done: Callable[[], None] | None = None
    ) -> Callable[[], object]:
        """Run `work` until it is done, or its owner ends, or what is returned is called; then call `after`, whatever came of
        it."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._on_done)
        if on_done is not None:
            task.add_done_callback(lambda _: on_done())
        return task.cancel

    async def cancel_all(self) -> None:
        """Cancel whatever still runs and wait until it has stopped."""
        while running := tuple(self._running):
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("The task %s failed.", task.get_name(), exc_info=error)
