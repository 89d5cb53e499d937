"""Compaction of ranks in the database: nobody sees another order, and what people do meanwhile survives."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from domain import task as tasks
from domain.rank import between
from domain.rank_compaction import Move, plan_moves
from persistence.rank_compaction import compact_all_ranks, delete_old_ranks
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.graph_actions import create_document, create_task, fetch_task, mutate, mutate_ok
from tests.support.row_copies import RowCopies, next_transaction
from tests.support.teams import SampleTeam, copies_of, create_sample_team, uuid_of

BOARD = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  project(id: $id) {
    tasks(first: $first, after: $after, last: $last, before: $before) {
      nodes { id rank } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""


async def compact(app: App) -> int:
    services = app.resources.services
    return await compact_all_ranks(app.resources.database, services.pubsub, services.document_objects)


async def crowd(app: App, team: SampleTeam, count: int, *, after: bool = True) -> list[str]:
    """A list of tasks that were all put at one place: the last one's rank has a character for every five of them. In order."""
    first, last = await create_task(app, team, "first"), await create_task(app, team, "last")
    low, high = first["rank"], last["rank"]
    ids: list[str] = []
    for start in range(0, count, 100):
        rows = [{"projectId": team.project_id, "title": f"{number}"} for number in range(start, min(count, start + 100))]
        payload = await mutate(app, team.member, "tasksCreate", "results { task { id } }", tasks=rows)
        ids += [each["task"]["id"] for each in payload["results"]]
    ranks = []
    for _ in ids:
        made = between(low, high)
        ranks.append(made)
        low, high = (low, made) if after else (made, high)
    await app.sql.executemany(
        "UPDATE tasks SET rank = $2 WHERE id = $1", [(uuid_of(id_), rank) for id_, rank in zip(ids, ranks, strict=True)]
    )
    ordered = [id_ for _, id_ in sorted(zip(ranks, ids, strict=True))]
    return [first["id"], *ordered, last["id"]]


@dataclass(frozen=True)
class Crowd:
    """A team whose project is crowded with 420 tasks, and all their ids in order."""

    team: SampleTeam
    ids: tuple[str, ...]


@pytest.fixture(scope="module")
async def crowds(app: App) -> RowCopies[Crowd]:
    """To make them as the graph does takes a second of the processor each."""
    since = await next_transaction(app.sql)
    team = await create_sample_team(app)
    copies = await copies_of(app, Crowd(team, tuple(await crowd(app, team, 420))), team, since=since)
    await compact(app)  # this one, which no test looks at
    return copies


@pytest.fixture
async def crowded(app: App, crowds: RowCopies[Crowd]) -> Crowd:
    """One of a test's own."""
    return await crowds.make(app.sql)


