"""Tasks through the graph: writing them down and changing them."""

from typing import Any
from uuid import uuid4

import pytest

from resolvers import ids
from tests.support.app import App
from tests.support.graph_actions import (
    codes_and_paths,
    create_label,
    create_project,
    create_task,
    fetch_task,
    mutate,
    mutate_ok,
    table_states,
    task_titles,
)
from tests.support.teams import SampleTeam, create_sample_team

BOARD_QUERY = """
query ($id: ID!, $first: Int) {
  project(id: $id) {
    name
    tasks(first: $first) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        key title project { id name } assignee { displayName }
        labels { nodes { name } }
        comments(first: 3) { nodes { body author { displayName } } }
      }
    }
  }
}
"""


async def test_a_member_writes_a_task_down(app: App, team: SampleTeam) -> None:
    gives = """
      cursor
      task { id key title status priority version assignee { id displayName } project { name team { key } } viewerCan }
      taskEdge { cursor node { id } }
    """
    given = {"projectId": team.project_id, "title": "Write it", "assigneeId": team.mate.id, "clientMutationId": "a"}
    payload = await mutate(app, team.member, "taskCreate", gives, **given)
    assert payload["errors"] == []
    assert payload["clientMutationId"] == "a"
    assert payload["cursor"]
    written = payload["task"]
    assert written["title"] == "Write it"
    assert written["key"] == f"{team.team.key}-1"
    assert written["status"] == "TODO"
    assert written["priority"] == "NONE"
    assert written["version"] == 1
    assert written["assignee"] == {"id": team.mate.id, "displayName": "Mate Tester"}
    assert written["project"] == {"name": "Launch", "team": {"key": team.team.key}}
    assert written["viewerCan"] == ["READ", "COMMENT", "CREATE", "UPDATE", "ASSIGN", "MOVE", "DELETE"]
    assert payload["taskEdge"]["node"]["id"] == written["id"]


async def test_a_board_costs_one_statement_a_relation(app: App, team: SampleTeam) -> None:
    for number in range(50):
        await create_task(app, team, f"Task {number}")
    data, statements = await app.count_statements(team.member, BOARD_QUERY, id=team.project_id, first=50)
    assert len(data["project"]["tasks"]["nodes"]) == 50
    assert data["project"]["tasks"]["totalCount"] == 50
    assert statements == 6


async def test_a_task_is_written_with_everything_that_it_may_have(app: App, team: SampleTeam) -> None:
    first, _ = [await create_task(app, team, title) for title in ("First", "Last")]
    urgent, small = [await create_label(app, team.member, team.team_id, name) for name in ("urgent", "small")]
    task_id = uuid4()
    given = {
        "title": "  Ship it  ",
        "description": "- [ ] all *of* it\n\n| a | b |",
        "status": "IN_REVIEW",
        "priority": "HIGH",
        "startOn": "2026-01-31",
        "dueOn": "2026-01-31",
        "estimate": 2.5,
        "externalRef": "JIRA-7",
    }
    references = {"parentId": first["id"], "assigneeId": team.guest.id, "labelIds": [urgent, small], "afterId": first["id"]}
    written = await mutate_ok(app, team.member, "taskCreate", id=str(task_id), projectId=team.project_id, **given, **references)
    assert written == {
        **given,
        "title": "Ship it",
        "id": ids.encode("Task", task_id),
        "version": 1,
        "key": f"{team.team.key}-3",
        "completedAt": None,
        "deletedAt": None,
        "rank": "a0V",
        "assignee": {"id": team.guest.id},
        "creator": {"id": team.member.id},
        "parent": {"id": first["id"]},
        "project": {"id": team.project_id},
        "labels": {"nodes": [{"name": "small"}, {"name": "urgent"}]},
    }
    assert await fetch_task(app, team.guest, written["id"]) == written
    assert await task_titles(app, team.member, team.project_id) == ["First", "Ship it", "Last"]


async def test_an_id_of_the_clients_own_is_taken_only_once_by_whomever(app: App, team: SampleTeam) -> None:
    task_id = str(uuid4())
    await create_task(app, team, "Mine", id=task_id)
    elsewhere = await create_sample_team(app)
    before = await table_states(app)
    for people, asks in ((team, team.member), (elsewhere, elsewhere.owner)):
        payload = await mutate(app, asks, "taskCreate", id=task_id, projectId=people.project_id, title="Again")
        assert codes_and_paths(payload) == [("NOT_UNIQUE", ["input", "id"])]
        assert payload["task"] is None
    assert await table_states(app) == before


