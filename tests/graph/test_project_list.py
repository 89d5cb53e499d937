"""Lists of projects through the graph: filters, orders, and pages."""

from itertools import product
from typing import Any
from uuid import UUID

import pytest

from resolvers import ids
from tests.support.app import App
from tests.support.graph_actions import mutate_ok
from tests.support.pagination import check_pagination
from tests.support.teams import SampleTeam

PROJECTS_QUERY = """
query ($first: Int, $after: String, $last: Int, $before: String, $filter: ProjectFilter, $orderBy: [ProjectOrder!]) {
  projects(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id } }
    nodes { name }
  }
}
"""
TEAM_PROJECTS_QUERY = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $filter: ProjectFilter, $orderBy: [ProjectOrder!]) {
  team(id: $id) {
    projects(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { id } }
      nodes { name }
    }
  }
}
"""
# name, status, first day, last day: with ties and gaps in every column
ROWS = [
    ("apollo", "ACTIVE", "2026-01-01", None),
    ("Apollo", "COMPLETED", None, "2026-05-01"),
    ("Gemini", "ARCHIVED", "2026-01-01", "2026-05-01"),
    ("gemini", "ACTIVE", None, None),
    ("Mercury", "COMPLETED", "2025-01-01", "2027-01-01"),
    ("Élan", "ACTIVE", "2026-02-01", None),
    ("zeta", "ARCHIVED", None, None),
]
FIELDS = ["NAME", "STATUS", "START_ON", "END_ON", "CREATED_AT", "UPDATED_AT"]


@pytest.fixture
async def sample_project_ids(app: App, team: SampleTeam) -> list[str]:
    """Projects as `ROWS` says, beside the team's own; their ids in that order."""
    made = []
    for name, status, start, end in ROWS:
        given = {"teamId": team.team_id, "name": name, "startOn": start, "endOn": end, "leadId": team.mate.id}
        project_id = (await mutate_ok(app, team.owner, "projectCreate", **given))["id"]
        if status != "ACTIVE":
            await mutate_ok(app, team.owner, "projectUpdate", id=project_id, status=status)
        made.append(project_id)
    same = (
        "UPDATE projects SET created_at = date_trunc('hour', created_at), updated_at = created_at WHERE team_id = $1 AND id <> $2"
    )
    await app.sql.execute(same, team.team.id, team.project.id)
    return made


async def project_names(app: App, team: SampleTeam, **arguments: Any) -> list[str]:
    """The names that a list gives."""
    return [node["name"] for node in (await app.run(team.member, PROJECTS_QUERY, **arguments))["projects"]["nodes"]]


@pytest.mark.usefixtures("sample_project_ids")
@pytest.mark.parametrize(("field", "direction"), list(product(FIELDS, ["ASC", "DESC"])))
async def test_every_order_is_turned_in_both_directions_across_ties_and_gaps(
    app: App, team: SampleTeam, field: str, direction: str
) -> None:
    order = [{"field": field, "direction": direction}]

    async def everywhere(asked: dict[str, Any]) -> Any:
        return (await app.run(team.member, PROJECTS_QUERY, orderBy=order, **asked))["projects"]

    async def of_team(asked: dict[str, Any]) -> Any:
        return (await app.run(team.member, TEAM_PROJECTS_QUERY, id=team.team_id, orderBy=order, **asked))["team"]["projects"]

    found = await check_pagination(everywhere)
    assert len(found) == len(ROWS) + 1
    assert await check_pagination(of_team, size=3) == found


@pytest.mark.usefixtures("sample_project_ids")
async def test_orders_of_several_fields_in_different_directions_are_turned(app: App, team: SampleTeam) -> None:
    for fields in (("STATUS", "START_ON", "NAME"), ("END_ON", "STATUS"), ("CREATED_AT", "NAME"), ("START_ON", "END_ON")):
        for first in ("ASC", "DESC"):
            other = {"ASC": "DESC", "DESC": "ASC"}[first]
            order = [{"field": field, "direction": other if index % 2 else first} for index, field in enumerate(fields)]

            async def page(asked: dict[str, Any], order: Any = order) -> Any:
                return (await app.run(team.member, PROJECTS_QUERY, orderBy=order, **asked))["projects"]

            assert len(await check_pagination(page)) == len(ROWS) + 1


@pytest.mark.usefixtures("sample_project_ids")
async def test_projects_are_sorted_as_asked(app: App, team: SampleTeam) -> None:
    by_name = ["apollo", "Apollo", "Élan", "Gemini", "gemini", "Launch", "Mercury", "zeta"]
    assert await project_names(app, team) == by_name
    assert await project_names(app, team, orderBy=[{"field": "NAME"}]) == by_name
    assert await project_names(app, team, orderBy=[{"field": "STATUS"}, {"field": "NAME"}]) == [
        *("apollo", "Élan", "gemini", "Launch"),
        *("Apollo", "Mercury"),
        *("Gemini", "zeta"),
    ]
    assert await project_names(app, team, orderBy=[{"field": "START_ON"}, {"field": "NAME"}]) == [
        *("Mercury", "apollo", "Gemini", "Élan"),
        *("Apollo", "gemini", "Launch", "zeta"),
    ]
    descending = [{"field": "END_ON", "direction": "DESC"}, {"field": "NAME"}]
    assert await project_names(app, team, orderBy=descending) == [
        *("apollo", "Élan", "gemini", "Launch", "zeta"),
        *("Mercury", "Apollo", "Gemini"),
    ]


