"""Idempotency keys: for 24 hours the same key of the same actor is answered with the first result.

A key is claimed before anything else that the operation writes, and its result is kept with what was written, so a second call
with it waits for the first, and a call that failed leaves no trace. What was refused is not remembered: nothing was written, it
is judged anew.

An operation that keeps one row by a single statement (`persistence.engine.write_batcher`) claims its key in that statement,
before it is known at which places its events will stand: then the result names the events, and whoever recalls it looks for their
places. Such a statement, in which others take part, waits for nobody: whoever claims a key has its turn, an advisory lock, until
the end of his transaction, and where somebody has it the operation is left out, to run again in a transaction of its own that
waits.
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
from persistence.access import ids
from persistence.engine.database import Connection, Database, Statement
from persistence.engine.rows import recordset
from persistence.tables import INSTANT, events, idempotency_keys

REMEMBERED = timedelta(hours=24)

_r = idempotency_keys
_COLUMNS = ("actor_id", "client_mutation_id", "fingerprint", "result", "created_at")


def _turn(actor_id: ColumnElement[Any], key: ColumnElement[Any]) -> ColumnElement[int]:
    """The number of the advisory lock of a key."""
    return func.hashtextextended(cast(actor_id, Text) + literal_column("':'", Text) + key, literal_column("0"))


def _claimed(asked: Select[Any]) -> ReturningInsert[Any]:
    """Insert keys, and those that are older than a day anew. Returns those that could be claimed."""
    keys = insert(_r).from_select(_COLUMNS, asked)
    return keys.on_conflict_do_update(
        index_elements=[_r.c.actor_id, _r.c.client_mutation_id],
        set_={name: keys.excluded[name] for name in ("fingerprint", "result", "created_at")},
        where=_r.c.created_at < keys.excluded.created_at - literal_column("interval '24 hours'", Interval),
    ).returning(_r.c.actor_id, _r.c.client_mutation_id)


_ACTOR, _KEY = bindparam("actor_id", type_=Uuid), bindparam("key", type_=Text)
_CLAIM = Statement(
    _claimed(
        select(_ACTOR, _KEY, bindparam("fingerprint", type_=LargeBinary), null(), bindparam("now", type_=INSTANT)).select_from(
            func.pg_advisory_xact_lock(_turn(_ACTOR, _KEY)).alias("turn")
        )
    )
)
_recall = (
    _r.select()
    .with_only_columns(_r.c.fingerprint, _r.c.result)
    .where(_r.c.actor_id == bindparam("actor_id"), _r.c.client_mutation_id == bindparam("key"))
)
_RECALL = Statement(_recall)
_RECALL_RECENT = Statement(_recall.where(_r.c.created_at >= bindparam("forgotten", type_=INSTANT)))
_SETTLE = Statement(
    _r.update()
    .where(_r.c.actor_id == bindparam("actor"), _r.c.client_mutation_id == bindparam("key"))
    .values(result=bindparam("result"))
)
_FORGET = Statement(_r.delete().where(_r.c.created_at < bindparam("forgotten", type_=INSTANT)))
_PLACES = Statement(select(events.c.stream, events.c.position).where(events.c.id == ids()).order_by(events.c.position))

Ask = Callable[..., Awaitable[list[Any]]]


@dataclass(frozen=True, slots=True)
class Claim:
    """An idempotency key that an operation was called with; `mark` is the fingerprint of its input."""

    actor_id: UUID
    key: str
    mark: bytes
    at: datetime

    async def make(self, connection: Connection) -> bool:
        """Claim the key; waits while another call does. False when it is taken."""
        given = {"actor_id": self.actor_id, "key": self.key, "fingerprint": self.mark, "now": self.at}
        return await connection.fetch_value(_CLAIM, **given) is not None

    async def recall(self, connection: Connection) -> Mapping[str, Any]:
        """The result under a key that is taken. Raises IdempotencyMismatch."""
        row = await connection.fetch_row(_RECALL, actor_id=self.actor_id, key=self.key)
        return await _result(connection.fetch, row, self.mark)

    async def settle(self, connection: Connection, result: Mapping[str, Any]) -> None:
        """Remember the result under the claimed key."""
        await connection.execute(_SETTLE, actor=self.actor_id, key=self.key, result=result)

    def with_entries(self, result: Mapping[str, Any], entry_ids: Sequence[UUID]) -> dict[str, Any]:
        """What `Kept.claiming` is given: the key with its result, whose places are those of the entries."""
        return {
            "actor_id": self.actor_id,
            "client_mutation_id": self.key,
            "fingerprint": f"\\x{self.mark.hex()}",
            "result": {**result, "entries": entry_ids},
            "created_at": self.at,
        }


def claims() -> CTE:
    """Claim the keys that the parameter `claims` holds with their results (`Claim.with_entries`), but for those whose turn
    somebody has. Gives `row`, which each comes with.
    """
    given = recordset("claims", "claim", column("row", Uuid), *(column(name, _r.c[name].type) for name in _COLUMNS))
    free = func.pg_try_advisory_xact_lock(_turn(given.c.actor_id, given.c.client_mutation_id))
    own = _claimed(select(*(given.c[name] for name in _COLUMNS)).where(free)).cte("own")
    same = (own.c.actor_id == given.c.actor_id) & (own.c.client_mutation_id == given.c.client_mutation_id)
    return select(given.c.row, given.c.actor_id, given.c.client_mutation_id).join(own, same).cte("claimed")


def undone(claimed: CTE, held: CTE) -> CTE:
    """Fail when a key was claimed and its row cannot be kept: claim it once more without a fingerprint, which the table doesn't
    take."""
    kept = exists(select(held.c.id).where(held.c.id == claimed.c.row))
    again = select(claimed.c.actor_id, claimed.c.client_mutation_id, null(), func.now()).where(~kept)
    return insert(_r).from_select(["actor_id", "client_mutation_id", "fingerprint", "created_at"], again).cte("undone")


async def remembered(database: Database, actor_id: UUID, key: str, mark: bytes) -> Mapping[str, Any] | None:
    """The result that is remembered under an idempotency key, without claiming it. Raises IdempotencyMismatch."""
    row = await database.fetch_row(_RECALL_RECENT, actor_id=actor_id, key=key, forgotten=datetime.now(UTC) - REMEMBERED)
    return None if row is None or row["result"] is None else await _result(database.fetch, row, mark)


async def _result(ask: Ask, row: Any, mark: bytes) -> Mapping[str, Any]:
    if row["fingerprint"] != mark:
        raise IdempotencyMismatch
    result: Mapping[str, Any] = row["result"]
    if "entries" in result:
        found = await ask(_PLACES, ids=[UUID(each) for each in result["entries"]])
        return {**result, "positions": {each["stream"]: each["position"] for each in found}}
    return result


def fingerprint(mutation: str, given: Any) -> bytes:
    """What tells two inputs of one idempotency key apart."""
    return hashlib.sha256(mutation.encode() + orjson.dumps(given, option=orjson.OPT_SORT_KEYS, default=str)).digest()


async def forget_old_mutations(connection: Connection, now: datetime) -> int:
    """Drop idempotency keys that are older than a day; how many there were."""
    return await connection.execute(_FORGET, forgotten=now - REMEMBERED)
