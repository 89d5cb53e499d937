"""Moving tasks: to a place, a column, a parent, a project, a team."""

import asyncio
from typing import Any

import pytest

from resolvers import ids
from tests.support.app import App
from tests.support.graph_actions import (
    TASK_FIELDS,
    codes_and_paths,
    create_comment,
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

BY_KEY = f"query ($key: String!) {{ taskByKey(key: $key) {{ {TASK_FIELDS} }} }}"


async def create_five_tasks(app: App, team: SampleTeam) -> dict[str, str]:
    """Five tasks in a row: their ids by title."""
    return {title: (await create_task(app, team, title))["id"] for title in "ABCDE"}


PLACES: list[tuple[str, str, dict[str, str | None], str]] = [
    ("to the front", "C", {"afterId": None}, "CABDE"),
    ("to the end", "C", {"beforeId": None}, "ABDEC"),
    ("to the end, as well", "C", {"afterId": None, "beforeId": None}, "ABDEC"),
    ("after another", "A", {"afterId": "C"}, "BCADE"),
    ("before another", "E", {"beforeId": "B"}, "AEBCD"),
    ("between two", "E", {"afterId": "B", "beforeId": "C"}, "ABECD"),
    ("right after the first where two are far apart", "E", {"afterId": "A", "beforeId": "D"}, "AEBCD"),
    ("before the first", "E", {"beforeId": "A"}, "EABCD"),
    ("after the last", "A", {"afterId": "E"}, "BCDEA"),
    ("where it stands, after its neighbour", "C", {"afterId": "B"}, "ABCDE"),
    ("where it stands, before its neighbour", "C", {"beforeId": "D"}, "ABCDE"),
    ("where it stands, at the front", "A", {"afterId": None}, "ABCDE"),
    ("where it stands, at the end", "E", {"beforeId": None}, "ABCDE"),
]


@pytest.mark.parametrize(("_what", "moved", "place", "order"), PLACES, ids=[each[0] for each in PLACES])
async def test_a_task_goes_to_its_place(
    app: App, team: SampleTeam, _what: str, moved: str, place: dict[str, str | None], order: str
) -> None:
    named = await create_five_tasks(app, team)
    before = await fetch_task(app, team.member, named[moved])
    given = {name: title and named[title] for name, title in place.items()}
    after = await mutate_ok(app, team.member, "taskMove", id=named[moved], **given)
    assert await task_titles(app, team.guest, team.project_id) == list(order)
    stayed = order == "ABCDE"
    assert after == before | {"rank": after["rank"], "version": 1 if stayed else 2}
    assert (after["rank"] == before["rank"]) is stayed


async def test_a_place_that_makes_no_sense_is_refused(app: App, team: SampleTeam) -> None:
    named = await create_five_tasks(app, team)
    elsewhere = await create_task(app, team, projectId=await create_project(app, team, "Other"))
    before = await table_states(app)
    for place, expected in (
        ({"afterId": named["C"]}, ("INVALID", ["input", "afterId"])),
        ({"beforeId": named["C"]}, ("INVALID", ["input", "beforeId"])),
        ({"afterId": named["D"], "beforeId": named["A"]}, ("INVALID", ["input", "afterId"])),
        ({"afterId": named["D"], "beforeId": named["D"]}, ("INVALID", ["input", "afterId"])),
        ({"afterId": elsewhere["id"]}, ("NOT_FOUND", ["input", "afterId"])),
        ({"beforeId": elsewhere["id"]}, ("NOT_FOUND", ["input", "beforeId"])),
        ({"status": None}, ("INVALID", ["input", "status"])),
    ):
        assert codes_and_paths(await mutate(app, team.member, "taskMove", id=named["C"], **place)) == [expected]
    assert await table_states(app) == before


async def test_ten_tasks_that_go_to_one_place_at_once_all_arrive(app: App, team: SampleTeam) -> None:
    named = await create_five_tasks(app, team)
    more = [(await create_task(app, team, f"T{number}"))["id"] for number in range(10)]
    moves = [mutate(app, team.member, "taskMove", id=each, afterId=named["A"], beforeId=named["B"]) for each in more]
    payloads = await asyncio.gather(*moves)
    assert [payload["errors"] for payload in payloads] == [[]] * 10
    titles = await task_titles(app, team.member, team.project_id)
    assert [titles[0], *titles[11:]] == list("ABCDE")
    assert sorted(titles[1:11]) == [f"T{number}" for number in range(10)]
    ranks = [(await fetch_task(app, team.member, each))["rank"] for each in (*named.values(), *more)]
    assert len(set(ranks)) == 15


async def test_ten_tasks_written_after_one_at_once_all_have_a_place_and_a_number(app: App, team: SampleTeam) -> None:
    first = await create_task(app, team, "First")
    made = await asyncio.gather(*(create_task(app, team, f"T{number}", afterId=first["id"]) for number in range(10)))
    assert len({each["rank"] for each in made}) == 10
    assert {each["key"] for each in made} == {f"{team.team.key}-{number}" for number in range(2, 12)}


async def test_a_move_into_a_column_under_a_parent_and_to_a_place_is_one_step(app: App, team: SampleTeam) -> None:
    named = await create_five_tasks(app, team)
    moved = await mutate_ok(
        app, team.member, "taskMove", id=named["E"], status="DONE", parentId=named["A"], beforeId=named["B"], expectedVersion=1
    )
    assert (moved["status"], moved["parent"], moved["version"]) == ("DONE", {"id": named["A"]}, 2)
    assert moved["completedAt"] is not None
    assert await task_titles(app, team.member, team.project_id) == list("AEBCD")
    top = await mutate_ok(app, team.member, "taskMove", id=named["E"], parentId=None)
    assert top == moved | {"parent": None, "version": 3}


async def test_a_task_is_never_below_itself(app: App, team: SampleTeam) -> None:
    top = await create_task(app, team, "Top")
    middle = await create_task(app, team, "Middle", parentId=top["id"])
    low = await create_task(app, team, "Low", parentId=middle["id"])
    before = await table_states(app)
    for parent in (top, middle, low):
        payload = await mutate(app, team.member, "taskMove", id=top["id"], parentId=parent["id"])
        assert codes_and_paths(payload) == [("CYCLE", ["input", "parentId"])]
    assert await table_states(app) == before


async def test_two_tasks_that_go_below_each_other_at_once_do_not_both_succeed(app: App, team: SampleTeam) -> None:
    one, two = await create_task(app, team, "One"), await create_task(app, team, "Two")
    payloads = await asyncio.gather(
        mutate(app, team.member, "taskMove", id=one["id"], parentId=two["id"]),
        mutate(app, team.mate, "taskMove", id=two["id"], parentId=one["id"]),
    )
    assert sorted(map(codes_and_paths, payloads)) == [[], [("CYCLE", ["input", "parentId"])]]


async def test_sub_tasks_go_ten_levels_deep_whatever_comes_along(app: App, team: SampleTeam) -> None:
    chain = [await create_task(app, team, "1")]
    for level in range(2, 11):
        chain.append(await create_task(app, team, str(level), parentId=chain[-1]["id"]))
    family = await create_task(app, team, "Family")
    await create_task(app, team, "Child", parentId=family["id"])
    before = await table_states(app)
    too_deep = await mutate(app, team.member, "taskCreate", projectId=team.project_id, title="11", parentId=chain[9]["id"])
    too_high = await mutate(app, team.member, "taskMove", id=family["id"], parentId=chain[8]["id"])
    assert codes_and_paths(too_deep) == codes_and_paths(too_high) == [("LIMIT_EXCEEDED", ["input", "parentId"])]
    assert await table_states(app) == before
    assert (await mutate_ok(app, team.member, "taskMove", id=family["id"], parentId=chain[7]["id"]))["version"] == 2


async def test_a_parent_lies_in_the_same_project_and_is_not_deleted(app: App, team: SampleTeam) -> None:
    away = await create_task(app, team, "Away", projectId=await create_project(app, team, "Other"))
    gone = await create_task(app, team, "Gone")
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])
    written = await create_task(app, team)
    before = await table_states(app)
    for parent in (away, gone):
        created = await mutate(app, team.member, "taskCreate", projectId=team.project_id, title="New", parentId=parent["id"])
        moved = await mutate(app, team.member, "taskMove", id=written["id"], parentId=parent["id"])
        assert codes_and_paths(created) == codes_and_paths(moved) == [("NOT_FOUND", ["input", "parentId"])]
    assert await table_states(app) == before


