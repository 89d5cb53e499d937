"""Many who write and many who listen: everybody hears everything once and in order, except who does not listen at all."""

import asyncio
import random
from uuid import uuid4

import pytest

from domain.events import team_stream
from gateway.execution.executor import OperationRequest, OperationResult
from resolvers import ids
from tests.app import App, Person
from tests.graph.test_changes_scope import second_team
from tests.listening import listening, now, since, told
from tests.people import People
from tests.work import comment, do, done, task

FOLLOW = "subscription ($after: SyncCursor) { changes(after: $after) { id cursor entityId } }"
LOGGED = "SELECT id, position FROM events WHERE stream = $1 AND position > $2 ORDER BY position"
WRITERS, CARDS, HEARERS = 6, 20, 5


async def write(app: App, person: Person, project_id: str, dice: random.Random) -> None:
    """Work as people do."""
    cards = [await done(app, person, "taskCreate", projectId=project_id, title="First")]
    while len(cards) < CARDS:
        card = dice.choice(cards)
        match dice.randrange(4):
            case 0 | 1:
                cards.append(await done(app, person, "taskCreate", projectId=project_id, title=f"Card {len(cards)}"))
            case 2:
                await done(app, person, "taskUpdate", id=card["id"], title=f"Title {dice.random()}")
            case _:
                await comment(app, person, card)


async def hear(app: App, person: Person, after: str, last: set[str], dice: random.Random) -> list[str]:
    """Everything that somebody hears who leaves and comes back at random, until he has heard of what is made last."""
    heard: list[str] = []
    missing = set(last)
    while missing:
        async with listening(app, person, FOLLOW, after=after) as ear:
            for _ in range(dice.randrange(1, 40)):
                change = await ear.next()
                after = change["cursor"]
                heard.append(change["id"])
                missing.discard(change["entityId"])
                if not missing:
                    break
    return heard


@pytest.mark.slow
async def test_who_leaves_and_comes_back_hears_everything_once_and_in_order(app: App, team: People) -> None:
    teams = (team, await second_team(app, team))
    start, dice = await now(app, team.member), random.Random(5)
    last = {each: uuid4() for each in teams}
    names = {ids.encode("Task", each) for each in last.values()}
    async with asyncio.TaskGroup() as hearing:
        ears = [hearing.create_task(hear(app, team.member, start, names, random.Random(seed))) for seed in range(HEARERS)]
        async with asyncio.TaskGroup() as writing:
            for number in range(WRITERS):
                writing.create_task(write(app, team.member, teams[number % 2].project_id, random.Random(dice.random())))
        for each, id_ in last.items():
            await task(app, team, "Last", projectId=each.project_id, id=str(id_))

    begun = app.house.services.cursors.decode(start)
    total = 0
    for each in teams:
        stream = team_stream(each.team.id)
        async with app.house.database.begin() as connection:
            rows = await connection.raw.fetch(LOGGED, stream, begun[stream])
        assert [row["position"] for row in rows] == list(range(begun[stream] + 1, begun[stream] + 1 + len(rows)))
        expected = [ids.encode("Change", row["id"]) for row in rows]
        total += len(expected)
        for ear in ears:
            assert [change for change in ear.result() if change in set(expected)] == expected
    assert total >= 200
    assert [len(ear.result()) for ear in ears] == [total] * HEARERS


@pytest.mark.slow
async def test_who_does_not_listen_is_sent_away_and_catches_up_later(app: App, team: People) -> None:
    start = await now(app, team.member)
    request = OperationRequest(query=FOLLOW, variables={"after": start})
    asleep = await app.executor.subscribe(request, app.context(team.member))
    assert not isinstance(asleep, OperationResult)
    async with listening(app, team.member, after=start) as awake:
        await task(app, team, "The first")
        first = (await anext(asleep)).to_payload()["data"]["changes"]
        assert told(await awake.next())[0] == "CREATED"
        for _ in range(3):
            rows = [{"projectId": team.project_id, "title": f"Row {number}"} for number in range(100)]
            assert (await do(app, team.member, "tasksCreate", "succeeded", tasks=rows))["succeeded"] == 100
        assert len({change["entityId"] for change in await awake.take(300)}) == 300
    refusal = await anext(asleep)
    assert [error["extensions"]["code"] for error in refusal.errors] == ["SUBSCRIPTION_LAGGED"]
    assert await anext(asleep, None) is None
    assert len(await since(app, team.member, first["cursor"], first=100)) == 300
