"""The folder of a backup: what lies where in it, and how it is known to be whole.

    manifest.json            what the backup is, written last: a folder without it is an interrupted backup
    tables/NAME.copy         the rows of a table, as COPY writes them
    blobs.jsonl              a line for each blob: its key, size, SHA-256 and type
    blobs/KEY=               its bytes; names end with `=`, so that the keys `a` and `a/b` do not collide

The manifest holds the SHA-256 of every table and of blobs.jsonl, and its own, so that a change of any byte is found. It guards
against damage, not against somebody who may write into the folder.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, TypeVar
from uuid import UUID

import orjson

from domain.blob import require_key
from domain.codec import decode, encode

T = TypeVar("T")
FORMAT: Final = 1
READ_BYTES: Final = 1024 * 1024
_MANIFEST, _TABLES, _BLOBS, _BLOB_LIST, _NAMED = "manifest.json", "tables", "blobs", "blobs.jsonl", "named.jsonl"


class BackupUnusable(Exception):
    """The folder holds no backup that can be restored; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """The rows of one table."""

    name: str
    columns: tuple[str, ...]
    byte_size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobLine:
    """One blob of the backup."""

    key: str
    byte_size: int
    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """
    What a backup is: all that was committed at `taken_at`, in a database of the schema `revision`.

    `secret_check` is the same for installations with the same secret. `lost` names the blobs that storage did not have.
    """

    format: int = FORMAT
    id: UUID
    version: str
    revision: str
    taken_at: datetime
    secret_check: str
    tables: tuple[TableFile, ...] = ()
    blob_count: int = 0
    blob_list_sha256: str = ""
    lost: tuple[str, ...] = ()


@dataclass(slots=True)
class HashedFile:
    """A file that is being written, and the hash of its bytes so far."""

    file: IO[bytes]
    byte_size: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def write(self, content: bytes) -> None:
        """Append."""
        self.file.write(content)
        self._hash.update(content)
        self.byte_size += len(content)

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        digest: str = self._hash.hexdigest()
        return digest

    def __enter__(self) -> "HashedFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


class BackupFolder:
    """A folder that holds a backup, or will."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the folder, which must not exist or be empty. Raises BackupUnusable."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                raise BackupUnusable(f"The folder {self.path} is not empty: name a new one for each backup.")
            for each in (_TABLES, _BLOBS):
                (self.path / each).mkdir(mode=0o700)
        except OSError as error:
            raise BackupUnusable(f"The folder {self.path} cannot be written: {error.strerror}.") from error

    def table_path(self, table: str) -> Path:
        """Where the rows of a table lie."""
        return self.path / _TABLES / f"{table}.copy"

    def blob_path(self, key: str) -> Path:
        """Where the bytes of a blob lie."""
        return self.path / _BLOBS / f"{require_key(key)}="

    @property
    def named_path(self) -> Path:
        """The names of the blobs that are still to be copied; it is gone from a backup that is complete."""
        return self.path / _NAMED

    @property
    def blob_list_path(self) -> Path:
        """The list of blobs."""
        return self.path / _BLOB_LIST

    def finish(self, manifest: Manifest) -> None:
        """Make everything durable, then the manifest."""
        os.sync()
        content = encode(manifest)
        draft = self.path / f"{_MANIFEST}.draft"
        with draft.open("wb") as file:
            file.write(orjson.dumps({"sha256": _digest(content), "backup": content}, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path / _MANIFEST)
        os.sync()

    def read_manifest(self) -> Manifest:
        """The manifest, with nothing else of the backup looked at. Raises BackupUnusable."""
        path = self.path / _MANIFEST
        try:
            written = orjson.loads(path.read_bytes())
            content = written["backup"]
            if written["sha256"] != _digest(content):
                raise BackupUnusable(f"{path} is damaged.")
            if content["format"] != FORMAT:
                raise BackupUnusable(f"{path} was written by another version, in the format {content['format']}.")
            return decode(Manifest, content)
        except FileNotFoundError as error:
            raise BackupUnusable(f"{self.path} holds no backup, or one that was interrupted: it has no {_MANIFEST}.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupUnusable(f"{path} is damaged: {error}.") from error

    def verify(self, manifest: Manifest) -> None:
        """Read everything, and compare it with its SHA-256. Raises BackupUnusable at the first difference."""
        for table in manifest.tables:
            _require_file(self.table_path(table.name), table.byte_size, table.sha256)
        _require_file(self.blob_list_path, None, manifest.blob_list_sha256)
        count = 0
        for blob in self.blobs():
            _require_file(self.blob_path(blob.key), blob.byte_size, blob.sha256)
            count += 1
        if count != manifest.blob_count:
            raise BackupUnusable(f"{self.blob_list_path} names {count} blobs, and not {manifest.blob_count}.")

    def blobs(self) -> Iterator[BlobLine]:
        """All blobs, in the order of the list."""
        yield from read_json_lines(self.blob_list_path, BlobLine)


def read_json_lines(path: Path, cls: type[T]) -> Iterator[T]:
    """The dataclasses that `write_json_line` wrote into a file."""
    with path.open("rb") as file:
        for line in file:
            yield decode(cls, orjson.loads(line))


def write_json_line(file: HashedFile, value: Any) -> None:
    """Append a dataclass as a line."""
    file.write(orjson.dumps(encode(value)) + b"\n")


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _require_file(path: Path, byte_size: int | None, sha256: str) -> None:
    try:
        if byte_size is not None and path.stat().st_size != byte_size:
            raise BackupUnusable(f"{path} has {path.stat().st_size} bytes, and not {byte_size}.")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BackupUnusable(f"{path} cannot be read: {error.strerror}.") from error
    if found != sha256:
        raise BackupUnusable(f"{path} is damaged: its SHA-256 is not the one of the backup.")
