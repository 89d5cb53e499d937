"""Histories: what is told of every change, and to whom."""

from typing import Any

from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_label, create_project, create_task, fetch_task, mutate, mutate_ok
from tests.support.teams import SampleTeam

ENTRIES = "nodes { kind actor { id } subject { id } changes { field before after } }"


async def task_history(app: App, person: Person, task_id: str) -> list[tuple[str, str, list[tuple[str, Any, Any]]]]:
    """What a task's history tells somebody, oldest first: kind, actor's id, and (field, before, after)."""
    found = await fetch_task(app, person, task_id, f"activity(first: 40) {{ totalCount {ENTRIES} }}")
    nodes = found["activity"]["nodes"]
    assert found["activity"]["totalCount"] == len(nodes)
    assert {node["subject"]["id"] for node in nodes} <= {task_id}
    return [
        (node["kind"], node["actor"]["id"], [(each["field"], each["before"], each["after"]) for each in node["changes"]])
        for node in reversed(nodes)
    ]


async def test_every_change_of_a_task_is_reported_field_by_field_with_global_ids(app: App, team: SampleTeam) -> None:
    small = await create_label(app, team.member, team.team_id, "small")
    parent, other = await create_task(app, team, "Parent"), await create_task(app, team, "Other")
    one = await create_task(app, team, "One", assigneeId=team.member.id)
    me, mate = team.member.id, team.mate.id
    await mutate_ok(app, team.mate, "taskUpdate", id=one["id"], title="Two", assigneeId=None, dueOn="2026-12-24", estimate=1.5)
    await mutate_ok(app, team.member, "taskUpdate", id=one["id"], addLabelIds=[small], priority="HIGH")
    closed = await mutate_ok(app, team.member, "taskMove", id=one["id"], status="DONE", parentId=parent["id"])
    linked = await mutate_ok(app, team.member, "taskLink", taskId=one["id"], targetId=other["id"], kind="BLOCKS")
    (near,) = (await fetch_task(app, team.member, linked["id"], "links { nodes { id } }"))["links"]["nodes"]
    (far,) = (await fetch_task(app, team.member, other["id"], "links { nodes { id } }"))["links"]["nodes"]
    await mutate_ok(app, team.mate, "taskUnlink", id=far["id"])
    await mutate_ok(app, team.mate, "taskDelete", id=one["id"])
    await mutate_ok(app, team.member, "taskRestore", id=one["id"])
    results = {"id": near["id"], "kind": "BLOCKS", "targetId": other["id"]}
    assert await task_history(app, team.guest, one["id"]) == [
        ("CREATED", me, []),
        (
            "UPDATED",
            mate,
            [("title", "One", "Two"), ("assigneeId", me, None), ("dueOn", None, "2026-12-24"), ("estimate", None, 1.5)],
        ),
        ("UPDATED", me, [("priority", "NONE", "HIGH"), ("labelIds", [], [small])]),
        (
            "MOVED",
            me,
            [("parentId", None, parent["id"]), ("status", "TODO", "DONE"), ("completedAt", None, closed["completedAt"])],
        ),
        ("UPDATED", me, [("links", None, results)]),
        ("UPDATED", mate, [("links", results, None)]),
        ("DELETED", mate, []),
        ("RESTORED", me, []),
    ]
    back = {"id": far["id"], "kind": "BLOCKED_BY", "targetId": one["id"]}
    assert await task_history(app, team.guest, other["id"]) == [
        ("CREATED", me, []),
        ("UPDATED", me, [("links", None, back)]),
        ("UPDATED", mate, [("links", back, None)]),
    ]


async def test_what_is_said_about_a_task_stands_in_its_history(app: App, team: SampleTeam) -> None:
    one = await create_task(app, team)
    said = await create_comment(app, team.guest, one, "First")
    edited = await mutate_ok(app, team.guest, "commentUpdate", id=said["id"], body=f"Second [@M](user:{team.mate.id})")
    resolved = await mutate_ok(app, team.mate, "commentResolve", id=said["id"], resolved=True)
    await mutate_ok(app, team.mate, "commentReact", id=said["id"], emoji="👍", on=True)
    await mutate_ok(app, team.mate, "commentReact", id=said["id"], emoji="👍", on=False)
    await mutate_ok(app, team.admin, "commentDelete", id=said["id"])
    thumb = {"emoji": "👍", "userId": team.mate.id}
    assert (await task_history(app, team.member, one["id"]))[1:] == [
        ("COMMENTED", team.guest.id, []),
        (
            "UPDATED",
            team.guest.id,
            [
                ("body", "First", edited["body"]),
                ("mentionIds", [], [team.mate.id]),
                ("editedAt", None, edited["editedAt"]),
            ],
        ),
        ("UPDATED", team.mate.id, [("resolvedAt", None, resolved["resolvedAt"]), ("resolvedById", None, team.mate.id)]),
        ("REACTED", team.mate.id, [("reactions", None, thumb)]),
        ("REACTED", team.mate.id, [("reactions", thumb, None)]),
        ("DELETED", team.admin.id, []),
    ]