async def test_a_task_takes_its_sub_tasks_into_another_project_and_leaves_its_parent(app: App, team: SampleTeam) -> None:
    small = await create_label(app, team.member, team.team_id, "small")
    top = await create_task(app, team, "Top")
    moved = await create_task(app, team, "Moved", parentId=top["id"], labelIds=[small], assigneeId=team.guest.id)
    child = await create_task(app, team, "Child", parentId=moved["id"], assigneeId=team.mate.id)
    grandchild = await create_task(app, team, "Grandchild", parentId=child["id"])
    other = await create_project(app, team, "Other")
    await create_task(app, team, "Native", projectId=other)
    arrived = await mutate_ok(app, team.member, "taskMove", id=moved["id"], projectId=other, afterId=None)
    assert arrived == moved | {
        "project": {"id": other},
        "parent": None,
        "assignee": None,  # the guest sees only the project that he was added to
        "rank": arrived["rank"],
        "version": 2,
    }
    assert await task_titles(app, team.member, team.project_id) == ["Top"]
    assert await task_titles(app, team.member, other) == ["Moved", "Native", "Child", "Grandchild"]
    for each in (child, grandchild):
        now = await fetch_task(app, team.member, each["id"])
        assert now == each | {"project": {"id": other}, "rank": now["rank"], "version": 2}


