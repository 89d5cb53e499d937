"""Putting tasks away, and bringing them back."""

from tests.support.app import App
from tests.support.graph_actions import (
    codes_and_paths,
    create_project,
    create_task,
    fetch_task,
    mutate,
    mutate_ok,
    table_states,
    task_titles,
)
from tests.support.teams import SampleTeam


async def test_a_task_is_deleted_with_its_sub_tasks_and_restored_with_them(app: App, team: SampleTeam) -> None:
    top = await create_task(app, team, "Top")
    child = await create_task(app, team, "Child", parentId=top["id"])
    grandchild = await create_task(app, team, "Grandchild", parentId=child["id"])
    early = await create_task(app, team, "Early", parentId=top["id"])
    assert await mutate_ok(app, team.member, "taskDelete", id=early["id"]) == early["id"]
    assert await mutate_ok(app, team.mate, "taskDelete", id=top["id"], expectedVersion=1) == top["id"]
    assert await task_titles(app, team.member, team.project_id) == []
    deleted = [await fetch_task(app, team.member, each["id"]) for each in (top, child, grandchild)]
    assert [each["version"] for each in deleted] == [2, 2, 2]
    assert len({each["deletedAt"] for each in deleted}) == 1
    assert deleted[0]["deletedAt"] is not None

    restored = await mutate_ok(app, team.member, "taskRestore", id=top["id"])
    assert restored == top | {"version": 3}
    assert await task_titles(app, team.member, team.project_id) == ["Top", "Child", "Grandchild"]
    assert (await fetch_task(app, team.member, early["id"]))["deletedAt"] is not None


async def test_deleting_twice_and_restoring_what_is_there_change_nothing(app: App, team: SampleTeam) -> None:
    gone, there = await create_task(app, team, "Gone"), await create_task(app, team, "There")
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])
    before = await table_states(app)
    assert await mutate_ok(app, team.member, "taskDelete", id=gone["id"]) == gone["id"]
    assert await mutate_ok(app, team.member, "taskRestore", id=there["id"]) == there
    assert await table_states(app) == before


async def test_a_sub_task_is_not_restored_before_the_task_above_it(app: App, team: SampleTeam) -> None:
    top = await create_task(app, team, "Top")
    child = await create_task(app, team, "Child", parentId=top["id"])
    await mutate_ok(app, team.member, "taskDelete", id=top["id"])
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.member, "taskRestore", id=child["id"])) == [("INVALID", ["input", "id"])]
    assert await table_states(app) == before
    await mutate_ok(app, team.member, "taskRestore", id=top["id"])
    assert await task_titles(app, team.member, team.project_id) == ["Top", "Child"]


async def test_who_may_not_delete_may_not_restore_either(app: App, team: SampleTeam) -> None:
    gone, there = await create_task(app, team, "Gone"), await create_task(app, team, "There")
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])
    before = await table_states(app)
    for person, expected in ((team.guest, ("FORBIDDEN", None)), (team.outsider, ("NOT_FOUND", ["input", "id"]))):
        assert codes_and_paths(await mutate(app, person, "taskDelete", id=there["id"])) == [expected]
        assert codes_and_paths(await mutate(app, person, "taskRestore", id=gone["id"])) == [expected]
    assert await table_states(app) == before


async def test_an_id_of_another_type_is_no_task_to_delete(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    for field in ("taskDelete", "taskRestore"):
        payload = await mutate(app, team.member, field, id=team.project_id)
        assert codes_and_paths(payload) == [("INVALID", ["input", "id"])]
        assert payload["errors"][0]["message"] == "This is not the id of a Task."
    assert await table_states(app) == before


async def test_in_an_archived_project_tasks_are_only_read(app: App, team: SampleTeam) -> None:
    archived = await create_project(app, team, "Old")
    written = await create_task(app, team, projectId=archived)
    gone = await create_task(app, team, projectId=archived)
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])
    await mutate_ok(app, team.owner, "projectUpdate", id=archived, status="ARCHIVED")
    before = await table_states(app)
    for field, given in (
        ("taskUpdate", {"id": written["id"], "title": "New"}),
        ("taskMove", {"id": written["id"], "status": "DONE"}),
        ("taskMove", {"id": written["id"], "projectId": team.project_id}),
        ("taskDelete", {"id": written["id"]}),
        ("taskRestore", {"id": gone["id"]}),
        ("commentCreate", {"subjectId": written["id"], "body": "Late."}),
    ):
        payload = await mutate(app, team.owner, field, **given)
        assert [(each["code"], each["message"]) for each in payload["errors"]] == [("FORBIDDEN", "The project is archived.")]
    assert await table_states(app) == before
    assert (await fetch_task(app, team.member, written["id"], "viewerCan"))["viewerCan"] == ["READ"]
