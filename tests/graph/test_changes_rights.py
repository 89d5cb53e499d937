"""Who hears what: strangers nothing, those who lose sight that they did, those who come from then on."""

from uuid import uuid4

from domain import team as teams
from domain.permissions import Role
from persistence.unit_of_work import unit_of_work
from tests.app import App, Person
from tests.listening import TASK_CHANGED, listening, now, since, told
from tests.people import People
from tests.work import comment, do, done, project, task


async def mark(app: App, person: Person) -> tuple[str, str, str]:
    """Let something happen that only this person hears of: whoever hears it next has heard nothing before it."""
    payload = await do(app, person, "userUpdate", "user { id }", lastName=str(uuid4()))
    assert payload["errors"] == []
    return "UPDATED", "User", person.id


async def join(app: App, team: People, person: Person, role: Role = Role.MEMBER) -> None:
    """Make somebody a member, as accepting an invitation does."""
    async with unit_of_work(app.house.database, app.house.services.pubsub) as uow:
        found = await uow.teams.get(team.team.id)
        assert found is not None
        await teams.join(uow, person.actor, found, role)


async def remove(app: App, team: People, person: Person) -> None:
    await done(app, team.admin, "teamMemberRemove", teamId=team.team_id, userId=person.id)


async def test_an_outsider_hears_nothing(app: App, team: People) -> None:
    start = await now(app, team.outsider)
    scope = {"teamIds": [team.team_id], "projectIds": [team.project_id]}
    async with listening(app, team.outsider, after=start) as ear:
        card = await task(app, team)
        await comment(app, team.mate, card)
        marked = await mark(app, team.outsider)
        assert told(await ear.next()) == marked
    assert [told(each) for each in await since(app, team.outsider, start)] == [marked]
    assert await since(app, team.outsider, start, scope=scope) == []
    with_a_members_cursor = await since(app, team.outsider, await now(app, team.member))
    assert {each["actor"]["id"] for each in with_a_members_cursor} == {team.outsider.id}


async def test_a_guest_hears_of_his_projects_only(app: App, team: People) -> None:
    hidden = await project(app, team, "Not for guests")
    start = await now(app, team.guest)
    async with listening(app, team.guest, after=start) as ear:
        await task(app, team, "Hidden", projectId=hidden)
        shown = await task(app, team, "Shown")
        assert told(await ear.next()) == ("CREATED", "Task", shown["id"])
    assert [told(each) for each in await since(app, team.guest, start)] == [("CREATED", "Task", shown["id"])]


async def test_a_private_project_is_heard_by_its_members_only(app: App, team: People) -> None:
    start = {each: await now(app, each) for each in (team.member, team.mate, team.admin)}
    secret = await project(app, team, "Secret", private_to=[team.member])
    card = await task(app, team, "Quiet", projectId=secret)
    said = await comment(app, team.member, card)
    heard = {each: [told(change) for change in await since(app, each, cursor)] for each, cursor in start.items()}
    assert heard[team.mate] == heard[team.admin] == []
    assert heard[team.member] == [
        ("CREATED", "Project", secret),
        ("MEMBERSHIP", "Project", secret),
        ("MEMBERSHIP", "Project", secret),
        ("CREATED", "Task", card["id"]),
        ("COMMENTED", "Comment", said["id"]),
    ]


async def test_who_is_removed_from_the_team_is_told_and_hears_nothing_afterwards(app: App, team: People) -> None:
    start = await now(app, team.mate)
    async with listening(app, team.mate, after=start) as ear:
        before = await task(app, team, "Before")
        assert told(await ear.next()) == ("CREATED", "Task", before["id"])
        await remove(app, team, team.mate)
        await task(app, team, "After")
        marked = await mark(app, team.mate)
        lost = await ear.next()
        assert told(lost) == ("ACCESS_LOST", "Team", team.team_id)
        assert lost["entity"] is None
        assert told(await ear.next()) == marked
    assert [told(each) for each in await since(app, team.mate, start)] == [("ACCESS_LOST", "Team", team.team_id), marked]


async def test_who_is_left_out_when_a_project_becomes_private_is_told_and_hears_nothing_afterwards(
    app: App, team: People
) -> None:
    start = await now(app, team.mate)
    async with (
        listening(app, team.mate, after=start) as ear,
        listening(app, team.guest, after=await now(app, team.guest)) as kept,
    ):
        await done(app, team.owner, "projectUpdate", id=team.project_id, visibility="PRIVATE")
        card = await task(app, team, "After", by=team.owner)
        marked = await mark(app, team.mate)
        assert told(await ear.next()) == ("ACCESS_LOST", "Project", team.project_id)
        assert told(await ear.next()) == marked
        assert [told(each) for each in await kept.take(2)] == [
            ("UPDATED", "Project", team.project_id),
            ("CREATED", "Task", card["id"]),
        ]
    assert [told(each) for each in await since(app, team.mate, start)] == [("ACCESS_LOST", "Project", team.project_id), marked]


