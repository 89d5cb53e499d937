"""Calls OpenSearch: every call ends in time, and every failure is Unavailable.

The URL: `https://user:password@host:9200/prefix?ca=/path`; the prefix begins the names of all indices, so that deployments can
share a cluster; `ca` is the certificate of an authority of one's own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import aiohttp
import orjson
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import OpenSearchException

from domain.errors import Unavailable
from persistence.search.opensearch.indices import KINDS, IndexKind, IndexNames

T = TypeVar("T")
DEFAULT_PREFIX: Final = "pantherahive"
MAX_CONNECTIONS: Final = 16
CALL_TIMEOUT_SECONDS: Final = 2.0
BULK_TIMEOUT_SECONDS: Final = 8.0
ADMIN_TIMEOUT_SECONDS: Final = 30.0
REFRESH_TIMEOUT_SECONDS: Final = 600.0
"""Of an index into which much was written."""
_ND_JSON: Final = {"content-type": "application/x-ndjson"}


class _Serializer:
    """JSON, quicker than the client's own."""

    mimetype = "application/json"

    def loads(self, text: str) -> Any:
        return orjson.loads(text)

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, str | bytes) else orjson.dumps(data).decode()


class OpenSearchUnavailable(Unavailable):
    """OpenSearch does not answer, not in time, not whole, or refuses what is needed; `reason` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__("The search engine is unavailable; try again.")
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.message} {self.reason}"


class OpenSearchEngine:
    """An open connection to a cluster, and the names of the indices there."""

    def __init__(self, client: Any, names: IndexNames) -> None:
        self._client = client
        self.names = names

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["OpenSearchEngine"]:
        """The cluster at a URL; no request is sent yet."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        authorities = parse_qs(parts.query).get("ca")
        credentials = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
        logging.getLogger("opensearch").setLevel(logging.ERROR)  # it warns of every failure, which callers report themselves
        client = AsyncOpenSearch(
            hosts=[{"host": parts.hostname, "port": parts.port or (443 if secure else 9200)}],
            http_auth=credentials,
            use_ssl=secure,
            verify_certs=True,
            ca_certs=authorities[-1] if authorities else None,
            max_retries=0,
            pool_maxsize=MAX_CONNECTIONS,
            timeout=REFRESH_TIMEOUT_SECONDS,  # of any call; each has a shorter one of its own
            serializer=_Serializer(),
        )
        try:
            yield cls(client, IndexNames(parts.path.strip("/") or DEFAULT_PREFIX))
        finally:
            await client.close()

    async def search_all(
        self, searches: Sequence[tuple[IndexKind, dict[str, Any]]], *, seconds: float
    ) -> list[list[dict[str, Any]]]:
        """The hits of several searches, sent as one request. An answer that lacks a part is none."""
        body = bytearray()
        for kind, search in searches:
            body += orjson.dumps({"index": self.names.alias(kind), "allow_partial_search_results": False}) + b"\n"
            body += orjson.dumps({**search, "timeout": f"{int(seconds * 1000)}ms"}) + b"\n"
        answer = await self._request("POST", "/_msearch", bytes(body), seconds=seconds, headers=_ND_JSON)
        with _read_answer():
            return [_hits(each) for each in answer["responses"]]

    async def bulk(self, body: bytes) -> list[dict[str, Any]]:
        """What came of each operation of a bulk request: `status`, and `error` where there was one."""
        answer = await self._request("POST", "/_bulk", body, seconds=BULK_TIMEOUT_SECONDS, headers=_ND_JSON)
        with _read_answer():
            return [result for item in answer["items"] for result in item.values()]

    async def indices_of(self, alias: str) -> list[str]:
        """The indices of an alias."""
        answer = await self._request("GET", f"/_alias/{alias}", ignore=(404,))
        return sorted(name for name, held in answer.items() if isinstance(held, dict) and alias in held.get("aliases", ()))

    async def building(self) -> set[str]:
        """The names of the kinds of which an index is being built."""
        aliases = {self.names.next_alias(kind): kind.name for kind in KINDS}
        answer = await self._request("GET", f"/_alias/{self.names.prefix}-*-next", ignore=(404,))
        held = [each.get("aliases", {}) for each in answer.values() if isinstance(each, dict)]
        return {aliases[name] for each in held for name in each if name in aliases}

    async def refresh(self, name: str) -> None:
        """Make what was written searchable."""
        await self._request("POST", f"/{name}/_refresh", seconds=REFRESH_TIMEOUT_SECONDS)

    async def administer(self, method: str, path: str, body: Any = None, *, ignore: tuple[int, ...] = ()) -> dict[str, Any]:
        """Any other request, which may take long."""
        given = None if body is None else orjson.dumps(body)
        return await self._request(method, path, given, seconds=ADMIN_TIMEOUT_SECONDS, ignore=ignore)

    async def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        seconds: float = CALL_TIMEOUT_SECONDS,
        ignore: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        request = self._client.transport.perform_request(method, path, body=body, ignore=ignore, headers=headers)
        answer = await self._call(request, seconds)
        if not isinstance(answer, dict):
            raise OpenSearchUnavailable("The answer is not one of OpenSearch.")
        return answer

    async def _call(self, call: Awaitable[T], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await call
        except TimeoutError as error:
            raise OpenSearchUnavailable(f"No answer within {seconds:.2f} s.") from error
        except (OpenSearchException, aiohttp.ClientError, OSError, ValueError) as error:
            raise OpenSearchUnavailable(str(error)[:500]) from error


@contextmanager
def _read_answer() -> Iterator[None]:
    """Read what an answer should hold; where it does not, it is none."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise OpenSearchUnavailable(f"The answer cannot be read: {error!r}") from error


def _hits(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The hits of one search."""
    if answer.get("error") is not None:
        raise OpenSearchUnavailable(f"A search failed: {_reason(answer['error'])}")
    if answer.get("timed_out") or answer["_shards"]["failed"]:
        raise OpenSearchUnavailable("A search was answered in part.")
    hits: list[dict[str, Any]] = answer["hits"]["hits"]
    return hits


def _reason(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)[:300]
    return f"{error.get('type')}: {error.get('reason')}"[:300]
