"""Stores the documents' collections in object storage: JSON objects addressed by id, and the immutable contents beside them.

An object is replaced by compare-and-swap with the stored one. Its writer has locked the document's row, so any other object that
is found there was left by an operation that was interrupted, and was acknowledged to nobody.
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
# An operation locks its rows while it writes: shorter than Postgres' lock timeout, so that an operation which waits for them does
# not fail.
WRITE_TIMEOUT_SECONDS = 1.5
WRITE_TIMEOUT_PER_OBJECT_SECONDS = 0.01  # more for each object: a tree of documents is deleted, moved or restored in one step
_MAX_ATTEMPTS = 5
_MAX_INLINE_HASH_BYTES = 1024 * 1024  # 1 ms
SLOT_TIMEOUT_SECONDS = 2.0


def document_key(document_id: UUID) -> str:
    """The key of a document's object."""
    return f"{PREFIX}{document_id}/document.json"


def version_key(document_id: UUID, number: int) -> str:
    """The key of a version's object."""
    return f"{PREFIX}{document_id}/versions/{number}.json"


def content_key(document_id: UUID, sha256: str) -> str:
    """The key of contents."""
    return f"{PREFIX}{document_id}/contents/{sha256}"


async def gather_limited(jobs: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results of concurrent requests, in their order, a limited number at a time; the first failure cancels the others and is
    raised."""
    slots = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

    async def run(job: Callable[[], Awaitable[T]]) -> T:
        async with slots:
            return await job()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(job)) for job in jobs]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


class DocumentObjects:
    """Documents, versions and contents over blobs. `max_writers`: how many operations may write while a transaction is open."""

    def __init__(self, blobs: BlobStore, *, max_writers: int = 4, slot_timeout_seconds: float = SLOT_TIMEOUT_SECONDS) -> None:
        self.blobs = blobs
        self._write_slots = asyncio.Semaphore(max_writers)
        self._slot_timeout_seconds = slot_timeout_seconds

    @asynccontextmanager
    async def write_slot(self) -> AsyncIterator[None]:
        """Wait for a slot, before a transaction begins that will write objects. Raises Overloaded after 2 s."""
        try:
            async with asyncio.timeout(self._slot_timeout_seconds):
                await self._write_slots.acquire()
        except TimeoutError as error:
            raise Overloaded("Too many documents are being written; try again.") from error
        try:
            yield
        finally:
            self._write_slots.release()

    async def write(self, objects: Mapping[str, Any], *, required_keys: Sequence[str] = ()) -> None:
        """
        Put JSON objects by their keys; all are durable when this returns. Raises StorageUnavailable.

        `required_keys`: the contents that they name, which must exist: a cleanup may have found them before they were named, and
        it waits for the row that the caller has locked.
        """
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS + WRITE_TIMEOUT_PER_OBJECT_SECONDS * len(objects)):
                if not all(await gather_limited([_deferred(self.blobs.head, key) for key in required_keys])):
                    raise StorageUnavailable("A stored content is missing; try again.")
                await gather_limited([_deferred(self._replace, key, orjson.dumps(value)) for key, value in objects.items()])
        except TimeoutError as error:
            raise StorageUnavailable from error

    async def read(self, key: str) -> Any:
        """A JSON object; None when there is none."""
        found = await self.blobs.get(key)
        return None if found is None else orjson.loads(found.content)

    async def put_contents(self, document_id: UUID, *contents: bytes) -> list[str]:
        """Put contents; the SHA-256 of each, which is part of its key. Called before the transaction: contents that no version
        names are deleted later."""

        async def put(content: bytes) -> str:
            is_large = len(content) > _MAX_INLINE_HASH_BYTES
            sha256 = await asyncio.to_thread(_hash, content) if is_large else _hash(content)
            await self.blobs.put(
                content_key(document_id, sha256), content
            )  # also over the same bytes: new objects are not deleted
            return sha256

        return await gather_limited([_deferred(put, content) for content in contents])

    async def read_content(self, document_id: UUID, sha256: str) -> bytes:
        """The contents that a version names. Raises StorageUnavailable when they are missing: named contents are never
        deleted."""
        found = await self.blobs.get(content_key(document_id, sha256))
        if found is None:
            raise StorageUnavailable("A stored content is missing.")
        return found.content

    async def _replace(self, key: str, content: bytes) -> None:
        for _ in range(_MAX_ATTEMPTS):
            stored = await self.blobs.head(key)
            try:
                await self.blobs.put(
                    key, content, content_type=JSON_TYPE, only_if=ABSENT if stored is None else Matching(stored.etag)
                )
            except BlobChanged:
                continue
            return
        raise StorageUnavailable("An object changes faster than it can be written; try again.")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _deferred(function: Callable[..., Awaitable[T]], *arguments: Any) -> Callable[[], Awaitable[T]]:
    return lambda: function(*arguments)
