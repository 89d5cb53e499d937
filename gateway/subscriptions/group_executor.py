"""Speaks for a group of subscribers: decides, executes and encodes each event once."""

import asyncio
from collections import Counter
from collections.abc import Hashable, Sequence
from secrets import token_urlsafe
from time import perf_counter
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from domain.events import Entry
from gateway.execution.encoding import encode
from gateway.execution.executor import Answer, Executor, Prepared
from gateway.subscriptions.plan import Plan
from gateway.subscriptions.protocols import Positions, RightsStale
from gateway.subscriptions.shared_payload import Told
from persistence.rights import Rights
from resolvers.context import Context
from resolvers.event_visibility import Change, Hearing, may_change_rights
from resolvers.subscription_topic import Theme

_NOTHING: Final = (None, False)
_REMEMBERED: Final = 64


class Member(Protocol):
    """One of those for whom is spoken."""

    @property
    def context(self) -> Context: ...
    @property
    def viewer(self) -> UUID: ...


M = TypeVar("M", bound=Member)


class Said:
    """What was said of the last events, by what was asked for. Groups that differ in their scopes alone, or in the names of
    their operations, are told the same text; positions are one object for all groups of a choir, so they stand for the event.
    """

    def __init__(self) -> None:
        self._of: dict[int, tuple[Positions, dict[str, Told]]] = {}
        # Nobody can have written this into an object: it is made here and leaves in no frame.
        self.mark = token_urlsafe(24)

    def of(self, positions: Positions) -> dict[str, Told]:
        """What was said of the event that led to these positions."""
        known = self._of.get(id(positions))
        if known is None or known[0] is not positions:
            if len(self._of) >= _REMEMBERED:
                self._of.clear()
            known = self._of[id(positions)] = positions, {}
        return known[1]


class Teller:
    """Speaks for a group: a `gateway.subscriptions.groups.Teller`."""

    def __init__(
        self, run: "Run", said: Said, prepared: Prepared, plan: Plan, theme: Theme, context: Context, rights: Rights
    ) -> None:
        self._run = run
        self._said = said
        self.immediate = run.compiled and not plan.waits
        self._prepared = prepared
        self._plan = plan
        self._theme = theme
        self._context = Context(context.services, context.actor, context.device)
        self._hearing = Hearing(self._context, theme.scope)
        self._hearing.for_all(rights)
        self._mark = said.mark
        self._mark_bytes = said.mark.encode()

    def may_affect_membership(self, entry: Entry) -> bool:
        return may_change_rights(entry)

    async def repartition(self, members: Sequence[M]) -> tuple[Hashable, Sequence[M]]:
        """Those who follow the same teams as before stay, if they agree about the projects with most of them."""
        rights = await self._context.services.rights.load_many(list({each.viewer for each in members}))
        teams = self._hearing.rights.teams.keys()
        common = Counter(rights[each.viewer].key for each in members if rights[each.viewer].teams.keys() == teams)
        if not common:
            return self._plan.key(self._prepared, self._context, self._hearing.rights), members
        most = common.most_common(1)[0][0]
        staying = {each for each in members if rights[each.viewer].key == most}
        now = rights[next(iter(staying)).viewer]
        self._hearing.for_all(now)
        return self._plan.key(self._prepared, self._context, now), [each for each in members if each not in staying]

    def execute_now(self, entry: Entry, positions: Positions, representative: Member) -> tuple[Told | None, bool] | None:
        """Decide, execute and encode once, if nothing has to be waited for."""
        verdict = self._theme.verdict_now(self._hearing, entry)
        if verdict is None:
            return None
        if not verdict.told:
            return _NOTHING
        selection = self._plan.selection
        said = None if selection is None else self._said.of(positions)
        if said is not None and selection in said:
            return said[selection], False
        self._context.actor = representative.context.actor
        data = self._run.now(self._context, Change(entry, positions, self._mark))
        if data is None:
            return None
        told = self._told(encode({"data": data}), positions)
        if said is not None and selection is not None:
            said[selection] = told
        return told, False

    async def execute(
        self, entry: Entry, positions: Positions, representative: Member, *, is_retry: bool
    ) -> tuple[Told | None, bool]:
        """The same with the eyes of one of them, however long it takes."""
        context = self._context
        context.actor = representative.context.actor
        self._hearing.viewer = representative.viewer
        verdict = await self._theme.verdict(self._hearing, entry)
        if not verdict.told:
            return None, verdict.last
        context.unsure = False
        answer = await self._run(context, Change(entry, positions, self._mark))
        if context.unsure and not is_retry:
            raise RightsStale
        if not answer.executed:
            return Told((), positions, errors=answer.errors), True
        return self._told(encode(answer.payload()), positions), verdict.last

    def _told(self, payload: bytes, positions: Positions) -> Told:
        if self._mark_bytes not in payload:
            return Told((payload,), positions)
        return Told(tuple(payload.split(self._mark_bytes)), positions, self._context.services.cursors.seal_for(positions))


class Run:
    """Executes one operation for event after event."""

    def __init__(self, executor: Executor, counts: Counter[str], prepared: Prepared) -> None:
        self._executor = executor
        self._counts = counts
        self._prepared = prepared
        self._program = executor.compiled(prepared)

    @property
    def compiled(self) -> bool:
        """Whether there is a program."""
        return self._program is not None

    def now(self, context: Context, change: Change) -> dict[str, Any] | None:
        """The data, by a program that waits for nothing; None when it failed."""
        assert self._program is not None
        self._counts["executed"] += 1
        began = perf_counter()
        try:
            self._program(context, change).send(None)
        except StopIteration as done:
            self._executor.tally.group_events.took(perf_counter() - began)
            data: dict[str, Any] = done.value
            return data
        except Exception:  # noqa: BLE001 (graphql-core meets the same, words it and logs what is a bug)
            self._counts["fallback"] += 1
        return None

    async def __call__(self, context: Context, change: Change) -> Answer:
        self._counts["executed"] += 1
        if self._program is not None:
            context.forget()
            began = perf_counter()
            try:
                async with asyncio.timeout(self._executor.timeout):
                    answer = Answer(data=await self._program(context, change))
                self._executor.tally.group_events.took(perf_counter() - began)
                return answer
            except Exception:  # noqa: BLE001 (graphql-core meets the same, words it and logs what is a bug)
                self._counts["fallback"] += 1
        return await self._executor.event(self._prepared, context, change)
