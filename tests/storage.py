"""Stores of blobs for tests, each with an HTTP client that reaches the addresses it signs."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from starlette.applications import Starlette

from domain.blob import BlobStore
from persistence.blobs.local import LocalBlobs
from persistence.blobs.routes import blob_routes
from persistence.blobs.s3 import S3Blobs
from tests.ministack import KEY, SECRET, ministack

BUCKET = os.environ.get("HIVE_TEST_BUCKET", "")  # noqa: TID251


@dataclass(frozen=True)
class Storage:
    """An open store. `lenient` names what a stand-in for S3 lets pass that S3 refuses."""

    name: str
    blobs: BlobStore
    http: httpx.AsyncClient
    lenient: frozenset[str] = frozenset()
    url: str = ""


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[Storage]:
    """A folder, with the routes of its addresses."""
    async with LocalBlobs.open(folder, secret=b"s" * 32, origin="http://files.test") as blobs:
        transport = httpx.ASGITransport(Starlette(routes=blob_routes(blobs)))
        async with httpx.AsyncClient(transport=transport) as http:
            yield Storage("local", blobs, http)


@asynccontextmanager
async def stand_in(folder: Path) -> AsyncIterator[Storage]:
    """A bucket of ministack."""
    starting = ministack(folder)
    endpoint = await asyncio.to_thread(starting.__enter__)
    try:
        url = f"s3://{KEY}:{SECRET}@files/some/prefix?region=eu-west-1&endpoint={endpoint}"
        async with bucket_at(url, made=True) as blobs, httpx.AsyncClient() as http:
            yield Storage("ministack", blobs, http, lenient=frozenset({"unsigned"}), url=url)
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


@asynccontextmanager
async def bucket_at(url: str, *, made: bool = False) -> AsyncIterator[S3Blobs]:
    """An open bucket, made first if it is new."""
    async with S3Blobs.open(url) as blobs:
        if made:
            await blobs._client.create_bucket(Bucket=blobs._bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield blobs


@asynccontextmanager
async def real(folder: Path) -> AsyncIterator[Storage]:
    """The bucket of HIVE_TEST_BUCKET, such as `s3://bucket/tests?region=…`; what the tests leave there is named `tests/…`."""
    async with bucket_at(BUCKET) as blobs, httpx.AsyncClient() as http:
        yield Storage("bucket", blobs, http, url=BUCKET)


def soon(seconds: float) -> datetime:
    """An instant that lies so far ahead."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


storages: dict[str, Callable[[Path], AbstractAsyncContextManager[Storage]]] = {
    "local": local,
    "ministack": stand_in,
    **({"bucket": real} if BUCKET else {}),
}
