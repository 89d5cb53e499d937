"""Administrators of the server suspend accounts and let people back in; for everybody else the accounts are not there."""

import asyncio
from typing import Any

import pytest

from domain import administration
from domain.actor import ALL_SCOPES, Actor, Scope
from domain.errors import DomainError, Unauthenticated
from persistence.stores.user import find_for_administrators
from persistence.unit_of_work import unit_of_work
from tests.graph.test_factor import protected
from tests.support.app import App, Person
from tests.support.graph_actions import mutation_text, table_states
from tests.support.sign_in import actor_of, refresh, register, sessions_of, sign_in, unused_email
from tests.support.teams import SampleTeam, create_person_without_team, uuid_of, with_session

STATUS = "query ($id: ID!) { user(id: $id) { status } }"


async def create_administrator(app: App) -> Person:
    """Somebody who administers the server, and has just signed in."""
    person = await create_person_without_team(app, "Admin")
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.set_administrator(uow, person.user.id, is_administrator=True)
    return await with_session(app, person)


async def errors_of(app: App, actor: Actor, name: str, **fields: Any) -> list[tuple[str, Any]]:
    """The codes and paths of a mutation's errors."""
    answer = await app.execute(None, mutation_text(name), actor=actor, input=fields)
    assert "errors" not in answer, answer
    return [(each["code"], each["path"]) for each in answer["data"][name]["errors"]]


async def test_a_suspended_person_is_shut_out_everywhere_until_they_are_reactivated(app: App) -> None:
    admin = await create_administrator(app)
    email = unused_email()
    account = await register(app, email=email)
    actor, user_id = await actor_of(app, account), account["user"]["id"]
    ask = "mutation ($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) { developmentLinks } }"
    (link,) = (await app.run(None, ask, input={"email": email}))["passwordResetRequest"]["developmentLinks"]
    assert await errors_of(app, admin.actor, "userSuspend", id=user_id, reason="Spam.") == []
    assert await sessions_of(app, actor) == []
    assert (await refresh(app, account["tokens"]["refreshToken"]))["errors"][0]["code"] == "UNAUTHENTICATED"
    assert (await sign_in(app, email))["errors"][0]["code"] == "UNAUTHENTICATED"
    token = link.partition("token=")[2]
    assert await errors_of(app, admin.actor, "passwordReset", token=token, newPassword="a battery of horses") == [
        ("NOT_FOUND", ["input", "token"])
    ]
    assert (await app.run(None, ask, input={"email": email}))["passwordResetRequest"]["developmentLinks"] == []
    assert (await register(app, email=email))["errors"][0]["code"] == "NOT_UNIQUE"
    before = await table_states(app)
    assert await errors_of(app, admin.actor, "userSuspend", id=user_id) == []
    assert await table_states(app) == before
    assert await errors_of(app, admin.actor, "userReactivate", id=user_id) == []
    assert (await sign_in(app, email))["errors"] == []
    row = await app.sql.fetchrow("SELECT suspended_at, suspension_reason FROM users WHERE id = $1", actor.user_id)
    assert row is not None
    assert tuple(row) == (None, None)


async def test_teammates_see_that_somebody_is_suspended(app: App, team: SampleTeam) -> None:
    admin = await create_administrator(app)
    changes = (
        "query ($after: SyncCursor) { changes(after: $after) { cursor nodes { type entityId fields { field before after } } } }"
    )
    cursor = (await app.run(team.member, changes, after=None))["changes"]["cursor"]
    assert await errors_of(app, admin.actor, "userSuspend", id=team.mate.id, reason="Nobody's business.") == []
    nodes = (await app.run(team.member, changes, after=cursor))["changes"]["nodes"]
    status = {"field": "status", "before": "ACTIVE", "after": "INACTIVE"}
    assert nodes == [{"type": "User", "entityId": team.mate.id, "fields": [status]}]
    assert (await app.run(team.member, STATUS, id=team.mate.id))["user"] == {"status": "INACTIVE"}


