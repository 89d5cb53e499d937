"""Declares input types, and reads their values.

An omitted field leaves a value unchanged, null clears it: an optional field defaults to UNSET, and `to_values` leaves these
fields out. It also decodes global ids to UUIDs; ids of another type are refused with the paths of their fields, all of them at
once.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar, cast, dataclass_transform
from uuid import UUID

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from domain.errors import DomainError, Invalid, LimitExceeded, MultipleErrors, Path
from domain.global_id import is_made
from resolvers import ids

T = TypeVar("T", bound=type)
MAX_IDS = 100
NO_TYPES: Mapping[str, str] = MappingProxyType({})


@dataclass_transform(kw_only_default=True)
def input_type(description: str, *, name: str | None = None) -> Any:
    """An input object type."""

    def declare(cls: T) -> T:
        return strawberry.input(cls, description=description, name=name)

    return declare


def required(description: str, *, of: str | None = None, name: str | None = None) -> Any:
    """A required field; `of` names the type of a global id. `name`: the name in the graph, where it is a keyword in Python."""
    return strawberry.field(description=description, metadata={"of": of}, name=name)


def optional(description: str, *, of: str | None = None, default: Any = UNSET, name: str | None = None) -> Any:
    """An optional field; `of` names the type of a global id. `name`: the name in the graph, where it is a keyword in Python."""
    return strawberry.field(description=description, default=default, metadata={"of": of}, name=name)


def client_mutation_id() -> Any:
    """The last field of every mutation's input."""
    return optional("Echoed in the payload; the idempotency key of this call for 24 hours.")


def describe_argument(input_: Any, *, id_types: Mapping[str, str] = NO_TYPES, replayed: bool) -> str:
    """
    What a mutation's argument must hold, in words; `replayed`: whether a retry is recognized. For example

        Requires `projectId` (of a Project) and `title`. With `clientMutationId`, a retry has no further effect.
    """
    definitions = {each.python_name: each for each in input_.__strawberry_definition__.fields}
    needed = []
    for name, shown, of in _declared_fields(input_):
        if definitions[name].default is dataclasses.MISSING:
            types = id_types.get(name, of)
            needed.append(f"`{shown}`" + (f" (of {_one_of(types)})" if types else ""))
    listed = " and ".join((", ".join(needed[:-1]), needed[-1]) if len(needed) > 1 else needed)
    sentence = f"Requires {listed}." if needed else "No field is required."
    return f"{sentence} With `clientMutationId`, a retry has no further effect." if replayed else sentence


def _one_of(types: str) -> str:
    return " or ".join(f"{'an' if each[0] in 'AEIOU' else 'a'} {each}" for each in types.split("|"))


def to_values(value: Any, path: Path = ("input",), *, id_types: Mapping[str, str] = NO_TYPES) -> dict[str, Any]:
    """
    The values of an input by attribute name, without omitted fields.

    `id_types` names the types of ids that the input does not declare. Raises Invalid for a bad id, MultipleErrors for several.
    """
    refusals: list[DomainError] = []
    read = _to_values(value, path, refusals, id_types)
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise MultipleErrors(refusals)
    return read


def _to_values(value: Any, path: Path, errors: list[DomainError], id_types: Mapping[str, str] = NO_TYPES) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, shown, of in _declared_fields(cast(Any, type(value))):
        held = getattr(value, name)
        if held is UNSET:
            continue
        expected = id_types.get(name, of)
        if expected is not None and held is not None:
            held = _decode_ids(held, expected, (*path, shown), errors)
        elif isinstance(held, UUID) and not is_made(held):
            errors.append(Invalid((*path, shown), "Nobody can have made this id: bring a UUID of version 4 or 7."))
        elif is_dataclass(held):
            held = _to_values(held, (*path, shown), errors)
        elif isinstance(held, list) and held and is_dataclass(held[0]):
            held = [_to_values(item, (*path, shown, str(index)), errors) for index, item in enumerate(held)]
        read[name] = held
    return read


@cache
def _declared_fields(input_: Any) -> list[tuple[str, str, str | None]]:
    """An input's fields: name, name in the graph, and the type of a global id."""
    declared = {each.python_name: each for each in input_.__strawberry_definition__.fields}
    return [
        (each.name, declared[each.name].graphql_name or to_camel_case(each.name), declared[each.name].metadata.get("of"))
        for each in fields(input_)
    ]


def _decode_ids(value: Any, expected: str, path: Path, errors: list[DomainError]) -> Any:
    if not isinstance(value, list):
        return _decode_id(value, expected, path, errors)
    if len(value) > MAX_IDS:
        errors.append(LimitExceeded(f"At most {MAX_IDS} ids are allowed.", MAX_IDS, path=path))
        return []
    return [_decode_id(item, expected, (*path, str(index)), errors) for index, item in enumerate(value)]


def _decode_id(value: str, expected: str, path: Path, errors: list[DomainError]) -> UUID | None:
    found = ids.parse_of(value, expected.split("|"))
    if found is None:
        errors.append(Invalid(path, f"This is not the id of a {expected.replace('|', ' or ')}."))
    return found
