"""What signing in asks of an outside OpenID provider."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from domain.external_identity import ProvidedIdentity

PROVIDERS_PATH: Final = "/oauth/providers"
_LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class ProviderUnavailable(Exception):
    """The provider does not answer, or not as OpenID Connect asks; the message says what was wrong, for operators."""


class ProviderRefused(Exception):
    """The provider has signed nobody in; the message says why, for operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What an operator says of a provider. `id` is part of addresses."""

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)


class Provider(Protocol):
    """A provider, as a client that is registered with it."""

    settings: ProviderSettings

    async def authorization_url(self, *, state: str, nonce: str, code_verifier: str) -> str:
        """Where a browser goes to sign in. Raises ProviderUnavailable."""
        ...

    async def identify(self, *, code: str, issuer: str | None, nonce: str, code_verifier: str) -> ProvidedIdentity:
        """Who has come back with a code. `issuer`: the parameter `iss` beside it (RFC 9207). Raises ProviderRefused and
        ProviderUnavailable."""
        ...

    def check_issuer(self, issuer: str | None) -> None:
        """Raises ProviderRefused where an answer names another issuer."""
        ...


def is_secure(scheme: str, host: str) -> bool:
    """Whether secrets may be sent to such an address: by TLS, or within this machine."""
    return scheme == "https" or (scheme == "http" and host in _LOOPBACK_HOSTS)
