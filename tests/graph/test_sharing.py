"""Execute once, send to many: who shares with whom, who never does, and that sharing changes nothing that anybody is told."""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any

import pytest

from domain.actor import Scope
from tests.app import App, Person
from tests.graph.test_changes_rights import mark, remove
from tests.listening import CHANGES, TASK_CHANGED, now, since, told
from tests.people import People, lent
from tests.sharing import Shared, sharing
from tests.work import comment, done, project, task

PLAIN = "subscription ($scope: ChangeScope) { changes(scope: $scope) { kind type entityId } }"


async def test_equals_share_one_execution_and_each_gets_a_cursor_of_his_own(app: App, team: People) -> None:
    everybody = (team.owner, team.admin, team.member, team.mate)
    async with sharing(app) as shared, AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(shared.listening(each)) for each in everybody]
        await shared.seated(4)
        assert shared.sizes == [4]
        before = shared.events.execution_counts["executed"]
        card = await task(app, team, "For all")
        changes = [await ear.next() for ear in ears]
        assert shared.events.execution_counts["executed"] == before + 1
    assert len({each["cursor"] for each in changes}) == 4
    assert {told(each) for each in changes} == {("CREATED", "Task", card["id"])}
    after = await task(app, team, "Afterwards")
    for person, change in zip(everybody, changes, strict=True):
        assert [told(each) for each in await since(app, person, change["cursor"])] == [("CREATED", "Task", after["id"])]


async def test_who_differs_in_rights_operation_variables_or_scopes_sits_elsewhere(app: App, team: People) -> None:
    other = CHANGES.replace("kind type", "type kind")
    weaker = lent(team.mate, Scope.TASKS_READ)
    async with sharing(app) as shared, AsyncExitStack() as stack:
        listen = shared.listening
        for each in (
            listen(team.member, PLAIN),
            listen(team.mate, PLAIN),
            listen(team.guest, PLAIN),
            listen(team.outsider, PLAIN),
            listen(team.mate, other),
            listen(team.mate, PLAIN, scope={"types": ["TASK"]}),
            listen(None, PLAIN, actor=weaker),
        ):
            await stack.enter_async_context(each)
        await shared.seated(7)
        assert shared.sizes == [2, 1, 1, 1, 1, 1]
    assert shared.sizes == []


async def test_a_token_that_lends_less_is_told_less_beside_one_that_lends_all(app: App, team: People) -> None:
    weaker = lent(team.mate, Scope.TASKS_READ)
    query = "subscription { changes { entity { __typename id } } }"
    async with (
        sharing(app) as shared,
        shared.listening(team.mate, query) as full,
        shared.listening(None, query, actor=weaker) as less,
    ):
        await shared.seated(2)
        await done(app, team.member, "projectUpdate", id=team.project_id, name="Renamed")
        assert (await full.next())["entity"] == {"__typename": "Project", "id": team.project_id}
        assert (await less.next())["entity"] is None


async def test_guests_and_strangers_to_a_private_project_hear_nothing_of_it(app: App, team: People) -> None:
    hidden = await project(app, team, "Not for guests")
    secret = await project(app, team, "Secret", private_to=[team.member])
    async with sharing(app) as shared, AsyncExitStack() as stack:
        cast = {"member": team.member, "mate": team.mate, "guest": team.guest, "outsider": team.outsider}
        ears = {name: await stack.enter_async_context(shared.listening(each)) for name, each in cast.items()}
        await shared.seated(4)
        assert shared.sizes == [1, 1, 1, 1]
        quiet = await task(app, team, "Quiet", projectId=secret)
        for_members = await task(app, team, "For members", projectId=hidden, by=team.mate)
        for_all = await task(app, team, "For all")
        heard = {"member": [quiet, for_members, for_all], "mate": [for_members, for_all], "guest": [for_all], "outsider": []}
        for name, expected in heard.items():
            marked = await mark(app, cast[name])
            assert [told(each)[2] for each in await ears[name].take(len(expected) + 1)] == [
                *(each["id"] for each in expected),
                marked[2],
            ]


