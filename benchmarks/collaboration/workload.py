"""What is written, and by whom: a document with a member who may edit it, and edits made beforehand that know themselves
again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from pycrdt import Doc, Text, XmlElement, XmlFragment, XmlText

from app.bootstrap import Resources
from benchmarks.collaboration.contestants import Contestant
from benchmarks.live.subscribers import Subscribers
from domain import document as documents
from domain.actor import Actor
from persistence.unit_of_work import unit_of_work
from realtime.collaboration import messages
from realtime.collaboration.messages import AwarenessState, MessageType, SyncStep
from resolvers import ids

FIRST_CLIENT_ID: Final = 1_000_000
"""The Yjs client of the first writer; the others' follow (`load.c`)."""
PARAGRAPHS_PER_UPDATE: Final = 200


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
    docs = [Doc[Text](client_id=FIRST_CLIENT_ID + number) for number in range(writers)]
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


def sync_updates(edits: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Edits as messages, without a prefix."""
    return [(writer, messages.sync_message(SyncStep.UPDATE, update)) for writer, update in edits]


def make_moves(people: int, count: int) -> list[tuple[int, bytes]]:
    """Awareness messages, in the order in which they are sent, each with its writer: turn by turn everybody moves their cursor.

    The state of move N holds "#", N in seven digits, ";".
    """
    turns = [divmod(number, people) for number in range(count)]
    return [(person, awareness_message(person, turn + 2, f"#{number:07};")) for number, (turn, person) in enumerate(turns)]


def awareness_message(person: int, clock: int, mark: str) -> bytes:
    """The awareness of one person, as TipTap's cursor extension sends it."""
    at = {"type": None, "tname": "default", "item": {"client": FIRST_CLIENT_ID + person, "clock": clock}, "assoc": 0}
    state = {"user": {"name": f"Member {person}", "color": "#ffb61e"}, "cursor": {"anchor": at, "head": at}, "mark": mark}
    states = [AwarenessState(FIRST_CLIENT_ID + person, clock, orjson.dumps(state).decode())]
    return messages.awareness_message(messages.encode_awareness(states))


def make_large_document(size: int) -> list[bytes]:
    """The updates of a rich text of so many bytes, about: paragraphs of 1,000 letters, typed by one client."""
    made: list[bytes] = []
    document = Doc[XmlFragment](client_id=1)
    watched = document.observe(lambda event: made.append(event.update))
    fragment = document.get("default", type=XmlFragment)
    for number in range(max(1, size // 1_000 // PARAGRAPHS_PER_UPDATE)):
        with document.transaction():
            for _ in range(PARAGRAPHS_PER_UPDATE):
                fragment.children.append(XmlElement("paragraph", None, [XmlText(f"{number:08} " + "words of a text " * 66)]))
    assert watched is not None
    return made


def protocol(contestant: Contestant, document: str, token: str) -> "WriterProtocol":
    """How a contestant is spoken to about a document."""
    if contestant.ours and contestant.acknowledges:
        path = "/collaboration?schema=1"
    elif contestant.ours:
        path = f"/collaboration/{document}?token={token}&schema=1"
    else:
        path = f"/{document}"
    return WriterProtocol(path=path, document_name=document if contestant.acknowledges else None, token=token)


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

    def connection_line(self, greeting: Sequence[bytes]) -> str:
        """A line of the load client's connections: it says the greeting behind authentication and step 1."""
        said = [messages.sync_message(SyncStep.STEP_1, b"\x00"), *greeting]
        if self.document_name is not None:
            said.insert(0, bytes((MessageType.AUTH, 0)) + messages.with_length(self.token.encode()))
        return f"{self.path}\t{','.join((self.prefix + each).hex() for each in said)}\n"
