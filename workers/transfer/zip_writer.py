"""Writes a zip archive (APPNOTE 6.3, with Zip64) of any number of entries in little memory.

The central directory is spooled to a second file, where `zipfile` keeps an object of a kilobyte for each entry. Every entry has
room for 64-bit sizes in its header, which is completed when the entry ends: the file must be seekable. Times are those of the
export, so that equal contents give equal bytes.
"""

import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Final

from domain.errors import LimitExceeded

_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END64: Final = struct.Struct("<IQHHIIQQQQ")
_LOCATOR64: Final = struct.Struct("<IIQI")
_END: Final = struct.Struct("<IHHHHIIH")
_SIZES64: Final = struct.Struct("<HHQQ")
_SIZES_AND_OFFSET64: Final = struct.Struct("<HHQQQ")
_VERSION: Final = 45
_MADE_ON_UNIX: Final = 3 << 8
_UTF8: Final = 1 << 11
_DEFLATE: Final = 8
_REGULAR_FILE: Final = 0o100644 << 16
_MAX32: Final = 0xFFFFFFFF
_MAX16: Final = 0xFFFF
_COMPRESSION: Final = 6
_COPY_BYTES: Final = 1024 * 1024


class ZipWriter:
    """An archive that is being written to a seekable file; `close` completes it. `max_bytes`: of the whole archive."""

    def __init__(self, file: IO[bytes], at: datetime, *, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._directory = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close` and by `discard`)
        self._count = 0
        day = ((max(at.year, 1980) - 1980) << 9) | (at.month << 5) | at.day
        self._stamp = (at.hour << 11) | (at.minute << 5) | (at.second // 2), day

    @contextmanager
    def entry(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """An entry; what the block passes to the function is its content. Raises LimitExceeded."""
        encoded = name.encode()
        start = self._file.tell()
        self._file.write(self._local_header(encoded, 0, 0, 0))
        compressor = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        crc = size = 0

        def write(content: bytes) -> None:
            nonlocal crc, size
            crc, size = zlib.crc32(content, crc), size + len(content)
            self._file.write(compressor.compress(content))
            self._require_room()

        yield write
        self._file.write(compressor.flush())
        self._require_room()
        end = self._file.tell()
        packed = end - start - _LOCAL.size - len(encoded) - _SIZES64.size
        self._file.seek(start)
        self._file.write(self._local_header(encoded, crc, packed, size))
        self._file.seek(end)
        extra = _SIZES_AND_OFFSET64.pack(1, 24, size, packed, start)
        fields = (
            _MADE_ON_UNIX | _VERSION,
            _VERSION,
            _UTF8,
            _DEFLATE,
            *self._stamp,
            crc,
            _MAX32,
            _MAX32,
            len(encoded),
            len(extra),
        )
        self._directory.write(_CENTRAL.pack(0x02014B50, *fields, 0, 0, 0, _REGULAR_FILE, _MAX32) + encoded + extra)
        self._count += 1

    def add(self, name: str, content: bytes) -> None:
        """A whole entry. Raises LimitExceeded."""
        with self.entry(name) as write:
            write(content)

    def close(self) -> None:
        """Write the directory; the archive is complete."""
        start = self._file.tell()
        size = self._directory.tell()
        self._directory.seek(0)
        while content := self._directory.read(_COPY_BYTES):
            self._file.write(content)
        self._directory.close()
        end = self._file.tell()
        counts = self._count, self._count
        self._file.write(
            _END64.pack(0x06064B50, _END64.size - 12, _MADE_ON_UNIX | _VERSION, _VERSION, 0, 0, *counts, size, start)
        )
        self._file.write(_LOCATOR64.pack(0x07064B50, 0, end, 1))
        self._file.write(_END.pack(0x06054B50, 0, 0, _MAX16, _MAX16, _MAX32, _MAX32, 0))

    def discard(self) -> None:
        """Delete what is spooled of an archive that is not completed."""
        self._directory.close()

    def _local_header(self, name: bytes, crc: int, packed: int, size: int) -> bytes:
        fields = (_VERSION, _UTF8, _DEFLATE, *self._stamp, crc, _MAX32, _MAX32, len(name), _SIZES64.size)
        return _LOCAL.pack(0x04034B50, *fields) + name + _SIZES64.pack(1, 16, size, packed)

    def _require_room(self) -> None:
        if self._file.tell() > self._max_bytes:
            raise LimitExceeded(f"The file would have more than {self._max_bytes} bytes.", self._max_bytes)
