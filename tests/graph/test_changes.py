"""Changes, asked for and listened to: cursors, order, and who is told what went wrong."""

from resolvers.sync_cursor import SyncCursors
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_task, mutate, mutate_ok
from tests.support.subscriptions import (
    CHANGES_SUBSCRIPTION,
    TASK_CHANGED_SUBSCRIPTION,
    change_summary,
    changes_page,
    changes_since,
    current_cursor,
    open_subscription,
)
from tests.support.teams import SampleTeam

TASK_CREATE = """
mutation ($input: TaskCreateInput!) { taskCreate(input: $input) { clientMutationId cursor task { id } errors { code } } }
"""


async def trim_stream(app: App, stream: str, to: int) -> None:
    """Throw the beginning of a stream away, as retention will."""
    async with app.resources.database.begin() as connection:
        await connection.raw.execute("DELETE FROM events WHERE stream = $1 AND position <= $2", stream, to)
        await connection.raw.execute("UPDATE streams SET trimmed_to = $2 WHERE stream = $1", stream, to)


async def test_without_a_cursor_there_is_nothing_but_the_cursor_of_now(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "Before")
    found = await changes_page(app, team.member)
    assert (found["nodes"], found["pageInfo"]["hasNextPage"]) == ([], False)

    await create_task(app, team, "After")
    later = await changes_page(app, team.member, found["cursor"])
    assert [each["entity"]["title"] for each in later["nodes"]] == ["After"]
    assert later["cursor"] == later["nodes"][0]["cursor"] == later["edges"][0]["cursor"] == later["pageInfo"]["endCursor"]
    assert (await changes_page(app, team.member, later["cursor"]))["nodes"] == []


async def test_pages_continue_where_the_last_one_ended(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.member)
    for number in range(7):
        await create_task(app, team, f"Task {number}")
    titles, after = [], start
    for expected in (3, 3, 1):
        found = await changes_page(app, team.member, after, first=3)
        assert (len(found["nodes"]), found["pageInfo"]["hasNextPage"]) == (expected, expected == 3)
        titles += [each["entity"]["title"] for each in found["nodes"]]
        after = found["cursor"]
    assert titles == [f"Task {number}" for number in range(7)]


async def test_a_subscription_replays_and_goes_on_live(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.member)
    first = await create_task(app, team, "First")
    async with open_subscription(app, team.member, after=start) as ear:
        assert change_summary(await ear.next_change()) == ("CREATED", "Task", first["id"])
        second = await create_task(app, team, "Second")
        assert change_summary(await ear.next_change()) == ("CREATED", "Task", second["id"])
        said = await create_comment(app, team.mate, second, "Indeed.")
        change = await ear.next_change()
    assert change_summary(change) == ("COMMENTED", "Comment", said["id"])
    assert change["actor"] == {"id": team.mate.id}
    assert change["entity"] == {"__typename": "Comment", "id": said["id"], "body": "Indeed."}


async def test_a_subscription_without_a_cursor_starts_now_and_leaves_nobody_behind(app: App, team: SampleTeam) -> None:
    hub = app.resources.services.hub
    await create_task(app, team, "Before")
    before = len(hub._listeners)
    async with open_subscription(app, team.member) as ear:
        after = await create_task(app, team, "After")
        assert change_summary(await ear.next_change()) == ("CREATED", "Task", after["id"])
        assert len(hub._listeners) == before + 1
    assert len(hub._listeners) == before


async def test_a_change_tells_what_changed_and_which_client_did_it(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team, "Draft")
    start = await current_cursor(app, team.mate)
    given = {"id": card["id"], "title": "Final", "assigneeId": team.mate.id, "clientMutationId": "mine-1"}
    assert (await mutate(app, team.member, "taskUpdate", **given))["clientMutationId"] == "mine-1"
    (change,) = await changes_since(app, team.mate, start)
    assert change_summary(change) == ("UPDATED", "Task", card["id"])
    assert change["clientMutationId"] == "mine-1"
    assert change["fields"] == [
        {"field": "title", "before": "Draft", "after": "Final"},
        {"field": "assigneeId", "before": None, "after": team.mate.id},
    ]


async def test_the_cursor_of_a_write_goes_on_right_after_it(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "Mine", "clientMutationId": "w"}
    payload = (await app.run(team.member, TASK_CREATE, input=given))["taskCreate"]
    following = await create_task(app, team, "Next", by=team.mate)
    assert [change_summary(each) for each in await changes_since(app, team.member, payload["cursor"])] == [
        ("CREATED", "Task", following["id"])
    ]
    async with open_subscription(app, team.member, after=payload["cursor"]) as ear:
        assert change_summary(await ear.next_change()) == ("CREATED", "Task", following["id"])
    refused = (await app.run(team.outsider, TASK_CREATE, input=given | {"clientMutationId": "x"}))["taskCreate"]
    assert (refused["cursor"], refused["errors"]) == (None, [{"code": "NOT_FOUND"}])


