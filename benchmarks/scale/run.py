"""`make bench-scale`: what operations cost in a small and in a large team of one database. `--help` names the options.

One server and one client; teams take turns request by request, so that whatever else the machine does falls on both. The third
team's viewer is in 30 teams with 10 projects each.
"""

import argparse
import asyncio
import http.client
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # modules are named from the root, as everywhere

import migrations
from app.bootstrap import open_resources
from app.settings import Settings
from benchmarks.measure import free_port, running_server
from benchmarks.scale.lists import CURSOR, LARGE, SMALL, ListSizes, ListTeam, add_list_team, grow_log, list_operations
from benchmarks.scale.logs import CREATE_DOCUMENT, PLACES, SHORT, LogSizes, Typist, log_operations, write_edits
from benchmarks.scale.operations import Operation, operations
from benchmarks.scale.population import Population, Team, hash_password
from benchmarks.sign_in import PUBLIC_URL, SECRET_KEY, sign_in
from embedded import embedded_postgres
from persistence.engine.database import open_database
from persistence.stores.task_counts import rebuild
from resolvers import ids

ROOT = Path(__file__).resolve().parents[2]
_SMALL_TASKS = 500
_PROJECTS = 5
_MANY_TEAMS, _MANY_PROJECTS, _MANY_TASKS = 30, 10, 50
_NAMES = ("small", "large")
_WARMING_REQUESTS = 5


