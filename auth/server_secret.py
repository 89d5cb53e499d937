"""Holds the secret of this deployment, from which the keys of single purposes are derived.

It is the setting `HIVE_SECRET_KEY`, or else a secret that the first process of a machine generates and stores in the folder for
data, readable by its owner only. It encrypts what must not lie in the database in clear, such as the private signing keys.
"""

import contextlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

MIN_SECRET_CHARS: Final = 32
_FILE_NAME: Final = "secret_key"


class ServerSecret:
    """The secret of a deployment."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, the same in every process with this secret."""
        return hmac.digest(self._secret, f"pantherahive {purpose}".encode(), "sha256")


def generate_secret() -> str:
    """A new secret of 256 bits, as text."""
    return secrets.token_urlsafe(32)


def read_or_create_secret(folder: Path) -> str:
    """
    The secret that is stored in a folder; creates it, with mode 0600, where there is none. Raises OSError.

    Processes that start together agree: a complete file is linked into its place, and only the first link succeeds.
    """
    path = folder / _FILE_NAME
    if not path.exists():
        draft = folder / f".{_FILE_NAME}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(generate_secret())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
        finally:
            draft.unlink()
    stored = path.read_text().strip()
    if len(stored) < MIN_SECRET_CHARS:
        raise OSError(f"{path} holds no secret of {MIN_SECRET_CHARS} characters")
    return stored
