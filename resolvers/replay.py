"""Loads the objects of a replayed mutation result as they are now, with the viewer's rights of now.

Objects are read by the loaders of `node`, so a replay shows nothing that a query would not show. An object that is gone or
hidden is null, and the payload's `errors` say so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from domain.actor import Scope
from domain.errors import DomainError, Forbidden, NotFound
from domain.permissions import Action
from domain.task import TaskResult
from resolvers.context import Context
from resolvers.mutation_result import MutationResult, StoredReference
from resolvers.node import FINDERS, find

_Objects = Mapping[StoredReference, Any]


async def load_replayed(context: Context, result: MutationResult) -> MutationResult:
    """The result with objects in place of its references."""
    references = list(dict.fromkeys(each for value in result.values.values() for each in _references(value)))
    readable = [each for each in references if _read_scope(context, each) in context.viewer.scopes]
    found = await find(context, [(each.type_name, each.id) for each in readable])
    objects = {reference: each for reference, each in zip(readable, found, strict=True) if each is not None}
    errors: list[DomainError] = []
    if len(readable) < len(references):
        errors.append(Forbidden(Action.READ, "The token does not allow reading the result."))
    elif len(objects) < len(references) and "refused" not in result.values:
        errors.append(NotFound())
    values = {name: _with_objects(value, objects) for name, value in result.values.items()}
    return MutationResult(
        client_mutation_id=result.client_mutation_id, positions=result.positions, errors=[*result.errors, *errors], values=values
    )


def _read_scope(context: Context, reference: StoredReference) -> Scope:
    if reference.type_name == "User" and reference.id == context.viewer.user_id:
        return Scope.PROFILE_READ  # as for the query `viewer`
    return FINDERS[reference.type_name][0]


def _references(value: Any) -> Iterator[StoredReference]:
    match value:
        case StoredReference():
            yield value
        case TaskResult():
            yield from _references(value.task)
        case list():
            for each in value:
                yield from _references(each)


def _with_objects(value: Any, objects: _Objects) -> Any:
    match value:
        case StoredReference():
            return objects.get(value)
        case TaskResult():
            return replace(value, task=_with_objects(value.task, objects))
        case list():
            return [_with_objects(each, objects) for each in value]
    return value