async def create_second_team(app: App, team: SampleTeam) -> SampleTeam:
    """Another team, which the member of the first belongs to, too."""
    far = await create_sample_team(app)
    await app.sql.execute(
        "INSERT INTO team_members (team_id, user_id, role, joined_at) VALUES ($1, $2, 'MEMBER', now())",
        far.team.id,
        team.member.user.id,
    )
    return far


async def test_a_task_gets_a_key_of_its_new_team_and_is_found_under_the_old_one_too(app: App, team: SampleTeam) -> None:
    far = await create_second_team(app, team)
    small = await create_label(app, team.member, team.team_id, "small")
    moved = await create_task(app, team, "Moved", labelIds=[small], assigneeId=team.mate.id)
    child = await create_task(app, team, "Child", parentId=moved["id"], labelIds=[small], assigneeId=team.member.id)
    await create_comment(app, team.mate, moved, "Take me along.")
    arrived = await mutate_ok(app, team.member, "taskMove", id=moved["id"], projectId=far.project_id)
    assert arrived == moved | {
        "key": f"{far.team.key}-1",
        "project": {"id": far.project_id},
        "labels": {"nodes": []},
        "assignee": None,
        "rank": "a0",
        "version": 2,
    }
    followed = await fetch_task(app, far.owner, child["id"])
    assert followed == child | {
        "key": f"{far.team.key}-2",
        "project": {"id": far.project_id},
        "labels": {"nodes": []},
        "rank": "a1",
        "version": 2,
    }
    for key in (moved["key"], moved["key"].lower(), f" {arrived['key']} "):
        assert (await app.run(far.owner, BY_KEY, key=key))["taskByKey"] == arrived
    assert (await app.run(team.mate, BY_KEY, key=moved["key"]))["taskByKey"] is None
    said = await fetch_task(app, far.owner, moved["id"], "comments { nodes { body subject { id } viewerCan } }")
    assert said["comments"]["nodes"] == [
        {"body": "Take me along.", "subject": {"id": moved["id"]}, "viewerCan": ["READ", "COMMENT", "DELETE"]}
    ]

    back = await mutate_ok(app, team.member, "taskMove", id=moved["id"], projectId=team.project_id)
    assert back["key"] == f"{team.team.key}-3"
    for key in (moved["key"], arrived["key"], back["key"]):
        assert (await app.run(team.mate, BY_KEY, key=key))["taskByKey"] == back


