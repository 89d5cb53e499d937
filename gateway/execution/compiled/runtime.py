"""What generated code calls: putting children back beside their parents, and noticing nulls where none may be."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any


class NullInNonNull(Exception):
    """A field that may not be null has no value: graphql-core words the error and decides how far it reaches."""


class UnknownType(Exception):
    """An object of an interface or union says that it is of a type which cannot stand there."""


def present(objects: list[Any]) -> list[Any]:
    """Those that are there; the same list when all are."""
    return objects if None not in objects else [each for each in objects if each is not None]


def full(values: Sequence[Any]) -> Sequence[Any]:
    """The same values; raises NullInNonNull where one is missing."""
    for value in values:
        if value is None:
            raise NullInNonNull
    return values


def scattered(objects: Sequence[Any], made: Iterable[Any]) -> list[Any]:
    """What was made of the objects that are there, in the places of all."""
    rest = iter(made)
    return [None if each is None else next(rest) for each in objects]


def distinct(objects: list[Any]) -> list[Any]:
    """The objects without repetitions, which to-one relations are full of; the same list when there are none."""
    found = dict(zip(map(id, objects), objects, strict=True))
    return objects if len(found) == len(objects) else list(found.values())


def repeated(objects: list[Any], found: list[Any], made: list[Any]) -> list[Any]:
    """What was made of the distinct objects, in the places of all. JSON is the same object twice as well."""
    if found is objects:
        return made
    by_object = dict(zip(map(id, found), made, strict=True))
    return list(map(by_object.__getitem__, map(id, objects)))


def flat(lists: Sequence[Any]) -> list[Any]:
    """The items of all lists, one after the other; a missing list has none."""
    return [item for each in lists if each is not None for item in each]


def nested(lists: Sequence[Any], made: Sequence[Any]) -> list[Any]:
    """What was made of the items, in lists again."""
    result: list[Any] = []
    start = 0
    for each in lists:
        if each is None:
            result.append(None)
        else:
            end = start + len(each)
            result.append(made[start:end])
            start = end
    return result


def by_type(objects: Sequence[Any], name: Callable[[Any], str], known: Collection[str]) -> dict[str, list[Any]]:
    """Objects by the names of their types; missing ones are left out. Raises UnknownType."""
    kinds: dict[str, list[Any]] = {}
    for each in objects:
        if each is not None:
            kinds.setdefault(name(each), []).append(each)
    if not kinds.keys() <= set(known):
        raise UnknownType
    return kinds


def in_order(objects: Sequence[Any], name: Callable[[Any], str], made: dict[str, list[Any]]) -> list[Any]:
    """What was made of the objects of each type, in the objects' order."""
    rests = {kind: iter(each) for kind, each in made.items()}
    return [None if each is None else next(rests[name(each)]) for each in objects]
