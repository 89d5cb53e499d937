"""The law for derived fields: a normalised cache that is fed with changes alone equals a fresh load, whatever people did in
between.

The cache knows no rule of ours. It stores every object that an answer holds by its id, field by field; what is selected of a
change is its entity and its subject, so whatever the graph derives for them (counts, progress, whether a task is blocked, a name)
is in them.
"""

import asyncio
import json
import random
from typing import Any

import pytest

from gateway.execution.executor import OperationRequest
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_task, mutate, mutate_ok
from tests.support.subscriptions import changes_since, current_cursor, open_subscription
from tests.support.teams import SampleTeam

_FRAGMENTS = """
fragment Card on Task {
  __typename id title status deletedAt isBlocked threadCount
  subtaskProgress { total done overdue }
  comments { totalCount }
  assignee { ...Someone }
  project { ...Bar }
  viewerUnread { changeCount commentCount }
}
fragment Bar on Project { __typename id name progress { total done overdue } }
fragment Someone on User { __typename id displayName avatarUrl }
"""
_LOAD = (
    "query ($id: ID!) { changes(first: 1) { cursor } project(id: $id) { ...Bar tasks(first: 40) { nodes { ...Card } } } }"
    + _FRAGMENTS
)
_FOLLOW = (
    """
query ($after: SyncCursor) {
  changes(after: $after, first: 20) {
    cursor
    nodes { kind type entityId entity { ...Card ...Bar ...Someone } subject { ...Card ...Bar ...Someone } }
  }
}
"""
    + _FRAGMENTS
)


