"""Limits the rate of messages of a connection, and of all connections of one client together.

Every frame costs a token, control frames too, and a long one another token for each 4 KiB. A connection has a bucket of its own,
which does not refill before the client is accepted; the connections of one client (a person, or an address as long as nobody has
signed in on them) share another one, which grows with their number, since many people may have one address.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Final

_BYTES_PER_TOKEN_SHIFT: Final = 12  # 4 KiB


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRates:
    """Tokens that connections may spend."""

    opening: int = 512
    """Before the client is accepted."""
    per_second: float = 200.0
    burst: int = 2_000
    client_per_second: float = 600.0
    client_burst: int = 6_000
    share_per_second: float = 5.0
    """What each further connection of a client adds to `client_per_second`, and ten times that to `client_burst`."""


def frame_cost(length: int) -> int:
    """What a frame with a payload of so many bytes costs, in tokens."""
    return 1 + (length >> _BYTES_PER_TOKEN_SHIFT)


class MessageBudget:
    """A token bucket in messages. The clock is asked only when the burst is used up: mostly a message costs a subtraction."""

    __slots__ = ("_burst_messages", "_messages_per_second", "_refilled_at", "_remaining", "client")

    def __init__(self, *, messages_per_second: float, burst_messages: int, client: "ClientBudget | None" = None) -> None:
        self._burst_messages = burst_messages
        self._messages_per_second = messages_per_second
        self._remaining: float = burst_messages
        self._refilled_at = monotonic()
        self.client = client

    def take(self, messages: int = 1) -> bool:
        """Count messages, or one message that is worth several; whether the rate allows them."""
        self._remaining -= messages
        if self._remaining < 0 and not self._refill():
            return False
        return self.client is None or self.client.take(messages)

    def reset(self, *, messages_per_second: float, burst_messages: int) -> None:
        """Count at another rate from now on."""
        self._burst_messages = burst_messages
        self._messages_per_second = messages_per_second
        self._remaining = burst_messages
        self._refilled_at = monotonic()

    def _refill(self) -> bool:
        now = monotonic()
        earned = (now - self._refilled_at) * self._messages_per_second
        self._remaining = min(self._burst_messages, self._remaining + earned)
        self._refilled_at = now
        return self._remaining >= 0


class ClientBudget(MessageBudget):
    """The bucket that all connections of a client share."""

    __slots__ = ("connections", "key")

    def __init__(self, key: Hashable, rates: MessageRates) -> None:
        super().__init__(messages_per_second=rates.client_per_second, burst_messages=rates.client_burst)
        self.key = key
        self.connections = 0

    def grow(self, connections: int, rates: MessageRates) -> None:
        """Count connections that have come, or gone if negative."""
        self.connections += connections
        self._messages_per_second += connections * rates.share_per_second
        self._burst_messages += int(connections * rates.share_per_second * 10)
        self._remaining += max(0, connections) * rates.share_per_second * 10


class MessageBudgets:
    """The budgets of all connections of an endpoint. A client's is held as long as it has connections."""

    def __init__(self, rates: MessageRates | None = None) -> None:
        self._rates = rates or MessageRates()
        self._clients: dict[Hashable, ClientBudget] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def open(self, address: Hashable) -> MessageBudget:
        """The budget of a new connection, from this address."""
        return MessageBudget(messages_per_second=0, burst_messages=self._rates.opening, client=self._join(address))

    @staticmethod
    def connections_of(budget: MessageBudget) -> int:
        """How many open connections its client has, this one among them."""
        return 0 if budget.client is None else budget.client.connections

    def accept(self, budget: MessageBudget, person: Hashable | None) -> None:
        """The client is accepted: who they are, or None when they are anonymous."""
        budget.reset(messages_per_second=self._rates.per_second, burst_messages=self._rates.burst)
        if person is not None and budget.client is not None:
            self._leave(budget.client)
            budget.client = self._join(person)

    def close(self, budget: MessageBudget) -> None:
        """The connection has ended."""
        if budget.client is not None:
            self._leave(budget.client)
            budget.client = None

    def _join(self, key: Hashable) -> ClientBudget:
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = ClientBudget(key, self._rates)
        client.grow(1, self._rates)
        return client

    def _leave(self, client: ClientBudget) -> None:
        client.grow(-1, self._rates)
        if not client.connections:
            self._clients.pop(client.key, None)


class LargeMessageBudget:
    """Bytes of large messages that all connections of a process may be receiving at the same time."""

    def __init__(self, available_bytes: int = 64 * 1024 * 1024) -> None:
        self.available_bytes = available_bytes
