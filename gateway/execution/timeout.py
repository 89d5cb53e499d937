"""A cheap timeout context manager for frequent short operations.

It does what `asyncio.timeout` does without rescheduling, states and awaiting, at a quarter of the cost, which matters for an
operation of a tenth of a millisecond.
"""

import asyncio
from types import TracebackType
from typing import Self


class Timeout:
    """Cancels the task that entered it after `seconds`, and raises TimeoutError; `expired` tells it from other TimeoutErrors."""

    __slots__ = ("_cancelling_count", "_seconds", "_task", "_timer", "expired")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling_count = task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._timer.cancel()
        if self.expired and self._task.uncancel() <= self._cancelling_count and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        self.expired = True
        self._task.cancel()
