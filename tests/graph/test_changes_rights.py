"""Who hears what: strangers nothing, those who lose sight that they did, those who come from then on."""

from typing import Any
from uuid import uuid4

from domain import team as teams
from domain.permissions import Role
from persistence.unit_of_work import unit_of_work
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_project, create_task, mutate, mutate_ok
from tests.support.subscriptions import (
    TASK_CHANGED_SUBSCRIPTION,
    change_summary,
    changes_since,
    current_cursor,
    open_subscription,
)
from tests.support.teams import SampleTeam


async def write_marker(app: App, person: Person) -> tuple[str, str, str]:
    """Change a person's name, which they and their teams receive: who receives it next has received nothing before it."""
    payload = await mutate(app, person, "userUpdate", "user { id }", lastName=str(uuid4()))
    assert payload["errors"] == []
    return "UPDATED", "User", person.id


def distinct(changes: list[Any]) -> list[tuple[str, str, str]]:
    """The summaries without repeats: a marker stands in the person's own stream and in those of their teams."""
    return list(dict.fromkeys(map(change_summary, changes)))


async def add_member(app: App, team: SampleTeam, person: Person, role: Role = Role.MEMBER) -> None:
    """Make somebody a member, as accepting an invitation does."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        found = await uow.teams.get(team.team.id)
        assert found is not None
        await teams.join(uow, person.actor, found, role)


async def remove_member(app: App, team: SampleTeam, person: Person) -> None:
    await mutate_ok(app, team.admin, "teamMemberRemove", teamId=team.team_id, userId=person.id)


async def test_an_outsider_receives_nothing(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.outsider)
    scope = {"teamIds": [team.team_id], "projectIds": [team.project_id]}
    async with open_subscription(app, team.outsider, after=start) as ear:
        card = await create_task(app, team)
        await create_comment(app, team.mate, card)
        marked = await write_marker(app, team.outsider)
        assert change_summary(await ear.next_change()) == marked
    assert distinct(await changes_since(app, team.outsider, start)) == [marked]
    assert await changes_since(app, team.outsider, start, scope=scope) == []
    with_a_members_cursor = await changes_since(app, team.outsider, await current_cursor(app, team.member))
    assert {each["actor"]["id"] for each in with_a_members_cursor} == {team.outsider.id}


async def test_a_guest_receives_their_projects_only(app: App, team: SampleTeam) -> None:
    hidden = await create_project(app, team, "Not for guests")
    start = await current_cursor(app, team.guest)
    async with open_subscription(app, team.guest, after=start) as ear:
        await create_task(app, team, "Hidden", projectId=hidden)
        shown = await create_task(app, team, "Shown")
        assert change_summary(await ear.next_change()) == ("CREATED", "Task", shown["id"])
    assert distinct(await changes_since(app, team.guest, start)) == [("CREATED", "Task", shown["id"])]


async def test_a_private_project_is_received_by_its_members_only(app: App, team: SampleTeam) -> None:
    start = {each: await current_cursor(app, each) for each in (team.member, team.mate, team.admin)}
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    card = await create_task(app, team, "Quiet", projectId=secret)
    said = await create_comment(app, team.member, card)
    received = {
        each: [change_summary(change) for change in await changes_since(app, each, cursor)] for each, cursor in start.items()
    }
    assert received[team.mate] == received[team.admin] == []
    assert received[team.member] == [
        ("CREATED", "Project", secret),
        ("MEMBERSHIP", "Project", secret),
        ("MEMBERSHIP", "Project", secret),
        ("CREATED", "Task", card["id"]),
        ("COMMENTED", "Comment", said["id"]),
    ]


async def test_who_is_removed_from_the_team_is_notified_and_receives_nothing_afterwards(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.mate)
    async with open_subscription(app, team.mate, after=start) as ear:
        before = await create_task(app, team, "Before")
        assert change_summary(await ear.next_change()) == ("CREATED", "Task", before["id"])
        await remove_member(app, team, team.mate)
        await create_task(app, team, "After")
        marked = await write_marker(app, team.mate)
        lost = await ear.next_change()
        assert change_summary(lost) == ("ACCESS_LOST", "Team", team.team_id)
        assert lost["entity"] is None
        assert change_summary(await ear.next_change()) == marked
    assert distinct(await changes_since(app, team.mate, start)) == [
        ("ACCESS_LOST", "Team", team.team_id),
        marked,
    ]


async def test_who_is_left_out_when_a_project_becomes_private_is_notified_and_receives_nothing_afterwards(
    app: App, team: SampleTeam
) -> None:
    start = await current_cursor(app, team.mate)
    async with (
        open_subscription(app, team.mate, after=start) as ear,
        open_subscription(app, team.guest, after=await current_cursor(app, team.guest)) as kept,
    ):
        await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, visibility="PRIVATE")
        card = await create_task(app, team, "After", by=team.owner)
        marked = await write_marker(app, team.mate)
        assert change_summary(await ear.next_change()) == ("ACCESS_LOST", "Project", team.project_id)
        assert change_summary(await ear.next_change()) == marked
        assert [change_summary(each) for each in await kept.next_changes(2)] == [
            ("UPDATED", "Project", team.project_id),
            ("CREATED", "Task", card["id"]),
        ]
    assert distinct(await changes_since(app, team.mate, start)) == [
        ("ACCESS_LOST", "Project", team.project_id),
        marked,
    ]


async def test_who_is_taken_out_of_a_project_is_notified_and_receives_nothing_afterwards(app: App, team: SampleTeam) -> None:
    async with open_subscription(app, team.guest, after=await current_cursor(app, team.guest)) as ear:
        await mutate_ok(app, team.admin, "projectSetMembers", id=team.project_id, removeUserIds=[team.guest.id])
        await create_task(app, team, "After")
        marked = await write_marker(app, team.guest)
        assert change_summary(await ear.next_change()) == ("ACCESS_LOST", "Project", team.project_id)
        assert change_summary(await ear.next_change()) == marked


async def test_who_joins_receives_from_then_on(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "Before")
    start = await current_cursor(app, team.outsider)
    async with (
        open_subscription(app, team.outsider, after=start) as ear,
        open_subscription(app, team.outsider, after=start) as other,
    ):
        await add_member(app, team, team.outsider)
        received = {change_summary(each)[:2] for each in await ear.next_changes(2)}
        assert received == {("MEMBERSHIP", "Team")}, "in the team's stream and in his own"
        after = await create_task(app, team, "After")
        change = await ear.next_change()
        assert change_summary(change) == ("CREATED", "Task", after["id"])
        last = await create_task(app, team, "Last")
        assert [change_summary(each)[2] for each in (await other.next_changes(4))[2:]] == [after["id"], last["id"]]
    assert [change_summary(each) for each in await changes_since(app, team.outsider, change["cursor"])] == [
        ("CREATED", "Task", last["id"])
    ]


async def test_who_comes_back_does_not_receive_what_happened_meanwhile(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.mate)
    await remove_member(app, team, team.mate)
    await create_task(app, team, "Meanwhile")
    await add_member(app, team, team.mate)
    after = await create_task(app, team, "After")
    found = [change_summary(each) for each in await changes_since(app, team.mate, start)]
    assert [each for each in found if each[1] == "Task"] == [("CREATED", "Task", after["id"])]
    assert ("ACCESS_LOST", "Team", team.team_id) in found
    async with open_subscription(app, team.mate, after=start) as ear:
        received = [change_summary(each) for each in await ear.next_changes(len(found))]
    assert sorted(received) == sorted(found)


async def test_a_deleted_project_is_reported_and_so_is_its_return(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.member)
    async with open_subscription(app, team.member, after=start) as ear:
        await mutate_ok(app, team.owner, "projectDelete", id=team.project_id)
        deleted = await ear.next_change()
        assert (change_summary(deleted), deleted["entity"]) == (("DELETED", "Project", team.project_id), None)
        await mutate_ok(app, team.owner, "projectRestore", id=team.project_id)
        assert change_summary(await ear.next_change()) == ("RESTORED", "Project", team.project_id)


async def test_a_dissolved_team_is_a_loss_to_all_its_members(app: App, team: SampleTeam) -> None:
    start = {each: await current_cursor(app, each) for each in (team.owner, team.guest)}
    await mutate_ok(app, team.owner, "teamDelete", id=team.team_id)
    for each, cursor in start.items():
        assert [change_summary(change) for change in await changes_since(app, each, cursor)] == [
            ("ACCESS_LOST", "Team", team.team_id)
        ]


async def test_following_a_task_ends_with_what_took_it_away(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    moved, left, ended = (
        await create_task(app, team, "Moved"),
        await create_task(app, team, "Left"),
        await create_task(app, team, "Ended"),
    )
    losses = (
        (moved, "taskMove", {"id": moved["id"], "projectId": secret}, ("ACCESS_LOST", "Task", moved["id"])),
        (ended, "projectDelete", {"id": team.project_id}, ("DELETED", "Project", team.project_id)),
    )
    for card, field, given, last in losses:
        start = await current_cursor(app, team.mate)
        async with open_subscription(app, team.mate, TASK_CHANGED_SUBSCRIPTION, id=card["id"], after=start) as ear:
            await mutate_ok(app, team.member if field == "taskMove" else team.owner, field, **given)
            assert change_summary(await ear.next_change()) == last
            assert await ear.is_completed()
    await mutate_ok(app, team.owner, "projectRestore", id=team.project_id)
    start = await current_cursor(app, team.mate)
    async with open_subscription(app, team.mate, TASK_CHANGED_SUBSCRIPTION, id=left["id"], after=start) as ear:
        await create_task(app, team, "Another one")
        await remove_member(app, team, team.mate)
        assert change_summary(await ear.next_change()) == ("ACCESS_LOST", "Team", team.team_id)
        assert await ear.is_completed()


async def test_following_a_task_goes_on_when_another_one_is_lost(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    other = await create_project(app, team, "Other")
    card, gone = await create_task(app, team, "Kept"), await create_task(app, team, "Gone")
    async with open_subscription(
        app, team.mate, TASK_CHANGED_SUBSCRIPTION, id=card["id"], after=await current_cursor(app, team.mate)
    ) as ear:
        await mutate_ok(app, team.member, "taskMove", id=gone["id"], projectId=secret)
        await mutate_ok(app, team.owner, "projectUpdate", id=other, visibility="PRIVATE")
        await mutate_ok(app, team.member, "taskUpdate", id=card["id"], title="Still here")
        assert change_summary(await ear.next_change()) == ("UPDATED", "Task", card["id"])


async def test_following_a_task_ends_for_who_becomes_a_guest_without_the_project(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    async with open_subscription(
        app, team.mate, TASK_CHANGED_SUBSCRIPTION, id=card["id"], after=await current_cursor(app, team.mate)
    ) as ear:
        await mutate_ok(app, team.owner, "teamMemberSetRole", teamId=team.team_id, userId=team.mate.id, role="GUEST")
        assert change_summary(await ear.next_change()) == ("MEMBERSHIP", "Team", team.team_id)
        assert await ear.is_completed()
