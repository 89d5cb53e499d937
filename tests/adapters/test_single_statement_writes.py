"""New tasks, moved tasks and comments are stored by one statement each, under the same laws as in a transaction."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest

from domain.rank import between
from gateway.execution.executor import OperationRequest
from persistence.stores.task_counts import wrong_projects
from persistence.stores.task_places import places_of
from tests.support.app import App
from tests.support.concurrent_writes import rows_locked, run_before_next_write, stream_events, stream_head, task_row
from tests.support.graph_actions import (
    codes_and_paths,
    create_comment,
    create_task,
    mutate,
    mutate_ok,
    mutation_text,
    table_states,
    task_titles,
)
from tests.support.teams import SampleTeam, uuid_of


async def stored_rows(app: App, id_: str) -> dict[str, Any]:
    """All that is stored of a new task or comment, without what differs from one to the next."""
    row_id = uuid_of(id_)
    found: dict[str, Any] = {}
    for table, key in (("tasks", "id"), ("comments", "id"), ("watchers", "subject_id"), ("search_entries", "id")):
        rows = await app.sql.fetch(f"SELECT * FROM {table} WHERE {key} = $1 ORDER BY 1, 2, 3", row_id)
        found[table] = [{name: value for name, value in row.items() if name not in _OWN} for row in rows]
    queued = await app.sql.fetch("SELECT type, is_indexed FROM search_queue WHERE id = $1", row_id)
    events = await app.sql.fetch("SELECT type, kind, about_type, project_id, payload FROM events WHERE entity_id = $1", row_id)
    found["queued"] = list(map(dict, queued))
    found["events"] = [dict(row) | {"payload": _without_own(orjson.loads(row["payload"]))} for row in events]
    return found


_OWN = {"id", "created_at", "updated_at", "text_at", "number", "key", "rank", "subject_id", "tokens"}
_HOLD = {
    "taskCreate": "SELECT FROM projects WHERE id = $1 FOR NO KEY UPDATE",
    "commentCreate": "SELECT FROM tasks WHERE id = $1 FOR UPDATE",
}


def _without_own(payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"entity": {name: value for name, value in payload["entity"].items() if name not in _OWN}}


async def test_a_write_takes_few_trips(app: App, team: SampleTeam) -> None:
    card, other = await create_task(app, team), await create_task(app, team)
    database = app.resources.database
    for field, given, trips in (
        ("taskCreate", {"projectId": team.project_id, "title": "New", "assigneeId": team.mate.id}, 6),
        ("taskMove", {"id": card["id"], "afterId": other["id"]}, 3),  # to the front; behind another task it takes one more
        ("commentCreate", {"subjectId": card["id"], "body": "Hello."}, 2),
    ):
        taken = []
        for _ in range(3):  # the fewest, since the application looks around too
            before = database.statements_run, database.round_trips
            request = OperationRequest(query=mutation_text(field, ""), variables={"input": given})
            answer = await app.executor.execute(request, app.context(team.member))
            assert answer.data == {field: {"clientMutationId": None, "errors": []}}
            taken.append((database.statements_run - before[0], database.round_trips - before[1]))
            if field == "taskMove":
                given = given | {"afterId": None if given["afterId"] else other["id"]}
        assert (field, min(taken)) == (field, (trips, trips))


@pytest.mark.parametrize("field", ["taskCreate", "commentCreate"])
async def test_one_statement_stores_what_a_transaction_stores(app: App, team: SampleTeam, field: str) -> None:
    card = await create_task(app, team)
    given = {
        "taskCreate": {"projectId": team.project_id, "title": "Fix it", "description": "Soon", "assigneeId": team.mate.id},
        "commentCreate": {"subjectId": card["id"], "body": f"Look, [@M](user:{team.mate.id})"},
    }[field]
    alone = await mutate_ok(app, team.member, field, **given)
    async with asyncio.TaskGroup() as group, rows_locked(app, _HOLD[field], uuid_of(given.get("projectId", card["id"]))):
        waiting = group.create_task(mutate_ok(app, team.member, field, **given))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    in_transaction = waiting.result()
    stored = await stored_rows(app, alone["id"])
    assert stored == await stored_rows(app, in_transaction["id"])
    assert len(stored["events"]) == len(stored["search_entries"]) == len(stored["queued"]) == 1
    watched = await app.sql.fetchval("SELECT count(*) FROM watchers WHERE subject_id = $1", uuid_of(card["id"]))
    assert watched == (2 if field == "commentCreate" else 1)


async def test_tasks_that_are_created_at_once_get_numbers_and_places_of_their_own(app: App, team: SampleTeam) -> None:
    before = await stream_head(app, team)
    chosen: list[dict[str, Any]] = [{"id": str(uuid4())} if number % 8 == 5 else {} for number in range(14)]
    made = await asyncio.gather(*(create_task(app, team, f"Task {number}", **each) for number, each in enumerate(chosen)))
    rows = [await task_row(app, each) for each in made]
    assert sorted(row["number"] for row in rows) == list(range(1, 15))
    assert [row["key"] for row in rows] == [f"{team.team.key}-{row['number']}" for row in rows]
    assert len({row["rank"] for row in rows}) == 14
    assert [place for place, *_ in await stream_events(app, team, after=before)] == list(range(before + 1, before + 15))
    assert team.project.id not in await wrong_projects(app.resources.database)
    last = await create_task(app, team, "Last")
    assert (await task_titles(app, team.member, team.project_id))[-1] == "Last"
    assert (await task_row(app, last))["rank"] == between(max(row["rank"] for row in rows), None)
    assert places_of(app.resources.database)._ranks.get(team.project.id) is None


async def test_tasks_that_are_moved_to_one_place_at_once_all_stand_there(app: App, team: SampleTeam) -> None:
    first, *cards, last = [await create_task(app, team, f"Task {number}") for number in range(10)]
    moved = cards[::2]
    await asyncio.gather(*(mutate_ok(app, team.member, "taskMove", id=each["id"], afterId=first["id"]) for each in moved))
    titles = await task_titles(app, team.member, team.project_id)
    assert titles[0] == first["title"]
    assert sorted(titles[1 : 1 + len(moved)]) == sorted(each["title"] for each in moved)
    assert titles[1 + len(moved) :] == [*(each["title"] for each in cards[1::2]), last["title"]]
    assert places_of(app.resources.database)._ranks.get(team.project.id) is None


async def test_a_place_that_another_process_takes_first_is_chosen_anew(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = [await create_task(app, team, f"Task {number}") for number in range(3)]
    rank = between(first["rank"], second["rank"])
    left = run_before_next_write(app, monkeypatch, "UPDATE tasks SET rank = $2 WHERE id = $1", uuid_of(third["id"]), rank)
    fourth = await create_task(app, team, "Fourth", afterId=first["id"])
    assert left == [1]
    assert await task_titles(app, team.member, team.project_id) == ["Task 0", "Fourth", "Task 2", "Task 1"]
    monkeypatch.undo()
    left = run_before_next_write(
        app, monkeypatch, "UPDATE tasks SET rank = $2 WHERE id = $1", uuid_of(third["id"]), between(second["rank"], None)
    )
    await mutate_ok(app, team.member, "taskMove", id=fourth["id"], beforeId=None)
    assert left == [1]
    assert await task_titles(app, team.member, team.project_id) == ["Task 0", "Task 1", "Task 2", "Fourth"]


@pytest.mark.parametrize(
    ("field", "change", "expected"),
    [
        ("taskCreate", "UPDATE projects SET status = 'ARCHIVED' WHERE id = $1", ("FORBIDDEN", ["input", "projectId"])),
        ("taskCreate", "UPDATE projects SET deleted_at = now() WHERE id = $1", ("NOT_FOUND", ["input", "projectId"])),
        ("taskMove", "UPDATE projects SET status = 'ARCHIVED' WHERE id = $1", ("FORBIDDEN", None)),
        ("taskMove", "UPDATE projects SET deleted_at = now() WHERE id = $1", ("NOT_FOUND", ["input", "id"])),
        ("commentCreate", "UPDATE tasks SET deleted_at = now() WHERE project_id = $1", ("INVALID", ["input", "subjectId"])),
    ],
)
async def test_what_changed_before_the_write_is_decided_anew(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch, field: str, change: str, expected: tuple[str, Any]
) -> None:
    card, other = await create_task(app, team), await create_task(app, team)
    given = {
        "taskCreate": {"projectId": team.project_id, "title": "Too late"},
        "taskMove": {"id": card["id"], "afterId": other["id"]},
        "commentCreate": {"subjectId": card["id"], "body": "Too late"},
    }[field]
    tables = ("comments", "watchers", "events", "search_entries", "streams")
    before = {name: state for name, state in (await table_states(app)).items() if name in tables}
    left = run_before_next_write(app, monkeypatch, change, team.project.id)
    payload = await mutate(app, team.member, field, **given)
    assert [code for code, _ in codes_and_paths(payload)] == [expected[0]]
    assert left == [1]
    assert {name: state for name, state in (await table_states(app)).items() if name in tables} == before
    assert await app.sql.fetchval("SELECT count(*) FROM tasks WHERE project_id = $1", team.project.id) == 2
    assert (await task_row(app, card))["rank"] == card["rank"]


async def test_who_holds_a_project_keeps_comments_and_other_projects_going(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    async with asyncio.TaskGroup() as group, rows_locked(app, _HOLD["taskCreate"], team.project.id):
        waiting = group.create_task(create_task(app, team, "Later"))
        await asyncio.wait_for(create_comment(app, team.member, card), 30)
        assert not waiting.done()
    assert waiting.result()["title"] == "Later"


@pytest.mark.parametrize("field", ["taskCreate", "taskMove", "commentCreate"])
async def test_calls_at_once_with_one_key_write_once(app: App, team: SampleTeam, field: str) -> None:
    card, other = await create_task(app, team), await create_task(app, team)
    given = {
        "taskCreate": {"projectId": team.project_id, "title": "Once"},
        "taskMove": {"id": card["id"], "afterId": other["id"]},
        "commentCreate": {"subjectId": card["id"], "body": "Once"},
    }[field]
    before = await stream_head(app, team)
    payloads = await asyncio.gather(*(mutate(app, team.member, field, **given, clientMutationId="once") for _ in range(6)))
    assert payloads == [payloads[0]] * 6
    assert payloads[0]["errors"] == []
    assert await stream_head(app, team) == before + 1
    again = await mutate(app, team.member, field, **given, clientMutationId="once")
    assert again == payloads[0]
    assert await stream_head(app, team) == before + 1


async def test_a_comment_that_links_to_a_document_is_stored_with_its_reference(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    document = await mutate_ok(app, team.member, "documentCreate", projectId=team.project_id, title="Plan")
    said = await create_comment(app, team.member, card, f"See [Plan](document:{document['id']})")
    found = await app.sql.fetch("SELECT holder_id FROM document_references WHERE document_id = $1", uuid_of(document["id"]))
    assert [row[0] for row in found] == [uuid_of(said["id"])]


async def test_ranks_that_were_compacted_since_they_were_read_are_read_again(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = [await create_task(app, team, f"Task {number}") for number in range(3)]
    row = await app.sql.fetchrow("SELECT * FROM projects WHERE id = $1", team.project.id)
    left = run_before_next_write(app, monkeypatch, "UPDATE projects SET updated_at = updated_at WHERE id = $1", team.project.id)
    await mutate_ok(app, team.member, "taskMove", id=third["id"], afterId=first["id"])
    assert left == [1], "the second time it was held"
    assert await task_titles(app, team.member, team.project_id) == ["Task 0", "Task 2", "Task 1"]
    assert await app.sql.fetchrow("SELECT * FROM projects WHERE id = $1", team.project.id) == row
    assert second["rank"] == (await task_row(app, second))["rank"]
