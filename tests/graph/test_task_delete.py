"""Putting tasks away, and bringing them back."""

from tests.app import App
from tests.people import People
from tests.work import board, do, done, everything, project, refusals, seen, task


async def test_a_task_is_deleted_with_its_sub_tasks_and_restored_with_them(app: App, team: People) -> None:
    top = await task(app, team, "Top")
    child = await task(app, team, "Child", parentId=top["id"])
    grandchild = await task(app, team, "Grandchild", parentId=child["id"])
    early = await task(app, team, "Early", parentId=top["id"])
    assert await done(app, team.member, "taskDelete", id=early["id"]) == early["id"]
    assert await done(app, team.mate, "taskDelete", id=top["id"], expectedVersion=1) == top["id"]
    assert await board(app, team.member, team.project_id) == []
    deleted = [await seen(app, team.member, each["id"]) for each in (top, child, grandchild)]
    assert [each["version"] for each in deleted] == [2, 2, 2]
    assert len({each["deletedAt"] for each in deleted}) == 1
    assert deleted[0]["deletedAt"] is not None

    restored = await done(app, team.member, "taskRestore", id=top["id"])
    assert restored == top | {"version": 3}
    assert await board(app, team.member, team.project_id) == ["Top", "Child", "Grandchild"]
    assert (await seen(app, team.member, early["id"]))["deletedAt"] is not None


async def test_deleting_twice_and_restoring_what_is_there_change_nothing(app: App, team: People) -> None:
    gone, there = await task(app, team, "Gone"), await task(app, team, "There")
    await done(app, team.member, "taskDelete", id=gone["id"])
    before = await everything(app)
    assert await done(app, team.member, "taskDelete", id=gone["id"]) == gone["id"]
    assert await done(app, team.member, "taskRestore", id=there["id"]) == there
    assert await everything(app) == before


async def test_a_sub_task_is_not_restored_before_the_task_above_it(app: App, team: People) -> None:
    top = await task(app, team, "Top")
    child = await task(app, team, "Child", parentId=top["id"])
    await done(app, team.member, "taskDelete", id=top["id"])
    before = await everything(app)
    assert refusals(await do(app, team.member, "taskRestore", id=child["id"])) == [("INVALID", ["input", "id"])]
    assert await everything(app) == before
    await done(app, team.member, "taskRestore", id=top["id"])
    assert await board(app, team.member, team.project_id) == ["Top", "Child"]


async def test_who_may_not_delete_may_not_restore_either(app: App, team: People) -> None:
    gone, there = await task(app, team, "Gone"), await task(app, team, "There")
    await done(app, team.member, "taskDelete", id=gone["id"])
    before = await everything(app)
    for person, expected in ((team.guest, ("FORBIDDEN", None)), (team.outsider, ("NOT_FOUND", ["input", "id"]))):
        assert refusals(await do(app, person, "taskDelete", id=there["id"])) == [expected]
        assert refusals(await do(app, person, "taskRestore", id=gone["id"])) == [expected]
    assert await everything(app) == before


async def test_an_id_of_another_type_is_no_task_to_delete(app: App, team: People) -> None:
    before = await everything(app)
    for field in ("taskDelete", "taskRestore"):
        payload = await do(app, team.member, field, id=team.project_id)
        assert refusals(payload) == [("INVALID", ["input", "id"])]
        assert payload["errors"][0]["message"] == "This is not the id of a Task."
    assert await everything(app) == before


async def test_in_an_archived_project_tasks_are_only_read(app: App, team: People) -> None:
    archived = await project(app, team, "Old")
    written = await task(app, team, projectId=archived)
    gone = await task(app, team, projectId=archived)
    await done(app, team.member, "taskDelete", id=gone["id"])
    await done(app, team.owner, "projectUpdate", id=archived, status="ARCHIVED")
    before = await everything(app)
    for field, given in (
        ("taskUpdate", {"id": written["id"], "title": "New"}),
        ("taskMove", {"id": written["id"], "status": "DONE"}),
        ("taskMove", {"id": written["id"], "projectId": team.project_id}),
        ("taskDelete", {"id": written["id"]}),
        ("taskRestore", {"id": gone["id"]}),
        ("commentCreate", {"subjectId": written["id"], "body": "Late."}),
    ):
        payload = await do(app, team.owner, field, **given)
        assert [(each["code"], each["message"]) for each in payload["errors"]] == [("FORBIDDEN", "The project is archived.")]
    assert await everything(app) == before
    assert (await seen(app, team.member, written["id"], "viewerCan"))["viewerCan"] == ["READ"]
