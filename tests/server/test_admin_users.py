"""`server.py admin users`: what it does reaches running servers, and their sockets, within a second."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.conftest import migrate_template
from tests.support.backing_services import Valkey, database_from_template
from tests.support.machine import allowed_seconds
from tests.support.server_process import Client, register_user, running_process, running_server, subscribe

pytestmark = pytest.mark.slow
SIGN_IN = "mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken } errors { code } } }"
SUSPEND = "mutation ($input: UserSuspendInput!) { userSuspend(input: $input) { user { status } errors { code } } }"
VIEWER = "{ viewer { id account { email isServerAdmin } } }"
NEW = "a battery of horses"


async def read_until_closed(socket: ClientConnection) -> None:
    """Raises ConnectionClosed as soon as the server has closed the connection."""
    while True:
        await asyncio.wait_for(socket.recv(), 10)


async def users(*words: str, folder: Path, expected: int = 0, **settings: Any) -> str:
    """Run a task to its end: what it said."""
    with running_process("admin", "users", *words, folder=folder, **settings) as process:
        assert await process.wait_for_exit() == expected, process.output
        return process.output


async def test_the_first_administrator_comes_from_a_command_and_suspends_within_a_second(
    postgres_server: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        settings: dict[str, Any] = {"database_url": url, "redis_url": valkey_server.url, "registration": "open"}
        names = ("--first-name", "Grace", "--last-name", "Hopper", "--admin")
        said = await users("add", "grace@example.com", *names, folder=tmp_path, **settings)
        (link,) = re.findall(r"http://\S+/account/reset\?token=\S+", said)
        async with (
            running_server(tmp_path, **settings) as server,
            running_server(tmp_path, **settings, public_url=server.url) as other,
        ):
            grace, ada = Client(server), await register_user(server)
            done = await grace.http.post("/account/reset", data={"token": link.partition("token=")[2], "password": NEW})
            assert done.status_code == 200
            payload = (await grace.run(SIGN_IN, input={"email": "grace@example.com", "password": NEW}))["sessionCreate"]
            grace.token = payload["tokens"]["accessToken"]
            assert (await grace.run(VIEWER))["viewer"]["account"] == {"email": "grace@example.com", "isServerAdmin": True}
            viewer = (await ada.run(VIEWER))["viewer"]

            elsewhere = Client(other, ada.token)
            async with elsewhere.websocket() as socket:
                await subscribe(socket, "subscription { changes { kind } }")
                await asyncio.sleep(0.5)
                started = time.monotonic()
                suspended = (await grace.run(SUSPEND, input={"id": viewer["id"]}))["userSuspend"]
                assert suspended == {"user": {"status": "INACTIVE"}, "errors": []}
                with pytest.raises(ConnectionClosed):
                    await read_until_closed(socket)
                assert time.monotonic() - started < allowed_seconds(1.0)
            await asyncio.sleep(max(0.0, 1.05 - (time.monotonic() - started)))
            for client in (ada, elsewhere):
                refused = orjson.loads((await client.post(VIEWER)).content)
                assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"

            email = viewer["account"]["email"]
            assert f"{email}  Ada Tester  INACTIVE  suspended since " in await users("list", email, folder=tmp_path, **settings)
            assert f"{email}  Ada Tester  ACTIVE" in await users("reactivate", email.upper(), folder=tmp_path, **settings)
            for client in (grace, ada, elsewhere):
                await client.close()


async def test_what_cannot_be_done_is_said_in_a_line(postgres_server: str, tmp_path: Path) -> None:
    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        for words, said in (
            (("suspend", "nobody@example.com"), "There is no such account.\n"),
            (("add", "nobody", "--first-name", "A", "--last-name", "B"), "This is not an e-mail address.\n"),
        ):
            assert await users(*words, folder=tmp_path, expected=1, database_url=url) == said
        assert await users("list", folder=tmp_path, database_url=url) == "There is no such account.\n"
