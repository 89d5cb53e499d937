"""Live editing under a server that hands no transport over: the same messages through ASGI."""

import asyncio
from typing import Any

from starlette.types import Message

from realtime.collaboration import messages
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.endpoint import CollaborationEndpoint
from realtime.collaboration.messages import SyncStep
from tests.support.app import App, Person
from tests.support.graph_collaboration import Editor, document_uuid, logged_updates, new_document_id
from tests.support.teams import SampleTeam


class OnePersonAuth:
    """A `SignIn` that knows one person."""

    def __init__(self, person: Person) -> None:
        self._person = person

    async def authenticate(self, authorization: str | None) -> Any:
        return authorization

    async def check_active(self, credentials: Any) -> None:
        return

    def shares_presence(self, credentials: Any) -> bool:
        return True

    def user_and_max_right(self, credentials: Any) -> tuple[Any, DocumentRight]:
        return self._person.user.id, DocumentRight.WRITE


async def test_edits_are_stored_and_sent_through_asgi_as_well(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    endpoint = CollaborationEndpoint(
        app.resources.services.rooms,
        authenticator=OnePersonAuth(team.member),
        parse_id=document_uuid,
        may_connect=lambda headers, scheme: True,
    )
    said: asyncio.Queue[Message] = asyncio.Queue()
    results: asyncio.Queue[Message] = asyncio.Queue()
    update = Editor().write("Through ASGI.")
    said.put_nowait({"type": "websocket.connect"})
    said.put_nowait({"type": "websocket.receive", "bytes": messages.sync_message(SyncStep.UPDATE, update)})
    scope = {"type": "websocket", "headers": [], "path_params": {"document_id": id_}, "query_string": b"token=t"}
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(endpoint(scope, said.get, results.put))
        assert await results.get() == {"type": "websocket.accept"}
        assert (await results.get())["bytes"] == messages.sync_message(SyncStep.STEP_1, b"\x00")
        assert (await results.get())["bytes"] == messages.sync_message(SyncStep.UPDATE, update)
        said.put_nowait({"type": "websocket.disconnect", "code": 1000})
    assert await logged_updates(app, id_) == [update]
