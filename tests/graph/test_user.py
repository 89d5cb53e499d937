"""Users through the graph: who sees whom, and what one changes about oneself."""

from typing import Any
from uuid import UUID

import pytest

from domain.actor import Scope
from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import mutate_ok
from tests.support.teams import SampleTeam, actor_with_scopes, create_person_without_team, join_team, with_session

VIEWER = "{ viewer { id displayName email timeZone locale isBot avatarUrl viewerCan teams { nodes { id } } } }"
USER = "query ($id: ID!) { user(id: $id) { id displayName email status viewerCan teams { totalCount nodes { id } } } }"
USERS = """
query ($query: String, $first: Int, $after: String, $last: Int, $before: String) {
  users(query: $query, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id displayName }
  }
}
"""
UPDATE = """
mutation ($input: UserUpdateInput!) {
  userUpdate(input: $input) {
    clientMutationId cursor
    user { id version firstName lastName displayName timeZone locale }
    errors {
      __typename code path message
      ... on ConflictError { currentVersion current { id version ... on User { firstName } } }
    }
  }
}
"""
DELETE = """
mutation ($input: DeleteInput!) {
  userDelete(input: $input) { deletedId errors { __typename code path message ... on ForbiddenError { missing } } }
}
"""
REMOVE = "mutation ($input: TeamMemberRemoveInput!) { teamMemberRemove(input: $input) { errors { code } } }"


async def update_user(app: App, person: Person, **fields: Any) -> Any:
    """The payload of `userUpdate`."""
    return (await app.run(person, UPDATE, input=fields))["userUpdate"]


async def profile(app: App, person: Person) -> Any:
    """What somebody sees of himself."""
    fields = "id version firstName lastName displayName timeZone locale"
    return (await app.run(person, f"{{ viewer {{ {fields} }} }}"))["viewer"]


# ── seeing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_is_the_viewer_of_somebody_who_is_not_signed_in(app: App) -> None:
    assert await app.run(None, "{ viewer { id } }") == {"viewer": None}


async def test_the_viewer_is_who_asks(app: App, team: SampleTeam) -> None:
    assert await app.run(team.mate, VIEWER) == {
        "viewer": {
            "id": team.mate.id,
            "displayName": "Mate Tester",
            "email": team.mate.user.email_address,
            "timeZone": "UTC",
            "locale": "en",
            "isBot": False,
            "avatarUrl": None,
            "viewerCan": ["READ", "UPDATE", "DELETE"],
            "teams": {"nodes": [{"id": team.team_id}]},
        }
    }


async def test_whoever_shares_a_team_is_seen_with_address_and_the_teams_in_common(app: App, team: SampleTeam) -> None:
    for seer in (team.owner, team.admin, team.member, team.guest):
        assert await app.run(seer, USER, id=team.mate.id) == {
            "user": {
                "id": team.mate.id,
                "displayName": "Mate Tester",
                "email": team.mate.user.email_address,
                "status": "ACTIVE",
                "viewerCan": ["READ"],
                "teams": {"totalCount": 1, "nodes": [{"id": team.team_id}]},
            }
        }


async def test_an_outsider_is_not_there(app: App, team: SampleTeam) -> None:
    nobody = ids.encode("User", UUID(int=1))
    assert await app.run(team.member, USER, id=team.outsider.id) == {"user": None}
    assert await app.run(team.outsider, USER, id=team.member.id) == await app.run(team.outsider, USER, id=nobody)


async def test_one_sees_oneself_without_any_team(app: App) -> None:
    alone = await create_person_without_team(app)
    seen = (await app.run(alone, USER, id=alone.id))["user"]
    assert (seen["email"], seen["teams"]) == (alone.user.email_address, {"totalCount": 0, "nodes": []})
    assert (await app.run(alone, USERS))["users"]["nodes"] == [{"id": alone.id, "displayName": "Stranger Tester"}]


async def test_everybody_of_ones_teams_is_listed_once_by_name(app: App, team: SampleTeam) -> None:
    choir = (await mutate_ok(app, team.member, "teamCreate", name=f"Choir {team.team.key}"))["id"]
    await join_team(app, choir, team.member, team.mate)
    seen = (await app.run(team.member, USERS))["users"]
    names = ["Admin Tester", "Guest Tester", "Mate Tester", "Member Tester", "Owner Tester"]
    assert [each["displayName"] for each in seen["nodes"]] == names
    assert seen["totalCount"] == 5


async def test_people_are_found_by_part_of_name_or_address_without_regard_to_case(app: App, team: SampleTeam) -> None:
    async def found(query: str) -> list[str]:
        nodes = (await app.run(team.member, USERS, query=query))["users"]["nodes"]
        return [each["displayName"] for each in nodes]

    assert await found("mAtE t") == ["Mate Tester"]
    assert await found(team.guest.user.email_address.upper()) == ["Guest Tester"]
    assert await found("outsider") == []
    assert await found("%") == []
    assert await found("_") == []
    assert len(await found("")) == 5