@pytest.mark.parametrize("name", ["userSuspend", "userReactivate"])
async def test_whoever_is_no_administrator_finds_nobody(app: App, team: SampleTeam, name: str) -> None:
    owner = await with_session(app, team.owner)
    before = await table_states(app)
    assert await errors_of(app, owner.actor, name, id=team.mate.id) == [("NOT_FOUND", ["input", "id"])]
    admin = await create_administrator(app)
    without_scope = Actor(user_id=admin.user.id, session_id=admin.session_id, scopes=ALL_SCOPES - {Scope.ADMIN})
    before = await table_states(app)
    answer = await app.execute(None, mutation_text(name), actor=without_scope, input={"id": team.mate.id})
    assert answer["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "ADMIN"}
    stale = Actor(user_id=admin.user.id)
    assert await errors_of(app, stale, name, id=team.mate.id) == [("REAUTHENTICATION_REQUIRED", None)]
    assert await table_states(app) == before


async def test_an_administrator_who_is_one_no_longer_suspends_nobody(app: App, team: SampleTeam) -> None:
    admin, other = await create_administrator(app), await create_administrator(app)
    assert await errors_of(app, admin.actor, "userSuspend", id=admin.id) == [("FORBIDDEN", None)]
    assert await errors_of(app, admin.actor, "userSuspend", id=other.id) == []
    assert await errors_of(app, other.actor, "userSuspend", id=team.mate.id) == [("NOT_FOUND", ["input", "id"])]
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.set_administrator(uow, admin.user.id, is_administrator=False)
    assert await errors_of(app, admin.actor, "userReactivate", id=other.id) == [("NOT_FOUND", ["input", "id"])]
    shown = await app.execute(None, "{ viewer { account { isServerAdmin } } }", actor=admin.actor)
    assert shown["data"]["viewer"]["account"] == {"isServerAdmin": False}


async def test_a_closed_account_is_neither_suspended_nor_reactivated(app: App) -> None:
    admin = await create_administrator(app)
    gone = await with_session(app, await create_person_without_team(app))
    assert await errors_of(app, gone.actor, "userDelete", id=gone.id) == []
    before = await table_states(app)
    for name in ("userSuspend", "userReactivate"):
        assert await errors_of(app, admin.actor, name, id=gone.id) == [("NOT_FOUND", ["input", "id"])]
    assert await table_states(app) == before


async def test_a_forced_reset_takes_the_password_and_all_sessions(app: App) -> None:
    email = unused_email()
    account = await register(app, email=email)
    user_id = uuid_of(account["user"]["id"])
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        token = await administration.force_reset(uow, user_id)
    assert [each.address for each in uow.mails] == [email]
    assert (await sign_in(app, email))["errors"][0]["code"] == "UNAUTHENTICATED"
    assert (await refresh(app, account["tokens"]["refreshToken"]))["errors"][0]["code"] == "UNAUTHENTICATED"
    new = "a battery of horses"
    assert await errors_of(app, Actor(user_id=user_id), "passwordReset", token=token, newPassword=new) == []
    assert (await sign_in(app, email, new))["errors"] == []


async def test_whoever_has_lost_their_factors_is_let_in_without_them(app: App) -> None:
    email, actor, _, _ = await protected(app)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        assert await administration.remove_factors(uow, actor.user_id) == 1
    assert await sessions_of(app, actor) == []
    assert (await sign_in(app, email))["errors"] == []


async def test_an_account_is_added_whoever_may_register_and_once(app: App) -> None:
    email = unused_email()
    given = {"email_address": email, "first_name": "Ada", "last_name": "Lovelace"}
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        made = await administration.add_account(uow, **given)
    assert (await sign_in(app, email, ""))["errors"][0]["code"] == "UNAUTHENTICATED"
    new = "a battery of horses"
    assert await errors_of(app, Actor(user_id=made.user.id), "passwordReset", token=made.token, newPassword=new) == []
    assert (await sign_in(app, email, new))["errors"] == []
    before = await table_states(app)
    with pytest.raises(DomainError) as refused:
        async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
            await administration.add_account(uow, **given | {"email_address": email.upper()})
    assert refused.value.code == "NOT_UNIQUE"
    assert await table_states(app) == before


async def test_administrators_list_all_accounts_and_others_none(app: App, team: SampleTeam) -> None:
    admin = await create_administrator(app)
    listed = "query ($query: String, $status: UserStatus) { serverUsers(query: $query, status: $status) { totalCount nodes { id email status } } }"
    mate = team.mate.user
    found = await app.run(admin, listed, query=mate.email_address.upper())
    assert found["serverUsers"] == {
        "totalCount": 1,
        "nodes": [{"id": team.mate.id, "email": mate.email_address, "status": "ACTIVE"}],
    }
    assert await errors_of(app, admin.actor, "userSuspend", id=team.mate.id) == []
    for status, count in (("ACTIVE", 0), ("INACTIVE", 1)):
        found = await app.run(admin, listed, query=mate.email_address, status=status)
        assert found["serverUsers"]["totalCount"] == count
    assert (await app.run(team.owner, listed, query=None))["serverUsers"] == {"totalCount": 0, "nodes": []}
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.suspend(uow, None, admin.user.id, None)
    assert (await app.run(admin, listed, query=None))["serverUsers"] == {"totalCount": 0, "nodes": []}
    answer = await app.execute(None, listed, actor=Actor(user_id=admin.user.id, scopes=ALL_SCOPES - {Scope.ADMIN}))
    assert answer["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"


async def test_accounts_are_found_by_a_part_of_the_name_or_address(app: App) -> None:
    email = unused_email()
    account = await register(app, email=email, firstName="Žofie", lastName="Sixpence")
    for query in (email[:12].upper(), "zofie six", "%", "_"):
        found = await find_for_administrators(app.resources.database, query, 1000)
        assert (uuid_of(account["user"]["id"]) in {each.id for each in found}) is (query not in ("%", "_"))


@pytest.mark.slow
async def test_an_api_token_of_a_suspended_person_ends_within_a_second(app: App) -> None:
    actor = await actor_of(app, await register(app))
    create = "mutation ($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret errors { code } } }"
    answer = await app.execute(None, create, actor=actor, input={"name": "Script", "scopes": ["TASKS_READ"]})
    bearer = f"Bearer {answer['data']['apiTokenCreate']['secret']}"
    assert await app.resources.tokens.authenticate(bearer) is not None
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.suspend(uow, None, actor.user_id, None)
    await asyncio.sleep(1.05)
    with pytest.raises(Unauthenticated):
        await app.resources.tokens.authenticate(bearer)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.reactivate(uow, None, actor.user_id)
    assert await app.resources.tokens.authenticate(bearer) is not None
