"""Execute once, send to many: who shares with whom, who never does, and that sharing changes nothing that anybody is told."""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any

import pytest

from domain.actor import Scope
from tests.graph.test_changes_rights import remove_member, write_marker
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_project, create_task, mutate_ok
from tests.support.shared_subscriptions import SharedSubscriptions, open_shared_subscriptions
from tests.support.subscriptions import (
    CHANGES_SUBSCRIPTION,
    TASK_CHANGED_SUBSCRIPTION,
    change_summary,
    changes_since,
    current_cursor,
)
from tests.support.teams import SampleTeam, actor_with_scopes

SHAREABLE_SUBSCRIPTION = "subscription ($scope: ChangeScope) { changes(scope: $scope) { kind type entityId } }"


async def test_equals_share_one_execution_and_each_gets_a_cursor_of_their_own(app: App, team: SampleTeam) -> None:
    everybody = (team.owner, team.admin, team.member, team.mate)
    async with open_shared_subscriptions(app) as shared, AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(shared.open_subscription(each)) for each in everybody]
        await shared.wait_for_members(4)
        assert shared.group_sizes == [4]
        before = shared.manager.execution_counts["executed"]
        card = await create_task(app, team, "For all")
        changes = [await ear.next_change() for ear in ears]
        assert shared.manager.execution_counts["executed"] == before + 1
    assert len({each["cursor"] for each in changes}) == 4
    assert {change_summary(each) for each in changes} == {("CREATED", "Task", card["id"])}
    after = await create_task(app, team, "Afterwards")
    for person, change in zip(everybody, changes, strict=True):
        assert [change_summary(each) for each in await changes_since(app, person, change["cursor"])] == [
            ("CREATED", "Task", after["id"])
        ]


async def test_who_differs_in_rights_operation_variables_or_scopes_sits_elsewhere(app: App, team: SampleTeam) -> None:
    other = CHANGES_SUBSCRIPTION.replace("kind type", "type kind")
    weaker = actor_with_scopes(team.mate, Scope.TASKS_READ)
    async with open_shared_subscriptions(app) as shared, AsyncExitStack() as stack:
        listen = shared.open_subscription
        for each in (
            listen(team.member, SHAREABLE_SUBSCRIPTION),
            listen(team.mate, SHAREABLE_SUBSCRIPTION),
            listen(team.guest, SHAREABLE_SUBSCRIPTION),
            listen(team.outsider, SHAREABLE_SUBSCRIPTION),
            listen(team.mate, other),
            listen(team.mate, SHAREABLE_SUBSCRIPTION, scope={"types": ["TASK"]}),
            listen(None, SHAREABLE_SUBSCRIPTION, actor=weaker),
        ):
            await stack.enter_async_context(each)
        await shared.wait_for_members(7)
        assert shared.group_sizes == [2, 1, 1, 1, 1, 1]
    assert shared.group_sizes == []


async def test_a_token_with_fewer_scopes_receives_less_beside_one_with_all_scopes(app: App, team: SampleTeam) -> None:
    weaker = actor_with_scopes(team.mate, Scope.TASKS_READ)
    query = "subscription { changes { entity { __typename id } } }"
    async with (
        open_shared_subscriptions(app) as shared,
        shared.open_subscription(team.mate, query) as full,
        shared.open_subscription(None, query, actor=weaker) as less,
    ):
        await shared.wait_for_members(2)
        await mutate_ok(app, team.member, "projectUpdate", id=team.project_id, name="Renamed")
        assert (await full.next_change())["entity"] == {"__typename": "Project", "id": team.project_id}
        assert (await less.next_change())["entity"] is None


async def test_guests_and_strangers_to_a_private_project_receive_nothing_of_it(app: App, team: SampleTeam) -> None:
    hidden = await create_project(app, team, "Not for guests")
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    async with open_shared_subscriptions(app) as shared, AsyncExitStack() as stack:
        cast = {"member": team.member, "mate": team.mate, "guest": team.guest, "outsider": team.outsider}
        ears = {name: await stack.enter_async_context(shared.open_subscription(each)) for name, each in cast.items()}
        await shared.wait_for_members(4)
        assert shared.group_sizes == [1, 1, 1, 1]
        quiet = await create_task(app, team, "Quiet", projectId=secret)
        for_members = await create_task(app, team, "For members", projectId=hidden, by=team.mate)
        for_all = await create_task(app, team, "For all")
        received = {"member": [quiet, for_members, for_all], "mate": [for_members, for_all], "guest": [for_all], "outsider": []}
        for name, expected in received.items():
            marked = await write_marker(app, cast[name])
            ids: list[str] = []
            wanted = {marked[2], *(each["id"] for each in expected)}  # in two streams, which have no order between them
            while not wanted <= set(ids):  # names of those who share the team come in between
                ids.append(change_summary(await ears[name].next_change())[2])
            assert [id_ for id_ in ids if id_ not in {each.id for each in cast.values()}] == [each["id"] for each in expected]


