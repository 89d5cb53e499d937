"""A search finds nothing, counts nothing and suggests nothing that the viewer may not see, from the moment on that they may not."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from domain.actor import Scope
from persistence.search.rebuild import work_off_all
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_document, create_label, create_project, create_task, mutate_ok
from tests.support.searching import ALL_FACETS, SEARCH, ids_of, on_both_indexes, search
from tests.support.teams import SampleTeam, actor_with_scopes, create_sample_team
from tests.support.uploads import upload_file

pytestmark = on_both_indexes

CANARY = "zyzzyvacanary"
QUERIES = (CANARY, "zyzzyva", "zyzzyvacanray", f"quixotic {CANARY}", f'"{CANARY} report"', "canarylabel", f"{CANARY}.pdf")


@dataclass(frozen=True)
class Secret:
    """A private project of the owner's and the member's, in which everything says the canary."""

    project_id: str
    objects: frozenset[str]
    task: Any


async def hide_canary(app: App, team: SampleTeam) -> Secret:
    project_id = await create_project(app, team, f"{CANARY} project", private_to=[team.member])
    label = await create_label(app, team.owner, team.team_id, "canarylabel")
    task = await create_task(
        app,
        team,
        f"{CANARY} task",
        projectId=project_id,
        assigneeId=team.member.id,
        labelIds=[label],
        description=f"{CANARY} report",
    )
    page = await create_document(app, team, f"{CANARY} page", projectId=project_id, content=f"{CANARY} says")
    said = [await create_comment(app, team.member, each, f"{CANARY} comment") for each in (task, page)]
    await upload_file(app, team.member, fileName=f"{CANARY}.pdf", subjectId=task["id"])
    await work_off_all(app.resources.database)
    return Secret(project_id, frozenset({project_id, task["id"], page["id"], *(each["id"] for each in said)}), task)


async def assert_nothing(app: App, person: Person, **options: Any) -> None:
    for query in QUERIES:
        found = await search(app, person, query, facets=ALL_FACETS, **options)
        assert (query, found["totalCount"], found["edges"], found["suggestion"]) == (query, 0, [], None)
        assert [each["buckets"] for each in found["facets"]] == [[]] * len(ALL_FACETS)
        assert CANARY not in json.dumps(found)


async def test_the_canary_is_found_by_those_who_see_it_and_by_nobody_else(app: App, team: SampleTeam) -> None:
    secret = await hide_canary(app, team)
    for person in (team.owner, team.member):
        assert set(ids_of(await search(app, person, CANARY))) == secret.objects
    for person in (team.admin, team.mate, team.guest, team.outsider):
        await assert_nothing(app, person)
        await assert_nothing(app, person, filter={"projectIds": [secret.project_id]})
        await assert_nothing(app, person, filter={"teamIds": [team.team_id]})
        await assert_nothing(app, person, filter={"assigneeIds": [team.member.id]})


async def test_who_loses_a_right_finds_nothing_from_then_on_and_who_gets_it_at_once(app: App, team: SampleTeam) -> None:
    secret = await hide_canary(app, team)
    await mutate_ok(app, team.owner, "projectSetMembers", id=secret.project_id, removeUserIds=[team.member.id])
    await assert_nothing(app, team.member)
    await mutate_ok(app, team.owner, "projectSetMembers", id=secret.project_id, addUserIds=[team.mate.id, team.guest.id])
    for person in (team.mate, team.guest):
        assert set(ids_of(await search(app, person, CANARY))) == secret.objects
    await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    await assert_nothing(app, team.mate)
    await mutate_ok(app, team.owner, "projectUpdate", id=secret.project_id, visibility="TEAM")
    assert set(ids_of(await search(app, team.member, CANARY))) == secret.objects
    await mutate_ok(app, team.owner, "projectDelete", id=secret.project_id)
    await assert_nothing(app, team.owner)
    await mutate_ok(app, team.owner, "projectRestore", id=secret.project_id)
    assert set(ids_of(await search(app, team.owner, CANARY))) == secret.objects


async def test_what_is_moved_takes_its_comments_and_files_along(app: App, team: SampleTeam) -> None:
    secret = await hide_canary(app, team)
    await mutate_ok(app, team.member, "taskMove", id=secret.task["id"], projectId=team.project_id)
    found = await search(app, team.mate, CANARY)
    assert set(ids_of(found)) < secret.objects
    assert sorted(edge["node"]["__typename"] for edge in found["edges"]) == ["Comment", "Task"]
    assert [each["field"] for each in found["edges"][0]["highlights"]] == ["title", "description", "attachments"]
    await mutate_ok(app, team.member, "taskMove", id=secret.task["id"], projectId=secret.project_id)
    await assert_nothing(app, team.mate)


async def test_what_is_deleted_is_not_found_and_what_is_restored_is(app: App, team: SampleTeam) -> None:
    secret = await hide_canary(app, team)
    await mutate_ok(app, team.member, "taskDelete", id=secret.task["id"])
    left = await search(app, team.member, CANARY, facets=["TYPE"])
    assert left["facets"] == [
        {
            "field": "TYPE",
            "buckets": [
                {"value": "COMMENT", "label": "Comment", "count": 1},
                {"value": "DOCUMENT", "label": "Document", "count": 1},
                {"value": "PROJECT", "label": "Project", "count": 1},
            ],
        }
    ]
    await mutate_ok(app, team.member, "taskRestore", id=secret.task["id"])
    assert set(ids_of(await search(app, team.member, CANARY))) == secret.objects


@pytest.mark.parametrize(
    ("scopes", "types"),
    [
        ((Scope.SEARCH,), set()),
        ((Scope.SEARCH, Scope.TASKS_READ), {"Task", "Comment"}),
        ((Scope.SEARCH, Scope.DOCUMENTS_READ), {"Document"}),
        ((Scope.SEARCH, Scope.PROJECTS_READ), {"Project"}),
        ((Scope.SEARCH, Scope.TASKS_READ, Scope.DOCUMENTS_READ), {"Task", "Document", "Comment"}),
    ],
)
async def test_a_token_finds_what_its_scopes_read(app: App, team: SampleTeam, scopes: tuple[Scope, ...], types: set[str]) -> None:
    await hide_canary(app, team)
    actor = actor_with_scopes(team.owner, *scopes)
    found = await search(app, team.owner, CANARY, actor=actor)
    assert {edge["node"]["__typename"] for edge in found["edges"]} == types
    commented = [edge for edge in found["edges"] if edge["node"]["__typename"] == "Comment"]
    assert len(commented) == (0 if "Comment" not in types else 2 if "Document" in types else 1)


async def test_without_the_scope_nothing_is_searched(app: App, team: SampleTeam) -> None:
    actor = actor_with_scopes(team.owner, Scope.TASKS_READ)
    answer = await app.execute(team.owner, SEARCH, actor=actor, query="x")
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["INSUFFICIENT_SCOPE"]


async def test_words_of_other_teams_are_no_suggestions(app: App, team: SampleTeam) -> None:
    other = await create_sample_team(app)
    await create_task(app, other, "Quetzalcoatlus sighted")
    await create_task(app, team, "Nothing sighted")
    await work_off_all(app.resources.database)
    assert (await search(app, other.member, "quetzalcoatlsu"))["suggestion"] == "quetzalcoatlus"
    found = await search(app, team.member, "quetzalcoatlsu sighted")
    assert (found["suggestion"], found["totalCount"]) == (None, 1)
    assert "quetzalcoatlus" not in json.dumps(found).lower()


async def test_people_who_share_no_team_do_not_find_each_other(app: App, team: SampleTeam) -> None:
    for query in (team.member.user.email_address, team.member.user.first_name, team.team.name):
        assert ids_of(await search(app, team.outsider, query, filter={"types": ["USER", "TEAM"]})) == []
    assert ids_of(await search(app, team.guest, team.member.user.email_address)) == [team.member.id]
