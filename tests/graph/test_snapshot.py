"""Snapshots: each line is what the graph answers, whose they are, and how they join what changes afterwards."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from domain.actor import Scope
from gateway.sync_snapshot import DOWNLOAD_COST
from tests.support.app import App, Person
from tests.support.graph_actions import (
    create_comment,
    create_document,
    create_label,
    create_project,
    create_task,
    mutate_ok,
    table_states,
)
from tests.support.snapshots import SNAPSHOT_QUERY, download, read_snapshot, snapshot_endpoint, snapshot_of
from tests.support.subscriptions import changes_since
from tests.support.teams import SampleTeam, actor_with_scopes, with_session
from tests.support.uploads import upload_file

ALL = ("USER", "TEAM", "PROJECT", "TASK", "DOCUMENT", "COMMENT")
_ENTITY = "id version createdAt updatedAt"
FIELDS = {
    "Team": f"{_ENTITY} name key description owner {{ id }}",
    "User": f"{_ENTITY} firstName lastName displayName status isBot",
    "Project": f"{_ENTITY} name description status visibility startOn endOn team {{ id }} lead {{ id }} viewerCan",
    "Label": f"{_ENTITY} name color team {{ id }}",
    "Task": f"{_ENTITY} key title description status priority startOn dueOn completedAt estimate rank externalRef "
    "project { id } parent { id } assignee { id } creator { id } labels { nodes { id } } isBlocked",
    "Document": f"{_ENTITY} title type rank preview project {{ id }} owner {{ id }} parent {{ id }}",
    "Comment": f"{_ENTITY} body editedAt resolvedAt subject {{ __typename id }} author {{ id }} parent {{ id }} "
    "resolvedBy { id } mentions { id } reactions { emoji count viewerReacted } "
    "attachments { nodes { id fileName contentType byteSize } }",
}
NODES = "query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on {name} {{ {fields} }} }} }}"  # `status` has three types


@pytest.fixture
async def people(app: App, team: SampleTeam) -> SampleTeam:
    """The team's people, signed in."""
    return replace(
        team,
        owner=await with_session(app, team.owner),
        member=await with_session(app, team.member),
        guest=await with_session(app, team.guest),
        outsider=await with_session(app, team.outsider),
    )


def _ids(objects: list[Any], type_name: str) -> set[str]:
    return {each["id"] for each in objects if each["__typename"] == type_name}


def _sorted_labels(each: Any) -> Any:
    if each["__typename"] != "Task":
        return each
    return {**each, "labels": {"nodes": sorted(each["labels"]["nodes"], key=lambda label: str(label["id"]))}}


async def test_every_line_is_what_the_graph_answers(app: App, people: SampleTeam) -> None:
    labels = [await create_label(app, people.owner, people.team_id, name) for name in ("zebra", "ant")]
    whole = await create_task(
        app,
        people,
        '"Quoted" \\ and 🐝',
        description="First\u2028\n\nsecond\ttab",
        priority="HIGH",
        assigneeId=people.mate.id,
        startOn="0001-01-01",
        dueOn="0099-12-31",
        estimate=2.5,
        labelIds=labels,
        externalRef="JIRA-1",
    )
    below = await create_task(app, people, "Below", parentId=whole["id"])
    await mutate_ok(app, people.member, "taskLink", taskId=below["id"], targetId=whole["id"], kind="BLOCKS")
    waiting = await create_task(app, people, "Waits for what is done")
    await mutate_ok(app, people.member, "taskLink", taskId=waiting["id"], targetId=below["id"], kind="BLOCKED_BY")
    await mutate_ok(app, people.member, "taskUpdate", id=below["id"], status="DONE")
    document = await create_document(app, people, "Page")
    await create_document(app, people, "Below", parentId=document["id"])
    said = await create_comment(app, people.member, whole, f"Hello @[Mate]({people.mate.id})")
    await create_comment(app, people.owner, whole, "Indeed", parentId=said["id"])
    await mutate_ok(app, people.member, "commentUpdate", id=said["id"], body="Hello again")
    await mutate_ok(app, people.member, "commentResolve", id=said["id"], resolved=True)
    await create_comment(app, people.member, document, "On a page")
    for person, emoji in ((people.owner, "🎉"), (people.member, "👍"), (people.owner, "👍")):
        await mutate_ok(app, person, "commentReact", id=said["id"], emoji=emoji, on=True)
    for name in ("first.txt", "second.txt"):
        await upload_file(app, people.member, subjectId=said["id"], fileName=name)

    objects = await read_snapshot(app, people.member, *ALL)
    counts = {name: len(_ids(objects, name)) for name in FIELDS}
    assert counts == {"Team": 1, "Label": 2, "User": 5, "Project": 1, "Task": 3, "Document": 2, "Comment": 3}
    for name, fields in FIELDS.items():
        lines = [each for each in objects if each["__typename"] == name]
        text = NODES.format(name=name, fields=fields)
        found = (await app.run(people.member, text, ids=[each["id"] for each in lines]))["nodes"]
        assert [_sorted_labels(each) for each in lines] == [_sorted_labels(each) for each in found]


