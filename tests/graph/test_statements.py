"""What reading costs: one SQL statement for each relation, however many objects there are."""

from typing import Any

import pytest

from tests.support.app import App
from tests.support.graph_actions import create_comment, create_label, create_project, create_task, mutate
from tests.support.teams import SampleTeam, create_sample_team

PAGE = 50


@pytest.fixture(scope="module")
async def populated_team(app: App) -> SampleTeam:
    """A project of 50 tasks in which every relation has something behind it."""
    team = await create_sample_team(app)
    labels = [await create_label(app, team.member, team.team_id, name) for name in ("one", "two")]
    first = await create_task(app, team, "First", assigneeId=team.mate.id, labelIds=labels)
    row = {"projectId": team.project_id, "assigneeId": team.mate.id, "labelIds": labels, "parentId": first["id"]}
    rows = [row | {"title": f"Task {number}"} for number in range(PAGE - 1)]
    results = (await mutate(app, team.member, "tasksCreate", tasks=rows))["results"]
    made = [first, *(result["task"] for result in results)]
    for number, each in enumerate(made):
        for person in (team.member, team.mate):
            await create_comment(app, person, each, f"By {person.user.first_name} [@M](user:{team.mate.id})")
        said = await create_comment(app, team.guest, each, "By the guest.")
        await mutate(app, team.mate, "commentReact", id=said["id"], emoji="👍", on=True)
        await create_comment(app, team.mate, each, "Answer.", parentId=said["id"])
        other = made[(number + 1) % PAGE]["id"]
        await mutate(app, team.member, "taskLink", taskId=each["id"], targetId=other, kind="RELATES_TO")
    return team


async def count_statements(app: App, team: SampleTeam, selection: str, page_size: int = PAGE) -> int:
    """How many statements it takes to read this of the project's tasks, beyond those for project and tasks themselves."""
    text = f"query ($id: ID!) {{ project(id: $id) {{ tasks(first: {page_size}) {{ nodes {{ id {selection} }} }} }} }}"
    data, taken = await app.count_statements(team.member, text, id=team.project_id)
    assert len(data["project"]["tasks"]["nodes"]) == page_size
    return taken - 2


RELATIONS = {
    "title status priority dueOn rank key url isOverdue": 0,
    "project { name }": 1,
    "project { name team { name } }": 2,
    "project { name viewerCan progress { total } }": 3,
    "assignee { displayName }": 1,
    "creator { displayName }": 1,
    "assignee { email }": 2,
    "labels { nodes { name } }": 1,
    "labels { totalCount }": 2,
    "parent { title }": 1,
    "parent { title parent { title } }": 1,
    "subtasks(first: 3) { nodes { title } }": 1,
    "subtaskProgress { total }": 1,
    "links(first: 3) { nodes { kind } }": 1,
    "links(first: 3) { nodes { kind target { title } } }": 2,
    "isBlocked": 1,
    "viewerCan": 1,
    "watchers(first: 3) { nodes { displayName } }": 1,
    "viewerIsWatching": 1,
    "viewerUnread { changeCount }": 1,
    "activity(first: 3) { nodes { kind changes { field } } }": 1,
    "activity(first: 3) { nodes { kind actor { displayName } } }": 2,
    "comments(first: 3) { nodes { body } }": 1,
    "comments(first: 3) { nodes { body author { displayName } } }": 2,
    "comments(first: 3) { nodes { mentions { displayName } } }": 2,
    "comments(first: 3) { nodes { reactions { emoji } } }": 2,
    "comments(first: 3) { nodes { viewerCan } }": 2,
    "comments(first: 3) { nodes { replies(first: 1) { nodes { author { displayName } } } } }": 3,
    "comments(first: 3) { nodes { subject { id } } }": 2,
    "comments(first: 3) { totalCount nodes { body } }": 2,
}


@pytest.mark.parametrize(("selection", "expected"), RELATIONS.items())
async def test_a_relation_of_a_page_adds_one_statement(
    app: App, populated_team: SampleTeam, selection: str, expected: int
) -> None:
    assert await count_statements(app, populated_team, selection) == expected
    assert await count_statements(app, populated_team, selection, page_size=2) <= expected