def main(argv: Sequence[str]) -> int:
    """Seed, measure and report; the process's exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks/scale/run.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("--tasks", default=200_500, type=int, help="of the large team, at most 1,000,000")
    parser.add_argument("--projects", default=_PROJECTS, type=int, help="of the large team")
    parser.add_argument("--comments", default=20_000, type=int, help="on one task of the large team")
    parser.add_argument("--requests", default=60, type=int, help="of each operation and team")
    parser.add_argument("--only", default="", help="operations whose titles contain this")
    parser.add_argument("--lists", action="store_true", help="measure lists that are not of tasks instead")
    parser.add_argument("--logs", action="store_true", help="measure long logs instead")
    parser.add_argument("--events", default=10_000_000, type=int, help="of the long log of a team")
    parser.add_argument("--edits", default=100_000, type=int, help="of the long log of a document")
    parser.add_argument("--data", default=ROOT / ".data" / "bench-scale", type=Path, help="folder of the database")
    parser.add_argument("--results", type=Path, help="a file for the figures, as JSON")
    asked = parser.parse_args(argv)
    if not _SMALL_TASKS <= asked.tasks <= 1_000_000:
        parser.error("--tasks is between 500 and 1,000,000")
    asyncio.run(_run(asked))
    return 0


async def _run(options: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded_postgres(options.data.absolute() / "postgres"))
        url = urlunsplit(urlsplit(server)._replace(path="/scale"))
        admin = await asyncpg.connect(server)
        await admin.execute('DROP DATABASE IF EXISTS "scale" WITH (FORCE)')
        await admin.execute('CREATE DATABASE "scale"')
        await admin.close()
        await asyncio.to_thread(migrations.upgrade, url)
        began = time.monotonic()
        with_lists = options.lists or options.logs
        teams: Sequence[Any] = await (
            _seed_lists(url, [SMALL, SMALL if options.logs else LARGE]) if with_lists else _seed(url, options)
        )
        print(f"Seeded in {time.monotonic() - began:.0f} s.", file=sys.stderr)
        port = free_port()
        log = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pantherahive-scale-"))) / "server.log"
        given = {
            "HIVE_DATABASE_URL": url,
            "HIVE_PORT": str(port),
            "HIVE_PUBLIC_URL": PUBLIC_URL,
            "HIVE_SECRET_KEY": SECRET_KEY.get_secret_value(),
            "HIVE_DATA_DIR": str(options.data.absolute() / "server"),
        }
        settings = [f"{name}={value}" for name, value in given.items()]
        command = ["env", *settings, sys.executable, "server.py", "api"]
        core = min(os.sched_getaffinity(0))
        await stack.enter_async_context(running_server(command, folder=ROOT, port=port, core=core, log=log))
        tokens = await sign_in(url, [team.viewer for team in teams])
        if options.logs:
            asked = await _write_logs(url, port, teams, tokens, options)
        else:
            asked = await _grow_logs(url, port, teams, tokens) if options.lists else list(operations())
        figures = await asyncio.to_thread(_measure, options, port, teams, tokens, asked)
    third = f"{_MANY_TEAMS} teams, {_MANY_TEAMS * _MANY_PROJECTS} projects"
    _print_table(["little", "much"] if with_lists else [f"{teams[0].tasks:,}", f"{teams[1].tasks:,}", third], figures)
    if options.results is not None:
        machine = {"python": platform.python_version(), "cores": os.cpu_count(), "at": datetime.now(UTC).isoformat()}
        options.results.write_text(json.dumps({"machine": machine, "tasks": options.tasks, "figures": figures}, indent=1))


async def _seed(url: str, options: argparse.Namespace) -> list[Team]:
    connection = await asyncpg.connect(url)
    try:
        population = Population(connection, await hash_password())
        small = await population.add_team("Small", projects=[_SMALL_TASKS // _PROJECTS] * _PROJECTS, comments=20)
        each = options.tasks // options.projects
        large = await population.add_team("Large", projects=[each] * options.projects, comments=options.comments)
        many = [await population.add_team("Many", projects=[_MANY_TASKS] * _MANY_PROJECTS, comments=20)]
        viewer = (many[0].viewer, many[0].viewer_id)
        for nr in range(1, _MANY_TEAMS):
            projects = [_MANY_TASKS] * _MANY_PROJECTS
            many.append(await population.add_team(f"Many {nr}", projects=projects, comments=0, viewer=viewer))
        async with open_database(url, max_connections=1) as database:
            await rebuild(database)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return [small, large, many[0]]


async def _seed_lists(url: str, sizes: Sequence[ListSizes]) -> list[ListTeam]:
    connection = await asyncpg.connect(url)
    try:
        password_hash = await hash_password()
        named = zip(_NAMES, sizes, strict=True)
        teams = [await add_list_team(connection, name, own, password_hash) for name, own in named]
        async with open_database(url, max_connections=1) as database:
            await rebuild(database)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
    return teams


async def _grow_logs(url: str, port: int, teams: Sequence[ListTeam], tokens: dict[str, str]) -> list[Operation]:
    """Let many events come after what clients have seen; what is then asked."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    cursors = {team.viewer: _request(client, tokens[team.viewer], CURSOR, {})["changes"]["cursor"] for team in teams}
    client.close()
    connection = await asyncpg.connect(url)
    try:
        for team, sizes in zip(teams, (SMALL, LARGE), strict=True):
            await grow_log(connection, team, sizes.events)
        await connection.execute("VACUUM (ANALYZE) events")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return list(list_operations(cursors))


