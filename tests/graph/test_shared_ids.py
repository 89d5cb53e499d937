"""Tasks and documents share one space of ids: what people watch, discuss and have seen is kept by id alone."""

import asyncio
from uuid import uuid4

from tests.support.app import App
from tests.support.graph_actions import codes_and_paths, create_document, create_project, mutate, mutate_ok, table_states
from tests.support.teams import SampleTeam, uuid_of


async def test_a_task_may_not_have_the_id_of_a_document_deleted_or_not_and_nothing_changes(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, "Page")
    id_ = str(uuid_of(made["id"]))
    for _ in range(2):
        before = await table_states(app)
        payload = await mutate(app, team.member, "taskCreate", projectId=team.project_id, title="Job", id=id_)
        assert codes_and_paths(payload) == [("NOT_UNIQUE", ["input", "id"])]
        assert payload["task"] is None
        rows = [{"projectId": team.project_id, "title": "Job", "id": each} for each in (str(uuid4()), id_)]
        payload = await mutate(app, team.member, "tasksCreate", tasks=rows)
        assert codes_and_paths(payload) == [("NOT_UNIQUE", ["input", "tasks", "1", "id"])]
        assert await table_states(app) == before
        await mutate_ok(app, team.member, "documentDelete", id=made["id"])


async def test_of_a_task_and_a_document_that_are_made_at_once_under_one_id_one_is_made(app: App, team: SampleTeam) -> None:
    next_door = await create_project(app, team, "Next door")
    for _ in range(10):
        id_ = str(uuid4())
        both = await asyncio.gather(
            mutate(app, team.member, "documentCreate", projectId=next_door, title="Page", id=id_),
            mutate(app, team.mate, "taskCreate", projectId=team.project_id, title="Job", id=id_),
        )
        assert sorted(len(each["errors"]) for each in both) == [0, 1]
        assert [codes_and_paths(each) for each in both if each["errors"]] == [[("NOT_UNIQUE", ["input", "id"])]]
        found = "SELECT (SELECT count(*) FROM tasks WHERE id = $1) + (SELECT count(*) FROM documents WHERE id = $1)"
        assert await app.sql.fetchval(found, id_) == 1
