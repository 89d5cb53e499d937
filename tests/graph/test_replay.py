"""A replayed mutation writes nothing, and shows its objects as a query of the viewer would show them now."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.actor import Actor, Scope
from resolvers.mutation_result import STORED_TYPES
from resolvers.node import FINDERS
from schema.root import bindings
from tests.support.app import App, Person
from tests.support.graph_actions import (
    create_comment,
    create_document,
    create_task,
    mutate,
    mutate_ok,
    mutation_text,
    table_states,
)
from tests.support.teams import SampleTeam, uuid_of
from tests.support.tenant_copies import create_tenant_for
from tests.support.tenants import MUTATIONS, Tenant

_DELETED_FIRST = {"projectRestore": "projectDelete", "taskRestore": "taskDelete", "documentRestore": "documentDelete"}
_NOT_OF_OWNERS = (
    "apiTokenCreate",
    "invitationAccept",
    "pushDeviceRegister",
    "teamCreate",
    "userDelete",
    "userReactivate",
    "userSuspend",
)
_SECRET = ("factorConfirm", "factorStart", "passwordChange", "sessionReauthenticate")
_SCOPES = {
    f"{name.partition('.')[2]}": binding.guard
    for name, binding in bindings.items()
    if name.startswith("Mutation.") and binding.guard != "public"
}
_LIVE = ("documentApplyUpdate", "documentSetPresence")
REPLAYED = sorted(name for name in _SCOPES if name not in (*_NOT_OF_OWNERS, *_SECRET))


def object_ids(value: Any) -> Iterator[str]:
    """The global ids of the objects in an answer; rows of bulk results, which are none, are left out."""
    if isinstance(value, list):
        for each in value:
            yield from object_ids(each)
    elif isinstance(value, dict):
        if "id" in value and "index" not in value:
            yield value["id"]
        for each in value.values():
            yield from object_ids(each)


async def replay(app: App, person: Person, name: str, given: dict[str, Any], actor: Actor | None = None) -> Any:
    """The payload of a call, which has no top-level errors."""
    answer = await app.execute(person, mutation_text(name), actor=actor, input=given | {"clientMutationId": "k"})
    assert "errors" not in answer, answer
    return answer["data"][name]


async def first_call(app: App, tenant: Tenant, name: str) -> tuple[dict[str, Any], Any]:
    """The input and payload of a first call by the owner."""
    owner, given = tenant.team.owner, MUTATIONS[name].input(tenant)
    if name in _DELETED_FIRST:
        await mutate_ok(app, owner, _DELETED_FIRST[name], **given)
    payload = await replay(app, owner, name, given)
    assert payload["errors"] == []
    return given, payload


async def visible_ids(app: App, person: Person, ids: set[str], actor: Actor | None = None) -> set[str]:
    """Those of the ids under which the viewer finds an object."""
    found = set()
    for each in ids:
        answer = await app.execute(person, "query ($id: ID!) { node(id: $id) { id } }", actor=actor, id=each)
        if answer["data"]["node"] is not None:
            found.add(each)
    return found


# ADMIN and WEBHOOKS_MANAGE read what they write, jobs are started and read by TASKS_READ, and share links are made and read by
# PROJECTS_WRITE: there is no token that may do only one of them.
_READ_BY_ANOTHER_SCOPE = [
    name
    for name in REPLAYED
    if isinstance(scope := _SCOPES[name], Scope)
    and name not in (*_LIVE, "shareLinkCreate")
    and scope not in (Scope.ADMIN, Scope.TASKS_READ, Scope.WEBHOOKS_MANAGE)
]


@pytest.mark.parametrize("name", REPLAYED)
async def test_a_replay_shows_what_a_query_would_show_now_to_the_same_to_narrow_tokens_and_to_former_members(
    app: App, name: str
) -> None:
    tenant = await create_tenant_for(app, name)
    given, first = await first_call(app, tenant, name)
    if name not in _LIVE:
        before = await table_states(app)
        assert await replay(app, tenant.team.owner, name, given) == first
        assert await table_states(app) == before
    if name in _READ_BY_ANOTHER_SCOPE:
        await require_nothing_that_the_token_may_not_read(app, tenant.team.owner, name, given, first)
    await require_nothing_that_former_members_may_not_see(app, tenant.team.owner, name, given, first)


async def require_nothing_that_the_token_may_not_read(
    app: App, owner: Person, name: str, given: dict[str, Any], first: Any
) -> None:
    """A token that may only write is shown no object."""
    scope = _SCOPES[name]
    assert isinstance(scope, Scope)
    narrow = Actor(user_id=owner.user.id, scopes=frozenset({scope}))
    text = mutation_text(name, _top_level_objects(first))
    answer = await app.execute(owner, text, actor=narrow, input=given | {"clientMutationId": "k"})
    assert "errors" not in answer, answer
    again = answer["data"][name]
    assert list(object_ids(again)) == []
    if list(object_ids(first)):
        assert [each["code"] for each in again["errors"]] == ["FORBIDDEN"]


async def require_nothing_that_former_members_may_not_see(
    app: App, owner: Person, name: str, given: dict[str, Any], first: Any
) -> None:
    """The owner, who is made a stranger, is shown what they find by a query too."""
    await app.sql.execute("DELETE FROM project_members WHERE user_id = $1", owner.user.id)
    await app.sql.execute("DELETE FROM team_members WHERE user_id = $1", owner.user.id)
    visible = await visible_ids(app, owner, set(object_ids(first)))
    before = await table_states(app)
    again = await replay(app, owner, name, given)
    assert set(object_ids(again)) <= visible
    assert await table_states(app) == before
    refused = name in _LIVE or bool(set(object_ids(first)) - visible)
    assert [each["code"] for each in again["errors"]] == (["NOT_FOUND"] if refused else [])


def _top_level_objects(payload: Any) -> str:
    if "results" in payload:
        return "results { task { id } }"
    return " ".join(f"{name} {{ id }}" for name, value in payload.items() if isinstance(value, dict))


async def test_every_stored_type_can_be_loaded_again() -> None:
    assert {each.__name__ for each in STORED_TYPES} <= set(FINDERS)


async def test_a_replay_shows_the_object_as_it_is_now(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "First", "clientMutationId": "k"}
    made = await mutate_ok(app, team.member, "taskCreate", **given)
    await mutate_ok(app, team.mate, "taskUpdate", id=made["id"], title="Second")
    again = await mutate_ok(app, team.member, "taskCreate", **given)
    assert (again["id"], again["title"], again["version"]) == (made["id"], "Second", 2)
    await mutate_ok(app, team.mate, "taskDelete", id=made["id"])
    gone = await mutate_ok(app, team.member, "taskCreate", **given)
    assert gone["deletedAt"] is not None


_OPENED = """
  errors { code } document {
    content { text } crdt: content(format: CRDT) { crdt } preview latestVersion { id content { text } }
    versions { nodes { name content { text } } } diff { hunks { text } } attribution { author { id } }
    comments { nodes { body } } project { name } owner { id } children { nodes { title } } activity { totalCount }
  }
