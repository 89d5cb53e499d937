"""Invitations through the graph: asking somebody to join a team, and what becomes of it."""

import asyncio
import hashlib
from typing import Any

import pytest

from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, mutate, mutate_ok, table_states
from tests.support.row_locks import calls_blocked_on_row
from tests.support.teams import SampleTeam, create_person_without_team, uuid_of

INVITE_SELECTION = "team { id } invitation { id email role invitedBy { id } createdAt expiresAt } invitationToken"
INVITATIONS_QUERY = """
query ($id: ID!) {
  team(id: $id) { invitations { totalCount nodes { id email role invitedBy { displayName } } } members { totalCount } }
}
"""


async def invite(app: App, inviter: Person, team: SampleTeam, email: str, **fields: Any) -> Any:
    """The payload of an invitation."""
    return await mutate(app, inviter, "teamInvite", INVITE_SELECTION, teamId=team.team_id, email=email, **fields)


async def accept(app: App, person: Person, token: str) -> Any:
    """The payload of accepting."""
    return await mutate(app, person, "invitationAccept", "team { id viewerRole }", token=token)


async def list_invitations(app: App, team: SampleTeam, viewer: Person | None = None) -> Any:
    """The team as a member sees it."""
    return (await app.run(viewer or team.owner, INVITATIONS_QUERY, id=team.team_id))["team"]


async def test_who_is_invited_joins_in_the_role_that_they_were_asked_for(app: App, team: SampleTeam) -> None:
    payload = await invite(app, team.admin, team, f"  {team.outsider.user.email_address.upper()} ", role="ADMIN")
    assert payload["errors"] == []
    assert payload["team"] == {"id": team.team_id}
    local, _, host = team.outsider.user.email_address.upper().partition("@")
    invitation = payload["invitation"]
    assert (invitation["email"], invitation["role"], invitation["invitedBy"]) == (
        f"{local}@{host.lower()}",
        "ADMIN",
        {"id": team.admin.id},
    )
    assert (await list_invitations(app, team))["invitations"] == {
        "totalCount": 1,
        "nodes": [
            {
                "id": invitation["id"],
                "email": invitation["email"],
                "role": "ADMIN",
                "invitedBy": {"displayName": "Admin Tester"},
            }
        ],
    }
    accepted = await accept(app, team.outsider, payload["invitationToken"])
    assert (accepted["errors"], accepted["team"]) == ([], {"id": team.team_id, "viewerRole": "ADMIN"})
    after = await list_invitations(app, team)
    assert (after["invitations"]["totalCount"], after["members"]["totalCount"]) == (0, 6)


async def test_somebody_is_invited_as_a_member_when_nothing_is_said(app: App, team: SampleTeam) -> None:
    assert (await invite(app, team.owner, team, "new@example.com"))["invitation"]["role"] == "MEMBER"


async def test_only_the_hash_of_a_token_is_kept(app: App, team: SampleTeam) -> None:
    payload = await invite(app, team.owner, team, "new@example.com", clientMutationId="once")
    pool, token = app.sql, payload["invitationToken"]
    stored = await pool.fetchval("SELECT token_hash FROM invitations WHERE id = $1", uuid_of(payload["invitation"]["id"]))
    assert stored == hashlib.sha256(token.encode()).digest()
    for table in ("invitations", "events", "idempotency_keys"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table} t WHERE strpos(t::text, $1) > 0", token) == 0, table


async def test_an_address_stays_out_of_the_log(app: App, team: SampleTeam) -> None:
    await invite(app, team.owner, team, f"quiet-{team.team.id}@example.com")
    found = await app.sql.fetchval("SELECT count(*) FROM events e WHERE strpos(e::text, $1) > 0", f"quiet-{team.team.id}")
    assert found == 0


async def test_members_and_guests_invite_nobody(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    for somebody in (team.member, team.guest):
        assert codes_and_paths(await invite(app, somebody, team, "new@example.com")) == [("FORBIDDEN", None)]
    assert codes_and_paths(await invite(app, team.outsider, team, "new@example.com")) == [("NOT_FOUND", ["input", "teamId"])]
    assert await table_states(app) == before


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"email": "nobody"}, ("INVALID", ["input", "email"])),
        ({"email": ""}, ("INVALID", ["input", "email"])),
        ({"email": "x" * 260 + "@example.com"}, ("TOO_LONG", ["input", "email"])),
        ({"role": "OWNER"}, ("INVALID", ["input", "role"])),
    ],
)
async def test_an_invitation_that_cannot_be_is_refused(app: App, team: SampleTeam, given: Any, refusal: Any) -> None:
    before = await table_states(app)
    assert codes_and_paths(await invite(app, team.owner, team, **({"email": "new@example.com"} | given))) == [refusal]
    assert await table_states(app) == before


