"""Projects through the graph: starting, changing, putting away and bringing back."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, create_project, create_task, fetch_task, mutate, mutate_ok, table_states
from tests.support.teams import SampleTeam

PROJECT_FIELDS = """
  id version name description status visibility startOn endOn lead { id } team { id } viewerCan
  members { totalCount nodes { id } }
"""
SELECTION = f"project {{ {PROJECT_FIELDS} }} cursor"
LEAD_PERMISSIONS = ["READ", "COMMENT", "CREATE", "UPDATE", "DELETE", "SHARE", "MANAGE"]
MEMBER_PERMISSIONS = ["READ", "COMMENT", "CREATE", "UPDATE", "SHARE"]


async def fetch_project(app: App, person: Person, project_id: str, selection: str = PROJECT_FIELDS) -> Any:
    """The project as somebody sees it; None where he doesn't."""
    return (await app.run(person, f"query ($id: ID!) {{ project(id: $id) {{ {selection} }} }}", id=project_id))["project"]


async def create_project_payload(app: App, person: Person, team: SampleTeam, **fields: Any) -> Any:
    """The payload of `projectCreate`."""
    return await mutate(app, person, "projectCreate", SELECTION, **({"teamId": team.team_id, "name": "Apollo"} | fields))


# ── starting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_starts_a_project_and_who_leads_it_are_its_members(app: App, team: SampleTeam) -> None:
    given = {"description": "To the *moon*.", "startOn": "2026-01-01", "endOn": "2026-01-01", "leadId": team.mate.id}
    payload = await create_project_payload(app, team.member, team, name=" Apollo ", **given)
    assert payload["errors"] == []
    assert payload["cursor"] is not None
    assert payload["project"] == {
        "id": payload["project"]["id"],
        "version": 1,
        "name": "Apollo",
        "description": "To the *moon*.",
        "status": "ACTIVE",
        "visibility": "TEAM",
        "startOn": "2026-01-01",
        "endOn": "2026-01-01",
        "lead": {"id": team.mate.id},
        "team": {"id": team.team_id},
        "viewerCan": LEAD_PERMISSIONS,
        "members": {"totalCount": 2, "nodes": [{"id": team.mate.id}, {"id": team.member.id}]},
    }
    assert (await fetch_project(app, team.admin, payload["project"]["id"]))["viewerCan"] == LEAD_PERMISSIONS
    assert await fetch_project(app, team.guest, payload["project"]["id"]) is None


async def test_a_client_may_bring_the_id(app: App, team: SampleTeam) -> None:
    own = uuid7()
    assert (await create_project_payload(app, team.member, team, id=str(own)))["project"]["id"] == ids.encode("Project", own)
    assert codes_and_paths(await create_project_payload(app, team.member, team, id=str(own))) == [("NOT_UNIQUE", ["input", "id"])]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"name": " "}, ("REQUIRED", ["input", "name"])),
        ({"name": "x" * 201}, ("TOO_LONG", ["input", "name"])),
        ({"description": "x" * 65_537}, ("TOO_LONG", ["input", "description"])),
        ({"description": "a\u0000b"}, ("INVALID", ["input", "description"])),
        ({"startOn": "2026-02-02", "endOn": "2026-02-01"}, ("INVALID", ["input", "endOn"])),
        ({"teamId": ids.encode("Project", UUID(int=1))}, ("INVALID", ["input", "teamId"])),
        ({"leadId": ids.encode("User", UUID(int=1))}, ("INVALID", ["input", "leadId"])),
    ],
)
async def test_what_cannot_be_a_project_is_refused(app: App, team: SampleTeam, given: Any, refusal: Any) -> None:
    before = await table_states(app)
    payload = await create_project_payload(app, team.member, team, **given)
    assert (codes_and_paths(payload), payload["project"], payload["cursor"]) == ([refusal], None, None)
    assert await table_states(app) == before


async def test_somebody_outside_the_team_does_not_lead_a_project(app: App, team: SampleTeam) -> None:
    unknown = await create_project_payload(app, team.member, team, leadId=ids.encode("User", UUID(int=1)))
    assert await create_project_payload(app, team.member, team, leadId=team.outsider.id) == unknown
    made = (await create_project_payload(app, team.member, team))["project"]["id"]
    before = await table_states(app)
    refused = await mutate(app, team.member, "projectUpdate", id=made, leadId=team.outsider.id)
    assert codes_and_paths(refused) == [("INVALID", ["input", "leadId"])]
    assert await table_states(app) == before


