"""Opens zip archives that somebody uploaded: what could be harmful is refused, by the entry that is wrong, before it is read.

The size of the directory is checked before `zipfile` makes an object of each entry. An entry is read up to the size that the
directory names, which is checked, and its checksum must be right.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Final

from domain.job import JobIssue
from workers.user_job import JobRefused

MAX_ENTRIES: Final = 50_000
MAX_DIRECTORY_BYTES: Final = 8 * 1024 * 1024
MAX_TOTAL_BYTES: Final = 1024**3
MAX_ENTRY_BYTES: Final = 256 * 1024 * 1024
MAX_RATIO: Final = 200
_RATIO_FROM_BYTES: Final = 1024 * 1024
_END: Final = struct.Struct("<4sHHHHIIH")
_END_SIGNATURE: Final = b"PK\x05\x06"
_LOCATOR64: Final = struct.Struct("<4sIQI")
_END64: Final = struct.Struct("<4sQHHIIQQQQ")
_MAX_COMMENT_BYTES: Final = 65_535
_READ_BYTES: Final = 1024 * 1024
_DIRECTORY_BIT: Final = 0x10


class Archive:
    """An archive that is safe to read. Rows are the places of its entries, from 1."""

    def __init__(self, file: IO[bytes]) -> None:
        """Raises JobRefused."""
        _require_small_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise JobRefused(f"This is no zip archive that can be read: {error}.") from error
        entries = self._zip.infolist()
        issues = [
            JobIssue(row=row, message=f"{_shown(each.filename)}: {wrong}")
            for row, each in enumerate(entries, start=1)
            if (wrong := _what_is_wrong(each)) is not None
        ]
        names: set[str] = set()
        for row, each in enumerate(entries, start=1):
            if each.filename.casefold() in names:
                issues.append(JobIssue(row=row, message=f"{_shown(each.filename)}: another entry has this name."))
            names.add(each.filename.casefold())
        if issues:
            raise JobRefused("The archive holds entries that are refused.", issues)
        if sum(each.file_size for each in entries) > MAX_TOTAL_BYTES:
            raise JobRefused(f"The archive unpacks to more than {MAX_TOTAL_BYTES} bytes.")
        self._entries = {each.filename: (row, each) for row, each in enumerate(entries, start=1) if not each.is_dir()}

    def names(self) -> list[tuple[int, str, int]]:
        """Row, name and size of each entry that is a file."""
        return [(row, name, each.file_size) for name, (row, each) in self._entries.items()]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """All of an entry. Raises JobRefused."""
        return b"".join(self.parts(name))

    def parts(self, name: str) -> Iterator[bytes]:
        """An entry in parts. Raises JobRefused."""
        row, entry = self._entries[name]
        try:
            with self._zip.open(entry) as file:
                while part := file.read(_READ_BYTES):
                    yield part
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error) as error:
            issue = JobIssue(row=row, message=f"{_shown(name)}: cannot be unpacked: {error}.")
            raise JobRefused("The archive is damaged.", [issue]) from error


def _what_is_wrong(entry: zipfile.ZipInfo) -> str | None:
    name = entry.filename
    path = PurePosixPath(name)
    mode = entry.external_attr >> 16
    if not name or "\x00" in entry.orig_filename or any(each < " " for each in name):
        return "its name holds control characters."
    if "\\" in entry.orig_filename or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return "its name leads out of the archive."
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is no regular file, but a link or a device."
    if entry.flag_bits & 0x1:
        return "it is encrypted."
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is compressed in a way that is not supported."
    if entry.file_size > MAX_ENTRY_BYTES:
        return f"it unpacks to more than {MAX_ENTRY_BYTES} bytes."
    if entry.file_size > _RATIO_FROM_BYTES and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
        return f"it unpacks to more than {MAX_RATIO} times its size."
    return None


def _require_small_directory(file: IO[bytes]) -> None:
    file.seek(0, 2)
    size = file.tell()
    tail_at = max(0, size - _END.size - _MAX_COMMENT_BYTES - _LOCATOR64.size - _END64.size)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise JobRefused("This is no zip archive.")
    _, _, _, _, entries, directory_bytes, _, _ = _END.unpack_from(tail, at)
    if at >= _LOCATOR64.size and tail[at - _LOCATOR64.size :].startswith(b"PK\x06\x07"):
        _, _, end64_at, _ = _LOCATOR64.unpack_from(tail, at - _LOCATOR64.size)
        file.seek(min(end64_at, size))
        end64 = file.read(_END64.size)
        if len(end64) == _END64.size and end64.startswith(b"PK\x06\x06"):
            *_, entries, directory_bytes, _ = _END64.unpack(end64)
    if entries > MAX_ENTRIES:
        raise JobRefused(f"The archive has {entries} entries; {MAX_ENTRIES} are allowed.")
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise JobRefused(f"The directory of the archive has more than {MAX_DIRECTORY_BYTES} bytes.")
    file.seek(0)


def _shown(name: str) -> str:
    return name[:100].encode("ascii", "backslashreplace").decode()
