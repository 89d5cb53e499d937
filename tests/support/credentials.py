"""Credentials of tests: what a token says is who it is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from domain.errors import DomainError


async def _never_ends(credentials: Any) -> None:
    """Credentials stay good."""


class SampleCredentials:
    """A `gateway.http.credentials.CredentialVerifier` made of two functions; sessions have no stream."""

    def __init__(
        self, authenticate: Callable[[str | None], Awaitable[Any]], check_active: Callable[[Any], Awaitable[None]] = _never_ends
    ) -> None:
        self._authenticate = authenticate
        self._check_active = check_active

    async def authenticate(self, authorization: str | None) -> Any:
        return await self._authenticate(authorization)

    async def check_active(self, credentials: Any, /) -> None:
        await self._check_active(credentials)

    async def find_revoked(self, credentials: Sequence[Any], /) -> Mapping[Any, DomainError]:
        found: dict[Any, DomainError] = {}
        for each in credentials:
            try:
                await self._check_active(each)
            except DomainError as error:
                if error.code == "SERVICE_UNAVAILABLE":
                    raise
                found[each] = error
        return found

    def can_replace(self, before: Any, after: Any, /) -> bool:
        return bool(before == after)

    def session_stream(self, credentials: Any, /) -> str | None:
        return None
