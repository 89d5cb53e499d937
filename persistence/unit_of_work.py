"""One operation, one transaction: the stores of the domain over one connection, and what leaves after the commit.

Nothing leaves before the commit, and nothing fails after it: entries are durable with the transaction and then announced, which
may be lost (the log back-fills) but never fails the operation.

`client_mutation_id` is the operation's idempotency key (`persistence.events.idempotency`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from domain.document.update import to_entry
from domain.events import Entry, Event
from persistence.blobs.document_objects import DocumentObjects
from persistence.engine.database import Database
from persistence.engine.write_batcher import StaleRow
from persistence.events import streams
from persistence.events.idempotency import IdempotencyClaim, find_result
from persistence.stores.attachment import SqlAttachments
from persistence.stores.comment import SqlComments
from persistence.stores.document import SqlDocuments
from persistence.stores.invitation import SqlInvitations
from persistence.stores.label import SqlLabels
from persistence.stores.project import SqlProjects
from persistence.stores.reference import SqlReferences
from persistence.stores.session import SqlSessions
from persistence.stores.task import SqlTasks
from persistence.stores.task_link import SqlTaskLinks
from persistence.stores.team import SqlTeams
from persistence.stores.user import SqlUsers
from persistence.stores.watch import SqlWatches
from persistence.transaction import Transaction

T = TypeVar("T")


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
        self._claim: IdempotencyClaim | None = None
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

    async def claim_idempotency_key(self, actor_id: UUID, key: str, fingerprint: bytes) -> Mapping[str, Any] | None:
        """
        Claim an idempotency key, or give the result that is remembered under it. Raises IdempotencyMismatch.

        Where no transaction need begin, it is claimed by the statement that keeps what was done, or as soon as one begins.
        """
        claim = self._claim = IdempotencyClaim(actor_id, key, fingerprint, self.now)
        if self.connection.is_deferrable:
            self.connection.on_begin = self._claim_on_begin
            return await find_result(self.connection.database, actor_id, key, fingerprint)
        return None if await claim.acquire(self.connection) else await claim.find_result(self.connection)

    async def _claim_on_begin(self) -> None:
        if self._claim is not None and not await self._claim.acquire(self.connection):
            raise StaleRow  # by another call with this key

    async def flush_events(self, result: Callable[[], Mapping[str, Any]] | None = None) -> None:
        """Put what documents became into storage, then append what was recorded to the streams; the last thing before the
        commit. `result` gives what is to be remembered under the key that was claimed.

        Where one row is all that was written, it is durable with its events, and with the key, after this. Raises Overtaken.
        """
        await self.documents.flush()
        told = [streams.event_row(event, self.now, self.client_mutation_id) for event in self.recorded]
        self.recorded.clear()
        key = None if result is None else self._claim
        if told and self.connection.has_pending_write:
            claim = None if key is None or result is None else key.to_row(result(), [each["id"] for each in told])
            self._assign_positions(told, await self.connection.commit_pending_write(told, claim=claim))
            return
        if told:
            self._assign_positions(told, await streams.append(self.connection, told))
        if key is not None and result is not None:
            await self.connection.begin()
            places = {entry.stream: entry.position for entry in self.entries}
            await key.store_result(self.connection, {**result(), "positions": places})

    def _assign_positions(self, event_rows: Sequence[dict[str, Any]], positions: Mapping[UUID, int]) -> None:
        self.entries += [Entry(**each, position=positions[each["id"]]) for each in event_rows]


class DryRun(Exception):
    """Raised inside a unit of work to end it with everything undone: a dry run."""


@asynccontextmanager
async def unit_of_work(
    database: Database,
    announcer: Announcer,
    *,
    client_mutation_id: str | None = None,
    objects: DocumentObjects | None = None,
    lock_rows: bool = True,
) -> AsyncIterator[SqlUnitOfWork]:
    """
    Open a transaction; when the block ends well its events are logged, all is kept, and the events are announced.

    `objects`: where documents are written; without them none can be. Such a transaction waits for its turn before it takes a
    connection. Not `holding`: rows may be seen instead of held, and Overtaken raised (`persistence.transaction`).
    """
    async with AsyncExitStack() as stack:
        if objects is not None:
            await stack.enter_async_context(objects.write_slot())
        connection = Transaction(database, stack, lock_rows=lock_rows)
        uow = SqlUnitOfWork(connection, client_mutation_id=client_mutation_id, objects=objects)
        yield uow
        await uow.flush_events()
    for entry in (*uow.entries, *map(to_entry, uow.documents.edits)):
        await announcer.announce(entry)


async def run_in_unit_of_work(
    database: Database,
    announcer: Announcer,
    operation: Callable[[SqlUnitOfWork], Awaitable[T]],
    *,
    client_mutation_id: str | None = None,
    objects: DocumentObjects | None = None,
) -> T:
    """Run an operation in a unit of work; and again, twice at most, when Postgres chose it to end a deadlock, or when what it
    had seen was written by others meanwhile: then it holds what it reads.
    """
    holding = objects is not None  # what is in object storage by then is not put there twice
    for further in (2, 1, 0):
        opened = unit_of_work(database, announcer, client_mutation_id=client_mutation_id, objects=objects, lock_rows=holding)
        try:
            async with opened as uow:
                return await operation(uow)
        except (asyncpg.DeadlockDetectedError, StaleRow):
            if not further:
                raise
            holding = True
    raise AssertionError
