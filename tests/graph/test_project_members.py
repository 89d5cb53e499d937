"""Who sees a project, through the graph: visibility, guests, and its members."""

from typing import Any
from uuid import UUID

from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, create_project, create_task, mutate, mutate_ok, table_states
from tests.support.pagination import check_pagination
from tests.support.teams import SampleTeam, create_person_without_team, join_team

MEMBERS = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  project(id: $id) {
    members(first: $first, after: $after, last: $last, before: $before) {
      totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } }
    }
  }
}
"""
CHANGES_QUERY = "query ($after: SyncCursor) { changes(after: $after) { nodes { kind type entityId } } }"


async def members(app: App, person: Person, project_id: str) -> set[str]:
    """The members of a project, as somebody sees them."""
    edges = (await app.run(person, MEMBERS, id=project_id))["project"]["members"]["edges"]
    return {edge["node"]["id"] for edge in edges}


async def can_see(app: App, person: Person, project_id: str) -> bool:
    """Whether somebody sees a project, in whichever way he looks for it."""
    ways = """
    query ($id: ID!) {
      project(id: $id) { id } node(id: $id) { id } projects(first: 100) { nodes { id } } teams { nodes { projects { nodes { id } } } }
    }
    """
    found = await app.run(person, ways, id=project_id)
    answers = {
        found["project"] is not None,
        found["node"] is not None,
        {"id": project_id} in found["projects"]["nodes"],
        any({"id": project_id} in each["projects"]["nodes"] for each in found["teams"]["nodes"]),
    }
    assert len(answers) == 1, found
    return answers.pop()


async def viewers_of(app: App, team: SampleTeam, project_id: str) -> list[str]:
    """Who of the cast sees a project."""
    cast = {name: getattr(team, name) for name in ("owner", "admin", "member", "mate", "guest", "outsider")}
    return [name for name, somebody in cast.items() if await can_see(app, somebody, project_id)]


async def set_members(app: App, person: Person, project_id: str, *, add: Any = (), remove: Any = ()) -> Any:
    """The payload of `projectSetMembers`."""
    given = {"addUserIds": [each.id for each in add], "removeUserIds": [each.id for each in remove]}
    return await mutate(app, person, "projectSetMembers", "project { id version } cursor", id=project_id, **given)


async def test_the_team_sees_its_projects_and_guests_those_that_they_were_added_to(app: App, team: SampleTeam) -> None:
    other = await create_project(app, team, "Other")
    assert await viewers_of(app, team, team.project_id) == ["owner", "admin", "member", "mate", "guest"]
    assert await viewers_of(app, team, other) == ["owner", "admin", "member", "mate"]
    await set_members(app, team.member, other, add=[team.guest])
    assert await viewers_of(app, team, other) == ["owner", "admin", "member", "mate", "guest"]


async def test_a_private_project_is_seen_by_its_members_only_whatever_their_role(app: App, team: SampleTeam) -> None:
    secret = (await mutate_ok(app, team.member, "projectCreate", teamId=team.team_id, name="Secret", visibility="PRIVATE"))["id"]
    written = await create_task(app, team, "Whisper", projectId=secret)
    assert await viewers_of(app, team, secret) == ["member"]
    await set_members(app, team.member, secret, add=[team.guest])
    assert await viewers_of(app, team, secret) == ["member", "guest"]
    ways = "query ($id: ID!, $key: String!) { task(id: $id) { id } taskByKey(key: $key) { id } node(id: $id) { id } tasks { totalCount } }"
    for somebody in (team.owner, team.admin, team.mate):
        found = await app.run(somebody, ways, id=written["id"], key=written["key"])
        assert found == {"task": None, "taskByKey": None, "node": None, "tasks": {"totalCount": 0}}


async def test_only_the_lead_or_an_admin_decides_who_sees_a_project(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    refused = await mutate(app, team.member, "projectUpdate", id=team.project_id, visibility="PRIVATE")
    assert codes_and_paths(refused) == [("FORBIDDEN", None)]
    assert await table_states(app) == before
    assert (await mutate(app, team.owner, "projectUpdate", id=team.project_id, visibility="PRIVATE"))["errors"] == []
    assert await viewers_of(app, team, team.project_id) == ["owner", "guest"]
    assert (await mutate(app, team.owner, "projectUpdate", id=team.project_id, visibility="TEAM"))["errors"] == []
    assert await viewers_of(app, team, team.project_id) == ["owner", "admin", "member", "mate", "guest"]


async def test_a_project_that_lost_all_its_members_is_not_lost_when_it_becomes_private(app: App, team: SampleTeam) -> None:
    left = (await mutate_ok(app, team.mate, "projectCreate", teamId=team.team_id, name="Left behind"))["id"]
    await mutate(app, team.mate, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    assert await members(app, team.member, left) == set()
    assert (await mutate(app, team.admin, "projectUpdate", id=left, visibility="PRIVATE"))["errors"] == []
    assert await viewers_of(app, team, left) == ["admin"]


async def test_those_who_gain_and_lose_sight_are_notified(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.mate])
    cast = (team.member, team.mate)
    start = {who: (await app.run(who, "{ changes { cursor } }"))["changes"]["cursor"] for who in cast}
    await set_members(app, team.owner, secret, add=[team.member], remove=[team.mate])
    results = {who: (await app.run(who, CHANGES_QUERY, after=start[who]))["changes"]["nodes"] for who in cast}
    assert {"kind": "MEMBERSHIP", "type": "Project", "entityId": secret} in results[team.member]
    assert results[team.mate] == [{"kind": "ACCESS_LOST", "type": "Project", "entityId": secret}]


async def test_members_of_the_team_are_added_by_anybody_who_works_there(app: App, team: SampleTeam) -> None:
    payload = await set_members(app, team.member, team.project_id, add=[team.mate, team.mate, team.guest])
    assert (payload["errors"], payload["project"]["version"], payload["cursor"] is None) == ([], 1, False)
    assert await members(app, team.guest, team.project_id) == {team.owner.id, team.guest.id, team.mate.id}
    same = await set_members(app, team.member, team.project_id, add=[team.mate])
    assert (same["errors"], same["cursor"]) == ([], None)


async def test_only_the_lead_or_an_admin_takes_others_out_and_everybody_himself(app: App, team: SampleTeam) -> None:
    await set_members(app, team.member, team.project_id, add=[team.mate, team.member])
    before = await table_states(app)
    assert codes_and_paths(await set_members(app, team.member, team.project_id, remove=[team.mate])) == [("FORBIDDEN", None)]
    assert await table_states(app) == before
    assert (await set_members(app, team.member, team.project_id, remove=[team.member]))["errors"] == []
    assert (await set_members(app, team.admin, team.project_id, remove=[team.mate]))["errors"] == []
    assert await members(app, team.owner, team.project_id) == {team.owner.id, team.guest.id}


async def test_nobody_from_outside_the_team_is_added(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    answers = []
    for user_id in (team.outsider.id, ids.encode("User", UUID(int=9))):
        payload = await mutate(app, team.owner, "projectSetMembers", id=team.project_id, addUserIds=[team.mate.id, user_id])
        assert codes_and_paths(payload) == [("INVALID", ["input", "addUserIds"])]
        answers.append(payload)
    assert answers[0] == answers[1]
    assert await table_states(app) == before


async def test_somebody_always_stays(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    refused = await set_members(app, team.owner, team.project_id, remove=[team.owner, team.guest])
    assert codes_and_paths(refused) == [("INVALID", ["input", "removeUserIds"])]
    assert await table_states(app) == before
    swapped = await set_members(app, team.owner, team.project_id, add=[team.mate], remove=[team.owner, team.guest, team.outsider])
    assert swapped["errors"] == []
    assert await members(app, team.owner, team.project_id) == {team.mate.id}


async def test_a_hundred_people_at_once_are_enough(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    many = [ids.encode("User", UUID(int=number)) for number in range(1, 102)]
    too_many = await mutate(app, team.owner, "projectSetMembers", id=team.project_id, addUserIds=many)
    together = await mutate(
        app, team.owner, "projectSetMembers", id=team.project_id, addUserIds=many[:60], removeUserIds=many[60:]
    )
    assert [(each["code"], each["limit"]) for each in (*too_many["errors"], *together["errors"])] == [("LIMIT_EXCEEDED", 100)] * 2
    assert await table_states(app) == before


async def test_members_are_turned_page_by_page(app: App, team: SampleTeam) -> None:
    twins = [await create_person_without_team(app, "Twin") for _ in range(4)]
    await join_team(app, team.team_id, team.owner, *twins)
    await set_members(app, team.owner, team.project_id, add=[*twins, team.mate])

    async def page(asked: dict[str, Any]) -> Any:
        return (await app.run(team.guest, MEMBERS, id=team.project_id, **asked))["project"]["members"]

    found = await check_pagination(page)
    assert found == [
        team.guest.id,
        team.mate.id,
        team.owner.id,
        *(ids.encode("User", each) for each in sorted(t.user.id for t in twins)),
    ]