"""


async def test_a_former_member_reads_nothing_of_a_document_through_a_replay(app: App, team: SampleTeam) -> None:
    document = await create_document(app, team, "Plan", content="at first")
    given = {"id": document["id"], "title": "Mine", "clientMutationId": "k"}
    first = await mutate(app, team.mate, "documentUpdate", _OPENED, **given)
    assert first["document"]["content"]["text"] == "at first\n"
    await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    await mutate_ok(app, team.owner, "documentEdit", id=document["id"], base=1, append="SECRET")
    await create_comment(app, team.owner, document, "SECRET")
    assert await mutate(app, team.mate, "documentUpdate", _OPENED, **given) == {
        "clientMutationId": "k",
        "errors": [{"__typename": "NotFoundError", "code": "NOT_FOUND", "message": "Not found.", "path": None}],
        "document": None,
    }


async def test_of_a_bulk_call_a_replay_shows_the_rows_that_are_still_visible(app: App, team: SampleTeam) -> None:
    open_task, other = await create_task(app, team, "Open"), await create_task(app, team, "Other")
    given = {"ids": [open_task["id"], other["id"]], "set": {"status": "DONE"}, "clientMutationId": "k"}
    selection = "results { index id task { id status } }"
    first = await mutate(app, team.member, "tasksUpdate", selection, **given)
    assert [row["task"]["status"] for row in first["results"]] == ["DONE", "DONE"]
    await app.sql.execute("DELETE FROM tasks WHERE id = $1", uuid_of(other["id"]))
    again = await mutate(app, team.member, "tasksUpdate", selection, **given)
    assert [row["task"] for row in again["results"]] == [{"id": open_task["id"], "status": "DONE"}, None]
    assert [each["code"] for each in again["errors"]] == ["NOT_FOUND"]
