"""The same clientMutationId: the first result again, and nothing done twice."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.app import App
from tests.people import People, settle
from tests.work import TASK, board, comment, do, done, everything, operation, refusals, seen, task

WHOLE = f"cursor task {{ {TASK} createdAt updatedAt isOverdue url }} taskEdge {{ cursor node {{ id version title }} }}"


async def test_the_same_call_again_gives_the_same_answer_whatever_became_of_the_task(app: App, team: People) -> None:
    given = {"projectId": team.project_id, "title": "Once", "assigneeId": team.mate.id, "clientMutationId": "k"}
    written = await app.answer(team.member, operation("taskCreate", WHOLE), input=given)
    task_id = written["data"]["taskCreate"]["task"]["id"]
    await done(app, team.mate, "taskUpdate", id=task_id, title="Changed", assigneeId=None)
    before = await everything(app)
    assert await app.answer(team.member, operation("taskCreate", WHOLE), input=given) == written
    await app.answer(team.member, operation("taskCreate", WHOLE), input=given | {"status": "TODO"})  # its default, said aloud
    assert await everything(app) == before
    assert await board(app, team.member, team.project_id) == ["Changed"]

    await done(app, team.mate, "taskDelete", id=task_id)
    again = await app.answer(team.member, operation("taskCreate", WHOLE), input=given)
    assert again["data"]["taskCreate"]["task"] == written["data"]["taskCreate"]["task"]


async def test_updates_moves_deletes_and_bulk_calls_are_replayed_too(app: App, team: People) -> None:
    one, two = await task(app, team, "One"), await task(app, team, "Two")
    said = await comment(app, team.member, one)
    bad = {"projectId": team.project_id, "title": ""}
    calls: list[tuple[str, str | None, dict[str, Any]]] = [
        ("taskUpdate", WHOLE, {"id": one["id"], "title": "New", "expectedVersion": 1}),
        ("taskMove", WHOLE, {"id": one["id"], "beforeId": None, "expectedVersion": 2}),
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
    first = [await do(app, team.member, field, gives, **given, clientMutationId=field) for field, gives, given in calls]
    assert [payload["errors"] for payload in first] == [[]] * len(calls)
    assert [refusals(row) for row in first[4]["results"]] == [[("REQUIRED", ["input", "tasks", "0", "title"])], []]
    before = await everything(app)
    for (field, gives, given), payload in zip(calls, first, strict=True):
        again = await do(app, team.member, field, gives, **given, clientMutationId=field)
        # What others know of a comment, such as its reactions, is told as it is now.
        if field != "commentReact":
            assert again == payload
    assert await everything(app) == before


async def test_a_comment_is_replayed_with_its_edge(app: App, team: People) -> None:
    about = await task(app, team)
    given = {"subjectId": about["id"], "body": "Hello.", "clientMutationId": "c"}
    gives = "cursor comment { id body version createdAt author { id } } commentEdge { cursor node { id body } }"
    first = await do(app, team.guest, "commentCreate", gives, **given)
    assert first["commentEdge"]["node"] == {"id": first["comment"]["id"], "body": "Hello."}
    await done(app, team.guest, "commentUpdate", id=first["comment"]["id"], body="Changed.")
    assert await do(app, team.guest, "commentCreate", gives, **given) == first
    found = await seen(app, team.guest, about["id"], "comments { totalCount }")
    assert found == {"comments": {"totalCount": 1}}


async def test_the_same_id_with_another_input_or_for_another_mutation_is_refused(app: App, team: People) -> None:
    given = {"projectId": team.project_id, "title": "Once", "clientMutationId": "k"}
    made = await done(app, team.member, "taskCreate", **given)
    before = await everything(app)
    for field, other in (
        ("taskCreate", given | {"title": "Twice"}),
        ("taskCreate", given | {"description": None}),
        ("taskUpdate", {"id": made["id"], "clientMutationId": "k"}),
        ("taskRestore", {"id": made["id"], "clientMutationId": "k"}),
        ("taskDelete", {"id": made["id"], "clientMutationId": "k"}),
    ):
        payload = await do(app, team.member, field, **other)
        assert refusals(payload) == [("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])]
        assert payload["clientMutationId"] == "k"
    assert await everything(app) == before


async def test_the_ids_of_different_people_have_nothing_to_do_with_each_other(app: App, team: People) -> None:
    given = {"projectId": team.project_id, "title": "Mine", "clientMutationId": "k"}
    made = [await done(app, person, "taskCreate", **given) for person in (team.member, team.mate, team.owner)]
    assert [each["key"] for each in made] == [f"{team.team.key}-{number}" for number in (1, 2, 3)]


async def test_ten_calls_at_once_write_one_task(app: App, team: People) -> None:
    given = {"projectId": team.project_id, "title": "Once", "clientMutationId": "k"}
    payloads = await asyncio.gather(*(do(app, team.member, "taskCreate", WHOLE, **given) for _ in range(10)))
    assert [payload["errors"] for payload in payloads] == [[]] * 10
    assert len({payload["task"]["id"] for payload in payloads}) == 1
    assert len({payload["taskEdge"]["cursor"] for payload in payloads}) == 1
    assert await board(app, team.member, team.project_id) == ["Once"]


async def test_two_calls_of_one_operation_are_answered_alike(app: App, team: People) -> None:
    twice = """
      mutation ($input: TaskCreateInput!) {
        one: taskCreate(input: $input) { task { id key } } two: taskCreate(input: $input) { task { id key } }
      }
    """
    given = {"projectId": team.project_id, "title": "Once", "clientMutationId": "k"}
    data = await app.run(team.member, twice, input=given)
    assert data["one"] == data["two"]
    assert await board(app, team.member, team.project_id) == ["Once"]


async def test_what_was_refused_is_judged_anew(app: App, team: People) -> None:
    task_id = uuid4()
    given = {"projectId": team.project_id, "title": "There", "id": str(task_id), "clientMutationId": "k"}
    far = await settle(app)
    held = await task(app, far, "Holds the id", id=str(task_id))
    before = await everything(app)
    refused = await do(app, team.member, "taskCreate", **given)
    assert refusals(refused) == [("NOT_UNIQUE", ["input", "id"])]
    assert await everything(app) == before
    await app.sql.execute("DELETE FROM watchers WHERE subject_id = $1", task_id)
    await app.sql.execute("DELETE FROM tasks WHERE id = $1", task_id)
    assert await done(app, team.member, "taskCreate", **given) == held | {
        "title": "There",
        "key": f"{team.team.key}-1",
        "creator": {"id": team.member.id},
        "project": {"id": team.project_id},
    }
    assert refusals(await do(app, team.member, "taskCreate", **(given | {"title": "Other"}))) == [
        ("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])
    ]


async def test_after_a_day_an_id_is_free_again(app: App, team: People) -> None:
    async def age(by: str) -> None:
        await app.sql.execute(
            f"UPDATE idempotency_keys SET created_at = created_at - interval '{by}' WHERE actor_user_id = $1",
            team.member.user.id,
        )

    given = {"projectId": team.project_id, "title": "Daily", "clientMutationId": "k"}
    first = await done(app, team.member, "taskCreate", **given)
    await age("23 hours 59 minutes")
    assert await done(app, team.member, "taskCreate", **given) == first
    await age("2 minutes")
    second = await done(app, team.member, "taskCreate", **given)
    assert second["id"] != first["id"]
    assert await done(app, team.member, "taskCreate", **given) == second
    await age("25 hours")
    other = await done(app, team.member, "taskCreate", **(given | {"title": "Another"}))
    assert other["title"] == "Another"
    assert await board(app, team.member, team.project_id) == ["Daily", "Daily", "Another"]


async def test_an_id_is_one_short_line(app: App, team: People) -> None:
    given = {"projectId": team.project_id, "title": "New"}
    before = await everything(app)
    for key, code in (("", "REQUIRED"), (" ", "REQUIRED"), ("x" * 201, "TOO_LONG"), ("a\nb", "INVALID"), ("a\0b", "INVALID")):
        payload = await do(app, team.member, "taskCreate", **given, clientMutationId=key)
        assert refusals(payload) == [(code, ["input", "clientMutationId"])]
        assert payload["clientMutationId"] == key
    assert await everything(app) == before
    for key in ("x" * 200, "🦊 ü", "null"):
        assert (await do(app, team.member, "taskCreate", **given, clientMutationId=key))["clientMutationId"] == key
    assert (await do(app, team.member, "taskCreate", **given, clientMutationId=None))["clientMutationId"] is None


async def test_nothing_that_signs_somebody_in_is_remembered(app: App, team: People) -> None:
    given = {"email": f"{uuid4()}@example.com", "password": "long enough", "firstName": "Ada", "lastName": "L"}
    gives = "tokens { refreshToken } user { id }"
    payload = await do(app, team.member, "userRegister", gives, **given, clientMutationId="k")
    assert payload["errors"] == []
    kept = await app.sql.fetchval("SELECT count(*) FROM idempotency_keys WHERE actor_user_id = $1", team.member.user.id)
    assert kept == 0
    again = await do(app, team.member, "userRegister", gives, **given, clientMutationId="k")
    assert refusals(again) == [("NOT_UNIQUE", ["input", "email"])]
