"""`server.py` as a newcomer runs it: everything embedded, in a folder of its own; started, stopped, crashed, and started in
vain."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from app.settings import DEMO_EMAIL, DEMO_PASSWORD
from tests.support.backing_services import free_port
from tests.support.server_process import (
    Client,
    ServerProcess,
    create_team_and_project,
    next_data,
    running_process,
    subscribe,
)

SIGN_IN = """
mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken } errors { code } } }
"""
BOARD = (
    "{ projects(first: 50) { totalCount } tasks(first: 1) { totalCount } documents { totalCount nodes { content { text } } } }"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of this module keep their data, one after another."""
    return tmp_path_factory.mktemp("newcomer")


async def signed_in(server: ServerProcess) -> Client:
    client = Client(server)
    payload = (await client.run(SIGN_IN, input={"email": DEMO_EMAIL, "password": DEMO_PASSWORD}))["sessionCreate"]
    assert payload["errors"] == []
    client.token = payload["tokens"]["accessToken"]
    return client


async def wait_until_subscribed(client: Client, socket: ClientConnection) -> None:
    """Change something until the subscription tells."""
    async with asyncio.timeout(30):
        while True:
            await create_team_and_project(client)
            with suppress(TimeoutError):
                await asyncio.wait_for(next_data(socket), 1)
                return


async def next_frame_but_changes(socket: ClientConnection) -> Any:
    """The next frame that tells no change."""
    async with asyncio.timeout(30):
        while (frame := orjson.loads(await socket.recv()))["type"] == "next":
            pass
        return frame


def postgres_log(folder: Path) -> str:
    return (folder / "data" / "postgres" / "postgres.log").read_text()


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()[0])


@pytest.mark.slow
async def test_the_first_start_seeds_and_ctrl_c_closes_connections_before_it_closes_the_database(folder: Path) -> None:
    with running_process(folder=folder, data_dir=folder / "data", new_interpreter=True) as server:
        await server.wait_until_ready()
        for line in (f"GraphiQL   {server.url}/", f"Demo user  {DEMO_EMAIL}, password {DEMO_PASSWORD}"):
            assert line in server.output
        demo = await signed_in(server)
        found = await demo.run(BOARD)
        assert found["projects"]["totalCount"] >= 6
        assert found["tasks"]["totalCount"] >= 200
        assert found["documents"]["totalCount"] == 3
        assert all(each["content"]["text"].startswith("# ") for each in found["documents"]["nodes"])
        async with demo.websocket() as socket:
            await subscribe(socket, "subscription { changes { kind } }")
            await wait_until_subscribed(demo, socket)
            server.send_signal(signal.SIGINT, group=True)
            farewell = await next_frame_but_changes(socket)
            assert (farewell["type"], list(farewell["payload"]["resume"])) == ("ping", ["1"])
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 30)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "The server is going away.")
        assert await server.wait_for_exit() == 0, server.output
        await demo.close()
    assert "Traceback" not in server.output
    assert "database system is shut down" in postgres_log(folder)
    assert "immediate shutdown" not in postgres_log(folder)


@pytest.mark.slow
async def test_the_second_start_finds_everything_and_others_are_notified_that_its_place_is_taken(folder: Path) -> None:
    with running_process(folder=folder, data_dir=folder / "data", new_interpreter=True) as server:
        await server.wait_until_ready()
        assert server.cpu_seconds() < 10
        assert "not properly shut down" not in postgres_log(folder)

        same_port = running_process(folder=folder, data_dir=folder / "other", port=server.port)
        same_folder = running_process(folder=folder, data_dir=folder / "data")
        with same_port as one, same_folder as other:
            assert (await one.wait_for_exit(), await other.wait_for_exit()) == (1, 1)
            taken = f"Port {server.port} of 127.0.0.1 is in use: stop what listens there, or choose another with HIVE_PORT.\n"
            assert one.output == taken
            held = folder / "data" / "postgres"
            assert other.output == (
                f"The database in {held} is in use by process {server.pid}: stop it first, or choose another folder.\n"
            )
        assert not (folder / "other").exists()

        server.send_signal(signal.SIGTERM)
        assert await server.wait_for_exit() == 0, server.output
    assert "database system is shut down" in postgres_log(folder)
    assert "immediate shutdown" not in postgres_log(folder)