async def test_what_is_deleted_has_no_entity_any_more(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.member)
    card = await create_task(app, team)
    await mutate_ok(app, team.member, "taskDelete", id=card["id"])
    created, deleted = await changes_since(app, team.member, start)
    assert (change_summary(deleted), deleted["entity"]) == (("DELETED", "Task", card["id"]), None)
    assert created["entity"] is None, "the entity is told as it is now"


async def test_a_task_is_followed_with_its_comments_and_links(app: App, team: SampleTeam) -> None:
    card, other = await create_task(app, team, "Watched"), await create_task(app, team, "Other")
    start = await current_cursor(app, team.member)
    async with open_subscription(app, team.member, TASK_CHANGED_SUBSCRIPTION, id=card["id"], after=start) as ear:
        await mutate_ok(app, team.mate, "taskUpdate", id=other["id"], title="Not told")
        said = await create_comment(app, team.mate, card)
        await mutate(app, team.mate, "taskLink", taskId=card["id"], targetId=other["id"], kind="RELATES_TO")
        await mutate_ok(app, team.mate, "taskDelete", id=card["id"])
        await mutate_ok(app, team.mate, "taskRestore", id=card["id"])
        received = [change_summary(each) for each in await ear.next_changes(4)]
    assert received == [
        ("COMMENTED", "Comment", said["id"]),
        ("UPDATED", "Task", card["id"]),
        ("DELETED", "Task", card["id"]),
        ("RESTORED", "Task", card["id"]),
    ]


async def test_not_there_and_not_yours_are_the_same_refusal(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    gone = "VGFzazowMTlhMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDA="
    async with open_subscription(app, team.member, TASK_CHANGED_SUBSCRIPTION, id=gone) as nowhere:
        not_there = await nowhere.next_result()
    async with open_subscription(app, team.outsider, TASK_CHANGED_SUBSCRIPTION, id=card["id"]) as hidden:
        not_yours = await hidden.next_result()
    assert not_there == not_yours
    assert not_there["errors"][0]["extensions"] == {"code": "NOT_FOUND", "path": ["id"]}


async def test_a_cursor_that_was_not_sealed_here_is_refused(app: App, team: SampleTeam) -> None:
    own = f"team:{team.team.id}"
    forged = SyncCursors(b"somebody else's secret").encode({own: 0})
    sealed = await current_cursor(app, team.member)
    bent = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]
    for cursor in ("", "garbage", "ü", forged, bent, sealed[:-4], sealed + "AAAA"):
        answer = await app.execute(team.member, "query ($c: SyncCursor) { changes(after: $c) { cursor } }", c=cursor)
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "CURSOR_INVALID", cursor
        async with open_subscription(app, team.member, after=cursor) as ear:
            assert await ear.error_code() == "CURSOR_INVALID", cursor
    assert app.resources.services.cursors.decode(sealed)[own] >= 0


async def test_a_cursor_from_before_the_retained_log_has_expired(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.member)
    for number in range(3):
        await create_task(app, team, f"Task {number}")
    head = await current_cursor(app, team.member)
    position = app.resources.services.cursors.decode(head)[f"team:{team.team.id}"]
    await trim_stream(app, f"team:{team.team.id}", position)

    answer = await app.execute(team.member, "query ($c: SyncCursor) { changes(after: $c) { cursor } }", c=start)
    assert answer["errors"][0]["extensions"]["code"] == "CURSOR_EXPIRED"
    for operation, more in (
        (CHANGES_SUBSCRIPTION, {}),
        (TASK_CHANGED_SUBSCRIPTION, {"id": (await create_task(app, team))["id"]}),
    ):
        async with open_subscription(app, team.member, operation, after=start, **more) as ear:
            assert await ear.error_code() == "CURSOR_EXPIRED"
    assert [each["kind"] for each in await changes_since(app, team.member, head)] == ["CREATED"]


async def test_a_cursor_beyond_the_log_of_a_restored_database_has_expired(app: App, team: SampleTeam) -> None:
    beyond = app.resources.services.cursors.encode({f"team:{team.team.id}": 10_000})
    async with open_subscription(app, team.member, after=beyond) as ear:
        assert await ear.error_code() == "CURSOR_EXPIRED"


async def test_nobody_in_particular_receives_nothing(app: App, team: SampleTeam) -> None:
    async with open_subscription(app, None) as ear:
        assert await ear.error_code() == "UNAUTHENTICATED"
    cursor = await current_cursor(app, team.member)
    answer = await app.execute(None, "query ($c: SyncCursor) { changes(after: $c) { cursor } }", c=cursor)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
