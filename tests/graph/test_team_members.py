"""Members of teams through the graph: roles, handing over, leaving, and the list of them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.permissions import Role
from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, create_project, mutate, mutate_ok, table_states
from tests.support.pagination import check_pagination
from tests.support.row_locks import calls_blocked_on_row
from tests.support.teams import SampleTeam, join_team, with_session

TEAM = """
query ($id: ID!) {
  team(id: $id) {
    id version name key description owner { id } viewerRole viewerCan members { totalCount edges { role node { id } } }
  }
}
"""
MEMBERS = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $role: TeamRole, $query: String) {
  team(id: $id) {
    members(first: $first, after: $after, last: $last, before: $before, role: $role, query: $query) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor role joinedAt node { id displayName } }
      nodes { displayName }
    }
  }
}
"""
SELECTION = "team { id version owner { id } viewerRole }"


async def fetch_team(app: App, person: Person, team: SampleTeam) -> Any:
    """The team as somebody sees it; None where he doesn't."""
    return (await app.run(person, TEAM, id=team.team_id))["team"]


async def roles(app: App, team: SampleTeam) -> dict[str, str]:
    """The roles in a team by who has them."""
    edges = (await fetch_team(app, team.owner, team))["members"]["edges"]
    return {edge["node"]["id"]: edge["role"] for edge in edges}


async def test_a_role_is_given_by_admins_and_the_owner_only(app: App, team: SampleTeam) -> None:
    given = {"teamId": team.team_id, "userId": team.mate.id, "role": "GUEST"}
    before = await table_states(app)
    for somebody in (team.member, team.guest, team.mate):
        assert codes_and_paths(await mutate(app, somebody, "teamMemberSetRole", **given)) == [("FORBIDDEN", None)]
    assert await table_states(app) == before
    assert (await mutate(app, team.admin, "teamMemberSetRole", SELECTION, **given))["errors"] == []
    assert (await roles(app, team))[team.mate.id] == "GUEST"


async def test_giving_the_role_that_somebody_has_changes_nothing(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    assert (await mutate(app, team.admin, "teamMemberSetRole", teamId=team.team_id, userId=team.mate.id, role="MEMBER"))[
        "errors"
    ] == []
    assert await table_states(app) == before


async def test_handing_the_team_over_makes_the_owner_an_admin(app: App, team: SampleTeam) -> None:
    given = {"teamId": team.team_id, "userId": team.guest.id, "role": "OWNER"}
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.admin, "teamMemberSetRole", **given)) == [("FORBIDDEN", None)]
    assert await table_states(app) == before
    payload = await mutate(app, team.owner, "teamMemberSetRole", SELECTION, **given)
    assert (payload["team"]["owner"], payload["team"]["viewerRole"], payload["team"]["version"]) == (
        {"id": team.guest.id},
        "ADMIN",
        2,
    )
    held = await roles(app, team)
    assert (held[team.owner.id], held[team.guest.id]) == ("ADMIN", "OWNER")
    assert codes_and_paths(await mutate(app, team.owner, "teamDelete", id=team.team_id)) == [("FORBIDDEN", None)]


async def test_of_several_who_are_handed_the_team_at_once_one_owns_it(app: App, team: SampleTeam) -> None:
    given = {"teamId": team.team_id, "role": "OWNER"}
    async with calls_blocked_on_row(app, "teams", team.team.id) as line:
        for heir in (team.admin, team.mate, team.guest):
            line.start(mutate(app, team.owner, "teamMemberSetRole", **given, userId=heir.id))
    owners = [who for who, role in (await roles(app, team)).items() if role == "OWNER"]
    assert owners == [(await fetch_team(app, team.owner, team))["owner"]["id"]]
    assert owners != [team.owner.id]


async def test_who_is_removed_while_they_wait_does_nothing_more(app: App, team: SampleTeam) -> None:
    async with calls_blocked_on_row(app, "teams", team.team.id) as line:
        line.start(mutate(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.admin.id))
        await asyncio.sleep(0.1)
        line.start(mutate(app, team.admin, "teamUpdate", id=team.team_id, description="Mine."))
    assert codes_and_paths(line.results[1]) == [("NOT_FOUND", ["input", "id"])]
    assert (await fetch_team(app, team.owner, team))["description"] is None


@pytest.mark.slow
async def test_a_team_is_not_handed_to_somebody_who_is_closing_their_account(app: App, team: SampleTeam) -> None:
    mate = await with_session(app, team.mate)
    async with calls_blocked_on_row(app, "teams", team.team.id) as line:
        line.start(mutate(app, team.owner, "teamMemberSetRole", teamId=team.team_id, userId=team.mate.id, role="OWNER"))
        line.start(mutate(app, mate, "userDelete", id=mate.id))
    outcome = [codes_and_paths(each) for each in line.results]
    owner = (await app.run(team.member, TEAM, id=team.team_id))["team"]["owner"]["id"]
    assert (owner, outcome) in [
        (team.mate.id, [[], [("FORBIDDEN", None)]]),
        (team.owner.id, [[("NOT_FOUND", ["input", "userId"])], []]),
    ]


