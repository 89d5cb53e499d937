"""Measures how long single steps of the event loop take, as CPU time of its thread.

On a busy machine a step that touches much memory can take many times its CPU time, once. So what is too long is tried again: a
step that is long by itself is long every time.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

MAX_STEP_SECONDS = 0.05
"""What a step may take on a machine that hashes 16 MiB in 12 ms or less."""
_KEPT_STEPS = 20
_HASHED_BYTES = 16 * 1024 * 1024
_HASH_SECONDS = 0.012
_TRIES = 4


@dataclass(slots=True)
class LoopSteps:
    """The longest steps, as CPU seconds and what was run."""

    longest: list[tuple[float, str]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """CPU seconds of the longest step."""
        return self.longest[0][0] if self.longest else 0.0

    def add(self, seconds: float, handle: asyncio.Handle) -> None:
        """Note a step that was run."""
        if len(self.longest) < _KEPT_STEPS or seconds > self.longest[-1][0]:
            self.longest = sorted([*self.longest, (seconds, repr(handle))], reverse=True)[:_KEPT_STEPS]


async def require_short_steps(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Awaitable[None]]) -> None:
    """Do some work, which can be done again; fails where one of its steps is long, however often it is done."""
    for further in reversed(range(_TRIES)):
        with loop_steps(monkeypatch) as steps:
            await work()
        if steps.seconds < max_step_seconds():
            return
        assert further, steps.longest[:5]


@contextmanager
def loop_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopSteps]:
    """Measure every step of the loop inside the block."""
    steps = LoopSteps()
    run = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        seconds = time.thread_time() - began
        if seconds > 0.001:
            steps.add(seconds, handle)

    with monkeypatch.context() as patched:
        patched.setattr(asyncio.Handle, "_run", measured)
        yield steps


def max_step_seconds() -> float:
    """What a step may take here: on a slower or busier machine as many times more as it takes to hash."""
    data = bytes(_HASHED_BYTES)
    began = time.thread_time()
    hashlib.sha256(data).digest()
    return MAX_STEP_SECONDS * max(1.0, (time.thread_time() - began) / _HASH_SECONDS)