async def test_who_loses_a_right_hears_that_and_nothing_later_and_the_others_go_on_together(app: App, team: People) -> None:
    async with sharing(app) as shared, AsyncExitStack() as stack:
        cast = (team.owner, team.member, team.mate)
        ears = [await stack.enter_async_context(shared.listening(each)) for each in cast]
        await shared.seated(3)
        await remove(app, team, team.mate)
        after = await task(app, team, "After")
        marked = await mark(app, team.mate)
        assert [told(each) for each in await ears[2].take(2)] == [("ACCESS_LOST", "Team", team.team_id), marked]
        for ear in ears[:2]:
            assert [told(each)[:2] for each in await ear.take(2)] == [("MEMBERSHIP", "Team"), ("CREATED", "Task")]
        await shared.seated(3)
        assert shared.sizes == [2, 1]
        assert ears[2].answers.empty()
        assert after["id"]


async def test_when_the_one_who_speaks_for_all_is_removed_the_others_are_told_what_there_is(app: App, team: People) -> None:
    async with sharing(app) as shared, AsyncExitStack() as stack:
        first = await stack.enter_async_context(shared.listening(team.mate))
        await shared.seated(1)
        second = await stack.enter_async_context(shared.listening(team.owner))
        await shared.seated(2)
        assert shared.sizes == [2]
        await asyncio.gather(remove(app, team, team.mate), *(task(app, team, f"Card {number}") for number in range(10)))
        changes = await second.take(11)
        assert sorted(told(each)[:2] for each in changes) == [("CREATED", "Task")] * 10 + [("MEMBERSHIP", "Team")]
        assert all(each["entity"] for each in changes)
        lost = [told(each) for each in await first.take(1)]
        while lost[-1][0] != "ACCESS_LOST":
            lost += [told(each) for each in await first.take(1)]


async def test_rights_that_change_alike_leave_the_group_together(app: App, team: People) -> None:
    everybody = (team.owner, team.admin, team.member, team.mate)
    async with sharing(app) as shared, AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(shared.listening(each)) for each in everybody]
        await shared.seated(4)
        begun = await project(app, team, "Another")
        card = await task(app, team, "In it", projectId=begun)
        for ear in ears:
            assert [told(each) for each in await ear.take(2)] == [("CREATED", "Project", begun), ("CREATED", "Task", card["id"])]
        assert shared.sizes == [4]
        late = await stack.enter_async_context(shared.listening(team.mate))
        await shared.seated(5)
        assert shared.sizes == [5]
        last = await task(app, team, "Last", projectId=begun)
        assert {told(await ear.next())[2] for ear in (*ears, late)} == {last["id"]}


async def test_what_is_personal_is_never_shared(app: App, team: People) -> None:
    query = "subscription { changes { entityId entity { __typename viewerCan ... on Task { viewerIsWatching } } } }"
    async with sharing(app) as shared, shared.listening(team.member, query) as one, shared.listening(team.guest, query) as other:
        await shared.seated(2)
        assert shared.sizes == [1, 1]
        await task(app, team)
        own, theirs = (await one.next())["entity"], (await other.next())["entity"]
    assert (own["viewerIsWatching"], theirs["viewerIsWatching"]) == (True, False)
    assert set(own["viewerCan"]) > set(theirs["viewerCan"])


