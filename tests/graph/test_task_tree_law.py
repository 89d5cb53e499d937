"""Trees of tasks: no circles, and what lies below goes along, after any moves; and tasks of those who left stay workable."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.app import App
from tests.support.examples import examples
from tests.support.graph_actions import codes_and_paths, create_project, create_task, fetch_task, mutate
from tests.support.sample_tasks import deterministic
from tests.support.teams import SampleTeam, create_sample_team

COUNT = 6
moves = st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(-3, COUNT - 1)), min_size=1, max_size=8)


@pytest.fixture(scope="module")
async def tree_team(app: App) -> SampleTeam:
    """A team for all examples."""
    return await create_sample_team(app)


@examples(15, many=100, like=deterministic)
@given(moves=moves)
async def test_after_any_moves_there_is_no_circle_and_subtasks_lie_in_the_project_of_their_parent(
    app: App, tree_team: SampleTeam, moves: list[tuple[int, int]]
) -> None:
    team = tree_team
    projects = [await create_project(app, team, "One"), await create_project(app, team, "Other")]
    tasks = [(await create_task(app, team, f"{number}", projectId=projects[0]))["id"] for number in range(COUNT)]
    parents: dict[int, int | None] = dict.fromkeys(range(COUNT))
    places = dict.fromkeys(range(COUNT), 0)

    def above(number: int) -> list[int]:
        parent = parents[number]
        return [] if parent is None else [parent, *above(parent)]

    def below(number: int) -> list[int]:
        return [each for each in range(COUNT) if number in above(each)]

    for number, target in moves:
        given_: dict[str, Any] = {"id": tasks[number]}
        if target >= 0:
            given_["parentId"] = tasks[target]
            refused = "CYCLE" if target in (number, *below(number)) else "NOT_FOUND" if places[target] != places[number] else None
        elif target == -3:
            given_["parentId"], refused = None, None
        else:
            given_["projectId"], refused = projects[target + 2], None
        payload = await mutate(app, team.member, "taskMove", **given_)
        codes = [code for code, _ in codes_and_paths(payload)]
        assert codes == ([] if refused is None else codes[:1])
        if refused is not None:
            assert codes[0] in ("CYCLE", "NOT_FOUND")
        elif target >= 0:
            parents[number] = target
        elif target == -3:
            parents[number] = None
        elif places[number] != target + 2:
            parents[number] = None
            for each in (number, *below(number)):
                places[each] = target + 2

    for number, task in enumerate(tasks):
        parent = parents[number]
        shown = await fetch_task(app, team.member, task, "parent { id } project { id }")
        expected = None if parent is None else {"id": tasks[parent]}
        assert shown == {"parent": expected, "project": {"id": projects[places[number]]}}


@pytest.mark.parametrize(
    ("field", "given_"),
    [
        ("taskUpdate", {"title": "Another"}),
        ("taskUpdate", {"assigneeId": None}),
        ("taskUpdate", {"status": "DONE", "dueOn": "9999-12-31"}),
        ("taskMove", {"status": "IN_PROGRESS"}),
        ("taskDelete", {}),
    ],
)
async def test_a_task_of_somebody_who_left_stays_workable(app: App, team: SampleTeam, field: str, given_: dict[str, Any]) -> None:
    task = await create_task(app, team, "Left behind", assigneeId=team.mate.id)
    await mutate(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    payload = await mutate(app, team.member, field, id=task["id"], **given_)
    assert payload["errors"] == []
    other = await create_task(app, team, "New")
    refused = await mutate(app, team.member, "taskUpdate", id=other["id"], assigneeId=team.mate.id)
    assert codes_and_paths(refused) == [("INVALID", ["input", "assigneeId"])]
