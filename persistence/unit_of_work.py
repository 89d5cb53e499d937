"""The unit of work: the domain's stores over one transaction, and the events that are published after the commit.

Nothing is published before the commit, and nothing fails after it: entries are durable with the transaction and then announced.
An announcement may be lost (readers fill the gap from the log) but never fails the operation.

`client_mutation_id` is the operation's idempotency key (`persistence.events.idempotency`).
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, Self, TypeVar, overload
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from domain.account_mail import AccountMail
from domain.document.update import to_entry
from domain.events import Entry, Event, is_followed
from domain.origin import Origin
from domain.reference import LinkTarget
from persistence.blobs.document_objects import DocumentObjects
from persistence.engine.database import Database
from persistence.engine.write_batcher import StaleRow
from persistence.events import streams
from persistence.events.idempotency import IdempotencyClaim, find_result
from persistence.events.task_counts import counted_param
from persistence.markdown_links import read_links
from persistence.search.index_writes import IndexChanges, to_params, write_changes
from persistence.stores.account_token import SqlAccountTokens
from persistence.stores.api_token import SqlApiTokens
from persistence.stores.attachment import SqlAttachments
from persistence.stores.audit import SqlAudit
from persistence.stores.calendar_feed import SqlCalendarFeeds
from persistence.stores.change_log import SqlChangeLog
from persistence.stores.comment import SqlComments
from persistence.stores.delivery import SqlDeliveries
from persistence.stores.device_code import SqlDeviceCodes
from persistence.stores.document import SqlDocuments
from persistence.stores.external_identity import SqlExternalIdentities
from persistence.stores.factor import SqlFactors
from persistence.stores.invitation import SqlInvitations
from persistence.stores.job import SqlJobs
from persistence.stores.label import SqlLabels
from persistence.stores.mail_report import SqlMailReports
from persistence.stores.notification import SqlNotifications
from persistence.stores.notification_settings import SqlNotificationSettings
from persistence.stores.oauth_client import SqlOAuthClients
from persistence.stores.oauth_grant import SqlOAuthGrants
from persistence.stores.project import SqlProjects
from persistence.stores.push_device import SqlPushDevices
from persistence.stores.reference import SqlReferences
from persistence.stores.session import SqlSessions
from persistence.stores.share_link import SqlShareLinks
from persistence.stores.task import SqlTasks
from persistence.stores.task_link import SqlTaskLinks
from persistence.stores.team import SqlTeams
from persistence.stores.template import SqlTemplates
from persistence.stores.user import SqlUsers
from persistence.stores.watch import SqlWatches
from persistence.stores.webhook import SqlWebhooks
from persistence.transaction import DryRun as DryRun
from persistence.transaction import Transaction

T = TypeVar("T")


class Announcer(Protocol):
    """Announces entries at once; may lose them, but neither fails nor waits."""

    async def announce(self, entry: Entry) -> None: ...


class _Store(Generic[T]):
    """A store of a unit of work, made when it is first asked for: an operation needs four of twenty."""

    def __init__(self, make: Callable[[Transaction], T]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, uow: None, owner: type) -> Self: ...
    @overload
    def __get__(self, uow: "SqlUnitOfWork", owner: type) -> T: ...
    def __get__(self, uow: "SqlUnitOfWork | None", owner: type) -> T | Self:
        if uow is None:
            return self
        made = uow.__dict__[self._name] = self._make(uow.connection)
        return made


class SqlUnitOfWork:
    """The domain's unit of work over one Postgres transaction."""

    users = _Store(SqlUsers)
    sessions = _Store(SqlSessions)
    api_tokens = _Store(SqlApiTokens)
    share_links = _Store(SqlShareLinks)
    oauth_clients = _Store(SqlOAuthClients)
    external_identities = _Store(SqlExternalIdentities)
    factors = _Store(SqlFactors)
    account_tokens = _Store(SqlAccountTokens)
    oauth_grants = _Store(SqlOAuthGrants)
    calendar_feeds = _Store(SqlCalendarFeeds)
    device_codes = _Store(SqlDeviceCodes)
    teams = _Store(SqlTeams)
    invitations = _Store(SqlInvitations)
    labels = _Store(SqlLabels)
    projects = _Store(SqlProjects)
    tasks = _Store(SqlTasks)
    task_links = _Store(SqlTaskLinks)
    templates = _Store(SqlTemplates)
    references = _Store(SqlReferences)
    comments = _Store(SqlComments)
    attachments = _Store(SqlAttachments)
    watches = _Store(SqlWatches)
    notifications = _Store(SqlNotifications)
    notification_settings = _Store(SqlNotificationSettings)
    deliveries = _Store(SqlDeliveries)
    audit = _Store(SqlAudit)
    push_devices = _Store(SqlPushDevices)
    mail_reports = _Store(SqlMailReports)
    change_log = _Store(SqlChangeLog)

    def __init__(
        self,
        connection: Transaction,
        *,
        client_mutation_id: str | None = None,
        objects: DocumentObjects | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.connection = connection
        self.client_mutation_id = client_mutation_id
        self._origin = None if origin is None else origin.to_json() or None
        self.now = datetime.now(UTC)
        self.recorded: list[Event] = []
        self.mails: list[AccountMail] = []
        """For whoever opened the transaction to send after it."""
        self.enqueued_kinds: set[str] = set()
        """The kinds of queue jobs that were added, whose workers whoever opened the transaction wakes after it."""
        self.entries: list[Entry] = []
        self._claim: IdempotencyClaim | None = None
        self.documents = SqlDocuments(connection, objects, self.now)
        self.webhooks = SqlWebhooks(connection, self.enqueued_kinds)
        self.jobs = SqlJobs(connection, self.enqueued_kinds)

    async def read_links(self, markdown: str, interesting: re.Pattern[str]) -> Sequence[LinkTarget]:
        """The addresses that a Markdown text links to, as CommonMark reads it, and in which the pattern is found."""
        return await read_links(markdown, interesting)

    def new_id(self) -> UUID:
        """A new UUIDv7."""
        return uuid7()

    def record(self, event: Event) -> None:
        """Record an event: it is logged with the transaction and announced after the commit."""
        self.recorded.append(event)

    def send_mail(self, mail: AccountMail) -> None:
        """Have a mail sent after the commit."""
        self.mails.append(mail)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that can fail alone: its writes and its events are undone when it raises."""
        recorded, pending, edits = len(self.recorded), dict(self.documents.pending), len(self.documents.edits)
        mails = len(self.mails)
        try:
            async with self.connection.savepoint():
                yield
        except BaseException:
            del self.recorded[recorded:]
            del self.mails[mails:]
            self.documents.pending = pending
            del self.documents.edits[edits:]
            raise

    async def claim_idempotency_key(self, actor_id: UUID, key: str, fingerprint: bytes) -> Mapping[str, Any] | None:
        """
        Claim an idempotency key, or return the result that is stored under it. Raises IdempotencyMismatch.

        Where no transaction is needed, the key is claimed by the statement that stores the change, or as soon as a transaction
        begins.
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
        """Write changed documents to storage, then what has changed of the search index, then append the recorded events to the
        streams; the last step before the commit.

        `result` returns what is stored under the claimed key. Where one row is all that was written, it is durable with its
        events, and with the key, after this. Raises StaleRow.
        """
        await self.documents.flush()
        event_rows = [streams.event_row(event, self.now, self.client_mutation_id, origin=self._origin) for event in self.recorded]
        counted = [counted_param(event) for event in self.recorded]
        changes = IndexChanges()
        for event, row in zip(self.recorded, event_rows, strict=True):
            changes.add(row, event)
        self.recorded.clear()
        index = None
        if changes and changes.only_id is not None and self.connection.is_pending(changes.only_id):
            index = await to_params(changes)
        elif changes:
            await write_changes(self.connection, changes)
        claim = None if result is None else self._claim
        if event_rows and self.connection.has_pending_write:
            claim_row = None if claim is None or result is None else claim.to_row(result(), [each["id"] for each in event_rows])
            self._assign_positions(
                event_rows, await self.connection.commit_pending_write(event_rows, counted, claim=claim_row, index=index)
            )
            return
        if event_rows:
            self._assign_positions(event_rows, await streams.append(self.connection, event_rows, counted))
        if claim is not None and result is not None:
            await self.connection.begin()
            positions = {entry.stream: entry.position for entry in self.entries if is_followed(entry.stream)}
            await claim.store_result(self.connection, {**result(), "positions": positions})

    def _assign_positions(self, event_rows: Sequence[dict[str, Any]], positions: Mapping[UUID, int]) -> None:
        self.entries += [Entry(**each, position=positions[each["id"]]) for each in event_rows]


@asynccontextmanager
async def unit_of_work(
    database: Database,
    announcer: Announcer,
    *,
    client_mutation_id: str | None = None,
    objects: DocumentObjects | None = None,
    origin: Origin | None = None,
    lock_rows: bool = True,
) -> AsyncIterator[SqlUnitOfWork]:
    """Open a transaction. When the block ends without an exception its events are logged, everything is committed, and the
    events are announced.

    `origin` stands with the events. `objects`: the storage of documents; without it none can be written. Such a transaction waits
    for a slot before it acquires a connection. Without `lock_rows`, rows may be read without a lock, and StaleRow raised
    (`persistence.transaction`).
    """
    async with AsyncExitStack() as stack:
        if objects is not None:
            await stack.enter_async_context(objects.write_slot())
        connection = Transaction(database, stack, lock_rows=lock_rows)
        uow = SqlUnitOfWork(connection, client_mutation_id=client_mutation_id, objects=objects, origin=origin)
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
    origin: Origin | None = None,
    is_dry_run: bool = False,
) -> T:
    """Run an operation in a unit of work. It runs again, twice at most, when Postgres chose it to end a deadlock, or when a row
    that it read without a lock was changed by others; then it locks what it reads.

    `is_dry_run`: the operation is going to raise DryRun. It runs in a transaction from the start, so that each statement meets
    what it would meet, and all of it is undone.
    """
    lock_rows = is_dry_run or objects is not None  # what is in object storage by then is not written twice
    for further in (2, 1, 0):
        opened = unit_of_work(
            database, announcer, client_mutation_id=client_mutation_id, objects=objects, origin=origin, lock_rows=lock_rows
        )
        try:
            async with opened as uow:
                return await operation(uow)
        except (asyncpg.DeadlockDetectedError, StaleRow):
            if not further:
                raise
            lock_rows = True
    raise AssertionError
