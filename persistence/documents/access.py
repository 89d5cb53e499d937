"""Reads what people, and those who have a share link, may do with a document, by the same policy that the rules enforce."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select
from sqlalchemy import any_ as sql_any

from domain.actor import Actor
from domain.permissions import READ_ONLY, Action, ResourceKind, Role, granted_actions
from persistence.access import project_open_to
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.stores import share_link
from persistence.tables import documents, projects, team_members

_d, _p, _m = documents, projects, team_members
_ACCESS = Statement(
    select(_d.c.team_id, _m.c.user_id, _m.c.role, _p.c.status)
    .select_from(
        _d.join(_p, _p.c.id == _d.c.project_id).outerjoin(
            _m,
            (_m.c.team_id == _p.c.team_id)
            & (_m.c.user_id == sql_any(bindparam("users", type_=ARRAY(Uuid))))
            & project_open_to(_p, _m, _m.c.user_id),
        )
    )
    .where(_d.c.id == bindparam("id", type_=Uuid), _d.c.deleted_at.is_(None), _p.c.deleted_at.is_(None))
)


class DocumentAccessReader:
    """Reads rights in documents; lives as long as the process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def access(self, document_id: UUID, user_ids: Collection[UUID]) -> tuple[UUID, dict[UUID, frozenset[Action]]] | None:
        """
        The team of a document and what each of these users may do with it; None when there is none, or it is deleted.

        The ids may be those of share links to the document too, which may read it. Raises Unavailable.
        """
        rows = await self._database.fetch(_ACCESS, id=document_id, users=list(user_ids))
        if not rows:
            return None
        found = {
            row["user_id"]: granted_actions(
                Actor(user_id=row["user_id"]), Role(row["role"]), ResourceKind.DOCUMENT, archived=row["status"] == "ARCHIVED"
            )
            for row in rows
            if row["user_id"] is not None
        }
        if others := set(user_ids) - found.keys():
            found |= dict.fromkeys(await share_link.open_to(self._database, document_id, others), READ_ONLY)
        return rows[0]["team_id"], found
