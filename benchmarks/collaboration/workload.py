"""What is written, and by whom: a document with a member who may edit it, and edits made beforehand that know themselves
again."""

from dataclasses import dataclass
from uuid import UUID

from pycrdt import Doc, Text

from app.bootstrap import Resources
from benchmarks.live.subscribers import Subscribers
from domain import document as documents
from domain.actor import Actor
from persistence.unit_of_work import unit_of_work
from realtime.collaboration import messages
from realtime.collaboration.messages import MessageType, SyncStep
from resolvers import ids


async def create_documents(resources: Resources, subscribers: Subscribers, count: int) -> list[str]:
    """New empty documents in the crowd's project: their ids."""
    made: list[UUID] = []
    services = resources.services
    async with unit_of_work(resources.database, services.pubsub, objects=services.document_objects) as uow:
        for number in range(count):
            given = {"project_id": subscribers.project_id, "title": f"Bench {number}"}
            made.append((await documents.create(uow, Actor(user_id=subscribers.actor_id), uow.new_id(), given)).id)
    return [ids.encode("Document", each) for each in made]


def make_edits(writers: int, count: int) -> list[tuple[int, bytes]]:
    """Edits in the order in which they are sent, each with its writer: turn by turn everybody types ten characters into a text
    of their own.

    Edit N types "#", N in seven digits, ";". None builds on another writer's, so it applies whatever arrived before it.
    """
    found: list[tuple[int, bytes]] = []
    made: list[bytes] = []
    docs = [Doc[Text](client_id=1_000_000 + number) for number in range(writers)]
    watched = [each.observe(lambda event: made.append(event.update)) for each in docs]
    texts = [each.get(f"writer {number}", type=Text) for number, each in enumerate(docs)]
    for number in range(count):
        writer = number % writers
        made.clear()
        texts[writer] += f"#{number:07};"
        (update,) = made
        found.append((writer, update))
    assert len(watched) == writers
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterProtocol:
    """How writers speak to a server: `named` is Hocuspocus' protocol, which acknowledges; otherwise y-websocket's, which does
    not."""

    path: str
    document_name: str | None
    token: str

    @property
    def prefix(self) -> bytes:
        """What stands before each message."""
        return messages.with_length(self.document_name.encode()) if self.document_name is not None else b""

    def connection_line(self) -> str:
        """A line of the load client's connections."""
        hello = [self.prefix + messages.sync_message(SyncStep.STEP_1, b"\x00")]
        if self.document_name is not None:
            hello.insert(0, self.prefix + bytes((MessageType.AUTH, 0)) + messages.with_length(self.token.encode()))
        return f"{self.path}\t{','.join(each.hex() for each in hello)}\n"

    def edit_line(self, writer: int, update: bytes) -> str:
        """A line of the load client's edits."""
        return f"{writer}\t{(self.prefix + messages.sync_message(SyncStep.UPDATE, update)).hex()}\n"
