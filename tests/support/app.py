"""Running operations as somebody: the graph's front door, below HTTP."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.bootstrap import LIMITS, POSITION_READER, Resources
from domain.actor import Actor
from domain.rate_limit import RateLimit
from domain.session import Device
from domain.sign_in import SignInLimits
from domain.user import User
from gateway.execution.executor import Executor, OperationRequest, PreparedOperation
from realtime.collaboration.timings import RoomTimings
from resolvers import ids
from resolvers.context import Context
from schema.field_rules import field_weights
from schema.root import bindings, schema

_COMPARISONS = 2
_PLAIN_VALUE = re.compile(rb'(?<=:)(?:"[ !#-\[\]-~]+"|[0-9][0-9.]*)')  # nothing that JSON escapes or that takes several bytes

IDLE_TIMINGS = RoomTimings(close_after_seconds=3600.0, compact_after_seconds=3600.0, sweep_interval_seconds=3600.0)
"""For houses in which rooms of live editing do nothing by themselves while tests run."""


GENEROUS_LIMITS = SignInLimits(
    per_account=RateLimit(name="sign-in account", max_uses=1_000, window_seconds=60),
    per_address=RateLimit(name="sign-in address", max_uses=10_000, window_seconds=60),
    registrations=RateLimit(name="registration address", max_uses=10_000, window_seconds=3600),
    codes=RateLimit(name="code account", max_uses=1_000, window_seconds=3600),
    mails_to_recipient=RateLimit(name="mail recipient", max_uses=1_000, window_seconds=3600),
    mails_from_address=RateLimit(name="mail address", max_uses=10_000, window_seconds=60),
    tokens=RateLimit(name="token address", max_uses=10_000, window_seconds=60),
)
"""For applications that many tests share, which all sign in from nowhere."""


@dataclass(frozen=True)
class Person:
    """A user who can act; some of what they may do needs a session."""

    user: User
    session_id: UUID | None = None

    @property
    def id(self) -> str:
        """The global id."""
        return ids.encode("User", self.user.id)

    @cached_property
    def actor(self) -> Actor:
        """The user with all scopes granted."""
        return Actor(user_id=self.user.id, session_id=self.session_id)


class App:
    """
    The graph over open services.

    Whatever a compiled program answers is asked of graphql-core too, and must come out the same, byte for byte: so every test
    through here is a test of the compiler. A mutation is not run twice for that; graphql-core is given what it came to. What was
    answered to the same document twice, but for plain words and numbers, is not compared a third time: most is said to prepare
    tests. `sql` is the tests' own way to the rows, so that no test waits for a connection of the application.
    """

    def __init__(self, resources: Resources, sql: "asyncpg.Pool[Any]") -> None:
        self.resources = resources
        self.sql = sql
        options: dict[str, Any] = {
            "limits": LIMITS,
            "weights": field_weights(bindings),
            "before_event": Context.clear_loaders,
            "position_reader": POSITION_READER,
        }
        self.executor = Executor(schema, bindings=bindings, **options)
        self.graphql_core = Executor(schema, **options)
        self._compared: Counter[tuple[str, bytes]] = Counter()

    def context(self, person: Person | None, actor: Actor | None = None, *, now: datetime | None = None) -> Context:
        """What one operation of a person is given."""
        return Context(self.resources.services, actor or (person.actor if person else None), Device(), now=now)

    async def execute(self, person: Person | None, operation: str, *, actor: Actor | None = None, **variables: Any) -> Any:
        """The whole answer, as JSON."""
        request = OperationRequest(query=operation, variables=json.loads(orjson.dumps(variables)))
        # Parsed and validated once: that is most of the time, and both executors have it of the same function.
        prepared = await self.executor.prepare_in_turn(request, owner=person)
        if not isinstance(prepared, PreparedOperation):
            return json.loads(prepared.to_json())
        answer = b""
        for further in (2, 1, 0):
            compiled = self.executor.execution_counts["compiled"]
            context = self.context(person, actor)
            answer = (await self.executor.execute(prepared, context)).to_json()
            if self.executor.execution_counts["compiled"] == compiled:
                break
            form = (operation, _PLAIN_VALUE.sub(b"", answer))
            if self._compared[form] == _COMPARISONS:
                break
            context.clear_loaders()
            stock = (await self.graphql_core.execute(prepared, context)).to_json()
            if answer == stock or context.mutation_results:
                assert answer == stock, (answer, stock)
                self._compared[form] += 1
                break
            # Others may have written between the two: asked again, both must agree.
            assert further, (answer, stock)
        return json.loads(answer)

    async def run(self, person: Person | None, operation: str, **variables: Any) -> Any:
        """The data of an answer that has no errors."""
        answer = await self.execute(person, operation, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def count_statements(self, person: Person | None, operation: str, **variables: Any) -> tuple[Any, int]:
        """The data, and how many SQL statements a compiled program took: the fewest of three runs, since background work runs statements
        too."""
        data = await self.run(person, operation, **variables)
        request = OperationRequest(query=operation, variables=json.loads(orjson.dumps(variables)))
        taken = []
        for _ in range(3):
            before = self.resources.database.statements_run
            await self.executor.execute(request, self.context(person))
            taken.append(self.resources.database.statements_run - before)
        return data, min(taken)
