"""The marker of a stream of changes: it stands after all that was committed before the subscription, and before what came later."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from tests.support.app import App
from tests.support.graph_actions import create_comment, create_project, create_task
from tests.support.shared_subscriptions import open_shared_subscriptions
from tests.support.subscriptions import SubscriptionReader, changes_since, current_cursor, open_subscription
from tests.support.teams import SampleTeam

FIELDS = "cursor kind type entityId isCaughtUp entity { id } fields { field }"
CHANGES = f"""subscription ($after: SyncCursor, $scope: ChangeScope, $wanted: Boolean! = true, $start: Boolean! = false) {{
  changes(after: $after, scope: $scope, withStart: $start, withCaughtUp: $wanted) {{ {FIELDS} }}
}}"""
TASK_CHANGED = f"""subscription ($id: ID!, $after: SyncCursor) {{
  taskChanged(id: $id, after: $after, withCaughtUp: true) {{ {FIELDS} }}
}}"""
COPY_LAST_EVENT = """
    INSERT INTO events
    SELECT (jsonb_populate_record(last, jsonb_build_object('id', gen_random_uuid(), 'position', last.position + number))).*
    FROM events last, generate_series(1, $2::int) number
    WHERE last.stream = $1 AND last.position = (SELECT position FROM streams WHERE stream = $1)"""

Open = Callable[..., AbstractAsyncContextManager[SubscriptionReader]]


async def commit_unannounced(app: App, team: SampleTeam, count: int) -> None:
    """Commit the last event of the team again, as another process does whose announcement is late."""
    stream = f"team:{team.team.id}"
    async with app.sql.acquire() as connection, connection.transaction():
        await connection.execute(COPY_LAST_EVENT, stream, count)
        await connection.execute("UPDATE streams SET position = position + $2 WHERE stream = $1", stream, count)


@pytest.fixture(params=["stock", "compiled, in groups"])
async def subscribe(request: pytest.FixtureRequest, app: App) -> AsyncIterator[Open]:
    """Subscribes by one of both executors, from the variables of the operation."""
    if request.param == "stock":

        @asynccontextmanager
        async def alone(person: Any, operation: str, **variables: Any) -> AsyncIterator[SubscriptionReader]:
            async with open_subscription(app, person, operation, **variables) as reader:
                yield reader

        yield alone
        return
    async with open_shared_subscriptions(app) as shared:
        yield shared.open_subscription


@pytest.mark.parametrize("missed", [0, 1, 150])
async def test_it_follows_what_was_missed_and_precedes_what_happens_next(
    app: App, team: SampleTeam, subscribe: Open, missed: int
) -> None:
    await create_task(app, team)
    after = await current_cursor(app, team.member)
    await commit_unannounced(app, team, missed)
    expected = [(each["kind"], each["entityId"]) for each in await changes_since(app, team.member, after, first=100)]
    assert len(expected) == missed
    async with subscribe(team.member, CHANGES, after=after) as reader:
        received = await reader.next_changes(missed)
        marker = await reader.next_change()
        later = await create_task(app, team, "Later")
        following = await reader.next_change()
    assert [(each["kind"], each["entityId"]) for each in received] == expected
    assert [each["isCaughtUp"] for each in (*received, marker, following)] == [*[False] * missed, True, False]
    assert (marker["kind"], marker["type"], marker["entityId"], marker["fields"]) == ("UPDATED", "User", team.member.id, [])
    assert following["entityId"] == later["id"]
    assert [each["entityId"] for each in await changes_since(app, team.member, marker["cursor"])] == [later["id"]]


async def test_without_a_cursor_it_comes_at_once_and_after_the_start(app: App, team: SampleTeam, subscribe: Open) -> None:
    async with subscribe(team.member, CHANGES, start=True) as reader:
        assert [each["isCaughtUp"] for each in await reader.next_changes(2)] == [False, True]
        card = await create_task(app, team)
        assert (await reader.next_change())["entityId"] == card["id"]


async def test_who_does_not_ask_for_it_receives_what_they_always_did(app: App, team: SampleTeam, subscribe: Open) -> None:
    after = await current_cursor(app, team.member)
    cards = [await create_task(app, team, f"Card {number}") for number in range(3)]
    async with subscribe(team.member, CHANGES, after=after, wanted=False) as reader:
        received = await reader.next_changes(3)
        cards.append(await create_task(app, team, "Live"))
        received.append(await reader.next_change())
    assert [each["entityId"] for each in received] == [each["id"] for each in cards]
    assert not any(each["isCaughtUp"] for each in received)


async def test_what_the_viewer_or_the_scope_hides_is_passed_and_not_waited_for(
    app: App, team: SampleTeam, subscribe: Open
) -> None:
    elsewhere = await create_project(app, team, "Elsewhere", private_to=[team.admin])
    after = await current_cursor(app, team.mate)
    hidden = await create_task(app, team, "Hidden", by=team.owner, projectId=elsewhere)
    seen = await create_task(app, team, "Seen")
    scope = {"projectIds": [team.project_id]}
    for narrowed, expected in (({}, [seen["id"]]), ({"scope": scope}, [seen["id"]]), ({"scope": {"types": ["DOCUMENT"]}}, [])):
        async with subscribe(team.mate, CHANGES, after=after, **narrowed) as reader:
            received = await reader.next_changes(len(expected) + 1)
        assert [each["entityId"] for each in received] == [*expected, team.mate.id]
        assert received[-1]["isCaughtUp"]
        assert hidden["id"] not in [each["entityId"] for each in received]


async def test_what_is_committed_but_not_announced_yet_precedes_it(app: App, team: SampleTeam, subscribe: Open) -> None:
    card = await create_task(app, team)
    after = await current_cursor(app, team.member)
    async with subscribe(team.mate, CHANGES) as other:  # whoever listens already keeps the stream open in this process
        assert (await other.next_change())["isCaughtUp"]
        await commit_unannounced(app, team, 1)
        async with subscribe(team.member, CHANGES, after=after) as reader:
            missed, marker = await reader.next_changes(2)
    assert (missed["entityId"], missed["isCaughtUp"], marker["isCaughtUp"]) == (card["id"], False, True)


async def test_a_task_is_caught_up_with_too(app: App, team: SampleTeam, subscribe: Open) -> None:
    card, other = await create_task(app, team), await create_task(app, team, "Other")
    after = await current_cursor(app, team.member)
    said = await create_comment(app, team.mate, card)
    await create_comment(app, team.mate, other)
    async with subscribe(team.member, TASK_CHANGED, id=card["id"], after=after) as reader:
        received = await reader.next_changes(2)
    assert [(each["entityId"], each["isCaughtUp"]) for each in received] == [(said["id"], False), (team.member.id, True)]


async def test_pages_of_changes_hold_no_marker(app: App, team: SampleTeam) -> None:
    after = await current_cursor(app, team.member)
    await create_task(app, team)
    found = await app.run(team.member, "query ($c: SyncCursor) { changes(after: $c) { nodes { isCaughtUp } } }", c=after)
    assert found["changes"]["nodes"] == [{"isCaughtUp": False}]
