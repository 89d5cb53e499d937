"""Stores the key with which the server identifies itself to push services (VAPID), encrypted like the keys that sign tokens.

Browsers subscribe for one key, and take no pushes signed by another: so it is never rotated. Where it cannot be decrypted, since
the secret of the deployment was lost, a new one takes its place, and browsers register again.
"""

import json
import logging
from typing import Final
from uuid import UUID

from joserfc.jwk import ECKey
from uuid_utils.compat import uuid7

from auth.secret_box import SecretBox
from auth.server_secret import ServerSecret
from persistence.engine.database import Database
from persistence.stores import push_key as stored_keys

_CURVE: Final = "P-256"
logger = logging.getLogger(__name__)


async def open_push_key(database: Database, secret: ServerSecret) -> ECKey:
    """The key of this deployment; makes it where there is none."""
    box = SecretBox(secret, "push key")
    while (found := await _load(database, box)) is None:
        key_id, key = uuid7(), ECKey.generate_key(_CURVE)
        encrypted = box.encrypt(json.dumps(key.as_dict(private=True)).encode(), owner=key_id)
        await stored_keys.insert_first(database, key_id, encrypted)
    return found


async def _load(database: Database, box: SecretBox) -> ECKey | None:
    stored: tuple[UUID, str] | None = await stored_keys.find(database)
    if stored is None:
        return None
    key_id, encrypted = stored
    plain = box.decrypt(encrypted, owner=key_id)
    if plain is None:
        logger.warning("The key of pushes was encrypted with another secret: there is a new one, and browsers register again.")
        await stored_keys.delete(database, key_id)
        return None
    return ECKey.import_key(json.loads(plain))
