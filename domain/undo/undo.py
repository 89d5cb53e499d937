"""Undoes one change, or all that the mutation did that caused it: each object by itself, in the reverse order."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.actor import Actor
from domain.errors import DomainError, InsufficientScope, LimitExceeded, MultipleErrors, NotFound, NotUndoable
from domain.events import Entry
from domain.log_scope import scope_allows
from domain.ports import UnitOfWork
from domain.undo.change_log import Call, changed_fields, parent_of
from domain.undo.decisions import DECISIONS, Derived, Irreversible, Reversible
from domain.undo.task_link import is_twin

MAX_ENTRIES: Final = 1_000
"""Of a mutation that is undone."""
_PATH: Final = ("input", "changeId")
_WITH_PARENT: Final = frozenset(
    {
        "TaskDeleted",
        "TaskRestored",
        "DocumentDeleted",
        "DocumentRestored",
        "CommentDeleted",
        "CommentRestored",
    }
)
_MOVES: Final = frozenset({"TaskMoved", "DocumentMoved"})
_CREATIONS: Final = frozenset({"TaskCreated", "DocumentCreated", "CommentCreated", "LabelCreated", "ProjectCreated"})


class UndoScope(StrEnum):
    """How much of what a mutation did is undone."""

    MUTATION = "MUTATION"
    OBJECT = "OBJECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What became of it: the entry that was named, and what could not be undone of others, each with the entry's id at the end
    of its path."""

    entry: Entry
    refusals: Sequence[DomainError] = ()


async def undo(uow: UnitOfWork, actor: Actor, change_id: UUID, scope: UndoScope) -> Undone:
    """
    Write the inverse of what a mutation did, with the rights of now, as far as the actor may see it.

    Of several objects those are undone that can be; where none can be, or there is only one, the refusal is raised.
    """
    entry = await uow.change_log.entry(change_id, actor.user_id)
    if entry is None or not scope_allows(actor, entry.about_type):
        raise NotFound(_PATH)
    found = await uow.change_log.same_call(entry, actor.user_id, MAX_ENTRIES)
    if len(found) > MAX_ENTRIES:
        raise LimitExceeded("This changed too much to be undone at once.", MAX_ENTRIES, path=_PATH)
    found = [each for each in found if scope_allows(actor, each.about_type)]
    call = Call(found)
    wanted = call if scope is UndoScope.MUTATION else Call([each for each in found if each.entity_id == entry.entity_id])
    items = [each for each in wanted.entries if not _is_covered(each, wanted)]
    if not items:
        raise NotUndoable("This only follows from another change, or from none.")
    decisions = [DECISIONS.get(each.type, Irreversible("This was written by another version of the server.")) for each in items]
    for decision in decisions:
        if isinstance(decision, Reversible) and decision.scope not in actor.scopes:
            raise InsufficientScope(decision.scope)
    refusals: list[DomainError] = []
    for each, decision in reversed(list(zip(items, decisions, strict=True))):
        try:
            async with uow.savepoint():
                await _reverse(uow, actor, each, decision, call)
        except DomainError as error:
            error.path = _PATH if len(items) == 1 else (*_PATH, str(each.id))
            refusals.insert(0, error)
    if len(refusals) == len(items):
        raise refusals[0] if len(refusals) == 1 else MultipleErrors(refusals)
    return Undone(entry=entry, refusals=refusals)


async def _reverse(
    uow: UnitOfWork, actor: Actor, entry: Entry, decision: Reversible | Derived | Irreversible, call: Call
) -> None:
    match decision:
        case Reversible(reverse=reverse):
            await reverse(uow, actor, entry, call)
        case Irreversible(reason=reason):
            raise NotUndoable(reason)


def _is_covered(entry: Entry, call: Call) -> bool:
    """Whether an entry is undone with another one of those that are undone, or only follows from it."""
    if isinstance(DECISIONS.get(entry.type), Derived):
        return True
    created = call.about(entry.entity_id, *_CREATIONS)
    if created is not None and created is not entry:
        return True
    if entry.type in _WITH_PARENT:
        return parent_of(entry) in call.ids_of(entry.type)
    if entry.type in _MOVES:
        return _came_along(entry, call)
    if entry.type in ("TaskLinked", "TaskUnlinked"):
        return next(each for each in call.entries if each is entry or is_twin(each, entry)) is not entry
    if entry.type == "MembershipChanged":
        return any("owner_id" in changed_fields(each) for each in call.of_types("TeamUpdated"))
    if entry.type == "TaskUpdated":
        return bool(call.of_types("LabelRestored"))
    return False


def _came_along(entry: Entry, call: Call) -> bool:
    """Whether it changed projects because what it lies under did."""
    if "project_id" not in changed_fields(entry) or "parent_id" in changed_fields(entry):
        return False
    above = parent_of(entry)
    return any(each.entity_id == above and "project_id" in changed_fields(each) for each in call.of_types(entry.type))