async def board(app: App, team: SampleTeam, size: int = 100) -> list[str]:
    """A project's tasks in order, page by page."""
    found: list[str] = []
    cursor = None
    while True:
        page = (await app.run(team.member, BOARD, id=team.project_id, first=size, after=cursor))["project"]["tasks"]
        found += [each["id"] for each in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        cursor = page["pageInfo"]["endCursor"]


async def ranks_of(app: App, team: SampleTeam) -> list[str]:
    rows = await app.sql.fetch("SELECT rank FROM tasks WHERE project_id = $1 ORDER BY rank", team.project.id)
    return [row[0] for row in rows]


@pytest.mark.parametrize("after", [True, False])
async def test_long_ranks_become_short_and_the_order_stays(app: App, team: SampleTeam, after: bool) -> None:
    expected = await crowd(app, team, 480, after=after)
    assert max(map(len, await ranks_of(app, team))) > 64
    versions = await app.sql.fetch("SELECT id, version, updated_at FROM tasks WHERE project_id = $1 ORDER BY id", team.project.id)
    assert await compact(app) > 0
    assert await board(app, team) == expected
    assert max(map(len, await ranks_of(app, team))) <= 32
    assert await compact(app) == 0
    same = await app.sql.fetch("SELECT id, version, updated_at FROM tasks WHERE project_id = $1 ORDER BY id", team.project.id)
    assert same == versions


async def test_a_reader_who_turns_pages_meanwhile_sees_no_task_twice_and_misses_none(app: App, crowded: Crowd) -> None:
    team, expected = crowded.team, list(crowded.ids)
    forwards, backwards = [], []
    arguments: Any = {"first": 100}
    for _ in range(4):
        page = (await app.run(team.member, BOARD, id=team.project_id, **arguments))["project"]["tasks"]
        forwards.append(([each["id"] for each in page["nodes"]], page["pageInfo"]["endCursor"], page["pageInfo"]["startCursor"]))
        arguments = {"first": 100, "after": page["pageInfo"]["endCursor"]}
    assert await compact(app) > 0
    for number, (nodes, end, start) in enumerate(forwards):
        page = (await app.run(team.member, BOARD, id=team.project_id, first=100, after=end))["project"]["tasks"]
        assert [each["id"] for each in page["nodes"]] == expected[100 * (number + 1) : 100 * (number + 2)]
        page = (await app.run(team.member, BOARD, id=team.project_id, last=100, before=start))["project"]["tasks"]
        backwards.append([each["id"] for each in page["nodes"]])
        assert nodes == expected[100 * number : 100 * (number + 1)]
    assert backwards == [[], expected[:100], expected[100:200], expected[200:300]]
    await app.sql.execute("UPDATE former_ranks SET created_at = now() - interval '8 days'")
    await delete_old_ranks(app.resources.database, datetime.now(UTC))
    assert await app.sql.fetchval("SELECT count(*) FROM former_ranks") == 0


async def test_a_cursor_stands_where_it_stood_though_its_task_was_moved_away_since(app: App, crowded: Crowd) -> None:
    team, expected = crowded.team, list(crowded.ids)
    page = (await app.run(team.member, BOARD, id=team.project_id, first=20))["project"]["tasks"]
    assert await compact(app) > 0
    await mutate_ok(app, team.member, "taskMove", id=expected[19], beforeId=None)
    rest = (await app.run(team.member, BOARD, id=team.project_id, first=100, after=page["pageInfo"]["endCursor"]))["project"][
        "tasks"
    ]
    assert [each["id"] for each in rest["nodes"]] == expected[20:120]


async def test_clients_that_receive_the_moves_one_by_one_never_see_another_order(app: App, crowded: Crowd) -> None:
    team = crowded.team
    query = """
      query ($after: SyncCursor) {
        changes(first: 100, after: $after) {
          cursor nodes { kind entityId fields { field before after } entity { ... on Task { rank } } } pageInfo { hasNextPage }
        }
      }
    """
    cursor = (await app.run(team.member, query))["changes"]["cursor"]
    held: dict[str, str] = {}
    for id_, rank in await app.sql.fetch("SELECT id, rank FROM tasks WHERE project_id = $1", team.project.id):
        held[str(id_)] = rank
    order = sorted(held, key=held.__getitem__)
    replaced = await compact(app)
    heard = 0
    while True:
        page = (await app.run(team.member, query, after=cursor))["changes"]
        for change in page["nodes"]:
            (field,) = change["fields"]
            assert (change["kind"], field["field"], field["before"]) == ("UPDATED", "rank", None)
            held[str(uuid_of(change["entityId"]))] = field["after"]
            heard += 1
            assert sorted(held, key=held.__getitem__) == order
        cursor = page["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert heard == replaced > 0
    assert held == {
        str(row[0]): row[1] for row in await app.sql.fetch("SELECT id, rank FROM tasks WHERE project_id = $1", team.project.id)
    }


async def test_it_is_nobodys_activity_and_leaves_nothing_unread(app: App, crowded: Crowd) -> None:
    team, expected = crowded.team, crowded.ids
    await mutate(app, team.mate, "markSeen", subjectId=expected[1])
    assert await compact(app) > 0
    task = await fetch_task(app, team.mate, expected[1], "viewerUnread { changeCount } activity { totalCount }")
    assert task == {"viewerUnread": None, "activity": {"totalCount": 1}}
    query = "query ($id: ID!) { project(id: $id) { activity(first: 100) { nodes { kind } } } }"
    kinds = {each["kind"] for each in (await app.run(team.mate, query, id=team.project_id))["project"]["activity"]["nodes"]}
    assert "UPDATED" not in kinds


async def test_what_people_do_meanwhile_survives(app: App, crowded: Crowd) -> None:
    team, order = crowded.team, list(crowded.ids)
    chance = random.Random(5)
    done = asyncio.Event()

    async def people() -> None:
        """Move, create and edit, each move known; `order` is what they make of the list."""
        try:
            for number in range(60):
                moved, beside = chance.sample(order, 2)
                match number % 3:
                    case 0:
                        await mutate_ok(app, team.member, "taskMove", id=moved, afterId=beside)
                        order.remove(moved)
                        order.insert(order.index(beside) + 1, moved)
                    case 1:
                        made = await create_task(app, team, f"new {number}", afterId=beside)
                        order.insert(order.index(beside) + 1, made["id"])
                    case _:
                        payload = await mutate(app, team.mate, "taskUpdate", id=moved, title=f"edited {number}")
                        assert payload["errors"] == []
        finally:
            done.set()

    async def server() -> None:
        while not done.is_set():
            await compact(app)
            await asyncio.sleep(0)

    await asyncio.gather(people(), server())
    await compact(app)
    assert await board(app, team) == order
    assert max(map(len, await ranks_of(app, team))) <= 64


async def test_a_row_that_somebody_else_has_locked_is_left_for_the_next_turn(app: App, crowded: Crowd) -> None:
    team, expected = crowded.team, list(crowded.ids)
    before = await ranks_of(app, team)
    async with app.sql.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", uuid_of(expected[2]))
        assert await compact(app) == 0
        assert await ranks_of(app, team) == before
    assert await compact(app) > 0
    assert await board(app, team) == expected


async def test_a_list_is_compacted_in_parts_where_it_is_long(app: App, crowded: Crowd) -> None:
    team, expected = crowded.team, list(crowded.ids)
    services = app.resources.services
    moved = []
    while True:
        async with unit_of_work(app.resources.database, services.pubsub) as uow:
            moved.append(await tasks.compact_ranks(uow, team.project.id, max_moves=100, plan=_plan))
            assert len(uow.recorded) == moved[-1]
        assert await board(app, team) == expected
        if not moved[-1]:
            break
    assert moved[0] == 100
    assert max(map(len, await ranks_of(app, team))) <= 64


async def _plan(low: str | None, ranks: Sequence[str], high: str | None) -> Sequence[Move]:
    return plan_moves(low, ranks, high)


async def test_documents_are_compacted_with_their_objects(app: App, team: SampleTeam) -> None:
    made = [await create_document(app, team, f"{number}") for number in range(12)]
    low = made[0]["rank"]
    ranks = [low, *(f"{low}{'0' * (70 - number)}V" for number in range(11))]
    await app.sql.executemany(
        "UPDATE documents SET rank = $2 WHERE id = $1",
        [(uuid_of(each["id"]), rank) for each, rank in zip(made, ranks, strict=True)],
    )
    assert await compact(app) > 0
    query = "query ($id: ID!) { project(id: $id) { documents(first: 100) { nodes { id rank } } } }"
    nodes = (await app.run(team.member, query, id=team.project_id))["project"]["documents"]["nodes"]
    assert [each["id"] for each in nodes] == [each["id"] for each in made]
    assert max(len(each["rank"]) for each in nodes) <= 32
