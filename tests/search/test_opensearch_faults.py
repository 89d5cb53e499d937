"""While OpenSearch is away, slow, half there, read-only or broken, searches are answered from Postgres; then it catches up."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.bootstrap import Resources, open_resources
from app.settings import Settings
from app.worker import run_worker
from persistence.search.opensearch.breaker import FIRST_PAUSE_SECONDS, MAX_FAILURES, MAX_PAUSE_SECONDS, CircuitBreaker
from persistence.search.opensearch.engine import OpenSearchEngine
from persistence.search.opensearch.rebuild import build, keep_built, verify
from persistence.search.opensearch.search import OpenSearchSearch
from tests.conftest import migrate_template
from tests.support.app import GENEROUS_LIMITS, IDLE_TIMINGS, App
from tests.support.backing_services import database_from_template
from tests.support.faulty_opensearch import FAULTS, FaultyOpenSearch, faulty_opensearch
from tests.support.graph_actions import create_task, mutate_ok
from tests.support.opensearch import opensearch
from tests.support.searching import SEARCH, ids_of, indexed, search
from tests.support.secret_key import SECRET_KEY
from tests.support.teams import SampleTeam, create_sample_team
from tests.support.worker_effects import FAST_TIMINGS

CATCH_UP_SECONDS = 30.0
_SEARCH_FAULTS = [
    pytest.param(each, marks=() if each in ("down", "half") else pytest.mark.long) for each in FAULTS if each != "read-only"
]


@dataclass(frozen=True)
class Faulty:
    """An application whose OpenSearch can fail, with a worker."""

    app: App
    proxy: FaultyOpenSearch
    url: str

    @property
    def resources(self) -> Resources:
        return self.app.resources

    @property
    def engine(self) -> OpenSearchEngine:
        assert self.resources.search_engine is not None
        return self.resources.search_engine

    @property
    def index(self) -> OpenSearchSearch:
        found = self.resources.services.search
        assert isinstance(found, OpenSearchSearch)
        return found

    async def is_degraded(self, team: SampleTeam, query: str, wanted: list[str]) -> bool:
        """Whether a search that must find what is wanted was answered from Postgres."""
        answer = await self.app.execute(team.mate, SEARCH, query=query)
        found = answer["data"]["search"]
        assert ids_of(found) == wanted
        degraded: bool = found["degraded"]
        return degraded

    async def recover(self, team: SampleTeam, query: str, wanted: list[str]) -> None:
        """Wait until OpenSearch answers again, with everything."""
        await indexed(self.app, timeout_seconds=CATCH_UP_SECONDS)
        report = await verify(self.resources.database, self.engine)
        assert report.is_whole, str(report)
        async with asyncio.timeout(CATCH_UP_SECONDS):
            while await self.is_degraded(team, query, wanted):
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
async def faulty(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Faulty]:
    folder: Path = tmp_path_factory.mktemp("faulty")
    with opensearch(folder) as address:
        async with faulty_opensearch(address) as proxy:
            settings = Settings(
                database_connections=8, data_dir=folder, opensearch_url=proxy.url, secret_key=SecretStr(SECRET_KEY)
            )
            async with (
                database_from_template(postgres_server, "migrated", migrate_template) as url,
                open_resources(settings, url, timings=IDLE_TIMINGS, sign_in_limits=GENEROUS_LIMITS) as resources,
                asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
            ):
                assert resources.search_engine is not None
                assert isinstance(resources.services.search, OpenSearchSearch)
                resources.services.search.search_seconds = 2.0  # on a slow machine too
                await build(resources.database, resources.search_engine, url)
                async with run_worker(resources, settings, url, consumers=(), jobs=(), schedules=(), timings=FAST_TIMINGS):
                    yield Faulty(App(resources, sql), proxy, url)


@pytest.mark.slow
@pytest.mark.parametrize("fault", _SEARCH_FAULTS)
async def test_a_search_is_answered_from_postgres_while_opensearch_fails_and_from_opensearch_afterwards(
    faulty: Faulty, fault: str
) -> None:
    team = await create_sample_team(faulty.app)
    first = await create_task(faulty.app, team, f"Zebra {fault}")
    await faulty.recover(team, "zebra", [first["id"]])
    async with faulty.proxy.failing(fault):
        second = await create_task(faulty.app, team, f"Giraffe {fault}")
        assert await faulty.is_degraded(team, "zebra", [first["id"]])  # of a `silent` one too, which does not answer in here
        assert await faulty.is_degraded(team, "giraffe", [second["id"]])
        assert await faulty.is_degraded(team, "giraffe", [second["id"]])
    await faulty.recover(team, "giraffe", [second["id"]])


@pytest.mark.slow
async def test_an_index_that_cannot_be_written_is_not_asked_once_it_lags(faulty: Faulty) -> None:
    team = await create_sample_team(faulty.app)
    await faulty.recover(team, "okapi", [])
    async with faulty.proxy.failing("read-only"):
        task = await create_task(faulty.app, team, "Okapi")
        await faulty.app.sql.execute("UPDATE events SET at = at - interval '1 minute' WHERE stream = $1", f"team:{team.team.id}")
        assert await faulty.is_degraded(team, "okapi", [task["id"]])
        assert not faulty.index.breaker.is_open  # it does answer
    await faulty.recover(team, "okapi", [task["id"]])


@pytest.mark.slow
async def test_indices_that_are_gone_or_are_others_are_built_again(faulty: Faulty) -> None:
    team = await create_sample_team(faulty.app)
    task = await create_task(faulty.app, team, "Lemur")
    await faulty.recover(team, "lemur", [task["id"]])
    engine = faulty.engine
    alias = f"{engine.names.prefix}-tasks"
    (index,) = await engine.indices_of(alias)
    await engine.administer("DELETE", f"/{index}")
    assert await faulty.is_degraded(team, "lemur", [task["id"]])
    # As a write without a mapping would make it.
    await engine.administer("PUT", f"/{alias}/_doc/1", {"id": {"of": 1}, "project_id": team.project_id, "title": 7})
    assert await faulty.is_degraded(team, "lemur", [task["id"]])
    await keep_built(faulty.resources.database, engine, faulty.url)
    await faulty.recover(team, "lemur", [task["id"]])


@pytest.mark.slow
async def test_a_build_misses_nothing_that_is_written_meanwhile_and_searches_go_on(faulty: Faulty) -> None:
    team = await create_sample_team(faulty.app)
    first = await create_task(faulty.app, team, "Quagga first")
    await faulty.recover(team, "quagga", [first["id"]])
    faulty.index.search_seconds = 20.0
    building = asyncio.get_running_loop().create_task(build(faulty.resources.database, faulty.engine, faulty.url))
    made = [first["id"]]
    while not building.done():
        task = await create_task(faulty.app, team, f"Quagga {len(made)}")
        made.append(task["id"])
        await mutate_ok(faulty.app, team.member, "taskUpdate", id=made[0], title=f"Quagga first {len(made)}")
        assert made[0] in ids_of(await search_now(faulty, team))
    await building
    await indexed(faulty.app)
    report = await verify(faulty.resources.database, faulty.engine)
    assert report.is_whole, str(report)
    assert set(ids_of(await search(faulty.app, team.mate, "quagga", first=100))) >= set(made[:100])


async def search_now(faulty: Faulty, team: SampleTeam) -> object:
    answer = await faulty.app.execute(team.mate, SEARCH, query="quagga", first=100)
    assert not answer["data"]["search"]["degraded"]
    return answer["data"]["search"]


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_through_after_pauses_that_double() -> None:
    now = 0.0
    breaker = CircuitBreaker(lambda: now)
    for _ in range(MAX_FAILURES):
        assert breaker.allows()
        breaker.succeed()  # so those before do not count
        breaker.fail()
    for _ in range(MAX_FAILURES - 1):
        breaker.fail()
    assert breaker.is_open
    pause = FIRST_PAUSE_SECONDS
    for _ in range(6):
        asked = []
        for seconds in (0.0, pause * 0.99, pause * 0.02, 0.0):
            now += seconds
            asked.append(breaker.allows())
        assert asked == [False, False, True, False]  # the last is a second caller
        breaker.fail()
        pause = min(MAX_PAUSE_SECONDS, 2 * pause)
    now += pause
    assert breaker.allows()
    breaker.succeed()
    assert (breaker.is_open, breaker.allows()) == (False, True)
