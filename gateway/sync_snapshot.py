"""Serves snapshots: `GET /sync/snapshot` streams what a person may see, a JSON object a line.

The signature of the URL says what was asked for, by whom and until when; the access token must be one of that person's, with the
scopes that the types need. What they may see is decided in SQL when the lines are read, so a URL gives nothing that was taken
away since. The last line says how many there were: without it, the connection was cut.

Each download holds a connection of the database for as long as it takes, so few run at once, one that is not read ends, and each
is charged.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from domain.actor import Actor
from domain.actor import Scope as TokenScope
from domain.errors import DomainError, InsufficientScope, Overloaded, RateLimited, Unauthenticated, Unavailable
from gateway.http.compression import accepts_gzip
from gateway.http.origins import AllowedOrigins
from gateway.http.request_info import client_ip
from persistence.blobs.signed_urls import UrlSigner
from persistence.engine.database import Database
from persistence.transfer.snapshot import read_lines
from resolvers.snapshot import SNAPSHOT_KEY, SNAPSHOT_PATH, decode_parameters, project_actions, required_scopes
from transport.http_response import Header

DOWNLOAD_COST: Final = 250
"""What a download is charged, in the unit of operations."""
_MAX_DOWNLOADS: Final = 4
"""At once, in this process."""
_MAX_OWN_DOWNLOADS: Final = 2
"""At once, of one person."""
_TOTAL_SECONDS: Final = 60.0
_SEND_SECONDS: Final = 10.0
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW_BITS: Final = 31
_RETRY_SECONDS: Final = 1

Authenticate = Callable[[str | None], Awaitable[Any]]
Charge = Callable[[Any, str | None, int], Awaitable[object]]
"""Charges credentials at an address. Raises CostLimitExceeded."""


class SnapshotEndpoint:
    """The route, over open services."""

    def __init__(
        self,
        database: Database,
        signer: UrlSigner,
        *,
        authenticate: Authenticate,
        origins: AllowedOrigins,
        charge: Charge | None,
    ) -> None:
        self._database, self._signer = database, signer
        self._authenticate, self._origins, self._charge = authenticate, origins, charge
        self._downloads: Counter[UUID] = Counter()

    def routes(self) -> list[BaseRoute]:
        """The route of all snapshots."""
        return [Route(f"{SNAPSHOT_PATH}/{SNAPSHOT_KEY}", self._respond, methods=["GET", "OPTIONS"])]

    async def _respond(self, request: Request) -> Response:
        headers = dict(request.scope["headers"])
        if request.method == "OPTIONS":
            return _with_headers(Response(status_code=204), self._origins.preflight_headers(headers))
        own = self._origins.response_headers(headers)
        query = dict(request.query_params)
        try:
            credentials = await self._authenticate(request.headers.get("authorization"))
            if credentials is None:
                raise Unauthenticated
            actor: Actor = credentials.actor
            if not self._signer.verify("GET", SNAPSHOT_KEY, query) or query["for"] != str(actor.user_id):
                return _with_headers(_error(403, "FORBIDDEN", "This URL is not valid, has expired, or is somebody else's."), own)
            type_names, scope = decode_parameters(query)
            _require(actor, required_scopes(type_names))
            self._require_place(actor.user_id)
            if self._charge is not None:
                await self._charge(credentials, client_ip(request.scope), DOWNLOAD_COST)
                self._require_place(actor.user_id)  # others may have begun meanwhile
        except DomainError as error:
            return _with_headers(_refusal(error), own)
        self._downloads[actor.user_id] += 1  # until the response has ended; nothing is awaited since the place was free
        with_documents = TokenScope.DOCUMENTS_READ in actor.scopes
        lines = read_lines(
            self._database,
            actor.user_id,
            type_names,
            scope,
            with_documents=with_documents,
            project_actions=project_actions(actor),
        )
        compresses = accepts_gzip(request.headers.get("accept-encoding", ""))
        return _SnapshotResponse(lines, own, self._downloads, actor.user_id, compresses=compresses)

    def _require_place(self, viewer: UUID) -> None:
        if self._downloads.total() >= _MAX_DOWNLOADS or self._downloads[viewer] >= _MAX_OWN_DOWNLOADS:
            raise Overloaded("Too many snapshots are being read; try again a little later.")


class _SnapshotResponse(Response):
    """Streams lines for as long as they are read, then gives the viewer's place among the downloads back."""

    def __init__(
        self,
        lines: AsyncGenerator[list[str]],
        headers: Sequence[Header],
        downloads: Counter[UUID],
        viewer: UUID,
        *,
        compresses: bool,
    ) -> None:
        super().__init__(media_type="application/x-ndjson")
        self._lines, self._downloads, self._viewer = lines, downloads, viewer
        self._compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW_BITS) if compresses else None
        coding = ((b"content-encoding", b"gzip"),) if compresses else ()
        fixed = ((b"cache-control", b"no-store"), (b"vary", b"accept-encoding"), (b"x-content-type-options", b"nosniff"))
        kept = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        self.raw_headers = [*kept, *fixed, *coding, *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(_TOTAL_SECONDS), aclosing(self._lines) as batches:
                try:
                    first = await anext(batches, None)
                except Unavailable as error:  # before anything was said
                    return await _refusal(error)(scope, receive, send)
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                async with asyncio.TaskGroup() as tasks:
                    disconnect = tasks.create_task(_wait_for_disconnect(receive))
                    await self._send_all(first, batches, disconnect, send)
                    disconnect.cancel()
        finally:
            self._downloads[self._viewer] -= 1
            if not self._downloads[self._viewer]:
                del self._downloads[self._viewer]

    async def _send_all(
        self, first: list[str] | None, batches: AsyncGenerator[list[str]], disconnect: asyncio.Task[None], send: Send
    ) -> None:
        rows, batch = 0, first
        while batch is not None:
            rows += len(batch)
            body = await self._encoded("\n".join(batch) + "\n")
            async with asyncio.timeout(_SEND_SECONDS):
                await send({"type": "http.response.body", "body": body, "more_body": True})
            if disconnect.done():
                return
            batch = await anext(batches, None)
        end = await self._encoded(orjson.dumps({"__typename": "Snapshot", "rows": rows}).decode() + "\n", is_last=True)
        await send({"type": "http.response.body", "body": end})

    async def _encoded(self, text: str, *, is_last: bool = False) -> bytes:
        if self._compressor is None:
            return text.encode()
        # zlib lets other threads run: the event loop goes on.
        compressed = await asyncio.to_thread(self._compressor.compress, text.encode())
        return compressed + self._compressor.flush() if is_last else compressed


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _require(actor: Actor, scopes: Sequence[TokenScope]) -> None:
    for each in scopes:
        if each not in actor.scopes:
            raise InsufficientScope(each)


def _refusal(error: DomainError) -> Response:
    if isinstance(error, RateLimited):
        return _error(429, error.code, error.message, {"retry-after": str(error.retry_after_seconds)})
    if isinstance(error, Unauthenticated):
        return _error(401, error.code, error.message, {"www-authenticate": 'Bearer error="invalid_token"'})
    if isinstance(error, Unavailable):
        return _error(503, error.code, error.message, {"retry-after": str(_RETRY_SECONDS)})
    return _error(403, error.code, error.message)


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    return Response(
        body, status_code=status, media_type="application/json", headers={"cache-control": "no-store", **(headers or {})}
    )


def _with_headers(response: Response, headers: Sequence[Header]) -> Response:
    response.raw_headers.extend(headers)
    return response
