"""Narrowed changes: what a scope lets through, and what it must not hide."""

from typing import Any

from domain import team as teams
from domain.permissions import Role
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_label, create_project, create_task, mutate_ok
from tests.support.subscriptions import change_summary, changes_since, current_cursor, open_subscription
from tests.support.teams import SampleTeam, create_sample_team


async def query_and_subscribe(app: App, person: Any, start: str, count: int, **scope: Any) -> list[tuple[str, str, str]]:
    """What the query tells, and the subscription too; `count` is how much is expected."""
    found = [change_summary(each) for each in await changes_since(app, person, start, scope=scope)]
    async with open_subscription(app, person, after=start, scope=scope) as ear:
        assert sorted(map(change_summary, await ear.next_changes(count))) == sorted(found)
    return found


async def create_second_team(app: App, team: SampleTeam) -> SampleTeam:
    """Another team, which the first one's member and outsider belong to as well."""
    other = await create_sample_team(app)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        found = await uow.teams.get(other.team.id)
        assert found is not None
        for each in (team.member, team.outsider):
            await teams.join(uow, each.actor, found, Role.MEMBER)
    return other


async def test_each_field_of_a_scope_narrows(app: App, team: SampleTeam) -> None:
    other_team = await create_second_team(app, team)
    other_project = await create_project(app, team, "Other")
    start = await current_cursor(app, team.member)
    here = await create_task(app, team, "Here")
    there = await create_task(app, team, "There", projectId=other_project)
    away = await create_task(app, team, "Away", projectId=other_team.project_id)
    said = await create_comment(app, team.member, here)
    word = await create_label(app, team.member, team.team_id, "word")
    created = {each["title"]: ("CREATED", "Task", each["id"]) for each in (here, there, away)}
    spoken, named = ("COMMENTED", "Comment", said["id"]), ("CREATED", "Label", word)
    for scope, expected in (
        ({}, [created["Here"], created["There"], created["Away"], spoken, named]),
        ({"teamIds": [other_team.team_id]}, [created["Away"]]),
        ({"teamIds": [team.team_id]}, [created["Here"], created["There"], spoken, named]),
        ({"projectIds": [team.project_id]}, [created["Here"], spoken]),
        ({"projectIds": [other_project, other_team.project_id]}, [created["There"], created["Away"]]),
        ({"entityIds": [here["id"]]}, [created["Here"], spoken]),
        ({"entityIds": [said["id"], word]}, [spoken, named]),
        ({"types": ["COMMENT"]}, [spoken]),
        ({"types": ["TASK"], "teamIds": [team.team_id], "projectIds": [team.project_id]}, [created["Here"]]),
        ({"types": []}, []),
        ({"teamIds": []}, []),
    ):
        assert await query_and_subscribe(app, team.member, start, len(expected), **scope) == expected, scope


async def test_a_task_that_leaves_the_scope_is_reported_once_more(app: App, team: SampleTeam) -> None:
    other_team = await create_second_team(app, team)
    card = await create_task(app, team)
    start = await current_cursor(app, team.member)
    await mutate_ok(app, team.member, "taskMove", id=card["id"], projectId=other_team.project_id)
    moved = ("MOVED", "Task", card["id"])
    for scope in (
        {},
        {"projectIds": [team.project_id]},
        {"teamIds": [team.team_id]},
        {"projectIds": [other_team.project_id]},
        {"teamIds": [other_team.team_id]},
        {"entityIds": [card["id"]]},
    ):
        assert await query_and_subscribe(app, team.member, start, 1, **scope) == [moved], scope


async def test_a_moved_task_is_seen_from_either_side_as_it_is_from_there(app: App, team: SampleTeam) -> None:
    other_team = await create_second_team(app, team)
    card = await create_task(app, team)
    here, there, nowhere = team.mate, team.outsider, other_team.outsider
    start = {each: await current_cursor(app, each) for each in (here, there, nowhere)}
    async with (
        open_subscription(app, here, after=start[here]) as left,
        open_subscription(app, there, after=start[there]) as right,
    ):
        await mutate_ok(app, team.member, "taskMove", id=card["id"], projectId=other_team.project_id)
        lost, came = await left.next_change(), await right.next_change()
        assert (change_summary(lost), lost["entity"]) == (("ACCESS_LOST", "Task", card["id"]), None)
        assert change_summary(came) == ("MOVED", "Task", card["id"])
        assert came["entity"]["id"] == card["id"]
        await mutate_ok(app, team.member, "taskMove", id=card["id"], projectId=team.project_id)
        assert change_summary(await left.next_change()) == ("MOVED", "Task", card["id"])
        assert change_summary(await right.next_change()) == ("ACCESS_LOST", "Task", card["id"])
    assert await changes_since(app, nowhere, start[nowhere]) == []


async def test_a_loss_is_reported_whatever_was_asked_for(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    other = await create_project(app, team, "Other")
    start = await current_cursor(app, team.mate)
    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, visibility="PRIVATE")
    hidden = ("ACCESS_LOST", "Project", team.project_id)
    for scope, expected in (
        ({"types": ["TASK"]}, [hidden]),
        ({"teamIds": [team.team_id]}, [hidden]),
        ({"projectIds": [team.project_id]}, [hidden]),
        ({"entityIds": [card["id"]]}, [hidden]),
        ({"projectIds": [other]}, []),
    ):
        assert await query_and_subscribe(app, team.mate, start, len(expected), **scope) == expected, scope
    start = await current_cursor(app, team.mate)
    await mutate_ok(app, team.admin, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    removed = [("ACCESS_LOST", "Team", team.team_id)]
    for scope in ({"types": ["TASK"]}, {"projectIds": [other]}, {"teamIds": [team.team_id]}, {"entityIds": [card["id"]]}):
        assert await query_and_subscribe(app, team.mate, start, 1, **scope) == removed, scope
