"""Many who write and many who listen: everybody hears everything once and in order, except who does not listen at all."""

import asyncio
import random
from uuid import uuid4

import pytest

from domain.events import team_stream
from gateway.execution.executor import OperationRequest, OperationResult
from resolvers import ids
from tests.graph.test_changes_scope import create_second_team
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_task, mutate, mutate_ok
from tests.support.subscriptions import change_summary, changes_since, current_cursor, open_subscription
from tests.support.teams import SampleTeam

ID_CHANGES_SUBSCRIPTION = "subscription ($after: SyncCursor) { changes(after: $after) { id cursor entityId } }"
EVENTS_QUERY = "SELECT id, position FROM events WHERE stream = $1 AND position > $2 ORDER BY position"
WRITERS, TASKS_PER_WRITER, SUBSCRIBERS = 6, 20, 5


async def write_at_random(app: App, person: Person, project_id: str, rng: random.Random) -> None:
    """Work as people do."""
    cards = [await mutate_ok(app, person, "taskCreate", projectId=project_id, title="First")]
    while len(cards) < TASKS_PER_WRITER:
        card = rng.choice(cards)
        match rng.randrange(4):
            case 0 | 1:
                cards.append(await mutate_ok(app, person, "taskCreate", projectId=project_id, title=f"Card {len(cards)}"))
            case 2:
                await mutate_ok(app, person, "taskUpdate", id=card["id"], title=f"Title {rng.random()}")
            case _:
                await create_comment(app, person, card)


async def receive_all(app: App, person: Person, after: str, last: set[str], rng: random.Random) -> list[str]:
    """Everything that somebody hears who leaves and comes back at random, until he has heard of what is made last."""
    received: list[str] = []
    missing = set(last)
    while missing:
        async with open_subscription(app, person, ID_CHANGES_SUBSCRIPTION, after=after) as ear:
            for _ in range(rng.randrange(1, 40)):
                change = await ear.next_change()
                after = change["cursor"]
                received.append(change["id"])
                missing.discard(change["entityId"])
                if not missing:
                    break
    return received


@pytest.mark.slow
async def test_who_leaves_and_comes_back_receives_everything_once_and_in_order(app: App, team: SampleTeam) -> None:
    teams = (team, await create_second_team(app, team))
    start, dice = await current_cursor(app, team.member), random.Random(5)
    last = {each: uuid4() for each in teams}
    names = {ids.encode("Task", each) for each in last.values()}
    async with asyncio.TaskGroup() as hearing:
        ears = [
            hearing.create_task(receive_all(app, team.member, start, names, random.Random(seed))) for seed in range(SUBSCRIBERS)
        ]
        async with asyncio.TaskGroup() as writing:
            for number in range(WRITERS):
                writing.create_task(write_at_random(app, team.member, teams[number % 2].project_id, random.Random(dice.random())))
        for each, id_ in last.items():
            await create_task(app, team, "Last", projectId=each.project_id, id=str(id_))

    begun = app.resources.services.cursors.decode(start)
    total = 0
    for each in teams:
        stream = team_stream(each.team.id)
        async with app.resources.database.begin() as connection:
            rows = await connection.raw.fetch(EVENTS_QUERY, stream, begun[stream])
        assert [row["position"] for row in rows] == list(range(begun[stream] + 1, begun[stream] + 1 + len(rows)))
        expected = [ids.encode("Change", row["id"]) for row in rows]
        total += len(expected)
        for ear in ears:
            assert [change for change in ear.result() if change in set(expected)] == expected
    assert total >= 200
    assert [len(ear.result()) for ear in ears] == [total] * SUBSCRIBERS


@pytest.mark.slow
async def test_who_does_not_listen_is_sent_away_and_catches_up_later(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.member)
    request = OperationRequest(query=ID_CHANGES_SUBSCRIPTION, variables={"after": start})
    asleep = await app.executor.subscribe(request, app.context(team.member))
    assert not isinstance(asleep, OperationResult)
    async with open_subscription(app, team.member, after=start) as awake:
        await create_task(app, team, "The first")
        first = (await anext(asleep)).to_payload()["data"]["changes"]
        assert change_summary(await awake.next_change())[0] == "CREATED"
        for _ in range(3):
            rows = [{"projectId": team.project_id, "title": f"Row {number}"} for number in range(100)]
            assert (await mutate(app, team.member, "tasksCreate", "succeeded", tasks=rows))["succeeded"] == 100
        assert len({change["entityId"] for change in await awake.next_changes(300)}) == 300
    refusal = await anext(asleep)
    assert [error["extensions"]["code"] for error in refusal.errors] == ["SUBSCRIPTION_LAGGED"]
    assert await anext(asleep, None) is None
    assert len(await changes_since(app, team.member, first["cursor"], first=100)) == 300