async def test_a_project_that_one_cannot_see_or_write_to_takes_no_task(app: App, team: SampleTeam) -> None:
    far = await create_sample_team(app)
    secret = await create_project(app, team, "Secret", private_to=[team.mate])
    archived = await create_project(app, team, "Old")
    await mutate_ok(app, team.owner, "projectUpdate", id=archived, status="ARCHIVED")
    written = await create_task(app, team)
    before = await table_states(app)
    for target, expected in (
        (far.project_id, ("NOT_FOUND", ["input", "projectId"])),
        (secret, ("NOT_FOUND", ["input", "projectId"])),
        (archived, ("FORBIDDEN", None)),
    ):
        moved = await mutate(app, team.member, "taskMove", id=written["id"], projectId=target)
        created = await mutate(app, team.member, "taskCreate", title="New", projectId=target)
        assert codes_and_paths(moved) == codes_and_paths(created) == [expected]
    by_guest = await mutate(app, team.guest, "taskMove", id=written["id"], status="DONE")
    assert codes_and_paths(by_guest) == [("FORBIDDEN", None)]
    assert by_guest["errors"][0]["missing"] == "MOVE"
    by_outsider = await mutate(app, team.outsider, "taskMove", id=written["id"], status="DONE")
    nobodys = await mutate(app, team.outsider, "taskMove", id=ids.encode("Task", team.team.id), status="DONE")
    assert by_outsider == nobodys
    assert codes_and_paths(by_outsider) == [("NOT_FOUND", ["input", "id"])]
    assert await table_states(app) == before


async def test_sub_tasks_written_while_their_parent_moves_are_where_it_is(app: App, team: SampleTeam) -> None:
    other = await create_project(app, team, "Other")
    parent = await create_task(app, team, "Parent")
    given: dict[str, Any] = {"projectId": team.project_id, "title": "Child", "parentId": parent["id"]}
    payloads = await asyncio.gather(
        *(mutate(app, team.member, "taskCreate", **given) for _ in range(3)),
        mutate_ok(app, team.mate, "taskMove", id=parent["id"], projectId=other),
        *(mutate(app, team.member, "taskCreate", **given) for _ in range(3)),
    )
    created = [payload for payload in payloads if "errors" in payload]
    assert {each for payload in created for each in map(str, codes_and_paths(payload))} <= {
        str(("NOT_FOUND", ["input", "parentId"]))
    }
    for child in (payload["task"] for payload in created if payload["task"]):
        assert (await fetch_task(app, team.member, child["id"]))["project"] == {"id": other}


async def test_a_task_that_moves_while_somebody_waits_for_it_is_still_found(app: App, team: SampleTeam) -> None:
    other = await create_project(app, team, "Other")
    written = await create_task(app, team)
    for target in (other, team.project_id, other, team.project_id):
        moved, *updated = await asyncio.gather(
            mutate_ok(app, team.mate, "taskMove", id=written["id"], projectId=target),
            *(mutate(app, team.member, "taskUpdate", id=written["id"], estimate=float(number)) for number in range(5)),
        )
        assert moved["project"] == {"id": target}
        assert [payload["errors"] for payload in updated] == [[]] * 5
