"""An object is read together with those that it refers to, by one statement; that answers are the same is what `App.run` compares."""

from typing import Any

import pytest
from sqlalchemy import false

from domain.user import User
from persistence import tables
from persistence.access import VIEWER
from persistence.engine.lookup import ByIdQuery, Joined
from persistence.engine.rows import joined_row
from persistence.stores import task
from tests.support.app import App
from tests.support.graph_actions import create_project, create_task
from tests.support.teams import SampleTeam, uuid_of

PERSON = "id firstName displayName"


@pytest.fixture
async def assigned_id(app: App, team: SampleTeam) -> str:
    """The global id of a task of the mate."""
    return str((await create_task(app, team, "Assigned", assigneeId=team.mate.id))["id"])


@pytest.mark.parametrize(
    ("selection", "statements"),
    [
        ("title", 1),
        (f"assignee {{ {PERSON} }}", 1),
        ("title assignee { lastName } project { id name status }", 1),
        (f"project {{ name team {{ name owner {{ {PERSON} }} }} }} creator {{ {PERSON} }}", 1),
        ("assignee { __typename } creator { id }", 1),
        ("assignee { email }", 3),  # what an address is computed from is not declared
        ("project { name tasks(first: 1) { nodes { title assignee { firstName } } } }", 3),
        ("a: assignee { firstName } b: assignee { firstName }", 1),
        ("a: assignee { firstName } b: assignee { lastName }", 3),
        ("labels { nodes { team { name } } } assignee { firstName }", 2),
        ("assignee { id } creator { id } project { lead { id } team { id owner { id } } }", 1),  # all that there is to join
    ],
)
async def test_a_task_is_read_with_what_it_refers_to(
    app: App, team: SampleTeam, assigned_id: str, selection: str, statements: int
) -> None:
    text = f"query ($id: ID!) {{ task(id: $id) {{ {selection} }} }}"
    data, taken = await app.count_statements(team.member, text, id=assigned_id)
    assert data["task"] is not None
    assert taken == statements


async def test_what_a_task_refers_to_is_that_of_the_task(app: App, team: SampleTeam, assigned_id: str) -> None:
    text = "query ($id: ID!) { task(id: $id) { assignee { id } creator { id } parent { id } project { id team { id owner { id } } } } }"
    found = (await app.run(team.member, text, id=assigned_id))["task"]
    assert found == {
        "assignee": {"id": team.mate.id},
        "creator": {"id": team.member.id},
        "parent": None,
        "project": {"id": team.project_id, "team": {"id": team.team_id, "owner": {"id": team.owner.id}}},
    }


async def test_a_reference_that_is_not_set_is_null_and_takes_no_statement(app: App, team: SampleTeam) -> None:
    unassigned = await create_task(app, team, "Nobody's")
    text = "query ($id: ID!) { task(id: $id) { title assignee { firstName } } }"
    data, taken = await app.count_statements(team.member, text, id=unassigned["id"])
    assert (data["task"], taken) == ({"title": "Nobody's", "assignee": None}, 1)


async def test_a_task_of_a_private_project_is_joined_to_nothing_for_others(app: App, team: SampleTeam) -> None:
    project_id = await create_project(app, team, "Private", private_to=[team.member])
    hidden = await create_task(app, team, "Hidden", projectId=project_id)
    text = "query ($id: ID!) { task(id: $id) { title project { name } assignee { firstName } } }"
    assert (await app.run(team.member, text, id=hidden["id"]))["task"]["project"] == {"name": "Private"}
    assert await app.run(team.mate, text, id=hidden["id"]) == {"task": None}


async def test_a_joined_row_satisfies_the_condition_of_its_own(app: App, team: SampleTeam, assigned_id: str) -> None:
    async def assignee(query: ByIdQuery) -> Any:
        joins = (Joined("assignee_id", query, frozenset({"first_name"})),)
        found = await task.by_ids(
            app.resources.database, team.member.user.id, [uuid_of(assigned_id)], frozenset({"title"}), joins
        )
        row = found[uuid_of(assigned_id)]
        assert row.title == "Assigned"
        return joined_row(row, "assignee_id")

    seen = await assignee(ByIdQuery(User, tables.users))
    assert [each.first_name for each in seen] == [team.mate.user.first_name]
    assert await assignee(ByIdQuery(User, tables.users, lambda _: false())) == [None]


async def test_a_condition_without_its_parameter_is_a_mistake_and_not_a_row(app: App, team: SampleTeam) -> None:
    by_viewer = ByIdQuery(User, tables.users, lambda user: user.c.id == VIEWER)
    joins = (Joined("owner_id", by_viewer, frozenset({"first_name"})),)
    teams = ByIdQuery(team.team.__class__, tables.teams)
    with pytest.raises(AssertionError):
        await teams.fetch(app.resources.database, [team.team.id], frozenset({"name"}), joins)
    assert await teams.fetch(app.resources.database, [team.team.id], frozenset({"name"}), joins, viewer=team.owner.user.id)
