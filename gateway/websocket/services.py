"""Every websocket of an endpoint works with the same services and limits."""

from collections import Counter
from dataclasses import dataclass, field

from gateway.http.cost_meter import CostMeter
from gateway.http.credentials import CredentialVerifier
from gateway.http.ports import MayIntrospect, OpenContext
from gateway.persisted.queries import PersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from transport.message_budget import MessageBudgets, MessageRates


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketLimits:
    """The bounds of one connection."""

    init_timeout_seconds: float = 3.0
    """From the handshake to `connection_init`."""
    max_operations: int = 20
    """That run at once."""
    max_message_bytes: int = 64 * 1024
    ping_interval_seconds: float = 20.0
    pong_timeout_seconds: float = 15.0
    """From a ping to its pong: shorter than the interval, so that a deadline has passed before the next ping."""
    authentication_timeout_seconds: float = 10.0
    close_timeout_seconds: float = 1.0
    """Until a close frame has been written and answered."""
    message_rates: MessageRates = field(default_factory=MessageRates)
    max_connections_per_person: int | None = None
    """Of one person together, in one process; None for any number."""
    max_connections_per_address: int | None = None
    """Of those of an address who have not signed in; of IPv6, of a network of 64 bits."""

    def __post_init__(self) -> None:
        if self.pong_timeout_seconds >= self.ping_interval_seconds:
            raise ValueError("pong_timeout_seconds must be shorter than ping_interval_seconds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketServices:
    """What connections share."""

    subscriptions: SubscriptionManager
    persisted_queries: PersistedQueries
    credentials: CredentialVerifier
    open_context: OpenContext
    may_introspect: MayIntrospect
    budgets: MessageBudgets
    close_counts: Counter[int]
    """How often the server closed a connection, by code. All codes are ours."""
    limits: WebSocketLimits
    cost_meter: CostMeter | None = None
