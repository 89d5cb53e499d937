"""Locks an id before there is a row that could be locked.

Watching, comments and visits refer to their subject by id alone, so no document may have the id of a task, nor a task that of a
document. An operation that creates either under an id that a client brought locks the id first, and then checks for the other: in
a statement of its own, which sees what was committed while it waited. The cleanup of a document's objects locks its id, too.
"""

from uuid import UUID

from sqlalchemy import Text, bindparam, func, literal_column, select

from persistence.engine.database import Connection
from persistence.engine.statement import Statement

_LOCK_ID = Statement(
    select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), literal_column("0"))))
)


async def lock_id(connection: Connection, id_: UUID) -> None:
    """Lock an id until the end of the transaction."""
    await connection.fetch_row(_LOCK_ID, name=str(id_))
