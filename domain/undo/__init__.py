"""Undoes changes: the inverse of what an entry of the log tells is written with the rights of now, as a change like any other.

Each kind of event has its decision in `domain.undo.decisions`: how it is reversed, whether it only follows from another one, or
why it cannot be undone. Events are undone one object at a time, each if nothing that it changed has been changed again.
"""

from domain.undo.change_log import Call, ChangeLog
from domain.undo.decisions import DECISIONS, Derived, Irreversible, Reversible
from domain.undo.undo import MAX_ENTRIES, UndoScope, undo

__all__ = [
    "DECISIONS",
    "MAX_ENTRIES",
    "Call",
    "ChangeLog",
    "Derived",
    "Irreversible",
    "Reversible",
    "UndoScope",
    "undo",
]