@pytest.mark.parametrize("seed", range(3))
async def test_who_comes_back_in_the_middle_of_it_misses_and_repeats_nothing(app: App, team: People, seed: int) -> None:
    dice, everybody = random.Random(seed), (team.owner, team.member, team.mate, team.guest)
    starts = {each: await now(app, each) for each in everybody}

    async def hear(shared: Shared, person: Person, last: str) -> list[Any]:
        heard: list[Any] = []
        after = starts[person]
        while not heard or heard[-1]["entityId"] != last:
            async with shared.listening(person, after=after) as ear:
                for _ in range(dice.randrange(1, 25)):
                    heard.append(await ear.next())
                    after = heard[-1]["cursor"]
                    if heard[-1]["entityId"] == last:
                        break
        return heard

    async with sharing(app) as shared, asyncio.TaskGroup() as group:
        last = "01990000-0000-7000-8000-" + f"{dice.getrandbits(48):012x}"
        from uuid import UUID

        from resolvers import ids

        ears = {each: group.create_task(hear(shared, each, ids.encode("Task", UUID(last)))) for each in everybody}
        for number in range(40):
            card = await task(app, team, f"Card {number}")
            if number % 7 == 0:
                await mark(app, dice.choice(everybody))
            if number % 10 == 0:
                await project(app, team, f"Project {number}")
            if number % 5 == 0:
                await comment(app, team.mate, card)
        await task(app, team, "Last", id=str(last))
    for person, ear in ears.items():
        expected = await since(app, person, starts[person], first=100)
        heard = [facts(each) for each in ear.result()]
        assert sorted(heard) == sorted(map(facts, expected))
        assert [each for each in heard if "User" not in each] == [each for each in map(facts, expected) if "User" not in each]


def facts(change: Any) -> str:
    """What a change tells that is the same whenever it is told."""
    return str((change["type"], change["kind"], change["entityId"], change["fields"]))


async def test_following_a_task_together_ends_together(app: App, team: People) -> None:
    card = await task(app, team)
    async with sharing(app) as shared, AsyncExitStack() as stack:
        ears = [
            await stack.enter_async_context(shared.listening(each, TASK_CHANGED, id=card["id"]))
            for each in (team.member, team.mate)
        ]
        await shared.seated(2)
        assert shared.sizes == [2]
        said = await comment(app, team.mate, card)
        await done(app, team.owner, "projectDelete", id=team.project_id)
        for ear in ears:
            assert [told(each) for each in await ear.take(2)] == [
                ("COMMENTED", "Comment", said["id"]),
                ("DELETED", "Project", team.project_id),
            ]
            assert await ear.ended()


async def test_what_refuses_a_subscription_ends_it(app: App, team: People) -> None:
    foreign = await task(app, team)
    async with sharing(app) as shared:
        for person, query, variables, code in (
            (None, PLAIN, {}, "UNAUTHENTICATED"),
            (team.outsider, TASK_CHANGED, {"id": foreign["id"]}, "NOT_FOUND"),
            (team.member, CHANGES, {"after": "nonsense"}, "CURSOR_INVALID"),
            (team.member, TASK_CHANGED, {"id": "nonsense"}, "BAD_USER_INPUT"),
        ):
            async with shared.listening(person, query, **variables) as ear:
                assert await ear.refusal() == code
        async with shared.listening(None, PLAIN, actor=lent(team.member, Scope.TEAMS_READ)) as ear:
            assert await ear.refusal() == "INSUFFICIENT_SCOPE"


async def test_scopes_that_ask_for_the_same_share_what_is_said_and_hear_their_own_only(app: App, team: People) -> None:
    query = "subscription ($scope: ChangeScope) { changes(scope: $scope) { cursor kind type entityId } }"
    other = await project(app, team, "Other")
    scopes = ({"projectIds": [team.project_id]}, {"projectIds": [other]}, {"types": ["TASK"]}, {"types": ["COMMENT"]})
    async with sharing(app) as shared, AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(shared.listening(team.member, query, scope=each)) for each in scopes]
        renamed = query.replace("cursor", "place: cursor")
        ears.append(await stack.enter_async_context(shared.listening(team.member, renamed)))
        await shared.seated(5)
        before = shared.events.execution_counts["executed"]
        here, there = await task(app, team, "Here"), await task(app, team, "There", projectId=other)
        said = await comment(app, team.mate, here)
        heard = [[told(each)[2] for each in await ear.take(count)] for ear, count in zip(ears, (2, 1, 2, 1, 3), strict=True)]
        assert shared.events.execution_counts["executed"] == before + 6, "three events, asked for in two ways"
    assert heard == [
        [here["id"], said["id"]],
        [there["id"]],
        [here["id"], there["id"]],
        [said["id"]],
        [here["id"], there["id"], said["id"]],
    ]
