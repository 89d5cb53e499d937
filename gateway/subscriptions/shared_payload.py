"""What a group is told of one event: encoded once, with gaps where each member's own cursor belongs."""

from collections.abc import Callable, Mapping, Sequence

from gateway.execution.errors import FormattedError

_CURSOR_BYTES = 120  # bytes, about


class SharedPayload:
    """An answer, encoded. Everybody's frames are made from the same bytes, when they are written and not before."""

    __slots__ = ("_cursor_for", "_last_frame", "_last_prefix", "errors", "positions", "segments", "size")

    def __init__(
        self,
        segments: tuple[bytes, ...],
        positions: Mapping[str, int],
        cursor_for: Callable[[str, int], bytes] | None = None,
        *,
        errors: Sequence[FormattedError] = (),
    ) -> None:
        """`parts`: what stands between the cursors. `positions`: how far this leads in the streams of all who are told. `seal`:
        makes the cursor of somebody by his own stream and his position in it; None where there is nothing to fill in.
        """
        self.segments = segments
        self.positions = positions
        self.errors = errors
        self.size = sum(map(len, segments)) + _CURSOR_BYTES * (len(segments) - 1)
        self._cursor_for = cursor_for
        self._last_prefix = b""
        self._last_frame = b""

    def payload_for(self, own_stream: str, own_position: int) -> bytes:
        """The JSON text of the answer for one subscriber."""
        if self._cursor_for is None:
            return self.segments[0]
        return self._cursor_for(own_stream, own_position).join(self.segments)

    def frame_for(self, prefix: bytes, own_stream: str, own_position: int) -> bytes:
        """The answer between a head and a closing brace. Clients count their ids from 1: the last frame often serves the next,
        too."""
        if self._cursor_for is not None:
            return b"".join((prefix, self._cursor_for(own_stream, own_position).join(self.segments), b"}"))
        if self._last_prefix != prefix:
            self._last_prefix = prefix
            self._last_frame = b"".join((prefix, self.segments[0], b"}"))
        return self._last_frame