async def test_a_nul_in_a_query_is_the_clients_mistake(app: App, team: SampleTeam) -> None:
    answer = await app.execute(team.member, USERS, query="a\u0000b")
    assert answer["data"] == {"users": None}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_the_address_of_an_ex_colleague_is_hidden_and_their_name_stays_with_what_they_did(
    app: App, team: SampleTeam
) -> None:
    create = "mutation ($input: TaskCreateInput!) { taskCreate(input: $input) { task { id creator { displayName email } } } }"
    given = {"projectId": team.project_id, "title": "Remember me"}
    task = (await app.run(team.mate, create, input=given))["taskCreate"]["task"]
    assert task["creator"] == {"displayName": "Mate Tester", "email": team.mate.user.email_address}
    await app.run(team.admin, REMOVE, input={"teamId": team.team_id, "userId": team.mate.id})
    shown = "query ($id: ID!) { task(id: $id) { creator { displayName email account { email } } } }"
    seen = await app.run(team.member, shown, id=task["id"])
    assert seen["task"]["creator"] == {"displayName": "Mate Tester", "email": None, "account": None}
    assert await app.run(team.member, USER, id=team.mate.id) == {"user": None}


async def test_a_token_without_the_scope_sees_no_teams_of_the_viewer(app: App, team: SampleTeam) -> None:
    actor = actor_with_scopes(team.member, Scope.PROFILE_READ)
    answer = await app.execute(None, "{ viewer { id teams { nodes { id } } } }", actor=actor)
    assert answer["data"]["viewer"] is None
    assert answer["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "TEAMS_READ"}


# ── changing oneself ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_given_is_changed_and_what_is_absent_stays(app: App, team: SampleTeam) -> None:
    payload = await update_user(app, team.mate, firstName=" Maxime ", timeZone="Europe/Rome", clientMutationId="m")
    assert payload["errors"] == []
    assert payload["clientMutationId"] == "m"
    assert payload["cursor"] is not None
    assert payload["user"] == {
        "id": team.mate.id,
        "version": 2,
        "firstName": "Maxime",
        "lastName": "Tester",
        "displayName": "Maxime Tester",
        "timeZone": "Europe/Rome",
        "locale": "en",
    }
    assert payload["user"] == await profile(app, team.mate)


async def test_saying_what_is_so_already_changes_nothing(app: App, team: SampleTeam) -> None:
    payload = await update_user(app, team.mate, firstName="Mate", locale="en")
    assert (payload["errors"], payload["cursor"], payload["user"]["version"]) == ([], None, 1)
    assert (await update_user(app, team.mate))["user"]["version"] == 1


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"firstName": None}, ("REQUIRED", "firstName", "A value is needed here.")),
        ({"firstName": "  "}, ("REQUIRED", "firstName", "A value is needed here.")),
        ({"lastName": "x" * 101}, ("TOO_LONG", "lastName", "At most 100 characters are allowed.")),
        ({"lastName": "two\nlines"}, ("INVALID", "lastName", "Line breaks and tabs are not allowed.")),
        ({"timeZone": None}, ("INVALID", "timeZone", "This is not an IANA time zone, such as Europe/Rome.")),
        ({"timeZone": ""}, ("INVALID", "timeZone", "This is not an IANA time zone, such as Europe/Rome.")),
        ({"timeZone": "Europe"}, ("INVALID", "timeZone", "This is not an IANA time zone, such as Europe/Rome.")),
        ({"timeZone": "Mars/Olympus"}, ("INVALID", "timeZone", "This is not an IANA time zone, such as Europe/Rome.")),
        ({"timeZone": "../../etc/passwd"}, ("INVALID", "timeZone", "This is not an IANA time zone, such as Europe/Rome.")),
        ({"timeZone": "Europe/Rome\u0000"}, ("INVALID", "timeZone", "This is not an IANA time zone, such as Europe/Rome.")),
        ({"timeZone": "x" * 5000}, ("INVALID", "timeZone", "This is not an IANA time zone, such as Europe/Rome.")),
        ({"locale": None}, ("INVALID", "locale", "This is not a language tag, such as en or pt-BR.")),
        ({"locale": "English please"}, ("INVALID", "locale", "This is not a language tag, such as en or pt-BR.")),
        ({"locale": "en\n"}, ("INVALID", "locale", "This is not a language tag, such as en or pt-BR.")),
        ({"locale": "en" + "-aaaaaaaa" * 5}, ("INVALID", "locale", "This is not a language tag, such as en or pt-BR.")),
    ],
)
async def test_what_cannot_be_accepted_is_refused_and_nothing_changes(
    app: App, team: SampleTeam, given: Any, error: tuple[str, str, str]
) -> None:
    before = await profile(app, team.mate)
    payload = await update_user(app, team.mate, **({"locale": "it"} | given))
    code, field, message = error
    assert payload["errors"] == [{"__typename": "ValidationError", "code": code, "path": ["input", field], "message": message}]
    assert (payload["user"], payload["cursor"]) == (None, None)
    assert await profile(app, team.mate) == before


