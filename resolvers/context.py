"""What a resolver is given: who asks, the stores behind the graph, and the loaders of this one operation."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from domain.actor import Actor, Scope
from domain.blob import BlobStore
from domain.errors import InsufficientScope, Unauthenticated
from domain.session import Device, Session
from persistence.documents.versions import VersionStore
from persistence.engine.database import Database
from persistence.engine.loaders import BatchLoader
from persistence.events.idempotency import compute_fingerprint, find_result
from persistence.events.streams import StreamLog
from persistence.rights import RightsLoader
from persistence.unit_of_work import DryRun, SqlUnitOfWork, run_in_unit_of_work
from realtime.announcements import PubSub
from realtime.collaboration.rooms import Rooms
from realtime.hub import StreamHub
from resolvers.mutation_result import Outcome, recall, remember
from resolvers.sync_cursor import SyncCursors

BatchFunction = Callable[..., Awaitable[Sequence[Any]]]
Given = dict[str, Any]
Change = Callable[["Context", SqlUnitOfWork, Given], Awaitable[Mapping[str, Any]]]
Preparation = Callable[["Context", Given], Awaitable[Given]]


class Passwords(Protocol):
    """Hashes passwords and compares them; slow on purpose, and never on the event loop."""

    async def hash(self, password: str) -> str: ...
    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is right; no hash at all costs the same time and is never right."""
        ...


class Tokens(Protocol):
    """Signs access tokens."""

    lifetime: int

    def issue(self, session: Session) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """What lives as long as the process and is shared by all operations."""

    database: Database
    live: PubSub
    hub: StreamHub
    log: StreamLog
    blobs: BlobStore
    archive: VersionStore
    rooms: Rooms
    rights: RightsLoader
    cursors: SyncCursors
    passwords: Passwords
    tokens: Tokens
    public_url: str
    version: str
    schema_hash: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)
    features: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Mark:
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
        self.done: dict[str | int, Any] = {}
        self.wanted: frozenset[str] | None = None
        self.unsure = False
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

    def take_wanted(self) -> frozenset[str] | None:
        """What will be read of the rows that are now fetched: the hint is for one fetch."""
        wanted, self.wanted = self.wanted, None
        return wanted

    def require(self, scope: Scope | None) -> None:
        """Somebody is signed in, and his token was lent the scope."""
        if scope is not None and scope not in self.viewer.scopes:
            raise InsufficientScope(scope)

    def load(self, batch: BatchFunction, parent: Any, given: Given) -> Awaitable[Any]:
        """The child of one parent by a batch function; parents that ask in the same tick with equal arguments share a call."""
        key = (batch, repr(given)) if given else batch
        self.wanted = None
        loader = self._loaders.get(key)
        if loader is None:
            loader = self._loaders[key] = BatchLoader(partial(batch, self, **given))
        return loader.load(parent)

    def forget(self) -> None:
        """Let the next event of a subscription be loaded afresh."""
        self._loaders.clear()
        self.wanted = None

    def mark(self, name: str, given: Given, client_mutation_id: str | None) -> Mark | None:
        """What a call of a mutation is remembered by; None for one that brings no key, or only rehearses."""
        if client_mutation_id is None or self.actor is None or given.get("dry_run"):
            return None
        return Mark(client_mutation_id, compute_fingerprint(name, given))

    async def told_before(self, mark: Mark) -> Outcome | None:
        """What a call came to before. Raises IdempotencyMismatch."""
        told = await find_result(self.database, self.viewer.user_id, mark.key, mark.fingerprint)
        return None if told is None else recall(told, mark.key)

    async def change(
        self, change: Change, given: Given, *, client_mutation_id: str | None, mark: Mark | None, stores: bool = False
    ) -> Outcome:
        """
        Run a mutation in one transaction, or give what it came to before, when its mark is known.

        `stores`: it writes documents into object storage.
        """
        rehearsed: list[Mapping[str, Any]] = []

        async def run(uow: SqlUnitOfWork) -> Outcome:
            if mark is not None:
                told = await uow.claim_idempotency_key(self.viewer.user_id, mark.key, mark.fingerprint)
                if told is not None:
                    return recall(told, mark.key)
            values = await change(self, uow, dict(given))
            if given.get("dry_run"):
                rehearsed.append(values)
                raise DryRun
            outcome = Outcome(client_mutation_id=client_mutation_id, values=values)
            await uow.flush_events(None if mark is None else partial(remember, outcome))
            outcome.positions = {entry.stream: entry.position for entry in uow.entries}
            return outcome

        objects = self.services.archive.objects if stores else None
        try:
            return await run_in_unit_of_work(
                self.database, self.services.live, run, client_mutation_id=client_mutation_id, objects=objects
            )
        except DryRun:
            return Outcome(client_mutation_id=client_mutation_id, values=rehearsed[-1])
