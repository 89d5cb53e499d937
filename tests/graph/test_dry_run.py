"""A dry run answers what the real call would, and writes nothing: for every bulk mutation, over random good and bad rows."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import get_named_type, is_list_type, is_non_null_type

from resolvers import ids
from schema.root import schema
from tests.support.app import App, Person
from tests.support.graph_actions import create_label, create_project, create_task, mutate, mutation_text
from tests.support.teams import SampleTeam, create_sample_team

_NO_BULK = {
    "apiTokenCreate": "scopes of one token",
    "commentCreate": "files of one comment",
    "documentApplyUpdate": "edits of one document, which merge and are never refused alone",
    "notificationPreferencesUpdate": "settings of one person",
    "notificationsMark": "the viewer's own marks, which are no one else's business and are undone by marking",
    "oauthClientCreate": "attributes of one client",
    "taskCreate": "attributes of one task",
    "taskUpdate": "attributes of one task",
    "webhookCreate": "attributes of one webhook",
    "webhookUpdate": "attributes of one webhook",
}


def inputs_of_mutations() -> dict[str, Any]:
    """The input type of each mutation."""
    fields = schema._schema.mutation_type.fields  # type: ignore[union-attr]
    return {name: get_named_type(field.args["input"].type) for name, field in fields.items()}


def takes_a_list(input_: Any) -> bool:
    """Whether any of the input's fields is a list."""
    types = (field.type.of_type if is_non_null_type(field.type) else field.type for field in input_.fields.values())
    return any(map(is_list_type, types))


def test_every_call_that_changes_many_objects_has_a_dry_run() -> None:
    inputs = inputs_of_mutations()
    with_dry_run = {name for name, input_ in inputs.items() if "dryRun" in input_.fields}
    assert with_dry_run == {*CALLS, "importStart"}  # whose dry run is a job: tests/workers/test_import.py
    assert {name for name, input_ in inputs.items() if takes_a_list(input_)} - with_dry_run == set(_NO_BULK)


@dataclass
class Scene:
    """A team with tasks, labels and projects to choose from, and the random numbers that choose."""

    app: App
    team: SampleTeam
    tasks: list[str]
    labels: list[str]
    projects: list[str]
    numbers: random.Random

    @property
    def people(self) -> list[Person]:
        """Members, and somebody who is none."""
        return [self.team.owner, self.team.member, self.team.mate, self.team.guest, self.team.outsider]


@pytest.fixture(scope="module")
async def scene(app: App) -> Scene:
    """One team for all random calls: each leaves more in it."""
    team, other = await create_sample_team(app), await create_sample_team(app)
    labels = [await create_label(app, team.owner, team.team_id, name) for name in ("One", "Two")]
    secret = await create_project(app, team, "Secret", private_to=[team.mate])
    tasks = [(await create_task(app, team, f"Task {number}"))["id"] for number in range(5)]
    tasks.append((await create_task(app, team, by=team.owner, projectId=secret))["id"])
    tasks.append((await create_task(app, team, parentId=tasks[0]))["id"])
    tasks += [(await create_task(app, other))["id"], ids.encode("Task", uuid4())]
    projects = [team.project_id, await create_project(app, team, "Second"), secret, other.project_id]
    return Scene(
        app, team, tasks, [*labels, await create_label(app, other.owner, other.team_id, "Away")], projects, random.Random()
    )


def _row(scene: Scene, earlier: list[str]) -> dict[str, Any]:
    numbers = scene.numbers
    row: dict[str, Any] = {
        "projectId": numbers.choice([*scene.projects[:1] * 5, *scene.projects]),
        "title": numbers.choice("abc "),
    }
    if numbers.random() < 0.5:
        row["id"] = str(numbers.choice([uuid4(), uuid4(), uuid4(), ids.parse(scene.tasks[0])[1]]))  # type: ignore[index]
    if numbers.random() < 0.3:
        row["parentId"] = numbers.choice([*scene.tasks, *earlier])
    if numbers.random() < 0.3:
        row["assigneeId"] = numbers.choice(scene.people).id
    if numbers.random() < 0.3:
        row["labelIds"] = [numbers.choice(scene.labels)]
    if numbers.random() < 0.3:
        row |= {"startOn": "2026-01-10", "dueOn": numbers.choice(["2026-01-05", "2026-01-20"])}
    return row


def _creations(scene: Scene) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for _ in range(scene.numbers.randint(1, 6)):
        rows.append(_row(scene, [ids.encode("Task", UUID(each["id"])) for each in rows if "id" in each]))
    return {"tasks": rows, "mode": scene.numbers.choice(["ALL_OR_NOTHING", "BEST_EFFORT"])}


