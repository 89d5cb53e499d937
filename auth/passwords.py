"""Hashes and verifies passwords: argon2id in a bounded pool of threads, off the event loop.

Parameters are OWASP's (19 MiB, two passes, one lane). The password of an unknown user is compared with the hash of another, so
that it takes the same time as a wrong password.

Hashing is where an attacker could make others wait: one core is left to the queries of others, threads that hash give way to the
event loop's where the system can tell threads apart. Callers who find a hundred others waiting get Overloaded at once, and
those who wait for longer than five seconds Unavailable.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Overloaded, Unavailable

T = TypeVar("T")
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_MAX_CONCURRENT_HASHES = max(1, min(4, (os.cpu_count() or 1) - 1))
_QUEUE_TIMEOUT_SECONDS = 5.0
_MAX_WAITING = 100
_BUSY_MESSAGE = "Too many people are signing in at this moment; try again."
_NICENESS = 5
"""More than that of the process, enough for the event loop to go first. Still more would let a thread that holds the lock of the
interpreter wait for a core, and the event loop with it."""


class Argon2Passwords:
    """Hashes and verifies passwords."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_MAX_CONCURRENT_HASHES, thread_name_prefix="argon2", initializer=_give_way)
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT_HASHES)
        self._waiting = 0
        self._dummy_hash = _dummy_hash()

    async def hash(self, password: str) -> str:
        """A hash to store, with its salt and parameters."""
        return await self._run(lambda: _HASHER.hash(password))

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is right; without a hash it takes the same time and is never right."""
        right = await self._run(lambda: self._matches(password, hashed or self._dummy_hash))
        return right and hashed is not None

    def require_capacity(self) -> None:
        """Raise Overloaded where too many wait: before anything else is done for one who would be refused."""
        if self._waiting >= _MAX_WAITING:
            raise Overloaded(_BUSY_MESSAGE)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password: str, hashed: str) -> bool:
        try:
            return _HASHER.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, job: Callable[[], T]) -> T:
        self.require_capacity()
        self._waiting += 1
        try:
            async with asyncio.timeout(_QUEUE_TIMEOUT_SECONDS):
                await self._slots.acquire()
        except TimeoutError as error:
            raise Unavailable(_BUSY_MESSAGE) from error
        finally:
            self._waiting -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, job)
        finally:
            self._slots.release()


@cache
def _dummy_hash() -> str:
    """The same for all of a process: it takes as long to make as a sign-in."""
    return _HASHER.hash("nobody has this password")


def _give_way() -> None:
    """Let this thread run when the others do not; only Linux has a priority for each thread."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS)
