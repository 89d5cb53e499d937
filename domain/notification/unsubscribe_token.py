"""Makes and reads the tokens of the links that end mails about notifications: signed, without an end, good for nothing else."""

import base64
import binascii
import hmac
from typing import Final
from uuid import UUID

from domain.notification.entity import NotificationReason

_MAC_BYTES: Final = 16
_MAX_CHARS: Final = 200


class UnsubscribeTokens:
    """Tokens under a secret of their own."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, user_id: UUID, reason: NotificationReason | None) -> str:
        """The token that ends mails to a person for a reason; None: all of them."""
        body = user_id.bytes + (reason or "").encode()
        return base64.urlsafe_b64encode(self._mac(body) + body).decode().rstrip("=")

    def decode(self, token: str) -> tuple[UUID, NotificationReason | None] | None:
        """The person and the reason of a token; None for one that was not made here."""
        if len(token) > _MAX_CHARS or not token.isascii():
            return None
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if not hmac.compare_digest(mac, self._mac(body)):
                return None
            reason = body[16:].decode()
            found = UUID(bytes=body[:16]), NotificationReason(reason) if reason else None
            return found if self.encode(*found) == token else None  # base64 has more than one text for the same bytes
        except (binascii.Error, ValueError):
            return None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_MAC_BYTES]
