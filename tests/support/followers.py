"""Somebody who follows a team by every subscription, a stream over HTTP and a socket of live editing, all at once."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from domain import job as jobs
from domain.job import TransferFormat
from persistence.unit_of_work import unit_of_work
from realtime.collaboration.messages import SyncStep, sync_message
from resolvers import ids
from tests.support.app import App
from tests.support.collaboration_socket import EMPTY
from tests.support.graph_actions import create_comment, create_document, create_project, create_task, mutate_ok
from tests.support.graph_collaboration import Editor, apply_updates
from tests.support.notifications import handle_events, stream_head
from tests.support.served_app import ANSWER_SECONDS, GraphSocket, ServedApp
from tests.support.teams import SampleTeam, uuid_of

SUBSCRIPTIONS: Final[Mapping[str, str]] = {
    "changes": """subscription { changes(withStart: true) { kind type entityId fields { field before after } entity {
      ... on Task { title } ... on Document { title } ... on Comment { body } ... on Project { description } ... on User { lastName }
    } } }""",
    "taskChanged": """subscription ($task: ID!, $after: SyncCursor) { taskChanged(id: $task, after: $after) {
      kind type entityId fields { field before after } entity { ... on Task { title } ... on Comment { body } } } }""",
    "documentCollaboration": """subscription ($document: ID!) { documentCollaboration(id: $document, sessionId: "s") {
      __typename ... on DocumentSynced { update } ... on DocumentEdited { update } ... on DocumentAccessChanged { viewerCan } } }""",
    "notificationReceived": "subscription ($after: SyncCursor) { notificationReceived(after: $after) { title body } }",
    "jobUpdated": "subscription ($job: ID!) { jobUpdated(id: $job) { state message } }",
}
"""One of each field of Subscription, with the words of what it is about."""
LINK_SUBSCRIPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "document": {
        "documentCollaboration": """subscription ($document: ID!) { documentCollaboration(id: $document, sessionId: "s") {
          ... on DocumentSynced { update } ... on DocumentEdited { update } } }"""
    },
    "board": {"changes": "subscription { changes { kind entity { ... on Task { title } } } }"},
}
"""Those of share links, by what they lead to."""


@dataclass(frozen=True)
class Scene:
    """A team whose mate follows a task and a document of its project, with an export of the project that waits."""

    app: App
    team: SampleTeam
    task: Any
    document: Any
    secret_project_id: str
    job_id: str

    async def write(self, word: str) -> None:
        """Let the owner write a word wherever somebody who follows could be sent it."""
        app, owner, title = self.app, self.team.owner, f"{word} title"
        before = await stream_head(app, self.team)
        payload = await apply_updates(app, owner, self.document["id"], Editor().write(word), session="owner")
        assert payload["errors"] == []
        await mutate_ok(app, owner, "taskUpdate", id=self.task["id"], title=title)
        await create_task(app, self.team, title, by=owner)
        await create_comment(app, owner, self.task, f"{word} [@Mate](user:{self.team.mate.id})")
        await mutate_ok(app, owner, "documentUpdate", id=self.document["id"], title=title)
        await mutate_ok(app, owner, "projectUpdate", id=self.team.project_id, description=title)
        await handle_events(app, self.team, before)


async def create_scene(app: App, team: SampleTeam) -> Scene:
    """What the mate follows."""
    task = await create_task(app, team, "Followed", assigneeId=team.mate.id)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        job = await jobs.start_export(
            uow,
            team.mate.actor,
            team_id=None,
            project_id=uuid_of(team.project_id),
            document_id=None,
            format=TransferFormat.CSV,
            include_attachments=False,
        )
    return Scene(
        app=app,
        team=team,
        task=task,
        document=await create_document(app, team, "Followed"),
        secret_project_id=await create_project(app, team, "Secret", private_to=[team.guest]),
        job_id=ids.encode("Job", job.id),
    )


@dataclass
class Follower:
    """What was sent to somebody, by every way that stays open."""

    socket: GraphSocket
    stream: list[str] = field(default_factory=list)
    """Lines of the stream over HTTP."""
    stream_ended: asyncio.Event = field(default_factory=asyncio.Event)
    edits: list[bytes] = field(default_factory=list)
    """Messages of the socket of live editing."""
    editing_end: asyncio.Future[int | None] = field(default_factory=asyncio.Future)
    """The code with which that was closed."""

    def has_seen(self, way: str, word: str) -> bool:
        """Whether a word stands in anything that came by a way: a subscription, `stream` or `editing`."""
        match way:
            case "stream":
                return word in "".join(self.stream)
            case "editing":
                return word.encode() in b"".join(self.edits)
        text = json.dumps(self.socket.received[way])
        updates = b"".join(base64.b64decode(each) for each in re.findall(r'"update": "([^"]*)"', text))
        return word in text or word.encode() in updates

    @property
    def ways(self) -> tuple[str, ...]:
        beside = {"changes": "stream", "documentCollaboration": "editing"}
        return (*self.socket.received, *(beside[name] for name in self.socket.received if name in beside))

    async def wait_until_seen(self, word: str, *ways: str) -> None:
        """Wait for a word by each of the ways."""
        missing = set(ways)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while missing := {way for way in missing if not self.has_seen(way, word)}:
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"{word!r} did not come by {missing}") from None

    async def read_until_seen(self, scene: Scene, word: str, *ways: str) -> None:
        """Let a word be written until it has come by each of the ways: some of them say nothing when they begin to listen."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                await scene.write(word)
                for _ in range(20):
                    if all(self.has_seen(way, word) for way in ways):
                        return
                    await asyncio.sleep(0.01)


