"""Templates: what is begun with one is what it was made of, with ids of its own and days that moved along."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain import codec
from domain import template as templates
from domain.actor import ALL_SCOPES, Actor, Scope
from domain.project import Project
from domain.task import Task, TaskPriority, TaskStatus
from domain.template.content import Place, TemplateContent, capture, day_of, parents_first, tasks_of
from domain.template.entity import MAX_TEAM_TEMPLATES, MAX_TEMPLATE_TASKS
from persistence.search.index_writes import MAX_PUT_ENTRIES
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.examples import examples
from tests.support.graph_actions import (
    codes_and_paths,
    create_label,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.teams import SampleTeam, create_sample_team, uuid_of

BEGUN = "project { id name description startOn endOn } task { id }"
TREE = """
query ($id: ID!) { project(id: $id) { tasks(first: 20) { nodes {
  title description status priority estimate startOn dueOn recurrence
  assignee { id } parent { title } labels(first: 5) { nodes { name } } links(first: 5) { nodes { kind target { title } } }
} } } }
"""
TEMPLATES = "query ($id: ID!) { team(id: $id) { templates { nodes { id name kind taskCount createdBy { id } } } } }"


async def make(app: App, team: SampleTeam, subject_id: str, name: str = "Launch") -> Any:
    return await mutate_ok(app, team.member, "templateCreate", subjectId=subject_id, name=name)


async def use(app: App, team: SampleTeam, template: Any, **fields: Any) -> Any:
    payload = await mutate(app, team.member, "templateUse", BEGUN, templateId=template["id"], **fields)
    assert payload["errors"] == []
    return payload


async def tree(app: App, team: SampleTeam, project_id: str) -> list[Any]:
    found = await app.run(team.member, TREE, id=project_id)
    tasks: list[Any] = found["project"]["tasks"]["nodes"]
    return tasks


def moved(tasks: list[Any], days: int) -> list[Any]:
    """What is expected of a tree of open tasks, so many days later."""

    def day(value: str | None) -> str | None:
        return None if value is None else (date.fromisoformat(value) + timedelta(days=days)).isoformat()

    return [{**each, "startOn": day(each["startOn"]), "dueOn": day(each["dueOn"])} for each in tasks]


async def sample_project(app: App, team: SampleTeam) -> str:
    """A project with everything that a template holds. Its first day is 1 June 2026."""
    made = await mutate_ok(
        app,
        team.member,
        "projectCreate",
        teamId=team.team_id,
        name="Release",
        description="Steps",
        startOn="2026-06-01",
        endOn="2026-06-30",
    )
    project_id: str = made["id"]
    labels = [await create_label(app, team.member, team.team_id, name) for name in ("Écrit", "ops")]
    given: dict[str, Any] = {"projectId": project_id}
    plan = await create_task(
        app, team, "Plan", **given, dueOn="2026-06-05", labelIds=labels, assigneeId=team.mate.id, priority="HIGH"
    )
    part = await create_task(
        app, team, "Part", **given, parentId=plan["id"], startOn="2026-05-30", dueOn="2026-06-02", estimate=1.5
    )
    await create_task(app, team, "Part of it", **given, parentId=part["id"], status="BACKLOG", description="- [ ] one\n- [ ] two")
    ship = await create_task(app, team, "Ship", **given, dueOn="2026-06-30", recurrence="FREQ=MONTHLY;COUNT=3")
    await mutate(app, team.member, "taskLink", taskId=plan["id"], targetId=ship["id"], kind="BLOCKS")
    await mutate(app, team.member, "taskLink", taskId=ship["id"], targetId=part["id"], kind="RELATES_TO")
    await mutate_ok(app, team.member, "taskMove", id=ship["id"], afterId=None)
    gone = await create_task(app, team, "Gone", **given, parentId=plan["id"])
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])
    return project_id


async def test_a_project_of_a_template_is_the_one_it_was_made_of(app: App, team: SampleTeam) -> None:
    source = await sample_project(app, team)
    before = await tree(app, team, source)
    assert [each["title"] for each in before] == ["Ship", "Plan", "Part", "Part of it"]
    template = await make(app, team, source)
    await mutate_ok(app, team.owner, "projectDelete", id=source)  # what becomes of the source does not matter

    begun = await use(app, team, template, name="Next release", startOn="2026-07-01")

    assert {**begun["project"], "id": None} == {
        "id": None,
        "name": "Next release",
        "description": "Steps",
        "startOn": "2026-07-01",
        "endOn": "2026-07-30",
    }
    assert await tree(app, team, begun["project"]["id"]) == moved(before, 30)
    shown = await app.run(
        team.member,
        "query ($id: ID!) { project(id: $id) { progress { total } members { nodes { id } } } }",
        id=begun["project"]["id"],
    )
    assert shown["project"] == {"progress": {"total": 4}, "members": {"nodes": [{"id": team.member.id}]}}
    events = await app.sql.fetch("SELECT type, actor_user_id FROM events WHERE project_id = $1", uuid_of(begun["project"]["id"]))
    assert sorted(row["type"] for row in events) == ["ProjectCreated", *["TaskCreated"] * 4, *["TaskLinked"] * 4]
    assert {row["actor_user_id"] for row in events} == {team.member.user.id}


async def test_a_task_of_a_template_comes_with_what_is_below_it(app: App, team: SampleTeam) -> None:
    source = await sample_project(app, team)
    plan = next(
        each
        for each in (await app.run(team.member, TREE.replace("title description", "id title"), id=source))["project"]["tasks"][
            "nodes"
        ]
        if each["title"] == "Plan"
    )
    template = await make(app, team, plan["id"], "Planning")
    await create_task(app, team, "First")
    begun = await use(app, team, template, projectId=team.project_id, name="Plan B", startOn="2027-01-03")
    assert begun["project"]["id"] == team.project_id
    made = await tree(app, team, team.project_id)
    assert [(each["title"], each["parent"], each["dueOn"], each["links"]["nodes"]) for each in made] == [
        ("First", None, None, []),
        ("Plan B", None, "2027-01-09", []),
        ("Part", {"title": "Plan B"}, "2027-01-06", []),
        ("Part of it", {"title": "Part"}, None, []),
    ]
    assert made[1]["assignee"] == {"id": team.mate.id}


async def test_work_begins_anew_and_labels_are_found_by_their_names(app: App, team: SampleTeam) -> None:
    kept, gone = [await create_label(app, team.member, team.team_id, name) for name in ("Straße", "gone")]
    for status in ("DONE", "IN_PROGRESS", "BACKLOG"):
        await create_task(app, team, status, status=status, labelIds=[kept, gone], externalRef="X-1")
    template = await make(app, team, team.project_id)
    await mutate_ok(app, team.owner, "labelDelete", id=gone)
    begun = await use(app, team, template)
    made = await tree(app, team, begun["project"]["id"])
    assert [(each["title"], each["status"]) for each in made] == [
        ("DONE", "TODO"),
        ("IN_PROGRESS", "TODO"),
        ("BACKLOG", "BACKLOG"),
    ]
    assert [each["name"] for each in made[0]["labels"]["nodes"]] == ["gone", "Straße"]
    assert await app.sql.fetchval("SELECT count(*) FROM labels WHERE team_id = $1", team.team.id) == 2


async def test_who_does_not_see_the_new_project_is_not_assigned(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "Task", assigneeId=team.guest.id)
    template = await make(app, team, team.project_id)
    begun = await use(app, team, template)
    assert [each["assignee"] for each in await tree(app, team, begun["project"]["id"])] == [None]


async def test_a_retry_makes_nothing_again_and_two_at_once_are_two(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "Task")
    template = await make(app, team, team.project_id)
    first = await use(app, team, template, clientMutationId="once")
    again = await use(app, team, template, clientMutationId="once")
    assert again["project"]["id"] == first["project"]["id"]
    others = await asyncio.gather(*(use(app, team, template, projectId=team.project_id) for _ in range(5)))
    assert len({each["task"]["id"] for each in others}) == 5
    numbers = await app.sql.fetch("SELECT number, rank FROM tasks WHERE team_id = $1", team.team.id)
    assert len({row["number"] for row in numbers}) == len(numbers) == 7


async def test_without_a_first_day_a_template_begins_today_where_one_lives(app: App, team: SampleTeam) -> None:
    await app.sql.execute("UPDATE users SET time_zone = 'Pacific/Kiritimati' WHERE id = $1", team.member.user.id)
    await create_task(app, team, "Task", startOn="2026-06-01", dueOn="2026-06-03")
    template = await make(app, team, team.project_id)
    begun = await use(app, team, template)
    today = (datetime.now(UTC) + timedelta(hours=14)).date()
    (task,) = await tree(app, team, begun["project"]["id"])
    assert date.fromisoformat(task["startOn"]) in (today, today - timedelta(days=1))  # midnight may have struck
    assert date.fromisoformat(task["dueOn"]) - date.fromisoformat(task["startOn"]) == timedelta(days=2)


async def test_members_see_templates_and_guests_and_strangers_do_not(app: App, team: SampleTeam) -> None:
    template = await make(app, team, team.project_id)
    shown = {"id": template["id"], "name": "Launch", "kind": "PROJECT", "taskCount": 0, "createdBy": {"id": team.member.id}}
    found = await app.run(team.mate, TEMPLATES, id=team.team_id)
    assert found == {"team": {"templates": {"nodes": [shown]}}}
    assert await app.run(team.guest, TEMPLATES, id=team.team_id) == {"team": {"templates": {"nodes": []}}}
    assert await app.run(team.outsider, TEMPLATES, id=team.team_id) == {"team": None}
    before = await table_states(app)
    for person in (team.guest, team.outsider):
        used = await mutate(app, person, "templateUse", BEGUN, templateId=template["id"], projectId=team.project_id)
        deleted = await mutate(app, person, "templateDelete", id=template["id"])
        assert (codes_and_paths(used), codes_and_paths(deleted)) == (
            [("NOT_FOUND", ["input", "templateId"])],
            [("NOT_FOUND", ["input", "id"])],
        )
    assert codes_and_paths(await mutate(app, team.guest, "templateCreate", subjectId=team.project_id, name="Mine")) == [
        ("FORBIDDEN", None)
    ]
    assert codes_and_paths(await mutate(app, team.outsider, "templateCreate", subjectId=team.project_id, name="Mine")) == [
        ("NOT_FOUND", ["input", "subjectId"])
    ]
    assert codes_and_paths(await mutate(app, team.mate, "templateDelete", id=template["id"])) == [("FORBIDDEN", None)]
    assert await table_states(app) == before
    for person, made in ((team.member, template), (team.admin, await make(app, team, team.project_id))):
        assert (await mutate(app, person, "templateDelete", id=made["id"]))["errors"] == []
    assert await app.run(team.mate, TEMPLATES, id=team.team_id) == {"team": {"templates": {"nodes": []}}}


async def test_what_is_private_is_no_template(app: App, team: SampleTeam) -> None:
    private = await create_project(app, team, "Private", private_to=[team.member])
    task = await create_task(app, team, "Secret", by=team.owner, projectId=private)
    before = await table_states(app)
    for subject in (private, task["id"]):
        refused = await mutate(app, team.member, "templateCreate", subjectId=subject, name="Mine")
        assert codes_and_paths(refused) == [("INVALID", ["input", "subjectId"])]
        hidden = await mutate(app, team.mate, "templateCreate", subjectId=subject, name="Mine")
        assert codes_and_paths(hidden) == [("NOT_FOUND", ["input", "subjectId"])]
    assert await table_states(app) == before


async def test_what_cannot_be_begun_is_refused_and_nothing_changes(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Task", startOn="2026-06-01", dueOn="2026-06-03")
    of_task, of_project = await make(app, team, task["id"]), await make(app, team, team.project_id)
    other = await create_sample_team(app)
    archived = await create_project(app, team, "Archived")
    await mutate_ok(app, team.owner, "projectUpdate", id=archived, status="ARCHIVED")
    before = await table_states(app)
    cases: list[tuple[Any, dict[str, Any], tuple[str, list[str] | None]]] = [
        (of_task, {}, ("REQUIRED", ["input", "projectId"])),
        (of_task, {"projectId": other.project_id}, ("NOT_FOUND", ["input", "projectId"])),
        (of_task, {"projectId": archived}, ("FORBIDDEN", None)),
        (of_task, {"projectId": team.project_id, "name": " "}, ("REQUIRED", ["input", "name"])),
        (of_project, {"startOn": "9999-12-30"}, ("INVALID", ["input", "startOn"])),
    ]
    for template, fields, refusal in cases:
        payload = await mutate(app, team.member, "templateUse", BEGUN, templateId=template["id"], **fields)
        assert codes_and_paths(payload) == [refusal]
    actor = Actor(user_id=team.member.user.id, scopes=ALL_SCOPES - {Scope.PROJECTS_WRITE})
    operation = "mutation ($input: TemplateUseInput!) { templateUse(input: $input) { errors { code } } }"
    answer = await app.execute(team.member, operation, actor=actor, input={"templateId": of_project["id"]})
    assert "INSUFFICIENT_SCOPE" in str(answer)
    assert await table_states(app) == before


async def test_a_team_has_so_many_templates(app: App, team: SampleTeam) -> None:
    template = await make(app, team, team.project_id)
    await app.sql.execute(
        "INSERT INTO templates SELECT gen_random_uuid(), version, created_at, updated_at, team_id, name, kind, task_count,"
        " creator_user_id, content FROM templates, generate_series(2, $2) WHERE id = $1",
        uuid_of(template["id"]),
        MAX_TEAM_TEMPLATES,
    )
    refused = await mutate(app, team.member, "templateCreate", subjectId=team.project_id, name="More")
    assert codes_and_paths(refused) == [("LIMIT_EXCEEDED", None)]


INSERT_TASKS = (
    "INSERT INTO tasks (id, version, created_at, updated_at, team_id, project_id, number, key, title, title_collation, status,"
    " priority, due_on, rank) SELECT gen_random_uuid(), 1, now(), now(), $1, $2, n, left(md5(random()::text), 8) || n, 'T' || n, '', 'TODO', 'NONE',"
    " '2026-06-01'::date + n % 100, lpad(n::text, 6, '0') FROM generate_series(1, $3) AS n"
)


async def test_many_tasks_are_begun_at_once_in_their_order_and_too_many_are_no_template(app: App, team: SampleTeam) -> None:
    await app.sql.execute(INSERT_TASKS, team.team.id, team.project.id, MAX_PUT_ENTRIES + 1)
    await app.sql.execute("UPDATE teams SET last_task_number = $2 WHERE id = $1", team.team.id, MAX_TEMPLATE_TASKS + 1)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        template = await templates.create(uow, team.member.actor, team.project.id, "Many")
        begun = await templates.use(uow, team.member.actor, template.id, project_id=None, name=None, start_on=None)
    made = await app.sql.fetch("SELECT title FROM tasks WHERE project_id = $1 ORDER BY rank", begun.project.id)
    assert [row["title"] for row in made] == [f"T{number}" for number in range(1, MAX_PUT_ENTRIES + 2)]
    waiting = await app.sql.fetchval(
        "SELECT count(*) FROM search_queue JOIN tasks USING (id) WHERE project_id = $1 AND NOT is_indexed", begun.project.id
    )
    assert waiting == MAX_PUT_ENTRIES + 1
    await app.sql.execute(INSERT_TASKS.replace("(1, $3)", "(1002, $3)"), team.team.id, team.project.id, MAX_TEMPLATE_TASKS + 1)
    refused = await mutate(app, team.member, "templateCreate", subjectId=team.project_id, name="More")
    assert codes_and_paths(refused) == [("LIMIT_EXCEEDED", ["input", "subjectId"])]


# ── the law, without a database ───────────────────────────────────────────────────────────────────────────────────────

NOW = datetime(2026, 6, 1, tzinfo=UTC)
IDS = st.uuids(version=4)
DAYS = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))


@st.composite
def trees(draw: st.DrawFn) -> list[Task]:
    """Tasks of one project in their order, some below others."""
    ids = draw(st.lists(IDS, unique=True, max_size=12))
    tasks = []
    for index, id_ in enumerate(ids):
        start, due = sorted(draw(st.tuples(DAYS, DAYS)), key=lambda day: day or date.max)
        tasks.append(
            Task(
                id=id_,
                created_at=NOW,
                updated_at=NOW,
                team_id=id_,
                project_id=id_,
                parent_id=draw(st.sampled_from([None, *ids[:index]])),
                number=index,
                key=f"T-{index}",
                title=draw(st.text(min_size=1, max_size=20)),
                description=draw(st.none() | st.text(max_size=20)),
                status=draw(st.sampled_from(TaskStatus)),
                priority=draw(st.sampled_from(TaskPriority)),
                start_on=start,
                due_on=due,
                estimate=draw(st.none() | st.floats(0, 100)),
                rank=f"a{index:03}",
            )
        )
    return tasks


@examples(20, many=400, database=None)
@given(trees(), st.randoms(use_true_random=False), DAYS, st.integers(-500, 500), st.data())
def test_what_a_content_makes_has_the_same_content(
    tasks: list[Task], random: Any, start: date | None, shift: int, data: Any
) -> None:
    random.shuffle(tasks)  # in the order of ranks, a task may stand before the one above it
    subject = Project(id=data.draw(IDS), created_at=NOW, updated_at=NOW, team_id=data.draw(IDS), name="P", start_on=start)
    content = capture(subject, tasks, [], [])
    assert codec.decode(TemplateContent, codec.encode(content)) == content
    days = [day for each in tasks for day in (each.start_on, each.due_on) if day is not None]
    first = start or min(days, default=NOW.date())
    place = Place(
        team_id=subject.team_id,
        team_key="T",
        project_id=subject.id,
        creator_id=subject.id,
        last_rank=None,
        first_number=7,
        label_ids=(),
        reader_ids=frozenset(),
        start_on=first + timedelta(days=shift),
        now=NOW,
    )
    ids = [data.draw(IDS) for _ in tasks]
    made = tasks_of(content, place, ids)
    assert [each.rank for each in made] == sorted({each.rank for each in made})
    old: dict[Any, Any] = {None: None, **{task.id: id_ for task, id_ in zip(tasks, ids, strict=True)}}
    for task, copy in zip(tasks, made, strict=True):
        assert (copy.title, copy.description, copy.priority, copy.estimate) == (
            task.title,
            task.description,
            task.priority,
            task.estimate,
        )
        assert copy.parent_id == old[task.parent_id]
        for was, is_now in ((task.start_on, copy.start_on), (task.due_on, copy.due_on)):
            assert is_now == (None if was is None else was + timedelta(days=shift))
    done: set[Any] = {None}
    for each in parents_first(made):
        assert each.parent_id in done
        done.add(each.id)
    subject_again = Project(
        id=subject.id,
        created_at=NOW,
        updated_at=NOW,
        team_id=subject.team_id,
        name="P",
        start_on=day_of(place.start_on, content.start_day),
    )
    assert capture(subject_again, made, [], []) == content
