"""Stores of blobs for tests, each with an HTTP client that reaches the addresses it signs."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
from starlette.applications import Starlette

from domain.blob import BlobStore
from persistence.blobs.local import LocalBlobs
from persistence.blobs.routes import blob_routes
from persistence.blobs.s3 import S3Blobs
from tests.support.ministack import KEY, SECRET, shared_ministack

TEST_BUCKET_URL = os.environ.get("HIVE_TEST_BUCKET", "")  # noqa: TID251


@dataclass(frozen=True)
class OpenBlobStore:
    """An open store. `lenient` names what a stand-in for S3 lets pass that S3 refuses."""

    name: str
    blobs: BlobStore
    http: httpx.AsyncClient
    unchecked: frozenset[str] = frozenset()
    url: str = ""


@asynccontextmanager
async def local_store(folder: Path, **limits: float) -> AsyncIterator[OpenBlobStore]:
    """A folder, with the routes of its URLs."""
    async with LocalBlobs.open(folder, secret=b"s" * 32, origin="http://files.test") as blobs:
        transport = httpx.ASGITransport(Starlette(routes=blob_routes(blobs, **limits)))
        async with httpx.AsyncClient(transport=transport) as http:
            yield OpenBlobStore("local", blobs, http)


@asynccontextmanager
async def ministack_store(folder: Path) -> AsyncIterator[OpenBlobStore]:
    """A new bucket of ministack."""
    del folder
    endpoint = await asyncio.to_thread(shared_ministack)
    url = f"s3://{KEY}:{SECRET}@files-{uuid4().hex[:12]}/some/prefix?region=eu-west-1&endpoint={endpoint}"
    async with open_bucket(url, create=True) as blobs, httpx.AsyncClient() as http:
        yield OpenBlobStore("ministack", blobs, http, unchecked=frozenset({"unsigned"}), url=url)


@asynccontextmanager
async def open_bucket(url: str, *, create: bool = False) -> AsyncIterator[S3Blobs]:
    """An open bucket, made first if it is new."""
    async with S3Blobs.open(url) as blobs:
        if create:
            await blobs._client.create_bucket(Bucket=blobs._bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield blobs


@asynccontextmanager
async def bucket_store(folder: Path) -> AsyncIterator[OpenBlobStore]:
    """The bucket of HIVE_TEST_BUCKET, such as `s3://bucket/tests?region=…`; what the tests leave there is named `tests/…`."""
    async with open_bucket(TEST_BUCKET_URL) as blobs, httpx.AsyncClient() as http:
        yield OpenBlobStore("bucket", blobs, http, url=TEST_BUCKET_URL)


def seconds_from_now(seconds: float) -> datetime:
    """An instant that lies so far ahead."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


BLOB_STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[OpenBlobStore]]] = {
    "local": local_store,
    "ministack": ministack_store,
    **({"bucket": bucket_store} if TEST_BUCKET_URL else {}),
}