async def test_the_owner_is_not_demoted_or_removed_and_cannot_leave(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    for somebody in (team.owner, team.admin):
        demoted = await mutate(app, somebody, "teamMemberSetRole", teamId=team.team_id, userId=team.owner.id, role="ADMIN")
        removed = await mutate(app, somebody, "teamMemberRemove", teamId=team.team_id, userId=team.owner.id)
        assert codes_and_paths(demoted) == [("INVALID", ["input", "role"])]
        assert codes_and_paths(removed) == [("INVALID", ["input", "userId"])]
    assert await table_states(app) == before


async def test_whoever_is_no_member_is_not_found(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    for user_id in (team.outsider.id, ids.encode("User", UUID(int=3))):
        given = {"teamId": team.team_id, "userId": user_id}
        assert codes_and_paths(await mutate(app, team.owner, "teamMemberSetRole", **given, role="GUEST")) == [
            ("NOT_FOUND", ["input", "userId"])
        ]
        assert codes_and_paths(await mutate(app, team.owner, "teamMemberRemove", **given)) == [("NOT_FOUND", ["input", "userId"])]
    assert await table_states(app) == before


async def test_a_member_leaves_by_himself_and_is_removed_by_admins_only(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    refused = await mutate(app, team.member, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    assert codes_and_paths(refused) == [("FORBIDDEN", None)]
    assert await table_states(app) == before
    assert (await mutate(app, team.mate, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id))["errors"] == []
    assert (await mutate(app, team.admin, "teamMemberRemove", teamId=team.team_id, userId=team.guest.id))["errors"] == []
    assert set(await roles(app, team)) == {team.owner.id, team.admin.id, team.member.id}
    for gone in (team.mate, team.guest):
        assert await fetch_team(app, gone, team) is None
        assert await app.run(gone, "query ($id: ID!) { project(id: $id) { id } }", id=team.project_id) == {"project": None}


async def test_who_comes_back_as_a_guest_sees_no_project_that_they_saw_before(app: App, team: SampleTeam) -> None:
    await mutate(app, team.admin, "teamMemberRemove", teamId=team.team_id, userId=team.guest.id)
    await join_team(app, team.team_id, team.admin, team.guest, role=Role.GUEST)
    assert (await fetch_team(app, team.guest, team))["viewerRole"] == "GUEST"
    assert (await app.run(team.guest, "{ projects { totalCount } }"))["projects"]["totalCount"] == 0


async def test_a_private_project_whose_only_member_leaves_comes_to_the_owner(app: App, team: SampleTeam) -> None:
    made = await mutate_ok(app, team.mate, "projectCreate", teamId=team.team_id, name="Secret", visibility="PRIVATE")
    shared = await create_project(app, team, "Shared", private_to=[team.mate])
    query = "query ($id: ID!) { project(id: $id) { members { nodes { id } } } }"
    assert await app.run(team.owner, query, id=made["id"]) == {"project": None}
    await mutate(app, team.mate, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    assert await app.run(team.owner, query, id=made["id"]) == {"project": {"members": {"nodes": [{"id": team.owner.id}]}}}
    assert await app.run(team.owner, query, id=shared) == {"project": {"members": {"nodes": [{"id": team.owner.id}]}}}
    assert await app.run(team.admin, query, id=made["id"]) == {"project": None}


async def test_members_are_notified_of_what_happens_among_them(app: App, team: SampleTeam) -> None:
    query = "query ($after: SyncCursor) { changes(after: $after) { cursor nodes { kind type fields { field before after } } } }"
    start = {who: (await app.run(who, "{ changes { cursor } }"))["changes"]["cursor"] for who in (team.member, team.mate)}
    await mutate(app, team.admin, "teamMemberSetRole", teamId=team.team_id, userId=team.mate.id, role="GUEST")
    await mutate(app, team.admin, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)

    def membership(role: str) -> Any:
        return {"userId": team.mate.id, "role": role}

    results = (await app.run(team.member, query, after=start[team.member]))["changes"]["nodes"]
    assert results == [
        {
            "kind": "MEMBERSHIP",
            "type": "Team",
            "fields": [{"field": "members", "before": membership("MEMBER"), "after": membership("GUEST")}],
        },
        {
            "kind": "MEMBERSHIP",
            "type": "Team",
            "fields": [{"field": "members", "before": membership("GUEST"), "after": None}],
        },
    ]
    lost = (await app.run(team.mate, query, after=start[team.mate]))["changes"]["nodes"]
    assert lost[-1] == {"kind": "ACCESS_LOST", "type": "Team", "fields": []}


async def test_members_are_listed_by_name_and_narrowed_by_role_and_query(app: App, team: SampleTeam) -> None:
    async def names(**given: Any) -> list[str]:
        members = (await app.run(team.guest, MEMBERS, id=team.team_id, **given))["team"]["members"]
        listed = [node["displayName"] for node in members["nodes"]]
        assert members["totalCount"] == len(listed)
        assert [edge["node"]["displayName"] for edge in members["edges"]] == listed
        return listed

    assert await names() == ["Admin Tester", "Guest Tester", "Mate Tester", "Member Tester", "Owner Tester"]
    assert await names(role="MEMBER") == ["Mate Tester", "Member Tester"]
    assert await names(query="MEM") == ["Member Tester"]
    assert await names(query=team.mate.user.email_address) == ["Mate Tester"]
    assert await names(role="OWNER", query="mem") == []


async def test_members_are_turned_page_by_page_in_both_directions(app: App, team: SampleTeam) -> None:
    async def page(asked: dict[str, Any]) -> Any:
        return (await app.run(team.member, MEMBERS, id=team.team_id, **asked))["team"]["members"]

    for size in (1, 2, 3, 5):
        assert await check_pagination(page, size=size) == [
            each.id for each in (team.admin, team.guest, team.mate, team.member, team.owner)
        ]
