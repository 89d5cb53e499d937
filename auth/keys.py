"""The keys that sign access tokens and ID tokens: ES256, rotated with overlap, encrypted in the database.

A new key is published at once and signs from `signs_from` on, by when every process has loaded it and every cache of the JWKS
has expired. The key before it verifies for `OVERLAP_SECONDS` longer, by when the last token that it signed has expired.
Processes load the keys at start-up and every few seconds, so that verifying a token needs no database.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from joserfc.jwk import ECKey

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
LEAD_SECONDS: Final = 300.0
"""How long a new key is published before it signs; the JWKS may be cached for as long."""
OVERLAP_SECONDS: Final = 1800.0
"""How long a key verifies after the next one began to sign; tokens live for less."""
MAX_KEYS: Final = 100


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the time (seconds since the epoch) from which it signs."""

    kid: str
    key: ECKey
    signs_from: float


class SigningKeys:
    """The keys of this server, as they were loaded last: one signs, all that are not outdated verify."""

    def __init__(self, keys: Sequence[SigningKey], *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._keys: tuple[SigningKey, ...] = ()
        self._by_id: Mapping[str, ECKey] = {}
        self.replace(keys)

    def replace(self, keys: Sequence[SigningKey]) -> None:
        """Use these keys from now on; there is at least one."""
        assert keys
        self._keys = tuple(sorted(keys, key=lambda each: (each.signs_from, each.kid)))
        self._by_id = {each.kid: each.key for each in self._keys}

    @property
    def newest(self) -> SigningKey:
        """The key that signs last, perhaps only in the future."""
        return self._keys[-1]

    @property
    def signing(self) -> ECKey:
        """The key that signs now: the newest that may. The very first key always may."""
        now = self._now()
        return next((each.key for each in reversed(self._keys) if each.signs_from <= now), self._keys[0].key)

    def find(self, kid: str) -> ECKey | None:
        """The key with this id; None when there is none, or it is outdated."""
        return self._by_id.get(kid)

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK Set (RFC 7517), with those that sign only later."""
        return {
            "keys": [
                {**each.key.as_dict(private=False), "kid": each.kid, "use": "sig", "alg": ALGORITHM}
                for each in reversed(self._keys)
            ]
        }


def generate_key(signs_from: float) -> SigningKey:
    """A new key, whose id is its thumbprint (RFC 7638)."""
    key = ECKey.generate_key(CURVE, auto_kid=True)
    assert key.kid is not None
    return SigningKey(key.kid, key, signs_from)


def outdated(keys: Sequence[SigningKey], now: float) -> list[str]:
    """The ids of the keys that need not verify any more: a later key has signed for longer than any token lives."""
    ordered = sorted(keys, key=lambda each: each.signs_from)
    return [each.kid for each, following in pairwise(ordered) if following.signs_from + OVERLAP_SECONDS <= now]