REFUSED_INPUTS: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("a blank title", {"title": " \t "}, "REQUIRED", ["input", "title"]),
    ("a long title", {"title": "x" * 501}, "TOO_LONG", ["input", "title"]),
    ("a title of two lines", {"title": "one\ntwo"}, "INVALID", ["input", "title"]),
    ("a long description", {"description": "x" * 65_537}, "TOO_LONG", ["input", "description"]),
    ("a control character", {"description": "a\x07b"}, "INVALID", ["input", "description"]),
    ("no status", {"status": None}, "INVALID", ["input", "status"]),
    ("no priority", {"priority": None}, "INVALID", ["input", "priority"]),
    ("due before it starts", {"startOn": "2026-02-02", "dueOn": "2026-02-01"}, "INVALID", ["input", "dueOn"]),
    ("a negative estimate", {"estimate": -0.5}, "INVALID", ["input", "estimate"]),
    ("a huge estimate", {"estimate": 1_000_000.5}, "INVALID", ["input", "estimate"]),
    ("an assignee of another type", {"assigneeId": ids.encode("Task", uuid4())}, "INVALID", ["input", "assigneeId"]),
    ("an assignee who is nobody", {"assigneeId": ids.encode("User", uuid4())}, "INVALID", ["input", "assigneeId"]),
]


@pytest.mark.parametrize(("_what", "given", "code", "path"), REFUSED_INPUTS, ids=[each[0] for each in REFUSED_INPUTS])
async def test_an_attribute_beyond_its_limits_is_refused(
    app: App, team: SampleTeam, _what: str, given: dict[str, Any], code: str, path: list[str]
) -> None:
    there = await create_task(app, team)
    before = await table_states(app)
    created = await mutate(app, team.member, "taskCreate", **({"projectId": team.project_id, "title": "New"} | given))
    updated = await mutate(app, team.member, "taskUpdate", id=there["id"], **given)
    assert codes_and_paths(created) == codes_and_paths(updated) == [(code, path)]
    assert created["task"] is updated["task"] is None
    assert await table_states(app) == before


async def test_attributes_at_their_limits_are_accepted(app: App, team: SampleTeam) -> None:
    given: dict[str, Any] = {
        "title": "é" * 500,
        "description": "y" * 65_536,
        "estimate": 1_000_000.0,
        "startOn": "0001-01-01",
        "dueOn": "9999-12-31",
    }
    written = await create_task(app, team, by=None, **given)
    assert {name: written[name] for name in given} == given
    assert await fetch_task(app, team.member, written["id"]) == written


async def test_absent_leaves_alone_and_null_clears(app: App, team: SampleTeam) -> None:
    small = await create_label(app, team.member, team.team_id, "small")
    filled: dict[str, Any] = {"description": "Why", "startOn": "2026-01-01", "dueOn": "2026-01-02", "estimate": 1.0}
    before = await create_task(app, team, "Whole", assigneeId=team.mate.id, labelIds=[small], priority="LOW", **filled)
    renamed = await mutate_ok(app, team.member, "taskUpdate", id=before["id"], title="Renamed")
    assert renamed == before | {"title": "Renamed", "version": 2}
    empty = dict.fromkeys(filled)
    cleared = await mutate_ok(app, team.member, "taskUpdate", id=before["id"], **empty, assigneeId=None, addLabelIds=None)
    assert cleared == renamed | empty | {"assignee": None, "version": 3}


async def test_an_update_that_changes_nothing_is_no_write(app: App, team: SampleTeam) -> None:
    small = await create_label(app, team.member, team.team_id, "small")
    written = await create_task(app, team, "Same", labelIds=[small], assigneeId=team.mate.id)
    before = await table_states(app)
    same = {"title": " Same ", "status": "TODO", "assigneeId": team.mate.id, "addLabelIds": [small]}
    payload = await mutate(app, team.member, "taskUpdate", "cursor task { version }", id=written["id"], **same)
    assert payload["errors"] == []
    assert payload["cursor"] is None
    assert payload["task"] == {"version": 1}
    assert await table_states(app) == before


async def test_labels_are_put_on_and_taken_off(app: App, team: SampleTeam) -> None:
    one, two, three = [await create_label(app, team.member, team.team_id, name) for name in ("one", "two", "three")]
    written = await create_task(app, team, labelIds=[two, one, one])
    assert written["labels"]["nodes"] == [{"name": "one"}, {"name": "two"}]
    changed = await mutate_ok(app, team.member, "taskUpdate", id=written["id"], addLabelIds=[three, two], removeLabelIds=[one])
    assert changed["labels"]["nodes"] == [{"name": "three"}, {"name": "two"}]
    assert changed["version"] == 2


