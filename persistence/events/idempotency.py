"""Stores idempotency keys: for 24 hours the same key of the same actor returns the first result.

A key is claimed before anything else that the operation writes, and its result is stored with what was written, so a second call
with it waits for the first, and a call that failed leaves no trace. A refused call is not stored: nothing was written, it is
decided anew.

An operation that saves one row by a single statement (`persistence.engine.write_batcher`) claims its key in that statement,
before the positions of its events are known: then the result names the events, and their positions are read when it is returned.
Such a statement, in which others take part, does not wait: a claim takes an advisory lock on the key until the end of its
transaction, and where another call has the lock the operation is left out, to run again in a transaction of its own that waits.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    CTE,
    ColumnElement,
    Interval,
    LargeBinary,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from domain.errors import IdempotencyMismatch
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import recordset
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, events, idempotency_keys

KEY_RETENTION = timedelta(hours=24)

_keys = idempotency_keys
_COLUMNS = ("actor_id", "client_mutation_id", "fingerprint", "result", "created_at")


def _lock_key(actor_id: ColumnElement[Any], key: ColumnElement[Any]) -> ColumnElement[int]:
    """The number of the advisory lock of a key."""
    return func.hashtextextended(cast(actor_id, Text) + literal_column("':'", Text) + key, literal_column("0"))


def _insert_keys(rows: Select[Any]) -> ReturningInsert[Any]:
    """Insert keys, and replace those that are older than a day. Returns those that could be claimed."""
    keys = insert(_keys).from_select(_COLUMNS, rows)
    return keys.on_conflict_do_update(
        index_elements=[_keys.c.actor_id, _keys.c.client_mutation_id],
        set_={name: keys.excluded[name] for name in ("fingerprint", "result", "created_at")},
        where=_keys.c.created_at < keys.excluded.created_at - literal_column("interval '24 hours'", Interval),
    ).returning(_keys.c.actor_id, _keys.c.client_mutation_id)


_ACTOR, _KEY = bindparam("actor_id", type_=Uuid), bindparam("key", type_=Text)
_CLAIM = Statement(
    _insert_keys(
        select(_ACTOR, _KEY, bindparam("fingerprint", type_=LargeBinary), null(), bindparam("now", type_=INSTANT)).select_from(
            func.pg_advisory_xact_lock(_lock_key(_ACTOR, _KEY)).alias("lock")
        )
    )
)
_find = (
    _keys.select()
    .with_only_columns(_keys.c.fingerprint, _keys.c.result)
    .where(_keys.c.actor_id == bindparam("actor_id"), _keys.c.client_mutation_id == bindparam("key"))
)
_FIND = Statement(_find)
_FIND_RECENT = Statement(_find.where(_keys.c.created_at >= bindparam("expired_before", type_=INSTANT)))
_STORE_RESULT = Statement(
    _keys.update()
    .where(_keys.c.actor_id == bindparam("actor"), _keys.c.client_mutation_id == bindparam("key"))
    .values(result=bindparam("result"))
)
_DELETE_EXPIRED = Statement(_keys.delete().where(_keys.c.created_at < bindparam("expired_before", type_=INSTANT)))
_POSITIONS = Statement(select(events.c.stream, events.c.position).where(events.c.id == any_id()).order_by(events.c.position))

Fetch = Callable[..., Awaitable[list[Any]]]


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """An idempotency key that an operation was called with, and the fingerprint of its input."""

    actor_id: UUID
    key: str
    fingerprint: bytes
    at: datetime

    async def acquire(self, connection: Connection) -> bool:
        """Claim the key; waits for a concurrent call that does. False when it is taken."""
        given = {"actor_id": self.actor_id, "key": self.key, "fingerprint": self.fingerprint, "now": self.at}
        return await connection.fetch_value(_CLAIM, **given) is not None

    async def find_result(self, connection: Connection) -> Mapping[str, Any]:
        """The result under a key that is taken. Raises IdempotencyMismatch."""
        row = await connection.fetch_row(_FIND, actor_id=self.actor_id, key=self.key)
        return await _read_result(connection.fetch, row, self.fingerprint)

    async def store_result(self, connection: Connection, result: Mapping[str, Any]) -> None:
        """Store the result under the claimed key."""
        await connection.execute(_STORE_RESULT, actor=self.actor_id, key=self.key, result=result)

    def to_row(self, result: Mapping[str, Any], entry_ids: Sequence[UUID]) -> dict[str, Any]:
        """The parameters of `RowUpdate.batch` with keys: the key with its result, which names the entries."""
        return {
            "actor_id": self.actor_id,
            "client_mutation_id": self.key,
            "fingerprint": f"\\x{self.fingerprint.hex()}",
            "result": {**result, "entries": entry_ids},
            "created_at": self.at,
        }


def claim_keys() -> CTE:
    """Claim the keys of the parameter `claims` (rows of `IdempotencyClaim.to_row`) that no other call has locked.

    Returns `row`, the id of the row that each belongs to.
    """
    given = recordset("claims", "claim", column("row", Uuid), *(column(name, _keys.c[name].type) for name in _COLUMNS))
    free = func.pg_try_advisory_xact_lock(_lock_key(given.c.actor_id, given.c.client_mutation_id))
    own = _insert_keys(select(*(given.c[name] for name in _COLUMNS)).where(free)).cte("own")
    same = (own.c.actor_id == given.c.actor_id) & (own.c.client_mutation_id == given.c.client_mutation_id)
    return select(given.c.row, given.c.actor_id, given.c.client_mutation_id).join(own, same).cte("claimed")


def fail_unless_updated(claimed: CTE, locked: CTE) -> CTE:
    """Fail when a key was claimed and its row cannot be updated: insert it once more without a fingerprint, which violates NOT
    NULL."""
    is_locked = exists(select(locked.c.id).where(locked.c.id == claimed.c.row))
    again = select(claimed.c.actor_id, claimed.c.client_mutation_id, null(), func.now()).where(~is_locked)
    return insert(_keys).from_select(["actor_id", "client_mutation_id", "fingerprint", "created_at"], again).cte("undone")


async def find_result(database: Database, actor_id: UUID, key: str, expected_fingerprint: bytes) -> Mapping[str, Any] | None:
    """The result that is stored under an idempotency key, without claiming it. Raises IdempotencyMismatch."""
    row = await database.fetch_row(_FIND_RECENT, actor_id=actor_id, key=key, expired_before=datetime.now(UTC) - KEY_RETENTION)
    return None if row is None or row["result"] is None else await _read_result(database.fetch, row, expected_fingerprint)


async def _read_result(fetch: Fetch, row: Any, expected_fingerprint: bytes) -> Mapping[str, Any]:
    if row["fingerprint"] != expected_fingerprint:
        raise IdempotencyMismatch
    result: Mapping[str, Any] = row["result"]
    if "entries" in result:
        found = await fetch(_POSITIONS, ids=[UUID(each) for each in result["entries"]])
        return {**result, "positions": {each["stream"]: each["position"] for each in found}}
    return result


def compute_fingerprint(mutation: str, arguments: Any) -> bytes:
    """The fingerprint of an input: another input of the same idempotency key has another one."""
    return hashlib.sha256(mutation.encode() + orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS, default=str)).digest()


async def delete_expired_keys(database: Database, now: datetime) -> int:
    """Deletes idempotency keys that are older than a day; returns how many."""
    async with database.begin() as connection:
        return await connection.execute(_DELETE_EXPIRED, expired_before=now - KEY_RETENTION)
