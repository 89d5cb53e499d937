"""Issues challenges: who has given the right password goes on with a code in another request, for five minutes.

A challenge is the user's id, its end and a tag over both and the password's hash, so nothing is stored, and changing the password
ends it. It signs nobody in: a code of the account's own factors does.
"""

import base64
import binascii
import hmac
import struct
import time
from typing import Final
from uuid import UUID

from auth.server_secret import ServerSecret

LIFETIME_SECONDS: Final = 300
_HEAD: Final = struct.Struct(">16sQ")
_TAG_BYTES: Final = 32


class Challenges:
    """Issues and reads challenges."""

    def __init__(self, secret: ServerSecret) -> None:
        self._key = secret.derive("sign-in challenges")

    def issue(self, user_id: UUID, password_hash: str | None) -> str:
        """A challenge for a user whose password matched the hash, or whom an outside provider has named."""
        head = _HEAD.pack(user_id.bytes, int(time.time()) + LIFETIME_SECONDS)
        return base64.urlsafe_b64encode(head + self._tag(head, password_hash)).decode()

    def user_of(self, challenge: str) -> UUID | None:
        """Whose challenge it claims to be; None once it has ended. `matches` tells whether it is true."""
        head = self._decode(challenge)[0]
        if head is None:
            return None
        user_id, ends_at = _HEAD.unpack(head)
        return UUID(bytes=user_id) if ends_at > time.time() else None

    def matches(self, challenge: str, password_hash: str | None) -> bool:
        """Whether this server issued it when the password had this hash."""
        head, tag = self._decode(challenge)
        return head is not None and hmac.compare_digest(tag, self._tag(head, password_hash))

    def _decode(self, challenge: str) -> tuple[bytes | None, bytes]:
        try:
            decoded = base64.b64decode(challenge.encode("ascii"), b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None, b""
        if len(decoded) != _HEAD.size + _TAG_BYTES:
            return None, b""
        return decoded[: _HEAD.size], decoded[_HEAD.size :]

    def _tag(self, head: bytes, password_hash: str | None) -> bytes:
        return hmac.digest(self._key, head + (password_hash or "").encode(), "sha256")
