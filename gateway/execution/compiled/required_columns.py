"""Finds which attributes of a field's rows an operation reads, so that the statement selects no others, and what it may join.

Decoding a row costs by its columns: a page of 50 tasks with all 23 takes twice as long as with the nine that a board shows. The
result is a hint (`Context.requested_columns`). A batch function that ignores it fetches everything; a field whose needs are not
declared (`Binding.needs`) requires everything; and where a declaration is wrong the program fails on the missing attribute and
graphql-core, which always fetches everything, answers instead.

The objects that a single object refers to may be joined to it (`required_joins`, `persistence.engine.lookup`), another hint.
"""

from collections.abc import Mapping, Sequence

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLOutputType
from graphql.language import SelectionSetNode

from gateway.execution.compiled.selections import FieldCollector
from persistence.engine.lookup import Joined, Joins
from persistence.engine.pages import CURSOR
from persistence.engine.rows import text_key
from resolvers.page import ToOneLoader
from schema.fields import Binding

RequiredColumns = frozenset[str] | None


def required_columns(
    type_: GraphQLOutputType,
    selection_sets: Sequence[SelectionSetNode],
    collector: FieldCollector,
    bindings: Mapping[str, Binding],
) -> RequiredColumns:
    """The attributes that a selection reads of a row, or of the rows behind a connection; None for all of them."""
    connection = _object_type(type_)
    if connection is None:
        return None
    if "nodes" not in connection.fields:
        return _required_of_rows(type_, selection_sets, collector, bindings)
    found: set[str] = set()
    for nodes in collector.collect_fields(connection, selection_sets).values():
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        match nodes[0].name.value:
            case "nodes":
                needs = _required_of_rows(connection.fields["nodes"].type, below, collector, bindings)
            case "edges":
                needs = _required_of_edges(connection.fields["edges"].type, below, collector, bindings)
            case "pageInfo":
                needs = frozenset({CURSOR})
            case _:
                needs = frozenset[str]()
        if needs is None:
            return None
        found |= needs
    return frozenset(found)


def _required_of_edges(
    type_: GraphQLOutputType,
    selection_sets: Sequence[SelectionSetNode],
    collector: FieldCollector,
    bindings: Mapping[str, Binding],
) -> RequiredColumns:
    edge = _object_type(type_)
    assert edge is not None
    found = {CURSOR}  # an edge has a cursor
    for nodes in collector.collect_fields(edge, selection_sets).values():
        name = nodes[0].name.value
        if name == "node":
            below = [node.selection_set for node in nodes if node.selection_set is not None]
            needs = _required_of_rows(edge.fields["node"].type, below, collector, bindings)
            if needs is None:
                return None
            found |= needs
        elif name not in ("cursor", "__typename"):
            return None
    return frozenset(found)


def _required_of_rows(
    type_: GraphQLOutputType,
    selection_sets: Sequence[SelectionSetNode],
    collector: FieldCollector,
    bindings: Mapping[str, Binding],
) -> RequiredColumns:
    row = _object_type(type_)
    if row is None:
        return None
    found: set[str] = set()
    for nodes in collector.collect_fields(row, selection_sets).values():
        name = nodes[0].name.value
        if name == "__typename":
            continue
        binding = bindings.get(f"{row.name}.{name}")
        if binding is None or binding.needs is None:
            return None
        found.update([text_key(binding.batch.attribute)] if isinstance(binding.batch, ToOneLoader) else binding.needs)
    return frozenset(found)


def required_joins(
    type_: GraphQLOutputType,
    selection_sets: Sequence[SelectionSetNode],
    collector: FieldCollector,
    bindings: Mapping[str, Binding],
) -> Joins:
    """What a selection reads of the objects that a single object refers to, and of those that they refer to."""
    row = _object_type(type_)
    if row is None:
        return ()
    joins: dict[str, Joined | None] = {}
    """By foreign key; None where two fields read different parts of one object, or unknown ones."""
    for nodes in collector.collect_fields(row, selection_sets).values():
        binding = bindings.get(f"{row.name}.{nodes[0].name.value}")
        if binding is None or not isinstance(binding.batch, ToOneLoader):
            continue
        attribute, query = binding.batch.attribute, binding.batch.query
        field_type = row.fields[nodes[0].name.value].type
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        columns = _required_of_rows(field_type, below, collector, bindings)
        joined = None
        if query is not None and columns is not None:
            joined = Joined(attribute, query, columns, required_joins(field_type, below, collector, bindings))
        joins[attribute] = joined if joins.get(attribute, joined) == joined else None
    return tuple(each for each in joins.values() if each is not None)


def _object_type(type_: GraphQLOutputType) -> GraphQLObjectType | None:
    while isinstance(type_, GraphQLNonNull | GraphQLList):
        type_ = type_.of_type
    return type_ if isinstance(type_, GraphQLObjectType) else None
