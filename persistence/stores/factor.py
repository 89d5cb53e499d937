"""Factors and recovery codes: the store, and the queries of requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import BigInteger, LargeBinary, Uuid, and_, bindparam, func, or_, select

from domain.factor import Factor, UsedChallenge
from domain.passkey import NewCredential
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, factors, recovery_codes

_f, _r = factors, recovery_codes
_ID, _USER = bindparam("id", type_=Uuid), bindparam("user", type_=Uuid)
_STEP, _AT = bindparam("step", type_=BigInteger), bindparam("at", type_=INSTANT)
_HASH = bindparam("code_hash", type_=LargeBinary)
_COUNT = bindparam("sign_count", type_=BigInteger)
_CREDENTIAL, _KEY = bindparam("credential_id", type_=LargeBinary), bindparam("public_key", type_=LargeBinary)
_ADD = Statement(insert_row(Factor, _f))
_GET = Statement(select(*columns(Factor, _f)).where(_f.c.id == _ID))
_of_user = select(*columns(Factor, _f)).where(_f.c.user_id == _USER).order_by(_f.c.created_at, _f.c.id)
_OF_USER = Statement(_of_user)
_CONFIRMED = Statement(_of_user.where(_f.c.confirmed_at.is_not(None)), row_class(Factor))
_CONFIRM = Statement(_f.update().where(_f.c.id == _ID).values(confirmed_at=_AT, last_used_at=_AT, last_step=_STEP))
_USE_STEP = Statement(
    _f.update()
    .where(_f.c.id == _ID, _f.c.confirmed_at.is_not(None), _f.c.last_step < _STEP)
    .values(last_step=_STEP, last_used_at=_AT)
)
_CONFIRM_PASSKEY = Statement(
    _f.update().where(_f.c.id == _ID).values(confirmed_at=_AT, credential_id=_CREDENTIAL, public_key=_KEY, sign_count=_COUNT)
)
_OF_CREDENTIAL = Statement(select(*columns(Factor, _f)).where(_f.c.credential_id == _CREDENTIAL))
# A count that stays at 0 is that of a passkey that does not count; any other grows with every signature.
_USE_CHALLENGE = Statement(
    _f.update()
    .where(_f.c.id == _ID, _f.c.confirmed_at.is_not(None), _f.c.last_step < _STEP)
    .where(or_(_f.c.sign_count < _COUNT, and_(_f.c.sign_count == 0, _COUNT == 0)))
    .values(last_step=_STEP, sign_count=_COUNT, last_used_at=_AT)
)
_REMOVE = Statement(_f.delete().where(_f.c.id == any_id()))
_REMOVE_CODES = Statement(_r.delete().where(_r.c.user_id == _USER))
_ADD_CODE = Statement(_r.insert().values(user_id=_USER, code_hash=_HASH))
_USE_CODE = Statement(_r.delete().where(_r.c.user_id == _USER, _r.c.code_hash == _HASH))
_HAS_CODE = Statement(select(_r.c.code_hash).where(_r.c.user_id == _USER, _r.c.code_hash == _HASH))
_COUNT_CODES = Statement(select(func.count()).select_from(_r).where(_r.c.user_id == _USER))


class SqlFactors:
    """Factors over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, factor: Factor) -> None:
        """Insert a new factor."""
        await self._connection.execute(_ADD, **to_params(factor))

    async def get(self, factor_id: UUID) -> Factor | None:
        """A factor, whosever it is."""
        row = await self._connection.fetch_row(_GET, id=factor_id)
        return row and to_entity(Factor, row)

    async def list_for_user(self, user_id: UUID) -> Sequence[Factor]:
        """The factors of a user, confirmed or not, the oldest first."""
        return [to_entity(Factor, row) for row in await self._connection.fetch(_OF_USER, user=user_id)]

    async def confirm(self, factor_id: UUID, *, step: int, at: datetime) -> None:
        """Make a factor count, whose step was used."""
        await self._connection.execute(_CONFIRM, id=factor_id, step=step, at=at)

    async def use_step(self, factor_id: UUID, *, step: int, at: datetime) -> bool:
        """Store the step; False when it, or a later one, was used in between."""
        return await self._connection.execute(_USE_STEP, id=factor_id, step=step, at=at) == 1

    async def confirm_passkey(self, factor_id: UUID, credential: NewCredential, *, at: datetime) -> bool:
        """Make a passkey count; False when there is one with this id already."""
        given = {
            "credential_id": credential.credential_id,
            "public_key": credential.public_key,
            "sign_count": credential.sign_count,
        }
        try:
            async with self._connection.savepoint():
                await self._connection.execute(_CONFIRM_PASSKEY, id=factor_id, at=at, **given)
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def use_challenge(self, proof: UsedChallenge, *, at: datetime) -> bool:
        """Store that a passkey signed; False when it signed a later challenge, or counted as many signatures, in between."""
        signed = {"step": proof.issued_at, "sign_count": proof.sign_count}
        return await self._connection.execute(_USE_CHALLENGE, id=proof.factor_id, at=at, **signed) == 1

    async def remove(self, factor_ids: Sequence[UUID]) -> None:
        """Delete factors."""
        await self._connection.execute(_REMOVE, ids=list(factor_ids))

    async def replace_recovery_codes(self, user_id: UUID, hashes: Sequence[bytes]) -> None:
        """Store the hashes of recovery codes in place of all earlier ones."""
        await self._connection.execute(_REMOVE_CODES, user=user_id)
        await self._connection.execute_many(_ADD_CODE, [{"user": user_id, "code_hash": each} for each in hashes])

    async def use_recovery_code(self, user_id: UUID, code_hash: bytes) -> bool:
        """Delete the code; False when there is none."""
        return await self._connection.execute(_USE_CODE, user=user_id, code_hash=code_hash) == 1


async def list_confirmed(database: Database, user_id: UUID) -> Sequence[Any]:
    """The factors of a user that count, the oldest first; at most 10."""
    return await database.fetch(_CONFIRMED, user=user_id)


async def by_ids(database: Database, viewer: UUID, factor_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the factors that are the viewer's own and count."""
    return {row.id: row for row in await list_confirmed(database, viewer) if row.id in set(factor_ids)}


async def get_own(database: Database, user_id: UUID, factor_id: UUID) -> Factor | None:
    """A factor of a user, confirmed or not."""
    row = await database.fetch_row(_GET, id=factor_id)
    return to_entity(Factor, row) if row is not None and row["user_id"] == user_id else None


async def get_passkey(database: Database, credential_id: bytes) -> Factor | None:
    """The passkey with this id, whosever it is."""
    row = await database.fetch_row(_OF_CREDENTIAL, credential_id=credential_id)
    return row and to_entity(Factor, row)


async def has_recovery_code(database: Database, user_id: UUID, code_hash: bytes) -> bool:
    """Whether a user has this recovery code."""
    return await database.fetch_row(_HAS_CODE, user=user_id, code_hash=code_hash) is not None


async def count_recovery_codes(database: Database, user_id: UUID) -> int:
    """How many recovery codes a user has left."""
    counted: int = await database.fetch_value(_COUNT_CODES, user=user_id)
    return counted
