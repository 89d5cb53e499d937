"""Who sees a project, through the graph: visibility, guests, and its members."""

from typing import Any
from uuid import UUID

from resolvers import ids
from tests.app import App, Person
from tests.people import People, join, stranger
from tests.turning import turned
from tests.work import do, done, everything, project, refusals, task

MEMBERS = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  project(id: $id) {
    members(first: $first, after: $after, last: $last, before: $before) {
      totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } }
    }
  }
}
"""
TOLD = "query ($after: SyncCursor) { changes(after: $after) { nodes { kind type entityId } } }"


async def members(app: App, somebody: Person, project_id: str) -> set[str]:
    """The members of a project, as somebody sees them."""
    edges = (await app.run(somebody, MEMBERS, id=project_id))["project"]["members"]["edges"]
    return {edge["node"]["id"] for edge in edges}


async def sees(app: App, somebody: Person, project_id: str) -> bool:
    """Whether somebody sees a project, in whichever way he looks for it."""
    ways = """
    query ($id: ID!) {
      project(id: $id) { id } node(id: $id) { id } projects(first: 100) { nodes { id } } teams { nodes { projects { nodes { id } } } }
    }
    """
    found = await app.run(somebody, ways, id=project_id)
    answers = {
        found["project"] is not None,
        found["node"] is not None,
        {"id": project_id} in found["projects"]["nodes"],
        any({"id": project_id} in each["projects"]["nodes"] for each in found["teams"]["nodes"]),
    }
    assert len(answers) == 1, found
    return answers.pop()


async def watchers_of(app: App, team: People, project_id: str) -> list[str]:
    """Who of the cast sees a project."""
    cast = {name: getattr(team, name) for name in ("owner", "admin", "member", "mate", "guest", "outsider")}
    return [name for name, somebody in cast.items() if await sees(app, somebody, project_id)]


async def change(app: App, somebody: Person, project_id: str, *, add: Any = (), remove: Any = ()) -> Any:
    """The payload of `projectSetMembers`."""
    given = {"addUserIds": [each.id for each in add], "removeUserIds": [each.id for each in remove]}
    return await do(app, somebody, "projectSetMembers", "project { id version } cursor", id=project_id, **given)


async def test_the_team_sees_its_projects_and_guests_those_that_they_were_added_to(app: App, team: People) -> None:
    other = await project(app, team, "Other")
    assert await watchers_of(app, team, team.project_id) == ["owner", "admin", "member", "mate", "guest"]
    assert await watchers_of(app, team, other) == ["owner", "admin", "member", "mate"]
    await change(app, team.member, other, add=[team.guest])
    assert await watchers_of(app, team, other) == ["owner", "admin", "member", "mate", "guest"]


async def test_a_private_project_is_seen_by_its_members_only_whatever_their_role(app: App, team: People) -> None:
    secret = (await done(app, team.member, "projectCreate", teamId=team.team_id, name="Secret", visibility="PRIVATE"))["id"]
    written = await task(app, team, "Whisper", projectId=secret)
    assert await watchers_of(app, team, secret) == ["member"]
    await change(app, team.member, secret, add=[team.guest])
    assert await watchers_of(app, team, secret) == ["member", "guest"]
    ways = "query ($id: ID!, $key: String!) { task(id: $id) { id } taskByKey(key: $key) { id } node(id: $id) { id } tasks { totalCount } }"
    for somebody in (team.owner, team.admin, team.mate):
        found = await app.run(somebody, ways, id=written["id"], key=written["key"])
        assert found == {"task": None, "taskByKey": None, "node": None, "tasks": {"totalCount": 0}}


async def test_only_the_lead_or_an_admin_decides_who_sees_a_project(app: App, team: People) -> None:
    before = await everything(app)
    refused = await do(app, team.member, "projectUpdate", id=team.project_id, visibility="PRIVATE")
    assert refusals(refused) == [("FORBIDDEN", None)]
    assert await everything(app) == before
    assert (await do(app, team.owner, "projectUpdate", id=team.project_id, visibility="PRIVATE"))["errors"] == []
    assert await watchers_of(app, team, team.project_id) == ["owner", "guest"]
    assert (await do(app, team.owner, "projectUpdate", id=team.project_id, visibility="TEAM"))["errors"] == []
    assert await watchers_of(app, team, team.project_id) == ["owner", "admin", "member", "mate", "guest"]


async def test_a_project_that_lost_all_its_members_is_not_lost_when_it_becomes_private(app: App, team: People) -> None:
    left = (await done(app, team.mate, "projectCreate", teamId=team.team_id, name="Left behind"))["id"]
    await do(app, team.mate, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    assert await members(app, team.member, left) == set()
    assert (await do(app, team.admin, "projectUpdate", id=left, visibility="PRIVATE"))["errors"] == []
    assert await watchers_of(app, team, left) == ["admin"]


async def test_those_who_gain_and_lose_sight_are_told(app: App, team: People) -> None:
    secret = await project(app, team, "Secret", private_to=[team.mate])
    cast = (team.member, team.mate)
    start = {who: (await app.run(who, "{ changes { cursor } }"))["changes"]["cursor"] for who in cast}
    await change(app, team.owner, secret, add=[team.member], remove=[team.mate])
    told = {who: (await app.run(who, TOLD, after=start[who]))["changes"]["nodes"] for who in cast}
    assert {"kind": "MEMBERSHIP", "type": "Project", "entityId": secret} in told[team.member]
    assert told[team.mate] == [{"kind": "ACCESS_LOST", "type": "Project", "entityId": secret}]


async def test_members_of_the_team_are_added_by_anybody_who_works_there(app: App, team: People) -> None:
    payload = await change(app, team.member, team.project_id, add=[team.mate, team.mate, team.guest])
    assert (payload["errors"], payload["project"]["version"], payload["cursor"] is None) == ([], 1, False)
    assert await members(app, team.guest, team.project_id) == {team.owner.id, team.guest.id, team.mate.id}
    same = await change(app, team.member, team.project_id, add=[team.mate])
    assert (same["errors"], same["cursor"]) == ([], None)


async def test_only_the_lead_or_an_admin_takes_others_out_and_everybody_himself(app: App, team: People) -> None:
    await change(app, team.member, team.project_id, add=[team.mate, team.member])
    before = await everything(app)
    assert refusals(await change(app, team.member, team.project_id, remove=[team.mate])) == [("FORBIDDEN", None)]
    assert await everything(app) == before
    assert (await change(app, team.member, team.project_id, remove=[team.member]))["errors"] == []
    assert (await change(app, team.admin, team.project_id, remove=[team.mate]))["errors"] == []
    assert await members(app, team.owner, team.project_id) == {team.owner.id, team.guest.id}


async def test_nobody_from_outside_the_team_is_added(app: App, team: People) -> None:
    before = await everything(app)
    answers = []
    for user_id in (team.outsider.id, ids.encode("User", UUID(int=9))):
        payload = await do(app, team.owner, "projectSetMembers", id=team.project_id, addUserIds=[team.mate.id, user_id])
        assert refusals(payload) == [("INVALID", ["input", "addUserIds"])]
        answers.append(payload)
    assert answers[0] == answers[1]
    assert await everything(app) == before


async def test_somebody_always_stays(app: App, team: People) -> None:
    before = await everything(app)
    refused = await change(app, team.owner, team.project_id, remove=[team.owner, team.guest])
    assert refusals(refused) == [("INVALID", ["input", "removeUserIds"])]
    assert await everything(app) == before
    swapped = await change(app, team.owner, team.project_id, add=[team.mate], remove=[team.owner, team.guest, team.outsider])
    assert swapped["errors"] == []
    assert await members(app, team.owner, team.project_id) == {team.mate.id}


async def test_a_hundred_people_at_once_are_enough(app: App, team: People) -> None:
    before = await everything(app)
    many = [ids.encode("User", UUID(int=number)) for number in range(1, 102)]
    too_many = await do(app, team.owner, "projectSetMembers", id=team.project_id, addUserIds=many)
    together = await do(app, team.owner, "projectSetMembers", id=team.project_id, addUserIds=many[:60], removeUserIds=many[60:])
    assert [(each["code"], each["limit"]) for each in (*too_many["errors"], *together["errors"])] == [("LIMIT_EXCEEDED", 100)] * 2
    assert await everything(app) == before


async def test_members_are_turned_page_by_page(app: App, team: People) -> None:
    twins = [await stranger(app, "Twin") for _ in range(4)]
    await join(app, team.team_id, team.owner, *twins)
    await change(app, team.owner, team.project_id, add=[*twins, team.mate])

    async def page(asked: dict[str, Any]) -> Any:
        return (await app.run(team.guest, MEMBERS, id=team.project_id, **asked))["project"]["members"]

    found = await turned(page)
    assert found == [
        team.guest.id,
        team.mate.id,
        team.owner.id,
        *(ids.encode("User", each) for each in sorted(t.user.id for t in twins)),
    ]
