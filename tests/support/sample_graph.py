"""A small graph of the endpoint's own tests."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, cast
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from domain.errors import Invalid, MultipleErrors, NotFound, PageTooLarge, Unauthenticated
from gateway.http.ports import RequestInfo


@dataclass
class Context:
    """The context of resolvers; `closed` is set when the endpoint has cleaned up."""

    credentials: Any
    info: RequestInfo
    closed: bool = False
    forgotten: int = 0


@dataclass
class Journal:
    """What the tests ask the graph about: contexts in the order of opening, and what resolvers went through."""

    contexts: list[Context] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, event: str) -> None:
        self.events.append(event)
        self.changed.set()

    async def wait_for(self, event: str) -> None:
        """Wait until it has happened, 5 s at most."""
        async with asyncio.timeout(30):
            while event not in self.events:
                self.changed.clear()
                await self.changed.wait()


JOURNAL = Journal()


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Item(Node):
    name: str
    colour: Colour

    @strawberry.field
    async def twin(self) -> "Item":
        await asyncio.sleep(0)
        return self

    @strawberry.field
    async def related(self, first: int | None = None, last: int | None = None) -> "ItemConnection":
        return ItemConnection(edges=[ItemEdge(node=self, cursor="c")] * (first or 1))


@strawberry.type
class ItemEdge:
    node: Item
    cursor: str


@strawberry.type
class PageInfo:
    has_next_page: bool = False
    end_cursor: str | None = None


@strawberry.type
class ItemConnection:
    edges: list[ItemEdge]

    @strawberry.field
    def nodes(self) -> list[Item]:
        return [edge.node for edge in self.edges]

    @strawberry.field
    def page_info(self) -> PageInfo:
        return PageInfo()

    @strawberry.field
    def total_count(self) -> int:
        return len(self.edges)


@strawberry.input
class ItemFilter:
    colour: Colour | None = None
    inner: "ItemFilter | None" = None
    maybe: strawberry.Maybe[str] = None


ITEM = Item(id=strawberry.ID("1"), name="one", colour=Colour.RED)


@strawberry.type
class Query:
    @strawberry.field
    async def item(self, id: strawberry.ID) -> Item | None:
        return ITEM if id == "1" else None

    @strawberry.field
    def node(self, id: strawberry.ID) -> Node | None:
        return ITEM

    @strawberry.field
    async def items(self, first: int | None = None, last: int | None = None, filter: ItemFilter | None = None) -> ItemConnection:
        if (first or 0) > 100:
            raise PageTooLarge(100, path=("first",))
        return ItemConnection(edges=[ItemEdge(node=ITEM, cursor="c")] * (first or 2))

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Item]:
        return [ITEM for _ in ids]

    @strawberry.field
    def echo(
        self,
        text: str | None = None,
        number: int | None = None,
        uuid: UUID | None = None,
        at: datetime | None = None,
        json: JSON | None = None,
        colour: Colour | None = None,
    ) -> JSON | None:
        return cast("JSON", text or number or json)

    @strawberry.field
    def strict(self, number: int = 1) -> int:
        return number

    @strawberry.field
    def viewer(self, info: strawberry.Info) -> str:
        if info.context.credentials is None:
            raise Unauthenticated()
        return str(info.context.credentials)

    @strawberry.field
    def request_id(self, info: strawberry.Info) -> str:
        return str(info.context.info.request_id)

    @strawberry.field
    async def missing(self) -> str | None:
        raise NotFound()

    @strawberry.field
    def several(self) -> str | None:
        raise MultipleErrors([Invalid(("input", "a"), "A is wrong."), Invalid(("input", "b"), "B is wrong.")])

    @strawberry.field
    async def boom(self) -> str | None:
        raise RuntimeError("internal secret")

    @strawberry.field
    def big(self) -> int | None:
        return 2**40

    @strawberry.field
    def unencodable(self) -> JSON | None:
        return cast("JSON", 2**70)

    @strawberry.field
    async def slow(self) -> str:
        try:
            JOURNAL.record("slow started")
            await asyncio.sleep(30)
            return "late"
        finally:
            JOURNAL.record("slow ended")


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def rename(self, name: str) -> str:
        JOURNAL.record(f"renamed to {name}")
        return name


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int, wait: float = 0) -> AsyncGenerator[int, None]:
        try:
            for number in range(to):
                yield number
                await asyncio.sleep(wait)
        finally:
            JOURNAL.record("count closed")

    @strawberry.subscription
    async def breaks(self, expected: bool) -> AsyncGenerator[int, None]:
        yield 1
        raise NotFound() if expected else RuntimeError("internal secret")

    @strawberry.subscription
    async def heavy(self) -> AsyncGenerator[str, None]:
        try:
            number = 0
            while True:
                number += 1
                JOURNAL.record(f"heavy {number}")
                yield "x" * 100_000
        finally:
            JOURNAL.record("heavy closed")


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription, types=[Item])


def nested_query(levels: int) -> str:
    """A query nested `levels` deep."""
    return "{item(id:1)" + "{twin" * (levels - 2) + "{name}" + "}" * (levels - 2) + "}"
