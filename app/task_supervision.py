"""Ends the process when a supervised background task has died.

A process without its hub, its publisher or its worker answers requests and looks healthy, but is not. So the death of such a
task is logged as critical, the process drains as on SIGTERM and ends with an exit code of its own; whatever runs it (the
supervisor of several workers, systemd, Kubernetes) starts it again. A process that cannot drain is ended by a timer.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from realtime.background_tasks import DEAD_TASK

EXIT_CODE: Final = 70  # EX_SOFTWARE of sysexits.h
_DRAIN_TIMEOUT_SECONDS: Final = 20.0

logger = logging.getLogger(__name__)


class BackgroundTaskDied(Exception):
    """A task without which the server is of no use has ended; the log says why."""


@contextmanager
def end_on_dead_task(*, drain_timeout_seconds: float = _DRAIN_TIMEOUT_SECONDS) -> Iterator[None]:
    """Send this process SIGTERM when a supervised task dies inside the block; BackgroundTaskDied at its end, however it is
    left."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    dead: list[str] = []

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        name = context.get(DEAD_TASK)
        if name is None:
            if before is not None:
                before(loop, context)
            else:
                loop.default_exception_handler(context)
            return
        logger.critical("The background task %s has ended; the process ends.", name, exc_info=context.get("exception"))
        if not dead:
            os.kill(os.getpid(), signal.SIGTERM)
            timer.start()
        dead.append(name)

    timer = threading.Timer(drain_timeout_seconds, _exit_at_once)
    timer.daemon = True
    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        loop.set_exception_handler(before)
        timer.cancel()
        if dead:
            raise BackgroundTaskDied(f"The background task {dead[0]} has ended: see the log.")


def _exit_at_once() -> None:
    logger.critical("The process does not drain; it ends at once.")
    os._exit(EXIT_CODE)
