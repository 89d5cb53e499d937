"""Measures whether the time of an answer tells that there is something: ids of another team against ids of nothing, in pairs.

A person without a team asks for objects of the demo's teams, and for ids that nobody has, the two of a pair one after the other
in random order. The median of the differences says how large the gap is, the sign test how likely it is one: p is the probability
of so many pairs on one side where there is none.
"""

import argparse
import asyncio
import math
import os
import random
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from app.bootstrap import LIMITS, POSITION_READER, Resources, open_resources
from app.migration import migrate
from app.seeding import seed_database, seed_demo_documents
from app.service_database import open_database_url
from app.settings import Settings
from benchmarks.sign_in import SECRET_KEY
from domain.actor import Actor
from domain.session import Device
from domain.user import User
from gateway.execution.executor import Executor, OperationRequest
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from resolvers.context import Context
from schema.field_rules import field_weights
from schema.root import bindings, schema

MAX_GAP_MS: Final = 0.2
TABLES: Final = {
    "Task": "tasks",
    "Project": "projects",
    "Document": "documents",
    "Comment": "comments",
    "Label": "labels",
    "Team": "teams",
    "User": "users",
}
_NODE: Final = "query ($id: ID!) { node(id: $id) { id } }"
_UPDATE: Final = 'mutation ($id: ID!) { taskUpdate(input: {id: $id, title: "x"}) { errors { code path message } } }'
_COMMENT: Final = 'mutation ($id: ID!) { commentCreate(input: {subjectId: $id, body: "x"}) { errors { code path message } } }'


def main(argv: list[str]) -> int:
    """Run the measurement; 1 if some gap is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=600, help="of each kind")
    parser.add_argument("--only", default="", help="kinds whose names contain this")
    asked = parser.parse_args(argv)
    return asyncio.run(_measure(asked.pairs, asked.only))


async def _measure(pairs: int, only: str) -> int:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(data_dir=folder, seed_size="demo", secret_key=SECRET_KEY, log_level="error")
        url = await stack.enter_async_context(open_database_url(settings))
        await migrate(url)
        await seed_database(url, settings)
        resources = await stack.enter_async_context(open_resources(settings, url))
        await seed_demo_documents(resources, settings)
        viewer = await _create_viewer(resources)
        raw = await asyncpg.connect(url)
        await raw.execute("ANALYZE")
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {pairs} pairs of each kind; times in ms")
        print(f"{'':24}{'there':>9}{'not there':>11}{'gap':>9}{'slower':>8}{'p':>8}")
        worst = 0.0
        questions = [(f"node, {name}", _NODE, name) for name in TABLES]
        for title, text, name in [*questions, ("taskUpdate", _UPDATE, "Task"), ("commentCreate", _COMMENT, "Task")]:
            if only not in title:
                continue
            query = f"SELECT id FROM {TABLES[name]} WHERE id <> $1 ORDER BY random() LIMIT 200"  # noqa: S608 (names of our own)
            found = [row[0] for row in await raw.fetch(query, viewer.user_id)]
            near = [UUID(int=each.int ^ random.getrandbits(40)) for each in found]  # of the same time, in the same pages
            chosen = random.choices(list(zip(found, near, strict=True)), k=pairs)
            asked = [(ids.encode(name, one), ids.encode(name, other)) for one, other in chosen]
            worst = max(worst, abs(await _compare(resources, viewer, title, text, asked)))
        await raw.close()
        return int(worst > MAX_GAP_MS)


async def _create_viewer(resources: Resources) -> Actor:
    now = datetime.now(UTC)
    user = User(id=uuid7(), created_at=now, updated_at=now, email_address="gaps@bench.example", first_name="No", last_name="Team")
    async with unit_of_work(resources.database, resources.services.pubsub) as uow:
        assert await uow.users.add(user, None)
    return Actor(user_id=user.id)


async def _compare(resources: Resources, viewer: Actor, title: str, text: str, asked: list[tuple[str, str]]) -> float:
    """The median of the differences, in milliseconds."""
    executor = Executor(
        schema, limits=LIMITS, weights=field_weights(bindings), bindings=bindings, position_reader=POSITION_READER
    )

    async def timed(id_: str) -> tuple[float, bytes]:
        context = Context(resources.services, viewer, Device())
        began = time.perf_counter()
        answer = (await executor.execute(OperationRequest(text, variables={"id": id_}), context)).to_json()
        return (time.perf_counter() - began) * 1000, answer

    times: dict[bool, list[float]] = {True: [], False: []}
    for number, (own, nobodys) in enumerate([*asked[:50], *asked]):  # the first fifty warm up
        order = [True, False]
        random.shuffle(order)
        answers = {}
        for is_there in order:
            took, answers[is_there] = await timed(own if is_there else nobodys)
            if number >= 50:
                times[is_there].append(took)
        assert answers[True] == answers[False], answers
    differences = [one - other for one, other in zip(times[True], times[False], strict=True)]
    slower = sum(each > 0 for each in differences)
    gap = statistics.median(differences)
    medians = statistics.median(times[True]), statistics.median(times[False])
    p = _sign_test(slower, len(differences))
    print(f"{title:24}{medians[0]:9.3f}{medians[1]:11.3f}{gap:+9.3f}{slower / len(differences):8.0%}{p:8.2f}", flush=True)
    return gap


def _sign_test(slower: int, pairs: int) -> float:
    """How likely it is that so many pairs, or more, are on one side by chance."""
    extreme = max(slower, pairs - slower)
    return float(min(1.0, 2 * sum(math.comb(pairs, each) for each in range(extreme, pairs + 1)) / 2**pairs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
