"""A burst: what is told to many at a time is gathered first, then written to one line after the other with nothing between.

Most of what an edit costs is that it is written to everybody in the room, and most of what a write costs is the kernel's. Part of
that is ours to choose. All that one line is told in a burst, the acknowledgement of its own edit and the edits of everybody, is
one write: of 50 writers' writes at 500 edits a second every fourteenth was an acknowledgement. And where one process reads
several lines (a proxy in front of us, a load client) it stays awake while writes follow each other closely, and is woken by the
next one after a pause: to 200 sockets of one reader a write took 3.3 µs of CPU back to back, 4.0 with 1 µs between two, 4.8 with
3 µs.

Rejected: the transport's own `write` (its pass over all streams comes between); io_uring, which saves the calls and not what they
do (a call that does nothing is a tenth of a write to a socket).
"""

import os
from types import TracebackType
from typing import Protocol


class BatchedWriter(Protocol):
    """What can be written to past its transport. `held`: frames that the burst is to write; `descriptor`: where."""

    pending_frames: bytes
    descriptor: int

    def write_rest(self, frames: bytes, written: int, /) -> None:
        """Only so many bytes of the frames could be written: the rest goes the usual way."""


class WriteBatch:
    """Gathers while it is open (`with`, also inside each other), and writes at the end. No awaiting in between."""

    def __init__(self) -> None:
        self._depth = 0
        self._writers: list[BatchedWriter] = []

    @property
    def is_open(self) -> bool:
        """Whether to hold what could be written now."""
        return self._depth > 0

    def add(self, writer: BatchedWriter, frame: bytes) -> None:
        """Write a frame to a line at the end of the burst, behind those that it holds already."""
        if writer.pending_frames:
            writer.pending_frames += frame
        else:
            writer.pending_frames = frame
            self._writers.append(writer)

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._depth -= 1
        if not self._depth:
            lines, self._writers = self._writers, []
            _write(lines)


def _write(writers: list[BatchedWriter]) -> None:
    write = os.write
    for line in writers:
        frames = line.pending_frames
        line.pending_frames = b""
        try:
            written = write(line.descriptor, frames)
        except OSError:
            written = 0  # full, or broken: the transport finds out
        if written < len(frames):
            line.write_rest(frames, written)