async def _write_logs(
    url: str, port: int, teams: Sequence[ListTeam], tokens: dict[str, str], options: argparse.Namespace
) -> list[Operation]:
    """Let logs grow, and read cursors on the way; what is then asked."""
    settings = Settings(data_dir=options.data.absolute() / "server", secret_key=SECRET_KEY, public_url=PUBLIC_URL)
    cursors: dict[str, dict[str, str]] = {}
    projects: dict[str, str] = {}
    documents: dict[str, str] = {}
    edits: dict[str, list[bytes]] = {}
    async with AsyncExitStack() as stack:
        connection = await asyncpg.connect(url)
        stack.push_async_callback(connection.close)
        resources = await stack.enter_async_context(open_resources(settings, url))
        for team, sizes in zip(teams, (SHORT, LogSizes(options.events, options.edits)), strict=True):
            began = time.monotonic()
            token, cursors[team.viewer] = tokens[team.viewer], {}
            for place, grown in zip(PLACES, (sizes.events // 2, sizes.events - sizes.events // 2 - 100, 100), strict=True):
                cursors[team.viewer][place] = _request_once(port, token, CURSOR, {})["changes"]["cursor"]
                await grow_log(connection, team, grown)
            projects[team.viewer] = ids.encode("Project", team.project_id)
            given = {"input": {"projectId": projects[team.viewer], "title": "Long"}}
            document_id = _request_once(port, token, CREATE_DOCUMENT, given)["documentCreate"]["document"]["id"]
            documents[team.viewer] = document_id
            author = await connection.fetchval("SELECT id FROM users WHERE email = $1", team.viewer)
            typist = Typist()
            parsed = ids.parse(document_id)
            assert parsed is not None
            await write_edits(resources, parsed[1], author, typist, sizes.edits)
            edits[team.viewer] = typist.type(options.requests + _WARMING_REQUESTS)
            print(f"{sizes} in {time.monotonic() - began:.0f} s.", file=sys.stderr)
        await connection.execute("VACUUM (ANALYZE) events, document_updates")
        await connection.execute("CHECKPOINT")
    return list(log_operations(cursors, projects, documents, edits, first_run=-_WARMING_REQUESTS))


def _measure(
    options: argparse.Namespace, port: int, teams: Sequence[Any], tokens: dict[str, str], asked: Sequence[Operation]
) -> dict[str, list[tuple[float, float]]]:
    """By operation, the median and the 99th percentile of each team, in milliseconds."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    figures: dict[str, list[tuple[float, float]]] = {}
    for operation in asked:
        if options.only not in operation.title:
            continue
        seconds: list[list[float]] = [[] for _ in teams]
        for run in range(-_WARMING_REQUESTS, options.requests):  # the first ones warm up: they are compiled, and prepared
            for team, taken in zip(teams, seconds, strict=True):
                passed = _ask(client, tokens[team.viewer], operation, operation.variables(team, run % 10**6))
                if run >= 0:
                    taken.append(passed)
        figures[operation.title] = [
            (median(taken) * 1000, quantiles(taken, n=100)[98] * 1000 if len(taken) > 1 else taken[0] * 1000) for taken in seconds
        ]
        print(operation.title, *(f"{p50:.1f}/{p99:.1f}" for p50, p99 in figures[operation.title]), file=sys.stderr)
    client.close()
    return figures


def _ask(client: http.client.HTTPConnection, token: str, operation: Operation, variables: Any) -> float:
    began = time.perf_counter()
    _request(client, token, operation.document, variables)
    return time.perf_counter() - began


def _request(client: http.client.HTTPConnection, token: str, document: str, variables: Any) -> Any:
    """The data of the answer."""
    body = json.dumps({"query": document, "variables": variables}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    client.request("POST", "/graphql", body, headers)
    answer = client.getresponse().read()
    if b'"errors":[{' in answer or not answer.startswith(b'{"data"'):
        raise SystemExit(f"{document} failed: {answer[:500].decode()}")
    return json.loads(answer)["data"]


def _request_once(port: int, token: str, document: str, variables: Any) -> Any:
    """The same over a connection of its own, for who asks once in minutes."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        return _request(client, token, document, variables)


def _print_table(names: Sequence[str], figures: dict[str, list[tuple[float, float]]]) -> None:
    print(f"| p50 / p99 in ms | {' | × | '.join(names).replace(' | × | ', ' | ', 1)} | × |")
    print(f"|---|{'--:|' * (2 * len(names) - 1)}")
    for title, ((first, first_99), *others) in figures.items():
        cells = [cell for p50, p99 in others for cell in (f"{p50:.1f} / {p99:.1f}", f"{p50 / first:.1f}")]
        print(f"| {title} | {first:.1f} / {first_99:.1f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
