"""Resolves undoing a change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.codec import encode
from domain.events import Entry
from domain.undo import DECISIONS, Derived, undo
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.logged_change import Change


async def run(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Undoes a change, or the mutation that caused it."""
    undone = await undo(uow, context.viewer, values["change_id"], values["scope"])
    await uow.flush_events()  # so that the change has its place in the log, and can be shown
    made = _main_entry(uow.entries, undone.entry)
    made = replace(made, payload=encode(made.payload))  # as whoever reads it from the log finds it
    return {"change": Change(made, {made.stream: made.position}), "refusals": list(undone.refusals)}


def _main_entry(entries: Sequence[Entry], undone: Entry) -> Entry:
    """The entry that tells of the undoing: of the same object, if it is among those that were undone."""
    told = [each for each in entries if not isinstance(DECISIONS[each.type], Derived)]
    return next((each for each in told if each.entity_id == undone.entity_id), told[0])
