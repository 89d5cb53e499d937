"""Frozen dataclasses to plain JSON values and back, for the event log and for remembered results.

`encode` gives str, int, float, bool, None, list and dict only. `decode` builds the class from its annotations and ignores keys it
does not know, so that an older process reads what a newer one wrote. Converters are made once per class. Rejected: pickle (binds
the log to the code that wrote it), pydantic (the domain imports only the standard library).
"""

import base64
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

T = TypeVar("T")
Converter = Callable[[Any], Any]


def encode(value: Any) -> Any:
    """The JSON value of a dataclass, or of anything that its attributes may hold."""
    cls = value.__class__
    write = _ENCODERS.get(cls)
    if write is None:
        write = _ENCODERS[cls] = _encoder_for(cls)
    return write(value)


def _encoder_for(cls: type[Any]) -> Converter:
    for kind, write in _ENCODERS_BY_TYPE:
        if issubclass(cls, kind):
            return write
    if is_dataclass(cls):
        names = [field.name for field in fields(cls)]
        return lambda value: {name: encode(getattr(value, name)) for name in names}
    raise TypeError(f"no JSON form for {cls.__name__}")


def decode(cls: type[T], data: Mapping[str, Any]) -> T:
    """The dataclass that `encode` was given."""
    return cls(**decode_attributes(cls, data))


def decode_attributes(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Those attributes of a dataclass that stand in `data`, as `decode` makes them."""
    return {name: convert(data[name]) for name, convert in _converters(cast(Hashable, cls)) if name in data}


@cache
def _converters(cls: Hashable) -> list[tuple[str, Converter]]:
    assert isinstance(cls, type)
    assert is_dataclass(cls)
    hints = get_type_hints(cls)
    return [(field.name, _converter(hints[field.name])) for field in fields(cls)]


def _converter(hint: Any) -> Converter:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        if len(inner) != 1:
            return _as_is
        convert = _converter(inner[0])
        return lambda value: None if value is None else convert(value)
    if origin in (tuple, frozenset, list):
        item = _converter(get_args(hint)[0])
        return lambda value: origin(item(each) for each in value)
    if not isinstance(hint, type):
        return _as_is
    if issubclass(hint, UUID) or issubclass(hint, Enum):
        return hint
    if issubclass(hint, date):
        return hint.fromisoformat
    if issubclass(hint, bytes):
        return base64.b64decode
    if is_dataclass(hint):
        return lambda value: decode(hint, value)
    return _as_is


def _as_is(value: Any) -> Any:
    return value


_ENCODERS: dict[type[Any], Converter] = {}
_ENCODERS_BY_TYPE: tuple[tuple[type[Any] | tuple[type[Any], ...], Converter], ...] = (
    (Enum, lambda value: value.value),
    ((type(None), bool, int, float, str), _as_is),
    (UUID, str),
    (date, lambda value: value.isoformat()),
    (bytes, lambda value: base64.b64encode(value).decode()),
    (Mapping, lambda value: {str(key): encode(item) for key, item in value.items()}),
    ((list, tuple, frozenset, set), lambda value: [encode(item) for item in value]),
)
