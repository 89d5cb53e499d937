"""Opens the secret of a deployment, and the keys that sign tokens."""

import asyncio
import hmac

from app.service_database import CannotStart, require_folder
from app.settings import Settings
from auth.key_store import KeyStore, TooManyKeys, UndecryptableKeys
from auth.keys import LEAD_SECONDS, SigningKeys
from auth.server_secret import ServerSecret, read_or_create_secret
from domain.audit import Seal
from persistence.engine.database import open_database


def open_secret(settings: Settings) -> ServerSecret:
    """The secret of the deployment: the one that is set, or that of the folder for data. Raises CannotStart."""
    if settings.secret_key is not None:
        return ServerSecret(settings.secret_key.get_secret_value())
    folder = settings.data_dir.absolute()
    require_folder(folder)
    try:
        return ServerSecret(read_or_create_secret(folder))
    except OSError as error:
        raise CannotStart(f"The secret of the folder {folder} cannot be used: {error}. Set HIVE_SECRET_KEY instead.") from error


def audit_seal(secret: ServerSecret) -> Seal:
    """What seals the heads of audit logs."""
    key = secret.derive("audit log")
    return lambda content: hmac.digest(key, content, "sha256")


async def open_keys(key_store: KeyStore) -> SigningKeys:
    """The keys that sign tokens. Raises CannotStart."""
    try:
        return await key_store.open()
    except UndecryptableKeys as error:
        raise CannotStart(
            f"{error} Set HIVE_SECRET_KEY to that secret, or bring back the file secret_key of its HIVE_DATA_DIR. "
            "If it is lost, run `server.py admin rotate-keys --revoke`."
        ) from error


async def rotate_keys(settings: Settings, url: str, *, revoke_others: bool) -> str:
    """Add a signing key, over a migrated database; a report for operators."""
    async with open_database(url, max_connections=2) as database:
        key_store = KeyStore(database, await asyncio.to_thread(open_secret, settings))
        if not revoke_others:
            await open_keys(key_store)
        try:
            kid = await key_store.rotate(revoke_others=revoke_others)
        except TooManyKeys as error:
            raise CannotStart(str(error)) from error
    if revoke_others:
        return f"The key {kid} signs from now on. All others are deleted: access tokens are refused until clients refresh them."
    return f"The key {kid} is published, and signs from {LEAD_SECONDS / 60:.0f} minutes from now on."
