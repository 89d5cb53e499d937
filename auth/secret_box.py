"""Encrypts secrets that must be read again, under a key derived from the secret of the deployment.

The form is a compact JWE (`dir`, A256GCM). The owner of a secret is part of what is authenticated, so that no ciphertext can be
moved to somebody else's row.
"""

from typing import Final
from uuid import UUID

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from auth.server_secret import ServerSecret

_ENCRYPTION: Final = {"alg": "dir", "enc": "A256GCM"}


class SecretBox:
    """Encrypts and decrypts secrets of one purpose."""

    def __init__(self, secret: ServerSecret, purpose: str) -> None:
        self._key = OctKey.import_key(secret.derive(purpose))

    def encrypt(self, plaintext: bytes, *, owner: UUID) -> str:
        """The ciphertext, as text."""
        return jwe.encrypt_compact({**_ENCRYPTION, "kid": str(owner)}, plaintext, self._key)

    def decrypt(self, ciphertext: str, *, owner: UUID) -> bytes | None:
        """The secret; None where it was encrypted with another secret of the deployment, for somebody else, or tampered with."""
        try:
            decrypted = jwe.decrypt_compact(ciphertext, self._key, algorithms=list(_ENCRYPTION.values()))
        except (JoseError, ValueError):
            return None
        return decrypted.plaintext if decrypted.headers().get("kid") == str(owner) else None
