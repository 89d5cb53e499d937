"""The index of OpenSearch: the last state stays, whoever reads a stale one learns nothing, and what differs is found and mended."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.settings import Settings
from domain.search.entry import SearchEntry
from domain.search.tokens import words
from persistence.search.opensearch.engine import OpenSearchEngine
from persistence.search.opensearch.indexer import Indexer, Operation, next_version
from persistence.search.opensearch.indices import KIND_OF, KINDS, MAPPING_VERSION, IndexKind, IndexNames, document_of, to_instant
from persistence.search.opensearch.rebuild import build, is_built, verify
from resolvers import ids
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_project, create_task, mutate_ok
from tests.support.searching import ALL_FACETS, SEARCH, ids_of, indexed, search
from tests.support.teams import SampleTeam, create_sample_team

pytestmark = pytest.mark.slow


@pytest.fixture
async def team(opensearch_app: App) -> SampleTeam:
    return await create_sample_team(opensearch_app)


@pytest.fixture
async def engine(opensearch_app: App) -> OpenSearchEngine:
    found = opensearch_app.resources.search_engine
    assert found is not None
    return found


def uuid_of(type_name: str, made: Any) -> UUID:
    return ids.decode(made["id"], type_name)


async def write(engine: OpenSearchEngine, id_: UUID, version: int, entry: SearchEntry | None) -> None:
    await Indexer(engine).write(KIND_OF["Task"], [(id_, entry)], version, is_building=False)
    await engine.administer("POST", f"/{engine.names.alias(KIND_OF['Task'])}/_refresh")


async def stored_title(engine: OpenSearchEngine, title: str) -> int:
    body = {"query": {"match_phrase": {"title": title}}}
    answer = await engine.administer("POST", f"/{engine.names.alias(KIND_OF['Task'])}/_count", body)
    count: int = answer["count"]
    return count


async def test_the_last_state_stays_in_whatever_order_it_is_written(engine: OpenSearchEngine) -> None:
    id_ = uuid4()

    def entry(title: str) -> SearchEntry:
        return SearchEntry(type_name="Task", id=id_, project_id=uuid4(), title=title, at=datetime.now(UTC))

    await write(engine, id_, 20, entry("aardvarknew"))
    await write(engine, id_, 10, entry("aardvarkold"))
    await write(engine, id_, 20, entry("aardvarksame"))
    await write(engine, id_, 15, None)
    found = [await stored_title(engine, each) for each in ("aardvarknew", "aardvarkold", "aardvarksame")]
    assert found == [1, 0, 0]
    await write(engine, id_, 30, None)
    await write(engine, id_, 25, entry("aardvarklate"))
    assert [await stored_title(engine, each) for each in ("aardvarknew", "aardvarklate")] == [0, 0]


async def test_versions_grow(opensearch_app: App) -> None:
    database = opensearch_app.resources.database
    drawn = [await next_version(database) for _ in range(5)]
    async with database.begin() as connection:
        drawn.append(await next_version(connection))
    drawn.append(await next_version(database))
    assert drawn == sorted(set(drawn))


async def test_a_stale_index_shows_counts_and_suggests_nothing_that_the_viewer_may_not_see(
    opensearch_app: App, team: SampleTeam, engine: OpenSearchEngine
) -> None:
    """As if OpenSearch still had everything in the project that all see, after it went to a private one."""
    app = opensearch_app
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    task = await create_task(app, team, "Axolotlcanary", projectId=secret)
    said = await create_comment(app, team.member, task, "Axolotlcanary said")
    await indexed(app)
    version = await next_version(app.resources.database) + 1_000
    for kind, made in (("Task", task), ("Comment", said)):
        forged = SearchEntry(
            type_name=kind,
            id=uuid_of(kind, made),
            project_id=team.project.id,
            title="Axolotlcanary",
            text="Axolotlcanary",
            at=datetime.now(UTC),
        )
        await Indexer(engine).write(KIND_OF[kind], [(forged.id, forged)], version, is_building=False)
    for query in ("axolotlcanary", "axolotl", "axolotlcanray", "axolotlcanary nothing"):
        found = await search(app, team.mate, query, facets=ALL_FACETS)
        assert (query, found["totalCount"], found["edges"], found["suggestion"]) == (query, 0, [], None)
        assert [each["buckets"] for each in found["facets"]] == [[]] * len(ALL_FACETS)


async def test_what_is_deleted_leaves_the_index_and_what_is_restored_comes_back(
    opensearch_app: App, team: SampleTeam, engine: OpenSearchEngine
) -> None:
    app = opensearch_app
    task = await create_task(app, team, "Pangolindeleted")
    for action, count in (("taskDelete", 0), ("taskRestore", 1)):
        await mutate_ok(app, team.member, action, id=task["id"])
        await indexed(app)
        assert await stored_title(engine, "pangolindeleted") == count


async def test_verify_finds_what_is_missing_outdated_or_of_nothing_and_a_build_mends_it(
    opensearch_app: App, team: SampleTeam, engine: OpenSearchEngine, opensearch_database_url: str
) -> None:
    app, database = opensearch_app, opensearch_app.resources.database
    tasks = [await create_task(app, team, f"Numbat {number}") for number in range(3)]
    await indexed(app)
    await build(database, engine, opensearch_database_url)  # other tests have forged some
    version = await next_version(database)
    gone, changed, orphan = uuid_of("Task", tasks[0]), uuid_of("Task", tasks[1]), uuid4()
    await write(engine, gone, version, None)
    for id_ in (changed, orphan):
        forged = SearchEntry(type_name="Task", id=id_, project_id=team.project.id, title="Numbat forged", at=datetime.now(UTC))
        await write(engine, id_, version, forged)
    report = await verify(database, engine)
    assert (report.missing, report.outdated, report.orphaned) == (1, 1, 1)
    assert set(report.examples) == {gone, changed, orphan}
    await build(database, engine, opensearch_database_url)
    assert await is_built(engine)
    assert (await verify(database, engine)).is_whole
    assert set(ids_of(await search(app, team.mate, "numbat"))) == {each["id"] for each in tasks}


async def test_a_search_names_no_object_to_whom_sees_no_project(opensearch_app: App, team: SampleTeam) -> None:
    await create_task(opensearch_app, team, "Kakapo")
    answer = await opensearch_app.execute(team.outsider, SEARCH, query="kakapo")
    assert (answer["data"]["search"]["totalCount"], answer["data"]["search"]["degraded"]) == (0, False)


@given(st.text(max_size=200), st.text(max_size=2_000))
def test_a_document_holds_the_words_of_its_entry_and_no_operation_breaks_its_lines(title: str, text: str) -> None:
    entry = SearchEntry(type_name="Task", id=uuid4(), project_id=uuid4(), title=title, text=text, at=datetime.now(UTC))
    document = document_of(entry)
    held = {word for part in (*document["title"], *document["text"]) for word in part.split(" ")}
    assert held >= {*words(title), *words(text)}
    assert "" not in held
    lines = Operation("index", entry.id, 1, orjson.dumps(document)).lines().split(b"\n")
    assert [len(lines), lines[2]] == [3, b""]


@given(st.datetimes(max_value=datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 (hypothesis gives it its zone)
def test_an_instant_is_indexed_exactly_and_in_its_order(at: datetime) -> None:
    later = at + timedelta(microseconds=1)
    assert (to_instant(later) - to_instant(at), to_instant(at) % 1_000_000) == (1, at.microsecond)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://host",
        "https://",
        "https:///prefix",
        "http://host/Upper",
        "http://host/a/b",
        "http://host?x=1",
        "http://host/a?ca=/nowhere",
    ],
)
def test_an_address_that_cannot_be_used_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="opensearch_url"):
        Settings(opensearch_url=address)


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 1, 1)), st.sampled_from(KINDS))  # noqa: DTZ001
def test_an_index_has_the_version_of_its_mapping_in_its_name_and_others_have_none(now: datetime, kind: IndexKind) -> None:
    names = IndexNames("hive")
    index = names.index(kind, now)
    assert names.version_of(kind, index) == MAPPING_VERSION
    for other in (names.alias(kind), names.next_alias(kind), f"x{index}", f"{index}x", IndexNames("other").index(kind, now)):
        assert names.version_of(kind, other) == 0
