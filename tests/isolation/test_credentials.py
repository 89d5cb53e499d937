"""Credentials that have ended, or never began, open nothing: they are refused before anything of the graph is asked."""

import time
from collections.abc import Awaitable, Callable

import pytest

from domain import administration
from domain.errors import TokenExpired, Unauthenticated
from persistence.unit_of_work import unit_of_work
from tests.support.app import App, Person
from tests.support.graph_actions import mutate_ok
from tests.support.principals import Principal, World, sign_in
from tests.support.teams import create_person_without_team, join_team, with_session


async def _suspend(app: App, person: Person) -> None:
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.suspend(uow, None, person.user.id, None)


async def _delete(app: App, person: Person) -> None:
    await mutate_ok(app, await with_session(app, person), "userDelete", id=person.id)


async def _end_session(app: App, person: Person) -> None:
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.suspend(uow, None, person.user.id, None)
        await administration.reactivate(uow, None, person.user.id)


@pytest.mark.parametrize("end", [_suspend, _delete, _end_session], ids=["suspended", "deleted", "reactivated"])
async def test_whoever_was_a_member_is_shown_nothing_when_their_account_has_ended(
    app: App, world: World, end: Callable[[App, Person], Awaitable[None]]
) -> None:
    person = await create_person_without_team(app)
    await join_team(app, world.own.team.team_id, world.own.team.owner, person)
    principal = Principal("ended", await sign_in(app, person))
    question = "query ($id: ID!) { task(id: $id) { title } }"
    task = world.own.objects["Task"]
    assert (await world.caller.ask(principal, question, id=task))["data"]["task"] is not None
    await end(app, person)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:  # a session is checked once a second
        try:
            await world.caller.ask(principal, question, id=task)
        except Unauthenticated:
            return
    pytest.fail("the token still opens the graph")


async def test_a_token_that_has_expired_opens_nothing(app: App, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda now=time.time: now() - 3_600)
    authorization = await sign_in(app, world.own.team.owner)
    monkeypatch.undo()
    with pytest.raises(TokenExpired):
        await world.caller.ask(Principal("expired", authorization), "{ viewer { id } }")


@pytest.mark.parametrize("authorization", ["Bearer x", "Bearer", "Basic b3duZXI6", "Bearer " + "a." * 2_000, "bearer a.b.c"])
async def test_what_is_no_token_opens_nothing(world: World, authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        await world.caller.ask(Principal("nobody", authorization), "{ viewer { id } }")