async def test_a_project_lists_what_happened_in_it_to_those_who_see_it(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    one = await create_task(app, team, "Plans", projectId=secret)
    await create_comment(app, team.member, one, "Hush.")
    wanted = "totalCount nodes { kind subject { id } changes { field before after } }"
    activity = f"query ($id: ID!) {{ project(id: $id) {{ activity {{ {wanted} }} }} }}"
    found = (await app.run(team.member, activity, id=secret))["project"]["activity"]
    assert found["totalCount"] == 4
    assert [(each["kind"], each["subject"]["id"]) for each in found["nodes"]] == [
        ("COMMENTED", one["id"]),
        ("CREATED", one["id"]),
        ("MEMBERSHIP", secret),
        ("CREATED", secret),
    ]
    assert found["nodes"][2]["changes"] == [{"field": "members", "before": [], "after": [team.member.id]}]
    assert await app.run(team.mate, activity, id=secret) == {"project": None}

    await mutate_ok(app, team.member, "taskMove", id=one["id"], projectId=team.project_id)
    entered = (await app.run(team.mate, activity, id=team.project_id))["project"]["activity"]["nodes"]
    assert (entered[0]["kind"], entered[0]["subject"]["id"]) == ("MOVED", one["id"])
    assert [kind for kind, _, _ in await task_history(app, team.member, one["id"])] == ["CREATED", "COMMENTED", "MOVED"]
    assert [kind for kind, _, _ in await task_history(app, team.mate, one["id"])] == ["MOVED"]


async def test_an_entry_is_found_by_its_id_by_those_who_may_receive_it(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    one = await create_task(app, team, projectId=secret)
    (entry,) = (await fetch_task(app, team.member, one["id"], "activity { nodes { id kind createdAt } }"))["activity"]["nodes"]
    node = "query ($id: ID!) { node(id: $id) { id ... on Activity { kind createdAt } } }"
    assert await app.run(team.member, node, id=entry["id"]) == {"node": entry}
    for person in (team.mate, team.guest, team.outsider):
        assert await app.run(person, node, id=entry["id"]) == {"node": None}


async def test_a_dry_run_and_a_refusal_leave_no_entry(app: App, team: SampleTeam) -> None:
    one = await create_task(app, team)
    row = {"projectId": team.project_id, "title": "Row", "parentId": one["id"]}
    await mutate(app, team.member, "tasksCreate", tasks=[row], dryRun=True)
    await mutate(app, team.member, "tasksUpdate", ids=[one["id"], ids.encode("Task", team.team.id)], set={"status": "DONE"})
    assert await task_history(app, team.member, one["id"]) == [("CREATED", team.member.id, [])]


NAMED_CHANGES = """
query ($id: ID!) {
  node(id: $id) { ... on Task { activity(first: 50) { nodes { changes { field before after references { id type name } } } } } }
}
"""


def _global_ids(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_global_ids, value.values()))
    if isinstance(value, list):
        return set().union(*map(_global_ids, value))
    return {value} if isinstance(value, str) and ids.parse(value) is not None else set()


async def test_a_change_names_every_object_that_it_refers_to(app: App, team: SampleTeam) -> None:
    labels = [await create_label(app, team.member, team.team_id, name) for name in ("Bug", "Chore")]
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    one, other = await create_task(app, team, "One"), await create_task(app, team, "Other")
    await mutate_ok(app, team.member, "taskUpdate", id=one["id"], assigneeId=team.mate.id, addLabelIds=labels, title="Uno")
    await mutate_ok(app, team.member, "taskUpdate", id=one["id"], assigneeId=None, removeLabelIds=labels[:1])
    await mutate_ok(app, team.member, "taskLink", taskId=one["id"], targetId=other["id"], kind="BLOCKS")
    await mutate_ok(app, team.member, "taskMove", id=one["id"], parentId=other["id"])
    await mutate_ok(app, team.member, "taskMove", id=one["id"], parentId=None, projectId=secret)
    await mutate_ok(app, team.member, "taskMove", id=one["id"], projectId=team.project_id)
    names = {
        team.mate.id: ("User", "Mate Tester"),
        labels[0]: ("Label", "Bug"),
        labels[1]: ("Label", "Chore"),
        other["id"]: ("Task", "Other"),
        secret: ("Project", "Secret"),
        team.project_id: ("Project", "Launch"),
    }
    seen: set[str] = set()
    for person in (team.member, team.mate):
        entries = (await app.run(person, NAMED_CHANGES, id=one["id"]))["node"]["activity"]["nodes"]
        for change in (each for entry in entries for each in entry["changes"]):
            references = change["references"]
            assert {each["id"] for each in references} == _global_ids([change["before"], change["after"]])
            assert len({each["id"] for each in references}) == len(references)
            for each in references:
                seen.add(each["id"])
                type_name, name = names.get(each["id"], ("TaskLink", None))
                hidden = each["id"] == secret and person is team.mate
                assert (each["type"], each["name"]) == (type_name, None if hidden else name)
    assert seen >= names.keys()
