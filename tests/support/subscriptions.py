"""Listening to changes as a client does, below HTTP: subscriptions, the query beside them, and cursors."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from gateway.execution.executor import OperationRequest, OperationResult
from persistence.stores import team
from tests.support.app import App, Person

CHANGE_FIELDS = """
  cursor kind type entityId clientMutationId actor { id } fields { field before after }
  entity { __typename id ... on Task { title } ... on Comment { body } ... on Project { name } ... on Team { name } }
"""
CHANGES_SUBSCRIPTION = (
    f"subscription ($after: SyncCursor, $scope: ChangeScope) {{ changes(after: $after, scope: $scope) {{ {CHANGE_FIELDS} }} }}"
)
TASK_CHANGED_SUBSCRIPTION = (
    f"subscription ($id: ID!, $after: SyncCursor) {{ taskChanged(id: $id, after: $after) {{ {CHANGE_FIELDS} }} }}"
)
CHANGES_QUERY = f"""
query ($after: SyncCursor, $scope: ChangeScope, $first: Int) {{
  changes(after: $after, scope: $scope, first: $first) {{
    cursor nodes {{ {CHANGE_FIELDS} }} edges {{ cursor node {{ cursor }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
RESULT_TIMEOUT_SECONDS = 60.0


class SubscriptionReader:
    """One subscription, whose answers wait here until they are asked for."""

    def __init__(self) -> None:
        self.results: asyncio.Queue[Any] = asyncio.Queue()

    async def next_change(self) -> Any:
        """The next change."""
        answer = await self.next_result()
        assert "errors" not in answer, answer
        (change,) = answer["data"].values()
        return change

    async def next_changes(self, count: int) -> list[Any]:
        """The next changes."""
        return [await self.next_change() for _ in range(count)]

    async def error_code(self) -> str:
        """The code of the error that ends the subscription."""
        (error,) = (await self.next_result())["errors"]
        assert await self.is_completed()
        code: str = error["extensions"]["code"]
        return code

    async def is_completed(self) -> bool:
        """Whether nothing more comes because the server ended it."""
        return await self.next_result() is None

    async def next_result(self) -> Any:
        """The next answer as JSON, None at the end."""
        async with asyncio.timeout(RESULT_TIMEOUT_SECONDS):
            return await self.results.get()

    async def consume(self, stream: AsyncGenerator[OperationResult, None]) -> None:
        """Take in what comes."""
        async with aclosing(stream):
            async for answer in stream:
                self.results.put_nowait(json.loads(answer.to_json()))
            self.results.put_nowait(None)


@asynccontextmanager
async def open_subscription(
    app: App, person: Person | None, operation: str = CHANGES_SUBSCRIPTION, /, own_stream_only: bool = False, **variables: Any
) -> AsyncIterator[SubscriptionReader]:
    """A subscription that has begun to listen, or was refused, and is closed at the end."""
    stream = await app.executor.subscribe(OperationRequest(query=operation, variables=variables), app.context(person))
    assert not isinstance(stream, OperationResult), stream
    teams = [] if person is None or own_stream_only else await team.joined_positions(app.resources.database, person.user.id)
    streams = 0 if person is None else 1 + len(teams)
    others, ear = set(app.resources.services.hub._listeners), SubscriptionReader()
    hub = app.resources.services.hub
    listener = asyncio.get_running_loop().create_task(ear.consume(stream))
    try:
        while not (
            listener.done() or ear.results.qsize() or any(len(each.positions) == streams for each in hub._listeners - others)
        ):
            await asyncio.sleep(0.002)
        yield ear
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


async def current_cursor(app: App, person: Person) -> str:
    """The cursor of now."""
    cursor: str = (await app.run(person, CHANGES_QUERY))["changes"]["cursor"]
    return cursor


async def changes_page(app: App, person: Person, after: str | None = None, **variables: Any) -> Any:
    """One page of the query."""
    return (await app.run(person, CHANGES_QUERY, after=after, **variables))["changes"]


async def changes_since(app: App, person: Person, after: str, **variables: Any) -> list[Any]:
    """Every change that the query returns after a cursor."""
    nodes: list[Any] = []
    while True:
        found = await changes_page(app, person, after, **variables)
        nodes += found["nodes"]
        after = found["cursor"]
        if not found["pageInfo"]["hasNextPage"]:
            return nodes


def change_summary(change: Any) -> tuple[str, str, str]:
    """What a change says in short."""
    return change["kind"], change["type"], change["entityId"]