async def test_labels_of_another_team_are_not_found(app: App, team: SampleTeam) -> None:
    elsewhere = await create_sample_team(app)
    foreign = await create_label(app, elsewhere.owner, elsewhere.team_id, "theirs")
    own = await create_label(app, team.member, team.team_id, "ours")
    written = await create_task(app, team)
    before = await table_states(app)
    created = await mutate(app, team.member, "taskCreate", projectId=team.project_id, title="New", labelIds=[own, foreign])
    updated = await mutate(app, team.member, "taskUpdate", id=written["id"], addLabelIds=[own, foreign])
    assert codes_and_paths(created) == [("NOT_FOUND", ["input", "labelIds"])]
    assert codes_and_paths(updated) == [("NOT_FOUND", ["input", "addLabelIds"])]
    assert await table_states(app) == before


async def test_a_task_has_at_most_thirty_labels(app: App, team: SampleTeam) -> None:
    many = [await create_label(app, team.member, team.team_id, f"label {number}") for number in range(31)]
    written = await create_task(app, team, labelIds=many[:30])
    before = await table_states(app)
    payload = await mutate(app, team.member, "taskUpdate", id=written["id"], addLabelIds=[many[30]])
    assert codes_and_paths(payload) == [("LIMIT_EXCEEDED", ["input", "addLabelIds"])]
    assert payload["errors"][0]["limit"] == 30
    assert await table_states(app) == before
    swapped = await mutate_ok(app, team.member, "taskUpdate", id=written["id"], addLabelIds=[many[30]], removeLabelIds=[many[0]])
    assert swapped["version"] == 2


async def test_nobody_is_handed_a_task_that_they_cannot_see(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    written = await create_task(app, team, "Hidden", projectId=secret)
    before = await table_states(app)
    for stranger in (team.mate, team.guest, team.outsider):
        for field, given in (("taskCreate", {"projectId": secret, "title": "New"}), ("taskUpdate", {"id": written["id"]})):
            payload = await mutate(app, team.member, field, **given, assigneeId=stranger.id)
            assert codes_and_paths(payload) == [("INVALID", ["input", "assigneeId"])]
    assert await table_states(app) == before
    assert (await mutate_ok(app, team.member, "taskUpdate", id=written["id"], assigneeId=team.owner.id))["version"] == 2


async def test_another_version_than_the_stored_one_is_a_conflict_that_brings_the_stored_one(app: App, team: SampleTeam) -> None:
    written = await create_task(app, team, "Once")
    twice = await mutate_ok(app, team.mate, "taskUpdate", id=written["id"], title="Twice", expectedVersion=1)
    before = await table_states(app)
    gives = "task { id } errors2: errors { ... on ConflictError { current { ... on Task { id title viewerCan } } } }"
    for field, more in (("taskUpdate", {"title": "Thrice"}), ("taskMove", {"status": "DONE"})):
        payload = await mutate(app, team.member, field, gives, id=written["id"], expectedVersion=1, **more)
        assert payload["task"] is None
        (error,) = payload["errors"]
        assert error["__typename"] == "ConflictError"
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", "expectedVersion"])
        assert error["currentVersion"] == 2
        assert error["current"] == {"id": written["id"], "version": 2}
        (again,) = payload["errors2"]
        assert (again["current"]["title"], again["current"]["viewerCan"][0]) == ("Twice", "READ")
    payload = await mutate(app, team.member, "taskDelete", id=written["id"], expectedVersion=7)
    assert codes_and_paths(payload) == [("CONFLICT", ["input", "expectedVersion"])]
    assert await table_states(app) == before
    assert await fetch_task(app, team.member, written["id"]) == twice


async def test_a_task_is_completed_when_it_is_closed_and_as_long_as_it_stays_closed(app: App, team: SampleTeam) -> None:
    at_once = await create_task(app, team, status="CANCELED")
    assert at_once["completedAt"] is not None
    written = await create_task(app, team)
    assert written["completedAt"] is None
    finished = await mutate_ok(app, team.member, "taskUpdate", id=written["id"], status="DONE")
    assert finished["completedAt"] is not None
    canceled = await mutate_ok(app, team.member, "taskMove", id=written["id"], status="CANCELED")
    assert canceled["completedAt"] == finished["completedAt"]
    reopened = await mutate_ok(app, team.member, "taskMove", id=written["id"], status="IN_REVIEW")
    assert reopened["completedAt"] is None
    again = await mutate_ok(app, team.member, "taskUpdate", id=written["id"], status="DONE")
    assert again["completedAt"] > finished["completedAt"]