async def test_who_is_a_member_already_is_not_invited(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    assert codes_and_paths(await invite(app, team.owner, team, team.mate.user.email_address.upper())) == [
        ("NOT_UNIQUE", ["input", "email"])
    ]
    assert await table_states(app) == before


async def test_a_token_is_worth_nothing_to_another_address(app: App, team: SampleTeam) -> None:
    token = (await invite(app, team.owner, team, team.outsider.user.email_address))["invitationToken"]
    other = await create_person_without_team(app)
    before = await table_states(app)
    refused = await accept(app, other, token)
    assert codes_and_paths(refused) == [("NOT_FOUND", ["input", "token"])]
    assert refused == await accept(app, other, "no such token")
    assert await table_states(app) == before
    assert (await accept(app, team.outsider, token))["errors"] == []


@pytest.mark.parametrize("token", ["", " ", "\u0000", "x" * 10_000])
async def test_what_was_never_a_token_is_not_found(app: App, team: SampleTeam, token: str) -> None:
    assert codes_and_paths(await accept(app, team.outsider, token)) == [("NOT_FOUND", ["input", "token"])]


async def test_a_token_is_good_once(app: App, team: SampleTeam) -> None:
    token = (await invite(app, team.owner, team, team.outsider.user.email_address))["invitationToken"]
    payloads = await asyncio.gather(*(accept(app, team.outsider, token) for _ in range(4)))
    assert sorted(len(payload["errors"]) for payload in payloads) == [0, 1, 1, 1]
    assert {refusal for payload in payloads for refusal in map(str, codes_and_paths(payload))} == {
        str(("NOT_FOUND", ["input", "token"]))
    }
    await mutate(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.outsider.id)
    assert codes_and_paths(await accept(app, team.outsider, token)) == [("NOT_FOUND", ["input", "token"])]


async def test_after_fourteen_days_a_token_is_over(app: App, team: SampleTeam) -> None:
    token = (await invite(app, team.owner, team, team.outsider.user.email_address))["invitationToken"]
    expire = "UPDATE invitations SET expires_at = now() WHERE team_id = $1"
    await app.sql.execute(expire, team.team.id)
    before = await table_states(app)
    assert codes_and_paths(await accept(app, team.outsider, token)) == [("NOT_FOUND", ["input", "token"])]
    assert await table_states(app) == before


async def test_an_earlier_invitation_of_the_same_address_is_replaced(app: App, team: SampleTeam) -> None:
    email = team.outsider.user.email_address
    first = await invite(app, team.owner, team, email, role="ADMIN")
    second = await invite(app, team.admin, team, email.upper(), role="GUEST")
    assert (await list_invitations(app, team))["invitations"]["totalCount"] == 1
    assert codes_and_paths(await accept(app, team.outsider, first["invitationToken"])) == [("NOT_FOUND", ["input", "token"])]
    assert (await accept(app, team.outsider, second["invitationToken"]))["team"]["viewerRole"] == "GUEST"


async def test_an_invitation_is_taken_back_by_admins_only(app: App, team: SampleTeam) -> None:
    made = await invite(app, team.owner, team, team.outsider.user.email_address)
    before = await table_states(app)
    for somebody in (team.member, team.guest):
        assert codes_and_paths(await mutate(app, somebody, "invitationRevoke", id=made["invitation"]["id"])) == [
            ("FORBIDDEN", None)
        ]
    refused = await mutate(app, team.outsider, "invitationRevoke", id=made["invitation"]["id"])
    assert codes_and_paths(refused) == [("NOT_FOUND", ["input", "id"])]
    assert await table_states(app) == before
    assert await mutate_ok(app, team.admin, "invitationRevoke", id=made["invitation"]["id"]) == made["invitation"]["id"]
    assert codes_and_paths(await accept(app, team.outsider, made["invitationToken"])) == [("NOT_FOUND", ["input", "token"])]
    again = await mutate(app, team.admin, "invitationRevoke", id=made["invitation"]["id"])
    assert codes_and_paths(again) == [("NOT_FOUND", ["input", "id"])]


async def test_a_member_who_was_invited_before_they_came_another_way_keeps_their_role(app: App, team: SampleTeam) -> None:
    token = (await invite(app, team.owner, team, team.outsider.user.email_address, role="ADMIN"))["invitationToken"]
    insert = "INSERT INTO team_members (team_id, user_id, role, joined_at) VALUES ($1, $2, 'GUEST', now())"
    await app.sql.execute(insert, team.team.id, team.outsider.user.id)
    before = await table_states(app)
    assert codes_and_paths(await accept(app, team.outsider, token)) == [("FORBIDDEN", None)]
    assert await table_states(app) == before


@pytest.mark.parametrize("accepts_first", [True, False])
async def test_who_joins_while_the_team_is_dissolved_is_in_no_team(app: App, team: SampleTeam, accepts_first: bool) -> None:
    token = (await invite(app, team.owner, team, team.outsider.user.email_address))["invitationToken"]
    calls = [accept(app, team.outsider, token), mutate(app, team.owner, "teamDelete", id=team.team_id)]
    async with calls_blocked_on_row(app, "teams", team.team.id) as line:
        for call in calls if accepts_first else reversed(calls):
            line.start(call)
            await asyncio.sleep(0.05)
    seen = "query ($id: ID!) { team(id: $id) { id } teams { totalCount } }"
    assert await app.run(team.outsider, seen, id=team.team_id) == {"team": None, "teams": {"totalCount": 1}}
    assert await app.sql.fetchval("SELECT count(*) FROM team_members WHERE team_id = $1", team.team.id) == 0


async def test_an_invitation_is_a_node_for_members_only(app: App, team: SampleTeam) -> None:
    made = await invite(app, team.owner, team, "new@example.com")
    query = "query ($id: ID!) { node(id: $id) { id ... on Invitation { email } } }"
    seen = {"node": {"id": made["invitation"]["id"], "email": "new@example.com"}}
    assert await app.run(team.member, query, id=made["invitation"]["id"]) == seen
    assert await app.run(team.outsider, query, id=made["invitation"]["id"]) == {"node": None}


async def test_an_invitation_repeated_from_memory_does_not_hold_its_token(app: App, team: SampleTeam) -> None:
    given = {"email": "new@example.com", "clientMutationId": "twice"}
    first = await invite(app, team.owner, team, **given)
    again = await invite(app, team.owner, team, **given)
    assert again["invitation"] == first["invitation"]
    assert (first["invitationToken"] is None, again["invitationToken"]) == (False, None)
