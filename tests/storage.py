"""Stores of blobs for tests, each with an HTTP client that reaches the addresses it signs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette

from domain.blob import Blobs
from persistence.blobs.local import LocalBlobs
from persistence.blobs.routes import blob_routes


@dataclass(frozen=True)
class Storage:
    """An open store. `lenient` names what a stand-in for S3 lets pass that S3 refuses."""

    name: str
    blobs: Blobs
    http: httpx.AsyncClient
    lenient: frozenset[str] = frozenset()


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[Storage]:
    """A folder, with the routes of its addresses."""
    async with LocalBlobs.open(folder, secret=b"s" * 32, origin="http://files.test") as blobs:
        transport = httpx.ASGITransport(Starlette(routes=blob_routes(blobs)))
        async with httpx.AsyncClient(transport=transport) as http:
            yield Storage("local", blobs, http)


storages: dict[str, Callable[[Path], AbstractAsyncContextManager[Storage]]] = {"local": local}
