"""What Postgres reads of the log for a scope is what the scope says, and what lies between is skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from operator import attrgetter
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Scope
from domain.events import Entry, team_stream, user_stream
from domain.log_scope import scope_allows
from persistence.events import matching_entries
from persistence.events.matching_entries import EntryScope, PositionTrimmed, read_matching
from resolvers.event_visibility import ChangeFilter
from tests.support.app import App
from tests.support.graph_actions import (
    create_comment,
    create_document,
    create_label,
    create_project,
    create_task,
    mutate_ok,
)
from tests.support.subscriptions import change_summary, changes_page, changes_since, current_cursor
from tests.support.teams import SampleTeam, actor_with_scopes, create_sample_team, join_team, uuid_of

_INSERT_OTHERS = """
INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id, project_id, payload, at)
SELECT $1, head + n, gen_random_uuid(), 'TaskUpdated', 1, 'UPDATED', 'Task', task, 'Task', task, $2, '{"entity": {}, "changes": []}', now()
FROM generate_series(1, $3::int) AS n, (SELECT position AS head FROM streams WHERE stream = $1) AS own, gen_random_uuid() AS task"""


_place = attrgetter("stream", "position")


@dataclass(frozen=True)
class History:
    """A team's log with an entry of each kind, and the objects that it is about."""

    entries: list[Entry]
    ids: dict[str, Any]


async def write_history(app: App, team: SampleTeam) -> History:
    """Tasks and documents that are written, moved between projects and teams, and deleted, and people who lose access."""
    abroad = await create_sample_team(app)
    await join_team(app, abroad.team_id, abroad.owner, team.member)
    other = await create_project(app, team, "Other")
    private = await create_project(app, team, "Private", private_to=[team.member])
    card = await create_task(app, team, "Moves")
    away = await create_task(app, team, "Leaves")
    await create_label(app, team.member, team.team_id, "Blue")
    await create_comment(app, team.mate, card)
    page = await create_document(app, team)
    await mutate_ok(app, team.member, "documentMove", id=page["id"], projectId=other)
    await mutate_ok(app, team.member, "taskMove", id=card["id"], projectId=other)
    await mutate_ok(app, team.member, "taskUpdate", id=card["id"], title="Moved", assigneeId=team.mate.id)
    await mutate_ok(app, team.member, "taskMove", id=card["id"], projectId=private)
    await mutate_ok(app, team.member, "taskMove", id=away["id"], projectId=abroad.project_id)
    await mutate_ok(app, team.member, "taskMove", id=away["id"], projectId=team.project_id)
    await mutate_ok(app, team.member, "taskDelete", id=away["id"])
    await mutate_ok(app, team.owner, "projectSetMembers", id=private, removeUserIds=[team.member.id])
    await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    streams = [team_stream(team.team.id), *(user_stream(each.user.id) for each in (team.member, team.mate))]
    entries = [each for stream in streams for each in await app.resources.services.log.read(stream, 0, 1_000)]
    named = {"team": team.team_id, "abroad": abroad.team_id, "project": team.project_id, "other": other, "private": private}
    named |= {"card": card["id"], "away": away["id"], "page": page["id"], "member": team.member.id}
    return History(entries, {name: uuid_of(id_) for name, id_ in named.items()})


def scopes(history: History) -> list[dict[str, Any]]:
    """The fields of scopes, alone and together, with what is there and what is not."""
    ids = history.ids
    teams: Sequence[list[UUID] | None] = (None, [], [ids["team"]], [ids["abroad"]], [ids["team"], ids["card"]])
    projects: Sequence[list[UUID] | None] = (None, [], [ids["project"]], [ids["other"]], [ids["private"], ids["away"]])
    entities: Sequence[list[UUID] | None] = (None, [], [ids["card"]], [ids["page"], ids["member"]], [ids["team"]])
    types: Sequence[list[str] | None] = (None, [], ["TASK"], ["COMMENT", "DOCUMENT", "TEAM"], ["USER", "PROJECT"])
    named = zip(product(teams, projects), product(entities, types), strict=True)
    alone: list[dict[str, Any]] = [*({"team_ids": each} for each in teams), *({"project_ids": each} for each in projects)]
    alone += [*({"entity_ids": each} for each in entities), *({"types": each} for each in types)]
    both = [
        {"team_ids": team_, "project_ids": project, "entity_ids": entity, "types": type_}
        for (team_, project), (entity, type_) in named
    ]
    pairs = [{"team_ids": team_, "project_ids": project} for team_, project in product(teams, projects)]
    return [{name: value for name, value in each.items() if value is not None} for each in (*alone, *both, *pairs)]


@pytest.mark.parametrize("max_named", [0, 1_000], ids=["one by one", "by index"])
async def test_postgres_reads_what_matches_a_scope(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch, max_named: int
) -> None:
    monkeypatch.setattr(matching_entries, "MAX_NAMED_ENTRIES", max_named)
    history = await write_history(app, team)
    assert {"ACCESS_LOST", "MOVED", "MEMBERSHIP", "COMMENTED", "DELETED"} <= {each.kind for each in history.entries}
    starts = dict.fromkeys({each.stream for each in history.entries}, 0)
    everything = frozenset(each.project_id for each in history.entries if each.project_id is not None)
    matched = 0
    for fields in scopes(history):
        change_filter = ChangeFilter(fields)
        for actor in (team.member.actor, actor_with_scopes(team.member, Scope.TASKS_READ)):
            for visible in (everything, frozenset({history.ids["other"]})):
                scope = change_filter.to_scope(actor, visible)
                read = await read_matching(app.resources.database, starts, scope, limit=1_000)
                expected = [
                    each
                    for each in history.entries
                    if change_filter.matches(each)
                    and scope_allows(actor, each.about_type)
                    and (each.project_id is None or each.project_id in visible)
                ]
                found = [each for part in read.values() for each in part.entries]
                assert sorted(found, key=_place) == sorted(expected, key=_place), fields
                assert {stream: (part.reached, part.more) for stream, part in read.items()} == {
                    stream: (max(each.position for each in history.entries if each.stream == stream), False) for stream in starts
                }
                matched += len(found)
    assert matched > len(history.entries) * 10, "most scopes match something"


