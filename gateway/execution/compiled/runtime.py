"""What generated code calls: putting children back beside their parents, and noticing nulls where none may be."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any


class NullInNonNull(Exception):
    """A field that may not be null has no value: graphql-core words the error and decides how far it reaches."""


class UnknownType(Exception):
    """An object of an interface or union says that it is of a type which cannot stand there."""


def non_null(objects: list[Any]) -> list[Any]:
    """Those that are there; the same list when all are."""
    return objects if None not in objects else [each for each in objects if each is not None]


def require_non_null(values: Sequence[Any]) -> Sequence[Any]:
    """The same values; raises NullInNonNull where one is missing."""
    for value in values:
        if value is None:
            raise NullInNonNull
    return values


def scatter(objects: Sequence[Any], values: Iterable[Any]) -> list[Any]:
    """What was made of the objects that are there, in the places of all."""
    rest = iter(values)
    return [None if each is None else next(rest) for each in objects]


def distinct(objects: list[Any]) -> list[Any]:
    """The objects without repetitions, which to-one relations are full of; the same list when there are none."""
    found = dict(zip(map(id, objects), objects, strict=True))
    return objects if len(found) == len(objects) else list(found.values())


def expand(objects: list[Any], unique: list[Any], values: list[Any]) -> list[Any]:
    """What was made of the distinct objects, in the places of all. JSON is the same object twice as well."""
    if unique is objects:
        return values
    by_object = dict(zip(map(id, unique), values, strict=True))
    return list(map(by_object.__getitem__, map(id, objects)))


def flatten(lists: Sequence[Any]) -> list[Any]:
    """The items of all lists, one after the other; a missing list has none."""
    return [item for each in lists if each is not None for item in each]


def unflatten(lists: Sequence[Any], items: Sequence[Any]) -> list[Any]:
    """What was made of the items, in lists again."""
    result: list[Any] = []
    start = 0
    for each in lists:
        if each is None:
            result.append(None)
        else:
            end = start + len(each)
            result.append(items[start:end])
            start = end
    return result


def group_by_type(
    objects: Sequence[Any], type_name_of: Callable[[Any], str], type_names: Collection[str]
) -> dict[str, list[Any]]:
    """Objects by the names of their types; missing ones are left out. Raises UnknownType."""
    kinds: dict[str, list[Any]] = {}
    for each in objects:
        if each is not None:
            kinds.setdefault(type_name_of(each), []).append(each)
    if not kinds.keys() <= set(type_names):
        raise UnknownType
    return kinds


def merge_by_type(objects: Sequence[Any], type_name_of: Callable[[Any], str], values: dict[str, list[Any]]) -> list[Any]:
    """What was made of the objects of each type, in the objects' order."""
    rests = {kind: iter(each) for kind, each in values.items()}
    return [None if each is None else next(rests[type_name_of(each)]) for each in objects]
