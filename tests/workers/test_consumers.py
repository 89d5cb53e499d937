"""Consumers read every event once and in order, whatever fails, and none of them holds up another."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.migration import migrate
from domain.events import derived_id, team_stream
from persistence.events.retention import trim_events
from tests.support.audit import stored_log
from tests.support.graph_actions import create_task
from tests.support.notifications import inbox, reasons
from tests.support.teams import SampleTeam, create_sample_team
from tests.support.webhooks import create_webhook
from tests.support.worker_effects import FAST_TIMINGS
from tests.support.workers import Fault, WorkerDatabase, recording_consumer
from workers.consumer import Batch, Start
from workers.consumers import CONSUMERS


async def create_tasks(database: WorkerDatabase, team: SampleTeam, count: int) -> None:
    """So many more events in a team's stream."""
    for number in range(count):
        await create_task(database.app, team, f"Task {number}")


async def fails(_: Batch) -> None:
    raise ValueError("never works")


def fails_at(stream: str, position: int) -> Fault:
    """A fault at one event."""

    async def fault(batch: Batch) -> None:
        if any(entry.stream == stream and entry.position == position for entry in batch.entries):
            raise ValueError(f"cannot handle {position}")

    return fault


async def test_every_event_of_every_stream_is_handled_once_and_in_order(worker_database: WorkerDatabase) -> None:
    first, second = await create_sample_team(worker_database.app), await create_sample_team(worker_database.app)
    async with worker_database.worker(recording_consumer(max_batch=3)):
        await create_tasks(worker_database, first, 10)
        await create_tasks(worker_database, second, 5)
        await worker_database.wait_until_recorded()
    for team in (first, second):
        stream = team_stream(team.team.id)
        assert await worker_database.effects(stream=stream) == await worker_database.events(stream)


async def test_a_consumer_that_starts_now_reads_nothing_that_was_before(worker_database: WorkerDatabase) -> None:
    team = await create_sample_team(worker_database.app)
    stream = team_stream(team.team.id)
    before = await worker_database.events()
    async with worker_database.worker(recording_consumer(start=Start.NOW)):
        await create_tasks(worker_database, team, 2)  # at once: a worker that is open misses nothing
        later = await create_sample_team(worker_database.app)
        expected = sorted(set(await worker_database.events()) - set(before))
        await worker_database.wait_until(lambda: _has(worker_database, len(expected)))
    assert sorted(await worker_database.effects()) == expected
    assert (team_stream(later.team.id), 1) in expected
    assert (stream, 1) not in expected


async def _has(database: WorkerDatabase, count: int) -> bool:
    return len(await database.effects()) == count


async def test_a_consumer_is_given_only_the_streams_and_types_that_it_reads(worker_database: WorkerDatabase) -> None:
    team = await create_sample_team(worker_database.app)
    await create_tasks(worker_database, team, 3)
    only_tasks = recording_consumer(streams=frozenset({"team"}), types=frozenset({"TaskCreated"}), max_batch=2)
    stream = team_stream(team.team.id)
    async with worker_database.worker(only_tasks):
        await worker_database.wait_until(lambda: _is_read(worker_database, stream))
    rows = await worker_database.app.sql.fetch("SELECT stream, position FROM events WHERE type = 'TaskCreated' ORDER BY position")
    assert len(rows) == 3
    assert await worker_database.effects() == [(row[0], row[1]) for row in rows]


async def _is_read(database: WorkerDatabase, stream: str) -> bool:
    *_, (_, head) = await database.events(stream)
    return await database.cursor("recorder", stream) == head


async def test_what_a_failed_call_wrote_is_undone(worker_database: WorkerDatabase) -> None:
    team = await create_sample_team(worker_database.app)
    stream = team_stream(team.team.id)
    async with worker_database.worker(recording_consumer(fault=fails, streams=frozenset({"team"}), max_tries=1000)):
        await worker_database.wait_until(lambda: _has_failed(worker_database, stream))
    assert await worker_database.effects() == []
    assert await worker_database.cursor("recorder", stream) == 0
    assert await worker_database.dead_letters() == []


async def _has_failed(database: WorkerDatabase, stream: str) -> bool:
    failures = await database.app.sql.fetchval(
        "SELECT failures FROM consumer_cursors WHERE consumer = 'recorder' AND stream = $1", stream
    )
    return bool(failures and failures > 2)


