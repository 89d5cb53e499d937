"""Measures searches: ten kinds of queries, alone and of many clients at once, in Postgres and OpenSearch, beside ILIKE; speed of
indexing, and room on disk.

make bench-search ARGS="--tasks 100000 --documents 20000 --comments 200000 --opensearch real"
"""

import argparse
import asyncio
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

import migrations
from benchmarks.search.rows import Sizes, insert_rows
from domain.search.query import parse
from domain.search.scope import SearchScope
from embedded import embedded_postgres
from persistence.engine.database import Database, open_database
from persistence.search.opensearch.engine import OpenSearchEngine
from persistence.search.opensearch.rebuild import build
from persistence.search.opensearch.search import OpenSearchSearch
from persistence.search.port import SearchIndex
from persistence.search.postgres import PostgresSearch
from persistence.search.rebuild import enqueue_all, work_off_all
from tests.support.opensearch import real_node

CLIENTS = 16
_ALL_TYPES = ("User", "Team", "Project", "Task", "Document", "Comment")
_ILIKE = """
  SELECT id, updated_at FROM tasks WHERE (title ILIKE $1 OR description ILIKE $1) AND deleted_at IS NULL AND project_id = ANY ($2)
  UNION ALL SELECT id, updated_at FROM documents
  WHERE (title ILIKE $1 OR words ILIKE $1) AND deleted_at IS NULL AND project_id = ANY ($2)
  UNION ALL SELECT id, updated_at FROM comments WHERE body ILIKE $1 AND deleted_at IS NULL AND project_id = ANY ($2)
  ORDER BY updated_at DESC LIMIT 50
"""
_SIZES = """
  SELECT relname, pg_total_relation_size(oid) FROM pg_class
  WHERE relname IN ('tasks', 'documents', 'comments', 'search_entries', 'search_terms') ORDER BY relname
"""


def query_kinds(known: list[str]) -> dict[str, str]:
    """A query of each kind, by what it is."""
    return {
        "a word in every title": "everywhere ",
        "a frequent word": known[20],
        "a word of the middle": known[2_000],
        "a rare word": known[15_000],
        "two words": f"{known[50]} {known[500]} ",
        "a phrase": f'"{known[0]} {known[1]}"',
        "a prefix": known[15_000][:4],
        "a key": "SRC-4242",
        "a typing error": "checlkist",
        "a question": f"where is the {known[5_000]} {known[9_000]} checklist",
    }


