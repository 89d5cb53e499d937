"""The server: the application, and the command line that starts it."""

import argparse
import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from graphql import build_schema
from graphql.utilities import find_breaking_changes
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import migrations
from auth.tokens import Bearer
from bootstrap import LIMITS, House, fill, migrate, open_database_url, open_house
from domain.errors import DomainError
from domain.session import Device
from persistence.database import open_database
from persistence.embedded_postgres import FolderInUse
from persistence.schema_version import schema_version
from resolvers.context import Context
from schema.execution.executor import Executor
from schema.http.app import graphql_routes
from schema.http.graphiql import DemoSignIn, GraphiQLConfig
from schema.http.graphiql import routes as graphiql_routes
from schema.http.ports import RequestInfo
from schema.http.websocket import WebsocketEndpoint
from schema.root import bindings, schema
from schema.rules import weights
from settings import DEMO_EMAIL, DEMO_PASSWORD, Settings

SDL = Path(__file__).parent / "schema" / "schema.graphql"
RELEASED = Path(__file__).parent / "schema" / "released.graphql"


def create_app(house: House, settings: Settings) -> tuple[Starlette, WebsocketEndpoint]:
    """The application over open services, and its websocket endpoint, to be drained before the server stops."""
    executor = Executor(
        schema,
        limits=LIMITS,
        weights=weights(bindings),
        hints=not settings.production,
        before_event=Context.forget,
    )

    @asynccontextmanager
    async def open_context(credentials: Bearer | None, info: RequestInfo) -> AsyncIterator[Context]:
        if credentials is not None:
            await house.tokens.still_good(credentials)
        device = Device(user_agent=info.user_agent, ip_address=info.ip)
        yield Context(house.services, None if credentials is None else credentials.actor, device)

    graph, websockets = graphql_routes(
        executor,
        authenticate=house.tokens.authenticate,
        open_context=open_context,
        allowed_origins=settings.allowed_origins,
        may_introspect=lambda credentials: credentials is not None or not settings.production,
    )
    demo = None if settings.production else DemoSignIn(email=DEMO_EMAIL, password=DEMO_PASSWORD)

    async def live(request: Request) -> Response:
        """The process answers; nothing else is touched."""
        del request
        return PlainTextResponse("ok")

    async def ready(request: Request) -> Response:
        """The database answers, and has the schema that this version needs."""
        del request
        try:
            found = await schema_version(house.database)
        except DomainError as error:
            return _status(503, ready=False, database=error.message)
        expected = migrations.newest()
        return _status(200 if found == expected else 503, ready=found == expected, schemaVersion=found, expected=expected)

    routes = [*graph, Route("/healthz", live), Route("/readyz", ready), *graphiql_routes(GraphiQLConfig(demo=demo))]
    return Starlette(routes=routes), websockets


def _status(code: int, **told: Any) -> Response:
    return Response(orjson.dumps(told), status_code=code, media_type="application/json")


class Server(uvicorn.Server):
    """Uvicorn that says good-bye to websockets before it closes them."""

    def __init__(self, config: uvicorn.Config, websockets: WebsocketEndpoint) -> None:
        super().__init__(config)
        self._websockets = websockets

    async def shutdown(self, sockets: Any = None) -> None:
        """Drain, then close."""
        await self._websockets.drain()
        await super().shutdown(sockets)


async def serve(settings: Settings, *, prepare: bool = True) -> None:
    """Open everything, say where, and answer until told to stop. `prepare`: migrate, and seed an empty database."""
    async with open_database_url(settings) as url:
        if prepare:
            await migrate(url)
        async with open_house(settings, url) as house:
            if prepare:
                await fill(house.database, settings)
            app, websockets = create_app(house, settings)
            config = uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                loop="none",
                http="httptools",
                ws="websockets-sansio",
                ws_ping_interval=None,
                ws_max_size=64 * 1024,
                ws_per_message_deflate=False,
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level=settings.log_level,
                server_header=False,
                timeout_graceful_shutdown=10,
            )
            server = Server(config, websockets)
            async with asyncio.TaskGroup() as tasks:
                announcing = tasks.create_task(_announce(server, settings))
                await server.serve()
                announcing.cancel()


