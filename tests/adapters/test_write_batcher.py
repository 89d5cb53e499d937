"""Changed rows of concurrent operations are kept together, each as if it were alone, and nothing is told that was not kept."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.errors import BadUserInput, Unavailable
from domain.task import TaskUpdated
from gateway.execution.executor import OperationRequest
from persistence.engine import write_batcher
from persistence.engine.row_turns import RowTurns
from persistence.engine.statement import Statement
from persistence.engine.write_batcher import BatchParams, PendingWrite, WriteBatcher
from persistence.events.streams import event_row
from persistence.stores.task import SqlTasks
from persistence.transaction import Transaction
from tests.support.app import App
from tests.support.concurrent_writes import LOCK_STREAM, TASK_UPDATE, rows_locked, stream_events, stream_head
from tests.support.graph_actions import create_task, mutate, mutate_ok, table_states
from tests.support.machine import allowed_seconds
from tests.support.teams import SampleTeam, create_sample_team, uuid_of


@pytest.fixture
def batch_sizes(app: App, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows left in each statement."""
    writes, left = app.resources.database._write_batcher, list[int]()
    run = writes._run

    async def counted(form: Statement, given: BatchParams) -> Sequence[Any]:
        left.append(len(given["rows"]))
        return await run(form, given)

    monkeypatch.setattr(writes, "_run", counted)
    return left


async def test_an_update_takes_two_trips(app: App, team: SampleTeam) -> None:
    made = await create_task(app, team)
    database = app.resources.database
    taken = []
    for number in range(3):  # the fewest, since the house looks around too
        before = database.statements_run, database.round_trips
        given = {"input": {"id": made["id"], "title": f"Title {number}", "status": "DONE"}}
        answer = await app.executor.execute(OperationRequest(query=TASK_UPDATE, variables=given), app.context(team.member))
        assert answer.data == {"taskUpdate": {"task": {"version": number + 2}, "errors": []}}
        taken.append((database.statements_run - before[0], database.round_trips - before[1]))
    assert min(taken) == (2, 2)


