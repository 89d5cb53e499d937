"""Gathers the frames that one event has for many connections, then writes them to one connection after the other.

Most of what an edit costs is that it is written to everybody in the room, and most of what a write costs is the kernel's. Part of
that can be chosen. Everything that one connection is sent by an event, the acknowledgement of its own edit and the edits of
others, is one write: of 50 writers' writes at 500 edits a second every fourteenth was an acknowledgement. And where one process
reads several connections (a proxy, a load client) it stays awake while writes follow each other closely, and is woken by the next
one after a pause: to 200 sockets of one reader a write took 3.3 µs of CPU back to back, 4.0 with 1 µs between two, 4.8 with 3 µs.

What several connections are sent is framed once.

Rejected: the transport's own `write` (its pass over all streams comes between); io_uring, which saves the calls and not what they
do (a call that does nothing is a tenth of a write to a socket).
"""

import os
from collections.abc import Callable
from time import thread_time
from types import TracebackType
from typing import Final, Protocol

_MIN_TIMED_WRITES: Final = 16
_NEWEST_SHARE: Final = 0.1


class BatchedWriter(Protocol):
    """A connection that can be written to past its transport: `pending_frames` is what the batch will write to `descriptor`."""

    pending_frames: bytes
    descriptor: int

    def write_rest(self, frames: bytes, written: int, /) -> None:
        """Only so many bytes of the frames could be written: write the rest through the transport."""


class WriteBatch:
    """Gathers while it is open (`with`, also inside each other), and writes at the end. No awaiting in between."""

    __slots__ = ("_frame", "_payload", "_writers", "depth", "seconds_per_write")

    def __init__(self) -> None:
        self.depth = 0
        """How many blocks are open: outside of all, nothing is gathered."""
        self.seconds_per_write = 0.0
        """CPU time of a write to one connection of many, lately: several times as much on a busy machine as on a free one."""
        self._writers: list[BatchedWriter] = []
        self._payload: bytes | None = None
        self._frame = b""

    def to_frame(self, payload: bytes, encode: Callable[[bytes], bytes]) -> bytes:
        """The frame of a payload, which is encoded once where many connections are sent the same object one after the other."""
        if payload is not self._payload:
            self._payload, self._frame = payload, encode(payload)
        return self._frame

    def add(self, writer: BatchedWriter, frame: bytes) -> None:
        """Write a frame to a connection at the end of the batch, behind its other frames."""
        if writer.pending_frames:
            writer.pending_frames += frame
        else:
            writer.pending_frames = frame
            self._writers.append(writer)

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.depth -= 1
        if not self.depth:
            writers, self._writers = self._writers, []
            self._payload, self._frame = None, b""
            if len(writers) < _MIN_TIMED_WRITES:
                _write(writers)
                return
            began = thread_time()
            _write(writers)
            found = (thread_time() - began) / len(writers)
            self.seconds_per_write += (found - self.seconds_per_write) * _NEWEST_SHARE


def _write(writers: list[BatchedWriter]) -> None:
    write = os.write
    for writer in writers:
        frames = writer.pending_frames
        writer.pending_frames = b""
        try:
            written = write(writer.descriptor, frames)
        except OSError:
            written = 0  # full, or broken: the transport finds out
        if written < len(frames):
            writer.write_rest(frames, written)
