"""Many tasks in one call: all or nothing, each for itself, and rehearsed."""

from typing import Any
from uuid import UUID, uuid4

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
from tests.support.teams import SampleTeam


async def test_many_tasks_are_written_in_order_and_may_name_each_other(app: App, team: SampleTeam) -> None:
    parent = uuid4()
    rows: list[dict[str, Any]] = [
        {"projectId": team.project_id, "title": "Parent", "id": str(parent), "clientMutationId": "of a row: of no use"},
        {"projectId": team.project_id, "title": "Child", "parentId": ids.encode("Task", parent)},
        {"projectId": team.project_id, "title": "First", "status": "DONE"},
    ]
    payload = await mutate(app, team.member, "tasksCreate", tasks=rows)
    assert (payload["succeeded"], payload["failed"], payload["errors"]) == (3, 0, [])
    assert [row["index"] for row in payload["results"]] == [0, 1, 2]
    assert [row["task"]["title"] for row in payload["results"]] == ["Parent", "Child", "First"]
    assert payload["results"][0]["id"] == ids.encode("Task", parent)
    assert payload["results"][1]["task"]["parent"] == {"id": ids.encode("Task", parent)}
    assert [await fetch_task(app, team.mate, row["id"]) for row in payload["results"]] == [
        row["task"] for row in payload["results"]
    ]


async def test_one_bad_row_stops_them_all_unless_asked_otherwise(app: App, team: SampleTeam) -> None:
    taken = str(uuid4())
    await create_task(app, team, "There", id=taken)
    rows = [
        {"projectId": team.project_id, "title": "Good"},
        {"projectId": team.project_id, "title": " "},
        {"projectId": team.project_id, "title": "Taken", "id": taken},
        {"projectId": team.project_id, "title": "Nobody's", "assigneeId": team.outsider.id},
        {"projectId": ids.encode("Project", uuid4()), "title": "Nowhere"},
        {"projectId": team.project_id, "title": "Good, too"},
    ]
    expected = [
        ("REQUIRED", ["input", "tasks", "1", "title"]),
        ("NOT_UNIQUE", ["input", "tasks", "2", "id"]),
        ("INVALID", ["input", "tasks", "3", "assigneeId"]),
        ("NOT_FOUND", ["input", "tasks", "4", "projectId"]),
    ]
    before = await table_states(app)
    nothing = await mutate(app, team.member, "tasksCreate", tasks=rows)
    assert codes_and_paths(nothing) == expected
    assert (nothing["results"], nothing["succeeded"], nothing["failed"]) == ([], 0, 4)
    assert await table_states(app) == before

    some = await mutate(app, team.member, "tasksCreate", tasks=rows, mode="BEST_EFFORT")
    assert some["errors"] == []
    assert (some["succeeded"], some["failed"]) == (2, 4)
    assert [codes_and_paths(row) for row in some["results"]] == [[], *([each] for each in expected), []]
    assert [row["task"] and row["task"]["key"] for row in some["results"]] == [
        f"{team.team.key}-2",
        *[None] * 4,
        f"{team.team.key}-3",
    ]
    assert some["results"][2]["id"] == ids.encode("Task", UUID(taken))
    assert await task_titles(app, team.member, team.project_id) == ["There", "Good", "Good, too"]


async def test_ids_that_are_none_are_reported_all_at_once(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    rows = [{"projectId": "nonsense", "title": "A"}, {"projectId": team.team_id, "title": "B", "labelIds": ["x"]}]
    payload = await mutate(app, team.member, "tasksCreate", tasks=rows, mode="BEST_EFFORT")
    assert codes_and_paths(payload) == [
        ("INVALID", ["input", "tasks", "0", "projectId"]),
        ("INVALID", ["input", "tasks", "1", "projectId"]),
        ("INVALID", ["input", "tasks", "1", "labelIds", "0"]),
    ]
    assert await table_states(app) == before


async def test_the_same_is_set_for_many_tasks(app: App, team: SampleTeam) -> None:
    small = await create_label(app, team.member, team.team_id, "small")
    other = await create_project(app, team, "Other")
    made = [await create_task(app, team, title) for title in "ABC"]
    child = await create_task(app, team, "Child", parentId=made[0]["id"])
    patch = {"status": "DONE", "priority": "URGENT", "assigneeId": team.mate.id, "dueOn": "2026-12-24", "addLabelIds": [small]}
    payload = await mutate(app, team.member, "tasksUpdate", ids=[each["id"] for each in made], set={**patch, "projectId": other})
    assert (payload["succeeded"], payload["failed"], payload["errors"]) == (3, 0, [])
    for before, row in zip(made, payload["results"], strict=True):
        after = row["task"]
        assert after["completedAt"] is not None
        assert after == before | {
            "status": "DONE",
            "priority": "URGENT",
            "assignee": {"id": team.mate.id},
            "dueOn": "2026-12-24",
            "labels": {"nodes": [{"name": "small"}]},
            "project": {"id": other},
            "completedAt": after["completedAt"],
            "rank": after["rank"],
            "version": 3,
        }
    assert await task_titles(app, team.member, other) == ["A", "Child", "B", "C"]
    assert (await fetch_task(app, team.member, child["id"]))["status"] == "TODO"


async def test_refused_updates_name_the_row_or_the_attribute_that_is_to_blame(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.mate])
    hidden = await create_task(app, team, "Hidden", by=team.mate, projectId=secret)
    late = await create_task(app, team, "Late", startOn="2027-01-01")
    plain = await create_task(app, team, "Plain")
    chosen = [plain["id"], hidden["id"], late["id"]]
    expected = [("NOT_FOUND", ["input", "ids", "1"]), ("INVALID", ["input", "set", "dueOn"])]
    before = await table_states(app)
    nothing = await mutate(app, team.member, "tasksUpdate", ids=chosen, set={"dueOn": "2026-12-31"})
    assert codes_and_paths(nothing) == expected
    assert await table_states(app) == before
    some = await mutate(app, team.member, "tasksUpdate", ids=chosen, set={"dueOn": "2026-12-31"}, mode="BEST_EFFORT")
    assert [codes_and_paths(row) for row in some["results"]] == [[], *([each] for each in expected)]
    assert [row["id"] for row in some["results"]] == chosen
    assert [(await fetch_task(app, team.mate, each))["dueOn"] for each in chosen] == ["2026-12-31", None, None]

    by_guest = await mutate(app, team.guest, "tasksUpdate", ids=[plain["id"]], set={"priority": "LOW"}, mode="BEST_EFFORT")
    assert [codes_and_paths(row) for row in by_guest["results"]] == [[("FORBIDDEN", ["input", "ids", "0"])]]
    assert by_guest["results"][0]["errors"][0]["missing"] == "UPDATE"


