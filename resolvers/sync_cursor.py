"""Encodes sync cursors: signed positions in all streams of a viewer.

A cursor is the vector {stream: position} over what its viewer could see when it was made: one byte of format, then per stream a
letter for its kind, 16 bytes of id and 8 bytes of position; base64url, followed by the first 12 bytes of an HMAC-SHA256. The
signature keeps clients from inventing cursors that make the server read its whole log; what a viewer may see is decided at every
use.

After a backup was restored, positions are given out again to other events: cursors are signed with another secret then, and those
that the old one signed have expired.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from domain.errors import CursorExpired, CursorInvalid

Positions = Mapping[str, int]
_FORMAT = b"\x01"
_ENTRY_STRUCT = struct.Struct("!c16sQ")
_MAC_BYTES = 12
_STREAM_KINDS = {"team": b"t", "user": b"u"}
_KINDS_BY_LETTER = {letter: kind for kind, letter in _STREAM_KINDS.items()}


class SyncCursors:
    """Encodes positions as cursors and decodes them, under one secret. `former`: those that signed before restores of backups."""

    def __init__(self, secret: bytes, former: Sequence[bytes] = ()) -> None:
        self._secret = secret
        self._former = former

    def encode(self, positions: Positions) -> str:
        """The cursor of a vector of positions."""
        body = _FORMAT + b"".join(_pack_entry(stream, positions[stream]) for stream in sorted(positions))
        return base64.urlsafe_b64encode(body + self._mac(body)).rstrip(b"=").decode()

    def encoder_for(self, positions: Positions) -> Callable[[str, int], bytes]:
        """A function that encodes these positions together with that of one more stream, a user's."""
        body = _FORMAT + b"".join(_pack_entry(stream, positions[stream]) for stream in sorted(positions))
        assert max(positions, default="") < "user:", "a user's stream is the last"

        def seal(stream: str, position: int) -> bytes:
            whole = body + _pack_entry(stream, position)
            return base64.urlsafe_b64encode(whole + self._mac(whole)).rstrip(b"=")

        return seal

    def decode(self, cursor: str) -> dict[str, int]:
        """The positions of a cursor; raises CursorExpired for one that a former secret signed, and CursorInvalid for anything
        else that the secret did not."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except (ValueError, binascii.Error) as error:
            raise CursorInvalid from error
        body, seal = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(seal, self._mac(body)) or body[:1] != _FORMAT:
            if any(hmac.compare_digest(seal, _mac(each, body)) for each in self._former):
                raise CursorExpired
            raise CursorInvalid
        return {
            f"{_KINDS_BY_LETTER[letter]}:{UUID(bytes=id_)}": position
            for letter, id_, position in _ENTRY_STRUCT.iter_unpack(body[1:])
        }

    def _mac(self, body: bytes) -> bytes:
        return _mac(self._secret, body)


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, body, hashlib.sha256)[:_MAC_BYTES]


def _pack_entry(stream: str, position: int) -> bytes:
    kind, _, id_ = stream.partition(":")
    return _ENTRY_STRUCT.pack(_STREAM_KINDS[kind], UUID(id_).bytes, position)