async def test_a_board_with_all_of_it_adds_one_statement_each(app: App, populated_team: SampleTeam) -> None:
    parts = (
        "project { name } assignee { displayName } labels(first: 5) { nodes { name } }",
        "comments(first: 3) { nodes { body author { displayName } } }",
        "subtaskProgress { total } links(first: 5) { nodes { kind target { title } } } isBlocked viewerCan",
        "watchers(first: 5) { nodes { displayName } } viewerIsWatching viewerUnread { changeCount } activity(first: 3) { nodes { kind } }",
    )
    assert await count_statements(app, populated_team, " ".join(parts)) == 14


async def test_the_same_relation_with_other_arguments_adds_one_more_each(app: App, populated_team: SampleTeam) -> None:
    aliases = [f"a{first}: comments(first: {first}) {{ nodes {{ id }} }}" for first in (1, 2, 3)]
    aliases += [f"b{resolved}: comments(first: 3, resolved: {resolved}) {{ nodes {{ id }} }}" for resolved in ("true", "false")]
    for number in range(1, 6):
        assert await count_statements(app, populated_team, " ".join(aliases[:number])) == number


async def test_three_levels_of_lists_cost_one_statement_a_level(app: App, populated_team: SampleTeam) -> None:
    deep = """
      query ($id: ID!) {
        team(id: $id) {
          projects(first: 2) { nodes { tasks(first: 5) { nodes { subtasks(first: 3) { nodes { comments(first: 3) { nodes {
            replies(first: 2) { nodes { author { displayName } } }
          } } } } } } } }
        }
      }
    """
    await create_project(app, populated_team, "Second")
    data, taken = await app.count_statements(populated_team.member, deep, id=populated_team.team_id)
    tasks = [each for one in data["team"]["projects"]["nodes"] for each in one["tasks"]["nodes"]]
    answers = tasks[0]["subtasks"]["nodes"][0]["comments"]["nodes"][2]["replies"]["nodes"]
    assert answers == [{"author": {"displayName": "Mate Tester"}}]
    assert taken == 7


async def test_the_same_relation_with_other_arguments_is_never_mistaken_for_the_first(app: App, team: SampleTeam) -> None:
    titles = ["UNSET", "None", "a", "a'", 'a"', "a, title='b'", "\\n", "\n", "Ü", "Ö"]
    for title in titles:
        if title != "\n":
            await create_task(app, team, title)
    conditions: list[dict[str, Any]] = [{"title": {"eq": title}} for title in titles]
    conditions += [{"title": {"in": [title]}} for title in titles] + [{"not": {"title": {"eq": title}}} for title in titles[:2]]
    conditions += [{}, {"isBlocked": False}, {"isBlocked": True}, {"dueOn": {"isNull": True}}, {"dueOn": {"isNull": False}}]
    aliases = " ".join(f"a{number}: tasks(filter: $f{number}) {{ nodes {{ title }} }}" for number in range(len(conditions)))
    declared = " ".join(f"$f{number}: TaskFilter" for number in range(len(conditions)))
    variables = {f"f{number}": condition for number, condition in enumerate(conditions)}
    text = f"query ($id: ID! {declared}) {{ project(id: $id) {{ {aliases} }} }}"
    found = (await app.run(team.member, text, id=team.project_id, **variables))["project"]
    got = [[each["title"] for each in found[f"a{number}"]["nodes"]] for number in range(len(conditions))]
    there = [title for title in titles if title != "\n"]
    alone = [[title] if title in there else [] for title in titles]
    assert got == [*alone, *alone, there[1:], [there[0], *there[2:]], there, there, [], there, []]


async def test_each_mutation_of_one_operation_sees_its_own_objects(app: App, team: SampleTeam) -> None:
    rows = [
        await create_task(app, team, f"Task {number}", assigneeId=(team.mate, team.guest)[number % 2].id) for number in range(20)
    ]
    fields = [f'm{number}: taskUpdate(input: {{id: "{each["id"]}", estimate: {number}.5}})' for number, each in enumerate(rows)]
    data = await app.run(
        team.member, f"mutation {{ {' '.join(f'{each} {{ task {{ title assignee {{ id }} }} }}' for each in fields)} }}"
    )
    assert [data[f"m{number}"]["task"] for number in range(20)] == [
        {"title": each["title"], "assignee": each["assignee"]} for each in rows
    ]
