"""Stores the signing keys encrypted, loads them, and rotates them.

A private key is stored as a JWE (`dir`, A256GCM) under a key derived from the secret of the deployment; its id is part of what
is authenticated, so that no ciphertext can stand under another id. Keys that an older version stored in clear are encrypted when
they are loaded, and replaced by a new one, since backups and the write-ahead log still hold them.
"""

import json
import time
from datetime import UTC, datetime
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from auth.keys import LEAD_SECONDS, MAX_KEYS, SigningKey, SigningKeys, generate_key, outdated
from auth.server_secret import ServerSecret
from persistence.engine.database import Database
from persistence.stores import signing_key as stored_keys

_ENCRYPTION: Final = {"alg": "dir", "enc": "A256GCM"}


class UndecryptableKeys(Exception):
    """The stored keys were encrypted with another secret, or tampered with."""


class TooManyKeys(Exception):
    """There are as many keys as a server loads; the oldest are deleted when their tokens have expired."""


class KeyStore:
    """The signing keys in the database. Times are seconds since the epoch."""

    def __init__(self, database: Database, secret: ServerSecret, *, lead_seconds: float = LEAD_SECONDS) -> None:
        self._database = database
        self._encryption_key = OctKey.import_key(secret.derive("signing keys"))
        self._lead_seconds = lead_seconds

    async def open(self) -> SigningKeys:
        """The keys of this server; generates the first one. Raises UndecryptableKeys."""
        keys = await self._load()
        if not keys:
            first = generate_key(time.time())
            await stored_keys.insert_first(self._database, first.kid, self._encrypt(first), _instant(first.signs_from))
            keys = await self._load()
        return SigningKeys(keys)

    async def refresh(self, keys: SigningKeys) -> None:
        """Load the keys again: those of other processes are added, deleted ones verify no more. Raises UndecryptableKeys."""
        if loaded := await self._load():
            keys.replace(loaded)

    async def rotate(self, keys: SigningKeys | None = None, *, revoke_others: bool = False) -> str:
        """
        Add a key, which signs after the lead time; the id of the key. Raises TooManyKeys.

        `revoke_others`: it signs at once and all others are deleted, whatever they were encrypted with: every access token is
        refused from the next refresh of each process on.
        """
        fresh = generate_key(time.time() + (0.0 if revoke_others else self._lead_seconds))
        encrypted, signs_from = self._encrypt(fresh), _instant(fresh.signs_from)
        if revoke_others:
            await stored_keys.replace_all(self._database, fresh.kid, encrypted, signs_from)
        elif not await stored_keys.insert(self._database, fresh.kid, encrypted, signs_from, max_keys=MAX_KEYS):
            raise TooManyKeys(f"There are {MAX_KEYS} keys; wait until the oldest are deleted.")
        if keys is not None:
            await self.refresh(keys)
        return fresh.kid

    async def maintain(self, keys: SigningKeys, *, max_age_seconds: float | None) -> None:
        """Load the keys again, delete outdated ones, and add one when the newest is too old."""
        await self.refresh(keys)
        if max_age_seconds is not None and keys.newest.signs_from + max_age_seconds <= time.time():
            await self.rotate(keys)

    async def _load(self) -> list[SigningKey]:
        rows = await stored_keys.list_keys(self._database)
        keys = [self._decrypt(row) for row in rows]
        in_clear = [each for each, row in zip(keys, rows, strict=True) if row.encrypted_jwk is None]
        for each in in_clear:
            await stored_keys.encrypt(self._database, each.kid, self._encrypt(each))
        if in_clear:
            await self.rotate()
            return await self._load()
        if old := outdated(keys, time.time()):
            await stored_keys.delete(self._database, old)
        return [each for each in keys if each.kid not in old]

    def _encrypt(self, key: SigningKey) -> str:
        private = json.dumps(key.key.as_dict(private=True))
        return jwe.encrypt_compact({**_ENCRYPTION, "kid": key.kid}, private, self._encryption_key)

    def _decrypt(self, row: stored_keys.StoredKey) -> SigningKey:
        signs_from = row.signs_from.timestamp()
        if row.encrypted_jwk is None:
            assert row.private_jwk is not None
            return SigningKey(row.kid, ECKey.import_key(dict(row.private_jwk)), signs_from)
        try:
            decrypted = jwe.decrypt_compact(row.encrypted_jwk, self._encryption_key, algorithms=list(_ENCRYPTION.values()))
            if decrypted.headers().get("kid") != row.kid or decrypted.plaintext is None:
                raise UndecryptableKeys(f"The signing key {row.kid} is not what was stored under this id.")
            return SigningKey(row.kid, ECKey.import_key(json.loads(decrypted.plaintext)), signs_from)
        except (JoseError, ValueError) as error:
            raise UndecryptableKeys("The signing keys in the database were encrypted with another secret.") from error


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