async def test_guests_start_no_project(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    assert codes_and_paths(await create_project_payload(app, team.guest, team)) == [("FORBIDDEN", None)]
    assert codes_and_paths(await create_project_payload(app, team.outsider, team)) == [("NOT_FOUND", ["input", "teamId"])]
    assert await table_states(app) == before


# ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_given_is_changed_and_null_clears(app: App, team: SampleTeam) -> None:
    made = (await create_project_payload(app, team.member, team, description="D", startOn="2026-01-01", leadId=team.mate.id))[
        "project"
    ]["id"]
    payload = await mutate(
        app, team.admin, "projectUpdate", SELECTION, id=made, name="Gemini", endOn="2026-03-01", expectedVersion=1
    )
    changed = payload["project"]
    assert (changed["name"], changed["description"], changed["endOn"], changed["version"]) == ("Gemini", "D", "2026-03-01", 2)
    cleared = {"description": None, "startOn": None, "endOn": None, "leadId": None}
    payload = await mutate(app, team.admin, "projectUpdate", SELECTION, id=made, **cleared)
    assert [payload["project"][name] for name in ("description", "startOn", "endOn", "lead", "version")] == [None] * 4 + [3]
    same = await mutate(app, team.admin, "projectUpdate", SELECTION, id=made, **cleared)
    assert (same["project"]["version"], same["cursor"]) == (3, None)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"name": None}, ("REQUIRED", ["input", "name"])),
        ({"status": None}, ("INVALID", ["input", "status"])),
        ({"visibility": None}, ("INVALID", ["input", "visibility"])),
        ({"startOn": "2026-02-02", "endOn": "2026-02-01"}, ("INVALID", ["input", "endOn"])),
        ({"name": "Other", "expectedVersion": 7}, ("CONFLICT", ["input", "expectedVersion"])),
    ],
)
async def test_an_edit_that_cannot_be_is_refused(app: App, team: SampleTeam, given: Any, refusal: Any) -> None:
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.owner, "projectUpdate", id=team.project_id, **given)) == [refusal]
    assert await table_states(app) == before


async def test_a_new_lead_becomes_a_member_and_may_manage(app: App, team: SampleTeam) -> None:
    assert (await fetch_project(app, team.mate, team.project_id))["viewerCan"] == MEMBER_PERMISSIONS
    await mutate_ok(app, team.member, "projectUpdate", id=team.project_id, leadId=team.mate.id)
    now = await fetch_project(app, team.mate, team.project_id)
    assert (now["viewerCan"], {"id": team.mate.id} in now["members"]["nodes"]) == (LEAD_PERMISSIONS, True)


async def test_guests_change_nothing_about_a_project(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    assert (await fetch_project(app, team.guest, team.project_id))["viewerCan"] == ["READ", "COMMENT"]
    given = {"id": team.project_id}
    assert codes_and_paths(await mutate(app, team.guest, "projectUpdate", **given, name="Mine")) == [("FORBIDDEN", None)]
    assert codes_and_paths(await mutate(app, team.guest, "projectSetMembers", **given, addUserIds=[team.mate.id])) == [
        ("FORBIDDEN", None)
    ]
    assert codes_and_paths(await mutate(app, team.guest, "projectDelete", **given)) == [("FORBIDDEN", None)]
    assert codes_and_paths(await mutate(app, team.guest, "projectRestore", **given)) == [("FORBIDDEN", None)]
    assert await table_states(app) == before


# ── archiving ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_archived_project_is_read_only_until_it_is_active_again(app: App, team: SampleTeam) -> None:
    written = await create_task(app, team, "Before")
    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, status="ARCHIVED")
    before = await table_states(app)
    given = {"id": team.project_id}
    for somebody in (team.owner, team.member):
        refused = [
            await mutate(app, somebody, "projectUpdate", **given, name="Late"),
            await mutate(app, somebody, "projectUpdate", **given, status="ARCHIVED", description="Late"),
            await mutate(app, somebody, "projectSetMembers", **given, addUserIds=[team.mate.id]),
            await mutate(app, somebody, "taskCreate", projectId=team.project_id, title="Late"),
            await mutate(app, somebody, "taskUpdate", id=written["id"], title="Late"),
            await mutate(app, somebody, "commentCreate", subjectId=written["id"], body="Late"),
        ]
        assert [codes_and_paths(payload) for payload in refused] == [[("FORBIDDEN", None)]] * 6
    assert (await mutate(app, team.owner, "projectUpdate", **given, status="ARCHIVED"))["errors"] == []
    assert await table_states(app) == before
    assert (await fetch_project(app, team.owner, team.project_id))["viewerCan"] == ["READ", "UPDATE", "DELETE", "MANAGE"]
    assert (await fetch_task(app, team.member, written["id"], "viewerCan"))["viewerCan"] == ["READ"]

    payload = await mutate(app, team.member, "projectUpdate", SELECTION, **given, status="ACTIVE", name="Again")
    assert (payload["errors"], payload["project"]["name"]) == ([], "Again")
    assert (await mutate(app, team.member, "taskUpdate", id=written["id"], title="Late"))["errors"] == []


