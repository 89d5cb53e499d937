"""A proxy in front of OpenSearch that has the faults of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp import web

from tests.support.backing_services import free_port

FAULTS = ("down", "silent", "half", "timed out", "failing", "read-only", "not json")
_BLOCKED = {"type": "cluster_block_exception", "reason": "index blocked: [FORBIDDEN/12/index read-only / allow delete (api)]"}


class FaultyOpenSearch:
    """
    Passes requests on, but for its `fault`, one of `FAULTS`, or none.

    `down` ends connections, `silent` answers when the fault is over, `half` and `timed out` answer in part, `failing` with 500 or a
    failure of each search, `read-only` refuses to write, as behind the watermark of a disk. `requests` counts what came.
    """

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        parts = urlsplit(address)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._session = session
        self.url = f"http://127.0.0.1:{free_port()}{parts.path}"
        self.fault = ""
        self.requests = 0
        self._is_over = asyncio.Event()

    @asynccontextmanager
    async def failing(self, fault: str) -> AsyncIterator[None]:
        """Have a fault for the length of the block."""
        self.fault = fault
        self._is_over.clear()
        try:
            yield
        finally:
            self.fault = ""
            self._is_over.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        self.requests += 1
        body = await request.read()
        if self.fault == "down":
            assert request.transport is not None
            request.transport.abort()
        if self.fault == "silent":
            await self._is_over.wait()
        if self.fault == "not json":
            return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
        if self.fault == "read-only" and request.path.endswith("/_bulk"):
            lines = [orjson.loads(line) for line in body.splitlines()]
            kinds = [next(iter(line)) for line in lines if line.keys() & {"index", "delete"} and len(line) == 1]
            items = [{kind: {"status": 403, "error": _BLOCKED}} for kind in kinds]
            return web.json_response({"took": 1, "errors": True, "items": items})
        if self.fault == "failing" and not request.path.endswith("/_msearch"):
            return web.json_response({"error": "broken", "status": 500}, status=500)
        headers = {name: value for name, value in request.headers.items() if name.lower() in ("content-type", "authorization")}
        async with self._session.request(request.method, self._origin + request.path_qs, data=body, headers=headers) as answer:
            content = await answer.read()
            if request.path.endswith("/_msearch"):
                content = self._spoiled(content)
            return web.Response(body=content, status=answer.status, content_type="application/json")

    def _spoiled(self, content: bytes) -> bytes:
        answer: dict[str, Any] = orjson.loads(content)
        for each in answer["responses"]:
            if self.fault == "half":
                each["_shards"].update({"failed": 1, "successful": 0})
            elif self.fault == "timed out":
                each["timed_out"] = True
        if self.fault == "failing":
            answer["responses"] = [{"error": {"type": "query_shard_exception", "reason": "mapping"}, "status": 400}] * len(
                answer["responses"]
            )
        return orjson.dumps(answer)


@asynccontextmanager
async def faulty_opensearch(address: str) -> AsyncIterator[FaultyOpenSearch]:
    """A running proxy in front of an address."""
    async with aiohttp.ClientSession() as session:
        proxy = FaultyOpenSearch(address, session)
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", urlsplit(proxy.url).port).start()
        try:
            yield proxy
        finally:
            await runner.cleanup()