class NormalizedCache:
    """Objects by id, as Apollo, urql and Relay keep them."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}

    def write(self, value: Any) -> Any:
        """Store every object with an id that is in the value; returns the value with references in their place."""
        if isinstance(value, list):
            return [self.write(each) for each in value]
        if not isinstance(value, dict):
            return value
        fields = {name: self.write(each) for name, each in value.items()}
        if "id" not in fields or "__typename" not in fields:
            return fields
        self.objects.setdefault(fields["id"], {}).update(fields)
        return {"__ref": fields["id"]}

    def tasks(self) -> dict[str, Any]:
        """The tasks that are not deleted, each with its project and assignee in place."""
        return {
            id_: self._read(each)
            for id_, each in self.objects.items()
            if each["__typename"] == "Task" and each["deletedAt"] is None
        }

    def _read(self, value: Any) -> Any:
        if isinstance(value, dict) and "__ref" in value:
            return self._read(self.objects[value["__ref"]])
        return {name: self._read(each) for name, each in value.items()} if isinstance(value, dict) else value


def difference(held: dict[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
    """Where a cache is wrong: per task and field what it holds, and what is so."""
    return {
        f"{id_} {name}": (held.get(id_, {}).get(name), fresh.get(id_, {}).get(name))
        for id_ in {*held, *fresh}
        for name in {*held.get(id_, {}), *fresh.get(id_, {})}
        if held.get(id_, {}).get(name) != fresh.get(id_, {}).get(name)
    }


async def load(app: App, person: Person, project_id: str) -> tuple[NormalizedCache, str]:
    """A fresh cache of a project, and the cursor that was asked for in the same operation."""
    cache = NormalizedCache()
    found = await app.run(person, _LOAD, id=project_id)
    tasks = found["project"].pop("tasks")  # which tasks there are follows from the tasks themselves
    cache.write([found["project"], tasks["nodes"]])
    return cache, found["changes"]["cursor"]


async def follow(app: App, person: Person, cache: NormalizedCache, cursor: str) -> str:
    """Feed the cache with what happened since a cursor; returns the next."""
    while True:
        found = (await app.run(person, _FOLLOW, after=cursor))["changes"]
        for change in found["nodes"]:
            cache.write([change["entity"], change["subject"]])
        if found["cursor"] == cursor or not found["nodes"]:
            return str(found["cursor"])
        cursor = found["cursor"]


class Writers:
    """People who change at random what other objects derive their fields from."""

    def __init__(self, app: App, team: SampleTeam, seed: int) -> None:
        self._app = app
        self._team = team
        self._rng = random.Random(seed)
        self.tasks: list[str] = []
        self._links: list[str] = []
        self._comments: list[str] = []

    async def step(self) -> None:
        """One thing that somebody does; some of it is refused."""
        actions = [
            self._create,
            self._set,
            self._set,
            self._set,
            self._link,
            self._unlink,
            self._move,
            self._delete,
            self._restore,
        ]
        await self._rng.choice([*actions, self._comment, self._comment, self._delete_comment, self._rename, self._bulk])()

    def _task(self) -> str:
        return self._rng.choice(self.tasks)

    async def _create(self) -> None:
        parent = {"parentId": self._task()} if self.tasks and self._rng.random() < 0.6 else {}
        payload = await mutate(
            self._app, self._team.mate, "taskCreate", projectId=self._team.project_id, title=f"Card {len(self.tasks)}", **parent
        )
        self.tasks += [payload["task"]["id"]] if payload["task"] else []

    async def _set(self) -> None:
        status = self._rng.choice(["TODO", "IN_PROGRESS", "DONE", "CANCELED"])
        due = self._rng.choice([None, "2020-01-01", "2099-01-01"])
        assignee = self._rng.choice([None, self._team.mate.id])
        await mutate(self._app, self._team.mate, "taskUpdate", id=self._task(), status=status, dueOn=due, assigneeId=assignee)

    async def _bulk(self) -> None:
        ids = self._rng.sample(self.tasks, min(3, len(self.tasks)))
        status = self._rng.choice(["TODO", "DONE"])
        await mutate(self._app, self._team.mate, "tasksUpdate", ids=ids, set={"status": status}, mode="BEST_EFFORT")

    async def _link(self) -> None:
        kind = self._rng.choice(["BLOCKS", "BLOCKED_BY"])
        text = "task { links { nodes { id } } }"
        payload = await mutate(
            self._app, self._team.mate, "taskLink", text, taskId=self._task(), targetId=self._task(), kind=kind
        )
        if payload["task"]:
            self._links += [each["id"] for each in payload["task"]["links"]["nodes"]]

    async def _unlink(self) -> None:
        if self._links:
            await mutate(self._app, self._team.mate, "taskUnlink", id=self._rng.choice(self._links))

    async def _move(self) -> None:
        parent = self._rng.choice([None, self._task()])
        status = self._rng.choice([{}, {"status": "DONE"}, {"status": "TODO"}])
        await mutate(self._app, self._team.mate, "taskMove", id=self._task(), parentId=parent, **status)

    async def _delete(self) -> None:
        if self._rng.random() < 0.5:
            await mutate(self._app, self._team.mate, "taskDelete", id=self._task())

    async def _restore(self) -> None:
        await mutate(self._app, self._team.mate, "taskRestore", id=self._task())

    async def _comment(self) -> None:
        parent = {"parentId": self._rng.choice(self._comments)} if self._comments and self._rng.random() < 0.3 else {}
        payload = await mutate(self._app, self._team.mate, "commentCreate", subjectId=self._task(), body="Words.", **parent)
        self._comments += [payload["comment"]["id"]] if payload["comment"] else []

    async def _delete_comment(self) -> None:
        if self._comments:
            await mutate(self._app, self._team.mate, "commentDelete", id=self._rng.choice(self._comments))

    async def _rename(self) -> None:
        await mutate(self._app, self._team.mate, "userUpdate", firstName=f"Name {self._rng.randrange(100)}")


@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.fuzz) for each in range(1, 4))])
async def test_a_cache_fed_with_changes_alone_equals_a_fresh_load(app: App, team: SampleTeam, seed: int) -> None:
    writers = Writers(app, team, seed)
    for _ in range(4):
        await writers._create()
    cache, cursor = await load(app, team.member, team.project_id)
    for step in range(60):
        await writers.step()
        if step % 10 == 9:
            cursor = await follow(app, team.member, cache, cursor)
            fresh, _ = await load(app, team.member, team.project_id)
            wrong = difference(cache.tasks(), fresh.tasks())
            assert wrong == {}, (f"seed {seed}, step {step}", *wrong.values())
    assert len(writers.tasks) > 4


async def test_a_cursor_in_an_operation_is_taken_before_its_data_wherever_it_stands(app: App, team: SampleTeam) -> None:
    tasks = [await create_task(app, team, "0") for _ in range(5)]
    text = """query ($id: ID!) {
      project(id: $id) { tasks(first: 100) { nodes { id title assignee { id } labels { totalCount } } } }
      ...Where
    }
    fragment Where on Query { now: changes(first: 1) { cursor } }"""
    done = asyncio.Event()

    async def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            await mutate_ok(app, team.mate, "taskUpdate", id=tasks[number % 5]["id"], title=str(number))

    request = OperationRequest(query=text, variables={"id": team.project_id})
    writing = asyncio.get_running_loop().create_task(write())
    snapshots = []
    try:
        for number in range(60):
            executor = app.executor if number % 2 else app.graphql_core
            found = json.loads((await executor.execute(request, app.context(team.member))).to_json())["data"]
            titles = {each["id"]: each["title"] for each in found["project"]["tasks"]["nodes"]}
            snapshots.append((titles, found["now"]["cursor"]))
    finally:
        done.set()
        await writing
    final = {
        each["id"]: each["title"] for each in (await app.run(team.member, text, id=team.project_id))["project"]["tasks"]["nodes"]
    }
    for titles, cursor in snapshots:
        for change in await changes_since(app, team.member, cursor):
            titles[change["entityId"]] = change["entity"]["title"]
        assert titles == final


async def test_closing_a_task_notifies_those_that_wait_for_it_and_their_histories_do_not(app: App, team: SampleTeam) -> None:
    first, second = await create_task(app, team, "First"), await create_task(app, team, "Second")
    await mutate_ok(app, team.member, "taskLink", taskId=first["id"], targetId=second["id"], kind="BLOCKS")
    cursor = await current_cursor(app, team.member)
    await mutate_ok(app, team.member, "taskUpdate", id=first["id"], status="DONE")
    changes = await changes_since(app, team.member, cursor)
    assert [(each["kind"], each["entityId"], [field["field"] for field in each["fields"]]) for each in changes] == [
        ("UPDATED", first["id"], ["status", "completedAt"]),
        ("UPDATED", second["id"], ["isBlocked"]),
    ]
    activity = "query ($id: ID!) { task(id: $id) { version activity { nodes { changes { field } } } } }"
    found = (await app.run(team.member, activity, id=second["id"]))["task"]
    assert found["version"] == 1
    assert [[each["field"] for each in node["changes"]] for node in found["activity"]["nodes"]] == [["links"], []]


async def test_a_deleted_comment_names_its_subject_and_is_no_news(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    cursor = await current_cursor(app, team.member)
    comment = await create_comment(app, team.mate, card)
    await mutate_ok(app, team.mate, "commentDelete", id=comment["id"])
    text = "query ($c: SyncCursor) { changes(after: $c) { nodes { kind entityId entity { id } subject { __typename id } } } }"
    nodes = (await app.run(team.member, text, c=cursor))["changes"]["nodes"]
    assert nodes[-1] == {
        "kind": "DELETED",
        "entityId": comment["id"],
        "entity": None,
        "subject": {"__typename": "Task", "id": card["id"]},
    }
    unread = (
        "query ($id: ID!) { task(id: $id) { comments { totalCount } threadCount viewerUnread { changeCount commentCount } } }"
    )
    assert (await app.run(team.member, unread, id=card["id"]))["task"] == {
        "comments": {"totalCount": 0},
        "threadCount": 0,
        "viewerUnread": None,
    }


async def test_a_new_name_is_reported_to_those_who_share_a_team_and_to_nobody_else(app: App, team: SampleTeam) -> None:
    mine, outside = await current_cursor(app, team.member), await current_cursor(app, team.outsider)
    await mutate_ok(app, team.mate, "userUpdate", firstName="Grace")
    (change,) = await changes_since(app, team.member, mine)
    assert (change["kind"], change["type"], change["entityId"]) == ("UPDATED", "User", team.mate.id)
    assert [each["field"] for each in change["fields"]] == ["firstName"]
    assert await changes_since(app, team.outsider, outside) == []


async def test_a_subscription_that_is_asked_to_sends_its_cursor_at_once(app: App, team: SampleTeam) -> None:
    text = """subscription ($after: SyncCursor) {
      changes(after: $after, withStart: true) { cursor kind type entityId entity { id } fields { field } }
    }"""
    async with open_subscription(app, team.member, text) as subscription:
        start = await subscription.next_change()
        assert (start["kind"], start["type"], start["entityId"], start["fields"]) == ("UPDATED", "User", team.member.id, [])
        assert start["entity"] == {"id": team.member.id}
        card = await create_task(app, team)
        assert (await subscription.next_change())["entityId"] == card["id"]
    assert [each["entityId"] for each in await changes_since(app, team.member, start["cursor"])] == [card["id"]]
    async with open_subscription(app, team.member, text, after=start["cursor"]) as resumed:
        assert [(await resumed.next_change())["entityId"] for _ in range(2)] == [team.member.id, card["id"]]