@pytest.mark.usefixtures("sample_project_ids")
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, 8),
        ({"name": {"eq": "Apollo"}}, ["Apollo"]),
        ({"name": {"in": ["Apollo", "zeta", "none"]}}, ["Apollo", "zeta"]),
        ({"name": {"in": []}}, []),
        ({"name": {"contains": "EMI"}}, ["Gemini", "gemini"]),
        ({"name": {"contains": "ÉLAN"}}, ["Élan"]),
        ({"name": {"startsWith": "AP"}}, ["apollo", "Apollo"]),
        ({"name": {"contains": "%"}}, []),
        ({"name": {"contains": "a", "startsWith": "z"}}, ["zeta"]),
        ({"status": "ARCHIVED"}, ["Gemini", "zeta"]),
        ({"status": "ACTIVE", "name": {"contains": "o"}}, ["apollo"]),
        ({"lead": {"isNull": True}}, ["Launch"]),
        ({"lead": {"isNull": False}, "status": "COMPLETED"}, ["Apollo", "Mercury"]),
        ({"updatedAt": {"after": "2100-01-01T00:00:00Z"}}, []),
        ({"updatedAt": {"before": "2100-01-01T00:00:00+02:00"}, "status": "COMPLETED"}, ["Apollo", "Mercury"]),
    ],
    ids=str,
)
async def test_projects_are_narrowed_as_asked(app: App, team: SampleTeam, condition: Any, expected: Any) -> None:
    found = (await app.run(team.member, PROJECTS_QUERY, filter=condition))["projects"]
    listed = [node["name"] for node in found["nodes"]]
    assert found["totalCount"] == len(listed)
    assert (len(listed) if isinstance(expected, int) else listed) == expected


@pytest.mark.usefixtures("sample_project_ids")
async def test_projects_are_narrowed_by_lead(app: App, team: SampleTeam) -> None:
    assert len(await project_names(app, team, filter={"lead": {"eq": team.mate.id}})) == len(ROWS)
    assert await project_names(app, team, filter={"lead": {"in": [team.owner.id, team.outsider.id]}}) == []


@pytest.mark.usefixtures("sample_project_ids")
async def test_a_narrowed_list_is_turned_too(app: App, team: SampleTeam) -> None:
    async def page(asked: dict[str, Any]) -> Any:
        condition = {"name": {"contains": "e"}, "lead": {"isNull": False}}
        return (await app.run(team.member, PROJECTS_QUERY, filter=condition, **asked))["projects"]

    assert len(await check_pagination(page)) == 5


@pytest.mark.parametrize(
    ("asked", "code", "path"),
    [
        ({"first": -1}, "BAD_USER_INPUT", ["first"]),
        ({"first": 101}, "PAGE_TOO_LARGE", ["first"]),
        ({"first": 1, "last": 1}, "BAD_USER_INPUT", ["last"]),
        ({"after": "nonsense"}, "CURSOR_INVALID", None),
        ({"first": 1, "before": "x"}, "BAD_USER_INPUT", ["before"]),
        ({"filter": {"lead": {"eq": ids.encode("Task", UUID(int=1))}}}, "BAD_USER_INPUT", ["filter", "lead"]),
        ({"filter": {"name": {"eq": None}}}, "BAD_USER_INPUT", ["filter", "name"]),
        ({"filter": {"name": {"in": ["x"] * 101}}}, "BAD_USER_INPUT", ["filter", "name"]),
        ({"filter": {"name": {"contains": "a\u0000"}}}, "BAD_USER_INPUT", None),
        ({"orderBy": [{"field": "NAME"}] * 5}, "BAD_USER_INPUT", ["orderBy"]),
    ],
    ids=str,
)
async def test_what_cannot_be_listed_is_the_clients_mistake(
    app: App, team: SampleTeam, asked: dict[str, Any], code: str, path: list[str] | None
) -> None:
    answer = await app.execute(team.member, PROJECTS_QUERY, **asked)
    assert answer["data"] == {"projects": None}
    extensions = answer["errors"][0]["extensions"]
    assert (extensions["code"], extensions.get("path")) == (code, path)


async def test_a_cursor_of_another_order_is_refused(app: App, team: SampleTeam) -> None:
    page = (await app.run(team.member, PROJECTS_QUERY))["projects"]
    order = [{"field": "CREATED_AT"}]
    answer = await app.execute(team.member, PROJECTS_QUERY, after=page["pageInfo"]["endCursor"], orderBy=order)
    assert answer["errors"][0]["extensions"]["code"] == "CURSOR_INVALID"


async def test_a_page_of_nothing_is_a_page(app: App, team: SampleTeam) -> None:
    page = (await app.run(team.member, PROJECTS_QUERY, first=0))["projects"]
    assert (page["totalCount"], page["edges"]) == (1, [])
    assert page["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


async def test_the_last_and_the_first_day_of_the_calendar_are_days_and_not_unset(app: App, team: SampleTeam) -> None:
    days = ["9999-12-31", None, "0001-01-01", "2026-01-01", None, "9999-12-31", "9999-12-30"]
    for number, day in enumerate(days):
        await mutate_ok(app, team.owner, "projectCreate", teamId=team.team_id, name=f"{number}", endOn=day)
    query = "query ($order: [ProjectOrder!], $first: Int, $after: String, $last: Int, $before: String) {"
    query += " projects(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {"
    query += " totalCount edges { cursor node { id } } nodes { endOn }"
    query += " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    expected = sorted(each for each in days if each is not None) + [None] * 3
    for direction, wanted in (("ASC", expected), ("DESC", expected[::-1])):
        order = [{"field": "END_ON", "direction": direction}]
        found = (await app.run(team.member, query, order=order))["projects"]["nodes"]
        assert [each["endOn"] for each in found] == wanted

        async def page(asked: dict[str, Any], order: Any = order) -> Any:
            return (await app.run(team.member, query, order=order, **asked))["projects"]

        assert len(await check_pagination(page, size=1)) == len(days) + 1