@asynccontextmanager
async def open_follower(
    served: ServedApp, scene: Scene, authorization: str, subscriptions: Mapping[str, str] = SUBSCRIPTIONS
) -> AsyncIterator[Follower]:
    """Somebody who follows the scene, and was sent the first answers of those subscriptions that begin with one."""
    cursor = (await served.app.run(scene.team.owner, "{ changes { cursor } }"))["changes"]["cursor"]
    given = {"task": scene.task["id"], "document": scene.document["id"], "job": scene.job_id, "after": cursor}
    loop = asyncio.get_running_loop()
    async with served.open_socket(authorization) as opened:
        follower = Follower(opened)
        for name, text in subscriptions.items():
            await opened.start(name, text, **{each: value for each, value in given.items() if f"${each}" in text})
        tasks = []
        if changes := subscriptions.get("changes"):
            tasks.append(loop.create_task(_read_stream(served, follower, authorization, changes)))
        if "documentCollaboration" in subscriptions:
            tasks.append(loop.create_task(_edit(served, follower, scene, authorization)))
        try:
            for name, text in subscriptions.items():
                if "withStart" in text or name in ("documentCollaboration", "jobUpdated"):
                    await opened.first(name)
            yield follower
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _read_stream(served: ServedApp, follower: Follower, authorization: str, text: str) -> None:
    """Follow changes by server-sent events until the server ends them."""
    headers = {"authorization": authorization, "accept": "text/event-stream"}
    async with served.http.stream("POST", "/graphql", json={"query": text}, headers=headers) as response:
        async for line in response.aiter_lines():
            follower.stream.append(line)
    follower.stream_ended.set()


async def _edit(served: ServedApp, follower: Follower, scene: Scene, authorization: str) -> None:
    """Be in the document by y-websocket's protocol until the server closes the connection."""
    address = f"ws://127.0.0.1:{served.port}/collaboration/{scene.document['id']}"
    async with connect(address, additional_headers={"authorization": authorization}) as connection:
        with suppress(ConnectionClosed):
            await connection.send(sync_message(SyncStep.STEP_1, EMPTY))
            async for message in connection:
                assert isinstance(message, bytes)
                follower.edits.append(message)
        follower.editing_end.set_result(connection.close_code)