async def test_updates_at_once_leave_together_and_each_has_its_place(
    app: App, batch_sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    teams = [await create_sample_team(app) for _ in range(2)]
    made = [(team, await create_task(app, team, f"Task {number}")) for number in range(8) for team in teams]
    heads = [await stream_head(app, team) for team in teams]
    batch_sizes.clear()
    writes = app.resources.database._write_batcher
    run = writes._run

    async def held_up(form: Statement, given: BatchParams) -> Sequence[Any]:
        """The first two statements, as many as there are at once, wait until everybody is there."""
        async with asyncio.timeout(allowed_seconds(10)):
            while len(batch_sizes) < 2 and sum(batch_sizes) + len(given["rows"]) + len(writes._pending) < 15:
                await asyncio.sleep(0.001)
        return await run(form, given)

    monkeypatch.setattr(writes, "_run", held_up)
    changed = await asyncio.gather(
        *(mutate_ok(app, team.member, "taskUpdate", id=each["id"], title=f"{each['title']}!") for team, each in made)
    )
    assert [each["title"] for each in changed] == [f"{each['title']}!" for _, each in made]
    assert sum(batch_sizes) == 16
    assert len(batch_sizes) < 8
    for team, before in zip(teams, heads, strict=True):
        expected = [(place, "TaskUpdated", 2) for place in range(before + 1, before + 9)]
        assert await stream_events(app, team, after=before) == expected
        assert await stream_head(app, team) == before + 8


async def test_the_cursor_of_each_payload_is_the_place_of_its_own_event(app: App, team: SampleTeam) -> None:
    made = [await create_task(app, team, f"Task {number}") for number in range(6)]
    payloads = await asyncio.gather(
        *(mutate(app, team.member, "taskUpdate", "cursor task { title }", id=each["id"], title="New") for each in made)
    )
    rows = await app.sql.fetch(
        "SELECT entity_id, position FROM events WHERE entity_id = ANY($1) AND type = 'TaskUpdated'",
        [uuid_of(each["id"]) for each in made],
    )
    places = {row["entity_id"]: row["position"] for row in rows}
    read = app.resources.services.cursors.decode
    results = [read(payload["cursor"])[f"team:{team.team.id}"] for payload in payloads]
    assert results == [places[uuid_of(each["id"])] for each in made]


async def test_who_cannot_be_kept_fails_alone_and_changes_nothing(app: App, team: SampleTeam, batch_sizes: list[int]) -> None:
    made = [await create_task(app, team, f"Task {number}") for number in range(6)]
    before = await stream_head(app, team)

    async def save(task_id: UUID, reference: str) -> None:
        async with AsyncExitStack() as stack:
            own = Transaction(app.resources.database, stack, lock_rows=False)
            tasks = SqlTasks(own)
            found = await tasks.read_unlocked(task_id, team.member.user.id)
            assert found is not None
            after = replace(found[0], external_ref=reference, version=2)
            await tasks.save(after)
            event = TaskUpdated(actor_id=team.member.user.id, task=after, before=found[0])
            await own.commit_pending_write([event_row(event, datetime.now(UTC), None)])

    references = ["a", "b", "c\u0000", "d", "e", "f"]
    saving = (save(uuid_of(each["id"]), reference) for each, reference in zip(made, references, strict=True))
    kept = await asyncio.gather(*saving, return_exceptions=True)
    assert isinstance(kept.pop(2), BadUserInput)
    assert kept == [None] * 5
    rows = await app.sql.fetch("SELECT external_ref, version FROM tasks WHERE project_id = $1 ORDER BY title", team.project.id)
    assert [tuple(row) for row in rows] == [("a", 2), ("b", 2), (None, 1), ("d", 2), ("e", 2), ("f", 2)]
    assert [place for place, *_ in await stream_events(app, team, after=before)] == list(range(before + 1, before + 6))
    assert max(batch_sizes) > 1


async def test_when_the_connection_is_lost_everybody_is_notified_and_nothing_is_tried_again(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [await create_task(app, team, f"Task {number}") for number in range(4)]
    before, left = await table_states(app), list[int]()

    async def lost(form: Statement, given: BatchParams) -> Sequence[Any]:
        left.append(len(given["rows"]))
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    monkeypatch.setattr(app.resources.database._write_batcher, "_run", lost)
    answers = await asyncio.gather(
        *(app.execute(team.member, TASK_UPDATE, input={"id": each["id"], "title": "Perhaps"}) for each in made)
    )
    assert {answer["errors"][0]["extensions"]["code"] for answer in answers} == {"SERVICE_UNAVAILABLE"}
    assert sum(left) == 4
    assert await table_states(app) == before


async def test_cancelling_one_leaves_the_others_alone(app: App, team: SampleTeam) -> None:
    made = [await create_task(app, team, f"Task {number}") for number in range(5)]
    async with asyncio.TaskGroup() as group, rows_locked(app, LOCK_STREAM, f"team:{team.team.id}"):
        asked = [group.create_task(mutate(app, team.member, "taskUpdate", id=each["id"], title="New")) for each in made]
        await asyncio.sleep(0.05)
        asked[2].cancel()
    assert asked.pop(2).cancelled()
    assert [each.result()["task"]["title"] for each in asked] == ["New"] * 4


async def test_comments_and_profiles_are_kept_alike(app: App, team: SampleTeam, batch_sizes: list[int]) -> None:
    about = await create_task(app, team)
    said = await mutate_ok(app, team.member, "commentCreate", subjectId=about["id"], body="Hello.")
    batch_sizes.clear()
    changed = await mutate_ok(app, team.member, "commentUpdate", id=said["id"], body="Better.")
    assert (changed["body"], changed["version"]) == ("Better.", 2)
    resolved = await mutate_ok(app, team.mate, "commentResolve", id=said["id"], resolved=True)
    assert (resolved["version"], resolved["resolvedBy"]["id"]) == (3, team.mate.id)
    assert (await mutate(app, team.member, "userUpdate", "user { firstName }", firstName="Grace"))["user"]["firstName"] == "Grace"
    assert batch_sizes == [1, 1, 1]


async def test_after_the_end_nothing_is_taken_in_any_more() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def run(form: Statement, given: BatchParams) -> Sequence[Any]:
        started.set()
        await go_on.wait()
        return [(event["id"], 7, 1) for event in given["events"]]

    def write(stream: str) -> PendingWrite:
        return PendingWrite(Statement(None), {"id": uuid4()}, [{"id": uuid4(), "stream": stream}])  # type: ignore[arg-type]

    writes = WriteBatcher(run, max_statements=1)
    gone = writes.submit(first := write("a"))
    await started.wait()
    waiting = writes.submit(write("b"))
    async with asyncio.TaskGroup() as group:
        group.create_task(writes.close())
        await asyncio.sleep(0)
        go_on.set()
    assert (await gone).positions == {first.event_rows[0]["id"]: 7}
    for refused in (waiting, writes.submit(write("c"))):
        with pytest.raises(Unavailable):
            await refused


async def test_beside_a_batch_that_is_not_slow_only_one_as_large_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_batcher, "_SLOW_SECONDS", 3600.0)
    sent: list[tuple[int, asyncio.Event]] = []

    async def run(form: Statement, given: BatchParams) -> Sequence[Any]:
        sent.append((len(given["rows"]), go_on := asyncio.Event()))
        await go_on.wait()
        return [(event["id"], 1, 1) for event in given["events"]]

    def submit(count: int) -> list[asyncio.Future[Any]]:
        ids = [uuid4() for _ in range(count)]
        return [writes.submit(PendingWrite(statement, {"id": each}, [{"id": each, "stream": str(each)}])) for each in ids]

    async def sizes() -> list[int]:
        for _ in range(5):
            await asyncio.sleep(0)
        return [size for size, _ in sent]

    statement, writes = Statement(None), WriteBatcher(run)  # type: ignore[arg-type]
    alone = submit(1)
    assert await sizes() == [1]
    beside = submit(1)
    assert await sizes() == [1, 1]  # nobody who comes alone waits for another
    many = submit(8)
    sent[0][1].set()
    await asyncio.gather(*alone)
    assert await sizes() == [1, 1, 8]
    sent[1][1].set()
    await asyncio.gather(*beside)
    few = submit(7)
    assert await sizes() == [1, 1, 8]
    more = submit(1)
    assert await sizes() == [1, 1, 8, 8]
    last = submit(3)
    assert await sizes() == [1, 1, 8, 8]
    sent[2][1].set()
    sent[3][1].set()
    await asyncio.gather(*many, *few, *more)
    assert await sizes() == [1, 1, 8, 8, 3]  # nothing is under way any more
    sent[4][1].set()
    await asyncio.gather(*last)


async def test_beside_a_slow_batch_everybody_leaves() -> None:
    go_on, left = asyncio.Event(), list[int]()

    async def run(form: Statement, given: BatchParams) -> Sequence[Any]:
        left.append(len(given["rows"]))
        if len(left) == 1:
            await go_on.wait()  # as a statement does that waits for a lock
        return [(event["id"], 1, 1) for event in given["events"]]

    def submit() -> asyncio.Future[Any]:
        id_ = uuid4()
        return writes.submit(PendingWrite(statement, {"id": id_}, [{"id": id_, "stream": str(id_)}]))

    statement, writes = Statement(None), WriteBatcher(run)  # type: ignore[arg-type]
    held_up = [submit() for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.wait_for(submit(), allowed_seconds(10))
    assert left == [3, 1]
    go_on.set()
    await asyncio.gather(*held_up)


async def test_updates_of_one_task_rest_on_each_other_and_share_statements(
    app: App, team: SampleTeam, batch_sizes: list[int]
) -> None:
    made, before = await create_task(app, team), await stream_head(app, team)
    batch_sizes.clear()
    changed = await asyncio.gather(
        *(mutate_ok(app, team.member, "taskUpdate", id=made["id"], title=f"Title {number}") for number in range(8))
    )
    assert sorted(each["version"] for each in changed) == list(range(2, 10))
    assert len(batch_sizes) < 8
    assert set(batch_sizes) == {1}
    assert await stream_events(app, team, after=before) == [(before + n, "TaskUpdated", n + 1) for n in range(1, 9)]


async def test_a_turn_that_nobody_waits_for_any_more_is_passed_on() -> None:
    turns, row = RowTurns(), uuid4()
    first, second, third = (turns.ask(row) for _ in range(3))
    await first.take()
    async with asyncio.TaskGroup() as group:
        cancelled, last = group.create_task(second.take()), group.create_task(third.take())
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        second.end(is_changed=False)
        assert not last.done()
        first.end(is_changed=False)
    third.end(is_changed=False)
    assert turns._rows == {}
