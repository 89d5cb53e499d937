"""Stores objects in a folder, with blocking calls: `local` runs them off the event loop.

An object is one file: a header of 1 KiB with type, size and hash, then the bytes. So one rename makes all of it appear at once,
and a crash leaves the old object or the new one. Files are written under `incoming`, flushed, and renamed under a lock that other
processes see too (flock; the kernel releases it when its holder dies), then the folder is flushed. The names of files end with
`=`, so the keys `a` and `a/b` do not collide.

Rejected: type and hash in a second file (two renames, a crash between them), in extended attributes (not on every file system), a
lock file for each key (litter).
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from uuid import uuid4
from zlib import crc32

from domain.blob import (
    Absent,
    Blob,
    BlobChanged,
    BlobInfo,
    BlobTooLarge,
    ListedBlob,
    WriteCondition,
    require_key,
    require_prefix,
)

HEADER_BYTES = 1024
_MAGIC = "=hive 1="
_LOCK_COUNT, _LOCK_TIMEOUT_SECONDS, _LOCK_RETRY_SECONDS = 64, 4.0, 0.002
_ABANDONED_AFTER_SECONDS = 24 * 3600.0  # after which the remains of an interrupted write are deleted


class CorruptFile(OSError):
    """A file of the folder is not what was written."""


class FileStore:
    """The objects below one folder, shared by all processes of a machine."""

    def __init__(self, root: Path) -> None:
        self._objects, self._pending, self._locks = root / "objects", root / "incoming", root / "locks"
        for each in (self._objects, self._pending, self._locks):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._pending.iterdir():
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - _ABANDONED_AFTER_SECONDS:
                    left.unlink()

    def read(self, key: str, limit: int) -> Blob | None:
        """An object whose bytes are what was written."""
        with self.open_scoped(key) as found:
            if found is None:
                return None
            descriptor, info = found
            if info.byte_size > limit:
                raise BlobTooLarge(key)
            content = _read_exactly(descriptor, HEADER_BYTES, info.byte_size)
        if hashlib.sha256(content).hexdigest() != info.sha256:
            raise CorruptFile(f"{key} is damaged")
        return Blob(content=content, etag=info.etag, content_type=info.content_type)

    def read_start(self, key: str, size: int) -> bytes | None:
        """The first bytes of an object."""
        with self.open_scoped(key) as found:
            return None if found is None else _read_exactly(found[0], HEADER_BYTES, min(size, found[1].byte_size))

    def read_part(self, key: str, start: int, size: int) -> bytes | None:
        """At most `size` bytes of an object from `start` on."""
        with self.open_scoped(key) as found:
            if found is None:
                return None
            descriptor, info = found
            return _read_exactly(descriptor, HEADER_BYTES + start, max(0, min(size, info.byte_size - start)))

    def info(self, key: str) -> BlobInfo | None:
        """An object's type, size and hash, from its header."""
        with self.open_scoped(key) as found:
            return None if found is None else found[1]

    @contextmanager
    def open_scoped(self, key: str) -> Iterator[tuple[int, BlobInfo] | None]:
        """An object's open file, whose bytes begin after the header, and its info; None when there is none."""
        found = self.open(key)
        try:
            yield found
        finally:
            if found is not None:
                os.close(found[0])

    def open(self, key: str) -> tuple[int, BlobInfo] | None:
        """The same, for a caller that closes the file."""
        try:
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            return descriptor, _read_header(descriptor, key)
        except BaseException:
            os.close(descriptor)
            raise

    def write(self, key: str, content: bytes, content_type: str, only_if: WriteCondition) -> str:
        """Write an object if the condition is met; its etag. Raises BlobChanged."""
        self._require_condition(key, only_if)  # a write that would lose need not begin
        with self.create_pending() as pending:
            pending.write(content)
            return pending.commit(key, content_type, only_if)

    def create_pending(self) -> "PendingFile":
        """A new object, which is invisible until it is committed."""
        return PendingFile(self, self._pending / uuid4().hex)

    def remove(self, key: str) -> None:
        """Remove an object, if it is there."""
        path = self._path(key)
        with self._locked(key):
            try:
                path.unlink()
            except FileNotFoundError:
                return
            _fsync_folder(path.parent)

    def walk(self, prefix: str) -> Iterator[ListedBlob]:
        """Every object whose key begins with the prefix."""
        top, _, _ = require_prefix(prefix).rpartition("/")
        for folder, _, names in os.walk(self._objects / top):
            within = Path(folder).relative_to(self._objects).as_posix()
            for name in names:
                key = (name if within == "." else f"{within}/{name}").removesuffix("=")
                with suppress(FileNotFoundError):
                    if key.startswith(prefix):
                        status = os.stat(os.path.join(folder, name))
                        modified = datetime.fromtimestamp(status.st_mtime, UTC)
                        yield ListedBlob(key=key, byte_size=max(status.st_size - HEADER_BYTES, 0), modified_at=modified)

    def replace(self, key: str, pending_path: Path, only_if: WriteCondition) -> None:
        """Move a complete, flushed file to the key if the condition is met."""
        path = self._path(key)
        _make_durable_folder(path.parent)
        with self._locked(key):
            self._require_condition(key, only_if)
            pending_path.rename(path)
            _fsync_folder(path.parent)

    def _require_condition(self, key: str, only_if: WriteCondition) -> None:
        if only_if is None:
            return
        info = self.info(key)
        if info is not None if isinstance(only_if, Absent) else info is None or info.etag != only_if.etag:
            raise BlobChanged(key)

    def _path(self, key: str) -> Path:
        return self._objects / f"{require_key(key)}="

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Lock the key against all processes. Raises TimeoutError after 4 s."""
        name = f"{crc32(key.encode()) % _LOCK_COUNT:02d}"
        descriptor = os.open(self._locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            until = time.monotonic() + _LOCK_TIMEOUT_SECONDS
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise TimeoutError(f"{key} is locked by another process") from None
                    time.sleep(_LOCK_RETRY_SECONDS)
            yield
        finally:
            os.close(descriptor)


class PendingFile:
    """An object that is being written: it is committed as a whole, or deleted when the block ends.

    Its calls exclude each other: a caller that gives up one that still runs may close at once, on another thread.
    """

    def __init__(self, store: FileStore, path: Path) -> None:
        self._store, self._path = store, path
        self._hash = hashlib.sha256()
        self.byte_size = 0
        self._file = path.open("xb", buffering=0)
        self._file.seek(HEADER_BYTES)
        self._lock = Lock()

    def write(self, chunk: bytes) -> None:
        """Append the next bytes."""
        with self._lock:
            view = memoryview(chunk)
            while view:
                view = view[self._file.write(view) :]
            self._hash.update(chunk)
            self.byte_size += len(chunk)

    @property
    def sha256(self) -> str:
        """The hash of the bytes so far."""
        return self._hash.hexdigest()

    def commit(self, key: str, content_type: str, only_if: WriteCondition) -> str:
        """Make the object visible if the condition is met; its etag. Raises BlobChanged."""
        header = json.dumps([_MAGIC, self.byte_size, self.sha256, content_type]).encode()
        if len(header) >= HEADER_BYTES:
            raise ValueError("the content type is too long")
        with self._lock:
            os.pwrite(self._file.fileno(), header.ljust(HEADER_BYTES), 0)
            os.fsync(self._file.fileno())
            self._store.replace(key, self._path, only_if)
        return self.sha256

    def close(self) -> None:
        """Close the file, and delete what was not committed."""
        with self._lock:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> "PendingFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _read_header(descriptor: int, key: str) -> BlobInfo:
    try:
        mark, size, sha256, content_type = json.loads(os.pread(descriptor, HEADER_BYTES, 0))
    except ValueError as error:
        raise CorruptFile(f"{key} has no header") from error
    if mark != _MAGIC or os.fstat(descriptor).st_size != HEADER_BYTES + size:
        raise CorruptFile(f"{key} is incomplete")
    return BlobInfo(key=key, byte_size=size, etag=sha256, content_type=content_type, sha256=sha256)


def _read_exactly(descriptor: int, start: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = os.pread(descriptor, size - len(parts), start + len(parts))
        if not part:
            raise CorruptFile("a file ends early")
        parts += part
    return bytes(parts)


def _make_durable_folder(folder: Path) -> None:
    """Make a folder and its parents durable."""
    if folder.is_dir():
        return
    _make_durable_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