@pytest.mark.parametrize("archived", [False, True])
async def test_each_reader_is_shown_what_they_may_do_with_a_project(app: App, people: SampleTeam, archived: bool) -> None:
    led = (await mutate_ok(app, people.member, "projectCreate", teamId=people.team_id, name="Led by its creator"))["id"]
    await mutate_ok(app, people.owner, "projectSetMembers", id=led, addUserIds=[people.guest.id])
    if archived:
        await mutate_ok(app, people.owner, "projectUpdate", id=led, status="ARCHIVED")
    for person in (people.owner, people.member, people.guest):
        (line,) = [each for each in await read_snapshot(app, person, "PROJECT") if each["id"] == led]
        found = await app.run(person, "query ($id: ID!) { project(id: $id) { viewerCan } }", id=led)
        assert line["viewerCan"] == found["project"]["viewerCan"]


async def test_a_snapshot_holds_what_its_reader_may_see_and_nothing_else(app: App, people: SampleTeam) -> None:
    private = await create_project(app, people, "Private", private_to=[people.mate])
    open_task = await create_task(app, people, "Open")
    hidden = await create_task(app, people, "Hidden", by=people.owner, projectId=private)
    gone = await create_task(app, people, "Gone")
    said = await create_comment(app, people.owner, hidden, "Hidden too")
    await mutate_ok(app, people.member, "taskDelete", id=gone["id"])

    for person, tasks, comments in (
        (people.owner, {open_task["id"], hidden["id"]}, {said["id"]}),
        (people.member, {open_task["id"]}, set()),
        (people.guest, {open_task["id"]}, set()),
        (people.outsider, set(), set()),
    ):
        objects = await read_snapshot(app, person, *ALL)
        assert (_ids(objects, "Task"), _ids(objects, "Comment")) == (tasks, comments)
    assert people.team_id not in _ids(await read_snapshot(app, people.outsider, *ALL), "Team")


async def test_a_scope_narrows_each_type_as_it_narrows_changes(app: App, people: SampleTeam) -> None:
    other = await create_project(app, people, "Other")
    here, there = await create_task(app, people, "Here"), await create_task(app, people, "There", projectId=other)
    said = await create_comment(app, people.member, there, "About it")
    away = await read_snapshot(app, people.outsider, "PROJECT")
    assert _ids(await read_snapshot(app, people.owner, *ALL, projectIds=[other]), "Task") == {there["id"]}
    about = await read_snapshot(app, people.owner, *ALL, entityIds=[there["id"]])
    assert {each["id"] for each in about} == {there["id"], said["id"]}
    assert _ids(await read_snapshot(app, people.owner, *ALL, teamIds=[people.team_id]), "Task") == {here["id"], there["id"]}
    assert _ids(await read_snapshot(app, people.owner, *ALL, types=["PROJECT"]), "Task") == set()
    assert await read_snapshot(app, people.owner, *ALL, projectIds=[away[0]["id"]]) == []


async def test_what_changes_while_it_is_read_comes_after_the_cursor(app: App, people: SampleTeam) -> None:
    before = await create_task(app, people, "Before")
    found = await snapshot_of(app, people.member, "TASK")
    between = await create_task(app, people, "Between")
    await mutate_ok(app, people.member, "taskUpdate", id=before["id"], title="Renamed")
    text = (await download(app, people.member, found["url"])).text
    assert "Renamed" in text
    assert between["id"] in text
    after = await changes_since(app, people.member, found["cursor"])
    assert [(each["kind"], each["entityId"]) for each in after] == [("CREATED", between["id"]), ("UPDATED", before["id"])]


async def test_rights_are_those_of_the_download(app: App, people: SampleTeam) -> None:
    await create_task(app, people)
    found = await snapshot_of(app, people.member, *ALL)
    await mutate_ok(app, people.owner, "teamMemberRemove", teamId=people.team_id, userId=people.member.id)
    lines = (await download(app, people.member, found["url"])).text.splitlines()
    assert [line.count('"User"') for line in lines] == [1, 0]  # themselves, and the end


