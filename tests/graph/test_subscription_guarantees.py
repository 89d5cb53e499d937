"""What whoever listens on a websocket is promised: bounds, resuming, being let go in time, and that nobody pays for others."""

import asyncio
import sys

from domain.errors import TokenExpired
from domain.events import team_stream, user_stream
from domain.permissions import Role
from domain.team import Membership
from persistence.unit_of_work import unit_of_work
from tests.graph.test_changes_rights import remove_member
from tests.support.app import App, Person
from tests.support.fake_websocket import websocket_server
from tests.support.graph_actions import create_task
from tests.support.subscriptions import change_summary
from tests.support.teams import SampleTeam, create_person
from transport.rfc6455 import CloseFrame

SHORT_SUBSCRIPTION = "subscription ($after: SyncCursor) { changes(after: $after) { cursor kind type entityId } }"
_GOING_AWAY = CloseFrame(1001, "The server is going away.")


async def create_many_tasks(app: App, team: SampleTeam, count: int) -> list[str]:
    """Write tasks down, as quickly as it goes: their ids."""
    made: list[str] = []
    query = "mutation ($input: TasksCreateInput!) { tasksCreate(input: $input) { results { task { id } } } }"
    while len(made) < count:
        rows = [{"projectId": team.project_id, "title": f"Row {number}"} for number in range(min(100, count - len(made)))]
        answer = await app.run(team.owner, query, input={"tasks": rows})
        made += [each["task"]["id"] for each in answer["tasksCreate"]["results"]]
    return made


async def test_who_stalls_is_let_go_after_256_events_and_goes_on_from_where_they_were(app: App, team: SampleTeam) -> None:
    async with websocket_server(app) as line_up:
        slow, quick = (
            await line_up.subscribe(team.member, SHORT_SUBSCRIPTION),
            await line_up.subscribe(team.mate, SHORT_SUBSCRIPTION),
        )
        first = await create_task(app, team, "The first")
        assert [(await each.next_change())["entityId"] for each in (slow, quick)] == [first["id"]] * 2
        slow.stop_reading()
        made = await create_many_tasks(app, team, 300)
        assert [(await quick.next_change())["entityId"] for _ in made] == made
        assert line_up.membership_count == 1
        slow.start_reading()
        frame = await slow.next_message()
        assert (frame["id"], frame["type"], len(frame["payload"])) == ("1", "error", 1)
        assert frame["payload"][0]["extensions"]["code"] == "SUBSCRIPTION_LAGGED"
        again = await line_up.connect(team.member)
        since = frame["payload"][0]["extensions"]["since"]
        again.send_from_client(id="1", type="subscribe", payload={"query": SHORT_SUBSCRIPTION, "variables": {"after": since}})
        assert [(await again.next_change())["entityId"] for _ in made] == made
        slow.send_from_client(id="1", type="subscribe", payload={"query": "{ __typename }"})
        assert (await slow.next_message())["type"] == "next", "the connection goes on"


async def test_who_stalls_for_a_moment_misses_nothing_and_is_written_to_at_once(app: App, team: SampleTeam) -> None:
    async with websocket_server(app) as line_up:
        line = await line_up.subscribe(team.member, SHORT_SUBSCRIPTION)
        line.stop_reading()
        made = await create_many_tasks(app, team, 200)
        last = await create_task(app, team, "Last")
        async with asyncio.timeout(30):
            while len(line.connection.send_queue._items) < 201:
                await asyncio.sleep(0.002)
        writes = line.write_count
        line.start_reading()
        assert [(await line.next_change())["entityId"] for _ in range(201)] == [*made, last["id"]]
        assert line.write_count <= writes + 2, "64 KiB a write"


async def test_fifty_who_stall_hold_no_copies_of_what_waits_for_them(app: App, team: SampleTeam) -> None:
    async with websocket_server(app) as line_up:
        lines = [await line_up.subscribe(team.member, SHORT_SUBSCRIPTION) for _ in range(50)]
        for each in lines:
            each.stop_reading()
        await create_many_tasks(app, team, 200)
        watcher = await line_up.subscribe(team.mate, SHORT_SUBSCRIPTION)
        await create_task(app, team, "Last")
        await watcher.next_change()
        items = [each.connection.send_queue._items for each in lines]
        assert [len(each) for each in items] == [201] * 50
        own = sum(sys.getsizeof(each) + sum(sys.getsizeof(item) for item in each) for each in items) / 50
        told_with = {id(item[1]) for each in items for item in each if not isinstance(item, bytes)}
        assert len(told_with) == 201, "the same for all of them"
        assert own < 32 * 1024


