"""What has outlived its retention is deleted, and a client whose cursor has expired reloads without losing anything."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

from domain.errors import Unavailable
from persistence.events.idempotency import delete_expired_keys
from persistence.events.retention import trim_events
from persistence.retry_schedule import RetrySchedule
from tests.support.app import App
from tests.support.graph_actions import create_task, mutate_ok, task_titles
from tests.support.subscriptions import change_summary, changes_since, current_cursor, open_subscription
from tests.support.teams import SampleTeam
from workers.upkeep import run_forever

LONG_AGO = timedelta(days=7300)  # beyond all that other tests of the same database write


async def age(app: App, stream: str, to: int) -> None:
    """Let the entries of a stream up to a position be older than any retention."""
    await app.sql.execute(
        "UPDATE events SET at = at - $3::interval WHERE stream = $1 AND position <= $2", stream, to, LONG_AGO + timedelta(days=1)
    )


async def left(app: App, stream: str) -> tuple[int, list[int]]:
    """The position up to which a stream is trimmed, and the positions of its entries."""
    trimmed_to = await app.sql.fetchval("SELECT trimmed_to FROM streams WHERE stream = $1", stream)
    rows = await app.sql.fetch("SELECT position FROM events WHERE stream = $1 ORDER BY position", stream)
    return trimmed_to, [row[0] for row in rows]


async def test_a_stream_is_cut_up_to_its_first_young_entry_in_batches(app: App, team: SampleTeam) -> None:
    stream = f"team:{team.team.id}"
    for number in range(9):
        await create_task(app, team, f"Task {number}")
    _, positions = await left(app, stream)
    *_, head = positions
    await age(app, stream, head - 2)
    await app.sql.execute("UPDATE events SET at = now() WHERE stream = $1 AND position = $2", stream, head - 4)

    before = datetime.now(UTC) - LONG_AGO
    assert await trim_events(app.resources.database, before=before, batch=2) == len(positions) - 5
    assert await left(app, stream) == (head - 5, [*range(head - 4, head + 1)])
    assert await trim_events(app.resources.database, before=before, batch=2) == 0


async def test_a_stream_whose_entries_are_all_old_is_emptied_and_goes_on_counting(app: App, team: SampleTeam) -> None:
    stream = f"team:{team.team.id}"
    await create_task(app, team)
    _, positions = await left(app, stream)
    await age(app, stream, positions[-1])
    await trim_events(app.resources.database, before=datetime.now(UTC) - LONG_AGO)
    assert await left(app, stream) == (positions[-1], [])
    cursor = await current_cursor(app, team.member)
    card = await create_task(app, team, "Next")
    assert [change_summary(each) for each in await changes_since(app, team.member, cursor)] == [("CREATED", "Task", card["id"])]
    assert await left(app, stream) == (positions[-1], [positions[-1] + 1])


async def test_a_client_whose_cursor_has_expired_reloads_and_misses_nothing(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "Seen before")
    absent_since = await current_cursor(app, team.member)
    await create_task(app, team, "Missed")
    stream = f"team:{team.team.id}"
    _, positions = await left(app, stream)
    await age(app, stream, positions[-1])
    await trim_events(app.resources.database, before=datetime.now(UTC) - LONG_AGO)

    async with open_subscription(app, team.member, after=absent_since) as expired:
        assert await expired.error_code() == "CURSOR_EXPIRED"
    cursor = await current_cursor(app, team.member)
    assert await task_titles(app, team.member, team.project_id) == ["Seen before", "Missed"]
    async with open_subscription(app, team.member, after=cursor) as following:
        card = await create_task(app, team, "After the reload")
        assert change_summary(await following.next_change()) == ("CREATED", "Task", card["id"])


async def test_idempotency_keys_are_deleted_after_a_day_and_not_before(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "Once"}
    for key, hours in (("old", 25), ("young", 23)):
        await mutate_ok(app, team.member, "taskCreate", **given, clientMutationId=key)
        await app.sql.execute(
            "UPDATE idempotency_keys SET created_at = created_at - $3::interval "
            "WHERE actor_user_id = $1 AND client_mutation_id = $2",
            team.member.user.id,
            key,
            timedelta(hours=hours),
        )
    assert await delete_expired_keys(app.resources.database, datetime.now(UTC)) >= 1
    rows = await app.sql.fetch("SELECT client_mutation_id FROM idempotency_keys WHERE actor_user_id = $1", team.member.user.id)
    assert [row[0] for row in rows] == ["young"]


async def test_a_job_that_fails_has_its_next_turn() -> None:
    turns, failed = list[int](), Counter[str]()
    enough = asyncio.Event()

    async def job(turn: int) -> None:
        turns.append(turn)
        if turn == 1:
            raise Unavailable
        if turn == 2:
            raise ZeroDivisionError
        enough.set()

    running = asyncio.get_running_loop().create_task(run_forever("A job", job, 0.001, failed))
    async with asyncio.timeout(60):
        await enough.wait()
    running.cancel()
    assert turns[:3] == [1, 2, 3]
    assert failed == {"A job": 2}


async def test_a_stream_that_cannot_be_trimmed_is_skipped_for_a_while_and_the_others_are_trimmed(isolated_app: App) -> None:
    app, now = isolated_app, [0.0]
    retries = RetrySchedule[str](clock=lambda: now[0])
    for name in ("a", "broken", "z"):
        await app.sql.execute("INSERT INTO streams (stream, position) VALUES ($1, 1)", name)
        await app.sql.execute(
            "INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id, payload, at)"
            " VALUES ($1, 1, gen_random_uuid(), 'TaskCreated', 1, 'CREATED', 'Task', gen_random_uuid(), 'Task', gen_random_uuid(),"
            " '{}', now() - interval '1000 days')",
            name,
        )
    await app.sql.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a broken stream'; END $$"
    )
    await app.sql.execute(
        "CREATE TRIGGER fail BEFORE DELETE ON events FOR EACH ROW WHEN (OLD.stream = 'broken') EXECUTE FUNCTION fail()"
    )
    before = datetime.now(UTC) - timedelta(days=90)

    async def left() -> list[str]:
        return [row["stream"] for row in await app.sql.fetch("SELECT stream FROM events ORDER BY stream")]

    assert await trim_events(app.resources.database, before=before, retries=retries) == 2
    assert (await left(), retries.skipped(), retries.failure_count) == (["broken"], ["broken"], 1)
    assert await app.sql.fetchval("SELECT trimmed_to FROM streams WHERE stream = 'broken'") == 0
    await app.sql.execute("DROP TRIGGER fail ON events")
    assert await trim_events(app.resources.database, before=before, retries=retries) == 0
    now[0] = 61.0
    assert await trim_events(app.resources.database, before=before, retries=retries) == 1
    assert (await left(), len(retries)) == ([], 0)


def test_the_pause_of_an_object_doubles_with_each_failure_and_the_schedule_is_bounded() -> None:
    now = [0.0]
    retries = RetrySchedule[str](clock=lambda: now[0], max_entries=3)
    assert [retries.record_failure("a") for _ in range(12)] == [min(60.0 * 2**n, 21_600.0) for n in range(12)]
    assert retries.is_skipped("a")
    now[0] = 21_600.0
    assert not retries.is_skipped("a")
    assert retries.skipped() == []
    for each in "bcd":
        retries.record_failure(each)
    assert (len(retries), retries.skipped(), retries.failure_count) == (3, ["b", "c", "d"], 15)
    retries.record_success("b")
    assert retries.skipped() == ["c", "d"]
