"""Measures what row-level security costs: processor time of the process and of Postgres, with policies and without, in turns.

One house, in this process, over an embedded Postgres with the demo's rows; two databases to it, one of which reads as principals.
Rounds of the two follow each other, so that whatever else the machine does falls on both.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import asyncpg

from app.bootstrap import LIMITS, POSITION_READER, Resources, open_resources
from app.migration import migrate
from app.seeding import seed_database
from app.service_database import open_database_url
from app.settings import Settings
from benchmarks.sign_in import SECRET_KEY
from domain.actor import Actor
from domain.session import Device
from gateway.execution.executor import Executor, OperationRequest
from persistence.row_policies import ROLE
from resolvers import ids
from resolvers.context import Context
from schema.field_rules import field_weights
from schema.root import bindings, schema

OPERATIONS: Final = {
    "a task": "query ($task: ID!) { task(id: $task) { id title assignee { displayName } project { name } } }",
    "50 tasks": """query ($project: ID!) { project(id: $project) {
        tasks(first: 50) { nodes { id title status assignee { displayName } } } } }""",
    "a tree": """query ($project: ID!) { project(id: $project) {
        name team { name members(first: 10) { nodes { displayName } } }
        tasks(first: 20) { nodes { id title comments(first: 3) { nodes { body author { displayName } } } } } } }""",
    "a search": """{ search(query: "the design", first: 20) {
        totalCount nodes { __typename ... on Task { title } ... on Document { title } ... on Comment { body } } } }""",
    "the viewer": "{ viewer { displayName teams(first: 10) { nodes { name } } } }",
}
_TARGET: Final = """
    SELECT m.user_id, t.id, t.project_id FROM tasks t JOIN project_members m ON m.project_id = t.project_id
    WHERE t.deleted_at IS NULL AND t.assignee_user_id IS NOT NULL ORDER BY t.id LIMIT 1"""


def main(argv: list[str]) -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=200, help="of each operation and round")
    parser.add_argument("--concurrent", type=int, default=16)
    parser.add_argument("--operation", choices=OPERATIONS, help="this one only")
    asked = parser.parse_args(argv)
    operations = {asked.operation: OPERATIONS[asked.operation]} if asked.operation else OPERATIONS
    asyncio.run(_measure(operations, asked.rounds, asked.requests, asked.concurrent))
    return 0


async def _measure(operations: Mapping[str, str], rounds: int, requests: int, concurrent: int) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        own = {"data_dir": folder, "seed_size": "demo", "secret_key": SECRET_KEY, "log_level": "error"}
        settings = Settings(**own)  # type: ignore[arg-type]
        url = await stack.enter_async_context(open_database_url(settings))
        await migrate(url)
        plain = await stack.enter_async_context(open_resources(settings, url))
        await seed_database(url, settings)
        walled = await stack.enter_async_context(
            open_resources(Settings(**own, row_level_security=True), url)  # type: ignore[arg-type]
        )
        raw = await asyncpg.connect(url)
        await raw.execute("ANALYZE")
        target = await raw.fetchrow(_TARGET)
        assert target is not None
        user_id, task_id, project_id = target
        variables = {"task": ids.encode("Task", task_id), "project": ids.encode("Project", project_id)}
        houses = {"without": _runner(plain, user_id), "with": _runner(walled, user_id)}
        print(f"role {ROLE}; {rounds} rounds of {requests} requests; CPU ms a request of the process and of Postgres")
        print(f"{'operation':14}{'at once':>8}{'without':>18}{'with':>18}{'ratio':>8}")
        for name, text in operations.items():
            for at_once in (1, concurrent):
                figures: dict[str, list[tuple[float, float]]] = {each: [] for each in houses}
                for number in range(-1, rounds):
                    for house, run in houses.items():
                        pids = [
                            row[0] for row in await raw.fetch("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
                        ]
                        before = time.process_time(), _cpu_seconds(pids)
                        given = {key: value for key, value in variables.items() if f"${key}:" in text}
                        await _run_many(run, text, given, requests, at_once)
                        if number >= 0:
                            figures[house].append(
                                (
                                    (time.process_time() - before[0]) * 1000 / requests,
                                    (_cpu_seconds(pids) - before[1]) * 1000 / requests,
                                )
                            )
                medians = {
                    each: tuple(statistics.median(one[part] for one in found) for part in (0, 1))
                    for each, found in figures.items()
                }
                shown = [f"{own:.3f} + {theirs:.3f}" for own, theirs in medians.values()]
                ratio = sum(medians["with"]) / sum(medians["without"])
                print(f"{name:14}{at_once:8}{shown[0]:>18}{shown[1]:>18}{ratio:8.2f}", flush=True)
        await raw.close()


def _runner(resources: Resources, user_id: Any) -> Callable[[str, dict[str, str]], Awaitable[bytes]]:
    executor = Executor(
        schema, limits=LIMITS, weights=field_weights(bindings), bindings=bindings, position_reader=POSITION_READER
    )

    async def run(text: str, variables: dict[str, str]) -> bytes:
        context = Context(resources.services, Actor(user_id=user_id), Device())
        answer = (await executor.execute(OperationRequest(text, variables=variables), context)).to_json()
        assert b'"errors"' not in answer, answer
        return answer

    return run


async def _run_many(run: Any, text: str, variables: dict[str, str], requests: int, at_once: int) -> None:
    async def client() -> None:
        for _ in range(requests // at_once):
            await run(text, variables)

    await asyncio.gather(*(client() for _ in range(at_once)))


def _cpu_seconds(pids: list[int]) -> float:
    return sum(
        int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
        for pid in pids
        if Path(f"/proc/{pid}/schedstat").exists()
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
