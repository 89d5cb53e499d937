"""The audit log of a team: what stands in it, and who may read it."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.actor import Actor, Scope
from domain.session import Device
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from resolvers.context import Context
from tests.support.app import App, Person
from tests.support.audit import AUDIT_LOG, actions, audit_log, record_streams, record_team, stored_log
from tests.support.graph_actions import create_project, create_task, mutate, mutate_ok
from tests.support.sign_in import PASSWORD, SIGN_IN, register, sign_in
from tests.support.teams import SampleTeam, uuid_of, with_session

BROWSER = Device(user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", ip_address="203.0.113.7")


def from_browser(app: App, monkeypatch: pytest.MonkeyPatch, device: Device = BROWSER) -> None:
    """Have the application's operations come from a device."""

    def context(person: Person | None, actor: Actor | None = None, **options: Any) -> Context:
        return Context(app.resources.services, actor or (person.actor if person else None), device, **options)

    monkeypatch.setattr(app, "context", context)


async def test_a_change_is_recorded_with_who_from_where_by_what_and_both_values(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await with_session(app, team.member)
    from_browser(app, monkeypatch)
    task = await create_task(app, team, "Draft", by=member)
    await mutate_ok(app, member, "taskUpdate", id=task["id"], title="Final", clientMutationId="one")
    await record_team(app, team)
    page = await audit_log(app, team.owner, team.team_id, first=1)
    (entry,) = page["nodes"]
    assert member.session_id is not None
    assert page["brokenAt"] is None
    assert entry["detail"] == {
        "changes": [{"field": "title", "before": "Draft", "after": "Final"}],
        "credential": {"type": "Session", "id": ids.encode("Session", member.session_id)},
        "clientMutationId": "one",
    }
    shown = {name: entry[name] for name in ("action", "subjectId", "actor", "actorLabel", "ipAddress", "userAgent")}
    assert shown == {
        "action": "task.updated",
        "subjectId": task["id"],
        "actor": {"id": member.id},
        "actorLabel": "Member Tester",
        "ipAddress": "203.0.113.7",
        "userAgent": BROWSER.user_agent,
    }


async def test_what_came_and_went_is_recorded_as_a_whole(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Short-lived", description="x" * 1_001)
    await mutate_ok(app, team.owner, "taskDelete", id=task["id"])
    await record_team(app, team)
    gone, made = (await audit_log(app, team.owner, team.team_id, first=2))["nodes"]
    assert (made["action"], gone["action"]) == ("task.created", "task.deleted")
    values = {each["field"]: (each["before"], each["after"]) for each in made["detail"]["changes"]}
    assert values["title"] == (None, "Short-lived")
    assert values["projectId"] == (None, team.project_id)
    assert values["description"][1]["text"] == "x" * 200
    assert values["description"][1]["characters"] == 1_001
    assert {each["field"]: each["before"] for each in gone["detail"]["changes"]}["title"] == "Short-lived"


async def test_numbers_have_no_gaps_and_batches_make_no_difference(app: App, team: SampleTeam) -> None:
    for number in range(7):
        await create_task(app, team, f"Task {number}")
    await record_team(app, team, batch=3)
    before = await stored_log(app, team.team.id)
    await record_team(app, team, batch=100)  # again, as after a restored cursor: nothing comes twice
    assert await stored_log(app, team.team.id) == before
    assert [row["number"] for row in before] == list(range(1, len(before) + 1))
    assert [row["action"] for row in before[-7:]] == ["task.created"] * 7


async def test_signing_in_and_being_refused_stand_in_the_logs_of_ones_teams(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = f"{uuid4()}@example.com"
    somebody = await joined(app, team, email)
    from_browser(app, monkeypatch)
    await sign_in(app, email)
    await app.execute(None, SIGN_IN, input={"email": email, "password": "wrong horse battery"})
    await record_team(app, team, somebody)
    refused, started = (await audit_log(app, team.owner, team.team_id, first=2))["nodes"]
    assert (refused["action"], started["action"]) == ("signIn.refused", "session.started")
    assert {each["field"]: each["after"] for each in refused["detail"]["changes"]} == {"reason": "PASSWORD"}
    for each in (refused, started):
        assert each["actor"] == {"id": somebody.id}
        assert each["ipAddress"] == "203.0.113.7"
        assert PASSWORD not in repr(each)
        assert "wrong horse" not in repr(each)
    assert refused["subjectId"] is None
    assert "audit" not in repr(await app.run(somebody, "{ changes(after: null) { cursor } }"))


async def test_a_wrong_password_of_nobody_is_written_too_but_stands_in_no_log(app: App, team: SampleTeam) -> None:
    written = "SELECT count(*) FROM events WHERE type = 'SignInRefused' AND actor_user_id IS NULL"
    before = await app.sql.fetchval(written)
    await app.execute(None, SIGN_IN, input={"email": f"{uuid4()}@example.com", "password": "wrong horse battery"})
    assert await app.sql.fetchval(written) == before + 1
    streams = await app.sql.fetch("SELECT stream FROM streams WHERE stream LIKE 'audit:00000000-0000-0000-0000-%'")
    count = await app.sql.fetchval("SELECT count(*) FROM audit_entries")
    await record_streams(app, [row[0] for row in streams])
    assert await app.sql.fetchval("SELECT count(*) FROM audit_entries") == count


async def test_what_a_member_was_refused_stands_in_the_log_of_that_team_only(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    payload = await mutate(app, team.guest, "taskDelete", id=task["id"])
    assert [each["code"] for each in payload["errors"]] == ["FORBIDDEN"]
    payload = await mutate(app, team.outsider, "taskDelete", id=task["id"])
    assert [each["code"] for each in payload["errors"]] == ["NOT_FOUND"]
    await record_team(app, team, team.guest, team.outsider)
    (entry,) = (await audit_log(app, team.owner, team.team_id, first=1))["nodes"]
    assert (entry["action"], entry["actor"]) == ("operation.refused", {"id": team.guest.id})
    assert {each["field"]: each["after"] for each in entry["detail"]["changes"]} == {"name": "task.delete", "action": "DELETE"}
    assert (await actions(app, team.owner, team.team_id)).count("operation.refused") == 1


async def test_secrets_stand_in_no_log(app: App, team: SampleTeam) -> None:
    owner = await with_session(app, team.owner)
    token = await mutate(app, owner, "apiTokenCreate", "secret apiToken { id }", name="Script", scopes=["TASKS_READ"])
    client = await mutate(
        app,
        owner,
        "oauthClientCreate",
        "secret",
        teamId=team.team_id,
        name="App",
        isPublic=False,
        redirectUris=[],
        grants=["CLIENT_CREDENTIALS"],
        scopes=["TASKS_READ"],
    )
    invited = await mutate(
        app, owner, "teamInvite", "invitationToken", teamId=team.team_id, email="eve@example.com", role="MEMBER"
    )
    await record_team(app, team, owner)
    rows = repr(await stored_log(app, team.team.id))
    done = await actions(app, team.owner, team.team_id)
    assert {"apiToken.created", "oauthClient.created", "team.invitationChanged"} <= set(done)
    for secret in (token["secret"], client["secret"], invited["invitationToken"], "eve@example.com"):
        assert secret
        assert secret not in rows


async def test_an_api_token_is_named(app: App, team: SampleTeam) -> None:
    owner = await with_session(app, team.owner)
    made = await mutate(app, owner, "apiTokenCreate", "secret apiToken { id }", name="Nightly", scopes=list(Scope))
    credentials = await app.resources.tokens.authenticate(f"Bearer {made['secret']}")
    assert credentials is not None
    await app.execute(
        None,
        "mutation ($input: TeamUpdateInput!) { teamUpdate(input: $input) { errors { code } } }",
        actor=credentials.actor,
        input={"id": team.team_id, "description": "By a script."},
    )
    await record_team(app, team)
    (entry,) = (await audit_log(app, team.owner, team.team_id, first=1))["nodes"]
    assert entry["detail"]["credential"] == {"type": "ApiToken", "id": made["apiToken"]["id"], "name": "Nightly"}


@pytest.mark.parametrize("role", ["member", "guest", "outsider"])
async def test_whoever_does_not_manage_the_team_reads_nothing(app: App, team: SampleTeam, role: str) -> None:
    await record_team(app, team)
    entry_id = (await audit_log(app, team.owner, team.team_id, first=1))["nodes"][0]["id"]
    person = getattr(team, role)
    seen = (await app.run(person, AUDIT_LOG, id=team.team_id))["team"]
    nothing: dict[str, Any] = {
        "totalCount": 0,
        "brokenAt": None,
        "pageInfo": {"hasNextPage": False, "endCursor": None},
        "nodes": [],
    }
    assert seen == (None if role == "outsider" else {"auditLog": nothing})
    assert await app.run(person, "query ($id: ID!) { node(id: $id) { id } }", id=entry_id) == {"node": None}
    assert await app.run(team.admin, "query ($id: ID!) { node(id: $id) { id } }", id=entry_id) == {"node": {"id": entry_id}}


async def test_a_token_without_the_scope_reads_nothing(app: App, team: SampleTeam) -> None:
    actor = replace(team.owner.actor, scopes=frozenset(Scope) - {Scope.AUDIT_READ})
    answer = await app.execute(None, AUDIT_LOG, actor=actor, id=team.team_id)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["INSUFFICIENT_SCOPE"]


async def test_values_in_a_private_project_are_shown_to_its_members_only(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[])
    task = await create_task(app, team, "Layoffs", by=team.owner, projectId=secret)
    await record_team(app, team)
    (seen,) = (await audit_log(app, team.owner, team.team_id, first=1))["nodes"]
    (hidden,) = (await audit_log(app, team.admin, team.team_id, first=1))["nodes"]
    assert {each["field"]: each["after"] for each in seen["detail"]["changes"]}["title"] == "Layoffs"
    assert hidden == seen | {"detail": {}}
    assert hidden["subjectId"] == task["id"]


async def test_a_log_is_filtered_and_read_in_pages(app: App, team: SampleTeam) -> None:
    first = await create_task(app, team, "One", by=team.member)
    await create_task(app, team, "Two", by=team.owner)
    await mutate_ok(app, team.member, "taskUpdate", id=first["id"], title="Uno")
    await record_team(app, team)

    async def found(**given: Any) -> list[tuple[str, str]]:
        page = await audit_log(app, team.owner, team.team_id, filter=given)
        assert page["brokenAt"] is None
        assert page["totalCount"] == len(page["nodes"])
        return [(each["action"], each["actorLabel"]) for each in page["nodes"]]

    assert await found(actorId=team.member.id) == [("task.updated", "Member Tester"), ("task.created", "Member Tester")]
    assert await found(action={"startsWith": "task.c"}) == [("task.created", "Owner Tester"), ("task.created", "Member Tester")]
    assert await found(action={"contains": "UPDATE"}) == [("task.updated", "Member Tester")]
    assert await found(action={"in": ["task.updated", "nonsense"]}, actorId=team.owner.id) == []
    assert await found(action={"eq": "nonsense"}) == []
    assert await found(at={"after": "2999-01-01T00:00:00Z"}) == []
    everything = [each["number"] for each in (await audit_log(app, team.owner, team.team_id))["nodes"]]
    numbers, after = [], None
    for _ in everything:
        page = await audit_log(app, team.owner, team.team_id, first=2, after=after)
        numbers += [each["number"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["brokenAt"] is None
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert numbers == everything == list(range(len(everything), 0, -1))


async def test_a_page_says_which_entry_is_broken(app: App, team: SampleTeam) -> None:
    for name in ("One", "Two", "Three"):
        await create_task(app, team, name)
    await record_team(app, team)
    latest = (await audit_log(app, team.owner, team.team_id))["nodes"]
    await app.sql.execute("UPDATE audit_entries SET actor_label = 'Eve' WHERE id = $1", uuid_of(latest[1]["id"]))
    assert (await audit_log(app, team.owner, team.team_id))["brokenAt"] == latest[1]["id"]
    assert (await audit_log(app, team.owner, team.team_id, first=1))["brokenAt"] is None


async def joined(app: App, team: SampleTeam, email: str) -> Person:
    """Somebody with a password who is a member of the team."""
    from domain.permissions import Role
    from domain.team import Membership

    payload = await register(app, email=email)
    user_id: UUID = uuid_of(payload["user"]["id"])
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await uow.teams.add_member(Membership(team_id=team.team.id, user_id=user_id, role=Role.MEMBER, joined_at=uow.now))
        user = await uow.users.lock(user_id)
    assert user is not None
    return Person(user)