async def test_who_loses_a_right_receives_that_and_nothing_later_and_the_others_go_on_together(
    app: App, team: SampleTeam
) -> None:
    async with open_shared_subscriptions(app) as shared, AsyncExitStack() as stack:
        cast = (team.owner, team.member, team.mate)
        ears = [await stack.enter_async_context(shared.open_subscription(each)) for each in cast]
        await shared.wait_for_members(3)
        await remove_member(app, team, team.mate)
        after = await create_task(app, team, "After")
        marked = await write_marker(app, team.mate)
        assert [change_summary(each) for each in await ears[2].next_changes(2)] == [("ACCESS_LOST", "Team", team.team_id), marked]
        for ear in ears[:2]:
            assert [change_summary(each)[:2] for each in await ear.next_changes(2)] == [
                ("MEMBERSHIP", "Team"),
                ("CREATED", "Task"),
            ]
        await shared.wait_for_members(3)
        assert shared.group_sizes == [2, 1]
        assert ears[2].results.empty()
        assert after["id"]


async def test_when_the_one_who_speaks_for_all_is_removed_the_others_are_notified_what_there_is(
    app: App, team: SampleTeam
) -> None:
    async with open_shared_subscriptions(app) as shared, AsyncExitStack() as stack:
        first = await stack.enter_async_context(shared.open_subscription(team.mate))
        await shared.wait_for_members(1)
        second = await stack.enter_async_context(shared.open_subscription(team.owner))
        await shared.wait_for_members(2)
        assert shared.group_sizes == [2]
        await asyncio.gather(
            remove_member(app, team, team.mate), *(create_task(app, team, f"Card {number}") for number in range(10))
        )
        changes = await second.next_changes(11)
        assert sorted(change_summary(each)[:2] for each in changes) == [("CREATED", "Task")] * 10 + [("MEMBERSHIP", "Team")]
        assert all(each["entity"] for each in changes)
        lost = [change_summary(each) for each in await first.next_changes(1)]
        while lost[-1][0] != "ACCESS_LOST":
            lost += [change_summary(each) for each in await first.next_changes(1)]


async def test_rights_that_change_alike_leave_the_group_together(app: App, team: SampleTeam) -> None:
    everybody = (team.owner, team.admin, team.member, team.mate)
    async with open_shared_subscriptions(app) as shared, AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(shared.open_subscription(each)) for each in everybody]
        await shared.wait_for_members(4)
        begun = await create_project(app, team, "Another")
        card = await create_task(app, team, "In it", projectId=begun)
        for ear in ears:
            assert [change_summary(each) for each in await ear.next_changes(2)] == [
                ("CREATED", "Project", begun),
                ("CREATED", "Task", card["id"]),
            ]
        assert shared.group_sizes == [4]
        late = await stack.enter_async_context(shared.open_subscription(team.mate))
        await shared.wait_for_members(5)
        assert shared.group_sizes == [5]
        last = await create_task(app, team, "Last", projectId=begun)
        assert {change_summary(await ear.next_change())[2] for ear in (*ears, late)} == {last["id"]}


async def test_what_is_personal_is_never_shared(app: App, team: SampleTeam) -> None:
    query = "subscription { changes { entityId entity { __typename viewerCan ... on Task { viewerIsWatching } } } }"
    async with (
        open_shared_subscriptions(app) as shared,
        shared.open_subscription(team.member, query) as one,
        shared.open_subscription(team.guest, query) as other,
    ):
        await shared.wait_for_members(2)
        assert shared.group_sizes == [1, 1]
        await create_task(app, team)
        own, theirs = (await one.next_change())["entity"], (await other.next_change())["entity"]
    assert (own["viewerIsWatching"], theirs["viewerIsWatching"]) == (True, False)
    assert set(own["viewerCan"]) > set(theirs["viewerCan"])