@pytest.mark.parametrize("what", ["of somebody else", "without a token", "changed", "expired", "without a signature"])
async def test_an_address_is_of_one_person_until_it_expires(app: App, people: SampleTeam, what: str) -> None:
    await create_task(app, people)
    url = (await snapshot_of(app, people.member, "TASK"))["url"]
    person: Person | None = people.member
    match what:
        case "of somebody else":
            person = people.owner
        case "without a token":
            person = None
        case "changed":
            url = url.replace("types=Task", "types=User")
        case "expired":
            url = app.resources.services.snapshot_urls.sign(
                "GET", "snapshot", {"for": str(people.member.user.id), "types": "Task"}, expires=1
            )
        case "without a signature":
            url = url.partition("&signature")[0]
    answer = await download(app, person, url)
    code = "UNAUTHENTICATED" if person is None else "FORBIDDEN"
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401 if person is None else 403, code)


@pytest.mark.parametrize(
    ("scopes", "types", "missing"),
    [
        ((), ["TASK"], "TASKS_READ"),
        ((Scope.TASKS_READ,), ["TASK"], "PROJECTS_READ"),
        ((Scope.TASKS_READ, Scope.PROJECTS_READ), ["DOCUMENT"], "DOCUMENTS_READ"),
        ((Scope.TASKS_READ,), ["USER"], "TEAMS_READ"),
        ((Scope.TASKS_READ, Scope.PROJECTS_READ), ["TASK"], None),
    ],
)
async def test_a_token_needs_the_scopes_of_what_stands_in_the_lines(
    app: App, people: SampleTeam, scopes: tuple[Scope, ...], types: list[str], missing: str | None
) -> None:
    answer = await app.execute(people.member, SNAPSHOT_QUERY, actor=actor_with_scopes(people.member, *scopes), types=types)
    assert [each["extensions"].get("scope") for each in answer.get("errors", [])] == ([missing] if missing else [])


async def test_bad_questions_have_codes(app: App, people: SampleTeam) -> None:
    before = await table_states(app)
    for variables, code in (
        ({"types": []}, "REQUIRED"),
        ({"types": ["TASK"], "scope": {"projectIds": ["nonsense"]}}, "INVALID"),
        (
            {"types": ["TASK"], "scope": {"teamIds": [people.team_id] * 60, "projectIds": [people.project_id] * 60}},
            "LIMIT_EXCEEDED",
        ),
    ):
        answer = await app.execute(people.member, SNAPSHOT_QUERY, **variables)
        assert answer["errors"][0]["extensions"]["code"] == code
    assert await table_states(app) == before


async def test_a_download_is_compressed_for_who_takes_it_and_readable_by_pages_that_are_allowed(
    app: App, people: SampleTeam
) -> None:
    for number in range(3):
        await create_task(app, people, f"Task {number}")
    url = (await snapshot_of(app, people.member, "TASK"))["url"]
    plain = await download(app, people.member, url, {"accept-encoding": "identity"})
    packed = await download(app, people.member, url, {"accept-encoding": "gzip", "origin": "https://app.example.com"})
    assert (plain.headers.get("content-encoding"), packed.headers["content-encoding"]) == (None, "gzip")
    assert sorted(plain.text.splitlines()) == sorted(packed.text.splitlines())
    assert packed.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in plain.headers
    assert (plain.headers["content-type"], plain.headers["cache-control"]) == ("application/x-ndjson", "no-store")


async def test_each_download_is_charged_and_few_run_at_once(app: App, people: SampleTeam) -> None:
    await create_task(app, people)
    url = (await snapshot_of(app, people.member, "TASK"))["url"]
    charged: list[int] = []

    async def charge(_: object, __: str | None, cost: int) -> None:
        charged.append(cost)

    endpoint = snapshot_endpoint(app, charge=charge)
    assert (await download(app, people.member, url, endpoint=endpoint)).status_code == 200
    assert charged == [DOWNLOAD_COST]

    endpoint._downloads[people.member.user.id] = 2
    refused = await download(app, people.member, url, endpoint=endpoint)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (503, "OVERLOADED")
    assert refused.headers["retry-after"] == "1"
    assert charged == [DOWNLOAD_COST]


async def test_downloads_that_begin_at_once_are_as_few_as_those_that_begin_one_by_one(app: App, people: SampleTeam) -> None:
    together = asyncio.Barrier(6)

    async def charge(credentials: object, address: str | None, cost: int) -> None:
        await together.wait()  # all are known to be allowed before the first has begun

    endpoint = snapshot_endpoint(app, charge=charge)
    url = (await snapshot_of(app, people.member, "TASK"))["url"]
    answers = await asyncio.gather(*(download(app, people.member, url, endpoint=endpoint) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503, 503]
    assert not endpoint._downloads
