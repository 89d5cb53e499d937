"""Starts a server from its settings, and closes everything when a signal ends it."""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

from app.application import AllConnections, Application, OnCreated, create_app
from app.bootstrap import Resources, open_resources
from app.gc_tuning import tune_gc
from app.listening import address_errors, bind_socket
from app.maintenance import run_maintenance
from app.migration import migrate
from app.seeding import seed_database, seed_demo_documents
from app.service_database import open_database_url
from app.settings import DEMO_EMAIL, DEMO_PASSWORD, DEMO_PEOPLE, Settings
from app.start_checks import require_migrated, require_places
from app.task_supervision import end_on_dead_task
from gateway.execution.new_documents import shorten_switch_interval
from realtime.collaboration.connection import MAX_MESSAGE_BYTES
from transport.connection_table import DEFAULT_MAX_CONNECTIONS, ConnectionTable
from transport.trusted_proxies import TrustedProxies
from transport.uvicorn_http import http_protocol
from transport.uvicorn_websocket import WebSocketProtocol

_RESERVED_DESCRIPTORS: Final = 100
"""For listeners, stores, worker processes, files that are being read, and those who ask whether the server is well."""
_MIN_CONNECTIONS: Final = 16


def announce(settings: Settings, *, workers: int = 1) -> None:
    """Print where the server is found."""
    here = settings.origin
    who = f"process {os.getpid()}" + (f" with {workers} workers" if workers > 1 else "")
    print(f"PantheraHive is up ({who}).\n  GraphiQL   {here}/\n  GraphQL    {here}/graphql (HTTP and websocket)")
    print(f"  Health     {here}/healthz and {here}/readyz")
    if not settings.production and settings.seed != "none":
        print(f"  Demo user  {DEMO_EMAIL}, password {DEMO_PASSWORD}")
        for _, email in DEMO_PEOPLE[1:]:
            print(f"             {email}, the same password")
    sys.stdout.flush()


async def serve(
    settings: Settings, *, prepare: bool = True, shared: bool = False, on_ready: Callable[[Settings], None] = announce
) -> None:
    """
    Open everything, say where, and answer until SIGINT or SIGTERM.

    `prepare`: migrate, and seed an empty database. `shared`: other processes listen on the same port (`app.supervisor`).
    `on_ready` is called once it answers, with the settings and the port that was taken.
    """
    if not shared:
        require_places(settings)
    with bind_socket(settings.host, settings.port, shared=shared) as listener, end_on_dead_task():
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        async with open_database_url(settings) as url:
            if prepare:
                await migrate(url)
            else:
                await require_migrated(url)
            async with open_resources(settings, url) as resources:
                if prepare:
                    await seed_database(url, settings)
                    await seed_demo_documents(resources, settings)
                async with _metrics_registration(resources, settings) as register_metrics:
                    app = create_app(resources, settings, register_metrics)
                    with address_errors(settings.host, settings.port):
                        listener.listen(2048)
                    tune_gc()
                    shorten_switch_interval()
                    async with run_maintenance(resources, settings), _worker(resources, settings, url, inside=prepare):
                        await Server(_config(app, settings), app.connections, lambda: on_ready(settings)).serve([listener])


class Server(uvicorn.Server):
    """Uvicorn that drains websockets and streams before it closes them, and leaves the services below it time to close."""

    def __init__(self, config: uvicorn.Config, connections: AllConnections, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._open_connections = connections
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let signals end the serving and no more: Uvicorn would raise them again, and SIGTERM would kill the process there and
        then, with the database still open."""
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def startup(self, sockets: Any = None) -> None:
        """Begin to answer, and announce it."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: Any = None) -> None:
        """Take no more connections, drain, then close."""
        for server in self.servers:
            server.close()
        await self._open_connections.drain()
        await super().shutdown(sockets)


@asynccontextmanager
async def _worker(resources: Resources, settings: Settings, url: str, *, inside: bool) -> AsyncIterator[None]:
    """The worker, where it runs inside the server (`app.worker`)."""
    if not inside:
        yield
        return
    from app.worker import run_worker

    async with run_worker(resources, settings, url):
        yield


@asynccontextmanager
async def _metrics_registration(resources: Resources, settings: Settings) -> AsyncIterator[OnCreated | None]:
    """Registers the application with the metrics, which are served during the block; None where they are not."""
    if settings.metrics_port is None:
        yield None
        return
    from app.metrics import serve_metrics  # its client takes a megabyte

    async with serve_metrics(resources, settings) as metrics:
        yield metrics.register_application


def _config(app: Application, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app.asgi,
        loop="none",
        http=http_protocol(
            app.request_handlers,
            ConnectionTable(_max_connections(settings), max_per_address=settings.max_connections[1]),
            proxies=TrustedProxies(settings.trusted_proxies),
        ),
        ws=WebSocketProtocol,
        ws_ping_interval=None,
        ws_max_size=MAX_MESSAGE_BYTES,  # of documents; the graph allows less
        ws_per_message_deflate=False,
        lifespan="off",
        proxy_headers=False,  # uvicorn would believe any process of this machine
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


def _max_connections(settings: Settings) -> int:
    """How many clients may be connected: what the system allows in descriptors, without those that the server itself needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    own = _RESERVED_DESCRIPTORS + 2 * settings.database_connections
    return min(DEFAULT_MAX_CONNECTIONS, max(_MIN_CONNECTIONS, soft - own))
