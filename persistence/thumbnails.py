"""Makes thumbnails of pictures when they are first asked for, and stores them beside the pictures.

They are rendered in worker processes of their own, which have less memory than those of documents: what a hostile picture does to
a decoder neither reaches nor delays the documents of others. Whoever uploaded a picture decides what it costs, so slots are
shared fairly among uploaders, none of whom has all, and a picture is loaded only when it has a slot. Concurrent requests for one
thumbnail make it once.

A picture that cannot be rendered is remembered by an empty object under the thumbnail's key, so that it is tried once for each
thumbnail; what took too long or too much memory, which may have been the machine's fault, is tried again an hour later.

Rejected: a job after each upload (most thumbnails of most files are never looked at, and whoever has just uploaded a picture
would wait for a queue).
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self
from uuid import UUID

from content import picture
from content.errors import TooExpensive
from domain.attachment import Attachment
from domain.blob import Blob, BlobStore, BlobTooLarge, attachment_key
from domain.errors import Overloaded
from domain.picture import MAX_PICTURE_BYTES, THUMBNAIL_TYPE, ThumbnailShape, has_thumbnails, thumbnail_key
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.database import Database
from persistence.stores import attachment
from transport.fair_scheduler import QueueFull
from transport.fair_semaphore import FairSemaphore

WORKER_MEMORY_BYTES: Final = 768 * 1024 * 1024
MAX_WORKERS: Final = 2
UNREADABLE_TYPE: Final = "application/x-no-thumbnail"
RETRY_SECONDS: Final = 3600
_MAX_WAITING, _MAX_WAITING_PER_UPLOADER = 512, 128
_QUEUE_TIMEOUT_SECONDS: Final = 20.0
_COST_SECONDS: Final = 0.2  # of an ordinary photograph
_MIN_JOB_BYTES: Final = 64 * 1024  # the work grows with the pixels, of which a few bytes can announce many


class Thumbnails:
    """The thumbnails of one process. `counts`: how many were made, by outcome."""

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database, blobs: BlobStore) -> AsyncIterator[Self]:
        """Thumbnails with a pool of workers of their own."""
        async with WorkerPool.open(slots=MAX_WORKERS, memory_bytes=WORKER_MEMORY_BYTES, warm_up=picture.warm_up) as workers:
            yield cls(database, blobs, workers)

    def __init__(self, database: Database, blobs: BlobStore, workers: WorkerPool) -> None:
        self._database, self._blobs, self._workers = database, blobs, workers
        self._slots = FairSemaphore(
            slots=MAX_WORKERS,
            max_waiting=_MAX_WAITING,
            max_waiting_per_owner=_MAX_WAITING_PER_UPLOADER,
            max_per_owner=MAX_WORKERS - 1,
        )
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self.counts: Counter[str] = Counter()

    async def get(self, attachment_id: UUID, shape: ThumbnailShape, edge_pixels: int) -> Blob | None:
        """
        A thumbnail, which is made where it is not there; None where there is no such picture, or it cannot be rendered.

        Raises Overloaded when too many wait, and StorageUnavailable.
        """
        key = thumbnail_key(attachment_id, shape, edge_pixels)
        found = await self._find(key)
        if found is None:
            lock, users = self._turns.get(key) or (asyncio.Lock(), 0)
            self._turns[key] = lock, users + 1
            try:
                async with lock:
                    found = await self._find(key) or await self._make(key, attachment_id, shape, edge_pixels)
            finally:
                lock, users = self._turns.pop(key)
                if users > 1:
                    self._turns[key] = lock, users - 1
        return None if found is None or found.content_type == UNREADABLE_TYPE else found

    async def _find(self, key: str) -> Blob | None:
        found = await self._blobs.get(key)
        if found is not None and found.content_type == UNREADABLE_TYPE and found.content and int(found.content) < time.time():
            return None
        return found

    async def _make(self, key: str, attachment_id: UUID, shape: ThumbnailShape, edge_pixels: int) -> Blob | None:
        file = await attachment.get_ready(self._database, attachment_id)
        if file is None or not has_thumbnails(file.content_type, file.byte_size):
            return None
        slot = self._slots.slot(
            file.uploader_id or attachment_id, cost_seconds=_COST_SECONDS, timeout_seconds=_QUEUE_TIMEOUT_SECONDS
        )
        try:
            await slot.__aenter__()
        except (TimeoutError, QueueFull) as error:
            raise Overloaded("Too many pictures are worked on; try again.") from error
        try:
            made = await self._render(file, shape, edge_pixels)
            if made is None:
                return None
            etag = await self._blobs.put(key, made.content, content_type=made.content_type)
            if await attachment.get_ready(self._database, attachment_id) is None:  # it was deleted meanwhile
                await self._blobs.delete(key)
                return None
            return Blob(content=made.content, etag=etag, content_type=made.content_type)
        finally:
            await slot.__aexit__(None, None, None)

    async def _render(self, file: Attachment, shape: ThumbnailShape, edge_pixels: int) -> Blob | None:
        """What is to be stored under the key; None where the file's bytes are gone."""
        try:
            original = await self._blobs.get(attachment_key(file.id), limit=MAX_PICTURE_BYTES)
        except BlobTooLarge:
            original = None
        if original is None:
            return None
        size = max(len(original.content), _MIN_JOB_BYTES)
        render = picture.render_thumbnail
        try:
            content = await self._workers.run(size, render, original.content, file.content_type, shape, edge_pixels)
        except TooExpensive:
            self.counts["too expensive"] += 1
            return Blob(content=b"%d" % (time.time() + RETRY_SECONDS), etag="", content_type=UNREADABLE_TYPE)
        if content is None:
            self.counts["unreadable"] += 1
            return Blob(content=b"", etag="", content_type=UNREADABLE_TYPE)
        self.counts["made"] += 1
        return Blob(content=content, etag="", content_type=THUMBNAIL_TYPE)
