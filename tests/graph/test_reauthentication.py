"""What can lock somebody out needs that they have just shown who they are."""

from typing import Any

import pytest

from domain.actor import Actor
from gateway.execution.executor import OperationRequest
from tests.support.app import App
from tests.support.graph_actions import mutation_text, table_states
from tests.support.sign_in import PASSWORD, actor_of, refresh, register, sessions_of, sign_in, unused_email

NEW = "a battery of horses"
STALE = {
    "__typename": "ValidationError",
    "code": "REAUTHENTICATION_REQUIRED",
    "path": None,
    "message": "Show first that it is you: sign in again, or use `sessionReauthenticate`.",
}


async def errors_of(app: App, actor: Actor, name: str, **fields: Any) -> list[Any]:
    """The errors of a mutation's payload."""
    answer = await app.execute(None, mutation_text(name), actor=actor, input=fields)
    assert "errors" not in answer, answer
    return list(answer["data"][name]["errors"])


async def age_sign_in(app: App, actor: Actor, *, minutes: float) -> None:
    """Make it as long ago as that that the person of a session showed who they are."""
    move = "UPDATE sessions SET authenticated_at = authenticated_at - make_interval(mins => $2) WHERE id = $1"
    assert await app.sql.execute(move, actor.session_id, minutes) == "UPDATE 1"


async def test_a_password_is_changed_by_whoever_has_just_signed_in_and_ends_all_other_sessions(app: App) -> None:
    email = unused_email()
    account = await register(app, email=email)
    elsewhere = await sign_in(app, email)
    own = await actor_of(app, elsewhere)
    await age_sign_in(app, own, minutes=9.9)
    assert await errors_of(app, own, "passwordChange", newPassword=NEW) == []
    assert [each["isCurrent"] for each in await sessions_of(app, own)] == [True]
    assert (await refresh(app, account["tokens"]["refreshToken"]))["errors"][0]["code"] == "UNAUTHENTICATED"
    assert (await refresh(app, elsewhere["tokens"]["refreshToken"]))["errors"] == []
    assert (await sign_in(app, email))["errors"][0]["code"] == "UNAUTHENTICATED"
    assert (await sign_in(app, email, NEW))["errors"] == []


@pytest.mark.parametrize("name", ["passwordChange", "userDelete"])
async def test_ten_minutes_after_signing_in_nothing_that_locks_somebody_out_is_done(app: App, name: str) -> None:
    email = unused_email()
    account = await register(app, email=email)
    actor = await actor_of(app, account)
    await age_sign_in(app, actor, minutes=10)
    given = {"newPassword": NEW} if name == "passwordChange" else {"id": account["user"]["id"]}
    before = await table_states(app)
    assert await errors_of(app, actor, name, **given) == [STALE]
    assert await table_states(app) == before
    assert await errors_of(app, actor, "sessionReauthenticate", password=PASSWORD) == []
    assert await errors_of(app, actor, name, **given) == []


async def test_refreshing_a_session_does_not_show_who_one_is(app: App) -> None:
    account = await register(app)
    actor = await actor_of(app, account)
    await age_sign_in(app, actor, minutes=10)
    assert (await refresh(app, account["tokens"]["refreshToken"]))["errors"] == []
    assert await errors_of(app, actor, "passwordChange", newPassword=NEW) == [STALE]


async def test_a_token_without_a_session_is_never_enough(app: App) -> None:
    actor = await actor_of(app, await register(app))
    program = Actor(user_id=actor.user_id)
    other = Actor(user_id=actor.user_id, session_id=(await actor_of(app, await register(app))).session_id)
    before = await table_states(app)
    assert await errors_of(app, program, "passwordChange", newPassword=NEW) == [STALE]
    assert await errors_of(app, other, "passwordChange", newPassword=NEW) == [STALE]
    assert await table_states(app) == before


async def test_a_wrong_password_shows_nothing_and_is_counted_with_the_tries_to_sign_in(isolated_app: App) -> None:
    app = isolated_app
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    await age_sign_in(app, actor, minutes=10)
    for _ in range(4):
        (error,) = await errors_of(app, actor, "sessionReauthenticate", password="wrong horse battery")
        assert (error["code"], error["path"]) == ("UNAUTHENTICATED", ["input"])
    assert (await sign_in(app, email, "wrong horse battery"))["errors"][0]["code"] == "UNAUTHENTICATED"
    request = OperationRequest(query=mutation_text("sessionReauthenticate"), variables={"input": {"password": PASSWORD}})
    answer = (await app.executor.execute(request, app.context(None, actor))).to_payload()
    assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert await errors_of(app, actor, "passwordChange", newPassword=NEW) == [STALE]


async def test_nothing_of_a_password_is_stored_under_a_clients_id(app: App) -> None:
    actor = await actor_of(app, await register(app))
    assert await errors_of(app, actor, "sessionReauthenticate", password=PASSWORD, clientMutationId="k") == []
    assert await errors_of(app, actor, "passwordChange", newPassword=NEW, clientMutationId="k") == []
    stored = await app.sql.fetchval("SELECT count(*) FROM idempotency_keys WHERE actor_user_id = $1", actor.user_id)
    assert stored == 0
    (error,) = await errors_of(app, actor, "sessionReauthenticate", password=PASSWORD, clientMutationId="k")
    assert error["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(("password", "code"), [("9 letters", "INVALID"), ("x" * 257, "TOO_LONG")])
async def test_a_new_password_obeys_the_rules_of_the_first(app: App, password: str, code: str) -> None:
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    (error,) = await errors_of(app, actor, "passwordChange", newPassword=password)
    assert (error["code"], error["path"]) == (code, ["input", "newPassword"])
    assert (await sign_in(app, email))["errors"] == []
