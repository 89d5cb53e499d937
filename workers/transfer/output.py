"""The file that an export is writing: a temporary one on this machine, bounded, and written off the event loop."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import IO, Any, Final

from domain.blob import FILE_PART_BYTES, attachment_key
from domain.errors import LimitExceeded
from workers.transfer.zip_writer import ZipWriter
from workers.user_job import UserJobRun

MAX_FILE_BYTES: Final = 2 * 1024**3
MAX_ATTACHMENT_BYTES: Final = 1024**3


@asynccontextmanager
async def open_output() -> AsyncIterator[IO[bytes]]:
    """A temporary file that is gone when the block ends."""
    file = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        yield file
    finally:
        await asyncio.to_thread(file.close)


def write_bounded(file: IO[bytes], content: bytes) -> None:
    """Append to the file. Raises LimitExceeded."""
    if file.tell() + len(content) > MAX_FILE_BYTES:
        raise LimitExceeded(f"The file would have more than {MAX_FILE_BYTES} bytes.", MAX_FILE_BYTES)
    file.write(content)


class AttachmentCopier:
    """Copies attachments into an archive, part by part."""

    def __init__(self, run: UserJobRun, archive: ZipWriter) -> None:
        self._run, self._archive = run, archive
        self._bytes_left = MAX_ATTACHMENT_BYTES

    async def copy(self, row: Any, path: str) -> bool:
        """Add the file of an attachment; False where its bytes are gone by now. Raises LimitExceeded."""
        self._bytes_left -= row["byte_size"]
        if self._bytes_left < 0:
            raise LimitExceeded(f"The attachments have more than {MAX_ATTACHMENT_BYTES} bytes.", MAX_ATTACHMENT_BYTES)
        key, start = attachment_key(row["id"]), 0
        part = await self._run.services.blobs.get_part(key, 0, FILE_PART_BYTES)
        if part is None:
            return False
        with self._archive.entry(path) as write:
            while part:
                await asyncio.to_thread(_write, write, part)
                start += len(part)
                if len(part) < FILE_PART_BYTES:
                    break
                part = await self._run.services.blobs.get_part(key, start, FILE_PART_BYTES)
        return True


def _write(write: Callable[[bytes], None], part: bytes) -> None:
    write(part)
