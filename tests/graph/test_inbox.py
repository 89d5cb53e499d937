"""The inbox: pages, filters and counts, marking again and again, and new notifications live and after a cursor."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from persistence.stores.notification import MAX_UNREAD_COUNT
from tests.support.app import App, Person
from tests.support.graph_actions import (
    codes_and_paths,
    create_comment,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.notifications import INBOX, handle_events, inbox, stream_head
from tests.support.subscriptions import changes_since, current_cursor, open_subscription
from tests.support.teams import SampleTeam, uuid_of

RECEIVED = "subscription ($after: SyncCursor) { notificationReceived(after: $after) { id reason title } }"


async def fill_inbox(app: App, team: SampleTeam, count: int) -> Any:
    """A task of the member, with so many comments by the admin."""
    task = await create_task(app, team)
    for number in range(count):
        await create_comment(app, team.admin, task, f"Comment {number}")
    await handle_events(app, team)
    return task


async def ids_of(app: App, person: Person, **arguments: Any) -> list[str]:
    return [each["id"] for each in (await inbox(app, person, first=100, **arguments))["nodes"]]


async def mark(app: App, person: Person, mark_as: str, /, **given: Any) -> Any:
    return await mutate(app, person, "notificationsMark", **{"as": mark_as}, **given)


def ids_in(payload: Any) -> list[str]:
    assert payload["errors"] == []
    return [each["id"] for each in payload["notifications"]]


async def test_pages_are_the_newest_first_and_hold_everything_once(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 7)
    page = await inbox(app, team.member, first=3)
    seen = list(page["nodes"])
    assert (page["totalCount"], page["unreadCount"]) == (7, 7)
    while page["pageInfo"]["hasNextPage"]:
        page = await inbox(app, team.member, first=3, after=page["pageInfo"]["endCursor"])
        seen += page["nodes"]
    assert [each["body"] for each in seen] == [f"Comment {number}" for number in reversed(range(7))]
    assert len({each["groupKey"] for each in seen}) == 1


async def test_the_list_is_narrowed_by_reason_and_to_unread_ones(app: App, team: SampleTeam) -> None:
    task = await fill_inbox(app, team, 2)
    start = await stream_head(app, team)
    await mutate_ok(app, team.admin, "taskUpdate", id=task["id"], status="DONE")
    await handle_events(app, team, start)
    newest, *comments = await ids_of(app, team.member)
    assert await ids_of(app, team.member, reasons=["STATUS_CHANGED"]) == [newest]
    assert await ids_of(app, team.member, reasons=["COMMENTED", "ASSIGNED"]) == comments
    assert await ids_of(app, team.member, reasons=[]) == []
    await mark(app, team.member, "READ", ids=[newest])
    assert await ids_of(app, team.member, unreadOnly=True) == comments
    assert await ids_of(app, team.member, unreadOnly=False) == [newest, *comments]


async def test_marking_is_counted_and_marking_again_writes_nothing(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 3)
    first, second, third = await ids_of(app, team.member)
    payload = await mark(app, team.member, "READ", ids=[second, first, second])
    assert ids_in(payload) == [second, first]
    assert payload["unreadCount"] == 1
    read_at = payload["notifications"][0]["readAt"]
    assert read_at is not None
    before = await table_states(app)
    again = await mark(app, team.member, "READ", ids=[first, second])
    assert (ids_in(again), again["unreadCount"], again["notifications"][1]["readAt"]) == ([first, second], 1, read_at)
    assert await table_states(app) == before
    assert (await mark(app, team.member, "UNREAD", ids=[first]))["unreadCount"] == 2
    assert await ids_of(app, team.member, unreadOnly=True) == [first, third]


async def test_what_is_archived_leaves_the_inbox_and_can_come_back(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 2)
    first, second = await ids_of(app, team.member)
    payload = await mark(app, team.member, "ARCHIVED", ids=[first])
    assert payload["unreadCount"] == 1
    assert payload["notifications"][0]["readAt"] == payload["notifications"][0]["archivedAt"] is not None
    assert (await ids_of(app, team.member), await ids_of(app, team.member, archived=True)) == ([second], [first])
    await mark(app, team.member, "UNARCHIVED", ids=[first])
    assert (await ids_of(app, team.member), await ids_of(app, team.member, archived=True)) == ([first, second], [])


async def test_what_is_snoozed_is_hidden_until_its_time(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 2)
    first, second = await ids_of(app, team.member)
    until = datetime.now(UTC) + timedelta(hours=1)
    payload = await mark(app, team.member, "SNOOZED", ids=[first], snoozeUntil=until.isoformat())
    assert payload["unreadCount"] == 1
    assert datetime.fromisoformat(payload["notifications"][0]["snoozedUntil"]) == until
    assert (await ids_of(app, team.member), await ids_of(app, team.member, snoozed=True)) == ([second], [first])
    await app.sql.execute("UPDATE notifications SET snoozed_until = now() - interval '1 s' WHERE snoozed_until = $1", until)
    assert (await ids_of(app, team.member), await ids_of(app, team.member, snoozed=True)) == ([first, second], [])
    assert (await inbox(app, team.member))["unreadCount"] == 2


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"as": "SNOOZED"}, "REQUIRED", ["input", "snoozeUntil"]),
        ({"as": "SNOOZED", "snoozeUntil": "2020-01-01T00:00:00Z"}, "INVALID", ["input", "snoozeUntil"]),
        ({"as": "SNOOZED", "snoozeUntil": "2999-01-01T00:00:00Z"}, "INVALID", ["input", "snoozeUntil"]),
        ({"as": "READ", "snoozeUntil": "2999-01-01T00:00:00Z"}, "INVALID", ["input", "snoozeUntil"]),
        ({"as": "READ", "all": False}, "REQUIRED", ["input"]),
        ({"as": "READ", "all": True, "groupKey": "Task:1"}, "REQUIRED", ["input"]),
        ({"as": "READ", "all": True, "ids": []}, "REQUIRED", ["input"]),
        ({"as": "READ", "ids": ["bm9uZQ=="]}, "INVALID", ["input", "ids", "0"]),
    ],
)
async def test_what_cannot_be_meant_is_refused(app: App, team: SampleTeam, given: Any, code: str, path: list[str]) -> None:
    await fill_inbox(app, team, 1)
    before = await table_states(app)
    everything = {} if given.keys() & {"all", "ids"} else {"all": True}
    payload = await mutate(app, team.member, "notificationsMark", **given, **everything)
    assert codes_and_paths(payload) == [(code, path)]
    assert await table_states(app) == before


async def test_the_notifications_of_others_are_not_there(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 1)
    (one,) = await ids_of(app, team.member)
    before = await table_states(app)
    for other in (team.admin, team.owner, team.outsider):
        assert await ids_of(app, other) == []
        assert codes_and_paths(await mark(app, other, "READ", ids=[one])) == [("NOT_FOUND", ["input", "ids"])]
        payload = await mark(app, other, "READ", all=True)
        assert (ids_in(payload), payload["unreadCount"]) == ([], 0)
        assert (await app.run(other, "query ($id: ID!) { node(id: $id) { id } }", id=one))["node"] is None
    assert await table_states(app) == before


async def test_all_or_a_group_is_marked_at_once(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 2)
    start = await stream_head(app, team)
    other = await create_task(app, team, by=team.admin, assigneeId=team.member.id)
    await handle_events(app, team, start)
    assigned, *comments = await ids_of(app, team.member)
    key = (await inbox(app, team.member))["nodes"][0]["groupKey"]
    assert other["id"] == (await inbox(app, team.member))["nodes"][0]["subject"]["id"]
    assert ids_in(await mark(app, team.member, "READ", groupKey=key)) == [assigned]
    assert ids_in(await mark(app, team.member, "READ", groupKey="Task:none")) == []
    assert ids_in(await mark(app, team.member, "READ", all=True)) == comments
    assert ids_in(await mark(app, team.member, "READ", all=True)) == []
    assert (await inbox(app, team.member))["unreadCount"] == 0


async def test_a_mutation_that_is_sent_again_is_answered_again(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 2)
    first, second = await ids_of(app, team.member)
    given = {"ids": [first], "clientMutationId": "tab-1"}
    answer = await mark(app, team.member, "READ", **given)
    await mark(app, team.member, "UNREAD", ids=[first])
    again = await mark(app, team.member, "READ", **given)
    assert ids_in(again) == ids_in(answer) == [first]
    assert (again["notifications"][0]["readAt"], again["unreadCount"]) == (None, 2)
    mismatch = await mark(app, team.member, "READ", ids=[second], clientMutationId="tab-1")
    assert [each[0] for each in codes_and_paths(mismatch)] == ["IDEMPOTENCY_MISMATCH"]


async def test_a_new_notification_is_received_live_by_its_person_only(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Live")
    async with _received(app, team.member) as mine, _received(app, team.mate) as others:
        start = await stream_head(app, team)
        await create_comment(app, team.admin, task, f"[@M](user:{team.mate.id})")
        await handle_events(app, team, start)
        assert (await mine.next_change())["reason"] == "COMMENTED"
        assert (await others.next_change())["reason"] == "MENTIONED"
        await mark(app, team.member, "READ", all=True)  # is an update, and not received
        await create_comment(app, team.admin, task, "Again")
        await handle_events(app, team, start)
        assert (await mine.next_change())["title"] == f"Admin Tester commented on {task['key']} Live"
        assert (await others.next_change())["reason"] == "COMMENTED"  # who is mentioned watches from then on
        assert mine.results.empty()


async def test_nothing_is_missed_between_a_cursor_and_the_subscription(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    cursor = await current_cursor(app, team.member)
    start = await stream_head(app, team)
    for number in range(5):
        await create_comment(app, team.admin, task, f"Before {number}")
    await handle_events(app, team, start)
    async with _received(app, team.member, after=cursor) as listening:
        await create_comment(app, team.admin, task, "After")
        await handle_events(app, team, start)
        received = [each["id"] for each in await listening.next_changes(6)]
        assert received == list(reversed(await ids_of(app, team.member)))
        assert listening.results.empty()
    changes = await changes_since(app, team.member, cursor)
    created = [each["entityId"] for each in changes if (each["type"], each["kind"]) == ("Notification", "CREATED")]
    assert created == received


async def test_a_cursor_that_is_none_is_refused(app: App, team: SampleTeam) -> None:
    async with _received(app, team.member, after="bm9uZQ==") as listening:
        assert await listening.error_code() == "CURSOR_INVALID"


async def test_marks_are_changes_of_ones_own_stream(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 1)
    (one,) = await ids_of(app, team.member)
    cursor, others = await current_cursor(app, team.member), await current_cursor(app, team.admin)
    await mark(app, team.member, "READ", ids=[one], clientMutationId="tab-2")
    (change,) = await changes_since(app, team.member, cursor)
    assert (change["kind"], change["type"], change["entityId"], change["entity"]) == ("UPDATED", "Notification", one, None)
    assert (change["clientMutationId"], [each["field"] for each in change["fields"]]) == ("tab-2", ["readAt"])
    assert await changes_since(app, team.admin, others) == []


async def test_a_page_with_everything_takes_few_statements(app: App, team: SampleTeam) -> None:
    await fill_inbox(app, team, 20)
    _, few = await app.count_statements(team.member, INBOX, first=2)
    _, many = await app.count_statements(team.member, INBOX, first=20)
    assert few == many <= 12


def _received(app: App, person: Person, **variables: Any) -> Any:
    return open_subscription(app, person, RECEIVED, own_stream_only=True, **variables)


_INSERT_UNREAD = """
INSERT INTO notifications (id, version, user_id, reason, event_ids, subject_type, subject_id, group_key, created_at)
SELECT gen_random_uuid(), 1, $1, 'ASSIGNED', '{}', $2, $3, 'many' || n, now() FROM generate_series(1, $4::int) AS n"""


async def test_what_may_not_be_seen_is_not_counted_however_much_there_is(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member, team.mate])
    hidden = await create_task(app, team, projectId=secret)
    seen = await create_task(app, team)
    comment = await create_comment(app, team.admin, seen)
    await handle_events(app, team)
    await mutate_ok(app, team.owner, "projectSetMembers", id=secret, removeUserIds=[team.member.id])
    counted = [(await inbox(app, team.member))["unreadCount"]]
    for kind, subject, count in (
        ("Task", uuid_of(seen["id"]), 20),
        ("Project", uuid_of(team.project_id), 3),
        ("Task", uuid_of(hidden["id"]), MAX_UNREAD_COUNT + 1),
        ("Task", uuid_of(seen["id"]), MAX_UNREAD_COUNT),
    ):
        await app.sql.execute(_INSERT_UNREAD, team.member.user.id, kind, subject, count)
        counted.append((await inbox(app, team.member))["unreadCount"])
    assert counted == [1, 21, 24, 24, MAX_UNREAD_COUNT]
    await app.sql.execute("DELETE FROM notifications WHERE user_id = $1 AND group_key LIKE 'many%'", team.member.user.id)
    await mutate(app, team.admin, "commentDelete", id=comment["id"])
    assert (await inbox(app, team.member))["unreadCount"] == 0
