"""Counts uses for rate limits in this process: the times of the last uses of each subject, which a sliding window needs."""

import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from domain.rate_limit import LimitedUse
from persistence.engine.lru_cache import LruCache

_MAX_BYTES: Final = 16 * 2**20
_ENTRY_BYTES: Final = 300  # of the key, the entry and the list
_TIME_BYTES: Final = 32  # of one float in a list
_ROUNDING_SECONDS: Final = 1e-6  # of clocks: whoever has waited as long as they were told is let through


class MemoryRateLimiter:
    """The subjects that were counted last, bounded by their size in memory. `clock` returns seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, max_bytes: int = _MAX_BYTES) -> None:
        self._clock = clock
        self._times: LruCache[str, list[float]] = LruCache("rate limits", max_bytes)
        """Of the last uses, at most as many as are allowed, the latest last."""

    async def take(self, *uses: LimitedUse) -> float | None:
        """Count every one of the uses and return None; or count none, and return the seconds until all would be allowed."""
        now = self._clock()
        wait_seconds = max((self._wait(use, now) for use in uses), default=0.0)
        if wait_seconds > _ROUNDING_SECONDS:
            return wait_seconds
        self.record(*uses)
        return None

    def record(self, *uses: LimitedUse) -> None:
        """Count uses that were allowed."""
        now = self._clock()
        for use in uses:
            key = counter_key(use)
            times = [*(self._times.get(key) or ()), now][-use.limit.max_uses :]
            self._times.put(key, times, _ENTRY_BYTES + _TIME_BYTES * use.limit.max_uses)

    async def reset(self, *uses: LimitedUse) -> None:
        """Forget what was counted for the subjects of these."""
        for use in uses:
            self._times.remove(counter_key(use))

    async def give_back(self, *uses: LimitedUse) -> None:
        """Forget the latest use of the subjects of these."""
        for use in uses:
            times = self._times.get(counter_key(use))
            if times:
                times.pop()

    def _wait(self, use: LimitedUse, now: float) -> float:
        """Seconds until the use is allowed; 0 or less when it is."""
        times = self._times.get(counter_key(use))
        if times is None or len(times) < use.limit.max_uses:
            return 0.0
        return times[-use.limit.max_uses] + use.limit.window_seconds - now


def counter_key(use: LimitedUse) -> str:
    """The name of a subject's counter."""
    return subject_key(use.limit.name, use.subject)


def subject_key(name: str, subject: str) -> str:
    """A name of one length for a subject, in which nobody's address can be read."""
    return f"{name}:{blake2b(subject.encode(), digest_size=16).hexdigest()}"
