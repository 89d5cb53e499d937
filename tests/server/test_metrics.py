"""The numbers for operators: off unless asked for, on a port of their own, and true."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.application import create_app
from app.metrics import MetricsCollector
from app.settings import Settings
from gateway.endpoints import OpenConnections
from gateway.execution.executor import Executor
from gateway.execution.metrics import BUCKET_BOUNDS_SECONDS, Histogram
from tests.support.app import App
from tests.support.backing_services import free_port
from tests.support.machine import allowed_seconds
from tests.support.server_process import (
    TASK_CREATE,
    Client,
    ServerProcess,
    create_team_and_project,
    next_data,
    register_user,
    running_process,
    running_server,
    subscribe,
)

pytestmark = pytest.mark.slow

METRIC_TYPES = {
    "pantherahive_info": "gauge",
    "pantherahive_operation_duration_seconds": "histogram",
    "pantherahive_executions": "counter",
    "pantherahive_errors": "counter",
    "pantherahive_websocket_connections": "gauge",
    "pantherahive_websocket_operations": "gauge",
    "pantherahive_websocket_queued_bytes": "gauge",
    "pantherahive_websocket_closes": "counter",
    "pantherahive_http_streams": "gauge",
    "pantherahive_database_statements": "counter",
    "pantherahive_database_trips": "counter",
    "pantherahive_database_connections_lent": "gauge",
    "pantherahive_database_connections_wanted": "gauge",
    "pantherahive_database_connections_refused": "counter",
    "pantherahive_background_failures": "counter",
    "pantherahive_background_failing": "gauge",
    "pantherahive_search_queue": "gauge",
    "pantherahive_thumbnails": "counter",
    "pantherahive_cache_bytes": "gauge",
    "pantherahive_cache_max_bytes": "gauge",
    "pantherahive_cache_entries": "gauge",
    "pantherahive_cache_evictions": "counter",
    "pantherahive_streams_followed": "gauge",
    "pantherahive_stream_listeners": "gauge",
    "pantherahive_consumer_entries": "counter",
    "pantherahive_consumer_failures": "counter",
    "pantherahive_consumer_dead_letters": "counter",
    "pantherahive_consumer_lag_events": "gauge",
    "pantherahive_consumer_lag_seconds": "gauge",
    "pantherahive_jobs_done": "counter",
    "pantherahive_job_failures": "counter",
    "pantherahive_job_dead_letters": "counter",
    "pantherahive_job_lag_jobs": "gauge",
    "pantherahive_job_lag_seconds": "gauge",
    "pantherahive_schedule_runs": "counter",
    "pantherahive_schedule_failures": "counter",
    "pantherahive_worker_leads": "gauge",
}
QUERIES = 'pantherahive_operation_duration_seconds_count{kind="query"}'
MUTATIONS = 'pantherahive_operation_duration_seconds_count{kind="mutation"}'
EVENTS = [f'pantherahive_operation_duration_seconds_count{{kind="{kind}"}}' for kind in ("event", "group event")]
COMPILED = 'pantherahive_executions_total{executor="compiled",reason=""}'
INTROSPECTION = 'pantherahive_executions_total{executor="graphql-core",reason="introspection"}'
INVALID = 'pantherahive_errors_total{code="GRAPHQL_VALIDATION_FAILED"}'
MALFORMED = 'pantherahive_errors_total{code="BAD_USER_INPUT"}'
CONNECTIONS, OPERATIONS = "pantherahive_websocket_connections", "pantherahive_websocket_operations"
STATEMENTS, TRIPS = "pantherahive_database_statements_total", "pantherahive_database_trips_total"
LISTENERS = "pantherahive_stream_listeners"
Samples = dict[str, float]


class MeasuredServer:
    """A server with numbers."""

    def __init__(self, server: ServerProcess, port: int) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{port}/metrics"

    async def text(self) -> str:
        """What Prometheus is given."""
        async with httpx.AsyncClient() as http:
            answer = await http.get(self.url)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return answer.text

    async def samples(self) -> Samples:
        """Every sample, by its name and labels."""
        lines = [line.rpartition(" ") for line in (await self.text()).splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    async def wait_for(self, name: str, value: float) -> Samples:
        """The samples once one of them has a value."""
        async with asyncio.timeout(60):
            while (samples := await self.samples())[name] != value:
                await asyncio.sleep(0.02)
        return samples


@pytest.fixture(scope="module")
async def measured_server(server_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MeasuredServer]:
    port = free_port()
    async with running_server(tmp_path_factory.mktemp("watched"), metrics_port=port, database_url=server_database_url) as running:
        yield MeasuredServer(running, port)


def increases(before: Samples, after: Samples) -> Samples:
    """By how much each sample of ours has grown, where it has."""
    return {
        name: by
        for name in after
        if name.startswith("pantherahive_") and "_cache_" not in name and (by := after[name] - before.get(name, 0))
    }


async def test_every_number_has_its_name_and_kind(measured_server: MeasuredServer) -> None:
    families = list(text_string_to_metric_families(await measured_server.text()))
    assert {each.name: each.type for each in families if each.name.startswith("pantherahive")} == METRIC_TYPES
    assert all(each.documentation for each in families)
    others = {each.name for each in families if not each.name.startswith("pantherahive")}
    assert {"process_resident_memory_bytes", "process_cpu_seconds", "python_gc_collections", "python_info"} <= others


async def test_operations_and_errors_are_counted(measured_server: MeasuredServer) -> None:
    client = Client(measured_server.server)
    before = await measured_server.samples()
    for _ in range(3):
        await client.run("{ __typename }")
    await client.run("{ __schema { queryType { name } } }")
    assert len((await client.post("{ nonsense, madness }")).json()["errors"]) == 2
    assert (await client.http.post("/graphql", content="{", headers={"Content-Type": "application/json"})).status_code == 400
    after = await measured_server.samples()
    growth = increases(before, after)
    seconds = growth.pop('pantherahive_operation_duration_seconds_sum{kind="query"}')
    assert 0 < seconds < allowed_seconds(4.0)
    buckets = {name: growth.pop(name) for name in tuple(growth) if "_bucket{" in name}
    assert buckets['pantherahive_operation_duration_seconds_bucket{kind="query",le="+Inf"}'] == 4
    assert growth == {QUERIES: 4, COMPILED: 3, INTROSPECTION: 1, INVALID: 2, MALFORMED: 1}
    await client.close()


async def test_what_is_open_is_counted_while_it_is_open(measured_server: MeasuredServer) -> None:
    ada = await register_user(measured_server.server)
    project_id = await create_team_and_project(ada)
    before = await measured_server.samples()
    assert (before[CONNECTIONS], before[OPERATIONS], before[LISTENERS]) == (0, 0, 0)
    async with ada.websocket() as one, ada.websocket() as other:
        for socket in (one, other):
            await subscribe(socket, "subscription { changes { kind } }")
        await measured_server.wait_for(LISTENERS, 1)
        during = await measured_server.wait_for("pantherahive_streams_followed", 2)
        assert (during[CONNECTIONS], during[OPERATIONS], during[LISTENERS]) == (2, 2, 1)
        await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"})
        assert [await next_data(socket) for socket in (one, other)] == [{"changes": {"kind": "CREATED"}}] * 2
        after = await measured_server.samples()
        # Once for both; or for each, while it has yet to catch up with the other.
        assert sum(after[kind] - before[kind] for kind in EVENTS) in {1, 2}
        assert after[MUTATIONS] == before[MUTATIONS] + 1
        assert after[STATEMENTS] > after[TRIPS] > before[TRIPS]
        assert after["pantherahive_database_connections_wanted"] == 0
    await measured_server.wait_for(CONNECTIONS, 0)
    gone = await measured_server.wait_for(LISTENERS, 0)
    assert gone[OPERATIONS] == 0
    await ada.close()


async def test_the_public_address_has_no_numbers(measured_server: MeasuredServer) -> None:
    async with httpx.AsyncClient(base_url=measured_server.server.url) as http:
        assert (await http.get("/metrics")).status_code == 404


async def test_a_port_that_is_taken_is_named(measured_server: MeasuredServer, server_database_url: str, tmp_path: Path) -> None:
    port = int(measured_server.url.split(":")[2].split("/")[0])
    with running_process("api", folder=tmp_path, database_url=server_database_url, metrics_port=port) as second:
        assert await second.wait_for_exit() == 1
    said = f"Port {port} of 127.0.0.1 cannot be used for metrics: Address already in use. Choose with HIVE_METRICS_PORT.\n"
    assert second.output == said


def test_a_duration_falls_into_the_first_bucket_that_holds_it() -> None:
    durations = Histogram()
    for seconds in (0.0, 0.0005, 0.00051, 10.0, 10.1):
        durations.observe(seconds)
    assert durations.buckets == [2, 1, *[0] * (len(BUCKET_BOUNDS_SECONDS) - 3), 1, 1]
    assert durations.total_seconds == pytest.approx(20.10101)


async def test_reasons_without_end_come_together(app: App) -> None:
    numbers = MetricsCollector(app.resources)

    def watch(executor: Executor, lines: OpenConnections) -> None:
        numbers.register_application(executor, lines)
        executor.execution_counts.update({f"fallback: reason {number}": 2 for number in range(40)}, compiled=5)

    create_app(app.resources, Settings(), watch)
    (runs,) = [each for each in numbers.collect() if each.name == "pantherahive_executions"]
    results = {(each.labels["executor"], each.labels["reason"]): each.value for each in runs.samples}
    assert len(results) == 34
    assert (results["compiled", ""], results["graphql-core", "reason 0"], results["graphql-core", "other"]) == (5, 2, 16)
