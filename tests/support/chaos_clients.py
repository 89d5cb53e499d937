"""Clients that go on working whatever fails, and record what they did: each write is repeated under its `clientMutationId` until it
is answered, as apps do."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import orjson
from websockets.exceptions import WebSocketException

from domain.errors import RETRYABLE_CODES
from resolvers import ids
from tests.support.history import Anomaly, Append, History, Operation, Outcome, Read, ReadRegister, Write, find_anomalies
from tests.support.hocuspocus_client import create_document_over_http, open_hocuspocus_client
from tests.support.machine import allowed_seconds
from tests.support.server_process import TASK_CREATE, Client, create_team_and_project, subscribe

MAX_ANSWER_SECONDS: Final = 10.0
MAX_LIST_VALUES: Final = 90
"""In one list, which a page of 100 shows whole."""
MAX_MARKS: Final = 2_000
"""In one document: a larger one would take memory of the server for what it holds."""
_GIVE_UP_SECONDS: Final = 20.0
_LAST_READS_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 0.05
_DOCUMENT_PAUSE_SECONDS: Final = 0.1
_MAX_READS_AT_ONCE: Final = 8
COMMENT = "mutation ($input: CommentCreateInput!) { commentCreate(input: $input) { comment { id } errors { code message } } }"
RENAME = "mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { task { title version } errors { code message } } }"
READ_TASK = "query ($id: ID!) { task(id: $id) { title version comments(first: 100) { nodes { body } } } }"
DOCUMENT = "mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } errors { code message } } }"
READ_DOCUMENT = "query ($id: ID!) { document(id: $id) { content { text } } }"
CHANGES = """query ($after: SyncCursor) {
  changes(after: $after, first: 100) { cursor nodes { type kind entityId } pageInfo { hasNextPage } }
}"""
FOLLOW = "subscription ($after: SyncCursor) { changes(after: $after) { cursor type kind entityId } }"


class ChaosClients:
    """
    Clients of some servers, which are the same to them.

    `history` is what they did. `violations` are answers that no fault excuses: without a code, not to be tried again, or later
    than after 10 s. `refusals` counts codes by what was asked for, `broken` the connections that broke before an answer.
    """

    def __init__(self, clients: Sequence[Client], dice: random.Random) -> None:
        self.history = History()
        self.violations: list[str] = []
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.slowest_seconds = 0.0
        self.broken = 0
        self.followed: list[str] = []
        self.follows = 0
        self._clients = clients
        self._dice = dice
        self._project_id = ""
        self._start = ""
        self._created: dict[str, str] = {}
        self._open_documents: list[str] = []
        """What is edited, and by whom: editors take turns with the places here."""
        self._edited_documents: list[str] = []
        self._editors = itertools.count()
        self._opening = asyncio.Lock()
        self._stopping = asyncio.Event()

    async def begin(self, project_id: str, *document_ids: str) -> None:
        """Make what the others work on. Editors take turns with the documents."""
        self._project_id, self._open_documents, self._edited_documents = project_id, [*document_ids], [*document_ids]
        first = (await self._clients[0].run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]
        self._start = first["cursor"]

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished, or given up after 20 s."""
        self._stopping.set()

    async def add_tasks(self) -> None:
        """Add tasks one after the other, until it is told to stop."""
        for number in itertools.count():
            if self._stopping.is_set():
                return
            await self.add_task(f"Task {number}")

    async def add_documents(self) -> None:
        """Add documents with a text, which takes storage, until it is told to stop."""
        while not self._stopping.is_set():
            id_, began = uuid4(), self.history.tick()
            given = {"id": str(id_), "projectId": self._project_id, "title": "Document", "content": f"Says {id_}.\n"}
            outcome, _ = await self._write("documentCreate", DOCUMENT, given)
            self._add(Append(key="documents", value=str(id_), began=began, ended=self.history.tick(), outcome=outcome))
            await asyncio.sleep(_DOCUMENT_PAUSE_SECONDS)

    async def add_task(self, title: str) -> str:
        """Add a task: its id."""
        id_ = uuid4()
        value, began = ids.encode("Task", id_), self.history.tick()
        given = {"id": str(id_), "projectId": self._project_id, "title": title}
        outcome, _ = await self._write("taskCreate", TASK_CREATE, given)
        self._add(Append(key="tasks", value=value, began=began, ended=self.history.tick(), outcome=outcome))
        return value

    async def discuss(self) -> None:
        """Comment on a task, rename it and read it, over and over; on the next when it has many comments; until told to stop."""
        while not self._stopping.is_set():
            began, title, id_ = self.history.tick(), f"Title {uuid4()}", uuid4()
            task_id = ids.encode("Task", id_)
            outcome, _ = await self._write(
                "taskCreate", TASK_CREATE, {"id": str(id_), "projectId": self._project_id, "title": title}
            )
            ended = self.history.tick()
            self._add(Append(key="tasks", value=task_id, began=began, ended=ended, outcome=outcome))
            if outcome is not Outcome.OK:
                continue
            self._created[task_id] = title
            self._add(Write(key=task_id, value=title, began=began, ended=ended, outcome=Outcome.OK, version=1))
            for _ in range(MAX_LIST_VALUES):
                if self._stopping.is_set():
                    return
                await self._dice.choice((self._comment, self._comment, self._rename, self._read_task))(task_id)

    async def _comment(self, task_id: str) -> None:
        value, began = f"Comment {uuid4()}", self.history.tick()
        outcome, _ = await self._write("commentCreate", COMMENT, {"subjectId": task_id, "body": value})
        key = f"comments of {task_id}"
        self._add(Append(key=key, value=value, began=began, ended=self.history.tick(), outcome=outcome))

    async def _rename(self, task_id: str) -> None:
        value, began = f"Title {uuid4()}", self.history.tick()
        outcome, payload = await self._write("taskUpdate", RENAME, {"id": task_id, "title": value})
        version = payload["task"]["version"] if payload is not None and outcome is Outcome.OK else None
        self._add(Write(key=task_id, value=value, began=began, ended=self.history.tick(), outcome=outcome, version=version))

    async def _read_task(self, task_id: str, *, is_last: bool = False) -> None:
        began = self.history.tick()
        data = await (self._persistently if is_last else _once)(partial(self.answer, "task", READ_TASK, id=task_id))
        if data is None:
            return
        if data["task"] is None:
            self.violations.append(f"task {task_id}, which was acknowledged, is not there")
            return
        ended, found = self.history.tick(), data["task"]
        comments = tuple(each["body"] for each in found["comments"]["nodes"])
        self._add(Read(key=f"comments of {task_id}", values=comments, began=began, ended=ended, is_last=is_last))
        self._add(
            ReadRegister(key=task_id, value=found["title"], version=found["version"], began=began, ended=ended, is_last=is_last)
        )

    async def edit(self) -> None:
        """Put marks into a document, and come back when the connection ends, until told to stop."""
        place = next(self._editors) % len(self._open_documents)
        while not self._stopping.is_set():
            document_id = self._open_documents[place]
            with suppress(OSError, WebSocketException, TimeoutError):
                client = self._dice.choice(self._clients)
                async with open_hocuspocus_client(client.server.url, document_id, client.token) as editor:
                    began: dict[str, int] = {}
                    try:
                        for number in itertools.count(1):
                            if self._stopping.is_set():
                                return
                            if len(editor.map) >= MAX_MARKS:
                                break
                            mark = f"{uuid4()}"
                            began[mark] = self.history.tick()
                            await editor.edit(mark)
                            async with asyncio.timeout(MAX_ANSWER_SECONDS):
                                await editor.wait_until_acknowledged(number)
                    finally:
                        kept = set(editor.acknowledged)
                        for mark, at in began.items():
                            outcome = Outcome.OK if mark in kept else Outcome.UNKNOWN
                            key = _marks_key(document_id)
                            self._add(Append(key=key, value=mark, began=at, ended=self.history.tick(), outcome=outcome))
                await self._open_next_document(place, document_id)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _open_next_document(self, place: int, full: str) -> None:
        """Have those who edit a full document go on in a new one."""
        async with self._opening:
            if self._open_documents[place] != full:
                return  # the other one has opened it
            id_ = uuid4()
            given = {"id": str(id_), "projectId": self._project_id, "title": "Live"}
            if (await self._write("documentCreate", DOCUMENT, given))[0] is Outcome.OK:
                self._open_documents[place] = ids.encode("Document", id_)
                self._edited_documents.append(self._open_documents[place])

    async def follow(self) -> None:
        """Follow all changes by a subscription, from the last cursor on when it ends, for ever."""
        cursor = self._start
        while True:
            with suppress(OSError, WebSocketException, TimeoutError, AssertionError):
                async with self._dice.choice(self._clients).websocket() as socket:
                    await subscribe(socket, FOLLOW, after=cursor)
                    self.follows += 1
                    while True:
                        frame = orjson.loads(await socket.recv())
                        if frame["type"] == "ping":
                            await socket.send('{"type":"pong"}')
                        if frame["type"] != "next" or "errors" in frame["payload"]:
                            if frame["type"] in ("error", "complete", "next"):
                                break
                            continue
                        change = frame["payload"]["data"]["changes"]
                        cursor = change["cursor"]
                        if change["type"] == "Task" and change["kind"] == "CREATED":
                            self.followed.append(change["entityId"])
            await asyncio.sleep(_RETRY_SECONDS)

    async def is_back(self) -> float:
        """Seconds until a task could be added and read."""
        began = time.monotonic()
        await self._read_task(await self.add_task("Is it back?"), is_last=False)
        return time.monotonic() - began

    def anomalies(self) -> list[Anomaly]:
        """What the store did wrong."""
        return find_anomalies(self.history.operations, unordered={"documents", *map(_marks_key, self._edited_documents)})

    async def finish(self) -> None:
        """Read everything once more, when nothing fails any more and nothing is written."""
        tasks: list[str] = []
        cursor, began, has_more = self._start, self.history.tick(), True
        while has_more:
            data = await self._persistently(partial(self.answer, "changes", CHANGES, after=cursor))
            page = data["changes"]
            tasks += [each["entityId"] for each in page["nodes"] if each["type"] == "Task" and each["kind"] == "CREATED"]
            cursor, has_more = page["cursor"], page["pageInfo"]["hasNextPage"]
        self._add(Read(key="tasks", values=tuple(tasks), began=began, ended=self.history.tick(), is_last=True))
        await _at_once(partial(self._read_task, task_id, is_last=True) for task_id in self._created)
        await self._read_documents()
        client = self._clients[0]
        began = self.history.tick()
        for document_id in self._edited_documents:
            async with open_hocuspocus_client(client.server.url, document_id, client.token) as reader:
                marks = tuple(sorted((reader.map.to_py() or {}).keys()))
            self._add(Read(key=_marks_key(document_id), values=marks, began=began, ended=self.history.tick(), is_last=True))
        async with asyncio.timeout(_LAST_READS_SECONDS):
            while self.follows and len(self.followed) < len(tasks):
                await asyncio.sleep(0.02)
        if self.follows:
            self._add(Read(key="tasks", values=tuple(self.followed), began=began, ended=self.history.tick(), is_last=True))

    async def _read_documents(self) -> None:
        began = self.history.tick()
        found: list[str] = []

        async def read(document_id: str) -> None:
            id_ = ids.encode("Document", UUID(document_id))
            data = await self._persistently(partial(self.answer, "document", READ_DOCUMENT, id=id_))
            if data["document"] is not None:
                assert data["document"]["content"]["text"] == f"Says {document_id}.\n"
                found.append(document_id)

        written = [each.value for each in self.history.operations if isinstance(each, Append) and each.key == "documents"]
        await _at_once(partial(read, each) for each in written)
        self._add(Read(key="documents", values=tuple(found), began=began, ended=self.history.tick(), is_last=True))

    async def answer(self, name: str, query: str, **variables: Any) -> Any:
        """The data of one try; None where the answer was lost, or was a coded error."""
        began = time.monotonic()
        client = self._dice.choice(self._clients)
        try:
            status, body = await client.post_quickly(query, **variables)
        except TimeoutError:
            self.violations.append(f"{name}: no answer within {time.monotonic() - began:.1f} s")
            return None
        except (aiohttp.ClientError, OSError):
            self.broken += 1
            return None
        finally:
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        try:
            answer = orjson.loads(body)
        except ValueError:
            self.violations.append(f"{name}: {status} {body[:200]!r}")
            return None
        for error in answer.get("errors", ()):
            code = error.get("extensions", {}).get("code")
            self.refusals[name, str(code)] += 1
            if code not in RETRYABLE_CODES or error["extensions"].get("retryable") is not True:
                self.violations.append(f"{name}: {error}")
        return None if "errors" in answer else answer["data"]

    async def _write(self, name: str, query: str, given: dict[str, Any]) -> tuple[Outcome, Any]:
        """Repeat a mutation under its id until it is answered, or for 20 s."""
        until = time.monotonic() + _GIVE_UP_SECONDS
        whole = {**given, "clientMutationId": str(uuid4())}
        while time.monotonic() < until:
            data = await self.answer(name, query, input=whole)
            if data is not None:
                payload = data[name]
                if payload["errors"]:
                    self.violations.append(f"{name}: {payload['errors']}")
                    return Outcome.FAILED, payload
                return Outcome.OK, payload
            await asyncio.sleep(_RETRY_SECONDS)
        return Outcome.UNKNOWN, None

    async def _persistently(self, call: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(_LAST_READS_SECONDS):
            while (found := await call()) is None:
                await asyncio.sleep(_RETRY_SECONDS)
        return found

    def _add(self, operation: Operation) -> None:
        self.history.add(operation)


def _marks_key(document_id: str) -> str:
    return f"marks of {document_id}"


async def _at_once(calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Make calls, some at a time."""
    turns = asyncio.Semaphore(_MAX_READS_AT_ONCE)

    async def in_turn(call: Callable[[], Awaitable[None]]) -> None:
        async with turns:
            await call()

    await asyncio.gather(*(in_turn(each) for each in calls))


async def _once(call: Callable[[], Awaitable[Any]]) -> Any:
    return await call()


@asynccontextmanager
async def working(clients: ChaosClients, owner: Client, *, crowd: int = 1) -> AsyncIterator[None]:
    """People write, follow and edit in a new project for the length of the block, after which everything is read again. `crowd`: how
    many do each; two edit a document together."""
    project_id = await create_team_and_project(owner)
    await clients.begin(project_id, *[await create_document_over_http(owner, project_id) for _ in range(crowd)])
    one_of_each = (clients.add_tasks, clients.discuss, clients.discuss, clients.edit, clients.edit)
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(each()) for each in (clients.add_documents, *(one_of_each * crowd), clients.follow)]
    try:
        yield
        clients.stop()
        await asyncio.gather(*tasks[:-1])
        await clients.finish()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def work_during(clients: ChaosClients, owner: Client, during: Awaitable[None]) -> None:
    """Have people work until something is over."""
    async with working(clients, owner):
        await during


def assert_unharmed(clients: ChaosClients, *, least: int) -> None:
    """Nothing was lost, doubled or late, at least so many operations were acknowledged, and each refusal said to try again."""
    assert clients.violations == [], clients.violations[:5]
    found = clients.anomalies()
    assert found == [], found[:5]
    assert clients.slowest_seconds <= allowed_seconds(MAX_ANSWER_SECONDS), clients.slowest_seconds
    assert clients.history.acknowledged() >= least
