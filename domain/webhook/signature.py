"""Signs what webhooks send, as Standard Webhooks say (v1: HMAC-SHA256), so that existing libraries verify it."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (what every secret begins with)
_SECRET_BYTES: Final = 32


class WebhookSecrets(Protocol):
    """Encrypts secrets for the database."""

    def encrypt(self, plaintext: bytes, *, owner: UUID) -> str: ...
    def decrypt(self, ciphertext: str, *, owner: UUID) -> bytes | None:
        """The secret; None where it was encrypted with another key of the deployment."""
        ...


def new_secret() -> tuple[bytes, str]:
    """A new secret, and how it is shown."""
    secret = secrets.token_bytes(_SECRET_BYTES)
    return secret, SECRET_PREFIX + base64.b64encode(secret).decode()


def sign(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: a signature by each key, the newest first."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(key, content, 'sha256')).decode()}" for key in keys)
