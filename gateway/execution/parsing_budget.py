"""Bounds how many tokens of unknown documents each stranger may have parsed and validated, by address.

Known documents cost nothing, so a page that many strangers load shares one parsing. A token takes about 10 µs: the defaults allow
an address a twenty-fifth of a core in the long run.
"""

from time import monotonic
from typing import Final, Protocol

from persistence.engine.lru_cache import LruCache

_BURST_TOKENS: Final = 40_000
_TOKENS_PER_SECOND: Final = 4_000.0
_BUCKET_BYTES: Final = 400
_MAX_BYTES: Final = 4 * 2**20


class ParsingBudget(Protocol):
    """The budget of one client."""

    def take(self, tokens: int) -> float | None:
        """Spends tokens; returns None, or the seconds after which they are available, if they are not."""
        ...


class ParsingBudgets:
    """Token buckets by address; those of the addresses that were seen last."""

    def __init__(self, *, burst_tokens: float = _BURST_TOKENS, tokens_per_second: float = _TOKENS_PER_SECOND) -> None:
        self._burst_tokens = burst_tokens
        self._tokens_per_second = tokens_per_second
        self._buckets: LruCache[str, _Bucket] = LruCache("parsing budgets", _MAX_BYTES)

    def of(self, address: str | None) -> ParsingBudget:
        """The budget of an address; clients without one share a budget."""
        key = address or ""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = _Bucket(self._burst_tokens, self._tokens_per_second)
            self._buckets.put(key, bucket, _BUCKET_BYTES)
        return bucket


class _Bucket:
    __slots__ = ("_burst", "_per_second", "_refilled_at", "_tokens")

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = self._tokens = burst
        self._per_second = per_second
        self._refilled_at = monotonic()

    def take(self, tokens: int) -> float | None:
        now = monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._refilled_at) * self._per_second)
        self._refilled_at = now
        if self._tokens < tokens:
            return (tokens - self._tokens) / self._per_second
        self._tokens -= tokens
        return None
