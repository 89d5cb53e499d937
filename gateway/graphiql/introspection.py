"""Serves the answer to the introspection query: made once, compressed once, and not sent again to a browser that has it.

The answer has 300 KB (25 KB compressed) and is the same for everybody who may have it, so it need not be executed each time. A
browser stores it and asks with `If-None-Match` at each load: one round trip, for which nobody waits, since the editor is there.

Rejected: a name with a hash in it and no revalidation (the page would have to learn the name first, and a rolling deployment
would answer 404 for a moment).
"""

import gzip
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.graphiql.graph_access import JSON_HEADERS, GraphAccess, SchemaRefused, errors_response
from gateway.http.compression import accepts_gzip

_GZIP_LEVEL = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrospectionResult:
    """The response's body, as it is and compressed. `etag` is weak: it stands for both."""

    body: bytes
    gzipped: bytes
    etag: str


class IntrospectionEndpoint:
    """The ASGI application behind `/graphiql/schema.json`."""

    def __init__(self, graph: GraphAccess) -> None:
        self._graph = graph
        self._lock = Lock()
        self._result: IntrospectionResult | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._respond(Request(scope, receive)))(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            await self._graph.authenticate_reader(request)
        except SchemaRefused as refused:
            return errors_response(401, refused.errors)
        result = self._result
        if result is None:
            result = await run_in_threadpool(self._introspect)
        headers = {**JSON_HEADERS, "ETag": result.etag, "Vary": "Accept-Encoding"}
        if result.etag in _etags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
            return Response(result.gzipped, media_type="application/json", headers=headers)
        return Response(result.body, media_type="application/json", headers=headers)

    def _introspect(self) -> IntrospectionResult:
        """Runs once, however many ask at the same time."""
        with self._lock:
            if self._result is None:
                body = orjson.dumps({"data": self._graph.executor.introspect()})
                etag = f'W/"{sha256(body).hexdigest()[:32]}"'
                self._result = IntrospectionResult(body=body, gzipped=gzip.compress(body, _GZIP_LEVEL, mtime=0), etag=etag)
            return self._result


def _etags(if_none_match: str) -> set[str]:
    """The tags of an `If-None-Match` header, all as weak ones: that is how they are compared."""
    tags = (tag.strip() for tag in if_none_match.split(","))
    return {tag if tag.startswith("W/") else f"W/{tag}" for tag in tags if tag}
