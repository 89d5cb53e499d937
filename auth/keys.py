"""The key that signs access tokens and, through a derived secret, sync cursors.

One ES256 key is generated when the first process starts and stored in the database, so every process signs and verifies alike. A
deployment may set its own (`HIVE_SIGNING_KEY`, a private JWK or PEM), which then signs, while stored keys still verify.
"""

import hashlib
import json
from dataclasses import dataclass

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from persistence.engine.database import Database
from persistence.stores import signing_key

ALGORITHM = "ES256"
_CURVE = "P-256"


class InvalidSigningKey(ValueError):
    """The configured key cannot sign; the message says why."""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The key that signs, and all keys that verify, by their ids."""

    signing: ECKey
    verifying: dict[str, ECKey]

    def derive_secret(self, purpose: str) -> bytes:
        """A secret of 32 bytes for one purpose, the same in every process that has the same signing key."""
        own = self.signing.as_dict(private=True)["d"]
        return hashlib.sha256(f"pantherahive {purpose} {own}".encode()).digest()


async def load_keys(database: Database, configured: str | None) -> SigningKeys:
    """The keys of this server; generates the first one. Raises InvalidSigningKey."""
    stored = await signing_key.list_keys(database)
    if not stored and configured is None:
        fresh = ECKey.generate_key(_CURVE, auto_kid=True)
        await signing_key.insert_first_key(database, _kid(fresh), fresh.as_dict(private=True))
        stored = await signing_key.list_keys(database)
    keys = [ECKey.import_key(dict(jwk)) for jwk in stored]
    if configured is not None:
        keys.insert(0, _import_key(configured))
    return SigningKeys(signing=keys[0], verifying={_kid(key): key for key in keys})


def _import_key(configured: str) -> ECKey:
    """A key from its JWK or PEM."""
    try:
        key = ECKey.import_key(json.loads(configured) if configured.lstrip().startswith("{") else configured)
    except (ValueError, TypeError, KeyError, JoseError) as error:
        raise InvalidSigningKey("This is neither a JWK nor a PEM of an elliptic curve key.") from error
    if not key.is_private or key.curve_name != _CURVE:
        raise InvalidSigningKey(f"This is not a private key of the curve {_CURVE}.")
    return key


def _kid(key: ECKey) -> str:
    key.ensure_kid()
    kid = key.kid
    assert kid is not None
    return kid
