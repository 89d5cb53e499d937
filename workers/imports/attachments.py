"""Stores the files that lie in an archive, before the transaction that names them: what no row names is swept after a day."""

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from domain import media
from domain.blob import attachment_key
from domain.events import derived_id
from domain.upload import MAX_UPLOAD_BYTES
from workers.imports.archive import Archive
from workers.imports.collection import Collection
from workers.user_job import UserJobRun

_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file whose bytes are stored. One that is not what it was said to be has a type that no browser shows."""

    content_type: str
    byte_size: int
    sha256: str


def check_files(collection: Collection, archive: Archive | None) -> None:
    """Refuse files that are too large or not in the archive; warn of those that the export did not hold."""
    sizes = {} if archive is None else {name: size for _, name, size in archive.names()}
    missing = 0
    for row, record in collection.read("Attachment"):
        path = record["path"]
        if path is None:
            missing += 1
        elif path not in sizes:
            collection.refuse(row, f"path: the archive holds no file {path[:80]}.")
        elif not 0 < sizes[path] <= MAX_UPLOAD_BYTES:
            collection.refuse(row, f"path: a file has 1 to {MAX_UPLOAD_BYTES} bytes.")
    if missing:
        collection.warn(None, f"{missing} attachments are left out: the export does not hold their files.")


async def store_files(run: UserJobRun, collection: Collection, archive: Archive) -> dict[str, StoredFile]:
    """Store the files of all attachments; by what the attachments are called. Raises JobRefused."""
    found = {}
    for _, record in collection.read("Attachment"):
        if record["path"] is not None:
            id_ = derived_id(run.job.id, "Attachment", record["id"])
            found[record["id"]] = await _store(run, id_, record["contentType"], archive.parts(record["path"]))
            await run.require_running()
    return found


async def _store(run: UserJobRun, attachment_id: UUID, content_type: str, parts: Iterator[bytes]) -> StoredFile:
    with tempfile.TemporaryFile() as file:
        digest = hashlib.sha256()
        start = b""
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            start = start or part[: media.SNIFF_BYTES]
            digest.update(part)
            await asyncio.to_thread(file.write, part)
        shown = content_type if media.matches_type(content_type, start) else _UNKNOWN_TYPE
        size = await run.services.blobs.put_file(attachment_key(attachment_id), file, content_type=shown)
    return StoredFile(shown, size, digest.hexdigest())
