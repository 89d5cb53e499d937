"""What a resolver is given: who asks, the stores behind the graph, and the loaders of this one operation."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from domain.actor import Actor, Scope
from domain.blob import BlobStore
from domain.errors import InsufficientScope, Unauthenticated
from domain.session import Device, Session
from persistence.blobs.document_objects import DocumentObjects
from persistence.documents.compaction import CompactionService
from persistence.documents.contents import ContentReader
from persistence.documents.document_reader import DocumentReader
from persistence.documents.snapshots import SnapshotStore
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.database import Database
from persistence.engine.loaders import BatchLoader
from persistence.events.idempotency import compute_fingerprint, find_result
from persistence.events.streams import StreamLog
from persistence.rights import RightsLoader
from persistence.unit_of_work import DryRun, SqlUnitOfWork, run_in_unit_of_work
from realtime.announcements import PubSub
from realtime.collaboration.rooms import Rooms
from realtime.hub import StreamHub
from resolvers.mutation_result import MutationResult, from_stored, to_stored
from resolvers.sync_cursor import SyncCursors

BatchFunction = Callable[..., Awaitable[Sequence[Any]]]
InputValues = dict[str, Any]
MutationFunction = Callable[["Context", SqlUnitOfWork, InputValues], Awaitable[Mapping[str, Any]]]
PrepareFunction = Callable[["Context", InputValues], Awaitable[InputValues]]


class Passwords(Protocol):
    """Hashes passwords and compares them; slow on purpose, and never on the event loop."""

    async def hash(self, password: str) -> str: ...
    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is right; no hash at all costs the same time and is never right."""
        ...


class TokenIssuer(Protocol):
    """Signs access tokens."""

    lifetime_seconds: int

    def issue(self, session: Session) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """What lives as long as the process and is shared by all operations."""

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
    cursors: SyncCursors
    passwords: Passwords
    tokens: TokenIssuer
    public_url: str
    version: str
    schema_hash: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)
    features: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What a call is remembered by: its idempotency key, and what tells another input under the same key."""

    key: str
    fingerprint: bytes


class Context:
    """
    One operation of one viewer. Loaders forget at every event of a subscription.

    `done` holds what mutations came to (an Outcome or an exception) by response key, for an executor that takes over from
    another. `wanted` says which attributes of its rows the next field will be asked for; None for all of them. `unsure`:
    something that should be there was not: it is gone, or whoever asked for others too has lost sight of it.
    """

    def __init__(self, services: Services, actor: Actor | None, device: Device) -> None:
        self.services = services
        self.actor = actor
        self.device = device
        self.mutation_results: dict[str | int, Any] = {}
        self.requested_columns: frozenset[str] | None = None
        self.rights_stale = False
        self._loaders: dict[Any, BatchLoader] = {}

    @property
    def database(self) -> Database:
        """Where single reads go."""
        return self.services.database

    @property
    def viewer(self) -> Actor:
        """Who asks; raises Unauthenticated when nobody is signed in."""
        if self.actor is None:
            raise Unauthenticated
        return self.actor

    def take_requested_columns(self) -> frozenset[str] | None:
        """What will be read of the rows that are now fetched: the hint is for one fetch."""
        wanted, self.requested_columns = self.requested_columns, None
        return wanted

    def require(self, scope: Scope | None) -> None:
        """Somebody is signed in, and his token was lent the scope."""
        if scope is not None and scope not in self.viewer.scopes:
            raise InsufficientScope(scope)

    def load(self, batch: BatchFunction, parent: Any, arguments: InputValues) -> Awaitable[Any]:
        """The child of one parent by a batch function; parents that ask in the same tick with equal arguments share a call."""
        key = (batch, repr(arguments)) if arguments else batch
        self.requested_columns = None
        loader = self._loaders.get(key)
        if loader is None:
            loader = self._loaders[key] = BatchLoader(partial(batch, self, **arguments))
        return loader.load(parent)

    def clear_loaders(self) -> None:
        """Let the next event of a subscription be loaded afresh."""
        self._loaders.clear()
        self.requested_columns = None

    def idempotency_key(self, name: str, input_values: InputValues, client_mutation_id: str | None) -> IdempotencyKey | None:
        """What a call of a mutation is remembered by; None for one that brings no key, or only rehearses."""
        if client_mutation_id is None or self.actor is None or input_values.get("dry_run"):
            return None
        return IdempotencyKey(client_mutation_id, compute_fingerprint(name, input_values))

    async def replayed_result(self, idempotency_key: IdempotencyKey) -> MutationResult | None:
        """What a call came to before. Raises IdempotencyMismatch."""
        told = await find_result(self.database, self.viewer.user_id, idempotency_key.key, idempotency_key.fingerprint)
        return None if told is None else from_stored(told, idempotency_key.key)

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
        Run a mutation in one transaction, or give what it came to before, when its mark is known.

        `stores`: it writes documents into object storage.
        """
        rehearsed: list[Mapping[str, Any]] = []

        async def run(uow: SqlUnitOfWork) -> MutationResult:
            if idempotency_key is not None:
                told = await uow.claim_idempotency_key(self.viewer.user_id, idempotency_key.key, idempotency_key.fingerprint)
                if told is not None:
                    return from_stored(told, idempotency_key.key)
            values = await mutate(self, uow, dict(input_values))
            if input_values.get("dry_run"):
                rehearsed.append(values)
                raise DryRun
            outcome = MutationResult(client_mutation_id=client_mutation_id, values=values)
            await uow.flush_events(None if idempotency_key is None else partial(to_stored, outcome))
            outcome.positions = {entry.stream: entry.position for entry in uow.entries}
            return outcome

        objects = self.services.document_objects if writes_documents else None
        try:
            return await run_in_unit_of_work(
                self.database, self.services.pubsub, run, client_mutation_id=client_mutation_id, objects=objects
            )
        except DryRun:
            return MutationResult(client_mutation_id=client_mutation_id, values=rehearsed[-1])
