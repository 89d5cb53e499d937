"""Device codes: the store."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, select

from domain.device_code import DeviceCode
from domain.user import User
from persistence.engine.database import Connection
from persistence.engine.rows import columns, insert_row, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, device_codes, users

_KEPT_FOR: Final = timedelta(hours=1)
_d = device_codes
_ID = bindparam("id", type_=Uuid)
_ADD = Statement(insert_row(DeviceCode, _d))
_FORGET = Statement(_d.delete().where(_d.c.created_at < bindparam("before", type_=INSTANT)))
_SAVE = Statement(update_row(DeviceCode, _d, exclude=("client_id",)))
_LOCK = Statement(select(*columns(DeviceCode, _d)).where(_d.c.id == _ID).with_for_update())
_LOCK_BY_USER_CODE = Statement(
    select(*columns(DeviceCode, _d)).where(_d.c.user_code == bindparam("user_code", type_=Text)).with_for_update()
)
_OWNER = Statement(select(*columns(User, users)).where(users.c.id == _ID))


class SqlDeviceCodes:
    """Device codes over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, code: DeviceCode) -> None:
        """Insert a new code, and delete those that are old."""
        await self._connection.execute(_FORGET, before=code.created_at - _KEPT_FOR)
        await self._connection.execute(_ADD, **to_params(code))

    async def save(self, code: DeviceCode) -> None:
        """Update a changed code."""
        await self._connection.execute(_SAVE, **to_params(code))

    async def lock(self, code_id: UUID) -> tuple[DeviceCode, User | None] | None:
        """A code, locked until the end of the transaction, and who decided."""
        row = await self._connection.fetch_row(_LOCK, id=code_id)
        if row is None:
            return None
        owner = None if row["user_id"] is None else await self._connection.fetch_row(_OWNER, id=row["user_id"])
        return to_entity(DeviceCode, row), owner and to_entity(User, owner)

    async def lock_by_user_code(self, user_code: str) -> DeviceCode | None:
        """A code by what a person enters, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK_BY_USER_CODE, user_code=user_code)
        return row and to_entity(DeviceCode, row)
