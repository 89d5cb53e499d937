"""Stores blobs in a folder of this machine: the default, complete and durable, for one machine and any number of processes.

Its URLs lead to the server itself (`routes`). Disk work runs on threads of its own, so a slow disk stops neither the event loop
nor the threads of other work; a call that takes longer than 5 s is an outage, and what it writes is written as a whole or not at
all.
"""

import asyncio
import errno
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from domain.blob import FILE_PART_BYTES, MAX_BLOB_BYTES, Blob, BlobInfo, ListedBlob, UploadTarget, WriteCondition, plain_type
from domain.errors import StorageFull, StorageUnavailable
from persistence.blobs.file_store import FileStore
from persistence.blobs.signed_urls import UrlSigner

T = TypeVar("T")
TIMEOUT_SECONDS, MAX_THREADS, PAGE_OBJECTS = 5.0, 8, 500
logger = logging.getLogger(__name__)


class LocalBlobs:
    """Implements `domain.blob.Blobs`."""

    def __init__(self, file_store: FileStore, threads: ThreadPoolExecutor, url_signer: UrlSigner) -> None:
        self.file_store, self.url_signer = file_store, url_signer
        self._threads = threads

    @classmethod
    @asynccontextmanager
    async def open(cls, root: Path, *, secret: bytes, origin: str) -> AsyncIterator["LocalBlobs"]:
        """The store in a folder, which is made if it does not exist. Raises StorageUnavailable."""
        threads = ThreadPoolExecutor(MAX_THREADS, "blobs")
        try:
            folder = await _with_timeout(threads, lambda: FileStore(root))
            yield cls(folder, threads, UrlSigner(secret, origin))
        finally:
            threads.shutdown(wait=False)

    async def run(self, work: Callable[[], T]) -> T:
        """Run disk work on a thread; an OSError becomes StorageUnavailable or StorageFull."""
        return await _with_timeout(self._threads, work)

    def run_detached(self, work: Callable[[], object]) -> None:
        """Run disk work without waiting for it."""
        self._threads.submit(work)

    async def get(self, key: str, *, limit: int = MAX_BLOB_BYTES) -> Blob | None:
        return await self.run(lambda: self.file_store.read(key, limit))

    async def get_start(self, key: str, size: int) -> bytes | None:
        return await self.run(lambda: self.file_store.read_start(key, size))

    async def get_part(self, key: str, start: int, size: int) -> bytes | None:
        return await self.run(lambda: self.file_store.read_part(key, start, size))

    async def put_file(self, key: str, file: BinaryIO, *, content_type: str) -> int:
        pending = await self.run(self.file_store.create_pending)
        try:
            await self.run(lambda: file.seek(0))
            while part := await self.run(lambda: file.read(FILE_PART_BYTES)):
                await self.run(partial(pending.write, part))
            await self.run(lambda: pending.commit(key, content_type, None))
            return pending.byte_size
        finally:
            self.run_detached(pending.close)

    async def put(
        self, key: str, content: bytes, *, content_type: str = "application/octet-stream", only_if: WriteCondition = None
    ) -> str:
        return await self.run(lambda: self.file_store.write(key, content, content_type, only_if))

    async def head(self, key: str) -> BlobInfo | None:
        return await self.run(lambda: self.file_store.info(key))

    async def delete(self, key: str) -> None:
        await self.run(lambda: self.file_store.remove(key))

    async def find(self, prefix: str) -> AsyncIterator[ListedBlob]:
        walk = self.file_store.walk(prefix)
        while page := await self.run(lambda: list(islice(walk, PAGE_OBJECTS))):
            for listed in page:
                yield listed

    async def download_url(self, key: str, *, file_name: str, content_type: str, expires_in: int) -> str:
        params = {"name": file_name, "type": plain_type(content_type)}
        return self.url_signer.sign("GET", key, params, expires=int(time.time()) + expires_in)

    async def upload_target(
        self, key: str, *, byte_size: int, content_type: str, sha256: str | None, expires_at: datetime
    ) -> UploadTarget:
        params: dict[str, str | int] = {"size": byte_size, "type": content_type, "sha256": sha256 or ""}
        return UploadTarget(
            url=self.url_signer.sign("PUT", key, params, expires=int(expires_at.timestamp())),
            method="PUT",
            headers={"Content-Type": content_type},
            expires_at=expires_at,
        )


async def _with_timeout(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(threads, work)
    except OSError as error:  # TimeoutError is one
        logger.warning("The folder of blobs is unavailable: %s", error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise StorageUnavailable from error