@pytest.mark.parametrize("mode", ["ALL_OR_NOTHING", "BEST_EFFORT"])
async def test_a_dry_run_says_what_would_happen_and_writes_nothing(app: App, team: SampleTeam, mode: str) -> None:
    there = await create_task(app, team, "There")
    bad = {"projectId": team.project_id, "title": ""}
    before = await table_states(app)
    rows = [{"projectId": team.project_id, "title": "New", "assigneeId": team.mate.id}]
    more = {"mode": mode, "dryRun": True, "clientMutationId": "rehearsed"}
    for _ in range(2):
        created = await mutate(app, team.member, "tasksCreate", tasks=rows, **more)
        assert (created["succeeded"], created["errors"], created["clientMutationId"]) == (1, [], "rehearsed")
        would = created["results"][0]["task"]
        assert (would["title"], would["key"], would["assignee"]) == ("New", f"{team.team.key}-2", {"id": team.mate.id})
    updated = await mutate(app, team.member, "tasksUpdate", "cursor results { task { title status } }",
                       ids=[there["id"]], set={"status": "DONE"}, **more)  # fmt: skip
    assert updated["results"] == [{"task": {"title": "There", "status": "DONE"}}]
    assert updated["cursor"] is None
    refused = await mutate(app, team.member, "tasksCreate", tasks=[*rows, bad], **more)
    assert refused["failed"] == 1
    assert await table_states(app) == before
    real = await mutate(app, team.member, "tasksCreate", tasks=rows, **(more | {"dryRun": False}))
    assert real["results"][0]["task"]["key"] == f"{team.team.key}-2"


async def test_a_call_has_between_one_and_a_hundred_rows(app: App, team: SampleTeam) -> None:
    there = await create_task(app, team, "There")
    row = {"projectId": team.project_id, "title": "Row"}
    before = await table_states(app)
    for field, rows, path in (("tasksCreate", {"tasks": []}, "tasks"), ("tasksUpdate", {"ids": [], "set": {}}, "ids")):
        assert codes_and_paths(await mutate(app, team.member, field, **rows)) == [("REQUIRED", ["input", path])]
    over = await mutate(app, team.member, "tasksCreate", tasks=[row] * 101)
    assert codes_and_paths(over) == [("LIMIT_EXCEEDED", ["input", "tasks"])]
    assert over["errors"][0]["limit"] == 100
    over = await mutate(app, team.member, "tasksUpdate", ids=[there["id"]] * 101, set={"status": "DONE"})
    assert codes_and_paths(over) == [("LIMIT_EXCEEDED", ["input", "ids"])]
    assert await table_states(app) == before
    full = await mutate(app, team.member, "tasksCreate", "succeeded failed", tasks=[row] * 100)
    assert (full["succeeded"], full["failed"]) == (100, 0)


async def test_a_task_named_twice_is_written_once(app: App, team: SampleTeam) -> None:
    there = await create_task(app, team, "There")
    payload = await mutate(app, team.member, "tasksUpdate", ids=[there["id"], there["id"]], set={"status": "DONE"})
    assert [row["task"]["version"] for row in payload["results"]] == [2, 2]
    assert await mutate_ok(app, team.member, "taskUpdate", id=there["id"], status="DONE") == payload["results"][0]["task"]
