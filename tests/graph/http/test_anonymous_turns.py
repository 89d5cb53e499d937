"""Requests of strangers take turns, and begin when nobody who has signed in is served; none of them waits for ever."""

import asyncio
import json
from typing import Any

import pytest
from pydantic import SecretStr

from app.application import create_app
from app.settings import Settings
from domain.errors import Overloaded
from gateway.http.anonymous_turns import AnonymousTurns
from tests.support.app import App
from tests.support.secret_key import SECRET_KEY
from tests.support.sign_in import register

SIGN_IN = "mutation ($i: SessionCreateInput!) { sessionCreate(input: $i) { errors { code } } }"


class Crowd:
    """Strangers who wait, and in which order they began."""

    def __init__(self, turns: AnonymousTurns) -> None:
        self.turns = turns
        self.begun: list[int] = []
        self.tasks: list[asyncio.Future[None]] = []

    def come(self, count: int) -> None:
        first = len(self.tasks)
        self.tasks += [asyncio.get_running_loop().create_task(self._wait(first + number)) for number in range(count)]

    async def _wait(self, number: int) -> None:
        await self.turns.wait()
        self.begun.append(number)

    async def leave(self) -> None:
        for each in self.tasks:
            each.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def iterate(times: int) -> None:
    """Let the loop go round."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_at_most_one_stranger_begins_in_an_iteration_of_the_loop() -> None:
    crowd = Crowd(AnonymousTurns())
    crowd.come(20)
    before = 0
    for _ in range(200):
        await asyncio.sleep(0)
        assert len(crowd.begun) - before <= 1
        before = len(crowd.begun)
    assert crowd.begun == list(range(20))


async def test_no_stranger_begins_while_somebody_is_served_and_all_do_after_them() -> None:
    turns = AnonymousTurns(max_pause_seconds=3600)
    crowd = Crowd(turns)
    with turns.authenticated():
        with turns.authenticated():
            crowd.come(5)
            await iterate(50)
        await iterate(50)
        assert crowd.begun == []
    await iterate(50)
    assert crowd.begun == [0, 1, 2, 3, 4]


async def test_a_server_that_is_never_idle_answers_strangers_too() -> None:
    turns = AnonymousTurns(max_pause_seconds=0.001)
    crowd = Crowd(turns)
    with turns.authenticated():
        crowd.come(5)
        async with asyncio.timeout(30):
            await asyncio.gather(*crowd.tasks)
    assert crowd.begun == [0, 1, 2, 3, 4]


async def test_whoever_goes_away_keeps_nobody_waiting() -> None:
    turns = AnonymousTurns(max_pause_seconds=3600)
    crowd = Crowd(turns)
    with turns.authenticated():
        crowd.come(6)
        await iterate(3)
        for number in (0, 1, 4, 5):
            crowd.tasks[number].cancel()
        await iterate(3)
    await iterate(50)
    assert crowd.begun == [2, 3]
    crowd.come(1)
    await iterate(5)
    assert crowd.begun == [2, 3, 6]


async def test_beyond_the_bound_strangers_are_refused_at_once() -> None:
    turns = AnonymousTurns(max_waiting=3, max_pause_seconds=3600)
    crowd = Crowd(turns)
    with turns.authenticated():
        crowd.come(3)
        await iterate(3)
        with pytest.raises(Overloaded):
            await turns.wait()
    await iterate(50)
    assert crowd.begun == [0, 1, 2]
    await crowd.leave()


async def test_a_query_of_somebody_overtakes_a_crowd_that_signs_in(app: App) -> None:
    token = (await register(app))["tokens"]["accessToken"]
    handler = create_app(app.resources, Settings(secret_key=SecretStr(SECRET_KEY))).request_handlers[b"/graphql"]
    answered: list[str] = []
    statuses: list[int] = []

    async def post(who: str, body: Any, **headers: bytes) -> None:
        given = {b"host": b"x", b"content-type": b"application/json"} | {name.encode(): value for name, value in headers.items()}
        reply = await handler.post(given, json.dumps(body).encode(), "203.0.113.1")
        answered.append(who)
        statuses.append(reply.status)

    stranger = {"query": SIGN_IN, "variables": {"i": {"email": "nobody", "password": ""}}}
    crowd = [asyncio.get_running_loop().create_task(post("stranger", stranger)) for _ in range(600)]
    await asyncio.sleep(0)
    await post("somebody", {"query": "{ viewer { displayName } }"}, authorization=f"Bearer {token}".encode())
    assert answered.count("stranger") < 500  # a hundred are refused at once, the others wait their turn
    await asyncio.gather(*crowd)
    assert answered.count("stranger") == 600
    assert 90 <= statuses.count(503) <= 100
