"""Executes and serializes each event once per subscription group."""

import asyncio
from collections import Counter
from collections.abc import Hashable, Sequence
from secrets import token_urlsafe
from time import perf_counter
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from domain.events import Entry
from gateway.execution.encoding import encode
from gateway.execution.executor import Executor, OperationResult, PreparedOperation
from gateway.subscriptions.plan import SubscriptionPlan
from gateway.subscriptions.protocols import Positions, RightsStale
from gateway.subscriptions.shared_payload import SharedPayload
from persistence.rights import Rights
from resolvers.context import Context
from resolvers.event_visibility import Change, ChangeVisibility, may_affect_rights
from resolvers.subscription_topic import Topic

_NOTHING: Final = (None, False)
_MAX_EVENTS: Final = 64
_MAX_SHARED_BYTES: Final = 4 * 1024 * 1024


class Member(Protocol):
    """A subscriber of the group."""

    @property
    def context(self) -> Context: ...
    @property
    def viewer(self) -> UUID: ...


M = TypeVar("M", bound=Member)


class EncodedPayloads:
    """
    The encoded payloads of the last events, by selection. Groups that differ only in their scopes, or in the names of their
    operations, share a payload; positions are one object for all groups of a worker, so they identify the event.
    """

    def __init__(self) -> None:
        self._by_positions: dict[int, tuple[Positions, dict[str, SharedPayload]]] = {}
        self.size = 0
        """Bytes of all payloads, 4 MiB at most."""
        # No object can contain this: it is random, and is never sent.
        self.cursor_placeholder = token_urlsafe(24)

    def for_positions(self, positions: Positions) -> dict[str, SharedPayload]:
        """The payloads of the event that led to these positions, by selection."""
        known = self._by_positions.get(id(positions))
        if known is None or known[0] is not positions:
            if len(self._by_positions) >= _MAX_EVENTS:
                self.clear()
            known = self._by_positions[id(positions)] = positions, {}
        return known[1]

    def put(self, positions: Positions, shared: dict[str, SharedPayload], selection: str, payload: SharedPayload) -> None:
        """Share a payload with the groups that select the same of this event; `shared` is what `for_positions` gave."""
        size = payload.size + len(selection)
        if self.size + size > _MAX_SHARED_BYTES:
            self.clear()
            shared = self.for_positions(positions)
        shared[selection] = payload
        self.size += size

    def clear(self) -> None:
        """Share nothing of past events any more."""
        self._by_positions.clear()
        self.size = 0


class GroupExecutor:
    """Executes on behalf of all members of a group: a `gateway.subscriptions.protocols.GroupExecutor`."""

    def __init__(
        self,
        execution: "EventExecution",
        encoded: EncodedPayloads,
        prepared: PreparedOperation,
        plan: SubscriptionPlan,
        topic: Topic,
        context: Context,
        rights: Rights,
    ) -> None:
        self._execution = execution
        self._encoded = encoded
        self.immediate = execution.is_compiled and not plan.is_async
        self._prepared = prepared
        self._plan = plan
        self._topic = topic
        self._context = Context(context.services, context.actor, context.device)
        self._visibility = ChangeVisibility(self._context, topic.scope)
        self._visibility.use_shared_rights(rights)
        self._cursor_placeholder = encoded.cursor_placeholder
        self._placeholder_bytes = encoded.cursor_placeholder.encode()

    def may_affect_membership(self, entry: Entry) -> bool:
        return may_affect_rights(entry)

    async def repartition(self, members: Sequence[M]) -> tuple[Hashable, Sequence[M]]:
        """Members who follow the same teams as before stay, if their projects are those of most of them."""
        rights = await self._context.services.rights.load_many(list({each.viewer for each in members}))
        teams = self._visibility.rights.teams.keys()
        common = Counter(rights[each.viewer].key for each in members if rights[each.viewer].teams.keys() == teams)
        if not common:
            return self._plan.key(self._prepared, self._context, self._visibility.rights), members
        most = common.most_common(1)[0][0]
        staying = {each for each in members if rights[each.viewer].key == most}
        now = rights[next(iter(staying)).viewer]
        self._visibility.use_shared_rights(now)
        return self._plan.key(self._prepared, self._context, now), [each for each in members if each not in staying]

    def execute_now(self, entry: Entry, positions: Positions, representative: Member) -> tuple[SharedPayload | None, bool] | None:
        """Decide, execute and encode once, if nothing has to be waited for."""
        decision = self._topic.decide_now(self._visibility, entry)
        if decision is None:
            return None
        if not decision.deliver:
            return _NOTHING
        selection = self._plan.shared_selection
        shared = None if selection is None else self._encoded.for_positions(positions)
        if shared is not None and selection in shared:
            return shared[selection], False
        self._context.actor = representative.context.actor
        data = self._execution.execute_now(self._context, Change(entry, positions, self._cursor_placeholder))
        if data is None:
            return None
        payload = self._shared_payload(encode({"data": data}), positions)
        if shared is not None and selection is not None:
            self._encoded.put(positions, shared, selection, payload)
        return payload, False

    async def execute(
        self, entry: Entry, positions: Positions, representative: Member, *, is_retry: bool
    ) -> tuple[SharedPayload | None, bool]:
        """The same with the rights of one member, however long it takes."""
        context = self._context
        context.actor = representative.context.actor
        self._visibility.viewer = representative.viewer
        decision = await self._topic.decide(self._visibility, entry)
        if not decision.deliver:
            return None, decision.is_last
        context.rights_stale = False
        result = await self._execution(context, Change(entry, positions, self._cursor_placeholder))
        if context.rights_stale and not is_retry:
            raise RightsStale
        if not result.executed:
            return SharedPayload((), positions, errors=result.errors), True
        return self._shared_payload(encode(result.to_payload()), positions), decision.is_last

    def _shared_payload(self, payload: bytes, positions: Positions) -> SharedPayload:
        if self._placeholder_bytes not in payload:
            return SharedPayload((payload,), positions)
        return SharedPayload(
            tuple(payload.split(self._placeholder_bytes)), positions, self._context.services.cursors.encoder_for(positions)
        )


class EventExecution:
    """Executes one operation for event after event."""

    def __init__(self, executor: Executor, counts: Counter[str], prepared: PreparedOperation) -> None:
        self._executor = executor
        self._counts = counts
        self._prepared = prepared
        self._program = executor.compiled_program(prepared)

    @property
    def is_compiled(self) -> bool:
        """Whether the operation has a compiled program."""
        return self._program is not None

    def execute_now(self, context: Context, change: Change) -> dict[str, Any] | None:
        """The data, from a program that waits for nothing; None when it failed."""
        assert self._program is not None
        self._counts["executed"] += 1
        began = perf_counter()
        try:
            self._program(context, change).send(None)
        except StopIteration as done:
            self._executor.metrics.group_events.observe(perf_counter() - began)
            data: dict[str, Any] = done.value
            return data
        except Exception:  # noqa: BLE001 (graphql-core meets the same, formats it and logs what is a bug)
            self._counts["fallback"] += 1
        return None

    async def __call__(self, context: Context, change: Change) -> OperationResult:
        self._counts["executed"] += 1
        if self._program is not None:
            context.clear_loaders()
            began = perf_counter()
            try:
                async with asyncio.timeout(self._executor.timeout_seconds):
                    answer = OperationResult(data=await self._program(context, change))
                self._executor.metrics.group_events.observe(perf_counter() - began)
                return answer
            except Exception:  # noqa: BLE001 (graphql-core meets the same, formats it and logs what is a bug)
                self._counts["fallback"] += 1
        return await self._executor.execute_event(self._prepared, context, change)
