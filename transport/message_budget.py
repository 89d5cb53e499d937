"""Bounds how much of what clients send is worked on: per turn of the event loop, and per connection and client in a second.

Work on received frames is done in turns. In one turn of the event loop it takes 5 ms at most; what is left waits unread (reading
from its socket stops), and others have their turn first: HTTP requests, timers, writes. Waiting connections are served round
robin by *client*, the person or address behind them, then by connection: a hundred sockets of one client get what one socket of
another gets.

Every frame costs a token, a long one a token for each 4 KiB, and every control frame too. A connection that spends more than its
bucket holds is flooding: its owner closes it. A client whose connections together spend more than theirs is only delayed, since
many people may share one address.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Final, Protocol

MAX_TURN_SECONDS: Final = 0.005
MAX_FRAMES_PER_TURN: Final = 32
_FRAME_BYTES_SHIFT: Final = 12  # a token for each 4 KiB of a frame, beside its first


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRates:
    """Tokens that may be spent."""

    opening: int = 512
    """By a connection before it is open: until then none come back."""
    per_second: float = 200.0
    """That come back to an open connection."""
    burst: int = 2_000
    """That an open connection may have saved."""
    client_per_second: float = 600.0
    """That come back to all connections of one client together, beside `client_share_per_second` for each of them."""
    client_share_per_second: float = 5.0
    client_burst: int = 6_000


def frame_cost(length: int) -> int:
    """What a frame with a payload of so many bytes costs, in tokens."""
    return 1 + (length >> _FRAME_BYTES_SHIFT)


class Receiver(Protocol):
    """A connection whose received bytes are worked on in turns."""

    @property
    def client(self) -> "Client": ...

    def receive_turn(self) -> bool:
        """Work on a few frames; whether more of them wait for another turn."""
        ...


class Client:
    """All connections of one person, or of one address while nobody has signed in on them."""

    __slots__ = ("_rates", "_refilled_at", "_tokens", "connections", "is_scheduled", "key", "waiting")

    def __init__(self, key: Hashable, rates: FrameRates) -> None:
        self.key = key
        self.connections = 0
        self.waiting: deque[Receiver] = deque()
        self.is_scheduled = False
        self._rates = rates
        self._tokens = float(rates.client_burst)
        self._refilled_at = monotonic()

    def spend(self, tokens: int, now: float) -> None:
        """Spend tokens, also such as have to come back first."""
        rates = self._rates
        refill = (now - self._refilled_at) * (rates.client_per_second + rates.client_share_per_second * self.connections)
        self._tokens = min(rates.client_burst, self._tokens + refill) - tokens
        self._refilled_at = now

    def delay_seconds(self) -> float:
        """How long until the client has tokens again."""
        if self._tokens >= 0:
            return 0.0
        rates = self._rates
        return -self._tokens / (rates.client_per_second + rates.client_share_per_second * self.connections)


class MessageBudget:
    """The tokens of one connection, and the client that it belongs to."""

    __slots__ = ("_is_open", "_rates", "_refilled_at", "_tokens", "client")

    def __init__(self, client: Client, rates: FrameRates) -> None:
        self.client = client
        self._rates = rates
        self._tokens = float(rates.opening)
        self._refilled_at = 0.0
        self._is_open = False

    def open(self) -> None:
        """The client has been accepted: tokens come back from now on."""
        self._is_open = True
        self._tokens = float(self._rates.burst)
        self._refilled_at = monotonic()

    def spend(self, tokens: int) -> bool:
        """Spend tokens; False when there are not so many: the connection floods."""
        now = monotonic()
        if self._is_open:
            rates = self._rates
            self._tokens = min(rates.burst, self._tokens + (now - self._refilled_at) * rates.per_second)
            self._refilled_at = now
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        self.client.spend(tokens, now)
        return True


class ReceiveTurns:
    """The connections of a process whose received bytes wait to be worked on."""

    def __init__(self, rates: FrameRates | None = None, *, clock: Callable[[], float] = perf_counter) -> None:
        self._rates = rates or FrameRates()
        self._clock = clock
        self._clients: dict[Hashable, Client] = {}
        self._scheduled: deque[Client] = deque()
        self._turn_ends_at: float | None = None

    def __len__(self) -> int:
        return len(self._clients)

    def connect(self, key: Hashable) -> MessageBudget:
        """The budget of a new connection of a client."""
        return MessageBudget(self._join(key), self._rates)

    def disconnect(self, budget: MessageBudget) -> None:
        """The connection has ended."""
        self._leave(budget.client)

    def identify(self, budget: MessageBudget, key: Hashable) -> None:
        """The connection belongs to another client than was known: who they are, not where they are."""
        client = self._join(key)
        self._leave(budget.client)
        budget.client = client

    def may_receive(self, client: Client) -> bool:
        """Whether a connection of this client may work on what it has received in this turn of the event loop."""
        return not client.waiting and not self.is_turn_over()

    def is_turn_over(self) -> bool:
        """Whether enough was worked on in this turn of the event loop."""
        now = self._clock()
        if self._turn_ends_at is None:
            self._begin_turn(now)
            return False
        return now >= self._turn_ends_at

    def schedule(self, receiver: Receiver) -> None:
        """Let a connection work on the rest when its turn has come; it is added once until then."""
        client = receiver.client
        client.waiting.append(receiver)
        self._schedule_client(client)

    def _schedule_client(self, client: Client) -> None:
        if not client.is_scheduled and client.waiting:
            client.is_scheduled = True
            self._scheduled.append(client)
            if self._turn_ends_at is None:
                self._begin_turn(self._clock())

    def _begin_turn(self, now: float) -> float:
        self._turn_ends_at = ends_at = now + MAX_TURN_SECONDS
        asyncio.get_running_loop().call_soon(self._next_turn)
        return ends_at

    def _next_turn(self) -> None:
        self._turn_ends_at = None
        if not self._scheduled:
            return
        ends_at = self._begin_turn(self._clock())
        while self._scheduled and self._clock() < ends_at:
            client = self._scheduled.popleft()
            client.is_scheduled = False
            receiver = client.waiting.popleft()
            if receiver.receive_turn():
                receiver.client.waiting.append(receiver)
                if receiver.client is not client:
                    self._schedule_client(receiver.client)
            if delay := client.delay_seconds():
                client.is_scheduled = True
                asyncio.get_running_loop().call_later(delay, self._end_delay, client)
            else:
                self._schedule_client(client)

    def _end_delay(self, client: Client) -> None:
        client.is_scheduled = False
        self._schedule_client(client)

    def _join(self, key: Hashable) -> Client:
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = Client(key, self._rates)
        client.connections += 1
        return client

    def _leave(self, client: Client) -> None:
        client.connections -= 1
        if not client.connections and self._clients.get(client.key) is client:
            del self._clients[client.key]
