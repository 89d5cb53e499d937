"""Concurrent changes of one row go on from each other before they are stored, and nobody learns of what never was."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.engine.statement import Statement
from persistence.engine.write_batcher import BatchParams, PendingWrite, StaleRow, StoredWrite, WriteBatcher
from tests.support.app import App
from tests.support.concurrent_writes import TASK_UPDATE, run_before_next_write, stream_events, stream_head, task_row
from tests.support.examples import examples
from tests.support.graph_actions import codes_and_paths, create_task, mutate, mutate_ok
from tests.support.teams import SampleTeam, uuid_of

_STATEMENTS = [Statement(None), Statement(None)]  # type: ignore[arg-type]


class _Table:
    """One row per id, as Postgres keeps it: a statement stores its rows where they have still the version that was read."""

    def __init__(self, draw: random.Random) -> None:
        self.rows: dict[UUID, tuple[int, int]] = {}
        self.events: list[tuple[UUID, int]] = []
        self._draw = draw
        self._version = 0

    async def run(self, _: Statement, params: BatchParams) -> Sequence[Any]:
        await asyncio.sleep(0)
        kind = self._draw.random()
        if kind < 0.2:
            raise asyncpg.UniqueViolationError("duplicate key")
        assert len({row["id"] for row in params["rows"]}) == len(params["rows"]), "no row stands twice in a statement"
        if kind < 0.3:  # another process writes
            row_id = self._draw.choice(list(self.rows))
            self._version += 1
            self.rows[row_id] = (self.rows[row_id][0] + 100, self._version)
        self._version += 1
        stored = []
        for row in params["rows"]:
            if self.rows[row["id"]][1] == row["seen"]:
                self.rows[row["id"]] = (row["value"], self._version)
                for event in sorted(params["events"], key=lambda each: each["nr"]):
                    if event["row"] == row["id"]:
                        self.events.append((event["id"], event["value"]))
                        stored.append((event["id"], len(self.events), self._version))
        return stored


@given(seed=st.integers(0, 2**32))
@examples(15, many=600)
async def test_what_is_acknowledged_is_stored_once_and_each_on_the_one_before(seed: int) -> None:
    draw = random.Random(seed)
    table = _Table(draw)
    ids = [uuid4() for _ in range(3)]
    table.rows = dict.fromkeys(ids, (0, 0))
    writes = WriteBatcher(table.run)
    last: dict[UUID, tuple[int, asyncio.Future[StoredWrite]]] = {}
    submitted: list[tuple[UUID, UUID, int, asyncio.Future[StoredWrite]]] = []
    for _ in range(40):
        row_id, event_id = draw.choice(ids), uuid4()
        value, after = last.get(row_id, (0, None))
        if after is not None and after.done():  # failed, or stored: read it anew
            value, seen, after = *table.rows[row_id], None
        else:
            seen = table.rows[row_id][1]
            value = table.rows[row_id][0] if after is None else value
        event = {"id": event_id, "stream": draw.choice("ab") if after is None else "a", "row": row_id, "value": value + 1}
        row = {"id": row_id, "seen": seen, "value": value + 1}
        future = writes.submit(PendingWrite(draw.choice(_STATEMENTS), row, [event], after=after))
        last[row_id] = (value + 1, future)
        submitted.append((row_id, event_id, value + 1, future))
        if draw.random() < 0.1:
            draw.choice(submitted)[3].cancel()
        if draw.random() < 0.3:
            await asyncio.sleep(0)
    await asyncio.wait([each[3] for each in submitted])
    stored = dict(table.events)
    assert len(stored) == len(table.events), "no event twice"
    for row_id in ids:
        own = [(event_id, value, future) for row, event_id, value, future in submitted if row == row_id]
        acknowledged = [event_id for event_id, _, future in own if not future.cancelled() and future.exception() is None]
        assert set(acknowledged) <= set(stored)
        refused = {event_id for event_id, _, future in own if not future.cancelled() and future.exception() is not None}
        assert not refused & set(stored)
        # Each stored change was made on the one before: another process adds hundreds, ours add one.
        values = [value for event_id, value in table.events if event_id in {each[0] for each in own}]
        assert all((after - before) % 100 == 1 for before, after in zip([0, *values], values, strict=False)), values
    await writes.close()


async def test_nobody_is_refused_because_of_a_change_that_is_not_stored_in_the_end(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, before = await create_task(app, team), await stream_head(app, team)
    under_way, go_on = _delay_next_write(app, monkeypatch, asyncpg.DataError("no such value"))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(app.execute(team.member, TASK_UPDATE, input={"id": made["id"], "title": "Never"}))
        await under_way.wait()
        given = {"id": made["id"], "title": "Now", "expectedVersion": 1}
        second = group.create_task(mutate_ok(app, team.member, "taskUpdate", **given))
        await asyncio.sleep(0.05)
        assert not second.done()
        go_on.set()
    assert first.result()["errors"]
    assert second.result()["version"] == 2
    row = await task_row(app, made)
    assert (row["title"], row["version"]) == ("Now", 2)
    assert await stream_events(app, team, after=before) == [(before + 1, "TaskUpdated", 2)]


async def test_a_conflict_with_a_change_under_way_is_answered_once_that_is_stored(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await create_task(app, team)
    under_way, go_on = _delay_next_write(app, monkeypatch, None)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(mutate_ok(app, team.member, "taskUpdate", id=made["id"], title="First"))
        await under_way.wait()
        given = {"id": made["id"], "title": "Late", "expectedVersion": 1}
        refused = group.create_task(mutate(app, team.member, "taskUpdate", **given))
        same = group.create_task(mutate_ok(app, team.member, "taskUpdate", id=made["id"], title="First"))
        await asyncio.sleep(0.05)
        assert (refused.done(), same.done()) == (False, False)
        go_on.set()
    assert codes_and_paths(refused.result()) == [("CONFLICT", ["input", "expectedVersion"])]
    assert [first.result()["version"], same.result()["version"], (await task_row(app, made))["version"]] == [2, 2, 2]


async def test_keys_of_changes_of_one_row_are_claimed_together(app: App, team: SampleTeam) -> None:
    made, before = await create_task(app, team), await stream_head(app, team)
    given = [{"id": made["id"], "title": f"Title {n % 6}", "clientMutationId": f"key {n % 6}"} for n in range(12)]
    payloads = await asyncio.gather(*(mutate(app, team.member, "taskUpdate", **each) for each in given))
    assert [each["errors"] for each in payloads] == [[]] * 12
    row = await task_row(app, made)
    assert row["version"] == 7
    assert [version for *_, version in await stream_events(app, team, after=before)] == list(range(2, 8))
    keys = "SELECT count(*) FROM idempotency_keys WHERE actor_user_id = $1 AND client_mutation_id LIKE 'key %'"
    assert await app.sql.fetchval(keys, team.member.user.id) == 6


async def test_changes_of_one_row_of_which_another_process_writes_it_all_survive(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await create_task(app, team)
    run_before_next_write(app, monkeypatch, "UPDATE tasks SET estimate = 7 WHERE id = $1", uuid_of(made["id"]))
    changed = await asyncio.gather(
        *(mutate_ok(app, team.member, "taskUpdate", id=made["id"], title=f"Title {n}") for n in range(6))
    )
    assert sorted(each["version"] for each in changed) == list(range(2, 8))
    row = await task_row(app, made)
    assert (row["version"], row["estimate"]) == (7, 7)


async def test_who_gives_up_takes_no_other_along(app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await create_task(app, team)
    under_way, go_on = _delay_next_write(app, monkeypatch, None)
    asked = []
    async with asyncio.TaskGroup() as group:
        for n in range(5):
            asked.append(group.create_task(mutate_ok(app, team.member, "taskUpdate", id=made["id"], title=f"Title {n}")))
            await under_way.wait()
            await asyncio.sleep(0.02)
        asked[2].cancel()
        await asyncio.sleep(0)
        go_on.set()
    assert asked.pop(2).cancelled()
    assert sorted(each.result()["version"] for each in asked) == [2, 3, 4, 5]
    assert (await task_row(app, made))["version"] == 5


def _delay_next_write(app: App, monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> tuple[asyncio.Event, asyncio.Event]:
    """The next write waits for the second event, and then fails if there is an error; the first says that it waits."""
    writes = app.resources.database._write_batcher
    run, under_way, go_on = writes._run, asyncio.Event(), asyncio.Event()

    async def delayed(form: Statement, params: BatchParams) -> Sequence[Any]:
        if not under_way.is_set():
            under_way.set()
            await go_on.wait()
            if error is not None:
                raise error
        return await run(form, params)

    monkeypatch.setattr(writes, "_run", delayed)
    return under_way, go_on


async def test_what_rests_on_a_write_that_is_lost_is_stale() -> None:
    async def run(_: Statement, __: BatchParams) -> Sequence[Any]:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    writes, row_id = WriteBatcher(run), uuid4()
    first = writes.submit(PendingWrite(_STATEMENTS[0], {"id": row_id, "seen": 1}, [{"id": uuid4(), "stream": "s"}]))
    other = PendingWrite(_STATEMENTS[1], {"id": row_id, "seen": 1}, [{"id": uuid4(), "stream": "s"}], after=first)
    second = writes.submit(other)
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await first
    with pytest.raises(StaleRow):
        await second
    await writes.close()