async def test_who_is_taken_out_of_a_project_is_told_and_hears_nothing_afterwards(app: App, team: People) -> None:
    async with listening(app, team.guest, after=await now(app, team.guest)) as ear:
        await done(app, team.admin, "projectSetMembers", id=team.project_id, removeUserIds=[team.guest.id])
        await task(app, team, "After")
        marked = await mark(app, team.guest)
        assert told(await ear.next()) == ("ACCESS_LOST", "Project", team.project_id)
        assert told(await ear.next()) == marked


async def test_who_joins_hears_from_then_on(app: App, team: People) -> None:
    await task(app, team, "Before")
    start = await now(app, team.outsider)
    async with listening(app, team.outsider, after=start) as ear, listening(app, team.outsider, after=start) as other:
        await join(app, team, team.outsider)
        heard = {told(each)[:2] for each in await ear.take(2)}
        assert heard == {("MEMBERSHIP", "Team")}, "in the team's stream and in his own"
        after = await task(app, team, "After")
        change = await ear.next()
        assert told(change) == ("CREATED", "Task", after["id"])
        last = await task(app, team, "Last")
        assert [told(each)[2] for each in (await other.take(4))[2:]] == [after["id"], last["id"]]
    assert [told(each) for each in await since(app, team.outsider, change["cursor"])] == [("CREATED", "Task", last["id"])]


async def test_who_comes_back_does_not_hear_what_happened_meanwhile(app: App, team: People) -> None:
    start = await now(app, team.mate)
    await remove(app, team, team.mate)
    await task(app, team, "Meanwhile")
    await join(app, team, team.mate)
    after = await task(app, team, "After")
    found = [told(each) for each in await since(app, team.mate, start)]
    assert [each for each in found if each[1] == "Task"] == [("CREATED", "Task", after["id"])]
    assert ("ACCESS_LOST", "Team", team.team_id) in found
    async with listening(app, team.mate, after=start) as ear:
        heard = [told(each) for each in await ear.take(len(found))]
    assert sorted(heard) == sorted(found)


async def test_a_deleted_project_is_told_and_so_is_its_return(app: App, team: People) -> None:
    start = await now(app, team.member)
    async with listening(app, team.member, after=start) as ear:
        await done(app, team.owner, "projectDelete", id=team.project_id)
        deleted = await ear.next()
        assert (told(deleted), deleted["entity"]) == (("DELETED", "Project", team.project_id), None)
        await done(app, team.owner, "projectRestore", id=team.project_id)
        assert told(await ear.next()) == ("RESTORED", "Project", team.project_id)


async def test_a_dissolved_team_is_a_loss_to_all_its_members(app: App, team: People) -> None:
    start = {each: await now(app, each) for each in (team.owner, team.guest)}
    await done(app, team.owner, "teamDelete", id=team.team_id)
    for each, cursor in start.items():
        assert [told(change) for change in await since(app, each, cursor)] == [("ACCESS_LOST", "Team", team.team_id)]


async def test_following_a_task_ends_with_what_took_it_away(app: App, team: People) -> None:
    secret = await project(app, team, "Secret", private_to=[team.member])
    moved, left, ended = await task(app, team, "Moved"), await task(app, team, "Left"), await task(app, team, "Ended")
    losses = (
        (moved, "taskMove", {"id": moved["id"], "projectId": secret}, ("ACCESS_LOST", "Task", moved["id"])),
        (ended, "projectDelete", {"id": team.project_id}, ("DELETED", "Project", team.project_id)),
    )
    for card, field, given, last in losses:
        start = await now(app, team.mate)
        async with listening(app, team.mate, TASK_CHANGED, id=card["id"], after=start) as ear:
            await done(app, team.member if field == "taskMove" else team.owner, field, **given)
            assert told(await ear.next()) == last
            assert await ear.ended()
    await done(app, team.owner, "projectRestore", id=team.project_id)
    start = await now(app, team.mate)
    async with listening(app, team.mate, TASK_CHANGED, id=left["id"], after=start) as ear:
        await task(app, team, "Another one")
        await remove(app, team, team.mate)
        assert told(await ear.next()) == ("ACCESS_LOST", "Team", team.team_id)
        assert await ear.ended()


async def test_following_a_task_goes_on_when_another_one_is_lost(app: App, team: People) -> None:
    secret = await project(app, team, "Secret", private_to=[team.member])
    other = await project(app, team, "Other")
    card, gone = await task(app, team, "Kept"), await task(app, team, "Gone")
    async with listening(app, team.mate, TASK_CHANGED, id=card["id"], after=await now(app, team.mate)) as ear:
        await done(app, team.member, "taskMove", id=gone["id"], projectId=secret)
        await done(app, team.owner, "projectUpdate", id=other, visibility="PRIVATE")
        await done(app, team.member, "taskUpdate", id=card["id"], title="Still here")
        assert told(await ear.next()) == ("UPDATED", "Task", card["id"])


async def test_following_a_task_ends_for_who_becomes_a_guest_without_the_project(app: App, team: People) -> None:
    card = await task(app, team)
    async with listening(app, team.mate, TASK_CHANGED, id=card["id"], after=await now(app, team.mate)) as ear:
        await done(app, team.owner, "teamMemberSetRole", teamId=team.team_id, userId=team.mate.id, role="GUEST")
        assert told(await ear.next()) == ("MEMBERSHIP", "Team", team.team_id)
        assert await ear.ended()
