"""Listening to changes as a client does, below HTTP: subscriptions, the query beside them, and cursors."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from gateway.execution.executor import OperationRequest, OperationResult
from persistence.stores import team
from tests.app import App, Person

CHANGE = """
  cursor kind type entityId clientMutationId actor { id } fields { field before after }
  entity { __typename id ... on Task { title } ... on Comment { body } ... on Project { name } ... on Team { name } }
"""
CHANGES = f"subscription ($after: SyncCursor, $scope: ChangeScope) {{ changes(after: $after, scope: $scope) {{ {CHANGE} }} }}"
TASK_CHANGED = f"subscription ($id: ID!, $after: SyncCursor) {{ taskChanged(id: $id, after: $after) {{ {CHANGE} }} }}"
PAGE = f"""
query ($after: SyncCursor, $scope: ChangeScope, $first: Int) {{
  changes(after: $after, scope: $scope, first: $first) {{
    cursor nodes {{ {CHANGE} }} edges {{ cursor node {{ cursor }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
PATIENCE = 10.0


class Ear:
    """One subscription, whose answers wait here until they are asked for."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Any] = asyncio.Queue()

    async def next(self) -> Any:
        """The next change."""
        answer = await self.answer()
        assert "errors" not in answer, answer
        (change,) = answer["data"].values()
        return change

    async def take(self, count: int) -> list[Any]:
        """The next changes."""
        return [await self.next() for _ in range(count)]

    async def refusal(self) -> str:
        """The code of the error that ends the subscription."""
        (error,) = (await self.answer())["errors"]
        assert await self.ended()
        code: str = error["extensions"]["code"]
        return code

    async def ended(self) -> bool:
        """Whether nothing more comes because the server ended it."""
        return await self.answer() is None

    async def answer(self) -> Any:
        """The next answer as JSON, None at the end."""
        async with asyncio.timeout(PATIENCE):
            return await self.answers.get()

    async def listen(self, stream: AsyncGenerator[OperationResult, None]) -> None:
        """Take in what comes."""
        async with aclosing(stream):
            async for answer in stream:
                self.answers.put_nowait(json.loads(answer.to_json()))
            self.answers.put_nowait(None)


@asynccontextmanager
async def listening(app: App, person: Person | None, operation: str = CHANGES, **variables: Any) -> AsyncIterator[Ear]:
    """A subscription that has begun to listen, or was refused, and is closed at the end."""
    stream = await app.executor.subscribe(OperationRequest(query=operation, variables=variables), app.context(person))
    assert not isinstance(stream, OperationResult), stream
    streams = 0 if person is None else 1 + len(await team.joined_positions(app.house.database, person.user.id))
    others, ear = set(app.house.services.hub._listeners), Ear()
    hub = app.house.services.hub
    listener = asyncio.get_running_loop().create_task(ear.listen(stream))
    try:
        while not (
            listener.done() or ear.answers.qsize() or any(len(each.positions) == streams for each in hub._listeners - others)
        ):
            await asyncio.sleep(0.002)
        yield ear
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


async def now(app: App, person: Person) -> str:
    """The cursor of now."""
    cursor: str = (await app.run(person, PAGE))["changes"]["cursor"]
    return cursor


async def page(app: App, person: Person, after: str | None = None, **variables: Any) -> Any:
    """One page of the query."""
    return (await app.run(person, PAGE, after=after, **variables))["changes"]


async def since(app: App, person: Person, after: str, **variables: Any) -> list[Any]:
    """Everything that the query tells since a cursor."""
    nodes: list[Any] = []
    while True:
        found = await page(app, person, after, **variables)
        nodes += found["nodes"]
        after = found["cursor"]
        if not found["pageInfo"]["hasNextPage"]:
            return nodes


def told(change: Any) -> tuple[str, str, str]:
    """What a change says in short."""
    return change["kind"], change["type"], change["entityId"]
