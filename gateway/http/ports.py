"""What the endpoint needs from outside: who is asking, and a context for each operation."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from domain.errors import DomainError


class RequestInfo(NamedTuple):
    """Where an operation came from. `request_id` is echoed to the client and belongs in every log line."""

    user_agent: str | None
    ip: str | None
    request_id: str


class Authenticate(Protocol):
    async def __call__(self, authorization: str | None) -> Any:
        """
        The credentials behind an Authorization header's value; None is an anonymous caller, not an error.

        Raises `domain.errors.Unauthenticated` or `TokenExpired`; any other `DomainError` refuses too, with its code.
        """


class CheckActive(Protocol):
    async def __call__(self, credentials: Any, /) -> None:
        """
        Raises `domain.errors.Unauthenticated` or `TokenExpired` when credentials that were accepted have ended since.

        Asked again and again while a websocket lives. `Unavailable` leaves it open until there is an answer.
        """


class FindRevoked(Protocol):
    async def __call__(self, credentials: Sequence[Any], /) -> Mapping[Any, DomainError]:
        """
        Those of many credentials that have ended, each with the error that says why; the same as `StillGood`, in one question.

        Raises `Unavailable` when there is no answer.
        """


class CanReplace(Protocol):
    def __call__(self, before: Any, after: Any, /) -> bool:
        """Whether newer credentials may take the place of those that a websocket began with."""


class SessionStream(Protocol):
    def __call__(self, credentials: Any, /) -> str | None:
        """The stream in which it is told that somebody's sessions have ended; None for nobody."""


def no_session_stream(credentials: Any) -> str | None:
    """The rule where nothing is told of sessions."""
    return None


def equal_can_replace(before: Any, after: Any) -> bool:
    """The rule where nothing is known of credentials."""
    return bool(before == after)


async def always_active(credentials: Any) -> None:
    """The rule where credentials never end."""


class OpenContext(Protocol):
    def __call__(self, credentials: Any, info: RequestInfo) -> AbstractAsyncContextManager[Any]:
        """
        The context of one operation, opened before it and closed after it, also when it is cancelled.

        A websocket keeps its credentials for as long as it lives, so this is where a token that ended meanwhile is noticed: a
        `DomainError` raised on entering answers the operation.
        """


class MayIntrospect(Protocol):
    def __call__(self, credentials: Any) -> bool:
        """Whether this caller may ask for `__schema` and `__type`."""


def allow_introspection(credentials: Any) -> bool:
    """The rule of development."""
    return True
