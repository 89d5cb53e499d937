"""Makes HTTP requests to URLs of strangers: webhooks, metadata of OAuth clients, push services.

A host is resolved once for each connection, all of its addresses must be permitted (`domain.outgoing_url`), and the address that
was looked at is the one that is connected, so that a name cannot change between. The check sits in the network backend of
httpcore2, below TLS and the pool: certificates are checked against the name, and there is no way around it. Redirects
are answers like others. What is read is bounded in bytes, and the whole call in time. Rejected: rewriting the URL to the address,
which breaks TLS names; checking before a client library resolves again, which is what rebinding waits for.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import httpcore2

from domain.outgoing_url import OutgoingRules, OutgoingUrl

TIMEOUT_SECONDS: Final = 10.0
CONNECT_TIMEOUT_SECONDS: Final = 3.0
MAX_BODY_BYTES: Final = 64 * 1024
MAX_CONNECTIONS: Final = 64
_MAX_IDLE_CONNECTIONS: Final = 16
_IDLE_SECONDS: Final = 15.0
_MAX_ADDRESSES_TRIED: Final = 3
_RESOLVER_THREADS: Final = 8
_USER_AGENT: Final = b"PantheraHive"

Resolver = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host, in the order in which they are to be tried. Raises OSError."""


class Failure(StrEnum):
    """Why there is no answer."""

    UNRESOLVED = "The host has no address."
    NOT_PUBLIC = "The host is not a public one."
    UNREACHABLE = "The host cannot be reached."
    UNTRUSTED = "The certificate of the host is not trusted."
    TIMEOUT = "The host took too long."
    NOT_HTTP = "The host does not answer as HTTP asks."


class OutgoingError(Exception):
    """There is no answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingResponse:
    """An answer, whatever its status. `headers` have names in lower case, and of several with one name the first."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool  # the body is longer than what was read


class SafeHttpClient:
    """Calls URLs that `rules` permit. Who has many to call bounds how many of them go to one host."""

    def __init__(self, rules: OutgoingRules, pool: httpcore2.AsyncConnectionPool) -> None:
        self.rules = rules
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        rules: OutgoingRules,
        *,
        resolve: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> AsyncIterator["SafeHttpClient"]:
        """A client with connections of its own. By default it resolves as the system does, and trusts its authorities."""
        threads = ThreadPoolExecutor(_RESOLVER_THREADS, "outgoing names")  # waits for slow name servers hold up nothing else
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or _system_authorities(),
            max_connections=max_connections,
            max_keepalive_connections=_MAX_IDLE_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_PermittedNetwork(rules, resolve or _system_resolver(threads)),
        )
        try:
            async with pool:
                yield cls(rules, pool)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    async def request(
        self,
        method: str,
        url: str | OutgoingUrl,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> OutgoingResponse:
        """Send a request and read the start of its answer; redirects are not followed. Raises UnsafeUrl, OutgoingError."""
        parsed = self.rules.parse(url) if isinstance(url, str) else url
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exchange(method, parsed, headers or {}, body, max_body_bytes)
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise OutgoingError(Failure.TIMEOUT) from error
        except httpcore2.ConnectError as error:
            raise OutgoingError(Failure.UNTRUSTED if _is_about_tls(error) else Failure.UNREACHABLE) from error
        except httpcore2.RemoteProtocolError as error:
            raise OutgoingError(Failure.NOT_HTTP) from error
        except httpcore2.NetworkError as error:
            raise OutgoingError(Failure.UNREACHABLE) from error

    async def _exchange(
        self, method: str, url: OutgoingUrl, headers: Mapping[str, str], body: bytes, max_body_bytes: int
    ) -> OutgoingResponse:
        target = httpcore2.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target)
        sent = [(b"Host", url.authority.encode()), (b"User-Agent", _USER_AGENT), (b"Accept-Encoding", b"identity")]
        sent += [(name.encode(), value.encode()) for name, value in headers.items()]
        limits = {"connect": CONNECT_TIMEOUT_SECONDS}
        async with self._pool.stream(method, target, headers=sent, content=body, extensions={"timeout": limits}) as answer:
            received = bytearray()
            async for chunk in answer.aiter_stream():
                received += chunk
                if len(received) > max_body_bytes:
                    break
            return OutgoingResponse(
                status=answer.status,
                headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(answer.headers)},
                body=bytes(received[:max_body_bytes]),
                truncated=len(received) > max_body_bytes,
            )


class _PermittedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects hosts whose every address is permitted, by the addresses that were looked at."""

    def __init__(self, rules: OutgoingRules, resolve: Resolver) -> None:
        self._rules, self._resolve = rules, resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failed: Exception | None = None
        for address in (await self._addresses(host, port))[:_MAX_ADDRESSES_TRIED]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        assert failed is not None
        raise failed

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = [ipaddress.ip_address(each.partition("%")[0]) for each in await self._resolve(host)]
        except (OSError, ValueError) as error:  # ValueError: a host that the resolver cannot encode
            raise OutgoingError(Failure.UNRESOLVED) from error
        if not found:
            raise OutgoingError(Failure.UNRESOLVED)
        if not all(self._rules.permits(address, port) for address in found):
            raise OutgoingError(Failure.NOT_PUBLIC)
        return list(dict.fromkeys(map(str, found)))


@cache
def _system_authorities() -> ssl.SSLContext:
    """One for all clients of a process: to read the certificates takes 30 ms, and they are a megabyte."""
    return ssl.create_default_context()


def _system_resolver(threads: ThreadPoolExecutor) -> Resolver:
    def look_up(host: str) -> list[str]:
        return [str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]

    async def resolve(host: str) -> list[str]:
        return await asyncio.get_running_loop().run_in_executor(threads, look_up, host)

    return resolve


def _is_about_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
