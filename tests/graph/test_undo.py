"""Undoing: what stands in its way, who may, and what becomes of many objects at once."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.actor import ALL_SCOPES, Actor, Scope
from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import (
    codes_and_paths,
    create_comment,
    create_document,
    create_label,
    create_project,
    create_task,
    fetch_task,
    mutate,
    mutate_ok,
    mutation_text,
    table_states,
)
from tests.support.teams import SampleTeam, create_sample_team, join_team, uuid_of

_CONFLICT = (
    """errors { code message path ... on ConflictError { currentVersion fields { field before after references { name } } } }"""
)


async def last_change(app: App, type_: str, entity_id: str | None = None) -> str:
    """The newest change of a kind, about an object if one is named."""
    query = "SELECT id FROM events WHERE type = $1 AND ($2::uuid IS NULL OR entity_id = $2) ORDER BY id DESC LIMIT 1"
    found: UUID = await app.sql.fetchval(query, type_, entity_id and uuid_of(entity_id))
    return ids.encode("Change", found)


async def test_what_has_changed_again_is_named_with_then_and_now_and_nothing_is_undone(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Old", assigneeId=team.member.id, dueOn="2026-03-01", priority="LOW")
    given = {"title": "New", "assigneeId": team.mate.id, "dueOn": "2026-04-01", "priority": "HIGH"}
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], **given)
    change = await last_change(app, "TaskUpdated", task["id"])
    await mutate_ok(app, team.mate, "taskUpdate", id=task["id"], title="Newer", assigneeId=team.owner.id)
    before = await table_states(app)

    payload = await mutate(app, team.member, "undo", f"change {{ id }} {_CONFLICT}", changeId=change)

    (error,) = payload["errors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "changeId"])
    assert (error["current"], error["currentVersion"]) == ({"id": task["id"], "version": 3}, 3)
    mate, owner = (ids.encode("User", each.user.id) for each in (team.mate, team.owner))
    assert error["fields"] == [
        {"field": "title", "before": "New", "after": "Newer", "references": []},
        {
            "field": "assigneeId",
            "before": mate,
            "after": owner,
            "references": [{"name": "Mate Tester"}, {"name": "Owner Tester"}],
        },
    ]
    assert payload["change"] is None
    assert await table_states(app) == before


async def test_what_has_changed_besides_stays(app: App, team: SampleTeam) -> None:
    labels = [await create_label(app, team.owner, team.team_id, name) for name in ("Ours", "Theirs")]
    task = await create_task(app, team, "Old")
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], title="New", addLabelIds=labels[:1])
    change = await last_change(app, "TaskUpdated", task["id"])
    await mutate_ok(app, team.mate, "taskUpdate", id=task["id"], priority="URGENT", addLabelIds=labels[1:])

    undone = await mutate_ok(app, team.member, "undo", changeId=change)

    assert {each["field"]: (each["before"], each["after"]) for each in undone["fields"]} == {
        "title": ("New", "Old"),
        "labelIds": (sorted(labels), labels[1:]) if sorted(labels) == labels else (labels, labels[1:]),
    }
    now = await fetch_task(app, team.member, task["id"])
    assert (now["title"], now["priority"], now["version"]) == ("Old", "URGENT", 4)
    assert now["labels"]["nodes"] == [{"name": "Theirs"}]


async def test_who_may_not_make_the_reverse_change_now_may_not_undo(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Old")
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], title="New")
    change = await last_change(app, "TaskUpdated", task["id"])
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.guest, "undo", changeId=change)) == [("FORBIDDEN", ["input", "changeId"])]
    hidden = await mutate(app, team.outsider, "undo", changeId=change)
    missing = await mutate(app, team.outsider, "undo", changeId=ids.encode("Change", uuid4()))
    assert hidden == missing
    assert codes_and_paths(hidden) == [("NOT_FOUND", ["input", "changeId"])]
    assert await table_states(app) == before
    await mutate_ok(app, team.owner, "teamMemberSetRole", teamId=team.team_id, userId=team.member.id, role="GUEST")
    assert codes_and_paths(await mutate(app, team.member, "undo", changeId=change)) == [("NOT_FOUND", ["input", "changeId"])]


async def test_a_token_needs_the_scope_of_what_is_written(app: App, team: SampleTeam) -> None:
    document = await create_document(app, team)
    await mutate_ok(app, team.member, "documentUpdate", id=document["id"], title="New")
    given: Any = {"input": {"changeId": await last_change(app, "DocumentUpdated", document["id"])}}
    before = await table_states(app)
    without = Actor(user_id=team.member.user.id, scopes=ALL_SCOPES - {Scope.DOCUMENTS_WRITE})
    answer = await app.execute(team.member, mutation_text("undo"), actor=without, **given)
    assert answer["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "DOCUMENTS_WRITE"}
    blind = Actor(user_id=team.member.user.id, scopes=ALL_SCOPES - {Scope.DOCUMENTS_READ})
    answer = await app.execute(team.member, mutation_text("undo"), actor=blind, **given)
    assert codes_and_paths(answer["data"]["undo"]) == [("NOT_FOUND", ["input", "changeId"])]
    assert await table_states(app) == before


async def test_again_with_the_same_key_it_writes_nothing(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Old")
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], title="New")
    given = {"changeId": await last_change(app, "TaskUpdated", task["id"]), "clientMutationId": "once"}
    first = await mutate(app, team.member, "undo", "cursor change { id fields { field after } }", **given)
    before = await table_states(app)
    again = await mutate(app, team.member, "undo", "cursor change { id fields { field after } }", **given)
    assert (again["change"], again["errors"]) == (first["change"], [])
    assert first["change"]["fields"] == [{"field": "title", "after": "Old"}]
    assert await table_states(app) == before


async def test_twice_without_a_key_it_is_a_conflict(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    await mutate_ok(app, team.member, "taskDelete", id=task["id"])
    change = await last_change(app, "TaskDeleted", task["id"])
    undone = await mutate_ok(app, team.member, "undo", changeId=change)
    assert (undone["kind"], undone["entityId"]) == ("RESTORED", task["id"])
    payload = await mutate(app, team.member, "undo", _CONFLICT, changeId=change)
    (error,) = payload["errors"]
    assert (error["code"], [each["field"] for each in error["fields"]]) == ("CONFLICT", ["deletedAt"])
    assert error["fields"][0]["after"] is None


async def test_of_a_bulk_call_is_undone_what_can_be_and_the_rest_is_named(app: App, team: SampleTeam) -> None:
    tasks = [await create_task(app, team, f"Task {number}", status="TODO") for number in range(4)]
    chosen = {"status": "DONE", "assigneeId": team.mate.id}
    await mutate(app, team.member, "tasksUpdate", ids=[each["id"] for each in tasks], set=chosen)
    await mutate_ok(app, team.mate, "taskUpdate", id=tasks[1]["id"], assigneeId=team.owner.id)
    await mutate_ok(app, team.mate, "taskDelete", id=tasks[2]["id"])
    wanted = [await last_change(app, "TaskUpdated", tasks[0]["id"])]
    first = "SELECT id FROM events WHERE type = 'TaskUpdated' AND entity_id = $1 ORDER BY id LIMIT 1"
    moved_on = [str(await app.sql.fetchval(first, uuid_of(tasks[number]["id"]))) for number in (1, 2)]

    payload = await mutate(app, team.member, "undo", f"cursor change {{ entityId }} {_CONFLICT}", changeId=wanted[0])

    assert payload["change"] == {"entityId": tasks[0]["id"]}
    assert payload["cursor"] is not None
    assert codes_and_paths(payload) == [("CONFLICT", ["input", "changeId", each]) for each in moved_on]
    assert [[each["field"] for each in error["fields"]] for error in payload["errors"]] == [["assigneeId"], ["deletedAt"]]
    found = [await fetch_task(app, team.member, each["id"]) for each in tasks]
    assert [each["status"] for each in found] == ["TODO", "DONE", "DONE", "TODO"]
    assert [each["completedAt"] is None for each in found] == [True, False, False, True]


async def test_of_a_bulk_call_one_object_alone_can_be_undone(app: App, team: SampleTeam) -> None:
    tasks = [await create_task(app, team) for _ in range(3)]
    other = await create_project(app, team, "Other")
    before = [await fetch_task(app, team.member, each["id"]) for each in tasks]
    chosen = {"priority": "URGENT", "projectId": other}
    await mutate(app, team.member, "tasksUpdate", ids=[each["id"] for each in tasks], set=chosen)
    after = [await fetch_task(app, team.member, each["id"]) for each in tasks]
    change = await last_change(app, "TaskMoved", tasks[1]["id"])

    await mutate_ok(app, team.member, "undo", changeId=change, scope="OBJECT")

    found = [await fetch_task(app, team.member, each["id"]) for each in tasks]
    assert found[1] | {"version": 1} == before[1]
    assert [found[0], found[2]] == [after[0], after[2]]


async def test_of_others_objects_in_a_bulk_call_nothing_is_undone_or_said(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.admin])
    tasks = [await create_task(app, team, by=team.admin), await create_task(app, team, by=team.admin, projectId=secret)]
    await mutate(app, team.admin, "tasksUpdate", ids=[each["id"] for each in tasks], set={"priority": "URGENT"})
    payload = await mutate(app, team.member, "undo", changeId=await last_change(app, "TaskUpdated", tasks[0]["id"]))
    assert payload["errors"] == []
    assert [(await fetch_task(app, team.admin, each["id"]))["priority"] for each in tasks] == ["NONE", "URGENT"]


async def test_created_in_one_call_tasks_go_together(app: App, team: SampleTeam) -> None:
    parent = uuid4()
    rows: list[dict[str, Any]] = [
        {"projectId": team.project_id, "title": "Parent", "id": str(parent)},
        {"projectId": team.project_id, "title": "Child", "parentId": ids.encode("Task", parent)},
    ]
    made = await mutate(app, team.member, "tasksCreate", tasks=rows)
    await mutate_ok(app, team.member, "undo", changeId=await last_change(app, "TaskCreated", made["results"][1]["id"]))
    found = [await fetch_task(app, team.member, each["id"]) for each in made["results"]]
    assert [each["deletedAt"] is not None for each in found] == [True, True]


async def test_what_was_created_and_is_in_use_stays(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    created = await last_change(app, "TaskCreated", task["id"])
    await create_task(app, team, parentId=task["id"])
    comment = await create_comment(app, team.member, task)
    commented = await last_change(app, "CommentCreated", comment["id"])
    await create_comment(app, team.mate, task, parentId=comment["id"])
    label = await create_label(app, team.owner, team.team_id, "Used")
    labelled = await last_change(app, "LabelCreated", label)
    await mutate_ok(app, team.member, "taskUpdate", id=(await create_task(app, team))["id"], addLabelIds=[label])
    before = await table_states(app)
    for change, field in ((created, "subtasks"), (commented, "replies"), (labelled, "tasks")):
        payload = await mutate(app, team.owner, "undo", _CONFLICT, changeId=change)
        assert [each["code"] for each in payload["errors"]] == ["CONFLICT"]
        assert payload["errors"][0]["fields"] == [{"field": field, "before": 0, "after": 1, "references": []}]
    assert await table_states(app) == before


@pytest.mark.parametrize("kind", ["DocumentVersionSaved", "TeamCreated", "TaskFilesChanged", "left", "derived"])
async def test_what_cannot_be_undone_says_what_can_be_done(app: App, team: SampleTeam, kind: str) -> None:
    change, words = await _irreversible(app, team, kind)
    before = await table_states(app)
    (error,) = (await mutate(app, team.owner, "undo", changeId=change))["errors"]
    assert (error["code"], error["path"]) == ("NOT_UNDOABLE", ["input", "changeId"])
    assert words in error["message"]
    assert await table_states(app) == before


async def _irreversible(app: App, team: SampleTeam, kind: str) -> tuple[str, str]:
    match kind:
        case "DocumentVersionSaved":
            document = await create_document(app, team, content="# One")
            await mutate_ok(app, team.member, "documentEdit", id=document["id"], base=1, append="Two")
            await mutate(app, team.member, "documentSaveVersion", id=document["id"])
            return await last_change(app, kind, document["id"]), "documentRestoreVersion"
        case "TeamCreated":
            made = await mutate_ok(app, team.owner, "teamCreate", name=f"Another {team.team.key}")
            return await last_change(app, kind, made["id"]), "teamDelete"
        case "TaskFilesChanged":
            from tests.support.tenant_objects import create_files

            files = await create_files(app, team.owner, (task := await create_task(app, team))["id"])
            await mutate(app, team.owner, "attachmentDelete", id=files["Attachment"])
            return await last_change(app, kind, task["id"]), "attach it again"
        case "left":
            await mutate(app, team.mate, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
            return await last_change(app, "MembershipChanged", team.team_id), "invite them"
    task = await create_task(app, team)
    part = await create_task(app, team, parentId=task["id"])
    await mutate_ok(app, team.owner, "taskUpdate", id=part["id"], status="DONE")
    change = await last_change(app, "TaskDerivedChanged", task["id"])
    await app.sql.execute("UPDATE events SET at = at + interval '1 second' WHERE id = $1", uuid_of(change))  # of no mutation
    return change, "follows from another"


async def test_moved_to_another_team_and_back_a_task_has_its_key_again(app: App, team: SampleTeam) -> None:
    other = await create_sample_team(app)
    await join_team(app, other.team_id, other.owner, team.member)
    label = await create_label(app, team.owner, team.team_id, "Ours")
    task = await create_task(app, team, labelIds=[label], assigneeId=team.mate.id)
    part = await create_task(app, team, parentId=task["id"])
    before = [await fetch_task(app, team.member, each["id"]) for each in (task, part)]
    by_key = "query ($key: String!) { taskByKey(key: $key) { id } }"
    for _ in range(2):
        moved = await mutate_ok(app, team.member, "taskMove", id=task["id"], projectId=other.project_id)
        since = await create_task(app, other, parentId=task["id"])
        await mutate_ok(app, team.member, "undo", changeId=await last_change(app, "TaskMoved", task["id"]))
        after = [await fetch_task(app, team.member, each["id"]) for each in (task, part)]
        assert [each | {"version": 0} for each in after] == [each | {"version": 0} for each in before]
        assert (await fetch_task(app, team.member, since["id"]))["project"] == {"id": team.project_id}
        for key in (task["key"], moved["key"]):
            assert (await app.run(team.member, by_key, key=key))["taskByKey"] == {"id": task["id"]}
        await mutate_ok(app, team.member, "taskDelete", id=since["id"])


async def test_whoever_was_given_a_team_can_give_it_back(app: App, team: SampleTeam) -> None:
    given = {"teamId": team.team_id, "userId": team.member.id, "role": "OWNER"}
    await mutate_ok(app, team.owner, "teamMemberSetRole", **given)
    change = await last_change(app, "TeamUpdated", team.team_id)
    assert [each["code"] for each in (await mutate(app, team.owner, "undo", changeId=change))["errors"]] == ["FORBIDDEN"]
    await mutate_ok(app, team.member, "undo", changeId=change)
    assert await roles(app, team, team.owner, team.member) == ["OWNER", "MEMBER"]


async def roles(app: App, team: SampleTeam, *people: Person) -> list[str | None]:
    """Their roles in the team."""
    query = "SELECT role FROM team_members WHERE team_id = $1 AND user_id = $2"
    return [await app.sql.fetchval(query, team.team.id, each.user.id) for each in people]


async def test_a_history_names_changes_too(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Old")
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], title="New")
    shown = await fetch_task(app, team.member, task["id"], "activity { nodes { id } }")
    await mutate_ok(app, team.member, "undo", changeId=shown["activity"]["nodes"][0]["id"])
    assert (await fetch_task(app, team.member, task["id"]))["title"] == "Old"


async def test_a_deleted_project_comes_back(app: App, team: SampleTeam) -> None:
    project = await create_project(app, team, "Gone")
    task = await create_task(app, team, projectId=project)
    await mutate(app, team.owner, "projectDelete", id=project)
    change = await last_change(app, "ProjectDeleted", project)
    undone = await mutate_ok(app, team.owner, "undo", changeId=change, clientMutationId="restore")
    assert undone["kind"] == "RESTORED"
    again = await mutate_ok(app, team.owner, "undo", changeId=undone["id"], clientMutationId="delete")
    assert again["kind"] == "DELETED"
    assert await fetch_task(app, team.member, task["id"]) is None
    replayed = await mutate(app, team.owner, "undo", "change { kind }", changeId=undone["id"], clientMutationId="delete")
    assert (replayed["change"], replayed["errors"]) == ({"kind": "DELETED"}, [])
