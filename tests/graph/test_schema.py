"""The schema as a whole: everything is described and guarded, and the printed SDL is the one under review."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    Undefined,
    is_introspection_type,
    is_specified_scalar_type,
)
from graphql.utilities import find_breaking_changes
from graphql.utilities.build_ast_schema import build_schema

from domain.actor import Scope
from resolvers.context import Context
from schema.field_rules import READ_SCOPES, MissingFieldRule, collect_bindings
from schema.fields import leaf, query, relation
from schema.root import bindings, schema

_FOLDER = Path(__file__).parents[2] / "schema"


def descriptions() -> Iterator[tuple[str, str | None]]:
    """Every coordinate of the graph with its description."""
    for name, type_ in schema._schema.type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        yield name, type_.description
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for field, declared in type_.fields.items():
                    yield f"{name}.{field}", declared.description
                    yield from ((f"{name}.{field}({arg}:)", given.description) for arg, given in declared.args.items())
            case GraphQLInputObjectType():
                yield from ((f"{name}.{field}", declared.description) for field, declared in type_.fields.items())
            case GraphQLEnumType():
                yield from ((f"{name}.{value}", declared.description) for value, declared in type_.values.items())


def test_every_type_field_argument_and_value_is_described() -> None:
    coordinates = dict(descriptions())
    assert len(coordinates) > 500
    assert [coordinate for coordinate, text in coordinates.items() if not text or not text.strip()] == []


def test_the_argument_of_a_mutation_names_what_it_requires() -> None:
    mutations = schema._schema.mutation_type
    assert mutations is not None
    for name, field in mutations.fields.items():
        argument = field.args["input"]
        text = argument.description or ""
        fields = argument.type.of_type.fields
        for each, declared in fields.items():
            is_required = isinstance(declared.type, GraphQLNonNull) and declared.default_value is Undefined
            assert (f"`{each}`" in text.partition(". ")[0]) is is_required, (name, each, text)
    assert mutations.fields["taskCreate"].args["input"].description == (
        "Requires `projectId` (of a Project) and `title`. With `clientMutationId`, a retry has no further effect."
    )
    assert mutations.fields["attachmentDelete"].args["input"].description == (
        "Requires `id` (of an Attachment). With `clientMutationId`, a retry has no further effect."
    )


def test_the_committed_sdl_is_the_schema() -> None:
    committed = (_FOLDER / "schema.graphql").read_text()
    assert committed.strip() == schema.as_str().strip(), "write it anew with: server.py schema"


def test_nothing_that_was_released_is_broken() -> None:
    released = build_schema((_FOLDER / "released.graphql").read_text())
    assert find_breaking_changes(released, build_schema(schema.as_str())) == []


def test_every_payload_says_what_was_refused_and_echoes_the_clients_id() -> None:
    payload = schema._schema.type_map["MutationPayload"]
    assert isinstance(payload, GraphQLInterfaceType)
    mutations = schema._schema.mutation_type
    assert mutations is not None
    for name, field in mutations.fields.items():
        assert list(field.args) == ["input"], name
        assert isinstance(field.type, GraphQLObjectType), name
        assert payload in field.type.interfaces, name
        taken = field.args["input"].type.of_type.fields
        assert list(taken)[-1] == "clientMutationId", name


# ── rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _things(context: Context) -> list[str]:
    del context
    return []


async def _owners(context: Context, parents: list[str]) -> list[str]:
    del context
    return parents


def test_every_field_of_an_object_type_has_a_rule() -> None:
    fields = {
        f"{name}.{field}"
        for name, type_ in schema._schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_)
        for field in type_.fields
    }
    assert set(bindings) == fields


def test_a_schema_whose_fields_all_have_rules_is_registered() -> None:
    @strawberry.type
    class Thing:
        name: str = leaf("Its name.")
        owner: str = relation(_owners, "Whose it is.", guard=Scope.TEAMS_READ)

    @strawberry.type
    class Query:
        things: list[Thing] = query(_things, "All of them.", guard=Scope.TASKS_READ)

    rules = collect_bindings(strawberry.Schema(query=Query))
    assert {name: binding.guard for name, binding in rules.items()} == {
        "Query.things": Scope.TASKS_READ,
        "Thing.name": "parent",
        "Thing.owner": Scope.TEAMS_READ,
    }


def test_a_field_without_a_rule_keeps_the_server_from_starting() -> None:
    @strawberry.type
    class Thing:
        name: str = leaf("Its name.")
        secret: str

        @strawberry.field
        def computed(self) -> str:
            return self.secret

    @strawberry.type
    class Query:
        things: list[Thing] = query(_things, "All of them.", guard="public")
        bare: str = strawberry.field(description="Nobody said who may ask.", default="")

    with pytest.raises(MissingFieldRule) as refused:
        collect_bindings(strawberry.Schema(query=Query))
    assert str(refused.value) == "no authorization rule for Query.bare, Thing.computed, Thing.secret"


def test_a_field_of_a_root_is_not_as_visible_as_its_parent() -> None:
    @strawberry.type
    class Query:
        things: list[str] = query(_things, "All of them.", guard="parent")

    with pytest.raises(MissingFieldRule, match=r"Query\.things"):
        collect_bindings(strawberry.Schema(query=Query))


def test_start_up_fails_when_a_field_has_no_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.field_rules.READ_SCOPES", {**READ_SCOPES, "Progress": Scope.AUDIT_READ})
    with pytest.raises(MissingFieldRule, match=r"Task\.subtaskProgress"):
        collect_bindings(schema)