async def test_a_server_that_stops_says_from_where_to_go_on(app: App, team: SampleTeam) -> None:
    async with websocket_server(app) as line_up:
        line, idle = await line_up.subscribe(team.member, SHORT_SUBSCRIPTION), await line_up.connect(team.mate)
        await create_task(app, team, "Before")
        await line.next_change()
        for each in (line, idle):
            each.connection.close_going_away(_GOING_AWAY, 2.5)
        hint = await line.next_message()
        assert (hint["type"], hint["payload"]["retryAfter"], list(hint["payload"]["resume"])) == ("ping", 2.5, ["1"])
        assert await line.next_message() == _GOING_AWAY
        assert await idle.next_message() == {"type": "ping", "payload": {"resume": {}, "retryAfter": 2.5}}
        assert await idle.next_message() == _GOING_AWAY
        missed = await create_task(app, team, "While away")
        back = await line_up.connect(team.member)
        payload = {"query": SHORT_SUBSCRIPTION, "variables": {"after": hint["payload"]["resume"]["1"]}}
        back.send_from_client(id="1", type="subscribe", payload=payload)
        assert change_summary(await back.next_change()) == ("CREATED", "Task", missed["id"])
        await line_up.subscriptions.tasks.cancel_all()


async def test_a_token_that_ends_closes_the_connection_and_nothing_comes_afterwards(app: App, team: SampleTeam) -> None:
    async with websocket_server(app, credential_check_seconds=0.02) as line_up:
        line = await line_up.subscribe(team.member, SHORT_SUBSCRIPTION)
        line_up.revoked[team.member.actor] = TokenExpired()
        assert await line.next_message() == CloseFrame(4403, "TOKEN_EXPIRED")
        assert line_up.membership_count == 0
        await create_task(app, team, "Late")
        assert line.sent == []


async def test_a_right_that_is_lost_is_in_force_at_once_for_everybody_in_the_group(app: App, team: SampleTeam) -> None:
    async with websocket_server(app) as line_up:
        lines = [await line_up.subscribe(each, SHORT_SUBSCRIPTION) for each in (team.mate, team.member, team.mate)]
        await remove_member(app, team, team.mate)
        after = await create_task(app, team, "Not for the mate")
        assert [change_summary(await lines[1].next_change())[:2] for _ in range(2)] == [
            ("MEMBERSHIP", "Team"),
            ("CREATED", "Task"),
        ]
        for line in (lines[0], lines[2]):
            assert change_summary(await line.next_change()) == ("ACCESS_LOST", "Team", team.team_id)
            await asyncio.sleep(0.05)
            assert line.sent == []
        assert after["id"]


async def test_a_herd_that_comes_back_costs_few_statements_and_everybody_joins(app: App, team: SampleTeam) -> None:
    herd = 400
    people = await create_members(app, team, herd)
    async with websocket_server(app) as line_up:
        before = app.resources.database.statements_run
        lines = [await line_up.connect(each) for each in people]
        seal, stream = app.resources.services.cursors.encode, team_stream(team.team.id)
        head = await app.resources.services.log.head(stream)
        for line, each in zip(lines, people, strict=True):
            after = seal({stream: head, user_stream(each.user.id): 0})
            line.send_from_client(id="1", type="subscribe", payload={"query": SHORT_SUBSCRIPTION, "variables": {"after": after}})
        async with asyncio.timeout(60):
            while line_up.membership_count < herd:
                await asyncio.sleep(0.005)
        assert app.resources.database.statements_run - before < herd / 4
        card = await create_task(app, team, "For the herd")
        executed = line_up.subscriptions.execution_counts["executed"]
        assert {(await line.next_change())["entityId"] for line in lines} == {card["id"]}
        assert line_up.subscriptions.execution_counts["executed"] <= executed + 1


async def create_members(app: App, team: SampleTeam, size: int) -> list[Person]:
    """So many members."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        people = [await create_person(uow, "Member") for _ in range(size)]
        for each in people:
            joined = Membership(team_id=team.team.id, user_id=each.user.id, role=Role.MEMBER, joined_at=uow.now)
            await uow.teams.add_member(joined)
    return people
