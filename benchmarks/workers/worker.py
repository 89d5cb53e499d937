"""The worker that is measured: `python benchmarks/workers/worker.py URL FOLDER CONSUMER`.

It runs over the services of `server.py worker`.

`pass` does nothing with an event, `insert` writes a row for each, `enqueue` adds a job for each and prints, when its transaction
has committed, the id of the event and the time (CLOCK_MONOTONIC, one for all processes). `notify` is the product's consumer of
notifications; every user subscribes to `notificationReceived`, and what is printed is the id of each notification that arrives.
"""

import asyncio
import gc
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from uuid import UUID

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # modules are named from the root, as everywhere

import orjson
from sqlalchemy import Column, MetaData, Table, Uuid, select
from sqlalchemy.dialects.postgresql import insert

from app.bootstrap import Resources, open_resources
from app.gc_tuning import tune_gc
from app.settings import Settings
from app.worker import worker_services
from domain.actor import Actor
from domain.events import derived_id
from domain.global_id import parse
from domain.session import Device
from gateway.execution.executor import Executor, OperationRequest, OperationResult
from persistence.engine.database import open_database
from persistence.engine.rows import recordset
from persistence.engine.statement import Statement
from persistence.tables import users
from realtime.background_tasks import BackgroundTasks
from resolvers.context import Context
from schema.root import bindings, schema
from workers.consumer import Batch, Consumer, Start
from workers.consumers.notifications import notifications
from workers.services import WorkerServices
from workers.worker import Worker, WorkerWiring

EFFECTS = Table("bench_effects", MetaData(), Column("id", Uuid, primary_key=True))
_rows = recordset("rows", "row", Column("id", Uuid))
_USERS = Statement(select(users.c.id))
_INSERT = Statement(insert(EFFECTS).from_select(["id"], _rows.select()).on_conflict_do_nothing())
_uncommitted: dict[str, list[str]] = defaultdict(list)


async def do_nothing(_: Batch) -> None:
    """The cheapest consumer."""


async def insert_rows(batch: Batch) -> None:
    """One row for each event, by one statement."""
    await batch.uow.connection.execute(_INSERT, rows=[{"id": str(derived_id(entry.id, "bench"))} for entry in batch.entries])


async def enqueue(batch: Batch) -> None:
    """A job for each event."""
    kind = batch.entries[0].stream
    for entry in batch.entries:
        _uncommitted[f"jobs:{kind}"].append(str(entry.id))
        await batch.jobs.add(kind, derived_id(entry.id, "bench"), {})


def on_commit(name: str) -> None:
    """Called when a transaction with jobs has committed."""
    now = time.monotonic()
    sys.stdout.write("".join(f"{event} {now:.6f}\n" for event in _uncommitted.pop(name, ())))
    sys.stdout.flush()


async def listen(resources: Resources, executor: Executor, user_id: UUID) -> None:
    """Print the notifications of a user when they arrive."""
    context = Context(resources.services, Actor(user_id=user_id), Device())
    stream = await executor.subscribe(OperationRequest(query="subscription { notificationReceived { id } }"), context)
    assert not isinstance(stream, OperationResult), stream
    async for answer in stream:
        parsed = parse(orjson.loads(answer.to_json())["data"]["notificationReceived"]["id"])
        assert parsed is not None
        sys.stdout.write(f"{parsed[1]} {time.monotonic():.6f}\n")
        sys.stdout.flush()


HANDLERS = {"pass": do_nothing, "insert": insert_rows, "enqueue": enqueue}


def consumer_of(name: str) -> Consumer:
    """The consumer that is measured."""
    if name == "notify":
        return notifications
    start = Start.NOW if name == "enqueue" else Start.BEGINNING
    return Consumer(name=f"bench {name}", handle=HANDLERS[name], start=start, max_batch=100)


async def main(url: str, folder: str, name: str) -> None:
    """Work until SIGTERM."""
    settings = Settings(database_url=url, data_dir=Path(folder), log_level="warning")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    consumer = consumer_of(name)
    async with open_resources(settings, url) as resources, open_database(url, max_connections=6) as database:
        given = worker_services(resources, database)
        services = WorkerServices(**{each: getattr(given, each) for each in given.__slots__} | {"wake": on_commit})
        wiring = WorkerWiring(
            url=url,
            services=services,
            queue=resources.queue,
            sender=resources.wake_ups,
            consumers=[consumer],
            jobs=[],
            schedules=[],
            duties=[],
            tasks=4,
        )
        gc.collect()
        tune_gc()
        executor = Executor(schema, bindings=bindings, before_event=Context.clear_loaders)
        listening = BackgroundTasks()
        if name == "notify":
            for row in await database.fetch(_USERS):
                listening.supervise(listen(resources, executor, row[0]), "listen")
        async with Worker.open(wiring):
            print("ready", flush=True)
            await stop.wait()
        await listening.cancel_all()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main(*sys.argv[1:]))
    else:
        uvloop.run(main(*sys.argv[1:]))
