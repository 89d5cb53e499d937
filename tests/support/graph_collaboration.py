"""Editing a document live, through the graph: clients with a Yjs document of their own."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

from pycrdt import Doc, Text

from content import crdt
from gateway.execution.executor import OperationRequest, OperationResult
from persistence.events.document_log import UpdateLog
from tests.support.app import App, Person
from tests.support.graph_actions import mutate
from tests.support.subscriptions import SubscriptionReader
from tests.support.teams import SampleTeam, uuid_of

PRESENCE_FIELDS = "presence { sessionId user { id } cursor selectionEnd isTyping }"
COLLABORATION_SUBSCRIPTION = f"""
subscription ($id: ID!, $sessionId: ID!, $after: Int, $stateVector: Base64) {{
  documentCollaboration(id: $id, sessionId: $sessionId, after: $after, stateVector: $stateVector) {{
    __typename
    ... on DocumentSynced {{ position update stateVector {PRESENCE_FIELDS} }}
    ... on DocumentEdited {{ position update sessionId author {{ id }} }}
    ... on DocumentPresenceChanged {{ {PRESENCE_FIELDS} }}
    ... on DocumentVersionSaved {{ version {{ id number }} }}
    ... on DocumentAccessChanged {{ viewerCan }}
  }}
}}
"""


class Editor:
    """Somebody's copy of a document."""

    def __init__(self) -> None:
        self.doc: Doc[Any] = Doc()
        self.doc["text"] = self.text = Text()
        self._updates: list[bytes] = []
        self._subscription = self.doc.observe(lambda event: self._updates.append(event.update))

    def write(self, text: str, at: int | None = None) -> bytes:
        """Insert text; returns the update."""
        self._updates.clear()
        self.text.insert(len(self.text) if at is None else at, text)
        (update,) = self._updates
        return update

    def apply_update(self, update: str) -> None:
        """Take in what came as base64."""
        self.doc.apply_update(base64.b64decode(update))

    @property
    def state_vector(self) -> str:
        return base64.b64encode(self.doc.get_state()).decode()


def to_base64(*updates: bytes) -> list[str]:
    return [base64.b64encode(each).decode() for each in updates]


async def new_document_id(app: App, team: SampleTeam, **fields: Any) -> str:
    """A document in the team's project."""
    made = await mutate(app, team.member, "documentCreate", **({"projectId": team.project_id, "title": "Notes"} | fields))
    assert made["errors"] == []
    id_: str = made["document"]["id"]
    return id_


async def apply_updates(app: App, person: Person, document_id: str, *updates: bytes, session: str = "s", **fields: Any) -> Any:
    """The payload of `documentApplyUpdate`."""
    return await mutate(
        app,
        person,
        "documentApplyUpdate",
        "position",
        id=document_id,
        updates=to_base64(*updates),
        sessionId=session,
        **fields,
    )


async def apply_updates_ok(app: App, person: Person, document_id: str, *updates: bytes, **fields: Any) -> int:
    """The position of an edit that was stored."""
    payload = await apply_updates(app, person, document_id, *updates, **fields)
    assert payload["errors"] == []
    position: int = payload["position"]
    return position


@asynccontextmanager
async def open_collaboration(
    app: App, person: Person, document_id: str, session: str = "", **arguments: Any
) -> AsyncIterator[SubscriptionReader]:
    """A subscription, whose first event waits."""
    variables = {"id": document_id, "sessionId": session or str(uuid4()), **arguments}
    stream = await app.executor.subscribe(
        OperationRequest(query=COLLABORATION_SUBSCRIPTION, variables=variables), app.context(person)
    )
    assert not isinstance(stream, OperationResult), stream
    ear = SubscriptionReader()
    listener = asyncio.get_running_loop().create_task(ear.consume(stream))
    try:
        yield ear
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


async def logged_updates(app: App, document_id: str) -> list[bytes]:
    """What the log holds."""
    log = UpdateLog(app.resources.database)
    id_ = uuid_of(document_id)
    bounds = (await log.bounds([id_])).get(id_)
    return [each.data for each in await log.read(id_, bounds.trimmed_to, 10_000)] if bounds else []


async def document_text(app: App, document_id: str) -> str:
    """The text that the log and the newest snapshot come to."""
    (state,) = await app.resources.services.document_reader.read([uuid_of(document_id)])
    loaded = crdt.load(state.snapshot, state.updates)
    return str(loaded.get("text", type=Text))


def document_uuid(document_id: str) -> UUID:
    return uuid_of(document_id)
