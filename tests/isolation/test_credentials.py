"""Credentials that have ended, or never began, open nothing: they are refused before anything of the graph is asked."""

import time
from collections.abc import Awaitable, Callable

import pytest

from domain import administration
from persistence.unit_of_work import unit_of_work
from tests.isolation.test_nodes import outcome
from tests.support.app import App, Person
from tests.support.graph_actions import mutate_ok
from tests.support.principals import Principal, World, sign_in, suspend
from tests.support.teams import create_person_without_team, join_team, with_session


async def _delete(app: App, person: Person) -> None:
    await mutate_ok(app, await with_session(app, person), "userDelete", id=person.id)


async def _end_session(app: App, person: Person) -> None:
    await suspend(app, person)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.reactivate(uow, None, person.user.id)


@pytest.mark.parametrize("end", [suspend, _delete, _end_session], ids=["suspended", "deleted", "reactivated"])
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
        if outcome(await world.caller.ask(principal, question, id=task), "task") == "sign in":
            return
    pytest.fail("the token still opens the graph")


@pytest.mark.parametrize("authorization", ["Bearer x", "Bearer", "Basic b3duZXI6", "Bearer " + "a." * 2_000, "bearer a.b.c"])
async def test_what_is_no_token_opens_nothing(world: World, authorization: str) -> None:
    answer = await world.caller.ask(Principal("nobody", authorization), "{ viewer { id } }")
    assert (answer.keys(), outcome(answer)) == ({"errors"}, "sign in")


async def test_credentials_that_have_ended_are_refused_before_anything_is_asked(world: World) -> None:
    answers = {name: await world.caller.ask(world.principals[name], "{ shareLink { id } }") for name in world.principals}
    refused = {name: outcome(answer, "shareLink") for name, answer in answers.items() if "data" not in answer}
    assert refused == {"expired": "expired", "suspended": "sign in", "deleted": "sign in"}