async def timed(run: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    """Milliseconds of each run, one after the other."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        await run()
        took.append((time.perf_counter() - started) * 1000)
    return took


def cpu_seconds(processes: list[int]) -> float:
    """The processor time that this process and these, backends of Postgres and OpenSearch, have used."""
    tasks = [each for pid in processes for each in Path(f"/proc/{pid}/task").iterdir()]
    return time.process_time() + sum(int((each / "schedstat").read_text().split()[0]) / 1e9 for each in tasks)


def shown(took: list[float]) -> str:
    """The median and the 99th percentile."""
    return f"{statistics.median(took):8.1f} {sorted(took)[int(len(took) * 0.99)]:8.1f}"


async def measure(url: str, sizes: Sizes, runs: int, opensearch_url: str | None) -> None:
    """Fill a database, index it, and search."""
    await asyncio.to_thread(migrations.upgrade, url)
    raw = await asyncpg.connect(url)
    viewer, known = await insert_rows(raw, sizes)
    async with open_database(url, max_connections=2 * CLIENTS) as database:
        async with database.begin() as connection:
            await enqueue_all(connection)
        started = time.perf_counter()
        indexed = await work_off_all(database)
        seconds = time.perf_counter() - started
        print(f"indexed {indexed:,} objects in {seconds:.0f} s, {indexed / seconds:,.0f} a second")
        await raw.execute("VACUUM ANALYZE")
        print("on disk: " + ", ".join(f"{row[0]} {row[1] / 2**20:,.0f} MiB" for row in await raw.fetch(_SIZES)))
        plain = PostgresSearch(database)
        await measure_queries(plain, raw, viewer, query_kinds(known), runs, [])
        if opensearch_url is not None:
            async with OpenSearchEngine.open(opensearch_url) as engine:
                await measure_opensearch(database, engine, url, sizes)
                index = OpenSearchSearch(database, engine, plain)
                index.search_seconds = 10.0
                pids = await processes_of(engine)
                await measure_queries(index, raw, viewer, query_kinds(known), runs, pids, beside_ilike=False)
                print(f"answered by OpenSearch: {index.counts.answered:,}, by Postgres in its place: {index.counts.degraded:,}")
    await raw.close()


async def measure_opensearch(database: Database, engine: OpenSearchEngine, url: str, sizes: Sizes) -> None:
    """Build the indices, and print how fast and how large."""
    print(f"OpenSearch: {sizes}")
    started = time.perf_counter()
    count = await build(database, engine, url)
    seconds = time.perf_counter() - started
    print(f"indexed {count:,} objects in {seconds:.0f} s, {count / seconds:,.0f} a second")
    await engine.administer("POST", f"/{engine.names.prefix}-*/_forcemerge?max_num_segments=5")
    stats = (await engine.administer("GET", f"/{engine.names.prefix}-*/_stats/store"))["indices"]
    print(
        "on disk: "
        + ", ".join(f"{name} {held['total']['store']['size_in_bytes'] / 2**20:,.0f} MiB" for name, held in stats.items())
    )


async def processes_of(engine: OpenSearchEngine) -> list[int]:
    """The process of each node, on this machine."""
    nodes = (await engine.administer("GET", "/_nodes/process"))["nodes"]
    return [each["process"]["id"] for each in nodes.values()]


async def measure_queries(
    index: SearchIndex,
    raw: "asyncpg.Connection[Any]",
    viewer: UUID,
    kinds: dict[str, str],
    runs: int,
    processes: list[int],
    *,
    beside_ilike: bool = True,
) -> None:
    """Print a line for each kind of query."""
    scope = SearchScope(viewer_id=viewer, types=_ALL_TYPES, subjects=("Task", "Document"))
    as_of = datetime.now(UTC) + timedelta(seconds=1)
    await asyncio.gather(*(index.search(scope, parse("everywhere"), as_of=as_of) for _ in range(CLIENTS)))  # opens connections
    projects = [row[0] for row in await raw.fetch("SELECT id FROM projects")]

    def search(text: str) -> Callable[[], Awaitable[Any]]:
        return lambda: index.search(scope, parse(text), as_of=as_of)

    backends = processes + [
        row[0] for row in await raw.fetch("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
    ]
    print(
        f"{'milliseconds, median and p99':32} {'found':>5} {'CPU':>7} {'alone':>17} {f'of {CLIENTS} clients':>17} {'ILIKE':>17}"
    )
    for kind, text in kinds.items():
        found = await index.search(scope, parse(text), as_of=as_of)
        used = cpu_seconds(backends)
        alone = await timed(search(text), runs)
        used = (cpu_seconds(backends) - used) / runs * 1000
        many = await asyncio.gather(*(timed(search(text), max(3, runs // CLIENTS)) for _ in range(CLIENTS)))
        pattern = f"%{text.strip().strip(chr(34))}%"
        plain = [math.nan]
        if beside_ilike:
            plain = await timed(lambda pattern=pattern: raw.fetch(_ILIKE, pattern, projects), 3)  # type: ignore[misc]
        together = [each for one in many for each in one]
        print(f"{kind:32} {len(found.hits):5} {used:7.1f} {shown(alone)} {shown(together)} {shown(plain)}", flush=True)
    typed = [await timed(search("check"[:length]), runs) for length in range(1, 6)]
    print(f"{'typing check, letter by letter':38} {'  '.join(f'{statistics.median(each):.1f}' for each in typed)}")


async def main(argv: list[str]) -> None:
    """Measure over an embedded Postgres in a folder that is deleted afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--comments", type=int, default=100_000)
    parser.add_argument("--projects", type=int, default=20)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--opensearch", help="URL of an OpenSearch on this machine, or `real`, which is started")
    asked = parser.parse_args(argv)
    sizes = Sizes(asked.tasks, asked.documents, asked.comments, asked.projects)
    print(sizes)
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_postgres(Path(folder) / "postgres") as url:
            if asked.opensearch == "real":
                (Path(folder) / "opensearch").mkdir()
                with real_node(Path(folder) / "opensearch") as address:
                    await measure(url, sizes, asked.runs, f"{address}/bench")
            else:
                await measure(url, sizes, asked.runs, asked.opensearch)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
