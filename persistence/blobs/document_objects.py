"""The collections in object storage: JSON objects addressed by id, and the immutable contents beside them.

An object is replaced by compare-and-swap against what lies there now. Its writer holds the document's row, so whatever else is
found there was left by an operation that was cut off, and was acknowledged to nobody.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import orjson

from domain.blob import ABSENT, BlobChanged, BlobStore, Matching
from domain.errors import Overloaded, StorageUnavailable

T = TypeVar("T")

PREFIX = "documents/"
JSON_TYPE = "application/json"
MAX_CONCURRENT_REQUESTS = 16  # requests to storage in one operation
WRITE_TIMEOUT_SECONDS = 1.5  # seconds that an operation holds its rows while it writes; below Postgres' lock timeout, so nobody fails who waits for one
WRITE_TIMEOUT_PER_OBJECT_SECONDS = 0.01  # more for each object: a tree of documents is deleted, moved or restored in one step
_MAX_ATTEMPTS = 5
_SLOT_TIMEOUT_SECONDS = 2.0


def document_key(document_id: UUID) -> str:
    """Where a document's object lies."""
    return f"{PREFIX}{document_id}/document.json"


def version_key(document_id: UUID, number: int) -> str:
    """Where a version's object lies."""
    return f"{PREFIX}{document_id}/versions/{number}.json"


def content_key(document_id: UUID, sha256: str) -> str:
    """Where contents lie."""
    return f"{PREFIX}{document_id}/contents/{sha256}"


async def gather_limited(jobs: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Run requests side by side, so many at once, and give their results in order; the first failure ends the others and is
    raised."""
    turns = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

    async def run(job: Callable[[], Awaitable[T]]) -> T:
        async with turns:
            return await job()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(job)) for job in jobs]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


class DocumentObjects:
    """Documents, versions and contents over blobs. `writers`: how many operations may hold a transaction open for storage at
    once."""

    def __init__(self, blobs: BlobStore, *, max_writers: int = 4) -> None:
        self.blobs = blobs
        self._write_slots = asyncio.Semaphore(max_writers)

    @asynccontextmanager
    async def write_slot(self) -> AsyncIterator[None]:
        """Before a transaction is opened that will write objects. Raises Overloaded when too many have waited for too long."""
        try:
            async with asyncio.timeout(_SLOT_TIMEOUT_SECONDS):
                await self._write_slots.acquire()
        except TimeoutError as error:
            raise Overloaded("Too many documents are being written; try again.") from error
        try:
            yield
        finally:
            self._write_slots.release()

    async def write(self, objects: Mapping[str, Any], *, required_keys: Sequence[str] = ()) -> None:
        """
        Put JSON objects by their keys, all of them durable when this returns. Raises StorageUnavailable.

        `relying_on`: keys of contents that they name, which must be there: a sweep may have met them before anybody named them,
        and it waits for the row that the caller holds.
        """
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS + WRITE_TIMEOUT_PER_OBJECT_SECONDS * len(objects)):
                if not all(await gather_limited([_deferred(self.blobs.head, key) for key in required_keys])):
                    raise StorageUnavailable("A stored content is gone; try again.")
                await gather_limited([_deferred(self._replace, key, orjson.dumps(value)) for key, value in objects.items()])
        except TimeoutError as error:
            raise StorageUnavailable from error

    async def read(self, key: str) -> Any:
        """A JSON object; None when there is none."""
        found = await self.blobs.get(key)
        return None if found is None else orjson.loads(found.content)

    async def put_contents(self, document_id: UUID, *contents: bytes) -> list[str]:
        """Put contents; the SHA-256 of each, by which it is found. Done before the transaction: what nobody comes to name is
        swept."""

        async def put(content: bytes) -> str:
            sha256 = hashlib.sha256(content).hexdigest()
            await self.blobs.put(content_key(document_id, sha256), content)  # also over the same bytes: what is new is not swept
            return sha256

        return await gather_limited([_deferred(put, content) for content in contents])

    async def read_content(self, document_id: UUID, sha256: str) -> bytes:
        """Contents that a version names. Raises StorageUnavailable when they are not there: they never go while they are
        named."""
        found = await self.blobs.get(content_key(document_id, sha256))
        if found is None:
            raise StorageUnavailable("A stored content is missing.")
        return found.content

    async def _replace(self, key: str, content: bytes) -> None:
        for _ in range(_MAX_ATTEMPTS):
            there = await self.blobs.head(key)
            try:
                await self.blobs.put(
                    key, content, content_type=JSON_TYPE, only_if=ABSENT if there is None else Matching(there.etag)
                )
            except BlobChanged:
                continue
            return
        raise StorageUnavailable("An object changes faster than it can be written; try again.")


def _deferred(function: Callable[..., Awaitable[T]], *arguments: Any) -> Callable[[], Awaitable[T]]:
    return lambda: function(*arguments)
