"""Holds the payload of one event for a group: encoded once, with gaps for the cursor of each subscriber."""

from collections.abc import Callable, Mapping, Sequence

from gateway.execution.errors import FormattedError

_CURSOR_BYTES = 120  # about


class SharedPayload:
    """An encoded payload. The messages of all subscribers are built from the same bytes, and only when they are written."""

    __slots__ = ("_cursor_for", "_last_frame", "_last_prefix", "errors", "positions", "segments", "size")

    def __init__(
        self,
        segments: tuple[bytes, ...],
        positions: Mapping[str, int],
        cursor_for: Callable[[str, int], bytes] | None = None,
        *,
        errors: Sequence[FormattedError] = (),
    ) -> None:
        """
        `segments`: the text between the cursors. `positions`: those of the shared streams after this event. `cursor_for`: encodes
        the cursor of a subscriber by its own stream and the position in it; None if the payload holds no cursor.
        """
        self.segments = segments
        self.positions = positions
        self.errors = errors
        self.size = sum(map(len, segments)) + _CURSOR_BYTES * (len(segments) - 1)
        self._cursor_for = cursor_for
        self._last_prefix = b""
        self._last_frame = b""

    def payload_for(self, own_stream: str, own_position: int) -> bytes:
        """The JSON text of the payload for one subscriber."""
        if self._cursor_for is None:
            return self.segments[0]
        return self._cursor_for(own_stream, own_position).join(self.segments)

    def frame_for(self, prefix: bytes, own_stream: str, own_position: int) -> bytes:
        """The message: the payload between a prefix and a closing brace. Clients count their ids from 1, so the last message
        often serves the next subscriber too."""
        if self._cursor_for is not None:
            return b"".join((prefix, self._cursor_for(own_stream, own_position).join(self.segments), b"}"))
        if self._last_prefix != prefix:
            self._last_prefix = prefix
            self._last_frame = b"".join((prefix, self.segments[0], b"}"))
        return self._last_frame
