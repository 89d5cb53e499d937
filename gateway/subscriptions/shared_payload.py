"""What a group is told of one event: encoded once, with gaps where each member's own cursor belongs."""

from collections.abc import Callable, Mapping, Sequence

from gateway.execution.errors import FormattedError

_CURSOR = 120  # bytes, about


class Told:
    """An answer, encoded. Everybody's frames are made from the same bytes, when they are written and not before."""

    __slots__ = ("_frame", "_head", "_seal", "errors", "parts", "positions", "size")

    def __init__(
        self,
        parts: tuple[bytes, ...],
        positions: Mapping[str, int],
        seal: Callable[[str, int], bytes] | None = None,
        *,
        errors: Sequence[FormattedError] = (),
    ) -> None:
        """`parts`: what stands between the cursors. `positions`: how far this leads in the streams of all who are told. `seal`:
        makes the cursor of somebody by his own stream and his position in it; None where there is nothing to fill in.
        """
        self.parts = parts
        self.positions = positions
        self.errors = errors
        self.size = sum(map(len, parts)) + _CURSOR * (len(parts) - 1)
        self._seal = seal
        self._head = b""
        self._frame = b""

    def payload(self, own: str, own_position: int) -> bytes:
        """The JSON text of the answer for one subscriber."""
        if self._seal is None:
            return self.parts[0]
        return self._seal(own, own_position).join(self.parts)

    def framed(self, head: bytes, own: str, own_position: int) -> bytes:
        """The answer between a head and a closing brace. Clients count their ids from 1: the last frame often serves the next,
        too."""
        if self._seal is not None:
            return b"".join((head, self._seal(own, own_position).join(self.parts), b"}"))
        if self._head != head:
            self._head = head
            self._frame = b"".join((head, self.parts[0], b"}"))
        return self._frame
