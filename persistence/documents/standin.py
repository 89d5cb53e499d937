"""Stands in for the archive until it is merged."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select
from sqlalchemy import any_ as sql_any

from domain.actor import Actor
from domain.permissions import Action, Kind, Role, granted
from persistence.access import opens
from persistence.database import Database, Statement
from persistence.documents.objects import DocumentObjects
from persistence.documents.states import States
from persistence.tables import documents, projects, team_members

_d, _p, _m = documents, projects, team_members
_STANDING = Statement(
    select(_d.c.team_id, _m.c.user_id, _m.c.role, _p.c.status)
    .select_from(
        _d.join(_p, _p.c.id == _d.c.project_id).outerjoin(
            _m,
            (_m.c.team_id == _p.c.team_id)
            & (_m.c.user_id == sql_any(bindparam("users", type_=ARRAY(Uuid))))
            & opens(_p, _m, _m.c.user_id),
        )
    )
    .where(_d.c.id == bindparam("id", type_=Uuid), _d.c.deleted_at.is_(None), _p.c.deleted_at.is_(None))
)


class Archive:
    def __init__(self, database: Database, objects: DocumentObjects) -> None:
        self.states = States(database, objects)
        self._database = database

    async def snapshot(self, document_id: UUID) -> tuple[bytes, int] | None:
        (state,) = await self.states.of([document_id])
        return None if state.snapshot is None else (state.snapshot, state.since)

    async def settle(self, document_id: UUID) -> bool:
        return False

    async def standing(self, document_id: UUID, user_ids: Collection[UUID]) -> tuple[UUID, dict[UUID, frozenset[Action]]] | None:
        rows = await self._database.fetch(_STANDING, id=document_id, users=list(user_ids))
        if not rows:
            return None
        return rows[0]["team_id"], {
            row["user_id"]: granted(
                Actor(user_id=row["user_id"]), Role(row["role"]), Kind.DOCUMENT, archived=row["status"] == "ARCHIVED"
            )
            for row in rows
            if row["user_id"] is not None
        }
