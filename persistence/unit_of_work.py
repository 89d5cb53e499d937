"""One operation, one transaction: the stores of the domain over one connection, and what leaves after the commit.

Nothing leaves before the commit, and nothing fails after it: entries are durable with the transaction and then announced, which may
be lost (the log back-fills) but never fails the operation.

`client_mutation_id` is the operation's idempotency key: for 24 hours the same key of the same actor is answered with the first
result. The key is claimed by the first write of the transaction and settled by the last, so a second call with it waits for the
first, and a call that failed leaves no trace. What was refused is not remembered: nothing was written, it is judged anew.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from domain.document.update import announcement
from domain.errors import IdempotencyMismatch
from domain.events import Entry, Event
from persistence import streams
from persistence.attachment import SqlAttachments
from persistence.comment import SqlComments
from persistence.database import Connection, Database, Statement
from persistence.documents.objects import DocumentObjects
from persistence.documents.store import SqlDocuments
from persistence.invitation import SqlInvitations
from persistence.label import SqlLabels
from persistence.project import SqlProjects
from persistence.reference import SqlReferences
from persistence.session import SqlSessions
from persistence.tables import INSTANT, remembered_mutations
from persistence.task import SqlTasks
from persistence.task_link import SqlTaskLinks
from persistence.team import SqlTeams
from persistence.transaction import Transaction, transaction
from persistence.user import SqlUsers
from persistence.watch import SqlWatches
from persistence.writes import Overtaken

T = TypeVar("T")

REMEMBERED = timedelta(hours=24)

_r = remembered_mutations
_CLAIM = Statement(
    insert(_r)
    .values(
        actor_id=bindparam("actor_id"),
        client_mutation_id=bindparam("key"),
        fingerprint=bindparam("fingerprint"),
        result=None,
        created_at=bindparam("now"),
    )
    .on_conflict_do_update(
        index_elements=[_r.c.actor_id, _r.c.client_mutation_id],
        set_={"fingerprint": bindparam("fingerprint"), "result": None, "created_at": bindparam("now")},
        where=_r.c.created_at < bindparam("forgotten", type_=INSTANT),
    )
    .returning(_r.c.client_mutation_id)
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


class Announcer(Protocol):
    """Tells of entries at once; may lose them, may not fail or wait."""

    async def announce(self, entry: Entry) -> None: ...


class SqlUnitOfWork:
    """The domain's unit of work over one Postgres transaction."""

    def __init__(
        self, connection: Transaction, *, client_mutation_id: str | None = None, objects: DocumentObjects | None = None
    ) -> None:
        self.connection = connection
        self.client_mutation_id = client_mutation_id
        self.now = datetime.now(UTC)
        self.recorded: list[Event] = []
        self.entries: list[Entry] = []
        self.users = SqlUsers(connection)
        self.sessions = SqlSessions(connection)
        self.teams = SqlTeams(connection)
        self.invitations = SqlInvitations(connection)
        self.labels = SqlLabels(connection)
        self.projects = SqlProjects(connection)
        self.tasks = SqlTasks(connection)
        self.task_links = SqlTaskLinks(connection)
        self.documents = SqlDocuments(connection, objects, self.now)
        self.references = SqlReferences(connection)
        self.comments = SqlComments(connection)
        self.attachments = SqlAttachments(connection)
        self.watches = SqlWatches(connection)

    def new_id(self) -> UUID:
        """A fresh UUIDv7."""
        return uuid7()

    def record(self, event: Event) -> None:
        """Tell of a fact: it is logged with the transaction and announced after it."""
        self.recorded.append(event)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that can fail alone: its writes and its events are undone when it raises."""
        told, pending, edits = len(self.recorded), dict(self.documents.pending), len(self.documents.edits)
        try:
            async with self.connection.savepoint():
                yield
        except BaseException:
            del self.recorded[told:]
            self.documents.pending = pending
            del self.documents.edits[edits:]
            raise

    async def recall(self, actor_id: UUID, key: str, fingerprint: bytes) -> Mapping[str, Any] | None:
        """Claim an idempotency key, or give the result that is remembered under it. Raises IdempotencyMismatch."""
        given = {"actor_id": actor_id, "key": key, "fingerprint": fingerprint, "now": self.now}
        if await self.connection.fetch_value(_CLAIM, **given, forgotten=self.now - REMEMBERED) is not None:
            return None
        row = await self.connection.fetch_row(_RECALL, **given)
        if row["fingerprint"] != fingerprint:
            raise IdempotencyMismatch
        result: Mapping[str, Any] = row["result"]
        return result

    async def settle(self, actor_id: UUID, key: str, result: Mapping[str, Any]) -> None:
        """Remember the result under the claimed key."""
        await self.connection.execute(_SETTLE, actor=actor_id, key=key, result=result)

    async def log(self) -> None:
        """
        Put what documents became into storage, then append what was recorded to the streams; the last thing before the commit.

        Where one row is all that was written, it is durable with its events after this. Raises Overtaken.
        """
        await self.documents.flush()
        if self.recorded:
            told = [streams.told_of(event, self.now, self.client_mutation_id) for event in self.recorded]
            places = await (self.connection.keep(told) if self.connection.waits else streams.append(self.connection, told))
            self.entries += [Entry(**each, position=places[each["id"]]) for each in told]
            self.recorded.clear()


class Rehearsal(Exception):
    """Raised inside a unit of work to end it with everything undone: a dry run."""


@asynccontextmanager
async def unit_of_work(
    database: Database,
    live: Announcer,
    *,
    client_mutation_id: str | None = None,
    objects: DocumentObjects | None = None,
    holding: bool = True,
) -> AsyncIterator[SqlUnitOfWork]:
    """
    Open a transaction; when the block ends well its events are logged, all is kept, and the events are announced.

    `objects`: where documents are written; without them none can be. Such a transaction waits for its turn before it takes a connection.
    Not `holding`: rows may be seen instead of held, and Overtaken raised (`persistence.transaction`).
    """
    async with nullcontext() if objects is None else objects.turn(), transaction(database, holding=holding) as connection:
        uow = SqlUnitOfWork(connection, client_mutation_id=client_mutation_id, objects=objects)
        yield uow
        await uow.log()
    for entry in (*uow.entries, *map(announcement, uow.documents.edits)):
        await live.announce(entry)


async def perform(
    database: Database,
    live: Announcer,
    operation: Callable[[SqlUnitOfWork], Awaitable[T]],
    *,
    client_mutation_id: str | None = None,
    objects: DocumentObjects | None = None,
) -> T:
    """
    Run an operation in a unit of work; and again, twice at most, when Postgres chose it to end a deadlock, or when what it had seen was
    written by others meanwhile: then it holds what it reads.
    """
    holding = objects is not None  # what is in object storage by then is not put there twice
    for further in (2, 1, 0):
        opened = unit_of_work(database, live, client_mutation_id=client_mutation_id, objects=objects, holding=holding)
        try:
            async with opened as uow:
                return await operation(uow)
        except (asyncpg.DeadlockDetectedError, Overtaken):
            if not further:
                raise
            holding = True
    raise AssertionError


async def remembered(database: Database, actor_id: UUID, key: str, mark: bytes) -> Mapping[str, Any] | None:
    """The result that is remembered under an idempotency key, without claiming it. Raises IdempotencyMismatch."""
    row = await database.fetch_row(_RECALL_RECENT, actor_id=actor_id, key=key, forgotten=datetime.now(UTC) - REMEMBERED)
    if row is None or row["result"] is None:
        return None
    if row["fingerprint"] != mark:
        raise IdempotencyMismatch
    result: Mapping[str, Any] = row["result"]
    return result


def fingerprint(mutation: str, given: Any) -> bytes:
    """What tells two inputs of one idempotency key apart."""
    return hashlib.sha256(mutation.encode() + orjson.dumps(given, option=orjson.OPT_SORT_KEYS, default=str)).digest()


async def forget_old_mutations(connection: Connection, now: datetime) -> int:
    """Drop idempotency keys that are older than a day; how many there were."""
    return await connection.execute(_FORGET, forgotten=now - REMEMBERED)
