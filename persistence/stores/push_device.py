"""Push devices: the store, and the lookups of the graph and of those who send."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid, bindparam, select

from domain.push_device import PushDevice
from persistence.access import any_id
from persistence.engine.advisory_lock import lock_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.stores import session
from persistence.tables import push_devices

_p = push_devices
_USER = bindparam("user", type_=Uuid)
_ADD = Statement(insert_row(PushDevice, _p))
_SAVE = Statement(update_row(PushDevice, _p, exclude=("user_id",)))
_REMOVE = Statement(_p.delete().where(_p.c.id == bindparam("id", type_=Uuid), _p.c.user_id == _USER))
_REMOVE_ALL = Statement(_p.delete().where(_p.c.user_id == _USER))
_of_user = select(*columns(PushDevice, _p)).where(_p.c.user_id == _USER).order_by(_p.c.created_at.desc(), _p.c.id)
_OF_USER = Statement(_of_user, row_class(PushDevice))
_BY_TOKEN = Statement(
    select(*columns(PushDevice, _p)).where(_p.c.token_hash == bindparam("token_hash", type_=LargeBinary)).with_for_update()
)
_BY_IDS = Statement(select(*columns(PushDevice, _p)).where(_p.c.id == any_id(), _p.c.user_id == _USER), row_class(PushDevice))
_MARK = Statement(
    _p.update()
    .where(_p.c.id == bindparam("id", type_=Uuid))
    .values(
        failing_since=bindparam("failing_since", type_=_p.c.failing_since.type),
        retry_at=bindparam("retry_at", type_=_p.c.retry_at.type),
    )
)


class SqlPushDevices:
    """Devices over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock_registration(self, user_id: UUID, token_hash: bytes) -> None:
        """Lock the user's id and the token's until the end of the transaction, in this order."""
        await lock_id(self._connection, user_id)
        await lock_id(self._connection, UUID(bytes=token_hash[:16]))

    async def list_for_user(self, user_id: UUID) -> Sequence[PushDevice]:
        """A user's devices, the newest first."""
        return [to_entity(PushDevice, row) for row in await self._connection.fetch(_OF_USER, user=user_id)]

    async def find_by_token(self, token_hash: bytes) -> PushDevice | None:
        """The device with a token, locked."""
        row = await self._connection.fetch_row(_BY_TOKEN, token_hash=token_hash)
        return None if row is None else to_entity(PushDevice, row)

    async def add(self, device: PushDevice) -> None:
        """Insert a new device."""
        await self._connection.execute(_ADD, **to_params(device))

    async def save(self, device: PushDevice) -> None:
        """Update a changed device."""
        await self._connection.execute(_SAVE, **to_params(device))

    async def mark(self, device: PushDevice) -> None:
        """Store whether it fails, and until when it is left alone."""
        await self._connection.execute(_MARK, id=device.id, failing_since=device.failing_since, retry_at=device.retry_at)

    async def remove(self, device_id: UUID, user_id: UUID) -> bool:
        """Delete a user's device; False when there is none."""
        return await self._connection.execute(_REMOVE, id=device_id, user=user_id) == 1

    async def remove_all(self, user_id: UUID) -> None:
        """Delete all devices of a user."""
        await self._connection.execute(_REMOVE_ALL, user=user_id)


async def of_user(database: Database, user_id: UUID) -> Sequence[Any]:
    """A user's devices, the newest first."""
    return await database.fetch(_OF_USER, user=user_id)


async def by_ids(database: Database, viewer: UUID, device_ids: Sequence[UUID]) -> Mapping[UUID, Any]:
    """Those of the devices that are the viewer's own."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(device_ids), user=viewer)}


async def without_session(database: Database, devices: Sequence[PushDevice]) -> Sequence[PushDevice]:
    """Those of the devices whose sessions have ended."""
    opened = {each.session_id for each in devices if each.session_id is not None}
    active = await session.find_active(database, list(opened), datetime.now(UTC)) if opened else frozenset()
    return [each for each in devices if each.session_id is not None and each.session_id not in active]


async def mark(database: Database, device: PushDevice) -> None:
    """Store whether a device fails, and until when it is left alone."""
    async with database.begin() as connection:
        await SqlPushDevices(connection).mark(device)