@pytest.mark.parametrize("zone", ["UTC", "Europe/Rome", "America/Argentina/Buenos_Aires", "Etc/GMT+3"])
async def test_time_zones_are_named_as_iana_names_them(app: App, team: SampleTeam, zone: str) -> None:
    assert (await update_user(app, team.mate, timeZone=zone))["user"]["timeZone"] == zone


@pytest.mark.parametrize("tag", ["it", "pt-BR", "zh-Hant-TW", "de-CH-1996"])
async def test_locales_are_language_tags(app: App, team: SampleTeam, tag: str) -> None:
    assert (await update_user(app, team.mate, locale=tag))["user"]["locale"] == tag


async def test_an_edit_of_an_old_version_is_a_conflict_that_shows_the_current_one(app: App, team: SampleTeam) -> None:
    await update_user(app, team.mate, firstName="Max", expectedVersion=1)
    payload = await update_user(app, team.mate, firstName="Moritz", expectedVersion=1)
    assert payload["user"] is None
    assert payload["errors"] == [
        {
            "__typename": "ConflictError",
            "code": "CONFLICT",
            "path": ["input", "expectedVersion"],
            "message": "The object has changed since you read it.",
            "currentVersion": 2,
            "current": {"id": team.mate.id, "version": 2, "firstName": "Max"},
        }
    ]
    assert (await profile(app, team.mate))["firstName"] == "Max"


# ── leaving for good ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_whoever_owns_a_team_hands_it_over_first(app: App, team: SampleTeam) -> None:
    before = await profile(app, team.owner)
    owner = await with_session(app, team.owner)
    payload = (await app.run(owner, DELETE, input={"id": owner.id}))["userDelete"]
    assert payload == {
        "deletedId": None,
        "errors": [
            {
                "__typename": "ForbiddenError",
                "code": "FORBIDDEN",
                "path": None,
                "message": "Hand over the teams that you own, or delete them, first.",
                "missing": "DELETE",
            }
        ],
    }
    assert await profile(app, team.owner) == before
    assert (await app.run(team.member, USER, id=team.owner.id))["user"]["status"] == "ACTIVE"


async def test_nobody_closes_the_account_of_somebody_else(app: App, team: SampleTeam) -> None:
    for other in (team.mate, team.outsider):
        payload = (await app.run(team.owner, DELETE, input={"id": other.id}))["userDelete"]
        assert [(each["code"], each["path"]) for each in payload["errors"]] == [("NOT_FOUND", ["input", "id"])]
        assert (await profile(app, other))["version"] == 1


async def test_a_closed_account_leaves_its_teams_and_history_says_former_member(app: App, team: SampleTeam) -> None:
    create = "mutation ($input: TaskCreateInput!) { taskCreate(input: $input) { task { id } } }"
    given = {"projectId": team.project_id, "title": "Old work", "assigneeId": team.mate.id}
    task_id = (await app.run(team.mate, create, input=given))["taskCreate"]["task"]["id"]

    mate = await with_session(app, team.mate)
    await app.run(mate, "mutation { calendarFeedRotate(input: {}) { user { id } } }")
    payload = (await app.run(mate, DELETE, input={"id": mate.id, "expectedVersion": 1}))["userDelete"]
    assert payload == {"deletedId": team.mate.id, "errors": []}
    assert await app.sql.fetchval("SELECT count(*) FROM calendar_feeds WHERE user_id = $1", team.mate.user.id) == 0

    shown = "creator { displayName email status } activity { nodes { actor { displayName } } }"
    task = (await app.run(team.member, f"query ($id: ID!) {{ task(id: $id) {{ {shown} }} }}", id=task_id))["task"]
    assert task["creator"] == {"displayName": "Former member", "email": None, "status": "INACTIVE"}
    assert task["activity"]["nodes"] == [{"actor": {"displayName": "Former member"}}]
    assert await app.run(team.member, USER, id=team.mate.id) == {"user": None}
    members = "query ($id: ID!) { team(id: $id) { members { totalCount nodes { id } } } }"
    seen = (await app.run(team.member, members, id=team.team_id))["team"]["members"]
    assert seen["totalCount"] == 4
    assert team.mate.id not in [each["id"] for each in seen["nodes"]]
    row = await app.sql.fetchrow("SELECT * FROM users WHERE id = $1", team.mate.user.id)
    assert row is not None
    assert (row["email"], row["password_hash"]) == (f"{team.mate.user.id}@deleted.invalid", None)


async def test_an_old_version_of_an_account_is_not_closed(app: App, team: SampleTeam) -> None:
    await update_user(app, team.mate, locale="it")
    payload = (await app.run(team.mate, DELETE, input={"id": team.mate.id, "expectedVersion": 1}))["userDelete"]
    assert [each["code"] for each in payload["errors"]] == ["CONFLICT"]
    assert (await app.run(team.member, USER, id=team.mate.id))["user"]["status"] == "ACTIVE"
