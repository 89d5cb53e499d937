"""`personal`: whoever has equal rights is told the same by every field that is not declared to be about the viewer himself."""

from typing import Any

import pytest
from graphql import GraphQLField, GraphQLNonNull, GraphQLObjectType, get_named_type, is_leaf_type

from resolvers import ids
from schema.root import bindings, schema
from tests.support.app import App, Person
from tests.support.audit import record_team
from tests.support.graph_actions import create_comment, create_task, mutate, mutate_ok
from tests.support.oauth import registered
from tests.support.teams import SampleTeam, uuid_of
from tests.support.webhooks import create_webhook

TYPES = schema._schema.type_map


def selection(field: GraphQLField, depth: int = 0) -> str | None:
    """What to ask of a field, as deep as it tells viewers apart; None when it needs arguments."""
    if any(isinstance(arg.type, GraphQLNonNull) and arg.default_value is None for arg in field.args.values()):
        return None
    named = get_named_type(field.type)
    if is_leaf_type(named):
        return ""
    if not isinstance(named, GraphQLObjectType) or depth == 2:
        return "{ __typename }"
    if "pageInfo" in named.fields:
        return (
            "{ nodes { __typename id } }"
            if "id" in get_named_type(named.fields["nodes"].type).fields
            else "{ nodes { __typename } }"
        )
    inner = [
        f"{name} {chosen}"
        for name, each in named.fields.items()
        if (binding := bindings.get(f"{named.name}.{name}"))
        and not binding.personal
        and (chosen := selection(each, depth + 1)) is not None
    ]
    return f"{{ {' '.join(inner)} }}"


async def differing_fields(app: App, one: Person, other: Person, objects: dict[str, str]) -> set[str]:
    """The fields of these objects, by type, that tell two people different things."""
    found = set()
    for type_name, id_ in objects.items():
        type_ = TYPES[type_name]
        assert isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items():
            chosen = selection(field)
            if chosen is None:
                continue
            query = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ {name} {chosen} }} }} }}"
            answers: list[Any] = [await app.run(each, query, id=id_) for each in (one, other)]
            assert answers[0]["node"] is not None, type_name
            if answers[0] != answers[1]:
                found.add(f"{type_name}.{name}")
    return found


@pytest.mark.slow
async def test_only_personal_fields_give_people_with_equal_rights_different_things(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team, "Looked at", assigneeId=team.member.id)
    said = await create_comment(app, team.member, card)
    await mutate(app, team.member, "commentReact", "errors { code }", id=said["id"], emoji="👍", on=True)
    await mutate(app, team.mate, "taskUpdate", id=card["id"], title="Changed by another")
    label = (await mutate(app, team.admin, "labelCreate", "label { id }", teamId=team.team_id, name="Red", color="#ff0000"))[
        "label"
    ]
    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, leadId=team.member.id)
    await registered(app, team.owner, team.team_id)
    await record_team(app, team)
    await create_webhook(app, team.owner, team.team_id)
    rows = await app.sql.fetch("SELECT id FROM events WHERE entity_id = $1 ORDER BY position", uuid_of(card["id"]))
    objects = {
        "Task": card["id"],
        "Comment": said["id"],
        "Project": team.project_id,
        "Team": team.team_id,
        "User": team.member.id,
        "Label": label["id"],
        "Activity": ids.encode("Activity", rows[0]["id"]),
        "Change": ids.encode("Change", rows[0]["id"]),
    }
    personal = {coordinate for coordinate, binding in bindings.items() if binding.personal}
    found = await differing_fields(app, team.member, team.mate, objects)
    assert found - personal == set(), "declare these personal"
    found |= await differing_fields(app, team.owner, team.mate, objects)
    same = {each for each in personal - found if each.partition(".")[0] in objects}
    assert same == {"Task.viewerCan", "Team.templates"}, "whoever is no guest may do the same with a task, and sees templates"
