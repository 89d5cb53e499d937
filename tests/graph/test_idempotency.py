"""The same clientMutationId: the first result again, and nothing done twice."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.support.app import App
from tests.support.graph_actions import (
    TASK_FIELDS,
    codes_and_paths,
    create_comment,
    create_task,
    fetch_task,
    mutate,
    mutate_ok,
    mutation_text,
    table_states,
    task_titles,
)
from tests.support.teams import SampleTeam, create_sample_team

FULL_SELECTION = (
    f"cursor task {{ {TASK_FIELDS} createdAt updatedAt isOverdue url }} taskEdge {{ cursor node {{ id version title }} }}"
)


async def test_the_same_call_again_writes_nothing_and_gives_the_task_as_it_is_now(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "Once", "assigneeId": team.mate.id, "clientMutationId": "k"}
    written = await app.execute(team.member, mutation_text("taskCreate", FULL_SELECTION), input=given)
    task_id = written["data"]["taskCreate"]["task"]["id"]
    await mutate_ok(app, team.mate, "taskUpdate", id=task_id, title="Changed", assigneeId=None)
    before = await table_states(app)
    again = await app.execute(team.member, mutation_text("taskCreate", FULL_SELECTION), input=given)
    assert again["data"]["taskCreate"]["cursor"] == written["data"]["taskCreate"]["cursor"]
    assert again["data"]["taskCreate"]["task"] == await fetch_task(
        app, team.member, task_id, f"{TASK_FIELDS} createdAt updatedAt isOverdue url"
    )
    await app.execute(
        team.member, mutation_text("taskCreate", FULL_SELECTION), input=given | {"status": "TODO"}
    )  # its default, said aloud
    assert await table_states(app) == before
    assert await task_titles(app, team.member, team.project_id) == ["Changed"]

    await mutate_ok(app, team.mate, "taskDelete", id=task_id)
    again = await app.execute(team.member, mutation_text("taskCreate", FULL_SELECTION), input=given)
    assert again["data"]["taskCreate"]["task"]["deletedAt"] is not None


async def test_updates_moves_deletes_and_bulk_calls_are_replayed_too(app: App, team: SampleTeam) -> None:
    one, two = await create_task(app, team, "One"), await create_task(app, team, "Two")
    said = await create_comment(app, team.member, one)
    bad = {"projectId": team.project_id, "title": ""}
    calls: list[tuple[str, str | None, dict[str, Any]]] = [
        ("taskUpdate", FULL_SELECTION, {"id": one["id"], "title": "New", "expectedVersion": 1}),
        ("taskMove", FULL_SELECTION, {"id": one["id"], "beforeId": None, "expectedVersion": 2}),
        ("taskLink", None, {"taskId": one["id"], "targetId": two["id"], "kind": "BLOCKS"}),
        ("tasksUpdate", None, {"ids": [one["id"], team.project_id.replace("=", "")][:1], "set": {"status": "DONE"}}),
        ("tasksCreate", None, {"tasks": [bad, bad | {"title": "Good"}], "mode": "BEST_EFFORT"}),
        ("commentUpdate", "comment { body version } commentEdge { cursor node { id } }", {"id": said["id"], "body": "Better."}),
        ("commentReact", None, {"id": said["id"], "emoji": "👍", "on": True}),
        ("commentDelete", "cursor deletedId", {"id": said["id"]}),
        ("taskDelete", "cursor deletedId", {"id": two["id"], "expectedVersion": 1}),
        ("taskRestore", None, {"id": two["id"]}),
        ("watchSet", "cursor", {"subjectId": two["id"], "watching": False}),
        ("markSeen", "cursor", {"subjectId": two["id"]}),
        ("labelCreate", None, {"teamId": team.team_id, "name": "word", "color": "#000000"}),
        ("projectUpdate", None, {"id": team.project_id, "name": "Renamed"}),
    ]
    first = [await mutate(app, team.member, field, gives, **given, clientMutationId=field) for field, gives, given in calls]
    assert [payload["errors"] for payload in first] == [[]] * len(calls)
    assert [codes_and_paths(row) for row in first[4]["results"]] == [[("REQUIRED", ["input", "tasks", "0", "title"])], []]
    before = await table_states(app)
    for (field, gives, given), payload in zip(calls, first, strict=True):
        again = await mutate(app, team.member, field, gives, **given, clientMutationId=field)
        # The comment of two calls was deleted by a later one.
        assert codes_and_paths(again) == ([("NOT_FOUND", None)] if field in ("commentUpdate", "commentReact") else [])
        for name in {"cursor", "deletedId"} & payload.keys():
            assert again[name] == payload[name]
    moved = await mutate(app, team.member, "taskUpdate", FULL_SELECTION, **calls[0][2], clientMutationId="taskUpdate")
    assert moved["task"] == await fetch_task(app, team.member, one["id"], f"{TASK_FIELDS} createdAt updatedAt isOverdue url")
    assert await table_states(app) == before


async def test_a_comment_is_replayed_with_its_edge(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    given = {"subjectId": about["id"], "body": "Hello.", "clientMutationId": "c"}
    gives = "cursor comment { id body version createdAt author { id } } commentEdge { cursor node { id body } }"
    first = await mutate(app, team.guest, "commentCreate", gives, **given)
    assert first["commentEdge"]["node"] == {"id": first["comment"]["id"], "body": "Hello."}
    await mutate_ok(app, team.guest, "commentUpdate", id=first["comment"]["id"], body="Changed.")
    again = await mutate(app, team.guest, "commentCreate", gives, **given)
    assert again["commentEdge"] == {
        "cursor": first["commentEdge"]["cursor"],
        "node": {"id": first["comment"]["id"], "body": "Changed."},
    }
    assert (again["comment"]["version"], again["cursor"]) == (2, first["cursor"])
    found = await fetch_task(app, team.guest, about["id"], "comments { totalCount }")
    assert found == {"comments": {"totalCount": 1}}


async def test_the_same_id_with_another_input_or_for_another_mutation_is_refused(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "Once", "clientMutationId": "k"}
    made = await mutate_ok(app, team.member, "taskCreate", **given)
    before = await table_states(app)
    for field, other in (
        ("taskCreate", given | {"title": "Twice"}),
        ("taskCreate", given | {"description": None}),
        ("taskUpdate", {"id": made["id"], "clientMutationId": "k"}),
        ("taskRestore", {"id": made["id"], "clientMutationId": "k"}),
        ("taskDelete", {"id": made["id"], "clientMutationId": "k"}),
    ):
        payload = await mutate(app, team.member, field, **other)
        assert codes_and_paths(payload) == [("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])]
        assert payload["clientMutationId"] == "k"
    assert await table_states(app) == before


async def test_the_ids_of_different_people_have_nothing_to_do_with_each_other(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "Mine", "clientMutationId": "k"}
    made = [await mutate_ok(app, person, "taskCreate", **given) for person in (team.member, team.mate, team.owner)]
    assert [each["key"] for each in made] == [f"{team.team.key}-{number}" for number in (1, 2, 3)]


async def test_ten_calls_at_once_write_one_task(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "Once", "clientMutationId": "k"}
    payloads = await asyncio.gather(*(mutate(app, team.member, "taskCreate", FULL_SELECTION, **given) for _ in range(10)))
    assert [payload["errors"] for payload in payloads] == [[]] * 10
    assert len({payload["task"]["id"] for payload in payloads}) == 1
    assert len({payload["taskEdge"]["cursor"] for payload in payloads}) == 1
    assert await task_titles(app, team.member, team.project_id) == ["Once"]


async def test_two_calls_of_one_operation_are_answered_alike(app: App, team: SampleTeam) -> None:
    twice = """
      mutation ($input: TaskCreateInput!) {
        one: taskCreate(input: $input) { task { id key } } two: taskCreate(input: $input) { task { id key } }
      }
    """
    given = {"projectId": team.project_id, "title": "Once", "clientMutationId": "k"}
    data = await app.run(team.member, twice, input=given)
    assert data["one"] == data["two"]
    assert await task_titles(app, team.member, team.project_id) == ["Once"]


async def test_what_was_refused_is_judged_anew(app: App, team: SampleTeam) -> None:
    task_id = uuid4()
    given = {"projectId": team.project_id, "title": "There", "id": str(task_id), "clientMutationId": "k"}
    far = await create_sample_team(app)
    held = await create_task(app, far, "Holds the id", id=str(task_id))
    before = await table_states(app)
    refused = await mutate(app, team.member, "taskCreate", **given)
    assert codes_and_paths(refused) == [("NOT_UNIQUE", ["input", "id"])]
    assert await table_states(app) == before
    await app.sql.execute("DELETE FROM watchers WHERE subject_id = $1", task_id)
    await app.sql.execute("DELETE FROM tasks WHERE id = $1", task_id)
    assert await mutate_ok(app, team.member, "taskCreate", **given) == held | {
        "title": "There",
        "key": f"{team.team.key}-1",
        "creator": {"id": team.member.id},
        "project": {"id": team.project_id},
    }
    assert codes_and_paths(await mutate(app, team.member, "taskCreate", **(given | {"title": "Other"}))) == [
        ("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])
    ]


async def test_after_a_day_an_id_is_free_again(app: App, team: SampleTeam) -> None:
    async def age(by: str) -> None:
        await app.sql.execute(
            f"UPDATE idempotency_keys SET created_at = created_at - interval '{by}' WHERE actor_user_id = $1",
            team.member.user.id,
        )

    given = {"projectId": team.project_id, "title": "Daily", "clientMutationId": "k"}
    first = await mutate_ok(app, team.member, "taskCreate", **given)
    await age("23 hours 59 minutes")
    assert await mutate_ok(app, team.member, "taskCreate", **given) == first
    await age("2 minutes")
    second = await mutate_ok(app, team.member, "taskCreate", **given)
    assert second["id"] != first["id"]
    assert await mutate_ok(app, team.member, "taskCreate", **given) == second
    await age("25 hours")
    other = await mutate_ok(app, team.member, "taskCreate", **(given | {"title": "Another"}))
    assert other["title"] == "Another"
    assert await task_titles(app, team.member, team.project_id) == ["Daily", "Daily", "Another"]


async def test_an_id_is_one_short_line(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "New"}
    before = await table_states(app)
    for key, code in (("", "REQUIRED"), (" ", "REQUIRED"), ("x" * 201, "TOO_LONG"), ("a\nb", "INVALID"), ("a\0b", "INVALID")):
        payload = await mutate(app, team.member, "taskCreate", **given, clientMutationId=key)
        assert codes_and_paths(payload) == [(code, ["input", "clientMutationId"])]
        assert payload["clientMutationId"] == key
    assert await table_states(app) == before
    for key in ("x" * 200, "🦊 ü", "null"):
        assert (await mutate(app, team.member, "taskCreate", **given, clientMutationId=key))["clientMutationId"] == key
    assert (await mutate(app, team.member, "taskCreate", **given, clientMutationId=None))["clientMutationId"] is None


async def test_nothing_that_signs_somebody_in_is_remembered(app: App, team: SampleTeam) -> None:
    given = {"email": f"{uuid4()}@example.com", "password": "long enough", "firstName": "Ada", "lastName": "L"}
    gives = "tokens { refreshToken } user { id }"
    payload = await mutate(app, team.member, "userRegister", gives, **given, clientMutationId="k")
    assert payload["errors"] == []
    kept = await app.sql.fetchval("SELECT count(*) FROM idempotency_keys WHERE actor_user_id = $1", team.member.user.id)
    assert kept == 0
    again = await mutate(app, team.member, "userRegister", gives, **given, clientMutationId="k")
    assert codes_and_paths(again) == [("NOT_UNIQUE", ["input", "email"])]
