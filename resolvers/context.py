"""Defines the context of an operation: the viewer, shared services, and the loaders of this operation."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol
from uuid import UUID

from domain.account_mail import AccountMail, AccountMailer
from domain.actor import Actor, Scope
from domain.audit.events import OperationRefused, RefusedOperation
from domain.blob import BlobStore
from domain.calendar_feed import CalendarFeedTokens
from domain.cost_limit import CostCharge
from domain.errors import Forbidden, InsufficientScope, Unauthenticated
from domain.events import Entry, is_followed
from domain.factor import TotpSecrets
from domain.notification import UnsubscribeTokens
from domain.origin import origin_of
from domain.outgoing_url import OutgoingRules
from domain.passkey import RelyingParty
from domain.push_device import PushPlatform
from domain.registration import RegistrationMode
from domain.session import Device, Session
from domain.share_link import ShareLinkTokens
from domain.sign_in import SignIn
from domain.task import Task
from domain.webhook import Webhook, WebhookSecrets
from persistence.blobs.document_objects import DocumentObjects
from persistence.blobs.signed_urls import UrlSigner
from persistence.documents.compaction import CompactionService
from persistence.documents.contents import ContentReader
from persistence.documents.document_reader import DocumentReader
from persistence.documents.snapshots import SnapshotStore
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.database import Database
from persistence.engine.loaders import BatchLoader
from persistence.engine.lookup import Joins
from persistence.engine.principal_database import as_seen_by
from persistence.events.idempotency import compute_fingerprint, find_result
from persistence.events.streams import StreamLog
from persistence.rights import RightsLoader
from persistence.search.port import SearchIndex
from persistence.unit_of_work import DryRun, SqlUnitOfWork, run_in_unit_of_work
from realtime.announcements import PubSub
from realtime.collaboration.rooms import Rooms
from realtime.hub import StreamHub
from resolvers.mutation_result import MutationResult, from_stored, to_stored
from resolvers.sync_cursor import SyncCursors

_MAX_IDS_OF_REFUSAL: Final = 100
BatchFunction = Callable[..., Awaitable[Sequence[Any]]]
InputValues = dict[str, Any]
MutationFunction = Callable[["Context", SqlUnitOfWork, InputValues], Awaitable[Mapping[str, Any]]]
PrepareFunction = Callable[["Context", InputValues], Awaitable[InputValues]]


class Passwords(Protocol):
    """Hashes passwords; deliberately slow, and never on the event loop."""

    async def hash(self, password: str) -> str: ...


class WebhookPayloads(Protocol):
    """Checks the documents of webhooks and executes them (`gateway.webhook_payloads`)."""

    def problem(self, services: "Services", actor: Actor, query: str) -> str | None:
        """Why a document cannot be that of a webhook with these rights; None for one that can."""
        ...

    async def render(self, services: "Services", webhook: Webhook, entry: Entry, name: str) -> str | None:
        """The body of a message; None where the webhook does not see the entry."""
        ...


class TokenIssuer(Protocol):
    """Signs access tokens."""

    lifetime_seconds: int

    def issue(self, session: Session) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRegistration:
    """What devices are registered with. `public_key`: the one for which browsers subscribe; `rules`: where pushes may go."""

    platforms: frozenset[PushPlatform]
    public_key: str
    rules: OutgoingRules


@dataclass(frozen=True, kw_only=True)
class Services:
    """Services that live as long as the process, shared by all operations."""

    database: Database
    pubsub: PubSub
    hub: StreamHub
    log: StreamLog
    blobs: BlobStore
    document_objects: DocumentObjects
    document_reader: DocumentReader
    document_contents: ContentReader
    snapshots: SnapshotStore
    compaction: CompactionService
    workers: WorkerPool
    rooms: Rooms
    rights: RightsLoader
    search: SearchIndex
    cursors: SyncCursors
    passwords: Passwords
    sign_in: SignIn
    totp_secrets: TotpSecrets
    relying_party: RelyingParty
    registration: RegistrationMode
    account_mailer: AccountMailer
    calendar_tokens: CalendarFeedTokens
    unsubscribe_tokens: UnsubscribeTokens
    outgoing_rules: OutgoingRules
    webhook_secrets: WebhookSecrets
    webhook_payloads: "WebhookPayloads"
    push: PushRegistration
    share_links: ShareLinkTokens
    job_urls: UrlSigner
    snapshot_urls: UrlSigner
    thumbnail_urls: UrlSigner
    wake_workers: Callable[[str], None]
    """Lets workers know that there is a queue job of a kind."""
    development: bool
    tokens: TokenIssuer
    public_url: str
    version: str
    schema_hash: str = ""
    limits: Mapping[str, int | None] = field(default_factory=dict)
    features: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The idempotency key of a call, with the fingerprint of its input."""

    key: str
    fingerprint: bytes


