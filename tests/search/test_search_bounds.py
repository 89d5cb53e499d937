"""Whatever is typed into a search is answered, or refused with a code, within the limits of the database."""

import asyncio
from typing import Any

import pytest

from persistence.search import statements
from persistence.search.rebuild import work_off_all
from tests.support.app import App
from tests.support.graph_actions import create_task, mutate
from tests.support.searching import SEARCH, ids_of, on_both_indexes, search
from tests.support.teams import SampleTeam

HOSTILE = [
    "", " ", "\u00a0\u3000", "\u200b\u200d", "\u0000", "a\u0000b", "'", "''", '"', '""', '"""', '" "', "\\", "\\'", "%", "_", "*", "a*", "*a", "a:*", "a & b", "a | b",
    "!a", "-a", "a <-> b", "a <100> b", "(a", "a)", "((((((", "a:A", "a:ABCD*", "$1", "$$", "; DROP TABLE tasks; --", "/* */",
    "^(a+)+$", "(a|aa)+b", "[a-z]{1,100}", ".*", "AND", "OR NOT", "a AND (b OR c)", "{}", "null", "NaN", "0", "1e309", "-1",
    "\ue000\ue001", "\ufdfa" * 100, "ﷺ", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "👩‍👩‍👧", "\ud7ff", "a\u0301" * 200,
    "x" * 500, "x " * 250, "ab " * 166, "'a' " * 100, "漢" * 500, "漢 " * 250, '"' + "a " * 200 + '"', "a-" * 250, "a.b@" * 125,
    "أ" * 500, "\u0e01" * 500, "Z\u0300\u0301\u0302\u0303" * 100, "ENG-" + "9" * 300, "ENG-999999999", "A" * 11 + "-1", "eng#42",
]  # fmt: skip


@on_both_indexes
async def test_a_hostile_query_is_answered(app: App, team: SampleTeam) -> None:
    for query in HOSTILE:
        found = await search(app, team.member, query, facets=["TYPE", "LABEL"])
        assert (query, found["totalCount"]) == (query, len(found["edges"]))


@pytest.mark.parametrize("query", ["x" * 501, "x" * 10_000, "a b " * 5_000])
async def test_a_query_that_is_too_long_is_refused(app: App, team: SampleTeam, query: str) -> None:
    answer = await app.execute(team.member, SEARCH, query=query)
    assert [(each["extensions"]["code"], each["message"]) for each in answer["errors"]] == [
        ("BAD_USER_INPUT", "A query has at most 500 characters.")
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"facets": ["TYPE"] * 1_000}, "LIMIT_EXCEEDED"),
        ({"first": 101}, "PAGE_TOO_LARGE"),
        ({"first": -1}, "BAD_USER_INPUT"),
        ({"after": "x"}, "CURSOR_INVALID"),
        ({"after": "W10"}, "CURSOR_INVALID"),
        ({"after": "é"}, "CURSOR_INVALID"),
        ({"filter": {"teamIds": ["nonsense"]}}, "INVALID"),
        ({"filter": {"types": ["TASK"] * 1_000}}, "LIMIT_EXCEEDED"),
    ],
)
async def test_options_out_of_bounds_are_refused_with_a_code(
    app: App, team: SampleTeam, options: dict[str, Any], code: str
) -> None:
    answer = await app.execute(team.member, SEARCH, query="task", **options)
    assert [each["extensions"]["code"] for each in answer["errors"]] == [code]


@on_both_indexes
async def test_a_cursor_of_another_search_is_refused(app: App, team: SampleTeam) -> None:
    for number in range(2):
        await create_task(app, team, f"Umbrella {number}")
    found = await search(app, team.member, "umbrella", first=1)
    after = found["pageInfo"]["endCursor"]
    for options in (
        {"query": "umbrellas"},
        {"query": "umbrella", "orderBy": "UPDATED_AT"},
        {"query": "umbrella", "filter": {"types": ["TASK"]}},
    ):
        answer = await app.execute(team.member, SEARCH, after=after, **options)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["CURSOR_INVALID"]
    assert len(ids_of(await search(app, team.member, "umbrella", after=after))) == 1


@on_both_indexes
async def test_texts_with_very_many_words_can_be_written_and_found(app: App, team: SampleTeam) -> None:
    words = " ".join(f"wörd{number}" for number in range(6_000))
    task = await create_task(app, team, "Glossary", description=words)
    assert ids_of(await search(app, team.member, "wörd5999")) == [task["id"]]
    unspaced = "".join(chr(0x4E00 + number % 20_000) for number in range(20_000))
    other = await create_task(app, team, "辞書", description=unspaced)
    assert ids_of(await search(app, team.member, unspaced[19_000:19_004])) == [other["id"]]


async def test_many_who_write_the_same_new_words_do_not_wait_for_each_other(app: App, team: SampleTeam) -> None:
    rows = [{"projectId": team.project_id, "title": f"Brandnew unheard {number} words"} for number in range(10)]
    payloads = await asyncio.gather(*(mutate(app, team.member, "tasksCreate", tasks=rows) for _ in range(3)))
    assert [each["succeeded"] for each in payloads] == [10] * 3
    await asyncio.gather(*(work_off_all(app.resources.database) for _ in range(3)))
    assert (await search(app, team.member, "unheard"))["totalCount"] == 30


async def test_no_statement_reads_without_a_bound() -> None:
    text = statements.FIND.text
    for bound in (statements.WINDOW_ENTRIES, statements.MAX_INDEXED_ENTRIES, statements.MAX_HITS + 50):
        assert str(bound) in text
