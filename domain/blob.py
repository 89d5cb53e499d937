"""Blobs: bytes under a key, stored outside the database; what every store of them promises, and what may be shown in a browser.

Keys are lower-case paths such as `documents/0197…/document.json`. A write may hang on what is there: that is how two processes
agree without a lock (the loser gets `BlobChanged`, reads again and decides anew). An etag stands for the content: equal bytes may
have equal etags, so a record that counts on "nobody wrote since" carries a version in its bytes. Nobody ever sees half an object.

Rejected: streams in and out of `get` and `put` (nearly all that the server itself reads and writes is small; large files travel
between a client and the store by a signed address, past the server where the store is S3). What workers make and read may be
large: it is written from a file (`put_file`) and read in parts (`get_part`).
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol
from uuid import UUID

MAX_BLOB_BYTES = 64 * 1024 * 1024  # in one get or put; larger objects are read in parts
MAX_KEY_CHARS = 400  # characters
FILE_PART_BYTES = 8 * 1024 * 1024  # of a file, at a time

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,119}(/[a-z0-9][a-z0-9._-]{0,119})*")
# What a browser may render in place: nothing here can run a script. SVG and HTML can.
_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "application/pdf", "text/plain"})


class BlobChanged(Exception):
    """A conditional write lost: the key does not hold what the condition says. Nothing was written."""


class BlobTooLarge(Exception):
    """The object has more bytes than the caller wanted to read."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Write only where nothing is."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Write only over the content that has this etag."""

    etag: str


WriteCondition = Absent | Matching | None
ABSENT = Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    """What is known of an object without reading it. `sha256` is in hexadecimal, None where the store does not know it."""

    key: str
    byte_size: int
    etag: str
    content_type: str
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """An object's bytes, and the etag that they had when they were read."""

    content: bytes
    etag: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedBlob:
    """An object as a listing returns it."""

    key: str
    byte_size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTarget:
    """Where a client sends an object, and the headers that it has to send along."""

    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: datetime


class BlobStore(Protocol):
    """Stores blobs. Every call raises `StorageUnavailable` within 6 s when the store does not answer, having written nothing
    or all; ValueError for a key that is none (a bug of the caller: keys are made here, not by clients).
    """

    async def get(self, key: str, *, limit: int = MAX_BLOB_BYTES) -> Blob | None:
        """An object, None when there is none. Raises BlobTooLarge, before reading, when it has more than `limit` bytes."""
        ...

    async def get_start(self, key: str, size: int) -> bytes | None:
        """The first `size` bytes of an object, or all of a shorter one; None when there is none."""
        ...

    async def get_part(self, key: str, start: int, size: int) -> bytes | None:
        """At most `size` bytes of an object from `start` on, fewer at its end; None when there is none."""
        ...

    async def put_file(self, key: str, file: BinaryIO, *, content_type: str) -> int:
        """Store all of an open file durably, whatever was there; returns its size. Takes longer than other calls, and its parts
        no longer than these; other threads read the file, so that nobody else may meanwhile."""
        ...

    async def put(
        self, key: str, content: bytes, *, content_type: str = "application/octet-stream", only_if: WriteCondition = None
    ) -> str:
        """Store an object durably when the condition holds; returns its etag. Raises BlobChanged when it doesn't."""
        ...

    async def head(self, key: str) -> BlobInfo | None:
        """What is known of an object, None when there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; one that isn't there is no error."""
        ...

    def find(self, prefix: str) -> AsyncIterator[ListedBlob]:
        """Every object whose key begins with `prefix`, in no promised order, read a page at a time."""
        ...

    async def download_url(self, key: str, *, file_name: str, content_type: str, expires_in: int) -> str:
        """An address that gives the object to whoever has it, for `expires_in` seconds, as a file of this name and type."""
        ...

    async def upload_target(
        self, key: str, *, byte_size: int, content_type: str, sha256: str | None, expires_at: datetime
    ) -> UploadTarget:
        """An address that takes the object once, until `expires_at`: exactly `byte_size` bytes of this type, with this hash if
        given.

        Whatever differs is refused and leaves nothing; so is a second upload, after the first arrived.
        """
        ...


def require_key(key: str) -> str:
    """The key itself; raises ValueError for what cannot be one, such as a path that leads elsewhere."""
    if len(key) > MAX_KEY_CHARS or not _KEY.fullmatch(key):
        raise ValueError(f"not a key of a blob: {key[:80]!r}")
    return key


def require_prefix(prefix: str) -> str:
    """The prefix itself: the beginning of a key, or nothing for all of them; raises ValueError."""
    if prefix and (len(prefix) > MAX_KEY_CHARS or not _KEY.fullmatch(prefix.removesuffix("/"))):
        raise ValueError(f"not the beginning of a blob's key: {prefix[:80]!r}")
    return prefix


def attachment_key(attachment_id: UUID) -> str:
    """Where an attachment's object lies."""
    return f"attachments/{attachment_id}"


def plain_type(content_type: str) -> str:
    """A media type without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def is_inline_type(content_type: str) -> bool:
    """Whether a browser may render this type in place; everything else is sent as a download."""
    return plain_type(content_type) in _INLINE


def served_type(content_type: str) -> str:
    """The type to serve an object as: its own where that is harmless, text as UTF-8, else one that no browser renders."""
    plain = plain_type(content_type)
    if plain == "text/plain":
        return "text/plain; charset=utf-8"
    return plain if plain in _INLINE else "application/octet-stream"