@pytest.mark.parametrize("seed", range(3))
async def test_who_comes_back_in_the_middle_of_it_misses_and_repeats_nothing(app: App, team: SampleTeam, seed: int) -> None:
    dice, everybody = random.Random(seed), (team.owner, team.member, team.mate, team.guest)
    starts = {each: await current_cursor(app, each) for each in everybody}

    async def hear(shared: SharedSubscriptions, person: Person, last: str) -> list[Any]:
        received: list[Any] = []
        after = starts[person]
        while not received or received[-1]["entityId"] != last:
            async with shared.open_subscription(person, after=after) as ear:
                for _ in range(dice.randrange(1, 25)):
                    received.append(await ear.next_change())
                    after = received[-1]["cursor"]
                    if received[-1]["entityId"] == last:
                        break
        return received

    async with open_shared_subscriptions(app) as shared, asyncio.TaskGroup() as group:
        last = "01990000-0000-7000-8000-" + f"{dice.getrandbits(48):012x}"
        from uuid import UUID

        from resolvers import ids

        ears = {each: group.create_task(hear(shared, each, ids.encode("Task", UUID(last)))) for each in everybody}
        for number in range(40):
            card = await create_task(app, team, f"Card {number}")
            if number % 7 == 0:
                await write_marker(app, dice.choice(everybody))
            if number % 10 == 0:
                await create_project(app, team, f"Project {number}")
            if number % 5 == 0:
                await create_comment(app, team.mate, card)
        await create_task(app, team, "Last", id=str(last))
    for person, ear in ears.items():
        expected = await changes_since(app, person, starts[person], first=100)
        received = [stable_fields(each) for each in ear.result()]
        assert sorted(received) == sorted(map(stable_fields, expected))
        assert [each for each in received if "User" not in each] == [
            each for each in map(stable_fields, expected) if "User" not in each
        ]


def stable_fields(change: Any) -> str:
    """What a change tells that is the same whenever it is told."""
    return str((change["type"], change["kind"], change["entityId"], change["fields"]))


async def test_following_a_task_together_ends_together(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    async with open_shared_subscriptions(app) as shared, AsyncExitStack() as stack:
        ears = [
            await stack.enter_async_context(shared.open_subscription(each, TASK_CHANGED_SUBSCRIPTION, id=card["id"]))
            for each in (team.member, team.mate)
        ]
        await shared.wait_for_members(2)
        assert shared.group_sizes == [2]
        said = await create_comment(app, team.mate, card)
        await mutate_ok(app, team.owner, "projectDelete", id=team.project_id)
        for ear in ears:
            assert [change_summary(each) for each in await ear.next_changes(2)] == [
                ("COMMENTED", "Comment", said["id"]),
                ("DELETED", "Project", team.project_id),
            ]
            assert await ear.is_completed()


async def test_what_refuses_a_subscription_ends_it(app: App, team: SampleTeam) -> None:
    foreign = await create_task(app, team)
    async with open_shared_subscriptions(app) as shared:
        for person, query, variables, code in (
            (None, SHAREABLE_SUBSCRIPTION, {}, "UNAUTHENTICATED"),
            (team.outsider, TASK_CHANGED_SUBSCRIPTION, {"id": foreign["id"]}, "NOT_FOUND"),
            (team.member, CHANGES_SUBSCRIPTION, {"after": "nonsense"}, "CURSOR_INVALID"),
            (team.member, TASK_CHANGED_SUBSCRIPTION, {"id": "nonsense"}, "BAD_USER_INPUT"),
        ):
            async with shared.open_subscription(person, query, **variables) as ear:
                assert await ear.error_code() == code
        async with shared.open_subscription(
            None, SHAREABLE_SUBSCRIPTION, actor=actor_with_scopes(team.member, Scope.TEAMS_READ)
        ) as ear:
            assert await ear.error_code() == "INSUFFICIENT_SCOPE"


async def test_scopes_that_ask_for_the_same_share_what_is_said_and_receive_their_own_only(app: App, team: SampleTeam) -> None:
    query = "subscription ($scope: ChangeScope) { changes(scope: $scope) { cursor kind type entityId } }"
    other = await create_project(app, team, "Other")
    scopes = ({"projectIds": [team.project_id]}, {"projectIds": [other]}, {"types": ["TASK"]}, {"types": ["COMMENT"]})
    async with open_shared_subscriptions(app) as shared, AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(shared.open_subscription(team.member, query, scope=each)) for each in scopes]
        renamed = query.replace("cursor", "place: cursor")
        ears.append(await stack.enter_async_context(shared.open_subscription(team.member, renamed)))
        await shared.wait_for_members(5)
        before = shared.manager.execution_counts["executed"]
        here, there = await create_task(app, team, "Here"), await create_task(app, team, "There", projectId=other)
        said = await create_comment(app, team.mate, here)
        received = [
            [change_summary(each)[2] for each in await ear.next_changes(count)]
            for ear, count in zip(ears, (2, 1, 2, 1, 3), strict=True)
        ]
        assert shared.manager.execution_counts["executed"] == before + 6, "three events, asked for in two ways"
    assert received == [
        [here["id"], said["id"]],
        [there["id"]],
        [here["id"], there["id"]],
        [said["id"]],
        [here["id"], there["id"], said["id"]],
    ]