@pytest.mark.long
async def test_a_crash_takes_the_database_along_and_the_next_start_recovers(folder: Path) -> None:
    with running_process(folder=folder, data_dir=folder / "data") as server:
        await server.wait_until_ready()
        database = postmaster(folder)
        server.kill()
    with running_process(folder=folder, data_dir=folder / "data") as server:
        await server.wait_until_ready()
        assert postmaster(folder) != database
        demo = await signed_in(server)
        assert (await demo.run(BOARD))["projects"]["totalCount"] >= 6

        # The database goes away under a running server.
        os.kill(postmaster(folder), signal.SIGQUIT)
        async with httpx.AsyncClient(base_url=server.url) as http:
            async with asyncio.timeout(60):
                while (ready := await http.get("/readyz")).status_code == 200:
                    await asyncio.sleep(0.05)
            assert (ready.status_code, ready.json()["ready"]) == (503, False)
            assert (await http.get("/healthz")).status_code == 200
        answer = (await demo.post("{ teams { totalCount } }")).json()  # on a slow machine the database runs again by now
        assert {each["extensions"]["code"] for each in answer.get("errors", ())} <= {"SERVICE_UNAVAILABLE"}
        await demo.close()
        server.send_signal(signal.SIGTERM)
        assert await server.wait_for_exit() == 0, server.output


async def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    addresses = {"redis_url": "127.0.0.1", "database_url": "mysql://x", "public_url": "me", "blobs_url": "s3://b?endpoint=b"}
    settings = {"port": "eighty", "log_level": "loud", "allowed_origins": "app.example.com", **addresses}
    with running_process(folder=tmp_path, **settings) as server:
        assert await server.wait_for_exit() == 2
    assert server.output.splitlines() == [
        "These settings cannot be used:",
        "  HIVE_PORT: Input should be a valid integer, unable to parse string as an integer",
        "  HIVE_PUBLIC_URL: must begin with https://",
        "  HIVE_DATABASE_URL: must begin with postgresql://",
        "  HIVE_REDIS_URL: must begin with redis://",
        "  HIVE_BLOBS_URL: must name a bucket: s3://bucket",
        "  HIVE_ALLOWED_ORIGINS: app.example.com lacks its scheme: write https://app.example.com",
        "  HIVE_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'",
    ]


async def test_a_misspelt_setting_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with running_process(folder=tmp_path, databse_url="postgresql://x") as server:
        assert await server.wait_for_exit() == 2
    assert server.output.splitlines() == [
        "These settings cannot be used:",
        "  HIVE_DATABSE_URL: there is no such setting; did you mean HIVE_DATABASE_URL?",
    ]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data_dir": "{folder}/file/below"}, "The folder {folder}/file/below cannot be used: Not a directory."),
        ({"data_dir": "{folder}/file"}, "The folder {folder}/file cannot be used: Not a directory."),
        ({"data_dir": "/proc/nowhere"}, "The folder /proc/nowhere cannot be used: "),
        ({"data_dir": "{folder}/" + "x" * 300}, " cannot be used: File name too long."),
        ({"trusted_documents": "{folder}/none.json"}, "HIVE_TRUSTED_DOCUMENTS cannot be read: No such file or directory: "),
        ({"metrics_port": "{port}"}, "Port {port} of 127.0.0.1 cannot be used for metrics: it is the server's own."),
        ({"metrics_port": "80", "metrics_host": "192.0.2.1"}, "Port 80 of 192.0.2.1 cannot be used for metrics: "),
    ],
    ids=str,
)
async def test_a_place_that_cannot_be_used_is_named_in_a_line(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    (tmp_path / "file").write_text("in the way")
    port = free_port()
    values = {name: value.format(folder=tmp_path, port=port) for name, value in settings.items()}
    with running_process(folder=tmp_path, port=port, **values) as server:
        assert await server.wait_for_exit() == 1
    (line,) = server.output.splitlines()
    assert said.format(folder=tmp_path, port=port) in line
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"database_url": "postgresql://nobody@127.0.0.1:1/x"}, "The database of HIVE_DATABASE_URL cannot be used: "),
        ({"host": "192.0.2.1"}, " of 192.0.2.1 cannot be used: Cannot assign requested address."),
    ],
)
async def test_what_cannot_be_reached_is_named_in_a_line(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    with running_process(folder=tmp_path, data_dir=tmp_path / "data", **settings) as server:
        assert await server.wait_for_exit() == 1
    assert said in server.output
    assert len(server.output.splitlines()) == 1


@pytest.mark.long
async def test_documents_are_verified_and_reindexed_from_the_command_line(tmp_path: Path) -> None:
    for verb, said in (
        (("seed",), "3 documents were written."),
        (("documents", "verify"), "3 documents: 0 orphans, 0 missing, 0 ahead."),
        (("documents", "reindex"), "0 documents and 0 versions were indexed."),
    ):
        with running_process(*verb, folder=tmp_path, data_dir=tmp_path / "data", seed_size="demo") as server:
            assert await server.wait_for_exit() == 0, server.output
        assert said in server.output.splitlines()


async def test_every_verb_is_explained(tmp_path: Path) -> None:
    with running_process("--help", folder=tmp_path, new_interpreter=True) as server:
        assert await server.wait_for_exit() == 0
    for verb in ("serve", "api", "migrate", "seed", "documents", "blobs", "search", "schema"):
        assert f"\n    {verb} " in server.output