def _tasks_in(values: Mapping[str, Any]) -> list[Task]:
    """The tasks of the rows of a bulk call."""
    return [each.task for each in values.get("results", ()) if each.task is not None]


def _ids_in(value: Any) -> list[UUID]:
    """The ids in the values of an input, the first hundred."""
    found: list[UUID] = []
    waiting = [value]
    while waiting and len(found) < _MAX_IDS_OF_REFUSAL:
        match waiting.pop():
            case UUID() as id_:
                found.append(id_)
            case dict() as inner:
                waiting += inner.values()
            case list() as inner:
                waiting += inner
    return found


class Context:
    """
    One operation of one viewer. Loaders are cleared before each event of a subscription.

    `mutation_results` holds the results of mutations (a MutationResult or an exception) by response key, for graphql-core when it
    takes over from a compiled program. `requested_columns`: the attributes of its rows that the next field reads; None for all of
    them. `requested_joins`: what it reads of the objects that its row refers to. `rights_stale`: an object that an event refers
    to was not found, so it is gone or the viewer's rights have changed.
    """

    def __init__(
        self,
        services: Services,
        actor: Actor | None,
        device: Device,
        *,
        now: datetime | None = None,
        charge: CostCharge | None = None,
    ) -> None:
        """
        `now`: what the operation takes for the present; None for the moment at which it first asks. `charge`: what the operation
        was charged; None where costs are not limited.
        """
        self.services = services
        self.actor = actor
        self.device = device
        self.charge = charge
        self.mutation_results: dict[str | int, Any] = {}
        self.requested_columns: frozenset[str] | None = None
        self.requested_joins: Joins = ()
        self.rights_stale = False
        self.heads: Mapping[str, int] | None = None
        """How far the viewer's streams were before anything else of the operation was read, where it selects a cursor."""
        self.unstored: Mapping[UUID, Task] = {}
        """The tasks that a dry run came to: what refers to them is shown with them."""
        self._loaders: dict[Any, BatchLoader] = {}
        self._now = now

    @property
    def database(self) -> Database:
        """The database as the viewer sees it, for reads outside of a transaction."""
        return as_seen_by(self.services.database, None if self.actor is None else self.actor.user_id)

    @property
    def viewer(self) -> Actor:
        """The signed-in user; raises Unauthenticated when there is none."""
        if self.actor is None:
            raise Unauthenticated
        return self.actor

    @property
    def now(self) -> datetime:
        """The present, the same for all fields of the operation."""
        if self._now is None:
            self._now = datetime.now(UTC)
        return self._now

    def take_requested_columns(self) -> frozenset[str] | None:
        """Returns and clears the hint about the columns that the next fetch needs; a share link is checked by others too."""
        columns, self.requested_columns = self.requested_columns, None
        return None if self.actor is not None and self.actor.shared is not None else columns

    def take_requested_joins(self) -> Joins:
        """Returns and clears the hint about the objects that may be read together with the one that refers to them: not where
        rows are narrowed by more than their statements say."""
        joins, self.requested_joins = self.requested_joins, ()
        narrowed = self.services.database.has_policies or (self.actor is not None and self.actor.shared is not None)
        return () if narrowed else joins

    def clear_hints(self) -> None:
        """Clears the hints that nobody has taken."""
        self.requested_columns, self.requested_joins = None, ()

    def require(self, scope: Scope | None) -> None:
        """Raises Unauthenticated without a signed-in user, and InsufficientScope if the token lacks the scope."""
        if scope is not None and scope not in self.viewer.scopes:
            raise InsufficientScope(scope)

    def load(self, batch: BatchFunction, parent: Any, arguments: InputValues) -> Awaitable[Any]:
        """The child of one parent; parents of the same tick with equal arguments share one call of the batch function."""
        key = (batch, repr(arguments)) if arguments else batch
        self.clear_hints()
        loader = self._loaders.get(key)
        if loader is None:
            loader = self._loaders[key] = BatchLoader(partial(batch, self, **arguments))
        return loader.load(parent)

    def clear_loaders(self) -> None:
        """Makes the next event of a subscription load everything again."""
        self._loaders.clear()
        self.clear_hints()

    def idempotency_key(self, name: str, input_values: InputValues, client_mutation_id: str | None) -> IdempotencyKey | None:
        """The key of a call of a mutation; None for a call without a key, and for a dry run."""
        if client_mutation_id is None or self.actor is None or input_values.get("dry_run"):
            return None
        return IdempotencyKey(client_mutation_id, compute_fingerprint(name, input_values))

    async def replayed_result(self, idempotency_key: IdempotencyKey) -> MutationResult | None:
        """The stored result of an earlier call with the key, or None. Raises IdempotencyMismatch."""
        stored = await find_result(self.database, self.viewer.user_id, idempotency_key.key, idempotency_key.fingerprint)
        return None if stored is None else from_stored(stored, idempotency_key.key)

    async def run_mutation(
        self,
        mutate: MutationFunction,
        input_values: InputValues,
        *,
        client_mutation_id: str | None,
        idempotency_key: IdempotencyKey | None,
        writes_documents: bool = False,
    ) -> MutationResult:
        """
        Runs a mutation in one transaction, or returns the stored result of an earlier call with its key.

        `writes_documents`: the mutation writes to the object storage.
        """
        dry_run_values: list[Mapping[str, Any]] = []
        self.unstored = {}
        mails: Sequence[AccountMail] = ()
        enqueued_kinds: frozenset[str] = frozenset()

        async def run(uow: SqlUnitOfWork) -> MutationResult:
            nonlocal mails, enqueued_kinds
            if idempotency_key is not None:
                stored = await uow.claim_idempotency_key(self.viewer.user_id, idempotency_key.key, idempotency_key.fingerprint)
                if stored is not None:
                    return from_stored(stored, idempotency_key.key)
            values = await mutate(self, uow, dict(input_values))
            if input_values.get("dry_run"):
                dry_run_values.append(values)
                raise DryRun
            result = MutationResult(client_mutation_id=client_mutation_id, values=values)
            await uow.flush_events(None if idempotency_key is None else partial(to_stored, result))
            result.positions = {entry.stream: entry.position for entry in uow.entries if is_followed(entry.stream)}
            mails, enqueued_kinds = tuple(uow.mails), frozenset(uow.enqueued_kinds)
            return result

        objects = self.services.document_objects if writes_documents else None
        try:
            result = await run_in_unit_of_work(
                # Strangers sign in, register and are invited: what they find by a secret belongs to nobody they are yet.
                self.services.database if self.actor is None else self.database,
                self.services.pubsub,
                run,
                client_mutation_id=client_mutation_id,
                objects=objects,
                origin=origin_of(self.actor, self.device),
                is_dry_run=bool(input_values.get("dry_run")),
            )
        except DryRun:
            self.unstored = {each.id: each for each in _tasks_in(dry_run_values[-1])}
            return MutationResult(client_mutation_id=client_mutation_id, values=dry_run_values[-1])
        for kind in enqueued_kinds:
            self.services.wake_workers(kind)
        return self._send(mails, result)

    async def record_refusal(self, name: str, refused: Forbidden, input_values: InputValues) -> None:
        """Records that the viewer was refused a mutation, in the audit logs of those of their teams that the input is about."""
        actor = self.viewer

        async def run(uow: SqlUnitOfWork) -> None:
            team_ids = await uow.audit.teams_of(actor.user_id, _ids_in(input_values))
            if team_ids:
                operation = RefusedOperation(id=uow.new_id(), name=name, action=refused.missing, team_ids=tuple(team_ids))
                uow.record(OperationRefused(actor_id=actor.user_id, user_id=actor.user_id, operation=operation))

        await run_in_unit_of_work(self.database, self.services.pubsub, run, origin=origin_of(actor, self.device))

    def _send(self, mails: Sequence[AccountMail], result: MutationResult) -> MutationResult:
        """Has the mails of a committed mutation sent. In development the result shows the links in them."""
        if not mails:
            return result
        mailer = self.services.account_mailer
        for each in mails:
            mailer.send(each)
        if not self.services.development:
            return result
        links = [link for each in mails if (link := mailer.link_of(each)) is not None]
        return replace(result, values={**result.values, "development_links": links})