def _updates(scene: Scene) -> dict[str, Any]:
    numbers = scene.numbers
    patch: dict[str, Any] = {
        "status": numbers.choice(["DONE", "TODO", None]),
        "assigneeId": numbers.choice([None, *(each.id for each in scene.people)]),
        "dueOn": numbers.choice(["2026-01-05", None]),
        "projectId": numbers.choice(scene.projects),
        "addLabelIds": [numbers.choice(scene.labels)],
        "removeLabelIds": [numbers.choice(scene.labels)],
    }
    chosen = numbers.sample(sorted(patch), numbers.randint(1, 3))
    reachable = numbers.choice([scene.tasks, scene.tasks[:5]])
    return {
        "ids": numbers.choices(reachable, k=numbers.randint(1, 5)),
        "set": {name: patch[name] for name in chosen},
        "mode": numbers.choice(["ALL_OR_NOTHING", "BEST_EFFORT"]),
    }


def _members(scene: Scene) -> dict[str, Any]:
    numbers = scene.numbers
    add, remove = (numbers.sample(scene.people[:4], numbers.randint(0, 2)) for _ in range(2))
    added = [each.id for each in [*add, *numbers.choice([[], [], [scene.people[4]]])]]
    return {"id": numbers.choice(scene.projects), "addUserIds": added, "removeUserIds": [each.id for each in remove]}


CALLS: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "projectSetMembers": _members,
    "tasksCreate": _creations,
    "tasksUpdate": _updates,
}


async def dump(app: App) -> dict[str, str]:
    """A digest of all rows of every table."""
    tables = await app.sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    query = " UNION ALL ".join(
        f"SELECT '{table}', count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t"
        for (table,) in tables
    )
    return {row[0]: row[1] for row in await app.sql.fetch(query)}


def comparable(payload: Any, given: dict[str, Any]) -> Any:
    """A payload without what is new at each call: the ids that the server makes, and instants."""
    brought = {ids.encode("Task", UUID(row["id"])) for row in given.get("tasks", ()) if "id" in row}

    def plain(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: plain(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        if name in ("completedAt", "deletedAt"):
            return value is not None
        return "new" if name == "id" and given.get("tasks") and value not in brought and value in made else value

    made = {each["id"] for each in payload.get("results") or () if each["task"] is not None}
    return plain(payload)


async def compare(scene: Scene, mutation: str, seed: object) -> list[str]:
    """One random call, dry and real; the codes of the errors that came."""
    scene.numbers = random.Random(f"{mutation} {seed}")
    given = CALLS[mutation](scene)
    person = scene.numbers.choice([scene.team.owner, scene.team.member, scene.team.mate, scene.team.guest])
    before = await dump(scene.app)
    text = mutation_text(mutation)
    dry = (await scene.app.run(person, text, input=given | {"dryRun": True, "clientMutationId": f"{mutation} {seed}"}))[mutation]
    assert await dump(scene.app) == before
    real = (await scene.app.run(person, text, input=given | {"clientMutationId": f"{mutation} {seed}"}))[mutation]
    assert comparable(dry, given) == comparable(real, given), (mutation, given, person.user.first_name)
    found = json.dumps(real)
    return [code for code in ("FORBIDDEN", "NOT_FOUND", "INVALID", "NOT_UNIQUE", "REQUIRED") if f'"{code}"' in found]


@pytest.mark.parametrize("mutation", sorted(CALLS))
async def test_the_real_call_answers_as_its_dry_run(scene: Scene, mutation: str) -> None:
    codes: set[str] = set()
    for seed in range(12):
        codes.update(await compare(scene, mutation, seed))
    assert codes >= {"FORBIDDEN", "NOT_FOUND"}


@pytest.mark.fuzz
@pytest.mark.parametrize("mutation", sorted(CALLS))
@pytest.mark.parametrize("seed", range(20))
async def test_any_real_call_answers_as_its_dry_run(scene: Scene, mutation: str, seed: int) -> None:
    for number in range(25):
        await compare(scene, mutation, (seed, number))


async def test_keys_are_not_used_up(app: App, team: SampleTeam) -> None:
    row = {"projectId": team.project_id, "title": "A"}
    made = await create_task(app, team)
    for _ in range(3):
        payload = await mutate(app, team.member, "tasksCreate", tasks=[row, row], dryRun=True)
        assert [each["task"]["key"] for each in payload["results"]] == [f"{team.team.key}-2", f"{team.team.key}-3"]
    assert (made["key"], (await create_task(app, team))["key"]) == (f"{team.team.key}-1", f"{team.team.key}-2")