async def test_parts_of_a_stream_follow_one_another(app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch) -> None:
    history = await write_history(app, team)
    stream = team_stream(team.team.id)
    own = [each for each in history.entries if each.stream == stream]
    everything = EntryScope(visible_projects={each.project_id for each in own if each.project_id is not None})
    monkeypatch.setattr(matching_entries, "MAX_SKIPPED_ENTRIES", 3)
    monkeypatch.setattr(matching_entries, "_MIN_SKIPPED_ENTRIES", 3)
    for limit in (1, 2, 5):
        position, found = 0, list[Entry]()
        while part := (await read_matching(app.resources.database, {stream: position}, everything, limit=limit)).get(stream):
            assert position < part.reached <= position + 3
            assert len(part.entries) <= limit
            assert part.more == (part.reached < own[-1].position)
            found, position = found + part.entries, part.reached
        assert (found, position) == (own, own[-1].position)


@pytest.mark.parametrize(("max_named", "max_skipped"), [(0, 100_000), (1_000, 1)], ids=["one by one", "by index"])
async def test_one_page_comes_to_a_task_behind_thousands_of_others(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch, max_named: int, max_skipped: int
) -> None:
    monkeypatch.setattr(matching_entries, "MAX_NAMED_ENTRIES", max_named)
    monkeypatch.setattr(matching_entries, "MAX_SKIPPED_ENTRIES", max_skipped)
    monkeypatch.setattr(matching_entries, "_MIN_SKIPPED_ENTRIES", max_skipped)
    card = await create_task(app, team, "Mine")
    start = await current_cursor(app, team.member)
    stream, count = team_stream(team.team.id), 20_000
    await app.sql.execute(_INSERT_OTHERS, stream, team.project.id, count)
    await app.sql.execute("UPDATE streams SET position = position + $2 WHERE stream = $1", stream, count)
    await mutate_ok(app, team.mate, "taskUpdate", id=card["id"], title="Still mine")

    before = app.resources.database.statements_run
    found = await changes_page(app, team.member, start, scope={"entityIds": [card["id"]]})
    assert [change_summary(each) for each in found["nodes"]] == [("UPDATED", "Task", card["id"])]
    assert found["pageInfo"]["hasNextPage"] is False
    assert app.resources.database.statements_run - before < 40
    assert await changes_since(app, team.member, found["cursor"]) == []


async def test_of_an_object_with_many_entries_each_page_goes_on_from_the_one_before(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    for number in range(7):
        await mutate_ok(app, team.member, "taskUpdate", id=card["id"], title=f"Title {number}")
    await create_comment(app, team.mate, card)
    stream = team_stream(team.team.id)
    scope = EntryScope(visible_projects=[team.project.id], entities=[uuid_of(card["id"])])
    whole = (await read_matching(app.resources.database, {stream: 0}, scope, limit=100))[stream]
    assert len(whole.entries) == 9
    assert not whole.more
    for limit in (1, 2, 4):
        position, found = 0, list[Entry]()
        while part := (await read_matching(app.resources.database, {stream: position}, scope, limit=limit)).get(stream):
            assert len(part.entries) <= limit
            assert part.more == (part.reached < whole.reached)
            found, position = found + part.entries, part.reached
        assert (found, position) == (whole.entries, whole.reached)


async def test_an_answer_without_changes_is_at_the_end_of_the_log(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = await current_cursor(app, team.member)
    for number in range(9):
        await create_task(app, team, f"Task {number}")
    other = await create_project(app, team, "Other")
    monkeypatch.setattr(matching_entries, "MAX_SKIPPED_ENTRIES", 2)
    monkeypatch.setattr(matching_entries, "_MIN_SKIPPED_ENTRIES", 2)
    found = await changes_page(app, team.member, start, scope={"projectIds": [other], "types": ["TASK"]})
    assert (found["nodes"], found["pageInfo"]["hasNextPage"]) == ([], False)
    last = await create_task(app, team, "Last", projectId=other)
    assert [change_summary(each) for each in await changes_since(app, team.member, found["cursor"])] == [
        ("CREATED", "Task", last["id"])
    ]


async def test_entries_that_were_trimmed_are_not_skipped(app: App, team: SampleTeam) -> None:
    await create_task(app, team)
    stream = team_stream(team.team.id)
    await app.sql.execute("DELETE FROM events WHERE stream = $1 AND position <= 2", stream)
    await app.sql.execute("UPDATE streams SET trimmed_to = 2 WHERE stream = $1", stream)
    scope = EntryScope(visible_projects=[], entities=[])
    with pytest.raises(PositionTrimmed):
        await read_matching(app.resources.database, {stream: 1}, scope, limit=10)
    assert (await read_matching(app.resources.database, {stream: 2}, scope, limit=10))[stream].entries == []