async def test_a_poison_event_becomes_a_dead_letter_and_the_others_are_handled(worker_database: WorkerDatabase) -> None:
    team = await create_sample_team(worker_database.app)
    await create_tasks(worker_database, team, 9)
    stream = team_stream(team.team.id)
    everything = await worker_database.events()
    poison = (stream, 4)
    async with worker_database.worker(recording_consumer(fault=fails_at(*poison), max_tries=3)):
        await worker_database.wait_until(lambda: _has(worker_database, len(everything) - 1))
        await worker_database.wait_until(lambda: _is_read(worker_database, stream))
    assert sorted(await worker_database.effects()) == [each for each in everything if each != poison]
    assert await worker_database.effects(stream=stream) == [
        each for each in await worker_database.events(stream) if each != poison
    ]
    assert await worker_database.dead_letters() == [("recorder", *poison, 3)]
    letter_id: UUID = await worker_database.app.sql.fetchval("SELECT id FROM dead_letters")
    assert letter_id == derived_id(await worker_database.event_id(*poison), "dead letter", "recorder")


async def test_a_consumer_that_hangs_or_fails_holds_up_no_other(worker_database: WorkerDatabase) -> None:
    forever = asyncio.Event()

    async def hangs(_: Batch) -> None:
        await forever.wait()

    for _ in range(6):
        await create_sample_team(worker_database.app)
    async with worker_database.worker(
        recording_consumer("hangs", hangs), recording_consumer("fails", fails, max_tries=1000), recording_consumer()
    ):
        await worker_database.wait_until_recorded()
        assert await worker_database.effects("hangs") == []
        forever.set()
        await worker_database.wait_until_recorded("hangs")
    assert await worker_database.effects("fails") == []


async def test_a_call_that_takes_too_long_is_undone_and_tried_again(worker_database: WorkerDatabase) -> None:
    calls: list[int] = []

    async def hangs_once(batch: Batch) -> None:
        calls.append(len(batch.entries))
        if len(calls) == 1:
            await asyncio.Event().wait()

    await create_sample_team(worker_database.app)
    timings = replace(FAST_TIMINGS, handler_timeout_seconds=0.1)
    async with worker_database.worker(recording_consumer(fault=hangs_once), timings=timings):
        await worker_database.wait_until_recorded()
    assert await worker_database.dead_letters() == []


async def test_two_workers_share_the_streams_and_do_nothing_twice(worker_database: WorkerDatabase) -> None:
    teams = [await create_sample_team(worker_database.app) for _ in range(4)]
    async with worker_database.worker(recording_consumer(max_batch=2)), worker_database.worker(recording_consumer(max_batch=2)):
        await asyncio.gather(*(create_tasks(worker_database, team, 15) for team in teams))
        await worker_database.wait_until_recorded()
    for team in teams:
        stream = team_stream(team.team.id)
        assert await worker_database.effects(stream=stream) == await worker_database.events(stream)


async def test_events_of_which_no_worker_was_told_are_found(worker_database: WorkerDatabase) -> None:
    await create_sample_team(worker_database.app)
    async with worker_database.worker(recording_consumer()):
        await worker_database.wait_until_recorded()
        await worker_database.app.sql.execute(
            """
            WITH head AS (UPDATE streams SET position = position + 1 WHERE stream LIKE 'team:%' RETURNING stream, position)
            INSERT INTO events
            SELECT head.stream, head.position, gen_random_uuid(), type, version, kind, entity_type, entity_id, about_type, about_id,
                   project_id, payload, actor_user_id, client_mutation_id, now()
            FROM head JOIN events ON events.stream = head.stream AND events.position = 1
            """
        )
        await worker_database.wait_until_recorded()


async def test_a_worker_that_stops_finishes_what_is_under_way(worker_database: WorkerDatabase) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    async def is_slow(_: Batch) -> None:
        begun.set()
        await finish.wait()

    await create_sample_team(worker_database.app)
    async with worker_database.worker(recording_consumer(fault=is_slow, max_batch=1)):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, finish.set)
    done = await worker_database.effects()
    assert 1 <= len(done) < len(await worker_database.events())
    for stream, position in done:
        assert await worker_database.cursor("recorder", stream) >= position


@pytest.mark.parametrize("name", ["team:00000000-0000-0000-0000-000000000000", "team:'; DROP TABLE events; --", "nonsense", ""])
async def test_a_name_that_is_no_stream_leaves_nothing_behind(worker_database: WorkerDatabase, name: str) -> None:
    async with worker_database.worker(recording_consumer()):
        await worker_database.resources.queue.send([name])
        await create_sample_team(worker_database.app)
        await worker_database.wait_until_recorded()
    rows = await worker_database.app.sql.fetch("SELECT stream FROM consumer_cursors")
    assert {row[0] for row in rows} == {stream for stream, _ in await worker_database.events()}


