"""Limits the rate of messages of a connection."""

from time import monotonic


class MessageBudget:
    """A token bucket in messages. The clock is asked only when the burst is used up: mostly a message costs a subtraction."""

    __slots__ = ("_burst_messages", "_messages_per_second", "_refilled_at", "_remaining")

    def __init__(self, *, messages_per_second: float, burst_messages: int) -> None:
        self._burst_messages = burst_messages
        self._messages_per_second = messages_per_second
        self._remaining: float = burst_messages
        self._refilled_at = monotonic()

    def take(self, messages: int = 1) -> bool:
        """Count messages, or one message that is worth several; whether the rate allows them."""
        self._remaining -= messages
        return self._remaining >= 0 or self._refill()

    def _refill(self) -> bool:
        now = monotonic()
        earned = (now - self._refilled_at) * self._messages_per_second
        self._remaining = min(self._burst_messages, self._remaining + earned)
        self._refilled_at = now
        return self._remaining >= 0
