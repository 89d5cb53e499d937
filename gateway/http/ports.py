"""The endpoint is given a context for each operation, and whether a caller may introspect."""

from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from domain.cost_limit import CostCharge


class RequestInfo(NamedTuple):
    """Where an operation came from. `request_id` is echoed to the client and belongs in every log line."""

    user_agent: str | None
    ip: str | None
    request_id: str
    charge: CostCharge | None = None
    """What the operation was charged; None where costs are not limited."""


class OpenContext(Protocol):
    def __call__(self, credentials: Any, info: RequestInfo) -> AbstractAsyncContextManager[Any]:
        """
        The context of one operation, opened before it and closed after it, also when it is cancelled.

        A websocket keeps its credentials for as long as it lives, so opening a context also notices a token that has ended
        meanwhile: a `DomainError` raised on entering answers the operation.
        """


class MayIntrospect(Protocol):
    def __call__(self, credentials: Any) -> bool:
        """Whether this caller may select `__schema` and `__type`."""


def allow_introspection(credentials: Any) -> bool:
    """Allows introspection to everybody, as in development."""
    return True