async def test_an_entry_is_trimmed_only_when_every_consumer_has_passed_it(worker_database: WorkerDatabase) -> None:
    team = await create_sample_team(worker_database.app)
    stream = team_stream(team.team.id)
    async with worker_database.worker(recording_consumer()):
        await worker_database.wait_until_recorded()
    everything = [position for _, position in await worker_database.events(stream)]
    assert everything == [1, 2, 3]
    await worker_database.app.sql.execute("UPDATE consumer_cursors SET position = 2 WHERE stream = $1", stream)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    database = worker_database.resources.database

    both = [("recorder", "team"), ("recorder", "user"), ("elsewhere", "document")]
    await trim_events(database, before=tomorrow, readers=both)
    assert [position for _, position in await worker_database.events(stream)] == everything[2:]
    await trim_events(database, before=tomorrow, readers=[*both, ("new", "team")])
    assert [position for _, position in await worker_database.events(stream)] == everything[2:]
    await trim_events(database, before=tomorrow, readers=[("recorder", "user")])
    assert await worker_database.events(stream) == []


async def test_a_clock_that_was_days_ahead_leaves_no_stream_behind(worker_database: WorkerDatabase) -> None:
    await create_sample_team(worker_database.app)
    await worker_database.app.sql.execute(
        "INSERT INTO consumer_cursors SELECT stream, 'recorder', 0, 2, now() + interval '5 days', 'error' FROM streams"
    )
    async with worker_database.worker(recording_consumer()):
        await worker_database.wait_until_recorded()
    assert await worker_database.app.sql.fetchval("SELECT sum(failures) FROM consumer_cursors") == 0


async def test_a_consumer_begins_where_the_migration_meets_it(worker_database: WorkerDatabase) -> None:
    early, late = recording_consumer("early", start=Start.NOW), recording_consumer("late", start=Start.NOW)
    old = await create_sample_team(worker_database.app)
    before = await worker_database.events()
    assert await migrate(worker_database.url, consumers=(early,)) is True
    await create_tasks(worker_database, old, 2)
    new = await create_sample_team(worker_database.app)
    between = await worker_database.events()
    assert await migrate(worker_database.url, consumers=(early, late)) is True
    assert await migrate(worker_database.url, consumers=(early, late)) is False
    await create_tasks(worker_database, old, 1)
    await create_tasks(worker_database, new, 1)
    everything = await worker_database.events()
    expected = {"early": sorted(set(everything) - set(before)), "late": sorted(set(everything) - set(between))}
    async with worker_database.worker(early, late):

        async def recorded() -> bool:
            return all([len(await worker_database.effects(name)) >= len(expected[name]) for name in expected])

        await worker_database.wait_until(recorded)
    assert {name: sorted(await worker_database.effects(name)) for name in expected} == expected
    assert len(expected["late"]) == 2


async def test_what_was_written_before_the_first_worker_reaches_inboxes_audit_logs_and_webhooks(
    worker_database: WorkerDatabase,
) -> None:
    app = worker_database.app
    assert await migrate(worker_database.url) is True
    team = await create_sample_team(app)
    await create_webhook(app, team.owner, team.team_id, events=["task.*"])
    task = await create_task(app, team, "Before any worker", by=team.owner, assigneeId=team.member.id)
    webhook_events = "SELECT event_name FROM webhook_deliveries WHERE event_id IS NOT NULL"
    async with worker_database.worker(*CONSUMERS):

        async def handled() -> bool:
            unread = await app.sql.fetchval(
                "SELECT count(*) FROM streams CROSS JOIN consumers LEFT JOIN consumer_cursors AS c ON c.stream = streams.stream "
                "AND consumer = name WHERE streams.stream LIKE 'team:%' AND coalesce(c.position, 0) < streams.position"
            )
            return bool(unread == 0)

        await worker_database.wait_until(handled)
    assert await reasons(app, team.member) == ["ASSIGNED"]
    assert "task.created" in [each["action"] for each in await stored_log(app, team.team.id)]
    assert [row[0] for row in await app.sql.fetch(webhook_events)] == ["task.created"]
    assert (await inbox(app, team.member))["nodes"][0]["subject"]["id"] == task["id"]
