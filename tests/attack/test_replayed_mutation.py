"""A former member replays mutations that were remembered, to read through their payloads what was written later."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_composite_type, is_required_argument

from schema.root import schema
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_document, create_task, mutate, mutate_ok
from tests.support.teams import SampleTeam

_TYPES = schema._schema.type_map
_PAYLOAD_FIELDS = {
    "documentUpdate": "document",
    "documentSaveVersion": "version",
    "taskUpdate": "task",
    "projectUpdate": "project",
    "teamUpdate": "team",
    "commentCreate": "comment",
}


def whole_selection(type_name: str, depth: int) -> str:
    """Every field of a type that needs no arguments, down to a depth."""
    type_ = _TYPES[type_name]
    if not isinstance(type_, GraphQLObjectType):
        return "__typename"
    found = []
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if any(map(is_required_argument, field.args.values())) or name == "account":
            continue
        if not is_composite_type(inner):
            found.append(name)
        elif depth:
            found.append(f"{name} {{ {whole_selection(inner.name, depth - 1)} }}")
    return " ".join(found) or "__typename"


@pytest.mark.parametrize("name", sorted(_PAYLOAD_FIELDS))
@pytest.mark.parametrize("loss", ["removed", "private", "deleted"])
async def test_nothing_written_after_the_loss_of_rights_is_shown(app: App, team: SampleTeam, name: str, loss: str) -> None:
    task = await create_task(app, team)
    document = await create_document(app, team, "Plan", content="at first")
    targets: dict[str, dict[str, Any]] = {
        "documentUpdate": {"id": document["id"], "title": "Mine"},
        "documentSaveVersion": {"id": document["id"], "name": "Mine"},
        "taskUpdate": {"id": task["id"], "title": "Mine"},
        "projectUpdate": {"id": team.project_id, "description": "Mine"},
        "teamUpdate": {"id": team.team_id, "description": "Mine"},
        "commentCreate": {"subjectId": document["id"], "body": "Mine"},
    }
    given = targets[name] | {"clientMutationId": "k"}
    shown = _PAYLOAD_FIELDS[name]
    payload = _TYPES[f"{'Document' if shown == 'version' else shown.title()}Payload"]
    inner: Any = get_named_type(payload.fields[shown].type)  # type: ignore[attr-defined]
    selections = [f"{shown} {{ {field} }}" for field in _fields(inner.name)]
    first = await mutate(app, team.admin, name, f"{shown} {{ __typename }}", **given)
    assert first[shown] == {"__typename": inner.name}

    await app.sql.execute("DELETE FROM project_members WHERE user_id = $1", team.admin.user.id)
    if loss == "removed":
        await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.admin.id)
    elif loss == "private":
        await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, visibility="PRIVATE")
    await mutate_ok(app, team.owner, "documentEdit", id=document["id"], base=1, append="SECRET")
    await mutate_ok(app, team.owner, "documentSaveVersion", id=document["id"], name="SECRET")
    await mutate_ok(app, team.owner, "taskUpdate", id=task["id"], description="SECRET")
    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, description="SECRET")
    await create_comment(app, team.owner, document, "SECRET")
    if loss == "deleted":
        await mutate_ok(app, team.owner, "projectDelete", id=team.project_id)
    for selection in selections:
        again = await mutate(app, team.admin, name, selection, **given)
        assert "SECRET" not in str(again)
        if again[shown] is None:
            assert [each["code"] for each in again["errors"]] == ["NOT_FOUND"]


def _fields(type_name: str) -> list[str]:
    """The fields of a type, each with everything below it."""
    type_ = _TYPES[type_name]
    assert isinstance(type_, GraphQLObjectType)
    found = []
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if is_composite_type(inner):
            found.append(f"{name} {{ {whole_selection(inner.name, 1)} }}")
        else:
            found.append(name)
    return found
