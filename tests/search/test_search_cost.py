"""What a search reads does not grow with what there is: a word in every object, in none, or in old ones only."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from domain.search.query import parse
from domain.search.scope import SearchScope
from persistence.search import frequencies, statements
from persistence.search.postgres import find_params
from tests.support.app import App
from tests.support.searching import search
from tests.support.teams import SampleTeam, create_sample_team

OBJECTS = 12_000
MAX_ENTRIES_READ = statements.WINDOW_ENTRIES + statements.MAX_INDEXED_ENTRIES + 5 * 3
_TASKS = f"""
  INSERT INTO tasks (id, version, created_at, updated_at, team_id, project_id, number, key, title, title_collation, status, priority, rank)
  SELECT gen_random_uuid(), 1, now() - number * interval '1 minute', now(), $1, $2, number, 'G-' || number, title, title, 'TODO', 'NONE',
         lpad(number::text, 8, '0')
  FROM (
    SELECT number, 'everywhere' || CASE WHEN number % 2 = 0 THEN ' half' ELSE '' END || CASE WHEN number % 50 = 0 THEN ' some' ELSE '' END
           || CASE WHEN number > {OBJECTS // 2} THEN ' old' ELSE '' END || CASE WHEN number = 7000 THEN ' single' ELSE '' END AS title
    FROM generate_series(1, {OBJECTS}) AS number
  ) AS made
"""
_ENTRIES = """
  INSERT INTO search_entries (id, type, project_id, place, title_key, tokens, text_at)
  SELECT id, 'Task', project_id, 'Task:' || project_id, title, setweight(to_tsvector('simple', title), 'A'), created_at
  FROM tasks WHERE project_id = $1
"""
HITS = {
    "everywhere": statements.MAX_HITS,
    "e": statements.MAX_HITS,
    "half": statements.MAX_HITS,
    "some": 240,
    "old": statements.MAX_HITS,
    "single": 1,
    "everywhere single": 1,
    "nowhere": 0,
    "everywhere nowhere": statements.MAX_HITS,
}


@pytest.fixture(scope="module")
async def large_team(app: App) -> SampleTeam:
    """A team whose project has very many tasks."""
    team = await create_sample_team(app)
    async with app.sql.acquire() as connection:
        await connection.execute(_TASKS, team.team.id, team.project.id)
        await connection.execute(_ENTRIES, team.project.id)
        await connection.execute("ANALYZE search_entries, tasks")
    return team


def entries_listed(plan: dict[str, Any]) -> Iterator[float]:
    """The entries that the inverted index lists."""
    if plan.get("Index Name") == "ix_search_entries_tokens":
        yield plan["Actual Rows"] * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from entries_listed(inner)


def entries_read(plan: dict[str, Any]) -> Iterator[float]:
    """The rows that each node of a plan reads from the table of entries."""
    if plan.get("Relation Name") == "search_entries":
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from entries_read(inner)


async def explain(app: App, params: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The plan of a search as it was carried out, and the number of its hits."""
    async with app.resources.database.begin() as connection:
        explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statements.FIND.text}"
        (row,) = await connection.raw.fetch(explained, *statements.FIND.arguments(params))
    (plan,) = orjson.loads(row[0])
    return plan["Plan"], plan["Plan"]["Actual Rows"]


@pytest.mark.parametrize(
    ("query", "is_listed"), [("old", False), ("ol", False), ("everywhere old", False), ("single", True), ("old single", True)]
)
async def test_a_word_of_many_old_entries_is_found_without_a_list_of_them_all(
    app: App, large_team: SampleTeam, query: str, is_listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frequencies, "MAX_LISTED_ENTRIES", OBJECTS // 4)
    known = await frequencies.FrequencyReader(app.resources.database).read()
    assert known.share_of(parse("old ").terms[0]) > 0.3
    assert known.share_of(parse("single ").terms[0]) < 0.01
    scope = SearchScope(viewer_id=large_team.member.user.id, types=["Task"], subjects=["Task"])
    params = find_params(scope, parse(query), as_of=datetime.now(UTC) + timedelta(seconds=1), frequencies=known)
    plan, hits = await explain(app, params)
    assert sum(entries_read(plan)) <= MAX_ENTRIES_READ + statements.SAMPLED_ENTRIES
    assert sum(entries_listed(plan)) <= (1 if is_listed else 0)
    assert hits == (1 if is_listed else statements.MAX_CANDIDATES)


def test_without_statistics_nothing_is_frequent() -> None:
    known = frequencies.to_frequencies([])
    assert known.params([parse("old ").terms], is_all=True)["min_sampled_share"] == math.inf


@pytest.mark.parametrize(("query", "hits"), HITS.items())
async def test_no_search_reads_more_than_its_bound(app: App, large_team: SampleTeam, query: str, hits: int) -> None:
    scope = SearchScope(viewer_id=large_team.member.user.id, types=["Task", "Document", "Comment"], subjects=["Task", "Document"])
    params = find_params(scope, parse(query), as_of=datetime.now(UTC) + timedelta(seconds=1))
    plan, _ = await explain(app, params)
    assert sum(entries_read(plan)) <= MAX_ENTRIES_READ
    found = await search(app, large_team.member, query, first=5)
    assert (query, found["totalCount"]) == (query, hits)
