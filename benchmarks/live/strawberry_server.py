"""Strawberry's own websocket handler: what subscribers cost who execute, complete and encode alone.

One listener of Valkey hands each event to every subscriber's queue, which is less than a listener for each would cost. Nobody's
token is looked at. Usage: python -m benchmarks.live.strawberry_server PORT VALKEY_PORT CHANNEL
"""

import asyncio
import sys
from collections.abc import AsyncGenerator

import orjson
import strawberry
import uvicorn
from redis.asyncio import Redis
from strawberry.asgi import GraphQL

_queues: set[asyncio.Queue[dict[str, str]]] = set()


@strawberry.type
class Change:
    """As the peers show it."""

    id: strawberry.ID
    kind: str
    type: str
    entity_id: strawberry.ID
    client_mutation_id: str | None
    at: str


@strawberry.input
class ChangeScope:
    """Not looked at."""

    project_ids: list[strawberry.ID] | None = None


@strawberry.type
class Query:
    """Must be."""

    ok: bool = True


@strawberry.type
class Subscription:
    """What is measured."""

    @strawberry.subscription
    async def changes(self, scope: ChangeScope | None = None) -> AsyncGenerator[Change, None]:
        queue: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        _queues.add(queue)
        try:
            while True:
                event = await queue.get()
                yield Change(
                    id=strawberry.ID(event["id"]),
                    kind=event["kind"],
                    type=event["type"],
                    entity_id=strawberry.ID(event["entityId"]),
                    client_mutation_id=event["clientMutationId"],
                    at=event["at"],
                )
        finally:
            _queues.discard(queue)


async def _receive(port: int, channel: str) -> None:
    async with Redis(port=port).pubsub() as pubsub:
        await pubsub.subscribe(channel)
        async for message in pubsub.listen():
            if message["type"] == "message":
                event = orjson.loads(message["data"])
                for queue in _queues:
                    queue.put_nowait(event)


async def _run(port: int, valkey_port: int, channel: str) -> None:
    graph = GraphQL(strawberry.Schema(query=Query, subscription=Subscription))
    config = uvicorn.Config(graph, port=port, loop="none", ws="websockets-sansio", log_level="warning", lifespan="off")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_receive(valkey_port, channel))
        tasks.create_task(uvicorn.Server(config).serve())


if __name__ == "__main__":
    import uvloop

    uvloop.run(_run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
