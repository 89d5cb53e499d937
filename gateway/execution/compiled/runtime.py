"""Functions that generated code calls: they regroup children by parent, and notice nulls where none may be.

What they do, by example (`None` stands for a missing object or list):

    scatter([ada, None, bob], [{"name": "Ada"}, {"name": "Bob"}])   # [{"name": "Ada"}, None, {"name": "Bob"}]
    distinct([ada, bob, ada])                                   # [ada, bob]
    expand([ada, bob, ada], [ada, bob], [{"name": "Ada"}, {"name": "Bob"}])
                                                                # [{"name": "Ada"}, {"name": "Bob"}, {"name": "Ada"}]
    flatten([[1, 2], None, [3]])                                # [1, 2, 3]
    unflatten([[1, 2], None, [3]], ["a", "b", "c"])             # [["a", "b"], None, ["c"]]
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any


class NullInNonNull(Exception):
    """A field that may not be null has no value; graphql-core words the error and propagates the null."""


class UnknownType(Exception):
    """An object names a type that its interface or union does not include."""


def non_null(objects: list[Any]) -> list[Any]:
    """The objects that are not None; the same list when none is."""
    return objects if None not in objects else [each for each in objects if each is not None]


def require_non_null(values: Sequence[Any]) -> Sequence[Any]:
    """The same values; raises NullInNonNull where one is missing."""
    for value in values:
        if value is None:
            raise NullInNonNull
    return values


def scatter(objects: Sequence[Any], values: Iterable[Any]) -> list[Any]:
    """The values of the objects that are not None, with None in the places of the others."""
    remaining = iter(values)
    return [None if each is None else next(remaining) for each in objects]


def distinct(objects: list[Any]) -> list[Any]:
    """The objects without repetitions, which to-one relations often have; the same list when there are none."""
    unique = dict(zip(map(id, objects), objects, strict=True))
    return objects if len(unique) == len(objects) else list(unique.values())


def expand(objects: list[Any], unique: list[Any], values: list[Any]) -> list[Any]:
    """The values of the distinct objects, in the places of all; equal objects share one value."""
    if unique is objects:
        return values
    by_object = dict(zip(map(id, unique), values, strict=True))
    return list(map(by_object.__getitem__, map(id, objects)))


def flatten(lists: Sequence[Any]) -> list[Any]:
    """The items of all lists in order; None has none."""
    return [item for each in lists if each is not None for item in each]


def unflatten(lists: Sequence[Any], items: Sequence[Any]) -> list[Any]:
    """The values of the flattened items, in lists of the original lengths."""
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
    """The objects by the names of their types, without those that are None. Raises UnknownType."""
    groups: dict[str, list[Any]] = {}
    for each in objects:
        if each is not None:
            groups.setdefault(type_name_of(each), []).append(each)
    if not groups.keys() <= set(type_names):
        raise UnknownType
    return groups


def merge_by_type(objects: Sequence[Any], type_name_of: Callable[[Any], str], values: dict[str, list[Any]]) -> list[Any]:
    """The values of the objects of each type, in the order of the objects."""
    remaining = {type_name: iter(each) for type_name, each in values.items()}
    return [None if each is None else next(remaining[type_name_of(each)]) for each in objects]
