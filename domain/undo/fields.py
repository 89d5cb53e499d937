"""Compares an object as it is now with what a change made of it, and says what its attributes were before."""

from collections.abc import Collection, Mapping
from typing import Any

from domain import codec
from domain.errors import UndoConflict
from domain.events import Entry, FieldChange, difference
from domain.undo.change_log import changed_fields


def values_before(current: Any, entry: Entry, *, unmoved: Collection[str] = ()) -> dict[str, Any]:
    """
    The attributes that the entry changed, as they are to be again.

    A list of references is not put back as a whole: what was added goes, what was removed comes back, the rest stays as it is
    now. Raises UndoConflict where an attribute is no longer what the change made of it; `unmoved` are not compared.
    """
    data: dict[str, Any] = {}
    moved: list[FieldChange] = []
    for name, change in changed_fields(entry).items():
        before, after, now = change.get("before"), change.get("after"), codec.encode(getattr(current, name))
        if isinstance(before, list) and isinstance(after, list):
            added, removed = [each for each in after if each not in before], [each for each in before if each not in after]
            if any(each not in now for each in added) or any(each in now for each in removed):
                moved.append(FieldChange(field=name, before=after, after=now))
            data[name] = sorted([*(each for each in now if each not in added), *removed])
        else:
            if now != after and name not in unmoved:
                moved.append(FieldChange(field=name, before=after, after=now))
            data[name] = before
    if moved:
        raise UndoConflict(current, moved)
    return codec.decode_attributes(type(current), data)


def require_as_created(current: Any, entry: Entry, *, more: Mapping[str, int] | None = None) -> None:
    """Raises UndoConflict unless an object is still as it was created. `more` counts what has been put under it since, by the
    name of that."""
    created = codec.decode(type(current), entry.payload["entity"])
    moved = list(difference(created, current))
    moved += [FieldChange(field=name, before=0, after=count) for name, count in (more or {}).items() if count]
    if moved:
        raise UndoConflict(current, moved)


def require_same_deletion(current: Any, entry: Entry) -> None:
    """Raises UndoConflict unless an object is deleted, or not, as the entry left it."""
    left = codec.decode_attributes(type(current), {"deleted_at": entry.payload["entity"]["deleted_at"]})["deleted_at"]
    if current.deleted_at != left:
        raise UndoConflict(current, [_deletion(left, current.deleted_at)])


def require_present(current: Any) -> None:
    """Raises UndoConflict where an object has been deleted since."""
    if current.deleted_at is not None:
        raise UndoConflict(current, [_deletion(None, current.deleted_at)])


def _deletion(then: Any, now: Any) -> FieldChange:
    return FieldChange(field="deleted_at", before=codec.encode(then), after=codec.encode(now))