# ── putting away and bringing back ────────────────────────────────────────────────────────────────────────────────────


async def test_a_deleted_project_is_gone_with_its_tasks_and_comes_back_with_them(app: App, team: SampleTeam) -> None:
    written = await create_task(app, team, "Inside")
    assert await mutate_ok(app, team.admin, "projectDelete", id=team.project_id, expectedVersion=1) == team.project_id
    for somebody in (team.owner, team.member, team.guest):
        assert await fetch_project(app, somebody, team.project_id) is None
        assert await fetch_task(app, somebody, written["id"]) is None
        assert (await app.run(somebody, "{ projects { totalCount } tasks { totalCount } }")) == {
            "projects": {"totalCount": 0},
            "tasks": {"totalCount": 0},
        }
    gone = [
        await mutate(app, team.owner, "projectUpdate", id=team.project_id, name="X"),
        await mutate(app, team.owner, "projectDelete", id=team.project_id),
        await mutate(app, team.owner, "taskUpdate", id=written["id"], title="X"),
    ]
    assert [codes_and_paths(payload) for payload in gone] == [[("NOT_FOUND", ["input", "id"])]] * 3

    payload = await mutate(app, team.admin, "projectRestore", SELECTION, id=team.project_id)
    assert (payload["errors"], payload["project"]["version"]) == ([], 3)
    assert (await fetch_task(app, team.guest, written["id"], "version title")) == {"version": 1, "title": "Inside"}
    again = await mutate(app, team.admin, "projectRestore", SELECTION, id=team.project_id)
    assert (again["project"]["version"], again["cursor"]) == (3, None)


async def test_members_delete_only_what_they_lead_or_started(app: App, team: SampleTeam) -> None:
    own = (await create_project_payload(app, team.member, team))["project"]["id"]
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.mate, "projectDelete", id=own)) == [("FORBIDDEN", None)]
    assert codes_and_paths(await mutate(app, team.mate, "projectRestore", id=own)) == [("FORBIDDEN", None)]
    assert codes_and_paths(await mutate(app, team.member, "projectDelete", id=own, expectedVersion=3))[0][0] == "CONFLICT"
    assert await table_states(app) == before
    assert await mutate_ok(app, team.member, "projectDelete", id=own) == own
    assert codes_and_paths(await mutate(app, team.mate, "projectRestore", id=own)) == [("FORBIDDEN", None)]
    assert (await mutate(app, team.member, "projectRestore", id=own))["errors"] == []


# ── progress ──────────────────────────────────────────────────────────────────────────────────────────────────────────

PROGRESS = "progress { total done overdue byStatus { status count } }"


async def test_progress_counts_what_is_there_done_and_overdue(app: App, team: SampleTeam) -> None:
    assert (await fetch_project(app, team.guest, team.project_id, PROGRESS))["progress"] == {
        "total": 0,
        "done": 0,
        "overdue": 0,
        "byStatus": [],
    }
    today = datetime.now(UTC).date()
    yesterday = str(today - timedelta(days=1))
    for status, due in [
        ("DONE", yesterday),
        ("CANCELED", yesterday),
        ("TODO", yesterday),
        ("TODO", str(today)),
        ("BACKLOG", None),
    ]:
        await create_task(app, team, status, status=status, dueOn=due)
    deleted = await create_task(app, team, "Gone", dueOn=yesterday)
    await mutate_ok(app, team.member, "taskDelete", id=deleted["id"])
    elsewhere = await create_project(app, team, "Elsewhere")
    await create_task(app, team, "Other", projectId=elsewhere)
    assert (await fetch_project(app, team.guest, team.project_id, PROGRESS))["progress"] == {
        "total": 5,
        "done": 1,
        "overdue": 1,
        "byStatus": [
            {"status": "BACKLOG", "count": 1},
            {"status": "TODO", "count": 2},
            {"status": "DONE", "count": 1},
            {"status": "CANCELED", "count": 1},
        ],
    }


async def test_the_progress_of_many_projects_is_one_statement(app: App, team: SampleTeam) -> None:
    for number in range(6):
        await create_project(app, team, f"Project {number}")
    _, statements = await app.count_statements(team.owner, f"{{ projects {{ nodes {{ id {PROGRESS} }} }} }}")
    assert statements == 2