async def _announce(server: uvicorn.Server, settings: Settings) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    here = settings.origin if settings.port else f"http://{settings.host}:{port}"
    print(f"PantheraHive is up.\n  GraphiQL   {here}/\n  GraphQL    {here}/graphql (HTTP and websocket)")
    print(f"  Health     {here}/healthz and {here}/readyz")
    if not settings.production and settings.seed != "none":
        print(f"  Demo user  {DEMO_EMAIL}, password {DEMO_PASSWORD}")
    sys.stdout.flush()


async def _migrate(settings: Settings) -> None:
    async with open_database_url(settings) as url:
        print("migrated" if await migrate(url) else "nothing to migrate")


async def _seed(settings: Settings) -> None:
    async with open_database_url(settings) as url:
        await migrate(url)
        async with open_database(url) as database:
            await fill(database, settings)


def _schema(*, check: bool, write: bool) -> int:
    printed = schema.as_str().rstrip() + "\n"
    if write:
        SDL.write_text(printed)
    elif not check:
        print(printed, end="")
    elif SDL.read_text() != printed:
        print(
            "schema/schema.graphql is not what the code prints: run `python server.py schema --write` and review the difference."
        )
        return 1
    elif broken := find_breaking_changes(build_schema(RELEASED.read_text()), build_schema(printed)):
        print("The graph breaks clients of the last release:", *(f"  {each.description}" for each in broken), sep="\n")
        return 1
    return 0


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="server.py", description=__doc__, epilog="Settings come from the environment: see README.md."
    )
    verbs = parser.add_subparsers(dest="verb", metavar="verb", title="verbs (none: serve)")
    for name, text in {
        "serve": "migrate, seed an empty database, and serve; everything that is not set is embedded",
        "api": "serve from a database that is migrated already; never seeds",
        "migrate": "bring the database to the newest revision",
    }.items():
        verbs.add_parser(name, help=text, description=text)
    text = "fill an empty database with deterministic data"
    seeds = verbs.add_parser("seed", help=text, description=text)
    seeds.add_argument("--seed-size", choices=["demo", "large"], help="instead of HIVE_SEED_SIZE")
    text = "print the graph as SDL"
    printing = verbs.add_parser("schema", help=text, description=text)
    printing.add_argument("--write", action="store_true", help="to schema/schema.graphql")
    printing.add_argument(
        "--check", action="store_true", help="fail where schema/schema.graphql differs or clients of the last release break"
    )
    serving = parser.add_argument_group("when serving")
    serving.add_argument(
        "--seed-size", dest="first_seed_size", choices=["none", "demo", "large"], help="instead of HIVE_SEED_SIZE"
    )
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    """Run one verb; the process's exit code."""
    asked = _arguments(given)
    if asked.verb == "schema":
        return _schema(check=asked.check, write=asked.write)
    try:
        size = getattr(asked, "seed_size", None) or asked.first_seed_size
        settings = Settings(seed_size=size) if size else Settings()
    except ValidationError as error:
        print("These settings cannot be used:", file=sys.stderr)
        for each in error.errors():
            print(f"  HIVE_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}", file=sys.stderr)
        return 2
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    verbs: dict[str | None, Callable[[Settings], Coroutine[Any, Any, None]]]
    verbs = {"migrate": _migrate, "seed": _seed, "api": partial(serve, prepare=False)}
    run = verbs.get(asked.verb, serve)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            _run(run(settings))
    except FolderInUse as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(coroutine: Any) -> None:
    """On uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(coroutine)
    else:
        uvloop.run(coroutine)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
