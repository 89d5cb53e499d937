"""Running operations as somebody: the graph's front door, below HTTP."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from bootstrap import LIMITS, House
from domain.actor import Actor
from domain.session import Device
from domain.user import User
from resolvers.context import Context
from schema import ids
from schema.execution.executor import Executor, OperationRequest
from schema.root import bindings, schema
from schema.rules import weights


@dataclass(frozen=True)
class Person:
    """A user who can act."""

    user: User

    @property
    def id(self) -> str:
        """The global id."""
        return ids.encode("User", self.user.id)

    @cached_property
    def actor(self) -> Actor:
        """The user with all scopes lent."""
        return Actor(user_id=self.user.id)


class App:
    """The graph over open services."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.executor = Executor(schema, limits=LIMITS, weights=weights(bindings), before_event=Context.forget)

    def context(self, person: Person | None, actor: Actor | None = None) -> Context:
        """What one operation of a person is given."""
        return Context(self.house.services, actor or (person.actor if person else None), Device())

    async def answer(self, person: Person | None, operation: str, *, actor: Actor | None = None, **variables: Any) -> Any:
        """The whole answer, as JSON."""
        request = OperationRequest(query=operation, variables=json.loads(orjson.dumps(variables)))
        answer = await self.executor.execute(request, self.context(person, actor))
        return json.loads(orjson.dumps(answer.payload()))

    async def run(self, person: Person | None, operation: str, **variables: Any) -> Any:
        """The data of an answer that has no errors."""
        answer = await self.answer(person, operation, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def statements(self, person: Person | None, operation: str, **variables: Any) -> tuple[Any, int]:
        """The data, and how many SQL statements it took."""
        before = self.house.database.statements_run
        data = await self.run(person, operation, **variables)
        return data, self.house.database.statements_run - before
